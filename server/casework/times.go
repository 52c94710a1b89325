package casework

import (
	"strings"
	"sync"
	"time"
)

// zoneCache remembers the time zones of the IANA list that were asked for; the
// list bounds it. The zero value is ready. It is safe for concurrent use.
type zoneCache struct{ known sync.Map }

// find gives a zone by name; nil when there is none of that name.
func (z *zoneCache) find(name string) *time.Location {
	if loc, ok := z.known.Load(name); ok {
		return loc.(*time.Location)
	}
	if name == "" || name == "Local" || len(name) > 64 {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	z.known.Store(name, loc)
	return loc
}

// dayAt is the local date of an instant in a zone, "2006-01-02"; UTC's for a zone that does not exist.
func (z *zoneCache) dayAt(at time.Time, zone string) string {
	loc := z.find(zone)
	if loc == nil {
		loc = time.UTC
	}
	return at.In(loc).Format(time.DateOnly)
}

// day is today's local date of the debtor.
func (t *turn) day(f *File) string { return t.dayIn(f.Case.TimeZone) }

// dayIn is today's local date in a zone.
func (t *turn) dayIn(zone string) string { return t.svc.zones.dayAt(t.At, zone) }

// saidTime is a time as an import writes it: an instant, or a wall time that
// becomes one in the case's zone.
type saidTime struct {
	at    time.Time
	local bool // wall time; at is it in UTC
}

// timeLayouts are the ways to write a time; those without an offset are local.
var timeLayouts = [...]string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly}

// parseTime reads an RFC 3339 time, or one without offset, or a bare date, which
// is its midnight. A space may stand for the T.
func parseTime(s string) (saidTime, bool) {
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	s = strings.ToUpper(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, s); err == nil {
			return saidTime{at: at.UTC().Truncate(time.Second)}, true
		}
	}
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, s); err == nil {
			return saidTime{at: at.Truncate(time.Second), local: true}, true
		}
	}
	return saidTime{}, false
}

// in gives the instant, in UTC and whole seconds. Without a zone a wall time is UTC.
func (s saidTime) in(zone *time.Location) time.Time {
	if !s.local || zone == nil {
		return s.at
	}
	return instantOf(s.at, zone).UTC()
}
