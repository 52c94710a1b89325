package routing

import (
	"context"
	"testing"
)

// With no search at all, a day planned anew is the earlier day where that still
// holds: same teams, same order, though another order would be shorter.
func TestAChangedDayBeginsFromTheEarlierOne(t *testing.T) {
	at := []int32{0, 10, 20, 30, 40} // places along a street, in minutes from the office
	m := Matrix{Places: len(at), Durations: make([]int32, len(at)*len(at))}
	for i, a := range at {
		for j, b := range at {
			m.Durations[i*len(at)+j] = 60 * max(a-b, b-a)
		}
	}
	day := Window{0, 36_000}
	p := Problem{
		Matrices:  []Matrix{m},
		Shifts:    []Shift{{Window: day}, {Window: day}},
		Stability: Stability{Team: 1_000_000, Move: 1_000_000, Tolerance: 60},
		Stops: []Stop{
			{Place: 1, Service: 600, Earlier: &Earlier{Shift: 1, Start: 7200}},
			{Place: 2, Service: 600, Earlier: &Earlier{Shift: 1, Start: 1200}},
			{Place: 3, Service: 600, Earlier: &Earlier{Shift: 1, Start: 3600}, Windows: []Window{{3600, 3600}}},
			{Place: 4, Service: 600},
		},
	}
	s := searchOf(t, p)
	if !s.startFromEarlier() {
		t.Fatal("nothing was recalled")
	}
	if got := s.p.seq; len(got[0]) != 0 || len(got[1]) != 3 || got[1][0] != 1 || got[1][1] != 2 || got[1][2] != 0 {
		t.Errorf("recalled %v, want shift 1 to visit 1, 2, 0", got)
	}
	res, err := Solve(context.Background(), p, Options{Seed: 1, Iterations: 1})
	if err != nil {
		t.Fatal(err)
	}
	if found := check(p, res); len(found) > 0 {
		t.Error(found)
	}
	for _, r := range res.Routes {
		for _, st := range r.Steps {
			if st.Kind == StepStop && st.Index < 3 && r.Shift != 1 {
				t.Errorf("stop %d went to shift %d", st.Index, r.Shift)
			}
		}
	}
}
