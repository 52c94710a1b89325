package vroom

import (
	"fmt"
	"time"

	"doorstep/geo/routing"
)

// clock writes the times of a problem for people: a problem does not say what
// its seconds are counted from.
type clock struct {
	kind clockKind
	base int64  // of the task
	day  string // the first, of timestamps
	note string // how to read the times; may be empty
}

type clockKind int

const (
	clockElapsed clockKind = iota // from no time of day that is known
	clockOfDay                    // from midnight
	clockUnix                     // from 1970
)

const (
	firstTimestamp = 100_000_000 // in 1973; smaller numbers are hardly timestamps
	leastOfDay     = 4 * 3600    // a day whose windows all lie before counts from its own beginning
)

func newClock(t *Task, r routing.Result) clock {
	c := clock{base: t.base}
	if t.base >= firstTimestamp {
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
	if latest := t.latestBound(); t.base == 0 && latest >= leastOfDay && last < 2*aDay {
		c.kind = clockOfDay
		return c
	}
	c.note = "times are hours and minutes from the beginning"
	return c
}

// latestBound is the latest that any window begins or ends, as far as it is of
// this day or the next; 0 without windows.
func (t *Task) latestBound() int64 {
	latest := int64(0)
	see := func(spans ...span) {
		for _, w := range spans {
			for _, v := range []int64{w.from, w.to} {
				if v <= 2*aDay {
					latest = max(latest, v)
				}
			}
		}
	}
	for _, j := range t.jobs {
		see(j.windows...)
	}
	for _, v := range t.vehicles {
		if v.window != nil {
			see(*v.window)
		}
		for _, b := range v.breaks {
			see(b.windows...)
		}
		for _, p := range v.pins {
			see(span{p.at, p.at})
		}
	}
	return latest
}

func (c clock) utc(v int) time.Time { return time.Unix(int64(v)+c.base, 0).UTC() }

// text writes a time of the solver's.
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

func (c clock) span(from, to int) string { return c.text(from) + "–" + c.text(to) }
