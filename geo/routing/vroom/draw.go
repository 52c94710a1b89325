package vroom

import (
	"io"

	"doorstep/geo/routing"
	"doorstep/geo/routing/drawing"
)

// Drawable returns an *Error if no job has a location, so that there is nothing to
// draw.
func (t *Task) Drawable() error {
	for _, j := range t.jobs {
		if j.spot.at != nil {
			return nil
		}
	}
	return fault(CodeNothingToDraw, (*place)(nil).field("jobs"),
		"there is nothing to draw: no job has a location; give [lon, lat] beside location_index")
}

// Draw writes the routes of a result as an SVG document: see drawing.Scene. Jobs
// without a location are not drawn. The error is that of Drawable or of w.
func (t *Task) Draw(w io.Writer, r routing.Result) error {
	if err := t.Drawable(); err != nil {
		return err
	}
	return t.scene().SVG(w, r)
}

// scene returns the names and locations of a task.
func (t *Task) scene() *drawing.Scene {
	at := func(s *spot) *drawing.Point {
		if s == nil {
			return nil
		}
		return (*drawing.Point)(s.at)
	}
	s := &drawing.Scene{Base: t.base, LatestBound: t.latestBound()}
	for i := range t.jobs {
		j := &t.jobs[i]
		s.Stops = append(s.Stops, drawing.Stop{Name: name(j.id, j.about), At: at(&j.spot)})
	}
	for _, v := range t.vehicles {
		shift := drawing.Shift{Name: name(v.id, v.about), Start: at(v.start), End: at(v.end)}
		for _, b := range v.breaks {
			shift.Breaks = append(shift.Breaks, drawing.Break{Name: name(b.id, b.about), About: b.about})
		}
		s.Shifts = append(s.Shifts, shift)
	}
	return s
}

// latestBound returns the latest begin or end of any window that is at most two
// days; 0 if there is none.
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
