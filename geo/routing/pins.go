package routing

import (
	"fmt"
	"slices"
)

// checkPins returns an error if the pinned stops of a shift cannot be kept.
func (c *core) checkPins() *Error {
	var w sheet
	for r := range c.shifts {
		d := &c.shifts[r]
		if len(d.pins) == 0 {
			continue
		}
		at := fmt.Sprintf("shifts[%d]", r)
		seq, load := make([]int32, 0, len(d.pins)), 0
		for _, pin := range d.pins {
			seq = append(seq, int32(pin.Stop))
			load += c.p.Stops[pin.Stop].Load
		}
		t := c.layOut(int32(r), seq, &w, nil)
		if !t.ok {
			return c.latePin(d, seq, &w, at+".pinned")
		}
		for _, l := range []struct {
			name        string
			have, limit int
		}{
			{".capacity", load, d.capacity}, {".max_stops", len(seq), d.maxStops},
			{".max_travel", t.travel, d.maxTravel},
			{".max_distance", t.distance, d.maxDistance}, {".max_work", t.end - t.start - t.breaks, d.maxWork},
		} {
			if l.limit > 0 && l.have > l.limit {
				return fault(CodePinned, at+l.name, "is %d, but the pinned stops need %d: raise it, or pin less",
					l.limit, l.have)
			}
		}
	}
	return nil
}

// latePin says why the pins of a shift, laid out in w, cannot be kept in time.
func (c *core) latePin(d *shiftData, seq []int32, w *sheet, at string) *Error {
	k := len(d.breaks) + 1
	a, in, before := d.start, w.first[:k], "the team's day begins"
	for i, u := range seq {
		out := w.dep[i*k : i*k+k]
		if slices.Min(out) < never {
			a, in, before = c.stops[u].place, out, "the stop before it is done"
			continue
		}
		at := fmt.Sprintf("%s[%d]", at, i)
		s, pin := &c.stops[u], d.pins[i]
		if late := int(slices.Min(in)) - pin.At; pin.Fixed && late > 0 {
			return fault(CodePinned, at, "is to start %d seconds before %s: give it a later time, or leave it out",
				late, before)
		}
		begin := int32(pin.At)
		if !pin.Fixed {
			begin = c.soonest(d, a, s.place, in)
			if begin > 2*MaxSeconds { // only NoWay takes so long
				return fault(CodePinned, at, "has no way that leads to it: pin it elsewhere in the order, give it a "+
					"time, or leave it out")
			}
			if a != s.place {
				begin += s.setup
			}
			if last := c.windows[s.w1-1].to; begin > last {
				return fault(CodePinned, at, "is reached %d seconds after its last window has ended: pin it earlier "+
					"in the order, give it a time, or leave it out", begin-last)
			}
			begin = c.next(s.w0, s.w1, begin)
		}
		return fault(CodePinned, at, "is done %d seconds after the end of the team's day, overtime included: give "+
			"the day more time, or leave the stop out", begin+s.service-d.latest)
	}
	end := c.finish(d, a, in)
	switch {
	case !d.hasWay(a, d.end):
		return fault(CodePinned, at, "ends at a place with no way to where the team's day ends: pin less, or let the "+
			"day end elsewhere")
	case end >= never:
		return fault(CodePinned, at, "leaves no time for the team's breaks: pin less, or give the breaks other windows")
	}
	return fault(CodePinned, at, "is followed by an arrival %d seconds after the end of the day, overtime included: pin "+
		"less, or give the day more time", end-d.latest)
}

// soonest returns the earliest arrival at b of a team that left a at the times of
// in, with any number of breaks on the way.
func (c *core) soonest(d *shiftData, a, b int32, in []int32) int32 {
	at := never
	for k := range in {
		for k2 := k; k2 < len(in) && in[k] < never; k2++ {
			at = min(at, c.leg(d, a, b, in[k], k, k2))
		}
	}
	return at
}
