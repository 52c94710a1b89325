package routing

import (
	"encoding/json"
	"slices"
	"testing"
)

// busyDay has one of everything the referee looks at. Its places lie on a line,
// a minute apart.
func busyDay() Problem {
	const places = 8
	d, m := make([]int32, places*places), make([]int32, places*places)
	for a := range places {
		for b := range places {
			d[a*places+b], m[a*places+b] = int32(60*abs(a-b)), int32(500*abs(a-b))
		}
	}
	p := Problem{Objective: CostFirst, Matrices: []Matrix{{Places: places, Durations: d, Distances: m}}}
	p.Stability = Stability{Team: 10, Move: 5, Tolerance: 60}
	p.Balance = Balance{By: BalanceStops, Weight: 7}
	day := Window{0, 3600}
	p.Stops = []Stop{
		{Place: 1, Service: 100, Setup: 30, Load: 1, Priority: 5, Value: 900_000, Earlier: &Earlier{Shift: 1, Start: 0}},
		{Place: 2, Service: 100, Setup: 30, Load: 1, Value: 900_000, Windows: []Window{{500, 700}, {900, 1000}}},
		{Place: 2, Service: 100, Setup: 30, Load: 1, Value: 900_000, Must: true, Windows: []Window{{500, 1200}}},
		{Place: 3, Service: 100, Setup: 30, Load: 1, Value: 900_000, Skills: []string{"k"}, Crew: 2, Shifts: []int{0}},
		{Place: 4, Service: 100, Load: 1, Value: 900_000},
		{Place: 5, Service: 100, Crew: 9},                          // no fit team
		{Place: 6, Service: 100, Windows: []Window{{9000, 9001}}},  // no lawful window
		{Place: 7, Service: 100, Value: 1, Shifts: []int{0}},       // not worth the way
		{Place: 5, Service: 100, Setup: 30, Load: 1},               // pinned
		{Place: 7, Service: 100, Value: 900_000, Shifts: []int{2}}, // fills shift 2
		{Place: 6, Service: 10, Shifts: []int{2}, Value: 1},        // no time
	}
	p.Shifts = []Shift{
		{Start: 0, End: 0, Window: day, Overtime: 600, Capacity: 5, MaxStops: 5, MaxTravel: 1200, MaxDistance: 10_000, MaxWork: 3500,
			Skills: []string{"k"}, Crew: 2, Breaks: []Break{{Service: 120, Windows: []Window{{300, 400}}}},
			Rates: Rates{Fixed: 50, TravelHour: 3600, Km: 100, WaitHour: 36, ServiceHour: 72, OvertimeHour: 9000}},
		{Start: 4, End: NoPlace, Window: day, Crew: 1, Pinned: []Pin{{Stop: 8, Fixed: true, At: 80}}},
		{Start: 7, End: 7, Window: day, Crew: 1, MaxStops: 1},
	}
	return p
}

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
	good := solve(t, day, Options{Iterations: 500})
	reasons := map[int]Reason{5: NoFitTeam, 6: NoLawfulWindow, 7: WorthLess, 10: NoTime}
	for _, l := range good.LeftOut {
		if reasons[l.Stop] != l.Reason {
			t.Errorf("stop %d: %s", l.Stop, l.Reason)
		}
	}
	if len(good.LeftOut) != len(reasons) || len(good.Routes) != 3 {
		t.Fatalf("%+v", good)
	}
	step := func(r *Result, stop int) *Step {
		for i := range r.Routes {
			for j := range r.Routes[i].Steps {
				if s := &r.Routes[i].Steps[j]; s.Kind == StepStop && s.Index == stop {
					return s
				}
			}
		}
		t.Fatal("no stop", stop)
		return nil
	}
	pause := func(r *Result) *Step {
		steps := r.Routes[0].Steps
		return &steps[slices.IndexFunc(steps, func(s Step) bool { return s.Kind == StepBreak })]
	}
	for _, c := range []struct {
		kind  ViolationKind
		plant func(p *Problem, r *Result)
	}{
		{BadIndex, func(p *Problem, r *Result) { r.Routes[0].Shift = 17 }},
		{BadIndex, func(p *Problem, r *Result) { step(r, 0).Index = 99 }},
		{BadIndex, func(p *Problem, r *Result) { r.LeftOut[0].Stop = -4 }},
		{BadIndex, func(p *Problem, r *Result) { r.Routes[0].Steps[0].Index = 0 }},
		{BadOrder, func(p *Problem, r *Result) { r.Routes[0], r.Routes[1] = r.Routes[1], r.Routes[0] }},
		{BadOrder, func(p *Problem, r *Result) { r.LeftOut[0], r.LeftOut[1] = r.LeftOut[1], r.LeftOut[0] }},
		{BadOrder, func(p *Problem, r *Result) { r.Routes[0].Steps = nil }},
		{BadOrder, func(p *Problem, r *Result) { r.Routes[0].Steps[1].Kind = StepStart }},
		{BadOrder, func(p *Problem, r *Result) { r.Routes[0].Steps[1].Kind = 9 }},
		{ServedTwice, func(p *Problem, r *Result) { r.LeftOut = append(r.LeftOut, LeftOut{10, NoTime}) }},
		{ServedTwice, func(p *Problem, r *Result) { r.LeftOut[0].Stop = 0 }},
		{NotAccounted, func(p *Problem, r *Result) { r.LeftOut = r.LeftOut[1:] }},
		{WrongPlace, func(p *Problem, r *Result) { step(r, 4).Place = 5 }},
		{WrongPlace, func(p *Problem, r *Result) { r.Routes[0].Steps[0].Place = 1 }},
		{WrongPlace, func(p *Problem, r *Result) { pause(r).Place = 1 }},
		{WrongTime, func(p *Problem, r *Result) { step(r, 4).Arrival++ }},
		{WrongTime, func(p *Problem, r *Result) { step(r, 4).Wait = -1 }},
		{WrongTime, func(p *Problem, r *Result) { r.Routes[0].Steps[0].Service = 1 }},
		{WrongTravel, func(p *Problem, r *Result) { step(r, 4).Travel-- }},
		{WrongTravel, func(p *Problem, r *Result) { p.Matrices[0].Durations[4*8+5] = 10 }}, // slower than possible
		{WrongTravel, func(p *Problem, r *Result) { pause(r).Travel += 500 }},
		{WrongDistance, func(p *Problem, r *Result) { step(r, 4).Distance-- }},
		{WrongDistance, func(p *Problem, r *Result) { pause(r).Distance = 5 }},
		{WrongSetup, func(p *Problem, r *Result) { step(r, 0).Setup = 0 }},
		{WrongSetup, func(p *Problem, r *Result) { p.Stops[8].Setup = 10 }},
		{WrongService, func(p *Problem, r *Result) { p.Stops[4].Service = 99 }},
		{WrongService, func(p *Problem, r *Result) { p.Shifts[0].Breaks[0].Service = 99 }},
		{OutOfWindow, func(p *Problem, r *Result) { p.Stops[2].Windows = []Window{{0, 1}, {3000, 3600}} }},
		{OutOfShift, func(p *Problem, r *Result) { p.Shifts[0].Window.From = 3000 }},
		{OutOfShift, func(p *Problem, r *Result) { p.Shifts[0].Window.To, p.Shifts[0].Overtime = 60, 1 }},
		{BreakMissing, func(p *Problem, r *Result) { p.Shifts[1].Breaks = p.Shifts[0].Breaks }},
		{BreakMissing, func(p *Problem, r *Result) { p.Shifts[0].Breaks = nil }},
		{BreakMissing, func(p *Problem, r *Result) { pause(r).Index = 1 }},
		{BreakOutOfWindow, func(p *Problem, r *Result) { p.Shifts[0].Breaks[0].Windows = []Window{{0, 10}} }},
		{OverCapacity, func(p *Problem, r *Result) { p.Shifts[0].Capacity = 2 }},
		{OverStops, func(p *Problem, r *Result) { p.Shifts[0].MaxStops = 2 }},
		{OverTravel, func(p *Problem, r *Result) { p.Shifts[0].MaxTravel = 100 }},
		{OverDistance, func(p *Problem, r *Result) { p.Shifts[0].MaxDistance = 100 }},
		{OverWork, func(p *Problem, r *Result) { p.Shifts[0].MaxWork = 100 }},
		{MissingSkill, func(p *Problem, r *Result) { p.Shifts[0].Skills = nil }},
		{SmallCrew, func(p *Problem, r *Result) { p.Shifts[0].Crew = 1 }},
		{ShiftNotAllowed, func(p *Problem, r *Result) { p.Stops[3].Shifts = []int{1} }},
		{PinMoved, func(p *Problem, r *Result) { p.Shifts[1].Pinned[0].At = 90 }},
		{PinMoved, func(p *Problem, r *Result) { p.Shifts[1].Pinned[0].Stop = 4 }},
		{PinMoved, func(p *Problem, r *Result) { p.Shifts[1].Pinned = []Pin{{Stop: 4}, {Stop: 8}} }}, // in the other order
		{PinMoved, func(p *Problem, r *Result) { p.Shifts[1].Window.From = -1 }},
		{PinMoved, func(p *Problem, r *Result) { r.Routes = slices.Delete(r.Routes, 1, 2) }},
		{PinMoved, func(p *Problem, r *Result) {
			p.Shifts[1].Pinned = append(p.Shifts[1].Pinned, Pin{Stop: 0}, Pin{Stop: 1}, Pin{Stop: 2}, Pin{Stop: 3})
		}},
		{PinMoved, func(p *Problem, r *Result) { p.Shifts[2].Pinned = []Pin{{Stop: 9}, {Stop: 4}} }},
		{WrongCost, func(p *Problem, r *Result) { r.Cost.Balance++ }},
		{WrongCost, func(p *Problem, r *Result) { r.Cost.LeftOut++ }},
		{WrongCost, func(p *Problem, r *Result) { r.Routes[0].Cost.Wait++; r.Cost.Wait++ }},
		{WrongCost, func(p *Problem, r *Result) { r.Cost.Travel++ }},
		{WrongCost, func(p *Problem, r *Result) { p.Stability.Team++ }},
		{WrongCost, func(p *Problem, r *Result) { p.Shifts[0].Rates.Km += 1000 }},
		{WrongTotal, func(p *Problem, r *Result) { r.Total.Work++ }},
		{WrongTotal, func(p *Problem, r *Result) { r.Routes[0].Total.Stops++; r.Total.Stops++ }},
		{WrongTotal, func(p *Problem, r *Result) { p.Stops[0].Priority++ }},
		{WrongReason, func(p *Problem, r *Result) { p.Stops[5].Crew = 0 }},
		{WrongReason, func(p *Problem, r *Result) { r.LeftOut[0].Reason = NoTime }},
		{WrongReason, func(p *Problem, r *Result) { r.LeftOut[1].Reason = NoFitTeam }},
		{WrongReason, func(p *Problem, r *Result) { r.LeftOut[2].Reason = NoLawfulWindow }},
		{WrongReason, func(p *Problem, r *Result) { r.LeftOut[2].Reason = NoTime }},
		{WrongReason, func(p *Problem, r *Result) { r.LeftOut[3].Reason = WorthLess }},
		{WrongReason, func(p *Problem, r *Result) { r.LeftOut[3].Reason = "bad luck" }},
		{MustLeftOut, func(p *Problem, r *Result) { p.Stops[7].Must = true }},
	} {
		p, r := clone(day), clone(good)
		c.plant(&p, &r)
		if found := Check(p, r); !slices.ContainsFunc(found, func(v Violation) bool { return v.Kind == c.kind }) {
			t.Errorf("%s was planted, found %+v", c.kind, found)
		}
	}
}
