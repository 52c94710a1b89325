package geo

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

func mustIndex(t testing.TB, areas []Area) *Index {
	t.Helper()
	x, err := NewIndex(areas)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestIndexFindsWhatLookingAtEveryAreaFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rings := rapid.SliceOfN(gridRing(8).Filter(simple), 0, 12).Draw(t, "rings")
		var areas []Area
		for i, ring := range rings {
			s, err := NewShape(orb.MultiPolygon{{orbRing(ring)}})
			if err != nil {
				t.Fatal(err)
			}
			areas = append(areas, Area{fmt.Sprintf("t%02d", i*7%13), s})
		}
		x, err := NewIndex(areas)
		if err != nil {
			t.Fatal(err)
		}
		for i := int32(-1); i <= 17; i++ {
			for j := int32(-1); j <= 17; j++ {
				at := E7{i * 5 * cell, j * 5 * cell}
				p := at.Point()
				var want []string
				for k, ring := range rings {
					if holdsByWinding(ring, at) {
						want = append(want, areas[k].ID)
					}
				}
				slices.Sort(want)
				if got := x.All(p.Lon, p.Lat); !slices.Equal(got, want) {
					t.Fatalf("%v is in %v, want %v", at, got, want)
				}
				id, ok := x.Find(p.Lon, p.Lat)
				if ok != (len(want) > 0) || ok && id != want[0] {
					t.Fatalf("%v is found in %q, %v, want the first of %v", at, id, ok, want)
				}
			}
		}
	})
}

func TestAPointOnACommonBorderBelongsToExactlyOneTerritory(t *testing.T) {
	west := mustParse(t, polygonText(square))
	east := mustParse(t, polygonText("10 0, 20 0, 20 10, 10 10, 10 0"))
	for _, areas := range [][]Area{{{"west", west}, {"east", east}}, {{"east", east}, {"west", west}}} {
		x := mustIndex(t, areas)
		for _, lat := range []float64{0, 0.005, 0.01} {
			if id, ok := x.Find(0.01, lat); !ok || id != "east" {
				t.Errorf("on the border at %v: %q, %v", lat, id, ok)
			}
		}
		if id, _ := x.Find(0.0099999, 0.005); id != "west" {
			t.Errorf("a centimetre west of the border: %q", id)
		}
		if got := x.Overlaps(); got != nil {
			t.Errorf("a common border counts as an overlap: %v", got)
		}
	}
}

func TestTerritoryOnBothSidesOfThe180thMeridian(t *testing.T) {
	cut := multiPolygonText(ringsText("179000 -17000, 180000 -17000, 180000 -16000, 179000 -16000, 179000 -17000"),
		ringsText("-180000 -17000, -179000 -17000, -179000 -16000, -180000 -16000, -180000 -17000"))
	x := mustIndex(t, []Area{{"taveuni", mustParse(t, cut)},
		{"suva", mustParse(t, polygonText(
			"178000 -18500, 179000 -18500, 179000 -17500, 178000 -17500, 178000 -18500"))}})
	for lon, want := range map[float64]bool{179.5: true, 180: true, -180: true, -179.5: true, -178.9: false, 0: false,
		178.9: false} {
		if _, ok := x.Find(lon, -16.5); ok != want {
			t.Errorf("at longitude %v: %v", lon, ok)
		}
	}
}

func TestOverlapsAreReportedWithTheirArea(t *testing.T) {
	x := mustIndex(t, []Area{
		{"c", mustParse(t, polygonText("100 100, 110 100, 110 110, 100 110, 100 100"))},
		{"b", mustParse(t, polygonText("8 0, 18 0, 18 10, 8 10, 8 0"))},
		{"a", mustParse(t, polygonText(square))},
	})
	got := x.Overlaps()
	unit := math.Pow(EarthRadius*math.Pi/180/1000, 2)
	if len(got) != 1 || got[0].A != "a" || got[0].B != "b" || math.Abs(got[0].SquareMetres/unit-20) > 0.01 {
		t.Errorf("%v, want a and b with %v m²", got, 20*unit)
	}
}

func TestTwoTerritoriesOfOneIDAreRefused(t *testing.T) {
	s := mustParse(t, polygonText(square))
	if _, err := NewIndex([]Area{{"a", s}, {"b", s}, {"a", s}}); codeOf(t, err) != CodeDuplicateID {
		t.Errorf("%v", err)
	}
	if _, err := NewIndex([]Area{{"", s}}); codeOf(t, err) != CodeID {
		t.Errorf("%v", err)
	}
}

func TestAnIndexWithoutAreasFindsNothing(t *testing.T) {
	var none *Index
	for name, x := range map[string]*Index{"nil": none, "zero": {}, "empty": mustIndex(t, nil),
		"empty shape": mustIndex(t, []Area{{"a", Shape{}}})} {
		if _, ok := x.Find(1, 1); ok || x.All(1, 1) != nil || x.Overlaps() != nil {
			t.Errorf("%s: finds something", name)
		}
	}
	x := mustIndex(t, []Area{{"a", mustParse(t, polygonText(square))}})
	if _, ok := x.Find(math.NaN(), 91); ok {
		t.Error("a point that is not on Earth is found")
	}
}

func TestOneIndexServesManyAtOnce(t *testing.T) {
	x := chessboard(t, 20)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for i := range 20 {
				if id, ok := x.Find(float64(i)/100+0.005, 0.105); !ok || id != fmt.Sprintf("%02d-10", i) {
					t.Errorf("found %q", id)
				}
			}
			x.Overlaps()
		})
	}
	wait.Wait()
}

// chessboard is n by n territories of a hundredth of a degree with wavy borders.
func chessboard(t testing.TB, n int) *Index {
	const waves = 50
	corner := func(x, y, along float64, level bool) orb.Point {
		wave := 0.0005 * math.Sin(along*2*math.Pi)
		if level {
			return orb.Point{x / 100, y/100 + wave}
		}
		return orb.Point{x/100 + wave, y / 100}
	}
	var areas []Area
	for i := range n {
		for j := range n {
			x, y := float64(i), float64(j)
			var ring orb.Ring
			for k := range waves {
				ring = append(ring, corner(x+float64(k)/waves, y, float64(k)/waves, true))
			}
			for k := range waves {
				ring = append(ring, corner(x+1, y+float64(k)/waves, float64(k)/waves, false))
			}
			for k := waves; k > 0; k-- {
				ring = append(ring, corner(x+float64(k)/waves, y+1, float64(k)/waves, true))
			}
			for k := waves; k > 0; k-- {
				ring = append(ring, corner(x, y+float64(k)/waves, float64(k)/waves, false))
			}
			s, err := NewShape(orb.MultiPolygon{{append(ring, ring[0])}})
			if err != nil {
				t.Fatal(err)
			}
			areas = append(areas, Area{fmt.Sprintf("%02d-%02d", i, j), s})
		}
	}
	return mustIndex(t, areas)
}

func BenchmarkFindAmong900Territories(b *testing.B) {
	x := chessboard(b, 30)
	for i := 0; b.Loop(); i++ {
		x.Find(float64(i%997)/997*0.3, float64(i%1009)/1009*0.3)
	}
}

func TestWithoutAreasNoneIsNearest(t *testing.T) {
	empty, err := NewIndex(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []*Index{nil, empty} {
		// A distance without end cannot be written in JSON.
		if id, metres, ok := x.Nearest(Point{Lon: 1, Lat: 1}); ok || id != "" || metres != 0 {
			t.Errorf("%q at %v m, %t", id, metres, ok)
		}
	}
}
