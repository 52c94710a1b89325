package referee

import (
	"fmt"
	"math/big"
	"slices"

	"doorstep/geo/routing"
)

// Violation is one way in which a result breaks its problem.
type Violation struct {
	// Kind is stable; see the constants.
	Kind ViolationKind
	// Shift and Stop are indexes, -1 where there is none.
	Shift, Stop int
	// Msg says what was found and what was allowed.
	Msg string
}

// ViolationKind names a kind of violation.
type ViolationKind string

// The kinds of violation. They are stable.
const (
	// BadIndex is a shift, stop or break that does not exist.
	BadIndex ViolationKind = "bad_index"
	// BadOrder is a route or an unassigned stop that is listed out of order or
	// twice, or a list of steps that does not begin with a start and end with an
	// end.
	BadOrder ViolationKind = "bad_order"
	// ServedTwice is a stop that is served, or accounted for, more than once.
	ServedTwice ViolationKind = "served_twice"
	// NotAccounted is a stop that is neither in a route nor in LeftOut.
	NotAccounted ViolationKind = "not_accounted"
	// WrongPlace is a step at another place than its stop or shift says.
	WrongPlace ViolationKind = "wrong_place"
	// WrongTime is a step that does not begin where the one before ended.
	WrongTime ViolationKind = "wrong_time"
	// WrongTravel is a travel time other than the matrix says.
	WrongTravel ViolationKind = "wrong_travel"
	// WrongDistance is a distance other than the matrix says.
	WrongDistance ViolationKind = "wrong_distance"
	// WrongSetup is a setup that is missing, short, or not needed.
	WrongSetup ViolationKind = "wrong_setup"
	// WrongService is a service of another length than the stop or break has.
	WrongService ViolationKind = "wrong_service"
	// OutOfWindow is a service that starts outside the stop's windows.
	OutOfWindow ViolationKind = "out_of_window"
	// OutOfShift is a route that begins before its shift or ends after it.
	OutOfShift ViolationKind = "out_of_shift"
	// BreakMissing is a break not taken, taken twice, or out of order.
	BreakMissing ViolationKind = "break_missing"
	// BreakOutOfWindow is a break that starts outside its windows.
	BreakOutOfWindow ViolationKind = "break_out_of_window"
	// OverCapacity is more load than the shift has room for.
	OverCapacity ViolationKind = "over_capacity"
	// OverStops is more stops than Shift.MaxStops.
	OverStops ViolationKind = "over_stops"
	// OverTravel is more travel than Shift.MaxTravel.
	OverTravel ViolationKind = "over_travel"
	// OverDistance is more metres than Shift.MaxDistance.
	OverDistance ViolationKind = "over_distance"
	// OverWork is more work than Shift.MaxWork.
	OverWork ViolationKind = "over_work"
	// MissingSkill is a stop whose team lacks a skill it needs.
	MissingSkill ViolationKind = "missing_skill"
	// SmallCrew is a stop whose team is too small.
	SmallCrew ViolationKind = "small_crew"
	// ShiftNotAllowed is a stop on a shift that is not among Stop.Shifts.
	ShiftNotAllowed ViolationKind = "shift_not_allowed"
	// PinMoved is a pinned stop out of its place or time.
	PinMoved ViolationKind = "pin_moved"
	// WrongCost is a part of the cost that is not what the rates say.
	WrongCost ViolationKind = "wrong_cost"
	// WrongTotal is a sum that is not what the steps say.
	WrongTotal ViolationKind = "wrong_total"
	// WrongReason is an unassigned stop whose reason is not true.
	WrongReason ViolationKind = "wrong_reason"
	// MustLeftOut is an unassigned Must stop although a route of the result has
	// room for it.
	MustLeftOut ViolationKind = "must_left_out"
)

// Check recomputes a result from the problem alone and returns what is wrong
// with it; the list is empty if the result is correct. Check looks at the reasons
// of unassigned stops only if it finds no other violation. The problem must be
// valid: see routing.Problem.Validate. Check changes neither argument and may be
// called from several goroutines.
func Check(p routing.Problem, r routing.Result) []Violation {
	k := &checker{p: p, r: r, seen: make([]int, len(p.Stops))}
	k.routes()
	k.accounts()
	if len(k.found) == 0 {
		k.reasons()
	}
	return k.found
}

// checker is the state of one call of Check.
type checker struct {
	p     routing.Problem
	r     routing.Result
	seen  []int // by stop, how many times a route or LeftOut contains it
	found []Violation
}

func (k *checker) report(kind ViolationKind, shift, stop int, format string, args ...any) {
	k.found = append(k.found, Violation{kind, shift, stop, fmt.Sprintf(format, args...)})
}

// routes checks all routes and the sums over them.
func (k *checker) routes() {
	var cost routing.Cost
	var total routing.Total
	last := -1
	stops, work := make([]int, len(k.p.Shifts)), make([]int, len(k.p.Shifts))
	used := make([]bool, len(k.p.Shifts))
	for i := range k.r.Routes {
		route := &k.r.Routes[i]
		if route.Shift < 0 || route.Shift >= len(k.p.Shifts) {
			k.report(BadIndex, route.Shift, -1, "there are %d shifts", len(k.p.Shifts))
			continue
		}
		if route.Shift <= last {
			k.report(BadOrder, route.Shift, -1, "comes after shift %d", last)
		}
		last = route.Shift
		used[route.Shift] = true
		k.route(route)
		stops[route.Shift], work[route.Shift] = route.Total.Stops, route.Total.Work
		cost = sumCosts(cost, route.Cost)
		total = sumTotals(total, route.Total)
	}
	for s := range k.p.Shifts {
		if len(k.p.Shifts[s].Pinned) > 0 && !used[s] {
			k.report(PinMoved, s, k.p.Shifts[s].Pinned[0].Stop, "the shift has pinned stops but no route")
		}
	}
	for _, l := range k.r.LeftOut {
		if k.p.Objective == routing.CostFirst && l.Stop >= 0 && l.Stop < len(k.p.Stops) {
			cost.LeftOut += k.p.Stops[l.Stop].Value
		}
	}
	switch k.p.Balance.By {
	case routing.BalanceStops:
		cost.Balance = balanceCost(stops, k.p.Balance.Weight, 1)
	case routing.BalanceWork:
		cost.Balance = balanceCost(work, k.p.Balance.Weight, 3600)
	}
	if cost != k.r.Cost {
		k.report(WrongCost, -1, -1, "%+v, but the parts are %+v", k.r.Cost, cost)
	}
	if total != k.r.Total {
		k.report(WrongTotal, -1, -1, "%+v, but the sums are %+v", k.r.Total, total)
	}
}

// accounts checks that every stop is either served once or left out once.
func (k *checker) accounts() {
	last := -1
	for _, l := range k.r.LeftOut {
		if l.Stop < 0 || l.Stop >= len(k.p.Stops) {
			k.report(BadIndex, -1, l.Stop, "there are %d stops", len(k.p.Stops))
			continue
		}
		if l.Stop < last {
			k.report(BadOrder, -1, l.Stop, "is left out after stop %d", last)
		}
		last = l.Stop
		k.seen[l.Stop]++
	}
	for u, n := range k.seen {
		if n == 0 {
			k.report(NotAccounted, -1, u, "neither served nor left out")
		} else if n > 1 {
			k.report(ServedTwice, -1, u, "accounted for %d times", n)
		}
	}
}

// balanceCost returns weight for each unit by which the values differ from their
// mean, rounded to the nearest whole number.
func balanceCost(each []int, weight int64, unit int) int64 {
	n := len(each)
	if n == 0 {
		return 0
	}
	sum, off := 0, 0
	for _, v := range each {
		sum += v
	}
	for _, v := range each {
		if v*n > sum {
			off += v*n - sum
		} else {
			off += sum - v*n
		}
	}
	return rated(weight, off, n*unit)
}

// rated returns rate*amount/unit, rounded to the nearest whole number, halves up.
func rated(rate int64, amount, unit int) int64 {
	x := new(big.Int).Mul(big.NewInt(rate), big.NewInt(int64(amount)))
	x.Add(x, big.NewInt(int64(unit/2)))
	return x.Div(x, big.NewInt(int64(unit))).Int64()
}

func sumCosts(a, b routing.Cost) routing.Cost {
	return routing.Cost{Fixed: a.Fixed + b.Fixed, Travel: a.Travel + b.Travel, Distance: a.Distance + b.Distance,
		Wait: a.Wait + b.Wait, Service: a.Service + b.Service, Overtime: a.Overtime + b.Overtime,
		Changes: a.Changes + b.Changes, Balance: a.Balance + b.Balance, LeftOut: a.LeftOut + b.LeftOut}
}

func sumTotals(a, b routing.Total) routing.Total {
	return routing.Total{Stops: a.Stops + b.Stops, Priority: a.Priority + b.Priority, Travel: a.Travel + b.Travel,
		Distance: a.Distance + b.Distance, Setup: a.Setup + b.Setup, Service: a.Service + b.Service,
		Wait:   a.Wait + b.Wait,
		Breaks: a.Breaks + b.Breaks, Overtime: a.Overtime + b.Overtime, Work: a.Work + b.Work}
}

// open reports whether t lies in one of the windows. Without windows every time does.
func open(ws []routing.Window, t int) bool {
	return len(ws) == 0 || slices.ContainsFunc(ws, func(w routing.Window) bool { return w.From <= t && t <= w.To })
}
