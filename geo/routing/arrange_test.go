package routing

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A problem numbered anew, solved and given back is a day of the problem as it was.
func TestAnArrangedProblemIsTheSameProblem(t *testing.T) {
	planned := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t, 9, 3)
		if p.validate() != nil || len(p.Shifts) == 0 || len(p.Matrices) == 0 {
			return
		}
		a := p.arrange()
		if err := a.validate(); err != nil {
			t.Fatalf("the arranged problem is not well formed: %v", err)
		}
		r, err := Solve(context.Background(), a.Problem, Options{Seed: 1, Iterations: 200})
		if err != nil {
			return // pins that cannot be kept
		}
		a.restore(&r)
		for _, v := range check(p, r) {
			t.Fatalf("the referee: %v", v)
		}
		planned += r.Total.Stops
	})
	if planned == 0 {
		t.Error("nothing was planned")
	}
}

// Neighbours get numbers near each other: of 256 places in a square, in any order,
// sixteen with numbers in a row lie within a part of it.
func TestNeighboursLieTogether(t *testing.T) {
	const side, run = 16, 16
	const n = side * side
	at := rand.New(rand.NewPCG(1, 2)).Perm(n)
	m := Matrix{Places: n, Durations: make([]int32, n*n)}
	for a, x := range at {
		for b, y := range at {
			dx, dy := x%side-y%side, x/side-y/side
			m.Durations[a*n+b] = int32(dx*dx + dy*dy)
		}
	}
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	m.bisect(places)
	for i := 0; i < n; i += run {
		far := int32(0)
		for _, a := range places[i : i+run] {
			for _, b := range places[i : i+run] {
				far = max(far, m.Durations[a*n+b])
			}
		}
		if far > 8*8 {
			t.Errorf("of the places %d to %d two are %.1f apart; the side of the square is %d", i, i+run-1,
				math.Sqrt(float64(far)), side)
		}
	}
}

// Solve numbers big problems anew; its answer is in the caller's numbers, and places
// that no stop uses do not matter.
func TestABigDayComesBackInTheCallersNumbers(t *testing.T) {
	p := townDay(t, arrangeFrom, 5)
	m := &p.Matrices[0]
	wide := m.Places + 50
	w := Matrix{Name: m.Name, Places: wide, Durations: make([]int32, wide*wide), Distances: make([]int32, wide*wide)}
	for a := range m.Places {
		copy(w.Durations[a*wide:], m.Durations[a*m.Places:(a+1)*m.Places])
		copy(w.Distances[a*wide:], m.Distances[a*m.Places:(a+1)*m.Places])
	}
	p.Matrices = []Matrix{w}
	p.Shifts[0].Pinned = []Pin{{Stop: 7, Fixed: true, At: 11 * 3600}}
	r, err := Solve(context.Background(), p, Options{Seed: 1, Iterations: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range check(p, r) {
		t.Error(v)
	}
}
