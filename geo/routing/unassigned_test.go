package routing

import (
	"slices"
	"testing"
)

// jammed is a day of one team that has time for two of three stops: an appointment
// and two that weigh less, and of one stop more that no shift can serve.
func jammed() Problem {
	return Problem{
		Stops: []Stop{
			{Place: 0, Service: 1800, Priority: 1},
			{Place: 0, Service: 1800, Priority: 1},
			{Place: 0, Service: 1800, Priority: 5, Windows: []Window{{1000, 1200}}},
			{Place: 0, Service: 1800, Priority: 9, Windows: []Window{{9000, 9500}}},
		},
		Shifts:   []Shift{{Window: Window{0, 4700}}},
		Matrices: []Matrix{{Places: 1, Durations: []int32{0}}},
	}
}

func TestAnOutcastIsTakenInWhateverHasToLeave(t *testing.T) {
	s := searchOf(t, jammed())
	for _, u := range []int32{0, 1} {
		s.place(u, spot{r: 0, i: u})
		s.p.price(0)
	}
	s.now = s.objective()
	s.better()
	if shiftsFor := s.shiftsFor(3); len(shiftsFor) > 0 {
		t.Errorf("shifts %v could serve what is after hours", shiftsFor)
	}
	if u := s.pickUnassigned(); u != 2 {
		t.Fatalf("%d is picked, not the appointment", u)
	}
	s.forceInsertion()
	if s.p.route[2] != 0 || s.forced != 2 {
		t.Fatalf("the appointment is in route %d, forced is %d", s.p.route[2], s.forced)
	}
	if s.p.route[0] == 0 && s.p.route[1] == 0 {
		t.Error("nothing has left for it")
	}
	if s.p.route[0] < 0 && s.p.route[1] < 0 {
		t.Error("what still fits was not put back")
	}
	s.audit(t)
	if s.now != s.objective() || s.bestW != s.p.worth {
		t.Errorf("the search is at %v, the plan at %v; best %d, plan %d", s.now, s.objective(), s.bestW, s.p.worth)
	}
	s.weigh(0.01) // as early in annealing
	with := s.missed()
	s.p.remove(2)
	if more := s.missed() - with; more < float64(s.c.worth[2])*s.heaviest {
		t.Errorf("leaving it out costs only %v", more)
	}
	// It is in the best day: no stop is picked, and none is forced.
	s.forceInsertion()
	if s.forced >= 0 || s.p.route[2] >= 0 || s.now != s.objective() {
		t.Errorf("forced is %d, the appointment in route %d; the search is at %v, the plan at %v", s.forced,
			s.p.route[2],
			s.now, s.objective())
	}
}

func TestWhatWeighsNoMoreThanAnythingServedIsNoOutcast(t *testing.T) {
	p := jammed()
	for i := range p.Stops {
		p.Stops[i].Priority = 1
	}
	s := searchOf(t, p)
	if u := s.pickUnassigned(); u >= 0 {
		t.Errorf("nothing is served, and %d is picked", u)
	}
	s.fill()
	s.better()
	before := slices.Clone(s.p.seq[0])
	if s.forceInsertion(); s.forced >= 0 || !slices.Equal(s.p.seq[0], before) {
		t.Errorf("forced is %d, the route %v, before %v", s.forced, s.p.seq[0], before)
	}
}

// Pinned stops neither leave nor make others be picked.
func TestPinsStayWhenAnOutcastIsTakenIn(t *testing.T) {
	p := jammed()
	p.Stops[2].Windows = []Window{{1800, 2100}}
	p.Shifts[0].Pinned = []Pin{{Stop: 0}}
	s := searchOf(t, p)
	s.better()
	if u := s.pickUnassigned(); u >= 0 {
		t.Errorf("nothing but what is pinned is served, and %d is picked", u)
	}
	s.place(1, spot{r: 0, i: 1})
	s.p.price(0)
	s.better()
	s.forceInsertion()
	if want := []int32{0, 2}; !slices.Equal(s.p.seq[0], want) {
		t.Errorf("the route is %v, not %v", s.p.seq[0], want)
	}
	s.audit(t)
}

func TestACycleInsistsOnAnOutcast(t *testing.T) {
	s := searchOf(t, jammed())
	s.place(0, spot{r: 0})
	s.p.price(0)
	s.better()
	s.cycles = 3
	w := watch{t: &timer{limit: 100}, s: s, toldW: -1}
	for _, x := range []struct {
		elapsed float64
		forced  int32
	}{{0.1, -1}, {cycleShare * 0.4, 2}, {cycleShare, -1}} {
		if s.advance(&w, x.elapsed); s.forced != x.forced {
			t.Errorf("after %v of the annealing %d is forced, not %d", x.elapsed, s.forced, x.forced)
		}
	}
	if s.nth != 1 {
		t.Errorf("it is in cycle %d", s.nth)
	}
}
