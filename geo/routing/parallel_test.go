package routing

import (
	"context"
	"reflect"
	"testing"
	"time"
)

func TestSearchesSideBySideShareTheDay(t *testing.T) {
	p := townDay(t, 250, 2)
	s := searchOf(t, p)
	c := s.c
	s.fill()
	for u := range int32(c.n) { // make room
		if u%3 == 0 && s.p.route[u] >= 0 {
			s.p.remove(u)
		}
	}
	if !s.canPart(2) || s.canPart(100) {
		t.Fatal("two searches can share eight routes, a hundred cannot")
	}
	crew := make([]*search, 3)
	for i := range crew {
		crew[i] = newSearch(c, uint64(i))
		crew[i].part = &part{mine: make([]bool, len(c.shifts))}
	}
	differs, before := false, make([]int, len(c.shifts))
	for round := range 20 {
		n := s.parting(crew)
		if n < 2 {
			t.Fatalf("%d parts", n)
		}
		of, seeds := make([]int, len(c.shifts)), make([]int, c.n)
		for r := range of {
			of[r] = -1
		}
		for i, o := range crew[:n] {
			for r, mine := range o.part.mine {
				if mine && of[r] >= 0 {
					t.Fatalf("shift %d is in parts %d and %d", r, of[r], i)
				}
				if mine {
					of[r] = i
				}
			}
			for _, u := range o.part.seeds {
				seeds[u]++
			}
		}
		for i, o := range crew[:n] {
			for _, u := range o.part.seeds {
				if r := s.p.route[u]; r >= 0 && of[r] != i {
					t.Fatalf("stop %d of shift %d is a seed of part %d, the shift in %d", u, r, i, of[r])
				}
			}
		}
		for r, i := range of {
			if i < 0 {
				t.Fatalf("shift %d is in no part", r)
			}
		}
		for u, k := range seeds {
			if k != 1 {
				t.Fatalf("stop %d is a seed of %d parts", u, k)
			}
		}
		differs = differs || round > 0 && !reflect.DeepEqual(of, before)
		copy(before, of)
		// A search changes nothing but its part.
		var day snapshot
		day.take(s.p)
		o := crew[round%n]
		s.forced = int32(round)
		if o.enter(&day, s); o.heavy != s.heavy || o.forced != s.forced {
			t.Fatalf("leaving out weighs %v, %d is forced, but in the whole search %v and %d", o.heavy, o.forced,
				s.heavy, s.forced)
		}
		for range 100 {
			o.step(100 * c.legCost)
		}
		for r := range c.shifts {
			if !o.part.mine[r] && !reflect.DeepEqual(append([]int32{}, o.p.seq[r]...),
				append([]int32{}, day.route(r)...)) {
				t.Fatalf("shift %d is not of the part, and was changed", r)
			}
		}
	}
	if !differs {
		t.Error("the day was parted the same way twenty times")
	}
}

func TestADayPlannedByTwoIsTheSameTwiceAndBetterThanAtFirst(t *testing.T) {
	p := townDay(t, 250, 1)
	first := solve(t, p, Options{Iterations: 1, Seed: 3})
	a := solve(t, p, Options{Iterations: 4000, Seed: 3, Threads: 2})
	b := solve(t, p, Options{Iterations: 4000, Seed: 3, Threads: 2})
	if !reflect.DeepEqual(a, b) {
		t.Error("same seed, steps and threads, two plans")
	}
	if a.Iterations < 4000 || a.Iterations > 4500 {
		t.Errorf("%d steps, 4000 asked for", a.Iterations)
	}
	was, _, _ := first.worth(p)
	if now, _, _ := a.worth(p); now > 0.9*was {
		t.Errorf("%.0f after 4000 steps, %.0f after one", now, was)
	}
}

func TestSearchesSideBySideEndInTime(t *testing.T) {
	p := townDay(t, 250, 1)
	steps := 0
	for i := range 5 { // whatever the number of steps before a round
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		r, err := Solve(ctx, p, Options{Seed: uint64(i), Threads: 2})
		cancel()
		if err != nil || len(check(p, r)) > 0 {
			t.Fatal(err, check(p, r))
		}
		steps += r.Iterations
	}
	if steps == 0 {
		t.Error("none of five searches made a step")
	}
}
