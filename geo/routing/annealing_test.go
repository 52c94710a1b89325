package routing

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// audit compares what the plan remembers, after steps kept and undone, with the
// same day written down and read anew, and asks the slow way about each stop
// that it knows to have no room. It returns how many those were.
func (s *search) audit(t interface{ Fatalf(string, ...any) }) int {
	c, p := s.c, s.p
	var k snapshot
	k.take(p)
	anew := newPlan(c)
	anew.load(&k)
	if math.Abs(anew.all()-p.all()) > 1e-3 || anew.worth != p.worth {
		t.Fatalf("the plan costs %v and loses %d, read anew %v and %d", p.all(), p.worth, anew.all(), anew.worth)
	}
	known := 0
	for r := range int32(len(c.shifts)) {
		d := &c.shifts[r]
		if len(d.pins) > 0 { // read anew with its pins, a route is measured another way than without
			anew.most[r] = p.most[r]
			for i := range anew.posts[r] {
				anew.posts[r][i].room = p.posts[r][i].room
			}
		}
		if p.most[r] != anew.most[r] || p.left[r] != anew.left[r] ||
			!slices.Equal(p.posts[r][len(d.pins):], anew.posts[r][len(d.pins):]) {
			t.Fatalf("shift %d: room %d, left %d, %v, read anew %d, %d, %v", r, p.most[r], p.left[r], p.posts[r],
				anew.most[r], anew.left[r], anew.posts[r])
		}
		if math.Abs(anew.cost[r]-p.cost[r]) > 1e-6 || len(d.hours) == 0 && p.floor(r) > p.cost[r]+1e-6 {
			t.Fatalf("shift %d costs %v, at least %v, read anew %v", r, p.cost[r], p.floor(r), anew.cost[r])
		}
		if d.soft && c.labels == 2 && len(p.seq[r]) > 0 {
			begin, end := p.times(r)
			if x := c.layOut(r, p.seq[r], &p.paper, nil); x.start != begin || x.end != end {
				t.Fatalf("shift %d from %d to %d, laid out from %d to %d", r, begin, end, x.start, x.end)
			}
		}
		for u := range int32(c.n) {
			if p.route[u] >= 0 || !c.may(u, r) {
				continue
			}
			if p.most[r] >= c.stops[u].least && p.left[r] >= c.stops[u].load &&
				p.unfit[int(u)*len(p.seq)+int(r)] != p.version[r] {
				continue
			}
			known++
			most, left := p.most[r], p.left[r]
			if d.maxStops == 0 || len(p.seq[r]) < d.maxStops {
				p.most[r], p.left[r] = never, never
				if d.capacity > 0 {
					p.left[r] = int32(d.capacity - anew.sums[r].load)
				}
				for i := range p.posts[r] {
					p.posts[r][i].room = never
				}
				if at := p.try(u, r, nowhere, nil); at.r >= 0 {
					t.Fatalf("stop %d is said to have no room on shift %d (room %d, left %d), and fits at %d", u, r,
						most, left, at.i)
				}
				copy(p.posts[r], anew.posts[r])
			}
			p.most[r], p.left[r] = most, left
		}
	}
	return known
}

// guess makes half a step: what it may be given up for before it has a price
// must not be better than what it turns out to cost.
func (s *search) guess(t interface{ Fatalf(string, ...any) }) {
	before, total := s.now, s.p.total
	s.turn++
	s.touched, s.list = s.touched[:0], s.list[:0]
	s.ruin(s.seed())
	s.setSpare()
	for _, u := range s.list {
		if at := s.cheapest(u, &s.b, false); at.r >= 0 && s.g.below(4) > 0 {
			s.touch(at.r)
			s.place(u, at)
		}
	}
	var k snapshot
	k.take(s.p)
	anew := newPlan(s.c)
	anew.load(&k)
	costs := anew.all() + s.missed()
	if s.hopeless(costs + 0.01) {
		t.Fatalf("a day that costs %v is given up as hopeless under a bound a little above", costs)
	}
	if s.p.even.by == BalanceNone && !slices.ContainsFunc(s.c.shifts, func(d shiftData) bool {
		return len(d.hours) > 0
	}) && !s.hopeless(costs-1e12) {
		t.Fatalf("a day that costs %v is not given up under a bound far below", costs)
	}
	s.undo()
	s.p.total, s.now = total, before
}

// searchOf is a search for p that has yet to begin.
func searchOf(t testing.TB, p Problem) *search {
	c, fault := newCore(&p)
	if fault != nil {
		t.Fatal(fault)
	}
	c.setNear(nearest)
	return newSearch(c, 1)
}

// wander makes steps at a middling temperature and audits on the way.
func wander(t interface{ Fatalf(string, ...any) }, p Problem, steps int) int {
	c, fault := newCore(&p)
	if fault != nil || c.checkPins() != nil || c.n == 0 || len(c.shifts) == 0 {
		return 0
	}
	c.setNear(nearest)
	s := newSearch(c, 1)
	s.fill()
	known := 0
	for i := range steps {
		s.weigh(float64(i) / float64(steps))
		s.step(c.legCost)
		if i%10 == 0 {
			known += s.audit(t)
		}
		if i%10 == 5 {
			s.guess(t)
		}
	}
	return known
}

func TestWhatTheWalkRemembersIsTrue(t *testing.T) {
	known := 0
	rapid.Check(t, func(t *rapid.T) {
		known += wander(t, drawProblem(t, 12, 4), 30)
	})
	if known == 0 {
		t.Error("no stop was known to have no room")
	}
	for name, p := range map[string]Problem{"breaks": townDay(t, 100, 1), "overtime": cityDay(90, 3, 4),
		"plain": plainDay(90, 6)} {
		if wander(t, p, 2000) == 0 {
			t.Errorf("%s: no stop was known to have no room", name)
		}
	}
}

// plainDay is a day with nothing but windows and loads, and too much of both.
func plainDay(n, shifts int) Problem {
	p := cityDay(n, shifts, 5)
	for i := range p.Stops {
		s := &p.Stops[i]
		s.Setup, s.Skills, s.Load = 0, nil, 1+i%5
	}
	for i := range p.Shifts {
		s := &p.Shifts[i]
		s.Breaks, s.Overtime, s.Rates, s.Capacity = nil, 0, Rates{TravelHour: 3600}, 2*n/shifts
	}
	return p
}

// Everything can be served only if the team of two takes the load of two, which
// no step gets to that leaves a part of its full route in place.
func TestAFullRouteOfASmallDayIsEmptied(t *testing.T) {
	p := Problem{
		Stops: []Stop{{Load: 1}, {Load: 1, Windows: []Window{{0, 0}}}, {Load: 1, Windows: []Window{{0, 0}}},
			{Load: 2, Skills: []string{"a"}}},
		Shifts: []Shift{
			{Window: Window{0, 60}, Capacity: 2, Skills: []string{"a"}, Rates: Rates{Fixed: 1, TravelHour: 3600}},
			{Window: Window{0, 60}, Capacity: 3, Rates: Rates{Fixed: 1, TravelHour: 3600}},
		},
		Matrices: []Matrix{{Places: 1, Durations: []int32{0}}},
	}
	missed := 0
	for seed := range uint64(20) {
		if r := solve(t, p, Options{Iterations: 600, Seed: seed}); len(r.LeftOut) > 0 {
			missed++
		}
	}
	if missed > 2 {
		t.Errorf("%d of 20 searches left a stop unassigned", missed)
	}
}
