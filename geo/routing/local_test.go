package routing

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawPure draws a problem that local search takes on, dense round the edges:
// windows that hardly touch, ends that differ, limits that just bind.
func drawPure(t *rapid.T, stops, shifts int) Problem {
	num := func(lo, hi int, name string) int { return rapid.IntRange(lo, hi).Draw(t, name) }
	once := func(n int, name string) bool { return rapid.IntRange(1, n).Draw(t, name) == 1 }
	n, m := num(2, stops, "stops"), num(1, shifts, "shifts")
	places := num(2, n+2, "places")
	same := once(2, "two-way")
	d := make([]int32, places*places)
	for a := range places {
		for b := range places {
			if a != b {
				d[a*places+b] = int32(num(1, 30, "leg"))
			}
			if same && b < a {
				d[a*places+b] = d[b*places+a]
			}
		}
	}
	p := Problem{Matrices: []Matrix{{Places: places, Durations: d}}}
	rates := Rates{TravelHour: 3600 * int64(num(1, 3, "rate"))}
	if once(3, "fixed") {
		rates.Fixed = int64(num(1, 60, "fixed"))
	}
	for range n { // stops
		s := Stop{Place: num(0, places-1, "place"), Service: num(0, 9, "service"), Load: num(0, 3, "load"),
			Priority: num(0, 3, "priority")}
		if !once(4, "any time") {
			from := num(0, 100, "from")
			s.Windows = []Window{{from, from + num(0, 80, "long")}}
		}
		if once(6, "skill") {
			s.Skills = []string{"a"}
		}
		p.Stops = append(p.Stops, s)
	}
	for i := range m {
		s := Shift{Start: num(0, min(1, places-1), "start"), Window: Window{num(0, 20, "from"), 60 * num(1, 6, "to")},
			Rates: rates}
		if s.End = s.Start; once(3, "end") {
			s.End = num(0, places-1, "end")
		}
		if once(2, "capacity") {
			s.Capacity = num(1, 9, "capacity")
		}
		if i > 0 && once(3, "most") {
			s.MaxStops = num(1, 6, "most")
		}
		if i == 0 || once(2, "skilled") { // one shift may always serve it
			s.Skills = []string{"a"}
		}
		p.Shifts = append(p.Shifts, s)
	}
	return p
}

// Every move must change the cost by what was said, whatever is too late or
// too much, and may bring nobody where they may not go.
func TestLocalSearchKeepsItsBooks(t *testing.T) {
	moves := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawPure(t, 16, 4)
		c, err := newCore(&p)
		if err != nil || !c.pure() {
			t.Fatalf("%v, not for local search", err)
		}
		c.setNear(nearest)
		g := &random{rapid.Uint64().Draw(t, "seed")}
		l := newLocal(c, g, width)
		routes := make([][]int32, len(p.Shifts))
		for u := range int32(c.n) {
			r, tries := int32(g.below(len(routes))), 0
			for ; !c.may(u, r) || p.Shifts[r].MaxStops > 0 && len(routes[r]) >= p.Shifts[r].MaxStops; tries++ {
				if r = (r + 1) % int32(len(routes)); tries > len(routes) {
					return // no shift may serve it
				}
			}
			routes[r] = slices.Insert(routes[r], g.below(len(routes[r])+1), u)
		}
		var day snapshot
		for _, r := range routes {
			day.from = append(day.from, int32(len(day.seq)))
			day.seq = append(day.seq, r...)
		}
		day.from = append(day.from, int32(len(day.seq)))
		l.load(day.seq, day.from)
		l.setPrices(float64(rapid.IntRange(0, 20).Draw(t, "per load")),
			float64(rapid.IntRange(0, 5).Draw(t, "per late")))
		for round := range 120 {
			for i := range l.tested {
				l.tested[i] = -1
			}
			u := int32(g.below(c.n))
			before := l.cost()
			moved := l.improveAt(u)
			if moved {
				moves++
			}
			if after := l.cost(); moved && math.Abs(after-before-l.said) > 1e-6 || !moved && after != before {
				text, _ := json.Marshal(p)
				t.Fatalf("round %d: said %f, was %f\n%s", round, l.said, after-before, text)
			}
			for r := range p.Shifts {
				a, z := l.ends(int32(r))
				n := 0
				for u := l.knots[a].next; u != z; u = l.knots[u].next {
					n++
					if !c.may(u, int32(r)) {
						t.Fatalf("stop %d may not go with shift %d", u, r)
					}
				}
				if most := p.Shifts[r].MaxStops; most > 0 && n > most {
					t.Fatalf("%d stops, at most %d", n, most)
				}
			}
		}
	})
	t.Logf("%d moves", moves)
	if moves == 0 {
		t.Error("no move was made")
	}
}

func TestPureDaysPassTheRefereeAndAreSolvedToTheEnd(t *testing.T) {
	served := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawPure(t, 5, 2)
		if rapid.Bool().Draw(t, "cost first") {
			p.Objective = CostFirst
			for i := range p.Stops {
				p.Stops[i].Value = int64(rapid.IntRange(0, 60).Draw(t, "value"))
			}
		}
		w, cost := exhaustive(p)
		if w > 0 {
			t.Skip("not all can be served, so genetic search does not run")
		}
		for seed := range uint64(3) {
			r := solve(t, p, Options{Iterations: 1500, Seed: seed})
			if len(r.LeftOut) == 0 {
				served++
			}
			if lostWeight(p, r) == w && r.Cost.Sum() == cost {
				return
			}
		}
		text, _ := json.Marshal(p)
		t.Fatalf("%d lost at cost %d can be had\n%s", w, cost, text)
	})
	if served == 0 {
		t.Error("no problem was served completely, so genetic search never ran")
	}
}

func TestLargerPureDaysPassTheReferee(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPure(t, 40, 8)
		solve(t, p, Options{Iterations: 1500, Threads: rapid.IntRange(1, 2).Draw(t, "threads")})
	})
}

// However a day is cut into pieces, the whole must hold together.
func TestADayBredInPiecesPassesTheReferee(t *testing.T) {
	p := cityDay(150, 40, 9)
	for i := range p.Stops {
		s := &p.Stops[i]
		s.Setup, s.Skills, s.Windows = 0, nil, s.Windows[:1]
	}
	for i := range p.Shifts {
		p.Shifts[i] = Shift{Start: i % 3, End: i % 3, Window: Window{7 * 3600, 21 * 3600}}
	}
	c, err := newCore(&p)
	if err != nil || !c.pure() {
		t.Fatalf("%v, not for local search", err)
	}
	c.setNear(nearest)
	plan := func() (int64, Result) {
		s := newSearch(c, 1)
		s.fill()
		s.better()
		first := int64(s.bestC)
		w := watch{t: newTimer(context.Background(), time.Time{}, Options{Iterations: 60_000}), s: s}
		s.geneticBySubproblem(&w, 40)
		s.p.load(&s.best)
		return first, c.result(s)
	}
	first, r := plan()
	if bad := check(p, r); len(bad) > 0 || len(r.LeftOut) > 0 {
		t.Fatalf("%+v, %d left out", bad, len(r.LeftOut))
	}
	if r.Cost.Sum() > first*3/4 {
		t.Errorf("cost %d, %d before", r.Cost.Sum(), first)
	}
	if _, again := plan(); again.Cost != r.Cost {
		t.Error("same seed and iterations, two plans")
	}
}
