package country

import (
	"math"

	"doorstep/geo"
)

// outline is one ring of land: a first position, then steps, in thousandths of a degree.
type outline []int32

// metresPerDegree is the length of a degree of latitude.
const metresPerDegree = geo.EarthRadius * math.Pi / 180

// Off is how many metres a position lies from the land of a country: 0 on it, in a country that is
// not known, and in one whose outline is not. Over more than some hundred kilometres it is rough.
func Off(code string, p geo.Point) float64 {
	areas, known := areasOf(code), false
	for _, a := range areas {
		if len(a.Land) == 0 && a.inBox(p) || a.holds(p) {
			return 0
		}
		known = known || len(a.Land) > 0
	}
	if !known {
		return 0
	}
	nearest := math.Inf(1)
	for _, a := range areas {
		for _, ring := range a.Land {
			nearest = min(nearest, ring.metres(p))
		}
	}
	return nearest
}

// holds tells whether a position is on the area's land. A hole in the land is a ring in a ring.
func (a *area) holds(p geo.Point) bool {
	inside := false
	for i, b := range a.around {
		if p.Lon*1000 >= float64(b[0]) && p.Lon*1000 <= float64(b[2]) && p.Lat*1000 >= float64(b[1]) &&
			p.Lat*1000 <= float64(b[3]) {
			inside = inside != a.Land[i].holds(p)
		}
	}
	return inside
}

// each yields the positions of the ring in thousandths of a degree, the first again at the end.
func (r outline) each(yield func(x, y int32) bool) {
	var x, y int32
	for i := 0; i+1 < len(r); i += 2 {
		x, y = x+r[i], y+r[i+1]
		if !yield(x, y) {
			return
		}
	}
	yield(r[0], r[1])
}

func (r outline) box() [4]int32 {
	b := [4]int32{math.MaxInt32, math.MaxInt32, math.MinInt32, math.MinInt32}
	for x, y := range r.each {
		b = [4]int32{min(b[0], x), min(b[1], y), max(b[2], x), max(b[3], y)}
	}
	return b
}

// holds tells whether a position lies inside the ring.
func (r outline) holds(p geo.Point) bool {
	px, py := p.Lon*1000, p.Lat*1000
	inside := false
	ax, ay := float64(r[0]), float64(r[1])
	for x, y := range r.each {
		bx, by := float64(x), float64(y)
		if (ay > py) != (by > py) && px < ax+(py-ay)/(by-ay)*(bx-ax) {
			inside = !inside
		}
		ax, ay = bx, by
	}
	return inside
}

// metres is the distance of a position from the line of the ring.
func (r outline) metres(p geo.Point) float64 {
	const north = metresPerDegree / 1000
	east := math.Cos(p.Lat*math.Pi/180) * north
	px, py := p.Lon*1000, p.Lat*1000
	nearest := math.Inf(1)
	ax, ay := (float64(r[0])-px)*east, (float64(r[1])-py)*north
	for x, y := range r.each {
		bx, by := (float64(x)-px)*east, (float64(y)-py)*north
		nearest = min(nearest, toSegment(ax, ay, bx, by))
		ax, ay = bx, by
	}
	return nearest
}

// toSegment is the distance of the origin from the segment of a and b.
func toSegment(ax, ay, bx, by float64) float64 {
	dx, dy := bx-ax, by-ay
	t := 0.0
	if l := dx*dx + dy*dy; l > 0 {
		t = max(0, min(1, -(ax*dx+ay*dy)/l))
	}
	return math.Hypot(ax+t*dx, ay+t*dy)
}
