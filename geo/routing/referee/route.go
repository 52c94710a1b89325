package referee

import (
	"slices"

	"doorstep/geo/routing"
)

// route checks the steps of one route and its sums.
func (k *checker) route(r *routing.Route) {
	sh := &k.p.Shifts[r.Shift]
	n := len(r.Steps)
	if n < 2 || r.Steps[0].Kind != routing.StepStart || r.Steps[n-1].Kind != routing.StepEnd {
		k.report(BadOrder, r.Shift, -1, "the steps do not begin with a start and end with an end")
		return
	}
	f, l := r.Steps[0], r.Steps[n-1]
	if f.Index != -1 || l.Index != -1 {
		k.report(BadIndex, r.Shift, -1, "start or end has an index")
	}
	if f.Place != sh.Start || l.Place != sh.End {
		k.report(WrongPlace, r.Shift, -1, "goes from %d to %d, not from %d to %d", f.Place, l.Place, sh.Start, sh.End)
	}
	if f.Travel != 0 || f.Distance != 0 || f.Setup != 0 || f.Wait != 0 || f.Service != 0 || l.Setup != 0 ||
		l.Wait != 0 || l.Service != 0 {
		k.report(WrongTime, r.Shift, -1, "start or end has a travel, setup, wait or service time")
	}
	if f.Arrival < sh.Window.From {
		k.report(OutOfShift, r.Shift, -1, "leaves at %d, before %d", f.Arrival, sh.Window.From)
	}
	if len(sh.Pinned) > 0 && f.Arrival != sh.Window.From {
		k.report(PinMoved, r.Shift, -1, "leaves at %d, but a shift with pinned stops leaves at %d", f.Arrival,
			sh.Window.From)
	}
	if l.Arrival > sh.Window.To+sh.Overtime {
		k.report(OutOfShift, r.Shift, -1, "ends at %d, after %d", l.Arrival, sh.Window.To+sh.Overtime)
	}
	var t routing.Total
	load, changes, pauses := 0, int64(0), 0
	at, leg := sh.Start, []routing.Step(nil) // steps since the last place
	leaves := f.Arrival
	now := f.Arrival
	for _, s := range r.Steps[1:] {
		if s.Arrival != now+s.Travel {
			k.report(WrongTime, r.Shift, s.Index, "is reached at %d, but %d after leaving at %d is %d", s.Arrival,
				s.Travel, now, now+s.Travel)
		}
		if s.Travel < 0 || s.Wait < 0 || s.Setup < 0 || s.Service < 0 || s.Distance < 0 {
			k.report(WrongTime, r.Shift, s.Index, "has a negative span")
		}
		now = s.Arrival + s.Setup + s.Wait + s.Service
		t.Travel += s.Travel
		t.Distance += s.Distance
		t.Setup += s.Setup
		t.Wait += s.Wait
		switch s.Kind {
		case routing.StepBreak:
			t.Breaks += s.Service
			k.pause(r.Shift, s, pauses)
			pauses++
			leg = append(leg, s)
			continue
		case routing.StepStop:
			t.Service += s.Service
			if s.Index < 0 || s.Index >= len(k.p.Stops) {
				k.report(BadIndex, r.Shift, s.Index, "there are %d stops", len(k.p.Stops))
				return
			}
			load += k.p.Stops[s.Index].Load
			t.Priority += k.p.Stops[s.Index].Priority
			changes += k.changes(r.Shift, s)
			k.stop(r.Shift, s, at, t.Stops)
			t.Stops++
		case routing.StepEnd:
			if s.Arrival != l.Arrival || s.Place != l.Place {
				k.report(BadOrder, r.Shift, -1, "ends twice")
			}
		default:
			k.report(BadOrder, r.Shift, -1, "starts twice")
		}
		k.drive(r.Shift, at, leaves, append(leg, s), t.Stops-1)
		at, leg, leaves = s.Place, nil, now
	}
	if pauses < len(sh.Breaks) {
		k.report(BreakMissing, r.Shift, -1, "%d breaks, not %d", pauses, len(sh.Breaks))
	}
	if t.Stops < len(sh.Pinned) {
		k.report(PinMoved, r.Shift, sh.Pinned[t.Stops].Stop, "is not in the route")
	}
	if t.Stops == 0 {
		k.report(BadOrder, r.Shift, -1, "the route has no stop")
	}
	t.Overtime = max(0, l.Arrival-sh.Window.To)
	t.Work = l.Arrival - f.Arrival - t.Breaks
	k.limits(r.Shift, t, load)
	if t != r.Total {
		k.report(WrongTotal, r.Shift, -1, "%+v, but the steps say %+v", r.Total, t)
	}
	rates := sh.Rates
	if rates == (routing.Rates{}) {
		rates = routing.DefaultRates
	}
	cost := routing.Cost{Fixed: rates.Fixed, Travel: rated(rates.TravelHour, t.Travel, 3600),
		Distance: rated(rates.Km, t.Distance, 1000),
		Wait:     rated(rates.WaitHour, t.Wait, 3600), Service: rated(rates.ServiceHour, t.Setup+t.Service, 3600),
		Overtime: rated(rates.OvertimeHour, t.Overtime, 3600), Changes: changes}
	if cost != r.Cost {
		k.report(WrongCost, r.Shift, -1, "%+v, but the rates say %+v", r.Cost, cost)
	}
}

// limits checks the limits of a shift on the sums of its route.
func (k *checker) limits(shift int, t routing.Total, load int) {
	sh := &k.p.Shifts[shift]
	for _, l := range []struct {
		kind        ViolationKind
		have, limit int
	}{
		{OverCapacity, load, sh.Capacity}, {OverStops, t.Stops, sh.MaxStops}, {OverTravel, t.Travel, sh.MaxTravel},
		{OverDistance, t.Distance, sh.MaxDistance}, {OverWork, t.Work, sh.MaxWork},
	} {
		if l.limit > 0 && l.have > l.limit {
			k.report(l.kind, shift, -1, "%d, at most %d", l.have, l.limit)
		}
	}
}

// pause checks the break at index nth of a route.
func (k *checker) pause(shift int, s routing.Step, nth int) {
	bs := k.p.Shifts[shift].Breaks
	if s.Index != nth || nth >= len(bs) {
		k.report(BreakMissing, shift, -1, "break %d comes at place %d of %d", s.Index, nth, len(bs))
		return
	}
	if s.Place != routing.NoPlace {
		k.report(WrongPlace, shift, -1, "break %d has a place", nth)
	}
	if s.Setup != 0 || s.Service != bs[nth].Service {
		k.report(WrongService, shift, -1, "break %d takes %d and %d, not %d", nth, s.Setup, s.Service, bs[nth].Service)
	}
	if s.Distance != 0 {
		k.report(WrongDistance, shift, -1, "break %d has a distance", nth)
	}
	if begins := s.Arrival + s.Setup + s.Wait; !open(bs[nth].Windows, begins) {
		k.report(BreakOutOfWindow, shift, -1, "break %d starts at %d", nth, begins)
	}
}

// stop checks the stop at index nth of a route, which the team reaches from place from.
func (k *checker) stop(shift int, s routing.Step, from, nth int) {
	u := &k.p.Stops[s.Index]
	sh := &k.p.Shifts[shift]
	k.seen[s.Index]++
	if s.Place != u.Place {
		k.report(WrongPlace, shift, s.Index, "at %d, not %d", s.Place, u.Place)
	}
	if s.Service != u.Service {
		k.report(WrongService, shift, s.Index, "%d, not %d", s.Service, u.Service)
	}
	begins := s.Arrival + s.Setup + s.Wait
	setup := u.Setup
	if from == u.Place {
		setup = 0
	}
	if nth < len(sh.Pinned) {
		pin := sh.Pinned[nth]
		if pin.Stop != s.Index {
			k.report(PinMoved, shift, pin.Stop, "stop %d is in its place", s.Index)
			return
		}
		if pin.Fixed {
			if begins != pin.At {
				k.report(PinMoved, shift, s.Index, "starts at %d, not %d", begins, pin.At)
			}
			if s.Setup > setup || s.Setup < setup && s.Wait > 0 {
				k.report(WrongSetup, shift, s.Index, "%d, not %d", s.Setup, setup)
			}
			return
		}
	} else {
		if k.pinned(s.Index) {
			k.report(PinMoved, shift, s.Index, "is pinned elsewhere")
		}
		k.fit(shift, s.Index, true)
	}
	if s.Setup != setup {
		k.report(WrongSetup, shift, s.Index, "%d, not %d", s.Setup, setup)
	}
	if !open(u.Windows, begins) {
		k.report(OutOfWindow, shift, s.Index, "starts at %d, windows are %v", begins, u.Windows)
	}
}

// pinned reports whether any shift has the stop pinned.
func (k *checker) pinned(stop int) bool {
	return slices.ContainsFunc(k.p.Shifts, func(s routing.Shift) bool {
		return slices.ContainsFunc(s.Pinned, func(p routing.Pin) bool { return p.Stop == stop })
	})
}

// fit reports whether skills, crew and Shifts allow a shift to serve a stop. With
// report it adds a violation for each that does not.
func (k *checker) fit(shift, stop int, report bool) bool {
	u, sh := &k.p.Stops[stop], &k.p.Shifts[shift]
	ok := true
	no := func(kind ViolationKind, format string, args ...any) {
		ok = false
		if report {
			k.report(kind, shift, stop, format, args...)
		}
	}
	for _, skill := range u.Skills {
		if !slices.Contains(sh.Skills, skill) {
			no(MissingSkill, "%q", skill)
		}
	}
	if sh.Crew < u.Crew {
		no(SmallCrew, "%d, needs %d", sh.Crew, u.Crew)
	}
	if u.Shifts != nil && !slices.Contains(u.Shifts, shift) {
		no(ShiftNotAllowed, "only %v may", u.Shifts)
	}
	return ok
}

// changes returns what a visit costs under Problem.Stability.
func (k *checker) changes(shift int, s routing.Step) int64 {
	e := k.p.Stops[s.Index].Earlier
	if e == nil {
		return 0
	}
	sum := int64(0)
	if e.Shift != shift {
		sum += k.p.Stability.Team
	}
	begins := s.Arrival + s.Setup + s.Wait
	if begins-e.Start > k.p.Stability.Tolerance || e.Start-begins > k.p.Stability.Tolerance {
		sum += k.p.Stability.Move
	}
	return sum
}

// drive checks the travel between two places. The steps are any number of breaks
// and then a stop or the end; nth is the index of the stop in the route.
func (k *checker) drive(shift, from, leaves int, steps []routing.Step, nth int) {
	sh := &k.p.Shifts[shift]
	last := steps[len(steps)-1]
	to := last.Place
	j := newJourney(&k.p.Matrices[sh.Matrix], from, to)
	want := 0
	if m := &k.p.Matrices[sh.Matrix]; from >= 0 && to >= 0 && to < m.Places && m.Distances != nil {
		want = int(m.Distances[from*m.Places+to])
	}
	if last.Distance != want {
		k.report(WrongDistance, shift, last.Index, "%d, not %d", last.Distance, want)
	}
	now := leaves
	for _, s := range steps[:len(steps)-1] {
		if got := j.drive(now, now+s.Travel); got != s.Travel {
			k.report(WrongTravel, shift, s.Index, "%d to a break, but the way takes only %d", s.Travel, got)
		}
		now = s.Arrival + s.Setup + s.Wait + s.Service
	}
	need := j.drive(now, 1<<40)
	if need == last.Travel {
		return
	}
	pins := sh.Pinned
	if last.Kind == routing.StepStop && nth < len(pins) && pins[nth].Fixed && len(steps) == 1 &&
		last.Travel < need && last.Arrival == pins[nth].At {
		return // the team was faster than the matrix
	}
	k.report(WrongTravel, shift, last.Index, "%d, but the way takes %d", last.Travel, need)
}
