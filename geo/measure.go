package geo

import (
	"cmp"
	"math"
	"slices"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
)

// Perimeter returns the metres round the shape, its holes' borders included.
func (s Shape) Perimeter() float64 {
	var sum float64
	for _, e := range s.edges {
		sum += e.a.Point().DistanceTo(e.b.Point())
	}
	return sum
}

// Compactness returns how close the shape is to a circle (Polsby and Popper):
// 4π times its area over the square of its perimeter. A circle has 1, a square
// 0.79, a strip ten times as long as wide 0.26; the zero Shape has 0.
func (s Shape) Compactness() float64 {
	round := s.Perimeter()
	if round == 0 {
		return 0
	}
	return 4 * math.Pi * s.Area() / (round * round)
}

// Parts returns the number of polygons, which touch in points at most.
func (s Shape) Parts() int { return len(s.polygons) }

// Centre returns the middle of the shape's area. It need not lie inside.
func (s Shape) Centre() Point {
	c, _ := planar.CentroidArea(s.polygons)
	return FromOrb(c)
}

// Inside returns a point that lies in the shape, half-way across it at some
// latitude; the shape must not be empty.
func (s Shape) Inside() Point {
	c := s.Centre()
	if s.Contains(c) {
		return c
	}
	// The widest crossing of the largest part's middle latitude.
	widest := slices.MaxFunc(s.polygons, func(a, b orb.Polygon) int {
		return cmp.Compare(math.Abs(planar.Area(a)), math.Abs(planar.Area(b)))
	})
	bound := widest.Bound()
	// between two rows of the grid: no corner is met
	lat := math.Round((bound.Min[1]+bound.Max[1])/2*unitsPerDegree) + 0.5
	var at []float64
	for _, ring := range widest {
		corners := onGrid(ring)
		for i := 1; i < len(corners); i++ {
			e := edge{corners[i-1], corners[i]}
			if (float64(e.a.Lat) > lat) != (float64(e.b.Lat) > lat) {
				at = append(at, e.lonAt(lat))
			}
		}
	}
	slices.Sort(at)
	best, width := widest[0][0][0], -1.0
	for i := 1; i < len(at); i += 2 {
		if at[i]-at[i-1] > width {
			best, width = (at[i]+at[i-1])/2/unitsPerDegree, at[i]-at[i-1]
		}
	}
	return Point{Lon: best, Lat: lat / unitsPerDegree}
}

// DistanceTo returns the metres from the shape to p, 0 inside; infinite for the
// zero Shape. It is good to a part in a thousand up to some tens of kilometres.
func (s Shape) DistanceTo(p Point) float64 {
	if s.Contains(p) {
		return 0
	}
	nearest := math.Inf(1)
	for _, e := range s.edges {
		nearest = min(nearest, e.distanceTo(p))
	}
	return nearest
}

// distanceTo measures on the plane that touches the Earth at p.
func (e edge) distanceTo(p Point) float64 {
	const perUnit = EarthRadius * radiansPerUnit
	east := math.Cos(p.Lat*math.Pi/180) * perUnit
	px, py := p.Lon*unitsPerDegree, p.Lat*unitsPerDegree
	ax, ay := (float64(e.a.Lon)-px)*east, (float64(e.a.Lat)-py)*perUnit
	bx, by := (float64(e.b.Lon)-px)*east, (float64(e.b.Lat)-py)*perUnit
	dx, dy := bx-ax, by-ay
	t := 0.0
	if square := dx*dx + dy*dy; square > 0 {
		t = max(0, min(1, -(ax*dx+ay*dy)/square))
	}
	return math.Hypot(ax+t*dx, ay+t*dy)
}

// Near returns the ids of the areas within so many metres of the point, those
// that hold it among them, in order.
func (x *Index) Near(lon, lat, metres float64) []string {
	p := Point{Lon: lon, Lat: lat}
	if x == nil || len(x.owner) == 0 || p.validRange("") != nil {
		return nil
	}
	const perUnit = EarthRadius * radiansPerUnit
	// A little more than it takes: near the poles the box is the whole row.
	high := metres/perUnit + 1
	wide := min(360*unitsPerDegree, high/max(1e-9, math.Cos((math.Abs(lat)*math.Pi/180)+high*radiansPerUnit)))
	at := p.E7()
	clamp := func(v, limit float64) int32 { return int32(max(-limit, min(limit, v))) }
	box := Box{clamp(float64(at.Lon)-wide, 180*unitsPerDegree), clamp(float64(at.Lat)-high, 90*unitsPerDegree),
		clamp(float64(at.Lon)+wide, 180*unitsPerDegree), clamp(float64(at.Lat)+high, 90*unitsPerDegree)}
	var areas []int
	x.tree.Search(box, func(i int) bool {
		if area := x.owner[i]; !slices.Contains(areas, area) && x.areas[area].Shape.DistanceTo(p) <= metres {
			areas = append(areas, area)
		}
		return true
	})
	slices.Sort(areas)
	var ids []string
	for _, area := range areas {
		ids = append(ids, x.areas[area].ID)
	}
	return ids
}

// Hull returns the convex shape about points with so many metres to spare on
// every side, at least one. Of no points it is the zero Shape. The points must
// be in range and on one side of the 180th meridian.
func Hull(points []Point, spare float64) (Shape, error) {
	if len(points) == 0 {
		return Shape{}, nil
	}
	const perUnit = EarthRadius * radiansPerUnit
	spare = max(1, spare)
	var corners []E7
	for _, p := range points {
		// An octagon about each point, a little larger than the circle.
		north := spare / perUnit
		east := north / max(0.01, math.Cos(p.Lat*math.Pi/180))
		at := p.E7()
		const out, in = 1, 0.4142135623730951
		for _, d := range [][2]float64{{out, in}, {in, out}, {-in, out}, {-out, in}, {-out, -in}, {-in, -out},
			{in, -out}, {out, -in}} {
			corners = append(corners, Point{Lon: (float64(at.Lon) + d[0]*east) / unitsPerDegree,
				Lat: (float64(at.Lat) + d[1]*north) / unitsPerDegree}.E7())
		}
	}
	slices.SortFunc(corners, func(a, b E7) int { return cmp.Or(cmp.Compare(a.Lon, b.Lon), cmp.Compare(a.Lat, b.Lat)) })
	corners = slices.Compact(corners)
	// Andrew's monotone chain, once along the south and once along the north.
	var ring []E7
	for range 2 {
		from := len(ring)
		for _, c := range corners {
			for len(ring) >= from+2 && side(ring[len(ring)-2], ring[len(ring)-1], c) <= 0 {
				ring = ring[:len(ring)-1]
			}
			ring = append(ring, c)
		}
		ring = ring[:len(ring)-1] // the last corner begins the other chain
		slices.Reverse(corners)
	}
	out := make(orb.Ring, 0, len(ring)+1)
	for _, c := range append(ring, ring[0]) {
		out = append(out, c.Point().Orb())
	}
	return NewShape(orb.MultiPolygon{{out}})
}

// Nearest returns the area nearest to the point and the metres to it, 0 inside;
// of equals the first by id. ok is false if the index has no areas.
func (x *Index) Nearest(p Point) (id string, metres float64, ok bool) {
	if x == nil {
		return "", 0, false
	}
	for _, a := range x.areas {
		if d := a.Shape.DistanceTo(p); !ok || d < metres {
			id, metres, ok = a.ID, d, true
		}
	}
	return id, metres, ok
}
