package vroom

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"

	"doorstep/geo/routing"
)

// The drawing's size, in its own units.
const (
	drawWidth  = 1200.0
	drawMargin = 40.0
	drawLegend = 330.0
	drawLine   = 22.0
	drawLeast  = 300.0 // height
)

// Drawable says, as an *Error, if there is nothing to draw because no job has
// a location.
func (t *Task) Drawable() error {
	for _, j := range t.jobs {
		if j.spot.at != nil {
			return nil
		}
	}
	return fault(CodeNothingToDraw, (*place)(nil).field("jobs"), "there is nothing to draw: no job has a location; give [lon, lat] beside location_index")
}

// Draw writes the routes of a result as an SVG: one colour per route, numbered
// stops, breaks with their times, squares where routes begin and end, and in
// grey what was left out, with its reason. Stops at one door share a mark that
// names them all. The view is fitted to the routes: what was left out far from
// them is marked at the border. Jobs without a location are not drawn. Lines
// are straight: they say in which order, not by which roads.
func (t *Task) Draw(w io.Writer, r routing.Result) error {
	if err := t.Drawable(); err != nil {
		return err
	}
	s := &sheet{t: t, clock: newClock(t, r), view: newView(t, r)}
	legend := s.legend(r)
	s.height = max(s.view.tall+2*drawMargin, float64(len(legend)+1)*drawLine+drawMargin, drawLeast)
	s.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="sans-serif" font-size="13">`, drawWidth, s.height, drawWidth, s.height)
	s.put(`<rect width="100%%" height="100%%" fill="#fff"/>`)
	x, y, wide, tall := s.frame()
	s.put(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="none" stroke="#ddd"/>`, x, y, wide, tall)
	for i, route := range r.Routes {
		s.route(route, colour(i))
	}
	var all doors
	for i, route := range r.Routes {
		s.gather(&all, i, route)
	}
	s.gatherLeftOut(&all, r)
	pills := make([][]pill, len(all.list))
	for i, d := range all.list {
		s.homes(d)
		pills[i] = d.pills()
	}
	for _, stops := range []bool{false, true} { // their numbers lie on top
		for i, d := range all.list {
			s.door(d, pills[i], stops)
		}
	}
	for i, l := range legend {
		s.legendLine(l, drawMargin+float64(i)*drawLine)
	}
	s.put("</svg>")
	_, err := w.Write(s.out.Bytes())
	return err
}

// colour is that of the i-th route: hues far apart, whatever their number.
func colour(i int) string {
	return fmt.Sprintf("hsl(%.0f,%d%%,%d%%)", math.Mod(float64(i)*137.508, 360), 70, 38+12*(i%2))
}

const grey = "#777"

// sheet is a drawing under way.
type sheet struct {
	t      *Task
	clock  clock
	view   view
	height float64
	out    bytes.Buffer
}

func (s *sheet) put(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

// frame is what the map fills, beside the legend.
func (s *sheet) frame() (x, y, wide, tall float64) {
	return drawLegend + 10, 10, drawWidth - drawLegend - 20, s.height - 20
}

// xy is where on the sheet a point lies, which may be outside of the frame.
func (s *sheet) xy(p Point) (x, y float64) {
	left, top, wide, tall := s.frame()
	dx, dy := s.view.fromMiddle(p)
	return left + wide/2 + dx, top + tall/2 + dy
}

// at is where a step is; nil if it has no location.
func (s *sheet) at(route routing.Route, step routing.Step) *Point {
	if at := s.t.spotOf(route, step); at != nil {
		return at.at
	}
	return nil
}

// spotOf is where a step is, nil for a break and for an open start or end.
func (t *Task) spotOf(route routing.Route, step routing.Step) *spot {
	switch step.Kind {
	case routing.StepStart:
		return t.vehicles[route.Shift].start
	case routing.StepEnd:
		return t.vehicles[route.Shift].end
	case routing.StepStop:
		return &t.jobs[step.Index].spot
	}
	return nil
}

func (s *sheet) route(r routing.Route, colour string) {
	line := ""
	for _, step := range r.Steps {
		if at := s.at(r, step); at != nil {
			x, y := s.xy(*at)
			line += fmt.Sprintf("%.1f,%.1f ", x, y)
		}
	}
	s.put(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round" opacity="0.8"/>`, line, colour)
}

// gather puts the steps of a route at their doors.
func (s *sheet) gather(all *doors, route int, r routing.Route) {
	v := &s.t.vehicles[r.Shift]
	who := "vehicle " + name(v.id, v.about)
	n := 0
	for i, step := range r.Steps {
		at := s.at(r, step)
		m := mark{route: route}
		switch step.Kind {
		case routing.StepStart:
			m.title = who + " starts, " + s.clock.text(step.Departure())
		case routing.StepEnd:
			m.title = who + " ends, " + s.clock.text(step.Arrival)
		case routing.StepBreak:
			b := v.breaks[step.Index]
			at = s.onTheWay(r, i)
			m.kind, m.label = markBreak, s.clock.text(step.Start())
			m.title = fmt.Sprintf("break %s of %s, %s", name(b.id, b.about), who, s.clock.span(step.Start(), step.Departure()))
		case routing.StepStop:
			j := &s.t.jobs[step.Index]
			n++
			m.kind, m.no = markStop, n
			m.title = fmt.Sprintf("%d. job %s, %s", n, name(j.id, j.about), s.clock.text(step.Start()))
		}
		if at != nil {
			x, y := s.xy(*at)
			all.add(x, y, m)
		}
	}
}

// onTheWay is where the i-th step, a break, is taken: as far along the straight
// line as its share of the drive. It is nil if the route has no locations.
func (s *sheet) onTheWay(r routing.Route, i int) *Point {
	var from, to *Point
	done, left := r.Steps[i].Travel, 0
	for k := i - 1; k >= 0 && from == nil; k-- {
		if from = s.at(r, r.Steps[k]); from == nil {
			done += r.Steps[k].Travel
		}
	}
	for k := i + 1; k < len(r.Steps) && to == nil; k++ {
		left += r.Steps[k].Travel
		to = s.at(r, r.Steps[k])
	}
	switch {
	case from == nil:
		return to
	case to == nil || done+left == 0:
		return from
	}
	share := float64(done) / float64(done+left)
	return &Point{from[0] + share*(to[0]-from[0]), from[1] + share*(to[1]-from[1])}
}

func (s *sheet) gatherLeftOut(all *doors, r routing.Result) {
	for _, l := range r.LeftOut {
		j := &s.t.jobs[l.Stop]
		if j.spot.at == nil {
			continue
		}
		m := mark{kind: markOut, route: -1, title: fmt.Sprintf("job %s: left out, %s", name(j.id, j.about), l.Reason)}
		x, y := s.xy(*j.spot.at)
		if s.view.far(*j.spot.at) {
			m.kind, m.title = markFar, m.title+fmt.Sprintf("; some %.0f km away", s.view.kilometres(*j.spot.at))
			x, y = s.border(x, y)
		}
		all.add(x, y, m)
	}
}

// border is where the line from the middle to a spot beyond it meets the frame.
func (s *sheet) border(x, y float64) (float64, float64) {
	left, top, wide, tall := s.frame()
	mx, my := left+wide/2, top+tall/2
	k := min((wide/2-12)/max(math.Abs(x-mx), 1e-9), (tall/2-12)/max(math.Abs(y-my), 1e-9))
	return mx + k*(x-mx), my + k*(y-my)
}

func esc(s string) string {
	var b bytes.Buffer
	// A buffer takes everything.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
