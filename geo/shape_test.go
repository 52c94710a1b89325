package geo

import (
	"math"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

// cell is the width of a square of the test grids: 1e-5 degrees, about a metre and 1.2 m².
const cell = 100

// gridRing draws a closed ring with corners on a small grid, so that borders
// touch, cross and run along each other often.
func gridRing(size int) *rapid.Generator[[]E7] {
	return rapid.Custom(func(t *rapid.T) []E7 {
		at := rapid.Custom(func(t *rapid.T) E7 {
			return E7{int32(rapid.IntRange(0, size).Draw(t, "x")) * 10 * cell,
				int32(rapid.IntRange(0, size).Draw(t, "y")) * 10 * cell}
		})
		ring := rapid.SliceOfN(at, 3, 7).Draw(t, "ring")
		return append(ring, ring[0])
	})
}

func orbRing(ring []E7) orb.Ring {
	out := make(orb.Ring, len(ring))
	for i, c := range ring {
		out[i] = c.Point().Orb()
	}
	return out
}

// simple decides by plain arithmetic whether a ring is a simple polygon.
func simple(ring []E7) bool {
	var corners []E7
	for _, c := range ring[:len(ring)-1] {
		if len(corners) == 0 || corners[len(corners)-1] != c {
			corners = append(corners, c)
		}
	}
	for len(corners) > 1 && corners[0] == corners[len(corners)-1] {
		corners = corners[:len(corners)-1]
	}
	n := len(corners)
	if n < 3 {
		return false
	}
	for i := range n {
		for j := i + 1; j < n; j++ {
			a, b, c, d := corners[i], corners[(i+1)%n], corners[j], corners[(j+1)%n]
			shared := 0
			if j == i+1 || (i == 0 && j == n-1) {
				shared = 1
			}
			if commonPoints(a, b, c, d) > shared {
				return false
			}
		}
	}
	return true
}

// commonPoints returns 0, 1 or, for a common line, 2. It solves the two lines
// for their parameters in floats, which are exact for the test grids.
func commonPoints(a, b, c, d E7) int {
	ax, ay, bx, by := float64(a.Lon), float64(a.Lat), float64(b.Lon), float64(b.Lat)
	cx, cy, dx, dy := float64(c.Lon), float64(c.Lat), float64(d.Lon), float64(d.Lat)
	ux, uy, vx, vy := bx-ax, by-ay, dx-cx, dy-cy
	cross := ux*vy - uy*vx
	if cross != 0 {
		s := (cx-ax)*vy - (cy-ay)*vx // times cross
		t := (cx-ax)*uy - (cy-ay)*ux
		if cross < 0 {
			s, t, cross = -s, -t, -cross
		}
		if s >= 0 && s <= cross && t >= 0 && t <= cross {
			return 1
		}
		return 0
	}
	if (cx-ax)*uy-(cy-ay)*ux != 0 {
		return 0
	}
	length := ux*ux + uy*uy
	from := (cx-ax)*ux + (cy-ay)*uy
	to := (dx-ax)*ux + (dy-ay)*uy
	low, high := math.Max(0, math.Min(from, to)), math.Min(length, math.Max(from, to))
	switch {
	case low > high:
		return 0
	case low == high:
		return 1
	}
	return 2
}

func TestSimpleRingsAndOnlyTheyAreShapes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ring := gridRing(4).Draw(t, "ring")
		_, err := NewShape(orb.MultiPolygon{{orbRing(ring)}})
		if got, want := err == nil, simple(ring); got != want {
			t.Fatalf("%v: simple is %v, but the check says %v", ring, want, err)
		}
	})
}

// holdsByWinding says whether p is in or on the ring, by the angle that the
// ring turns about it.
func holdsByWinding(ring []E7, p E7) bool {
	var turned float64
	for i := 1; i < len(ring); i++ {
		ax, ay := float64(ring[i-1].Lon-p.Lon), float64(ring[i-1].Lat-p.Lat)
		bx, by := float64(ring[i].Lon-p.Lon), float64(ring[i].Lat-p.Lat)
		cross, dot := ax*by-ay*bx, ax*bx+ay*by
		if cross == 0 && dot <= 0 {
			return true // on the border
		}
		turned += math.Atan2(cross, dot)
	}
	return math.Abs(turned) > 1
}

func TestShapeHoldsWhatItsBorderGoesRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ring := gridRing(6).Filter(simple).Draw(t, "ring")
		s, err := NewShape(orb.MultiPolygon{{orbRing(ring)}})
		if err != nil {
			t.Fatal(err)
		}
		for x := int32(-1); x <= 13; x++ {
			for y := int32(-1); y <= 13; y++ {
				p := E7{x * 5 * cell, y * 5 * cell}
				if got, want := s.Contains(p.Point()), holdsByWinding(ring, p); got != want {
					t.Fatalf("%v holds %v: %v, want %v", ring, p, got, want)
				}
			}
		}
	})
}

func TestAPointInAHoleIsOutside(t *testing.T) {
	s := mustParse(t, polygonText(square, "2 2, 2 4, 4 4, 4 2, 2 2"))
	for _, c := range []struct {
		name string
		p    Point
		in   bool
	}{
		{"in the area", Point{0.001, 0.001}, true},
		{"in the hole", Point{0.003, 0.003}, false},
		{"on the border of the hole", Point{0.002, 0.003}, true},
		{"a centimetre into the hole", Point{0.0020001, 0.003}, false},
		{"in a corner", Point{0, 0}, true},
		{"a centimetre outside", Point{-0.0000001, 0.005}, false},
		{"level with a corner, outside", Point{-0.005, 0.004}, false},
		{"not on Earth", Point{0.001, 91}, false},
	} {
		if got := s.Contains(c.p); got != c.in {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if (Shape{}).Contains(Point{0.001, 0.001}) {
		t.Error("the empty shape holds a point")
	}
}

func TestAShapeAsWideAsTheWorldIsExactAtItsEdges(t *testing.T) {
	s := mustParse(t, polygonText("-179000 -80000, 0 -89000, 179000 -80000, 179000 80000, 0 89000, -179000 80000, "+
		"-179000 -80000"))
	for p, want := range map[Point]bool{
		{-179, 0}: true, {-179.0000001, 0}: false, {179, 0}: true, {179.0000001, 0}: false,
		{0, 89}: true, {0, 89.0000001}: false, {-180, 79}: false, {180, -79}: false, {-8.61, 41.15}: true,
	} {
		if got := s.Contains(p); got != want {
			t.Errorf("%v: %v", p, got)
		}
	}
}

func TestOverlapAreaIsWhatTheCellsSay(t *testing.T) {
	// Rings of straight lines along the grid, so that the common area is a
	// number of whole cells.
	rectangle := rapid.Custom(func(t *rapid.T) [4]int {
		x, y := rapid.IntRange(0, 8).Draw(t, "x"), rapid.IntRange(0, 8).Draw(t, "y")
		return [4]int{x, y, x + rapid.IntRange(1, 6).Draw(t, "width"), y + rapid.IntRange(1, 6).Draw(t, "height")}
	})
	shapeOf := func(r [4]int) Shape {
		at := func(x, y int) orb.Point { return E7{int32(x) * 10 * cell, int32(y) * 10 * cell}.Point().Orb() }
		ring := orb.Ring{at(r[0], r[1]), at(r[2], r[1]), at(r[2], r[3]), at(r[0], r[3]), at(r[0], r[1])}
		s, err := NewShape(orb.MultiPolygon{{ring}})
		if err != nil {
			panic(err)
		}
		return s
	}
	unit := math.Pow(EarthRadius*radiansPerUnit*10*cell, 2)
	rapid.Check(t, func(t *rapid.T) {
		a, b := rectangle.Draw(t, "a"), rectangle.Draw(t, "b")
		want := float64(max(0, min(a[2], b[2])-max(a[0], b[0])) * max(0, min(a[3], b[3])-max(a[1], b[1])))
		if got := shapeOf(a).OverlapArea(shapeOf(b)) / unit; math.Abs(got-want) > 0.001 {
			t.Fatalf("%v and %v have %.4f cells in common, want %v", a, b, got, want)
		}
	})
}

func TestOverlapOfAnyTwoShapesIsSane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := gridRing(5).Filter(simple).Draw(t, "one")
		other := gridRing(5).Filter(simple).Draw(t, "other")
		a, err := NewShape(orb.MultiPolygon{{orbRing(one)}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewShape(orb.MultiPolygon{{orbRing(other)}})
		if err != nil {
			t.Fatal(err)
		}
		common := a.OverlapArea(b)
		if back := b.OverlapArea(a); math.Abs(common-back) > 1e-3 {
			t.Fatalf("%v one way, %v the other", common, back)
		}
		if common < -1e-3 || common > math.Min(a.Area(), b.Area())+1e-3 {
			t.Fatalf("%v m² in common, of %v and %v", common, a.Area(), b.Area())
		}
		// Count a fine lattice of points: the share inside both, times the box.
		const steps = 60
		inside := 0
		for i := range steps {
			for j := range steps {
				p := E7{int32((2*i + 1) * 50 * cell / (2 * steps)), int32((2*j + 1) * 50 * cell / (2 * steps))}
				if holdsByWinding(one, p) && holdsByWinding(other, p) {
					inside++
				}
			}
		}
		box := math.Pow(EarthRadius*radiansPerUnit*50*cell, 2)
		if counted := box * float64(inside) / steps / steps; math.Abs(counted-common) > 0.05*box {
			t.Fatalf("%v m² in common, but counted %v", common, counted)
		}
	})
}
