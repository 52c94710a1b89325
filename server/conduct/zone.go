package conduct

import (
	"time"
	_ "time/tzdata" // a decision must not depend on the zone files of the machine
)

const (
	daySeconds = 24 * 60 * 60
	// No zone is further from UTC than this.
	maxOffset = 16 * 60 * 60
)

var (
	firstSecond = time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastSecond  = time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// zone is a time zone as a table of spans of constant offset. With it this package
// decides how skipped and repeated hours are read, and a lookup takes nanoseconds.
// Span i is [starts[i], starts[i+1]); the first has no start, the last has no end.
type zone struct {
	name    string
	starts  []int64
	offsets []int64 // seconds east of UTC
}

// loadZone makes the table of a zone of the IANA list; it returns nil for an unknown name.
func loadZone(name string) *zone {
	// Names on the list begin with a capital letter; LoadLocation also takes "", "Local" and other files' names.
	// Factory is on it for machines whose zone was never set: it is no place.
	if name == "" || name[0] < 'A' || name[0] > 'Z' || name == "Local" || name == "Factory" {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	z := tableOf(loc, firstSecond-2*daySeconds, lastSecond+400*daySeconds)
	z.name = name
	return z
}

// tableOf makes the table of a zone for the instants from one to another.
func tableOf(loc *time.Location, from, to int64) *zone {
	z := &zone{}
	t := time.Unix(from, 0).In(loc)
	for {
		_, offset := t.Zone()
		if n := len(z.offsets); n == 0 || z.offsets[n-1] != int64(offset) {
			z.starts = append(z.starts, t.Unix())
			z.offsets = append(z.offsets, int64(offset))
		}
		_, end := t.ZoneBounds()
		if end.IsZero() || end.Unix() > to {
			return z
		}
		if !end.After(t) {
			// On the last day of a leap year ZoneBounds may answer with the time it was asked for.
			end = t.Add(15 * time.Minute)
		}
		t = end
	}
}

// span returns the index of the span of constant offset that holds an instant.
func (z *zone) span(t int64) int {
	lo, hi := 0, len(z.starts)
	for hi-lo > 1 {
		mid := int(uint(lo+hi) >> 1)
		if z.starts[mid] <= t {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// wallOf returns the wall time at an instant, in Unix seconds as if the wall time were UTC.
func (z *zone) wallOf(t int64) int64 { return t + z.offsets[z.span(t)] }

// dayOf returns the local date at an instant, in days since 1970-01-01.
func (z *zone) dayOf(t int64) int32 { return dayOfWall(z.wallOf(t)) }

// instantOf returns the instant of a wall time: the first one if the wall time occurs
// twice; if it is skipped, the instant by the offset before the change.
func (z *zone) instantOf(wall int64) int64 {
	from, to := z.span(wall-maxOffset), z.span(wall+maxOffset)
	for i := from; i <= to; i++ {
		t := wall - z.offsets[i]
		if (i == 0 || t >= z.starts[i]) && (i+1 == len(z.starts) || t < z.starts[i+1]) {
			return t
		}
		if i+1 < len(z.starts) && wall >= z.starts[i+1]+z.offsets[i] && wall < z.starts[i+1]+z.offsets[i+1] {
			return t
		}
	}
	return wall - z.offsets[to]
}

// eachPiece cuts [from, to) where the offset changes and yields each piece in wall time, until yield returns false.
func (z *zone) eachPiece(from, to int64, yield func(from, to int64) bool) {
	i := z.span(from)
	for {
		end := to
		if i+1 < len(z.starts) && z.starts[i+1] < to {
			end = z.starts[i+1]
		}
		if !yield(from+z.offsets[i], end+z.offsets[i]) || end == to {
			return
		}
		from = end
		i++
	}
}

func dayOfWall(wall int64) int32 {
	if wall < 0 {
		return int32((wall - daySeconds + 1) / daySeconds)
	}
	return int32(wall / daySeconds)
}

// weekdayOf returns the weekday of a day, 0 for Sunday; 1970-01-01 was a Thursday.
func weekdayOf(day int32) int { return int((day%7 + 7 + 4) % 7) }

// firstOfMonth returns the first day of the month that lies n-1 months before day's month.
func firstOfMonth(day int32, n int) int32 {
	t := time.Unix(int64(day)*daySeconds, 0).UTC()
	return int32(time.Date(t.Year(), t.Month()-time.Month(n-1), 1, 0, 0, 0, 0, time.UTC).Unix() / daySeconds)
}
