package drawing

import (
	"fmt"

	"doorstep/geo/routing"
)

// legendLine is a line of the legend.
type legendLine struct {
	mark string // the colour of its square; empty: none
	text string
	fine bool // small print: about the line before, or how to read the drawing
}

// legend returns the lines of the legend.
func (s *sheet) legend(r routing.Result) []legendLine {
	var all []legendLine
	breaks := 0
	for i, route := range r.Routes {
		v := &s.t.Shifts[route.Shift]
		steps := route.Steps
		all = append(all, legendLine{mark: colour(i), text: shorten(v.Name, 36)},
			legendLine{text: stopCount(route.Total.Stops) + ", " +
				s.clock.span(steps[0].Departure(), steps[len(steps)-1].Departure()), fine: true})
		for _, step := range steps {
			if step.Kind == routing.StepBreak {
				b := v.Breaks[step.Index]
				about := "break"
				if b.About != "" {
					about = "break (" + shorten(b.About, 16) + ")"
				}
				all = append(all, legendLine{text: about + " " + s.clock.span(step.Start(), step.Departure()),
					fine: true})
				breaks++
			}
		}
	}
	far, hidden := 0, 0
	for _, l := range r.LeftOut {
		if at := s.t.Stops[l.Stop].At; at != nil && s.view.far(*at) {
			far++
		}
	}
	for _, j := range s.t.Stops {
		if j.At == nil {
			hidden++
		}
	}
	if n := len(r.LeftOut); n > 0 {
		all = append(all, legendLine{mark: "#ccc", text: fmt.Sprintf("left out: %d", n)})
	}
	if far > 0 {
		all = append(all, legendLine{text: fmt.Sprintf("%d of them far away: ◆ at the border", far), fine: true})
	}
	if hidden > 0 {
		all = append(all, legendLine{text: fmt.Sprintf("without location, not drawn: %d", hidden)})
	}
	all = append(all, legendLine{text: fmt.Sprintf("cost %d, priority %d", r.Cost.Sum(), r.Total.Priority)})
	if breaks > 0 {
		all = append(all, legendLine{text: "a time in a white box: a break", fine: true})
	}
	if s.clock.note != "" && len(r.Routes) > 0 {
		all = append(all, legendLine{text: s.clock.note, fine: true})
	}
	return all
}

// legendLine draws one line of the legend at height y.
func (s *sheet) legendLine(l legendLine, y float64) {
	if l.mark != "" {
		s.put(`<rect x="%.0f" y="%.0f" width="12" height="12" fill="%s"/>`, margin/2, y-10, l.mark)
	}
	size, fill := 13, "#000"
	if l.fine {
		size, fill = 11, "#555"
	}
	s.put(`<text x="%.0f" y="%.0f" font-size="%d" fill="%s">%s</text>`, margin/2+18, y, size, fill, esc(l.text))
}

func stopCount(n int) string {
	if n == 1 {
		return "1 stop"
	}
	return fmt.Sprintf("%d stops", n)
}

// shorten cuts s to at most most characters.
func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
