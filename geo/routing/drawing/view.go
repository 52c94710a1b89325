package drawing

import (
	"math"
	"slices"

	"doorstep/geo/routing"
)

// view is the part of the world that a drawing shows.
type view struct {
	box    box
	shrink float64 // length of a degree of longitude, in degrees of latitude
	scale  float64 // units of the sheet per degree of latitude
	tall   float64 // height of the box on the sheet
}

// box is a range of longitudes and latitudes. The zero value is not empty: see
// emptyBox.
type box struct{ west, east, south, north float64 }

func emptyBox() box { return box{math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)} }

func (b *box) add(p Point) {
	b.west, b.east = min(b.west, p[0]), max(b.east, p[0])
	b.south, b.north = min(b.south, p[1]), max(b.north, p[1])
}

func (b *box) has(p Point) bool {
	return p[0] >= b.west && p[0] <= b.east && p[1] >= b.south && p[1] <= b.north
}

// An unassigned stop belongs to the view if it lies within nearShare of the size of
// the routes, or within nearDegrees of latitude (about 500 m), of their box.
const (
	nearShare   = 0.3
	nearDegrees = 0.005
)

// newView fits a view to the routes and the unassigned stops near them. A single
// stop in another city must not shrink the routes to a dot.
func newView(t *Scene, r routing.Result) view {
	b := t.routesBox(r)
	v := view{shrink: max(0.01, math.Cos((b.south+b.north)/2*math.Pi/180))}
	near := max(nearDegrees, nearShare*max((b.east-b.west)*v.shrink, b.north-b.south))
	around := box{b.west - near/v.shrink, b.east + near/v.shrink, b.south - near, b.north + near}
	for _, l := range r.LeftOut {
		if at := t.Stops[l.Stop].At; at != nil && around.has(*at) {
			b.add(*at)
		}
	}
	wide := sheetWidth - legendWidth - 2*margin
	v.scale = wide / max((b.east-b.west)*v.shrink, 1e-4)
	v.scale = min(v.scale, wide*1.2/max(b.north-b.south, 1e-4))
	v.tall, v.box = (b.north-b.south)*v.scale, b
	return v
}

// routesBox returns the box of all locations of the routes. If there are none, it
// returns the box of all stops except those that are far from most.
func (t *Scene) routesBox(r routing.Result) box {
	b := emptyBox()
	for _, route := range r.Routes {
		for _, step := range route.Steps {
			if at := t.at(route, step); at != nil {
				b.add(*at)
			}
		}
	}
	if b.west <= b.east {
		return b
	}
	var points []Point
	for _, j := range t.Stops {
		if j.At != nil {
			points = append(points, *j.At)
		}
	}
	middle := Point{median(points, func(p Point) float64 {
		return p[0]
	}), median(points, func(p Point) float64 { return p[1] })}
	off := func(p Point) float64 { return math.Hypot(p[0]-middle[0], p[1]-middle[1]) }
	usual := median(points, off)
	for _, p := range points {
		if off(p) <= 4*usual {
			b.add(p)
		}
	}
	return b
}

func median(points []Point, of func(Point) float64) float64 {
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = of(p)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// fromMiddle returns the position of a point on the sheet, to the right of and below
// the middle of the view.
func (v view) fromMiddle(p Point) (right, down float64) {
	return (p[0] - (v.box.west+v.box.east)/2) * v.shrink * v.scale, ((v.box.south+v.box.north)/2 - p[1]) * v.scale
}

// far reports whether a point is outside the view.
func (v view) far(p Point) bool { return !v.box.has(p) }

// kilometres returns the approximate distance of a point from the middle of the view.
func (v view) kilometres(p Point) float64 {
	const perDegree = 111.2
	right, down := v.fromMiddle(p)
	return math.Hypot(right, down) / v.scale * perDegree
}
