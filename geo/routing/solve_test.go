package routing

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// solve fails the test if the solver or the referee objects.
func solve(t interface{ Fatalf(string, ...any) }, p Problem, o Options) Result {
	r, err := Solve(context.Background(), p, o)
	if err != nil {
		t.Fatalf("solve: %v", err)
	}
	if bad := check(p, r); len(bad) > 0 {
		text, _ := json.Marshal(p)
		t.Fatalf("%+v\nresult %+v\nproblem %s", bad, r, text)
	}
	return r
}

func TestEveryResultOfARandomDayPassesTheReferee(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t, 12, 4)
		r, err := Solve(context.Background(), p,
			Options{Iterations: 60, Seed: uint64(rapid.IntRange(0, 9).Draw(t, "seed"))})
		var e *Error
		if errors.As(err, &e) && e.Code() == CodePinned {
			t.Skip("the pins cannot be kept")
		}
		if err != nil {
			t.Fatalf("solve: %v", err)
		}
		if bad := check(p, r); len(bad) > 0 {
			text, _ := json.Marshal(p)
			t.Fatalf("%+v\nresult %+v\nproblem %s", bad, r, text)
		}
	})
}

// cityDay is a day with n stops, as varied as a real one, around a few depots.
func cityDay(n, shifts int, seed uint64) Problem {
	g := rand.New(rand.NewPCG(seed, 1))
	places := n + 3
	xs := make([][2]float64, places)
	for i := range xs {
		xs[i] = [2]float64{g.Float64() * 3600, g.Float64() * 3600}
	}
	d := make([]int32, places*places)
	for a := range xs {
		for b := range xs {
			dx, dy := xs[a][0]-xs[b][0], xs[a][1]-xs[b][1]
			d[a*places+b] = int32(max(dx, -dx) + max(dy, -dy))
		}
	}
	p := Problem{Matrices: []Matrix{{Places: places, Durations: d}}}
	for i := range n {
		s := Stop{Place: 3 + i, Service: 600 + 60*g.IntN(10), Setup: 120, Priority: 1 + g.IntN(100)}
		switch g.IntN(4) {
		case 0:
			s.Windows = []Window{{8 * 3600, 12 * 3600}, {16 * 3600, 20 * 3600}}
		case 1:
			from := 8*3600 + 1800*g.IntN(16)
			s.Windows = []Window{{from, from + 3600}}
		default:
			s.Windows = []Window{{8 * 3600, 20 * 3600}}
		}
		if g.IntN(5) == 0 {
			s.Skills = []string{"certificate"}
		}
		p.Stops = append(p.Stops, s)
	}
	for i := range shifts {
		s := Shift{Start: i % 3, End: i % 3, Window: Window{8 * 3600, 17 * 3600}, Overtime: 1800, MaxStops: 40,
			Breaks: []Break{{Service: 1800, Windows: []Window{{11*3600 + 1800, 14 * 3600}}}}, Crew: 1,
			Rates: Rates{TravelHour: 3600, WaitHour: 360, OvertimeHour: 7200}}
		if i%2 == 0 {
			s.Skills = []string{"certificate"}
		}
		p.Shifts = append(p.Shifts, s)
	}
	return p
}

func TestADayIsPlannedTheSameWayTwice(t *testing.T) {
	p := cityDay(80, 5, 1)
	a := solve(t, p, Options{Iterations: 400, Seed: 7})
	b := solve(t, p, Options{Iterations: 400, Seed: 7, Threads: 1})
	if !reflect.DeepEqual(a, b) {
		t.Error("same seed and iterations, two plans")
	}
	if c := solve(t, p, Options{Iterations: 400, Seed: 8}); reflect.DeepEqual(a, c) {
		t.Error("another seed gives the same result")
	}
	if a.Iterations != 400 {
		t.Errorf("%d iterations", a.Iterations)
	}
}

func TestACancelledContextStillGetsADay(t *testing.T) {
	p := cityDay(60, 4, 2)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := Solve(ctx, p, Options{})
	if err != nil || len(check(p, r)) > 0 {
		t.Fatal(err, check(p, r))
	}
	if r.Total.Stops == 0 || r.Iterations != 0 {
		t.Errorf("%d stops after %d iterations", r.Total.Stops, r.Iterations)
	}
}

func TestTheDeadlineHolds(t *testing.T) {
	p := cityDay(300, 12, 3)
	ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
	defer cancel()
	begun := time.Now()
	r, err := Solve(ctx, p, Options{})
	took := time.Since(begun)
	if err != nil || len(check(p, r)) > 0 {
		t.Fatal(err, check(p, r))
	}
	if took > 1200*time.Millisecond || r.Iterations == 0 {
		t.Errorf("took %v, %d iterations", took, r.Iterations)
	}
}

func TestThreeThousandStopsInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("large")
	}
	p := cityDay(3000, 12, 4)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	begun := time.Now()
	r, err := Solve(ctx, p, Options{})
	t.Logf("%v, %d iterations, %d stops, priority %d", time.Since(begun), r.Iterations, r.Total.Stops, r.Total.Priority)
	begun = time.Now()
	if bad := check(p, r); err != nil || len(bad) > 0 {
		t.Fatal(err, bad[0], len(bad))
	}
	t.Logf("check %v", time.Since(begun))
}

func TestThreadsShareTheirBests(t *testing.T) {
	p := cityDay(60, 4, 5)
	calls, last := 0, Progress{}
	r := solve(t, p, Options{Iterations: 900, Threads: 3, Progress: func(p Progress) {
		calls++
		if p.Fraction < last.Fraction || p.Iterations < last.Iterations {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	}})
	if r.Iterations < 900 || r.Iterations > 910 {
		t.Errorf("%d iterations", r.Iterations)
	}
	if calls < 2 || last.Fraction != 1 {
		t.Errorf("%d calls, last %+v", calls, last)
	}
}

func TestPinnedStopsStay(t *testing.T) {
	p := cityDay(40, 3, 6)
	first := solve(t, p, Options{Iterations: 300})
	steps := first.Routes[1].Steps
	var done []Pin
	for _, s := range steps[:5] {
		if s.Kind == StepStop {
			done = append(done, Pin{Stop: s.Index, Fixed: true, At: s.Start()})
		}
	}
	sh := &p.Shifts[first.Routes[1].Shift]
	sh.Pinned, sh.Window.From = done, steps[0].Arrival
	if steps[1].Kind != StepStop {
		t.Fatal("the day begins with a break")
	}
	for _, l := range solve(t, p, Options{Iterations: 300}).LeftOut {
		for _, pin := range done {
			if l.Stop == pin.Stop {
				t.Error("a pinned stop was left out")
			}
		}
	}
	sh.Pinned[0].At = sh.Window.From - 1
	var e *Error
	if _, err := Solve(context.Background(), p, Options{}); !errors.As(err, &e) || e.Code() != CodePinned {
		t.Errorf("a stop served before its shift: %v", err)
	}
}

// Stop b is in time only because a has spent no setup at their door before it;
// taking a away, to where it is cheaper, must not leave b behind, late.
func TestTakingAStopAwayMayMakeTheNextOneLate(t *testing.T) {
	p := Problem{
		Matrices: []Matrix{{Places: 2, Durations: []int32{0, 10, 10, 0}}},
		Stops: []Stop{{ID: "a", Place: 1, Service: 1, Earlier: &Earlier{Shift: 1}},
			{ID: "b", Place: 1, Setup: 5, Shifts: []int{0}}},
		Shifts: []Shift{
			{Start: 0, End: NoPlace, Window: Window{0, 11}},
			{Start: 1, End: NoPlace, Window: Window{0, 11}},
		},
		Stability: Stability{Team: 3}, // a would rather be with shift 1
	}
	if r := solve(t, p, Options{Iterations: 500}); r.Total.Stops != 2 {
		t.Errorf("%+v", r)
	}
}

// With more work than fits, each step tries only some of the unassigned stops. Those that
// it overlooks must be inserted at the end.
func TestNothingLeftOutWouldStillFit(t *testing.T) {
	for seed := range uint64(12) {
		p := cityDay(120, 3, seed)
		for i := range p.Shifts {
			p.Shifts[i].Skills, p.Shifts[i].MaxStops = []string{"certificate"}, 0
		}
		for i := range p.Stops {
			p.Stops[i].Service = 300 * (1 + i%7)
		}
		for _, steps := range []int{30, 100, 300} {
			solve(t, p, Options{Iterations: steps, Seed: seed})
		}
	}
}
