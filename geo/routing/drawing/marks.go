package drawing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// mark is one thing to show at a location.
type mark struct {
	kind  markKind
	route int    // index in Result.Routes; -1 if unassigned
	no    int    // number of a stop in its route, from 1
	label string // of a break
	title string
}

type markKind int

const (
	markHome markKind = iota // start or end of a route
	markStop
	markBreak
	markOut // unassigned
	markFar // unassigned and outside the view
)

// door is a position on the sheet with all its marks.
type door struct {
	x, y  float64
	marks []mark
}

// doors are the positions of a drawing. Marks that would hide each other share one
// door.
type doors struct {
	list []*door
	near map[[2]int][]*door
}

const nearEnough = 9.0

// add puts a mark at a position, or at a door so near that the marks would overlap.
func (d *doors) add(x, y float64, m mark) {
	if d.near == nil {
		d.near = map[[2]int][]*door{}
	}
	cell := [2]int{int(math.Floor(x / nearEnough)), int(math.Floor(y / nearEnough))}
	for _, dx := range []int{0, -1, 1} {
		for _, dy := range []int{0, -1, 1} {
			for _, old := range d.near[[2]int{cell[0] + dx, cell[1] + dy}] {
				if math.Hypot(old.x-x, old.y-y) < nearEnough {
					old.marks = append(old.marks, m)
					return
				}
			}
		}
	}
	one := &door{x, y, []mark{m}}
	d.list = append(d.list, one)
	d.near[cell] = append(d.near[cell], one)
}

// homes draws a square if routes start or end at a door. The square is wider than
// the mark of a stop, which may lie on it.
func (s *sheet) homes(d *door) {
	var titles []string
	routes := map[int]bool{}
	for _, m := range d.marks {
		if m.kind == markHome {
			titles, routes[m.route] = append(titles, m.title), true
		}
	}
	if len(titles) == 0 {
		return
	}
	fill := "#333"
	for i := range routes {
		if len(routes) == 1 {
			fill = colour(i)
		}
	}
	s.put(`<rect x="%.1f" y="%.1f" width="20" height="20" fill="%s" stroke="#000"><title>%s</title></rect>`, d.x-10,
		d.y-10, fill, esc(strings.Join(titles, "\n")))
	if len(routes) > 1 {
		s.put(`<text x="%.1f" y="%.1f" font-size="10" pointer-events="none">×%d</text>`, d.x+12, d.y-6, len(routes))
	}
}

// pill is one mark as it is drawn. It stands for all stops of one route at a door,
// for one break, or for all unassigned stops there.
type pill struct {
	kind               markKind
	label, title       string
	fill, stroke, text string
}

// pills returns the marks of a door as they are drawn, except its square.
func (d *door) pills() []pill {
	var all []pill
	for i, m := range d.marks {
		first := slices.IndexFunc(d.marks, func(o mark) bool { return o.kind == m.kind && o.route == m.route }) == i
		switch {
		case m.kind == markBreak:
			all = append(all, pill{kind: m.kind, label: m.label, title: m.title, fill: "#fff", stroke: colour(m.route),
				text: "#000"})
		case m.kind == markHome || !first:
		default:
			var titles []string
			var numbers []int
			for _, o := range d.marks {
				if o.kind == m.kind && o.route == m.route {
					titles, numbers = append(titles, o.title), append(numbers, o.no)
				}
			}
			p := pill{kind: m.kind, title: strings.Join(titles, "\n"), fill: "#ccc", stroke: grey, text: "#000"}
			if m.kind == markStop {
				p.label, p.fill, p.stroke, p.text = runs(numbers), colour(m.route), "#fff", "#fff"
			} else if len(titles) > 1 {
				p.label = fmt.Sprintf("×%d", len(titles))
			}
			all = append(all, p)
		}
	}
	// The stops are drawn at the door, the other marks below them.
	slices.SortStableFunc(all, func(a, b pill) int { return cmp.Compare(a.kind, b.kind) })
	return all
}

// runs formats ascending numbers as ranges: 3–5, 9.
func runs(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		k := i
		for k+1 < len(numbers) && numbers[k+1] == numbers[k]+1 {
			k++
		}
		part := fmt.Sprint(numbers[i])
		if k > i {
			part += fmt.Sprintf("–%d", numbers[k])
		}
		parts = append(parts, part)
		i = k + 1
	}
	if text := strings.Join(parts, ", "); len(parts) <= 3 {
		return text
	}
	return stopCount(len(numbers))
}

// door draws the marks of a door except its square, one below the other: with stops
// those of its stops, otherwise all others.
func (s *sheet) door(d *door, pills []pill, stops bool) {
	y := d.y
	for i, p := range pills {
		if i == 0 && p.kind != markStop && slices.ContainsFunc(d.marks, func(m mark) bool {
			return m.kind == markHome
		}) {
			y += 19 // below the square
		}
		if (p.kind == markStop) == stops {
			s.pill(d.x, y, p)
		}
		y += 17
	}
}

// pill draws one mark.
func (s *sheet) pill(x, y float64, p pill) {
	title := esc(p.title)
	size := len([]rune(p.label))
	say := func(x float64, anchor string) {
		if p.label == "" {
			return
		}
		s.put(`<text x="%.1f" y="%.1f" font-size="9" fill="%s" text-anchor="%s" pointer-events="none">%s</text>`, x,
			y+3, p.text, anchor, esc(p.label))
	}
	switch {
	case p.kind == markFar:
		s.put(`<path d="M%.1f,%.1f l8,8 l-8,8 l-8,-8 z" fill="%s" stroke="%s"><title>%s</title></path>`, x, y-8, p.fill,
			p.stroke, title)
		if left, _, wide, _ := s.frame(); x > left+wide/2 {
			say(x-10, "end")
		} else {
			say(x+10, "start")
		}
		return
	case p.label == "":
		s.put(`<circle cx="%.1f" cy="%.1f" r="5" fill="%s" stroke="%s"><title>%s</title></circle>`, x, y, p.fill,
			p.stroke, title)
		return
	case size <= 2 && p.kind == markStop:
		s.put(`<circle cx="%.1f" cy="%.1f" r="8" fill="%s" stroke="%s"><title>%s</title></circle>`, x, y, p.fill,
			p.stroke, title)
	default:
		wide := float64(size)*5.4 + 9
		corner := 8
		if p.kind == markBreak {
			corner = 2
		}
		s.put(`<rect x="%.1f" y="%.1f" width="%.1f" height="16" rx="%d" fill="%s" stroke="%s"><title>%s</title></rect>`,
			x-wide/2, y-8, wide, corner, p.fill, p.stroke, title)
	}
	say(x, "middle")
}
