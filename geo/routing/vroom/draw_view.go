package vroom

import (
	"math"
	"slices"

	"doorstep/geo/routing"
)

// view is the part of the world that a drawing shows.
type view struct {
	box    box
	shrink float64 // a degree of longitude in those of latitude
	scale  float64 // units of the sheet for a degree of latitude
	tall   float64 // what the box fills of the sheet, downwards
}

// box spans longitudes and latitudes. The zero value is not empty; see nowhere.
type box struct{ west, east, south, north float64 }

func nowhere() box { return box{math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)} }

func (b *box) add(p Point) {
	b.west, b.east = min(b.west, p[0]), max(b.east, p[0])
	b.south, b.north = min(b.south, p[1]), max(b.north, p[1])
}

func (b *box) has(p Point) bool {
	return p[0] >= b.west && p[0] <= b.east && p[1] >= b.south && p[1] <= b.north
}

// Of what was left out, what lies within this share of the size of the routes,
// or so many degrees of latitude (some 500 m), belongs to the view.
const (
	nearShare   = 0.3
	nearDegrees = 0.005
)

// newView fits a view to the routes and to what was left out near them: one
// stop in another city must not shrink the day to a dot.
func newView(t *Task, r routing.Result) view {
	b := t.routesBox(r)
	v := view{shrink: max(0.01, math.Cos((b.south+b.north)/2*math.Pi/180))}
	near := max(nearDegrees, nearShare*max((b.east-b.west)*v.shrink, b.north-b.south))
	around := box{b.west - near/v.shrink, b.east + near/v.shrink, b.south - near, b.north + near}
	for _, l := range r.LeftOut {
		if at := t.jobs[l.Stop].spot.at; at != nil && around.has(*at) {
			b.add(*at)
		}
	}
	wide := drawWidth - drawLegend - 2*drawMargin
	v.scale = wide / max((b.east-b.west)*v.shrink, 1e-4)
	v.scale = min(v.scale, wide*1.2/max(b.north-b.south, 1e-4))
	v.tall, v.box = (b.north-b.south)*v.scale, b
	return v
}

// routesBox spans all places of the routes. Without any it spans the jobs, but
// for those that are far from most.
func (t *Task) routesBox(r routing.Result) box {
	b := nowhere()
	for _, route := range r.Routes {
		for _, step := range route.Steps {
			if at := t.spotOf(route, step); at != nil && at.at != nil {
				b.add(*at.at)
			}
		}
	}
	if b.west <= b.east {
		return b
	}
	var points []Point
	for _, j := range t.jobs {
		if j.spot.at != nil {
			points = append(points, *j.spot.at)
		}
	}
	middle := Point{median(points, func(p Point) float64 { return p[0] }), median(points, func(p Point) float64 { return p[1] })}
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

// fromMiddle is how far right and down of the view's middle a point lies on the sheet.
func (v view) fromMiddle(p Point) (right, down float64) {
	return (p[0] - (v.box.west+v.box.east)/2) * v.shrink * v.scale, ((v.box.south+v.box.north)/2 - p[1]) * v.scale
}

// far says that a point is not in the view.
func (v view) far(p Point) bool { return !v.box.has(p) }

// kilometres is how far a point is from the view's middle, roughly.
func (v view) kilometres(p Point) float64 {
	const perDegree = 111.2
	right, down := v.fromMiddle(p)
	return math.Hypot(right, down) / v.scale * perDegree
}
