package division

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"doorstep/auth/refusal"
	"doorstep/geo"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

func shapeOf(t testing.TB, polygons ...orb.Polygon) geo.Shape {
	t.Helper()
	s, err := geo.NewShape(polygons)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rectangle(west, south, east, north float64) orb.Polygon {
	return orb.Polygon{{{west, south}, {east, south}, {east, north}, {west, north}, {west, south}}}
}

// quarters are four equal territories round a point; most doors lie in the first.
func quarters(t testing.TB, doors int) Problem {
	const d = 0.05
	p := Problem{Parts: 4, Seed: 1}
	for _, at := range [][2]float64{{-d, -d}, {0, -d}, {-d, 0}, {0, 0}} {
		p.Present = append(p.Present, Territory{Shape: shapeOf(t, rectangle(at[0], 41+at[1], at[0]+d, 41+at[1]+d))})
	}
	r := rand.New(rand.NewPCG(7, 7))
	for range doors {
		x, y := r.NormFloat64()*d/2-d/4, r.NormFloat64()*d/2-d/4
		p.Doors = append(p.Doors, Door{At: geo.Point{Lon: max(-d, min(d, x)), Lat: 41 + max(-d, min(d, y))},
			Minutes: float64(5 + r.IntN(20))})
	}
	return p
}

// measured is a division looked at from outside, with nothing of the solver's.
type measured struct {
	work  []float64
	off   float64 // largest deviation, as a share of the mean
	moved float64 // share of work whose present territory is not the part's
	twice int     // doors in two parts
	none  int     // doors in none
}

func measure(t testing.TB, p Problem, parts []Part) measured {
	t.Helper()
	m := measured{work: make([]float64, len(parts))}
	var total, moved float64
	for i, part := range parts {
		if part.Present >= 0 {
			m.work[i] = p.Present[part.Present].Fixed
			total += m.work[i]
		}
	}
	for _, d := range p.Doors {
		was := -1
		for i := len(p.Present) - 1; i >= 0; i-- {
			if p.Present[i].Shape.Contains(d.At) {
				was = i
			}
		}
		if was < 0 && p.Area.Empty() || !p.Area.Empty() && !p.Area.Contains(d.At) {
			continue
		}
		in := -1
		for i, part := range parts {
			if part.Shape.Contains(d.At) {
				if in >= 0 {
					m.twice++
				}
				in = i
			}
		}
		if in < 0 {
			m.none++
			continue
		}
		m.work[in] += d.Minutes
		total += d.Minutes
		if was >= 0 && parts[in].Present != was {
			moved += d.Minutes
		}
	}
	mean := total / float64(len(parts))
	for _, w := range m.work {
		m.off = max(m.off, math.Abs(w-mean)/mean)
	}
	m.moved = moved / total
	return m
}

// checkPartition holds parts against the ground they divide.
func checkPartition(t interface{ Fatalf(string, ...any) }, parts []Part, area float64, border float64) {
	sum := 0.0
	for i, a := range parts {
		if _, err := a.Shape.E7().Shape(); err != nil {
			t.Fatalf("part %d is no shape: %v", i, err)
		}
		sum += a.Shape.Area()
		for j, b := range parts[:i] {
			// Rings that were kept may lie a centimetre over their neighbours'.
			if common := a.Shape.OverlapArea(b.Shape); common > 1 {
				t.Fatalf("parts %d and %d have %.2f m² in common", j, i, common)
			}
		}
	}
	if math.Abs(sum-area) > 4+0.03*border {
		t.Fatalf("the parts have %.1f m², the area %.1f", sum, area)
	}
}

func TestWorkIsSharedOutEquallyAndBordersAreKept(t *testing.T) {
	p := quarters(t, 2000)
	before := make([]Part, len(p.Present))
	for i, x := range p.Present {
		before[i] = Part{Present: i, Shape: x.Shape}
	}
	if was := measure(t, p, before); was.off < 0.5 {
		t.Fatalf("the example is even already: %.2f", was.off)
	}
	got, err := Divide(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	m := measure(t, p, got)
	if m.off > Tolerance || m.none > 0 || m.twice > 2 {
		t.Errorf("work is off by %.1f %%, %d doors belong to no part and %d in two parts", 100*m.off, m.none, m.twice)
	}
	checkPartition(t, got, areaOf(p), 8*p.Present[0].Shape.Perimeter())
	for i, part := range got {
		if part.Shape.Parts() > 1 || part.Shape.Compactness() < 0.4 {
			t.Errorf("part %d has %d pieces and compactness %.2f", i, part.Shape.Parts(), part.Shape.Compactness())
		}
	}

	p.Anew = true
	anew, err := Divide(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	a := measure(t, p, anew)
	if a.off > Tolerance {
		t.Errorf("divided anew, work is off by %.1f %%", 100*a.off)
	}
	if m.moved >= a.moved {
		t.Errorf("%.0f %% of the work changes hands, %.0f %% when no border counts", 100*m.moved, 100*a.moved)
	}

	again, err := Divide(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(shapesOf(anew), shapesOf(again)) {
		t.Error("the same problem and seed give another division")
	}
}

func areaOf(p Problem) (sum float64) {
	for _, x := range p.Present {
		sum += x.Shape.Area()
	}
	return sum
}

func shapesOf(parts []Part) (out []geo.ShapeE7) {
	for _, p := range parts {
		out = append(out, p.Shape.E7())
	}
	return out
}

func TestTerritoriesThatAreEvenStayAsTheyAre(t *testing.T) {
	p := quarters(t, 0)
	for i := range p.Present {
		c := p.Present[i].Shape.Centre()
		for x := range 12 {
			for y := range 12 {
				p.Doors = append(p.Doors, Door{At: geo.Point{Lon: c.Lon + (float64(x)-5.5)/300,
					Lat: c.Lat + (float64(y)-5.5)/300}, Minutes: 10})
			}
		}
	}
	got, err := Divide(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range got {
		if part.Present != i || !part.Kept || !reflect.DeepEqual(part.Shape.E7(), p.Present[i].Shape.E7()) {
			t.Errorf("territory %d was given another border: %+v", i, part.Shape.MultiPolygon())
		}
	}
}

func TestWorkThatIsFixedCounts(t *testing.T) {
	p := quarters(t, 2000)
	total := 0.0
	for _, d := range p.Doors {
		total += d.Minutes
	}
	p.Present[3].Fixed = total / 8 // half of a fair share
	got, err := Divide(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	if m := measure(t, p, got); m.off > Tolerance {
		t.Errorf("work is off by %.1f %%: %v", 100*m.off, m.work)
	}
}

func TestMoreAndFewerTerritoriesThanThereAre(t *testing.T) {
	for _, parts := range []int{1, 3, 5, 9} {
		p := quarters(t, 1500)
		p.Parts = parts
		got, err := Divide(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		heirs := map[int]int{}
		for _, part := range got {
			heirs[part.Present]++
		}
		for i := range p.Present {
			if heirs[i] > 1 {
				t.Errorf("%d parts continue territory %d", heirs[i], i)
			}
		}
		if fresh := max(0, parts-4); len(got) != parts || heirs[-1] != fresh {
			t.Errorf("%d parts, %d of them new; want %d and %d", len(got), heirs[-1], parts, fresh)
		}
		if m := measure(t, p, got); m.off > Tolerance || m.none > 0 {
			t.Errorf("%d parts: work is off by %.1f %%, %d doors belong to no part", parts, 100*m.off, m.none)
		}
		checkPartition(t, got, areaOf(p), 8*p.Present[0].Shape.Perimeter())
	}
}

// TestAnyDivisionIsAPartition takes areas with bays, holes, overlaps and gaps, and few doors.
func TestAnyDivisionIsAPartition(t *testing.T) {
	horseshoe := shapeOf(t, orb.Polygon{{{0, 41}, {0.03, 41}, {0.03, 41.03}, {0.02, 41.03}, {0.02, 41.01},
		{0.01, 41.01}, {0.01, 41.03}, {0, 41.03}, {0, 41}}})
	ring := shapeOf(t, append(rectangle(0.01, 41.01, 0.06, 41.05),
		orb.Ring{{0.03, 41.02}, {0.03, 41.04}, {0.05, 41.04}, {0.05, 41.02}, {0.03, 41.02}}))
	apart := shapeOf(t, rectangle(0.07, 41, 0.08, 41.05), rectangle(0.035, 41.025, 0.045, 41.035))
	frame := shapeOf(t, rectangle(-0.01, 40.99, 0.07, 41.04))
	rapid.Check(t, func(t *rapid.T) {
		p := Problem{Seed: 1, Anew: rapid.Bool().Draw(t, "anew")}
		var areas []geo.Area
		for i, s := range []geo.Shape{horseshoe, ring, apart} {
			if rapid.IntRange(0, 3).Draw(t, "use") > 0 {
				p.Present = append(p.Present, Territory{Shape: s,
					Fixed: float64(rapid.SampledFrom([]int{0, 0, 30}).Draw(t, "fixed"))})
				areas = append(areas, geo.Area{ID: string(rune('a' + i)), Shape: s})
			}
		}
		if rapid.IntRange(0, 2).Draw(t, "area") == 0 || len(p.Present) == 0 {
			p.Area = frame
			areas = []geo.Area{{ID: "area", Shape: frame}}
		}
		// Doors on a lattice: many on borders and corners, several at one place, all work alike.
		for range rapid.IntRange(1, 60).Draw(t, "doors") {
			p.Doors = append(p.Doors, Door{At: geo.Point{Lon: float64(rapid.IntRange(-2, 18).Draw(t, "x")) / 200,
				Lat: 41 + float64(rapid.IntRange(-2, 12).Draw(t, "y"))/200}, Minutes: 10})
		}
		p.Parts = rapid.IntRange(1, 7).Draw(t, "parts")
		got, err := Divide(context.Background(), p)
		var refused *refusal.Error
		if errors.As(err, &refused) {
			t.Skip(refused.Code())
		}
		if err != nil {
			t.Fatal(err)
		}
		index, err := geo.NewIndex(areas)
		if err != nil {
			t.Fatal(err)
		}
		union, err := index.Union()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != p.Parts {
			t.Fatalf("%d parts, want %d", len(got), p.Parts)
		}
		border := frame.Perimeter()
		for _, x := range p.Present {
			border += x.Shape.Perimeter()
		}
		checkPartition(t, got, union.Area(), 3*border)
		for i, part := range got {
			if out := part.Shape.Area() - part.Shape.OverlapArea(union); out > 4+0.03*part.Shape.Perimeter() {
				t.Fatalf("part %d reaches %.2f m² out of the area", i, out)
			}
		}
		// No door is forgotten, but for doors within a centimetre of the area's own border.
		for _, d := range p.Doors {
			if !union.Contains(d.At) {
				continue
			}
			nearest := math.Inf(1)
			for _, part := range got {
				nearest = min(nearest, part.Shape.DistanceTo(d.At))
			}
			if nearest > 0.02 {
				t.Fatalf("the door at %v lies %.3f m from every part", d.At, nearest)
			}
		}
	})
}

func TestProblemsWithoutADivision(t *testing.T) {
	two := []Door{{At: geo.Point{Lon: 0.01, Lat: 41.01}, Minutes: 1},
		{At: geo.Point{Lon: 0.02, Lat: 41.01}, Minutes: 1}}
	area := shapeOf(t, rectangle(0, 41, 0.05, 41.05))
	for name, c := range map[string]struct {
		p    Problem
		code string
	}{
		"no parts":            {Problem{Area: area, Doors: two}, CodeParts},
		"too many parts":      {Problem{Area: area, Doors: two, Parts: MaxParts + 1}, CodeParts},
		"more parts than are": {Problem{Area: area, Doors: two, Parts: 3}, CodeParts},
		"no area":             {Problem{Doors: two, Parts: 1}, CodeArea},
		"no doors":            {Problem{Area: area, Parts: 1}, CodeDoors},
		"doors elsewhere": {Problem{Area: area, Doors: []Door{{At: geo.Point{Lon: 9, Lat: 9}, Minutes: 1}},
			Parts: 1}, CodeDoors},
		"too large": {Problem{Area: area, Doors: make([]Door, MaxBids), Parts: 2}, CodeLarge},
	} {
		_, err := Divide(context.Background(), c.p)
		var refused *refusal.Error
		if !errors.As(err, &refused) || refused.Code() != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Divide(ended, quarters(t, 100)); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

func TestDoorsThatLieThinlyAreFurtherApart(t *testing.T) {
	// A town of 400 doors 100 m apart, and a country of 100 doors a kilometre apart.
	var places []geo.Point
	for x := range 20 {
		for y := range 20 {
			places = append(places, geo.Point{Lon: float64(x) / 1112 / math.Cos(41*math.Pi/180),
				Lat: 41 + float64(y)/1112})
		}
	}
	for x := range 10 {
		for y := range 10 {
			places = append(places, geo.Point{Lon: 1 + float64(x)/111.2/math.Cos(41*math.Pi/180),
				Lat: 41 + float64(y)/111.2})
		}
	}
	legs := Legs(places, 1)
	mean := func(legs []float64) float64 {
		sum := 0.0
		for _, l := range legs {
			sum += l
		}
		return sum / float64(len(legs))
	}
	town, country := mean(legs[:400]), mean(legs[400:])
	if town < 70 || town > 150 || country < 700 || country > 1500 {
		t.Errorf("a leg is %.0f m in town and %.0f m in the country, want about 93 and 926", town, country)
	}
	if some := mean(Legs(places, 0.25)); math.Abs(some-2*mean(legs)) > 1 {
		t.Errorf("of a quarter of the doors a leg is %.0f m, want twice %.0f", some, mean(legs))
	}
	if same := Legs(make([]geo.Point, 40), 1); mean(same) != 0 {
		t.Error("forty cases at one door are some way apart")
	}
}

// TestEveryTollGivesEqualWork: what is drawn is what was weighed, and a toll keeps doors where they are.
func TestEveryTollGivesEqualWork(t *testing.T) {
	for _, parts := range []int{3, 4, 5} {
		p := quarters(t, 1500)
		p.Parts = parts
		s, err := newSolver(p)
		if err != nil {
			t.Fatal(err)
		}
		var moved []float64
		for _, a := range s.tries() {
			got, err := s.try(context.Background(), s.sites(a), a)
			if err != nil {
				t.Fatal(err)
			}
			if got.off > 0.03 {
				t.Errorf("%d parts, toll %.2g: work is off by %.1f %%", parts, a.toll, 100*got.off)
			}
			if moved = append(moved, got.moved); a.toll == 0 && got.moved < moved[0] {
				t.Errorf("%d parts: %.1f %% of the work moves without a toll, %.1f %% with a high one", parts,
					100*got.moved, 100*moved[0])
			}
		}
	}
}

// TestAKeptRingLiesOverNobody has a long slanting border, at which the new one of its neighbours ends between two
// points of the grid.
func TestAKeptRingLiesOverNobody(t *testing.T) {
	p := Problem{Parts: 3, Seed: 1, Present: []Territory{
		{Shape: shapeOf(t, orb.Polygon{{{-0.05, 41}, {0, 41}, {0.0123457, 41.1}, {-0.05, 41.1}, {-0.05, 41}}})},
		{Shape: shapeOf(t, orb.Polygon{{{0, 41}, {0.08, 41}, {0.08, 41.05}, {0.0061728, 41.05}, {0, 41}}})},
		{Shape: shapeOf(t, orb.Polygon{{{0.0061728, 41.05}, {0.08, 41.05}, {0.08, 41.1}, {0.0123457, 41.1},
			{0.0061728, 41.05}}})},
	}}
	r := rand.New(rand.NewPCG(3, 3))
	for i, n := range []int{300, 100, 500} {
		west, south, height := []float64{-0.049, 0.015, 0.015}[i], []float64{41.001, 41.001, 41.051}[i],
			[]float64{0.098, 0.048, 0.048}[i]
		for range n {
			p.Doors = append(p.Doors, Door{At: geo.Point{Lon: west + r.Float64()*0.048,
				Lat: south + r.Float64()*height}, Minutes: 10})
		}
	}
	got, err := Divide(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	if !got[0].Kept || got[1].Kept || got[2].Kept {
		t.Fatalf("kept: %v %v %v, want the first only", got[0].Kept, got[1].Kept, got[2].Kept)
	}
	var areas []geo.Area
	for i, x := range p.Present {
		areas = append(areas, geo.Area{ID: string(rune('a' + i)), Shape: x.Shape})
	}
	index, err := geo.NewIndex(areas)
	if err != nil {
		t.Fatal(err)
	}
	union, err := index.Union()
	if err != nil {
		t.Fatal(err)
	}
	checkPartition(t, got, union.Area(), 0)
}

func TestTheBetterOfTwoProposals(t *testing.T) {
	for name, c := range map[string]struct{ better, worse proposal }{
		"fewer in new hands": {proposal{moved: 0.1, shape: 0.7}, proposal{moved: 0.2, shape: 0.75}},
		"much more compact":  {proposal{moved: 0.2, shape: 0.8}, proposal{moved: 0.1, shape: 0.5}},
		"even rather than kept": {proposal{moved: 0.4, shape: 0.7, off: 0.04},
			proposal{moved: 0.1, shape: 0.7, off: 0.2}},
		"in one piece": {proposal{moved: 0.3, shape: 0.7},
			proposal{moved: 0.2, shape: 0.7, pieces: 1}},
		"within the tolerance off is even": {proposal{moved: 0.1, shape: 0.7, off: 0.05},
			proposal{moved: 0.11, shape: 0.7, off: 0}},
	} {
		if c.better.judge() >= c.worse.judge() {
			t.Errorf("%s: %.3f is no better than %.3f", name, c.better.judge(), c.worse.judge())
		}
	}
}
