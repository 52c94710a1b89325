package geo

import (
	"math"
	"slices"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

// drawShape draws a shape whose corners are on a small grid, or reports that it drew none.
func drawShape(t *rapid.T, name string, size int) (Shape, bool) {
	for range 20 {
		if ring := gridRing(size).Draw(t, name); simple(ring) {
			s, err := NewShape(orb.MultiPolygon{{orbRing(ring)}})
			return s, err == nil
		}
	}
	return Shape{}, false
}

func TestPiecesOfAMapAreAPartitionOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Small steps and large ones: borders that share corners, and lines that cross anywhere.
		size := rapid.SampledFrom([]int{3, 6, 40}).Draw(t, "size")
		a, okA := drawShape(t, "a", size)
		b, okB := drawShape(t, "b", size)
		if !okA || !okB {
			t.Skip("no simple ring")
		}
		lines := append(a.Segments(), b.Segments()...)
		for range rapid.IntRange(0, 3).Draw(t, "cuts") { // lines that end nowhere must do no harm
			at := func() E7 {
				return E7{int32(rapid.IntRange(-500, 500*size).Draw(t, "x")),
					int32(rapid.IntRange(-500, 500*size).Draw(t, "y"))}
			}
			lines = append(lines, Segment{at(), at()})
		}
		// What a, b and both hold; or a alone and all of b; or all of both, a border that turns where lines cross.
		pieces := rapid.IntRange(1, 3).Draw(t, "pieces")
		label := func(p Point) int {
			inA, inB := a.Contains(p), b.Contains(p)
			switch {
			case inA && inB && pieces == 3:
				return 2
			case inB && pieces > 1:
				return 1
			case inA || inB:
				return 0
			}
			return -1
		}
		got, err := Subdivide(lines, label)
		if err != nil {
			t.Fatal(err)
		}
		// A line is bent by a centimetre at most where others meet it.
		slack := 0.03*(a.Perimeter()+b.Perimeter()) + 4
		common := a.OverlapArea(b)
		for l, want := range []map[int]float64{
			{0: a.Area() + b.Area() - common},
			{0: a.Area() - common, 1: b.Area()},
			{0: a.Area() - common, 1: b.Area() - common, 2: common},
		}[pieces-1] {
			if area := got[l].Area(); math.Abs(area-want) > slack {
				t.Fatalf("piece %d has %.2f m², want %.2f", l, area, want)
			}
		}
		for l, s := range got {
			if _, err := s.E7().Shape(); err != nil {
				t.Fatalf("piece %d is no shape: %v", l, err)
			}
			for m, other := range got {
				if l < m && s.OverlapArea(other) > 1e-6 {
					t.Fatalf("pieces %d and %d have %.6f m² in common", l, m, s.OverlapArea(other))
				}
			}
		}
	})
}

func TestAMapPutTogetherAgainIsTheMap(t *testing.T) {
	ring := func(corners ...[2]float64) orb.Ring {
		var r orb.Ring
		for _, c := range append(corners, corners[0]) {
			r = append(r, orb.Point{c[0] / 1000, c[1] / 1000})
		}
		return r
	}
	for name, polygons := range map[string]orb.MultiPolygon{
		"two squares that touch in a corner, one with a hole that touches its shell and holds an island": {
			{ring([2]float64{0, 0}, [2]float64{10, 0}, [2]float64{10, 10}, [2]float64{0, 10}),
				ring([2]float64{0, 0}, [2]float64{2, 6}, [2]float64{8, 8}, [2]float64{6, 2})},
			{ring([2]float64{4, 4}, [2]float64{5, 4}, [2]float64{5, 5})},
			{ring([2]float64{10, 10}, [2]float64{14, 10}, [2]float64{14, 14})},
		},
		"an island that touches every corner of its hole": {
			{ring([2]float64{0, 0}, [2]float64{10, 0}, [2]float64{10, 10}, [2]float64{0, 10}),
				ring([2]float64{2, 2}, [2]float64{8, 2}, [2]float64{5, 8})},
			{ring([2]float64{2, 2}, [2]float64{5, 3}, [2]float64{8, 2}, [2]float64{5.8, 4.5}, [2]float64{5, 8},
				[2]float64{4.2, 4.5})},
		},
	} {
		s, err := NewShape(polygons)
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := Subdivide(s.Segments(), func(p Point) int {
			if s.Contains(p) {
				return 7
			}
			return -1
		})
		if err != nil {
			t.Fatal(name, err)
		}
		if len(got) != 1 || math.Abs(got[7].Area()-s.Area()) > 1e-3 || got[7].Parts() != len(polygons) ||
			got[7].Vertices() != s.Vertices() {
			t.Errorf("%s: %d shapes; %.3f m² in %d parts of %d corners, want %.3f m² in %d of %d", name, len(got),
				got[7].Area(), got[7].Parts(), got[7].Vertices(), s.Area(), len(polygons), s.Vertices())
		}
	}
}

func TestMeasuresOfShapes(t *testing.T) {
	const d = 0.01 // degrees; 1112 m
	square, err := NewShape(orb.MultiPolygon{{{{0, 0}, {d, 0}, {d, d}, {0, d}, {0, 0}}}})
	if err != nil {
		t.Fatal(err)
	}
	strip, err := NewShape(orb.MultiPolygon{{{{0, 0}, {10 * d, 0}, {10 * d, d}, {0, d}, {0, 0}}}})
	if err != nil {
		t.Fatal(err)
	}
	if c := square.Compactness(); math.Abs(c-math.Pi/4) > 1e-3 {
		t.Errorf("a square has compactness %.4f", c)
	}
	if c := strip.Compactness(); math.Abs(c-10*math.Pi/121) > 1e-3 {
		t.Errorf("a strip has compactness %.4f", c)
	}
	if c := (Shape{}).Compactness(); c != 0 {
		t.Errorf("the empty shape has compactness %v", c)
	}
	for _, c := range []struct {
		p    Point
		want float64
	}{
		{Point{d / 2, d / 2}, 0}, {Point{d, d}, 0}, {Point{2 * d, d / 2}, 1111.95}, {Point{-d, -d}, 1572.5},
		{Point{d / 2, -d}, 1111.95},
	} {
		if got := square.DistanceTo(c.p); math.Abs(got-c.want) > 0.5 {
			t.Errorf("%v lies %.2f m from the square, want %.2f", c.p, got, c.want)
		}
	}
	if !math.IsInf((Shape{}).DistanceTo(Point{1, 1}), 1) {
		t.Error("something is near the empty shape")
	}
	horseshoe, err := NewShape(orb.MultiPolygon{{{{0, 0}, {3 * d, 0}, {3 * d, 3 * d}, {2 * d, 3 * d}, {2 * d, d / 10},
		{d, d / 10}, {d, 3 * d}, {0, 3 * d}, {0, 0}}}})
	if err != nil {
		t.Fatal(err)
	}
	if p := horseshoe.Inside(); horseshoe.Contains(horseshoe.Centre()) || !horseshoe.Contains(p) {
		t.Errorf("the point %v in the horseshoe is not", p)
	}
}

func TestNearFindsWhatMeasuringEveryAreaFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// At the equator, in the north, and at the 180th meridian.
		lat := rapid.SampledFrom([]float64{0, 41, 69}).Draw(t, "lat")
		var areas []Area
		for _, id := range []string{"a", "b", "c", "d"} {
			x, y := rapid.Float64Range(-0.05, 0.05).Draw(t, "x"), rapid.Float64Range(-0.05, 0.05).Draw(t, "y")
			s, err := NewShape(orb.MultiPolygon{{{{x, lat + y}, {x + 0.01, lat + y}, {x + 0.01, lat + y + 0.01},
				{x, lat + y}}}})
			if err != nil {
				t.Fatal(err)
			}
			areas = append(areas, Area{id, s})
		}
		p := Point{rapid.Float64Range(-0.06, 0.06).Draw(t, "px"), lat + rapid.Float64Range(-0.06, 0.06).Draw(t, "py")}
		within := rapid.SampledFrom([]float64{0, 100, 1500, 5000}).Draw(t, "metres")
		x, err := NewIndex(areas)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, a := range areas {
			if a.Shape.DistanceTo(p) <= within {
				want = append(want, a.ID)
			}
		}
		if got := x.Near(p.Lon, p.Lat, within); !slices.Equal(got, want) {
			t.Fatalf("within %v m: %v, want %v", within, got, want)
		}
	})
}

func TestHullHoldsItsPointsWithRoomToSpare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lat := rapid.SampledFrom([]float64{0, 41, -69}).Draw(t, "lat")
		points := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Point {
			return Point{float64(rapid.IntRange(0, 5).Draw(t, "x")) / 100,
				lat + float64(rapid.IntRange(0, 5).Draw(t, "y"))/100}
		}), 1, 9).Draw(t, "points")
		hull, err := Hull(points, 200)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			if !hull.Contains(p) {
				t.Fatalf("%v lies outside", p)
			}
			for _, e := range hull.edges {
				if d := e.distanceTo(p); d < 199 {
					t.Fatalf("%v lies %.1f m from the border", p, d)
				}
			}
		}
	})
	if s, err := Hull(nil, 10); err != nil || !s.Empty() {
		t.Error("no points have a hull")
	}
}

// A corner of less than a square metre becomes part of the neighbouring polygon.
func TestAPieceTooSmallForAPolygonGoesToItsNeighbour(t *testing.T) {
	corners := []E7{{0, 410000000}, {100000, 410000000}, {100000, 410100000}, {0, 410100000}}
	var lines []Segment
	for i, c := range corners {
		lines = append(lines, Segment{c, corners[(i+1)%4]})
	}
	lines = append(lines, Segment{E7{-10, 410000110}, E7{110, 409999990}}) // legs of about a metre
	got, err := Subdivide(lines, func(p Point) int {
		switch {
		case p.Lon < 0 || p.Lat < 41 || p.Lon > 0.01 || p.Lat > 41.01:
			return -1
		case p.Lon < 0.00001 && p.Lat < 41.00001:
			return 1
		}
		return 0
	})
	if err != nil {
		t.Fatal(err)
	}
	whole := Point{Lon: 0, Lat: 41}
	if len(got) != 1 || !got[0].Contains(whole) {
		t.Errorf("%d shapes, and the first holds the corner: %t", len(got), got[0].Contains(whole))
	}
}
