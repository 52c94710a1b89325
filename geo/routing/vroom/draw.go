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
// stops, squares where routes begin and end, and in grey what was left out,
// with its reason. Jobs without a location are not drawn. Lines are straight:
// they say in which order, not by which roads.
func (t *Task) Draw(w io.Writer, r routing.Result) error {
	if err := t.Drawable(); err != nil {
		return err
	}
	s := newSheet(t, r)
	for i, route := range r.Routes {
		s.route(route, colour(i))
	}
	for i, route := range r.Routes {
		s.marks(route, colour(i))
	}
	for _, l := range r.LeftOut {
		j := &t.jobs[l.Stop]
		if j.spot.at == nil {
			continue
		}
		x, y := s.xy(*j.spot.at)
		s.put(`<circle cx="%.1f" cy="%.1f" r="5" fill="#bbb" stroke="#666"><title>%s: left out, %s</title></circle>`, x, y, esc("job "+name(j.id, j.about)), l.Reason)
	}
	s.legend(r)
	s.put("</svg>")
	_, err := w.Write(s.out.Bytes())
	return err
}

// colour is that of the i-th route: hues far apart, whatever their number.
func colour(i int) string {
	return fmt.Sprintf("hsl(%.0f,%d%%,%d%%)", math.Mod(float64(i)*137.508, 360), 70, 38+12*(i%2))
}

// sheet is a drawing under way.
type sheet struct {
	t      *Task
	out    bytes.Buffer
	left   float64 // the westernmost longitude
	top    float64 // the northernmost latitude
	scale  float64 // units for a degree of latitude
	shrink float64 // a degree of longitude in those of latitude
	height float64
}

func newSheet(t *Task, r routing.Result) *sheet {
	s := &sheet{t: t}
	west, east, south, north := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	see := func(p *spot) {
		if p != nil && p.at != nil {
			west, east = min(west, p.at[0]), max(east, p.at[0])
			south, north = min(south, p.at[1]), max(north, p.at[1])
		}
	}
	for i := range t.jobs {
		see(&t.jobs[i].spot)
	}
	for _, v := range t.vehicles {
		see(v.start)
		see(v.end)
	}
	s.left, s.top = west, north
	s.shrink = max(0.01, math.Cos((south+north)/2*math.Pi/180))
	wide := drawWidth - drawLegend - 2*drawMargin
	s.scale = wide / max((east-west)*s.shrink, 1e-4)
	s.scale = min(s.scale, wide*1.2/max(north-south, 1e-4))
	lines := float64(len(r.Routes) + 4)
	s.height = max((north-south)*s.scale+2*drawMargin, lines*drawLine+2*drawMargin)
	s.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="sans-serif" font-size="13">`, drawWidth, s.height, drawWidth, s.height)
	s.put(`<rect width="100%%" height="100%%" fill="#fff"/>`)
	return s
}

func (s *sheet) put(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *sheet) xy(p Point) (x, y float64) {
	return drawLegend + drawMargin + (p[0]-s.left)*s.shrink*s.scale, drawMargin + (s.top-p[1])*s.scale
}

// at is where a step is; false if it has no location.
func (s *sheet) at(route routing.Route, step routing.Step) (*spot, bool) {
	var at *spot
	switch step.Kind {
	case routing.StepStart:
		at = s.t.vehicles[route.Shift].start
	case routing.StepEnd:
		at = s.t.vehicles[route.Shift].end
	case routing.StepStop:
		at = &s.t.jobs[step.Index].spot
	}
	return at, at != nil && at.at != nil
}

func (s *sheet) route(r routing.Route, colour string) {
	line := ""
	for _, step := range r.Steps {
		if at, ok := s.at(r, step); ok {
			x, y := s.xy(*at.at)
			line += fmt.Sprintf("%.1f,%.1f ", x, y)
		}
	}
	s.put(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round" opacity="0.8"/>`, line, colour)
}

func (s *sheet) marks(r routing.Route, colour string) {
	v := &s.t.vehicles[r.Shift]
	n := 0
	for _, step := range r.Steps {
		if step.Kind == routing.StepStop {
			n++
		}
		at, ok := s.at(r, step)
		if !ok {
			continue
		}
		x, y := s.xy(*at.at)
		if step.Kind != routing.StepStop {
			s.put(`<rect x="%.1f" y="%.1f" width="12" height="12" fill="%s" stroke="#000"><title>%s</title></rect>`, x-6, y-6, colour,
				esc("vehicle "+name(v.id, v.about)))
			continue
		}
		j := &s.t.jobs[step.Index]
		s.put(`<circle cx="%.1f" cy="%.1f" r="8" fill="%s" stroke="#fff"><title>%s, %s</title></circle>`, x, y, colour, esc("job "+name(j.id, j.about)), s.clock(step.Start()))
		s.put(`<text x="%.1f" y="%.1f" font-size="9" fill="#fff" text-anchor="middle" pointer-events="none">%d</text>`, x, y+3, n)
	}
}

func (s *sheet) legend(r routing.Result) {
	y := drawMargin
	say := func(mark, text string) {
		if mark != "" {
			s.put(`<rect x="%.0f" y="%.0f" width="12" height="12" fill="%s"/>`, drawMargin/2, y-10, mark)
		}
		s.put(`<text x="%.0f" y="%.0f">%s</text>`, drawMargin/2+18, y, esc(text))
		y += drawLine
	}
	for i, route := range r.Routes {
		v := &s.t.vehicles[route.Shift]
		steps := route.Steps
		say(colour(i), fmt.Sprintf("%s: %d stops, %s–%s", shorten(name(v.id, v.about), 22), route.Total.Stops, s.clock(steps[0].Arrival), s.clock(steps[len(steps)-1].Departure())))
	}
	if n := len(r.LeftOut); n > 0 {
		say("#bbb", fmt.Sprintf("left out: %d", n))
	}
	hidden := 0
	for _, j := range s.t.jobs {
		if j.spot.at == nil {
			hidden++
		}
	}
	if hidden > 0 {
		say("", fmt.Sprintf("without location, not drawn: %d", hidden))
	}
	say("", fmt.Sprintf("cost %d, priority %d", r.Cost.Sum(), r.Total.Priority))
}

// clock writes a time as one of day if it looks like one.
func (s *sheet) clock(v int) string {
	at := int64(v) + s.t.base
	if at < 2*aDay {
		return fmt.Sprintf("%02d:%02d", at/3600, at/60%60)
	}
	return fmt.Sprint(at)
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func esc(s string) string {
	var b bytes.Buffer
	// A buffer takes everything.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
