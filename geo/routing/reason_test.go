package routing

import (
	"slices"
	"testing"
)

// islands is a street of three places, an island, 3, which a boat leaves but
// never comes to, one, 4, with no boat at all, and one, 5, which none leaves.
func islands() Problem {
	p := Problem{Matrices: []Matrix{{Places: 6, Durations: make([]int32, 36)}}}
	for a := range 6 {
		for b := range 6 {
			switch {
			case a == b:
			case b == 3 || b == 4 || a >= 4:
				p.Matrices[0].Durations[a*6+b] = NoWay
			default:
				p.Matrices[0].Durations[a*6+b] = 600
			}
		}
	}
	return p
}

func TestReasonsTellFarFromCutOffFromLate(t *testing.T) {
	hour := Window{3600, 7200}
	late := []Window{{8000, 9000}}
	for _, x := range []struct {
		name  string
		stop  Stop
		shift Shift
		want  Reason
	}{
		{"an island", Stop{Place: 4}, Shift{Window: hour}, Unreachable},
		{"an island, at a bad hour", Stop{Place: 4, Windows: late}, Shift{Window: hour}, Unreachable},
		{"an island, for a team without limits", Stop{Place: 4}, Shift{Window: Window{0, MaxSeconds}, End: NoPlace},
			Unreachable},
		{"an island, overtime without end", Stop{Place: 4}, Shift{Window: Window{0, MaxSeconds}, Overtime: MaxSeconds},
			Unreachable},
		{"an island with a boat back only", Stop{Place: 3}, Shift{Window: hour}, Unreachable},
		{"an island with a boat there only", Stop{Place: 5}, Shift{Window: hour}, Unreachable},
		{"and nothing to come back for", Stop{Place: 5}, Shift{End: NoPlace, Window: hour}, ""},
		{"no boat back from the pin", Stop{Place: 1}, Shift{End: NoPlace, Window: hour, Pinned: []Pin{{Stop: 1}}},
			Unreachable},
		{"a team of the island", Stop{Place: 3}, Shift{Start: 3, Window: hour}, ""},
		{"no team may go to the island", Stop{Place: 4, Crew: 2}, Shift{Window: hour}, NoFitTeam},
		{"too long", Stop{Place: 1, Service: 2401}, Shift{Window: hour}, BeyondLimits},
		{"just not too long", Stop{Place: 1, Service: 2400}, Shift{Window: hour}, ""},
		{"too long, at a bad hour", Stop{Place: 1, Service: 2401, Windows: late}, Shift{Window: hour}, BeyondLimits},
		{"too far", Stop{Place: 1}, Shift{Window: hour, MaxTravel: 1199}, BeyondLimits},
		{"the break takes the time", Stop{Place: 1, Service: 2000},
			Shift{Window: hour, Breaks: []Break{{Service: 401}}}, BeyondLimits},
		{"a bad hour", Stop{Place: 1, Windows: late}, Shift{Window: hour}, NoLawfulWindow},
		{"an hour too late to be back", Stop{Place: 1, Windows: []Window{{6601, 7000}}}, Shift{Window: hour},
			NoLawfulWindow},
	} {
		p := islands()
		p.Stops, p.Shifts = []Stop{x.stop}, []Shift{x.shift}
		if len(x.shift.Pinned) > 0 {
			p.Stops = append(p.Stops, Stop{Place: 5})
		}
		r := solve(t, p, Options{Iterations: 5})
		got := Reason("")
		if len(r.LeftOut) > 0 {
			got = r.LeftOut[0].Reason
		}
		if got != x.want {
			t.Errorf("%s: %q, not %q", x.name, got, x.want)
		}
		for _, other := range []Reason{NoFitTeam, Unreachable, BeyondLimits, NoLawfulWindow, NoTime, WorthLess} {
			if got == "" || other == got {
				continue
			}
			lie := r
			lie.LeftOut = []LeftOut{{0, other}}
			if !slices.ContainsFunc(check(p, lie), func(v Objection) bool {
				return v.Kind == "wrong_reason" && v.Stop == 0
			}) {
				t.Errorf("%s: the referee takes %q", x.name, other)
			}
		}
		if len(x.shift.Pinned) > 0 {
			continue
		}
		slots, err := Slots(Problem{Shifts: p.Shifts, Matrices: p.Matrices}, [][]int{nil}, x.stop,
			[]Window{{0, MaxSeconds}})
		if err != nil || slots[0].Reason != x.want {
			t.Errorf("%s: a slot has the reason %q, not %q; %v", x.name, slots[0].Reason, x.want, err)
		}
	}
}

func TestDrivingWithoutAWayIsAViolation(t *testing.T) {
	p := islands()
	p.Stops, p.Shifts = []Stop{{Place: 4}}, []Shift{{End: NoPlace, Window: Window{0, MaxSeconds}}}
	total, cost := Total{Stops: 1, Travel: NoWay, Work: NoWay}, Cost{Travel: NoWay}
	driven := Result{Total: total, Cost: cost, Routes: []Route{{Total: total, Cost: cost, Steps: []Step{
		{Kind: StepStart, Index: -1},
		{Kind: StepStop, Place: 4, Arrival: NoWay, Travel: NoWay},
		{Kind: StepEnd, Index: -1, Place: NoPlace, Arrival: NoWay},
	}}}}
	if found := check(p, driven); len(found) != 1 || found[0].Kind != "wrong_travel" {
		t.Errorf("%+v", found)
	}
}
