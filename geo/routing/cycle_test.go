package routing

import (
	"slices"
	"testing"
)

// Annealing with time to spare is heated again for each cycle, and in the end goes
// back to the best it has found.
func TestAWalkHasCycles(t *testing.T) {
	p := townDay(t, 60, 4)
	s := searchOf(t, p)
	s.fill()
	s.better()
	w := watch{t: &timer{limit: 1000}, s: s, toldW: -1}
	const cycles = 3
	steps := (cycles + 0.2) * cycleEach * 60 * 60
	var firsts, weights, starts []float64
	last := stage{}
	for i := range 1000 {
		elapsed := float64(i) / 1000
		w.steps, w.now = int(elapsed*steps), elapsed
		at := s.advance(&w, elapsed)
		if at.cooled < 0 || at.cooled > 1 || at.weight() <= 0 || at.weight() > 1 {
			t.Fatalf("after %v of the annealing the stage is %+v", elapsed, at)
		}
		if i == 0 || at.cooled < last.cooled {
			firsts, weights, starts = append(firsts, at.first), append(weights, at.weight()), append(starts, at.cooled)
		}
		if i == 500 {
			s.p.remove(s.p.seq[0][0]) // worse than the best
		}
		last = at
	}
	if s.cycles != cycles {
		t.Fatalf("%d cycles, not %d", s.cycles, cycles)
	}
	if len(firsts) != cycles+1 {
		t.Fatalf("heated up %d times: %v", len(firsts), firsts)
	}
	if firsts[cycles] != temperatureAgain || weights[cycles] != 1 {
		t.Errorf("the improvement begins with %v legs, and leaving out weighs %v", firsts[cycles], weights[cycles])
	}
	for i, x := range starts {
		if x > 0.02 {
			t.Errorf("cycle %d begins when %v of it is over", i, x)
		}
	}
	if last.cooled < 0.98 {
		t.Errorf("annealing ends when %v of its last cycle is over", last.cooled)
	}
	if firsts[0] != temperatureFirst || slices.Max(weights[:cycles]) != hard.first ||
		slices.Min(weights[:cycles]) != hard.first {
		t.Errorf("the cycles begin with %v legs and weights of %v", firsts, weights)
	}
	if s.p.worth != s.bestW {
		t.Errorf("the end does not begin with the best: %d left out, %d at best", s.p.worth, s.bestW)
	}
}

// With no time for a second cycle leaving a stop out is made easy.
func TestAWalkInAHurryHasOneCycle(t *testing.T) {
	p := townDay(t, 60, 4)
	s := searchOf(t, p)
	w := watch{t: &timer{limit: 1000}, s: s, toldW: -1, steps: 500, now: 0.1}
	at := s.advance(&w, 0.1)
	if s.cycles != 1 || at.weight() != easy.first {
		t.Errorf("%d cycles, and leaving out weighs %v", s.cycles, at.weight())
	}
	if at := s.advance(&w, 0.9); at.cooled != 0.9 || s.again {
		t.Errorf("near the end the stage is %+v, and it has gone back to the best: %v", at, s.again)
	}
}
