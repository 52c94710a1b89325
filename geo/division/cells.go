package division

import (
	"math"

	"doorstep/geo"
)

// cells draws the territory of each site. Within the ground of each present
// territory the cells are those of a power diagram in which its own sites weigh
// more by the toll; the pieces are put together by geo.Subdivide.
func (s *solver) cells(sites []site, weights []float64, toll float64) (map[int]geo.Shape, error) {
	joints := joints{}
	var lines []geo.Segment
	var whole box
	add := func(i int, shape geo.Shape) {
		lines = append(lines, shape.Segments()...)
		b := boxOf(s.plane, shape)
		if whole = whole.with(b); i >= 0 && toll > 0 {
			lines = append(lines, s.borders(sites, s.tolled(sites, weights, toll, i), b, joints)...)
		}
	}
	for i, t := range s.Present {
		if !t.Shape.Empty() {
			add(i, t.Shape)
		}
	}
	if !s.Area.Empty() {
		add(-1, s.Area)
	}
	if toll == 0 || !s.Area.Empty() { // one diagram for all, or for the ground outside all present territories
		lines = append(lines, s.borders(sites, weights, whole, joints)...)
	}
	return geo.Subdivide(lines, func(p geo.Point) int {
		owner, in := s.ground(p)
		if !in {
			return -1
		}
		d := door{owner: owner}
		d.x, d.y = s.plane.of(p)
		return s.nearest(sites, weights, toll, &d)
	})
}

// tolled are the weights as they are within the ground of a present territory.
func (s *solver) tolled(sites []site, weights []float64, toll float64, ground int) []float64 {
	out := make([]float64, len(weights))
	for i := range sites {
		out[i] = weights[i]
		if sites[i].parent == ground {
			out[i] += toll
		}
	}
	return out
}

// box is a rectangle in metres.
type box struct{ west, south, east, north float64 }

func (b box) with(o box) box {
	if b == (box{}) {
		return o
	}
	return box{min(b.west, o.west), min(b.south, o.south), max(b.east, o.east), max(b.north, o.north)}
}

// boxOf is the box about a shape with ten metres to spare, so that borders of cells cross its border and do not end
// at it.
func boxOf(p plane, s geo.Shape) box {
	b := s.Bound()
	west, south := p.of(geo.FromOrb(b.Min))
	east, north := p.of(geo.FromOrb(b.Max))
	return box{west - 10, south - 10, east + 10, north + 10}
}

// corner is a corner of a cell; other is the site beyond the edge to the next corner, -1 at the box.
type corner struct {
	x, y  float64
	other int
}

// borders are the lines between the cells of a power diagram, within a box.
func (s *solver) borders(sites []site, weights []float64, b box, joints joints) []geo.Segment {
	var out []geo.Segment
	for i := range sites {
		cell := []corner{{b.west, b.south, -1}, {b.east, b.south, -1}, {b.east, b.north, -1}, {b.west, b.north, -1}}
		for j := range sites {
			if j != i && len(cell) > 0 {
				cell = cut(cell, sites, weights, i, j)
			}
		}
		for n, c := range cell {
			if c.other > i { // each line once
				to := cell[(n+1)%len(cell)]
				from, end := joints.at(s.plane.point(c.x, c.y).E7()), joints.at(s.plane.point(to.x, to.y).E7())
				if from != end {
					out = append(out, geo.Segment{A: from, B: end})
				}
			}
		}
	}
	return out
}

// cut takes from a convex cell of site i what is nearer to site j.
func cut(cell []corner, sites []site, weights []float64, i, j int) []corner {
	a, b := sites[i], sites[j]
	// |p−a|² − wa ≤ |p−b|² − wb, written as nx·x + ny·y ≤ c.
	nx, ny := 2*(b.x-a.x), 2*(b.y-a.y)
	c := b.x*b.x + b.y*b.y - weights[j] - (a.x*a.x + a.y*a.y - weights[i])
	over := func(p corner) float64 { return nx*p.x + ny*p.y - c }
	var out []corner
	for n, p := range cell {
		q := cell[(n+1)%len(cell)]
		from, to := over(p), over(q)
		if from <= 0 {
			out = append(out, p)
		}
		if (from <= 0) != (to <= 0) {
			t := from / (from - to)
			at := corner{p.x + t*(q.x-p.x), p.y + t*(q.y-p.y), p.other}
			if from <= 0 {
				at.other = j // the new edge leaves the cell's border here
			}
			out = append(out, at)
		}
	}
	return out
}

// joints brings ends of lines together that lie within centimetres of each
// other: three cells meet in one point, and a gap there would let two flow together.
type joints map[geo.E7][]geo.E7

func (j joints) at(p geo.E7) geo.E7 {
	const wide = 16 // units of 1e-7 degree
	cell := func(v int32) int32 { return int32(math.Floor(float64(v) / wide)) }
	lon, lat := cell(p.Lon), cell(p.Lat)
	for x := lon - 1; x <= lon+1; x++ {
		for y := lat - 1; y <= lat+1; y++ {
			for _, q := range j[geo.E7{Lon: x, Lat: y}] {
				if math.Hypot(float64(q.Lon)-float64(p.Lon), float64(q.Lat)-float64(p.Lat)) <= 4 {
					return q
				}
			}
		}
	}
	key := geo.E7{Lon: lon, Lat: lat}
	j[key] = append(j[key], p)
	return p
}
