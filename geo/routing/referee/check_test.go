package referee

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"doorstep/geo/routing"
)

// busyDay has one of everything the referee looks at. Its places lie on a line,
// a minute apart.
func busyDay() routing.Problem {
	const places = 8
	d, m := make([]int32, places*places), make([]int32, places*places)
	for a := range places {
		for b := range places {
			d[a*places+b], m[a*places+b] = int32(60*abs(a-b)), int32(500*abs(a-b))
		}
	}
	p := routing.Problem{Objective: routing.CostFirst,
		Matrices: []routing.Matrix{{Places: places, Durations: d, Distances: m}}}
	p.Stability = routing.Stability{Team: 10, Move: 5, Tolerance: 60}
	p.Balance = routing.Balance{By: routing.BalanceStops, Weight: 7}
	day := win(0, 3600)
	p.Stops = []routing.Stop{
		{Place: 1, Service: 100, Setup: 30, Load: 1, Priority: 5, Value: 900_000,
			Earlier: &routing.Earlier{Shift: 1, Start: 0}},
		{Place: 2, Service: 100, Setup: 30, Load: 1, Value: 900_000,
			Windows: []routing.Window{win(500, 700), win(900, 1000)}},
		{Place: 2, Service: 100, Setup: 30, Load: 1, Value: 900_000, Must: true,
			Windows: []routing.Window{win(500, 1200)}},
		{Place: 3, Service: 100, Setup: 30, Load: 1, Value: 900_000, Skills: []string{"k"}, Crew: 2, Shifts: []int{0}},
		{Place: 4, Service: 100, Load: 1, Value: 900_000},
		{Place: 5, Service: 100, Crew: 9},                                    // no fit team
		{Place: 6, Service: 100, Windows: []routing.Window{win(9000, 9001)}}, // no lawful window
		{Place: 7, Service: 100, Value: 1, Shifts: []int{0}},                 // not worth the way
		{Place: 5, Service: 100, Setup: 30, Load: 1},                         // pinned
		{Place: 7, Service: 100, Value: 900_000, Shifts: []int{2}},           // fills shift 2
		{Place: 6, Service: 10, Shifts: []int{2}, Value: 1},                  // no time
	}
	p.Shifts = []routing.Shift{
		{Start: 0, End: 0, Window: day, Overtime: 600, Capacity: 5, MaxStops: 5, MaxTravel: 1200, MaxDistance: 10_000,
			MaxWork: 3500,
			Skills:  []string{"k"}, Crew: 2,
			Breaks: []routing.Break{{Service: 120, Windows: []routing.Window{win(300, 400)}}},
			Rates: routing.Rates{Fixed: 50, TravelHour: 3600, Km: 100, WaitHour: 36, ServiceHour: 72,
				OvertimeHour: 9000}},
		{Start: 4, End: routing.NoPlace, Window: day, Crew: 1, Pinned: []routing.Pin{{Stop: 8, Fixed: true, At: 80}}},
		{Start: 7, End: 7, Window: day, Crew: 1, MaxStops: 1},
	}
	return p
}

func win(from, to int) routing.Window { return routing.Window{From: from, To: to} }

func abs(x int) int { return max(x, -x) }

func clone[T any](v T) T {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var w T
	if err := json.Unmarshal(text, &w); err != nil {
		panic(err)
	}
	return w
}

func TestEveryKindOfViolationIsSeen(t *testing.T) {
	day := busyDay()
	good, err := routing.Solve(context.Background(), day, routing.Options{Iterations: 500})
	if err != nil {
		t.Fatal(err)
	}
	if found := Check(day, good); len(found) > 0 {
		t.Fatalf("%+v", found)
	}
	reasons := map[int]routing.Reason{5: routing.NoFitTeam, 6: routing.NoLawfulWindow, 7: routing.WorthLess,
		10: routing.NoTime}
	for _, l := range good.LeftOut {
		if reasons[l.Stop] != l.Reason {
			t.Errorf("stop %d: %s", l.Stop, l.Reason)
		}
	}
	if len(good.LeftOut) != len(reasons) || len(good.Routes) != 3 {
		t.Fatalf("%+v", good)
	}
	step := func(r *routing.Result, stop int) *routing.Step {
		for i := range r.Routes {
			for j := range r.Routes[i].Steps {
				if s := &r.Routes[i].Steps[j]; s.Kind == routing.StepStop && s.Index == stop {
					return s
				}
			}
		}
		t.Fatal("no stop", stop)
		return nil
	}
	pause := func(r *routing.Result) *routing.Step {
		steps := r.Routes[0].Steps
		return &steps[slices.IndexFunc(steps, func(s routing.Step) bool { return s.Kind == routing.StepBreak })]
	}
	for _, c := range []struct {
		kind  ViolationKind
		plant func(p *routing.Problem, r *routing.Result)
	}{
		{BadIndex, func(p *routing.Problem, r *routing.Result) { r.Routes[0].Shift = 17 }},
		{BadIndex, func(p *routing.Problem, r *routing.Result) { step(r, 0).Index = 99 }},
		{BadIndex, func(p *routing.Problem, r *routing.Result) { r.LeftOut[0].Stop = -4 }},
		{BadIndex, func(p *routing.Problem, r *routing.Result) { r.Routes[0].Steps[0].Index = 0 }},
		{BadOrder, func(p *routing.Problem, r *routing.Result) { r.Routes[0], r.Routes[1] = r.Routes[1], r.Routes[0] }},
		{BadOrder, func(p *routing.Problem, r *routing.Result) {
			r.LeftOut[0], r.LeftOut[1] = r.LeftOut[1], r.LeftOut[0]
		}},
		{BadOrder, func(p *routing.Problem, r *routing.Result) { r.Routes[0].Steps = nil }},
		{BadOrder, func(p *routing.Problem, r *routing.Result) { r.Routes[0].Steps[1].Kind = routing.StepStart }},
		{BadOrder, func(p *routing.Problem, r *routing.Result) { r.Routes[0].Steps[1].Kind = 9 }},
		{ServedTwice, func(p *routing.Problem, r *routing.Result) {
			r.LeftOut = append(r.LeftOut, routing.LeftOut{Stop: 10, Reason: routing.NoTime})
		}},
		{ServedTwice, func(p *routing.Problem, r *routing.Result) { r.LeftOut[0].Stop = 0 }},
		{NotAccounted, func(p *routing.Problem, r *routing.Result) { r.LeftOut = r.LeftOut[1:] }},
		{WrongPlace, func(p *routing.Problem, r *routing.Result) { step(r, 4).Place = 5 }},
		{WrongPlace, func(p *routing.Problem, r *routing.Result) { r.Routes[0].Steps[0].Place = 1 }},
		{WrongPlace, func(p *routing.Problem, r *routing.Result) { pause(r).Place = 1 }},
		{WrongTime, func(p *routing.Problem, r *routing.Result) { step(r, 4).Arrival++ }},
		{WrongTime, func(p *routing.Problem, r *routing.Result) { step(r, 4).Wait = -1 }},
		{WrongTime, func(p *routing.Problem, r *routing.Result) { r.Routes[0].Steps[0].Service = 1 }},
		{WrongTravel, func(p *routing.Problem, r *routing.Result) { step(r, 4).Travel-- }},
		// slower than possible
		{WrongTravel, func(p *routing.Problem, r *routing.Result) { p.Matrices[0].Durations[4*8+5] = 10 }},
		{WrongTravel, func(p *routing.Problem, r *routing.Result) { pause(r).Travel += 500 }},
		{WrongDistance, func(p *routing.Problem, r *routing.Result) { step(r, 4).Distance-- }},
		{WrongDistance, func(p *routing.Problem, r *routing.Result) { pause(r).Distance = 5 }},
		{WrongSetup, func(p *routing.Problem, r *routing.Result) { step(r, 0).Setup = 0 }},
		{WrongSetup, func(p *routing.Problem, r *routing.Result) { p.Stops[8].Setup = 10 }},
		{WrongService, func(p *routing.Problem, r *routing.Result) { p.Stops[4].Service = 99 }},
		{WrongService, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].Breaks[0].Service = 99 }},
		{OutOfWindow, func(p *routing.Problem, r *routing.Result) {
			p.Stops[2].Windows = []routing.Window{win(0, 1), win(3000, 3600)}
		}},
		{OutOfShift, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].Window.From = 3000 }},
		{OutOfShift, func(p *routing.Problem, r *routing.Result) {
			p.Shifts[0].Window.To, p.Shifts[0].Overtime = 60, 1
		}},
		{BreakMissing, func(p *routing.Problem, r *routing.Result) { p.Shifts[1].Breaks = p.Shifts[0].Breaks }},
		{BreakMissing, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].Breaks = nil }},
		{BreakMissing, func(p *routing.Problem, r *routing.Result) { pause(r).Index = 1 }},
		{BreakOutOfWindow, func(p *routing.Problem, r *routing.Result) {
			p.Shifts[0].Breaks[0].Windows = []routing.Window{win(0, 10)}
		}},
		{OverCapacity, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].Capacity = 2 }},
		{OverStops, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].MaxStops = 2 }},
		{OverTravel, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].MaxTravel = 100 }},
		{OverDistance, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].MaxDistance = 100 }},
		{OverWork, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].MaxWork = 100 }},
		{MissingSkill, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].Skills = nil }},
		{SmallCrew, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].Crew = 1 }},
		{ShiftNotAllowed, func(p *routing.Problem, r *routing.Result) { p.Stops[3].Shifts = []int{1} }},
		{PinMoved, func(p *routing.Problem, r *routing.Result) { p.Shifts[1].Pinned[0].At = 90 }},
		{PinMoved, func(p *routing.Problem, r *routing.Result) { p.Shifts[1].Pinned[0].Stop = 4 }},
		// in the other order
		{PinMoved, func(p *routing.Problem, r *routing.Result) {
			p.Shifts[1].Pinned = []routing.Pin{{Stop: 4}, {Stop: 8}}
		}},
		{PinMoved, func(p *routing.Problem, r *routing.Result) { p.Shifts[1].Window.From = -1 }},
		{PinMoved, func(p *routing.Problem, r *routing.Result) { r.Routes = slices.Delete(r.Routes, 1, 2) }},
		{PinMoved, func(p *routing.Problem, r *routing.Result) {
			p.Shifts[1].Pinned = append(p.Shifts[1].Pinned, routing.Pin{Stop: 0}, routing.Pin{Stop: 1},
				routing.Pin{Stop: 2}, routing.Pin{Stop: 3})
		}},
		{PinMoved, func(p *routing.Problem, r *routing.Result) {
			p.Shifts[2].Pinned = []routing.Pin{{Stop: 9}, {Stop: 4}}
		}},
		{WrongCost, func(p *routing.Problem, r *routing.Result) { r.Cost.Balance++ }},
		{WrongCost, func(p *routing.Problem, r *routing.Result) { r.Cost.LeftOut++ }},
		{WrongCost, func(p *routing.Problem, r *routing.Result) { r.Routes[0].Cost.Wait++; r.Cost.Wait++ }},
		{WrongCost, func(p *routing.Problem, r *routing.Result) { r.Cost.Travel++ }},
		{WrongCost, func(p *routing.Problem, r *routing.Result) { p.Stability.Team++ }},
		{WrongCost, func(p *routing.Problem, r *routing.Result) { p.Shifts[0].Rates.Km += 1000 }},
		{WrongTotal, func(p *routing.Problem, r *routing.Result) { r.Total.Work++ }},
		{WrongTotal, func(p *routing.Problem, r *routing.Result) { r.Routes[0].Total.Stops++; r.Total.Stops++ }},
		{WrongTotal, func(p *routing.Problem, r *routing.Result) { p.Stops[0].Priority++ }},
		{WrongReason, func(p *routing.Problem, r *routing.Result) { p.Stops[5].Crew = 0 }},
		{WrongReason, func(p *routing.Problem, r *routing.Result) { r.LeftOut[0].Reason = routing.NoTime }},
		{WrongReason, func(p *routing.Problem, r *routing.Result) { r.LeftOut[1].Reason = routing.NoFitTeam }},
		{WrongReason, func(p *routing.Problem, r *routing.Result) { r.LeftOut[2].Reason = routing.NoLawfulWindow }},
		{WrongReason, func(p *routing.Problem, r *routing.Result) { r.LeftOut[2].Reason = routing.NoTime }},
		{WrongReason, func(p *routing.Problem, r *routing.Result) { r.LeftOut[3].Reason = routing.WorthLess }},
		{WrongReason, func(p *routing.Problem, r *routing.Result) { r.LeftOut[3].Reason = "bad luck" }},
		{MustLeftOut, func(p *routing.Problem, r *routing.Result) { p.Stops[7].Must = true }},
	} {
		p, r := clone(day), clone(good)
		c.plant(&p, &r)
		if found := Check(p, r); !slices.ContainsFunc(found, func(v Violation) bool { return v.Kind == c.kind }) {
			t.Errorf("%s was planted, found %+v", c.kind, found)
		}
	}
}
