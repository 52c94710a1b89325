package travel

import (
	"math"

	"doorstep/geo"
)

// SnapLimit is the largest distance in metres of a point from a road of its mode. A point
// farther away is off the road. The way from the road to the point is not in the
// figures: it is part of the service at the stop.
const SnapLimit = 500

// islandLead is by how many metres an island road must be nearer than any other road for
// the point to be snapped to it. Island roads that are nearer by less are mostly
// driveways that the map does not connect.
const islandLead = 50

// place is a point of the network: somewhere along an edge.
type place struct {
	edge uint32
	// along is the fraction of the edge's length from its first end.
	along float64
	// off says that no road is near; the other fields are then meaningless.
	off bool
}

const (
	// An entry of the search for the nearest edge is a box of the tree or, at level
	// measured, an edge whose distance is known.
	levelShift = 27
	measured   = 31
)

// snapper finds the edge nearest to a point. Its items are the boxes of the edges,
// which are in Morton's order.
type snapper struct {
	e    *edges
	tree geo.BoxTree
}

func newSnapper(e *edges) *snapper {
	boxes := make([]geo.Box, len(e.cost))
	for i := range boxes {
		boxes[i] = geo.BoxOf(e.line(uint32(i)))
	}
	return &snapper{e: e, tree: geo.NewBoxTree(boxes)}
}

// flat is the tangent plane at a point, in metres. It is exact enough within SnapLimit.
type flat struct {
	lon, lat       float64
	perLon, perLat float64 // metres per unit
}

func flatAbout(p geo.Point) flat {
	perUnit := geo.EarthRadius * math.Pi / 180 / 1e7
	e := p.E7()
	return flat{float64(e.Lon), float64(e.Lat), perUnit * math.Cos(p.Lat*math.Pi/180), perUnit}
}

func (f flat) of(p geo.E7) (x, y float64) {
	return (float64(p.Lon) - f.lon) * f.perLon, (float64(p.Lat) - f.lat) * f.perLat
}

// between is the distance of two positions.
func (f flat) between(a, b geo.E7) float64 {
	ax, ay := f.of(a)
	bx, by := f.of(b)
	return math.Hypot(bx-ax, by-ay)
}

// to is the square of the distance to a box.
func (f flat) to(b geo.Box) float64 {
	x := max(float64(b.MinLon)-f.lon, 0, f.lon-float64(b.MaxLon)) * f.perLon
	y := max(float64(b.MinLat)-f.lat, 0, f.lat-float64(b.MaxLat)) * f.perLat
	return x*x + y*y
}

// snap returns the place on the network nearest to a point.
func (s *snapper) snap(p geo.Point) place {
	f := flatAbout(p)
	var q queue
	put := func(level int, i uint32, square float64) {
		if square <= SnapLimit*SnapLimit {
			q.push(entry{weight(math.Float64bits(square)), uint32(level)<<levelShift | i})
		}
	}
	top, boxes := s.tree.Top()
	for i, b := range boxes {
		put(top, uint32(i), f.to(b))
	}
	island, islandAt := place{off: true}, math.Inf(1)
	for len(q) > 0 {
		next := q.pop()
		level, i := int(next.state>>levelShift), next.state&(1<<levelShift-1)
		distance := math.Sqrt(math.Float64frombits(uint64(next.key)))
		switch {
		case distance > islandAt+islandLead:
			return island
		case level == measured && s.e.island[i]:
			if island.off {
				_, along := s.nearest(f, i)
				island, islandAt = place{edge: i, along: along}, distance
			}
		case level == measured:
			_, along := s.nearest(f, i)
			return place{edge: i, along: along}
		case level == 0:
			square, _ := s.nearest(f, i)
			put(measured, i, square)
		default:
			first, boxes := s.tree.Children(level, int(i))
			for k, b := range boxes {
				put(level-1, uint32(first+k), f.to(b))
			}
		}
	}
	return island
}

// nearest returns the square of the distance to an edge, and how far along it the nearest point is.
func (s *snapper) nearest(f flat, edge uint32) (square, along float64) {
	square = math.Inf(1)
	line := s.e.line(edge)
	before := 0.0
	at := 0.0
	ax, ay := f.of(line[0])
	for _, p := range line[1:] {
		bx, by := f.of(p)
		dx, dy := bx-ax, by-ay
		length := math.Hypot(dx, dy)
		t := 0.0
		if length > 0 {
			t = min(1, max(0, -(ax*dx+ay*dy)/(length*length)))
		}
		x, y := ax+t*dx, ay+t*dy
		if d := x*x + y*y; d < square {
			square, at = d, before+t*length
		}
		before += length
		ax, ay = bx, by
	}
	const centimetre = 0.01 // from an end is at the end
	switch {
	case at < centimetre:
		return square, 0
	case at > before-centimetre:
		return square, 1
	}
	return square, at / before
}
