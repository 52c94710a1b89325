package drawing

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"

	"doorstep/geo/routing"
)

// Sizes of the drawing, in units of its view box.
const (
	sheetWidth  = 1200.0
	leastHeight = 300.0
	margin      = 40.0
	legendWidth = 330.0
	legendStep  = 22.0 // between two lines of the legend
)

// Point is a longitude and a latitude, in degrees.
type Point = [2]float64

// Scene is what a drawing shows besides the result: names and locations, by the
// indexes of the problem that was solved. Names are escaped when they are drawn.
type Scene struct {
	// Stops are in the order of Problem.Stops.
	Stops []Stop
	// Shifts are in the order of Problem.Shifts.
	Shifts []Shift
	// Base is the time of the solver's second 0, in the caller's seconds. From
	// 100,000,000 on these are taken for seconds since 1970.
	Base int64
	// LatestBound is the latest begin or end of any window that is at most two
	// days, in the caller's seconds; 0 if there is none. It tells times of day
	// from times that count from the beginning of the work.
	LatestBound int64
}

// Stop names a stop.
type Stop struct {
	Name string
	At   *Point // nil: not drawn
}

// Shift names a shift and its breaks.
type Shift struct {
	Name       string
	Start, End *Point // nil: not drawn
	Breaks     []Break
}

// Break names a break of a shift, in the order of Shift.Breaks.
type Break struct {
	Name  string
	About string // for the legend; may be empty
}

// SVG writes the routes of a result as an SVG document. Each route has its own
// colour, its stops are numbered, breaks show their times, and squares mark where
// routes start and end. Unassigned stops are grey and show their reason. Marks of
// one location share a mark that names them all. The view is fitted to the routes:
// unassigned stops far from them are marked at the border. Lines are straight: they
// show the order of the stops, not the roads.
//
// At least one stop must have a location. The error is that of w.
func (t *Scene) SVG(w io.Writer, r routing.Result) error {
	s := &sheet{t: t, clock: newClock(t, r), view: newView(t, r)}
	legend := s.legend(r)
	s.height = max(s.view.tall+2*margin, float64(len(legend)+1)*legendStep+margin, leastHeight)
	s.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" `+
		`font-family="sans-serif" font-size="13">`, sheetWidth, s.height, sheetWidth, s.height)
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
	s.gatherUnassigned(&all, r)
	pills := make([][]pill, len(all.list))
	for i, d := range all.list {
		s.homes(d)
		pills[i] = d.pills()
	}
	for _, stops := range []bool{false, true} { // the numbers of stops are drawn last, over the others
		for i, d := range all.list {
			s.door(d, pills[i], stops)
		}
	}
	for i, l := range legend {
		s.legendLine(l, margin+float64(i)*legendStep)
	}
	s.put("</svg>")
	_, err := w.Write(s.out.Bytes())
	return err
}

// colour returns the colour of the i-th route. Hues of successive routes differ by
// the golden angle, so any number of routes has distinct hues.
func colour(i int) string {
	return fmt.Sprintf("hsl(%.0f,%d%%,%d%%)", math.Mod(float64(i)*137.508, 360), 70, 38+12*(i%2))
}

const grey = "#777"

// sheet is a drawing that is being written.
type sheet struct {
	t      *Scene
	clock  clock
	view   view
	height float64
	out    bytes.Buffer
}

// put adds a line of SVG.
func (s *sheet) put(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

// frame returns the rectangle of the map, beside the legend.
func (s *sheet) frame() (x, y, wide, tall float64) {
	return legendWidth + 10, 10, sheetWidth - legendWidth - 20, s.height - 20
}

// xy returns the position of a point on the sheet, which may be outside the frame.
func (s *sheet) xy(p Point) (x, y float64) {
	left, top, wide, tall := s.frame()
	dx, dy := s.view.fromMiddle(p)
	return left + wide/2 + dx, top + tall/2 + dy
}

// at returns the location of a step, nil for a break and where none is known.
func (t *Scene) at(route routing.Route, step routing.Step) *Point {
	switch step.Kind {
	case routing.StepStart:
		return t.Shifts[route.Shift].Start
	case routing.StepEnd:
		return t.Shifts[route.Shift].End
	case routing.StepStop:
		return t.Stops[step.Index].At
	}
	return nil
}

// route draws the line of a route.
func (s *sheet) route(r routing.Route, colour string) {
	line := ""
	for _, step := range r.Steps {
		if at := s.t.at(r, step); at != nil {
			x, y := s.xy(*at)
			line += fmt.Sprintf("%.1f,%.1f ", x, y)
		}
	}
	s.put(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round" opacity="0.8"/>`,
		line, colour)
}

// gather adds marks for the steps of a route.
func (s *sheet) gather(all *doors, route int, r routing.Route) {
	v := &s.t.Shifts[r.Shift]
	who := "vehicle " + v.Name
	n := 0
	for i, step := range r.Steps {
		at := s.t.at(r, step)
		m := mark{route: route}
		switch step.Kind {
		case routing.StepStart:
			m.title = who + " starts, " + s.clock.text(step.Departure())
		case routing.StepEnd:
			m.title = who + " ends, " + s.clock.text(step.Arrival)
		case routing.StepBreak:
			b := v.Breaks[step.Index]
			at = s.onTheWay(r, i)
			m.kind, m.label = markBreak, s.clock.text(step.Start())
			m.title = fmt.Sprintf("break %s of %s, %s", b.Name, who, s.clock.span(step.Start(), step.Departure()))
		case routing.StepStop:
			n++
			m.kind, m.no = markStop, n
			m.title = fmt.Sprintf("%d. job %s, %s", n, s.t.Stops[step.Index].Name, s.clock.text(step.Start()))
		}
		if at != nil {
			x, y := s.xy(*at)
			all.add(x, y, m)
		}
	}
}

// onTheWay returns the position of the i-th step, a break: on the straight line
// between the neighbouring stops, by the share of the drive that is done. It is nil
// if the route has no locations.
func (s *sheet) onTheWay(r routing.Route, i int) *Point {
	var from, to *Point
	done, left := r.Steps[i].Travel, 0
	for k := i - 1; k >= 0 && from == nil; k-- {
		if from = s.t.at(r, r.Steps[k]); from == nil {
			done += r.Steps[k].Travel
		}
	}
	for k := i + 1; k < len(r.Steps) && to == nil; k++ {
		left += r.Steps[k].Travel
		to = s.t.at(r, r.Steps[k])
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

// gatherUnassigned adds marks for the unassigned stops.
func (s *sheet) gatherUnassigned(all *doors, r routing.Result) {
	for _, l := range r.LeftOut {
		j := &s.t.Stops[l.Stop]
		if j.At == nil {
			continue
		}
		m := mark{kind: markOut, route: -1, title: fmt.Sprintf("job %s: left out, %s", j.Name, l.Reason)}
		x, y := s.xy(*j.At)
		if s.view.far(*j.At) {
			m.kind, m.title = markFar, m.title+fmt.Sprintf("; some %.0f km away", s.view.kilometres(*j.At))
			x, y = s.border(x, y)
		}
		all.add(x, y, m)
	}
}

// border returns the point of the frame on the line from its middle to a position
// outside.
func (s *sheet) border(x, y float64) (float64, float64) {
	left, top, wide, tall := s.frame()
	mx, my := left+wide/2, top+tall/2
	k := min((wide/2-12)/max(math.Abs(x-mx), 1e-9), (tall/2-12)/max(math.Abs(y-my), 1e-9))
	return mx + k*(x-mx), my + k*(y-my)
}

// esc escapes a text for XML.
func esc(s string) string {
	var b bytes.Buffer
	// A buffer never returns an error.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
