package office

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"doorstep/auth/refusal"
	"doorstep/geo"

	"pgregory.net/rapid"
)

func rectangle(t interface{ Fatal(...any) }, west, south, east, north float64) geo.ShapeE7 {
	s, err := geo.ParseShape(fmt.Appendf(nil,
		`{"type":"Polygon","coordinates":[[[%v,%v],[%v,%v],[%v,%v],[%v,%v],[%v,%v]]]}`,
		west, south, east, south, east, north, west, north, west, south))
	if err != nil {
		t.Fatal(err)
	}
	return s.E7()
}

func indexOf(t interface{ Fatal(...any) }, ts []Territory) *geo.Index {
	var areas []geo.Area
	for _, x := range ts {
		s, err := x.Shape.Shape()
		if err != nil {
			t.Fatal(err)
		}
		areas = append(areas, geo.Area{ID: x.ID, Shape: s})
	}
	index, err := geo.NewIndex(areas)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// TestEveryCaseIsCountedOnce draws maps with overlaps and gaps, cases on borders, placed cases, and cases of teams.
func TestEveryCaseIsCountedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ts []Territory
		for i := range rapid.IntRange(1, 4).Draw(t, "territories") {
			x, y := rapid.IntRange(0, 4).Draw(t, "x"), rapid.IntRange(0, 4).Draw(t, "y")
			ts = append(ts, Territory{ID: fmt.Sprintf("T%d", i), Branch: "B", Shape: rectangle(t, float64(x)/100,
				41+float64(y)/100, float64(x+3)/100, 41+float64(y+2)/100)})
		}
		var work []Work
		for i := range rapid.IntRange(4, 25).Draw(t, "cases") {
			w := Work{Case: fmt.Sprintf("C%02d", i), ServiceMin: 10, HasHome: rapid.IntRange(0, 9).Draw(t, "home") > 0}
			w.Home = geo.Point{Lon: float64(rapid.IntRange(-2, 16).Draw(t, "lon")) / 200, Lat: 41 +
				float64(rapid.IntRange(-2, 14).Draw(t, "lat"))/200}
			switch rapid.IntRange(0, 9).Draw(t, "hand") {
			case 0:
				w.Team = "team"
			case 1:
				w.Pinned, w.Territory = true, ts[0].ID
			}
			work = append(work, w)
		}
		ask := Balancing{Branch: "B", Parts: rapid.IntRange(0, 5).Draw(t, "k"), AllCases: rapid.Bool().Draw(t, "all"),
			Anew: rapid.Bool().Draw(t, "anew")}
		p, err := balance(context.Background(), ask, ts, work)
		var refused *refusal.Error
		if errors.As(err, &refused) {
			t.Skip(refused.Code())
		}
		if err != nil {
			t.Fatal(err)
		}
		then := make([]Territory, len(p.Territories))
		seen := map[string]bool{}
		cases, minutes := 0, 0.0
		for i, x := range p.Territories {
			then[i] = x.Territory
			if err := x.check(); err != nil {
				t.Fatalf("%s cannot be kept: %v", x.Territory.ID, err)
			}
			if len(x.CaseIDs) != x.Cases {
				t.Fatalf("%s has %d cases and names %d", x.Territory.ID, x.Cases, len(x.CaseIDs))
			}
			for _, ref := range x.CaseIDs {
				if seen[ref] {
					t.Fatalf("%s is in two territories", ref)
				}
				seen[ref] = true
			}
			cases += x.Cases
			minutes += x.Minutes
		}
		index := indexOf(t, then)
		area := ask.Area
		if ask.AllCases {
			var homes []geo.Point
			for _, w := range work {
				if w.mapped() && !w.Pinned {
					homes = append(homes, w.Home)
				}
			}
			if area, err = geo.Hull(homes, hullMargin); err != nil {
				t.Fatal(err)
			}
		}
		held := heldBy(indexOf(t, ts), area)
		all := expected(work, held, len(ts), 0)
		if ask.Parts > 0 {
			all = expected(work, held, len(then), 0)
		}
		want, outside := 0.0, 0
		for i, w := range work {
			switch {
			case w.Team != "" || !w.HasHome && !w.Pinned:
				continue
			case w.Pinned && len(p.Removed) > 0 && p.Removed[0] == w.Territory:
				continue // placed in a territory that would be gone
			case w.whose(index) == "":
				outside++
				continue
			}
			if !seen[w.Case] {
				t.Fatalf("%s is forgotten", w.Case)
			}
			want += all[i]
		}
		if outside != p.Outside || ask.AllCases && outside > 0 {
			t.Fatalf("%d cases are outside, the proposal says %d", outside, p.Outside)
		}
		if math.Abs(want-minutes) > 1e-6*want+1e-9 {
			t.Fatalf("the territories have %.3f minutes together, the cases %.3f", minutes, want)
		}
		for _, o := range index.Overlaps() {
			// Only territories that the area of all cases does not touch lie as they did.
			for _, x := range p.Territories {
				if (x.Territory.ID == o.A || x.Territory.ID == o.B) && (x.Divided || !ask.AllCases) {
					t.Fatalf("overlap %+v", o)
				}
			}
		}
	})
}

func TestCasesOutsideAreGroupedByReach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lat := rapid.SampledFrom([]float64{0, 41, -69.9999}).Draw(t, "lat")
		var work []Work
		var outside []int
		for i := range rapid.IntRange(1, 25).Draw(t, "cases") {
			// Steps of about 100 to 280 m, so that many lie just within and just without the reach.
			step := 0.0025 / math.Cos(lat*math.Pi/180)
			work = append(work, Work{Case: fmt.Sprint(i), HasHome: true, Home: geo.Point{
				Lon: float64(rapid.IntRange(-6, 6).Draw(t, "x")) * step, Lat: lat +
					float64(rapid.IntRange(-6, 6).Draw(t, "y"))*0.0011}})
			outside = append(outside, i)
		}
		got := clusters(work, outside, nil)
		// Plainly: spread from each case to all within reach.
		seen := make([]bool, len(work))
		sizes := map[int]int{}
		for i := range work {
			if seen[i] {
				continue
			}
			seen[i] = true
			group := []int{i}
			for n := 0; n < len(group); n++ {
				for j := range work {
					if !seen[j] && work[group[n]].Home.DistanceTo(work[j].Home) < clusterReach {
						seen[j] = true
						group = append(group, j)
					}
				}
			}
			sizes[len(group)]++
		}
		for _, c := range got {
			sizes[c.Cases]--
		}
		for size, n := range sizes {
			if n != 0 {
				t.Fatalf("%d clusters of %d cases are missing (or too many, if below none)", n, size)
			}
		}
	})
}

func TestHolesInTheMapAreReported(t *testing.T) {
	// Four territories round a square in the middle.
	ts := []Territory{
		{ID: "N", Shape: rectangle(t, 0, 41.02, 0.03, 41.03)}, {ID: "S", Shape: rectangle(t, 0, 41, 0.03, 41.01)},
		{ID: "W", Shape: rectangle(t, 0, 41.01, 0.01, 41.02)}, {ID: "E", Shape: rectangle(t, 0.02, 41.01, 0.03, 41.02)},
	}
	work := []Work{{Case: "in", HasHome: true, Home: geo.Point{Lon: 0.015, Lat: 41.015}}, {Case: "border", HasHome: true,
		Home: geo.Point{Lon: 0.01, Lat: 41.015}},
		{Case: "far", HasHome: true, Home: geo.Point{Lon: 0.5, Lat: 41.015}}}
	got, err := holes(indexOf(t, ts), work)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Cases != 1 || math.Abs(got[0].SquareMetres-0.933e6) > 1e4 {
		t.Errorf("holes are %+v, want one of 0.93 km² with one case", got)
	}
}

func TestSomeTerritoriesAreDividedAndOthersStay(t *testing.T) {
	ts := []Territory{
		{ID: "A", Branch: "B", Shape: rectangle(t, 0, 41, 0.01, 41.03)}, {ID: "B", Branch: "B", Shape: rectangle(t, 0.01, 41,
			0.02, 41.03)},
		{ID: "C", Branch: "B", Shape: rectangle(t, 0.02, 41, 0.03, 41.03)},
	}
	var work []Work
	for i := range 300 { // most of them in A
		x := 0.03 * float64(i*i%300) / 300
		work = append(work, Work{Case: fmt.Sprint(i), HasHome: true, ServiceMin: 10, Home: geo.Point{Lon: x * x / 0.03,
			Lat: 41.0005 + 0.029*float64(i*7%100)/100}})
	}
	p, err := balance(context.Background(), Balancing{Branch: "B", Territories: []string{"A", "B"}, Parts: 3}, ts, work)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, x := range p.Territories {
		ids = append(ids, x.Territory.ID)
		if x.Territory.ID == "C" && (x.Divided || !x.Kept || x.Gained+x.Lost > 0 ||
			fmt.Sprint(x.Shape) != fmt.Sprint(ts[2].Shape)) {
			t.Errorf("C was divided: %+v", x)
		}
	}
	if fmt.Sprint(ids) != "[A B B-T1 C]" || p.MaxOff > 0.05 || p.WasOff < 0.3 {
		t.Errorf("proposed %v, off by %.3f, before by %.3f", ids, p.MaxOff, p.WasOff)
	}
}

func TestALargeMapTakesSeveralEntries(t *testing.T) {
	big := make([]byte, replaceBytes/2)
	got := batches([]mapPut{{id: "a", state: big}, {id: "b", state: big}, {id: "c", state: big}},
		[]mapPut{{typ: "teams", id: "t", state: big[:10]}}, []string{"x", "y"})
	if len(got) != 2 || len(got[0]) != 2 || len(got[1]) != 4 || got[1][1].typ != "teams" || got[1][3].state != nil {
		t.Errorf("%d batches", len(got))
	}
}

// TestACityOf3000CasesIsSharedOutEvenly divides Porto's six rectangles on real addresses.
func TestACityOf3000CasesIsSharedOutEvenly(t *testing.T) {
	const folder = "../../../shared/data/cases/"
	file, err := os.Open(folder + "porto-territories.geojson")
	if err != nil {
		t.Skip("SKIPPED: no division of a real city is tested, for the shared data is not here: ", err)
	}
	defer func() { _ = file.Close() }()
	features, err := geo.ReadFeatures(file)
	if err != nil {
		t.Fatal(err)
	}
	var ts []Territory
	for _, f := range features {
		ts = append(ts, Territory{ID: f.ID, Branch: "PORTO", Name: f.Name, Shape: f.Shape.E7()})
	}
	text, err := os.ReadFile(folder + "porto.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(row []string, name string) float64 {
		v, err := strconv.ParseFloat(row[slices.Index(rows[0], name)], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var work []Work
	for _, row := range rows[1:] {
		work = append(work, Work{Case: row[0], HasHome: true, Home: geo.Point{Lon: number(row, "lon"),
			Lat: number(row, "lat")}, ServiceMin: int(number(row, "service_min"))})
	}
	for _, c := range []struct {
		k       int
		anew    bool
		moved   float64 // share of cases, at most
		compact float64 // mean, at least
	}{{6, false, 0.10, 0.65}, {5, false, 0.20, 0.5}} {
		began := time.Now()
		p, err := balance(context.Background(), Balancing{Branch: "PORTO", Parts: c.k, Anew: c.anew, Seed: 1}, ts, work)
		if err != nil {
			t.Fatal(err)
		}
		compact := 0.0
		for _, x := range p.Territories {
			compact += x.Compactness / float64(len(p.Territories))
		}
		moved := float64(p.Moved) / float64(p.Cases)
		t.Logf("k %d anew %v: work off by %.1f %% (before %.1f %%), compactness %.2f, %.1f %% of cases move, %d "+
			"outside, %.0f minutes each, %.1f s",
			c.k, c.anew, 100*p.MaxOff, 100*p.WasOff, compact, 100*moved, p.Outside, p.Mean, time.Since(began).Seconds())
		if p.MaxOff > 0.05 || p.Cases != 3000 || p.Outside > 0 || moved > c.moved || compact < c.compact {
			t.Errorf("k %d anew %v: %+v", c.k, c.anew, []any{p.MaxOff, p.Cases, p.Outside, moved, compact})
		}
	}
}

// TestAnHeirHasMostOfTheCases: by cases, by ground where there are none, and nobody where there is nothing.
func TestAnHeirHasMostOfTheCases(t *testing.T) {
	var areas []geo.Area
	for i, id := range []string{"A", "B"} {
		shape, err := rectangle(t, float64(i)/10, 41, float64(i+1)/10, 41.1).Shape()
		if err != nil {
			t.Fatal(err)
		}
		areas = append(areas, geo.Area{ID: id, Shape: shape})
	}
	ground := func(west float64) geo.Shape {
		s, err := rectangle(t, west, 41, west+0.1, 41.1).Shape()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, c := range map[string]struct {
		took   map[string]int
		ground geo.Shape
		want   string
	}{
		"most cases, though less ground": {map[string]int{"A": 3, "B": 5}, ground(0.01), "B"},
		"as many: the first by id":       {map[string]int{"A": 3, "B": 3}, ground(0.09), "A"},
		"no cases: most ground":          {nil, ground(0.06), "B"},
		"neither":                        {nil, ground(5), ""},
	} {
		if got := heirOf(c.took, c.ground, areas); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	p := Proposal{Removed: []string{"X", "Y"}, heirs: map[string]string{"X": "A", "Y": ""}}
	got := fmt.Sprint(p.handovers([]Team{{ID: "t1", Territories: []string{"B", "X", "Y"}},
		{ID: "t2", Territories: []string{"B"}}, {ID: "t3"}, {ID: "t4", Territories: []string{"Y"}}}))
	if want := "[{t1  [B X Y] [X Y] [B A]} {t4  [Y] [Y] []}]"; got != want {
		t.Errorf("moves %s, want %s", got, want)
	}
}

// Cases that lie in no territory, far away and far apart, add nothing to the work of the territories; and a group of
// them is not charged with the ways to the others.
func TestCasesOfNoTerritoryDoNotStretchTheWays(t *testing.T) {
	ts := []Territory{{ID: "A", Branch: porto, Shape: rectangle(t, -8.70, 41.10, -8.60, 41.20)},
		{ID: "B", Branch: porto, Shape: rectangle(t, -8.60, 41.10, -8.50, 41.20)}}
	index := indexOf(t, ts)
	var work []Work
	for i := range 60 {
		work = append(work, Work{Case: fmt.Sprint("c", i), HasHome: true, ServiceMin: 10,
			Home: geo.Point{Lon: -8.69 + 0.003*float64(i), Lat: 41.11 + 0.001*float64(i*7%80)}})
	}
	loadsOf := func(work []Work) []Load {
		out, err := loads(ts, index, work, expected(work, heldBy(index, geo.Shape{}), len(ts), 0))
		ok(t, err)
		return out
	}
	alone := loadsOf(work)
	n := len(work)
	var outside []int
	for i := range 48 {
		work = append(work, Work{Case: fmt.Sprint("far", i), HasHome: true, ServiceMin: 10,
			Home: geo.Point{Lon: -170 + 7*float64(i), Lat: -40 + 1.5*float64(i)}})
		outside = append(outside, n+i)
	}
	for i, l := range loadsOf(work) {
		if l.Minutes != alone[i].Minutes || l.Minutes < 300 || l.Minutes > 900 {
			t.Errorf("%s has %.0f minutes of work, alone %.0f", l.ID, l.Minutes, alone[i].Minutes)
		}
	}
	for _, c := range clusters(work, outside, index) {
		if c.Minutes != 11 {
			t.Errorf("a case by itself is %.0f minutes of work, want 11", c.Minutes)
		}
	}
}
