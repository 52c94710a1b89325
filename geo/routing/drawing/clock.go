package drawing

import (
	"fmt"
	"time"

	"doorstep/geo/routing"
)

// clock formats the times of a problem for people. It guesses what the seconds of
// the problem are counted from, because the problem does not say.
type clock struct {
	kind clockKind
	base int64  // Scene.Base
	day  string // of the first departure, if times are timestamps
	note string // explains the times in the legend; may be empty
}

const aDay = 24 * 3600

type clockKind int

const (
	clockElapsed clockKind = iota // from an unknown time of day
	clockOfDay                    // from midnight
	clockUnix                     // from 1970
)

const (
	firstTimestamp = 100_000_000 // in 1973; smaller numbers are not taken for timestamps
	leastOfDay     = 4 * 3600    // if all windows lie before this, times count from the beginning of the work
)

func newClock(t *Scene, r routing.Result) clock {
	c := clock{base: t.Base}
	if t.Base >= firstTimestamp {
		first := routing.MaxSeconds
		for _, route := range r.Routes {
			first = min(first, route.Steps[0].Departure())
		}
		if len(r.Routes) == 0 {
			first = aDay
		}
		c.kind, c.day = clockUnix, c.utc(first).Format(time.DateOnly)
		c.note = "times are in UTC, of " + c.day
		return c
	}
	last := 0
	for _, route := range r.Routes {
		last = max(last, route.Steps[len(route.Steps)-1].Departure())
	}
	if t.Base == 0 && t.LatestBound >= leastOfDay && last < 2*aDay {
		c.kind = clockOfDay
		return c
	}
	c.note = "times are hours and minutes from the beginning"
	return c
}

func (c clock) utc(v int) time.Time { return time.Unix(int64(v)+c.base, 0).UTC() }

// text formats a time in the solver's seconds.
func (c clock) text(v int) string {
	at := int64(v) + c.base
	switch c.kind {
	case clockUnix:
		if u := c.utc(v); u.Format(time.DateOnly) != c.day {
			return u.Format("01-02 15:04")
		}
		return c.utc(v).Format("15:04")
	case clockOfDay:
		if at >= aDay {
			return fmt.Sprintf("%02d:%02d+1", at/3600-24, at/60%60)
		}
		return fmt.Sprintf("%02d:%02d", at/3600, at/60%60)
	}
	return fmt.Sprintf("%d:%02d", at/3600, at/60%60)
}

// span formats two times as a range.
func (c clock) span(from, to int) string { return c.text(from) + "–" + c.text(to) }
