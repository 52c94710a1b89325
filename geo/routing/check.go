package routing

import (
	"fmt"
	"math/big"
	"slices"
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
	// BadOrder is a route or a stop left out that is out of order or there
	// twice, or steps that do not begin with a start and end with an end.
	BadOrder ViolationKind = "bad_order"
	// ServedTwice is a stop that is served, or accounted for, more than once.
	ServedTwice ViolationKind = "served_twice"
	// NotAccounted is a stop neither served nor left out.
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
	// WrongReason is a stop left out for a reason that does not hold.
	WrongReason ViolationKind = "wrong_reason"
	// MustLeftOut is a stop that must be visited and is left out although a
	// route of the result has room for it.
	MustLeftOut ViolationKind = "must_left_out"
)

// Check recomputes a result from the problem alone and says what is wrong with
// it; nothing if it can be driven as it is. It shares no code with Solve. The
// problem must be valid.
func Check(p Problem, r Result) []Violation {
	k := &checker{p: p, r: r, seen: make([]int, len(p.Stops))}
	k.routes()
	k.accounts()
	if len(k.found) == 0 {
		k.reasons()
	}
	return k.found
}

// checker holds what one Check has found so far.
type checker struct {
	p     Problem
	r     Result
	seen  []int // times each stop is accounted for
	found []Violation
}

func (k *checker) say(kind ViolationKind, shift, stop int, format string, args ...any) {
	k.found = append(k.found, Violation{kind, shift, stop, fmt.Sprintf(format, args...)})
}

func (k *checker) routes() {
	var cost Cost
	var total Total
	last := -1
	stops, work := make([]int, len(k.p.Shifts)), make([]int, len(k.p.Shifts))
	out := make([]bool, len(k.p.Shifts))
	for i := range k.r.Routes {
		route := &k.r.Routes[i]
		if route.Shift < 0 || route.Shift >= len(k.p.Shifts) {
			k.say(BadIndex, route.Shift, -1, "there are %d shifts", len(k.p.Shifts))
			continue
		}
		if route.Shift <= last {
			k.say(BadOrder, route.Shift, -1, "comes after shift %d", last)
		}
		last = route.Shift
		out[route.Shift] = true
		k.route(route)
		stops[route.Shift], work[route.Shift] = route.Total.Stops, route.Total.Work
		cost = sumCosts(cost, route.Cost)
		total = sumTotals(total, route.Total)
	}
	for s := range k.p.Shifts {
		if len(k.p.Shifts[s].Pinned) > 0 && !out[s] {
			k.say(PinMoved, s, k.p.Shifts[s].Pinned[0].Stop, "the shift has pinned stops but no route")
		}
	}
	for _, l := range k.r.LeftOut {
		if k.p.Objective == CostFirst && l.Stop >= 0 && l.Stop < len(k.p.Stops) {
			cost.LeftOut += k.p.Stops[l.Stop].Value
		}
	}
	switch k.p.Balance.By {
	case BalanceStops:
		cost.Balance = uneven(stops, k.p.Balance.Weight, 1)
	case BalanceWork:
		cost.Balance = uneven(work, k.p.Balance.Weight, 3600)
	}
	if cost != k.r.Cost {
		k.say(WrongCost, -1, -1, "%+v, but the parts are %+v", k.r.Cost, cost)
	}
	if total != k.r.Total {
		k.say(WrongTotal, -1, -1, "%+v, but the sums are %+v", k.r.Total, total)
	}
}

func (k *checker) accounts() {
	last := -1
	for _, l := range k.r.LeftOut {
		if l.Stop < 0 || l.Stop >= len(k.p.Stops) {
			k.say(BadIndex, -1, l.Stop, "there are %d stops", len(k.p.Stops))
			continue
		}
		if l.Stop < last {
			k.say(BadOrder, -1, l.Stop, "left out, after stop %d", last)
		}
		last = l.Stop
		k.seen[l.Stop]++
	}
	for u, n := range k.seen {
		if n == 0 {
			k.say(NotAccounted, -1, u, "neither served nor left out")
		} else if n > 1 {
			k.say(ServedTwice, -1, u, "accounted for %d times", n)
		}
	}
}

// uneven is the price of the distances from the mean, rounded to the nearest.
func uneven(each []int, weight int64, unit int) int64 {
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

// rated is rate*amount/unit, rounded to the nearest, halves up.
func rated(rate int64, amount, unit int) int64 {
	x := new(big.Int).Mul(big.NewInt(rate), big.NewInt(int64(amount)))
	x.Add(x, big.NewInt(int64(unit/2)))
	return x.Div(x, big.NewInt(int64(unit))).Int64()
}

func sumCosts(a, b Cost) Cost {
	return Cost{a.Fixed + b.Fixed, a.Travel + b.Travel, a.Distance + b.Distance, a.Wait + b.Wait, a.Service + b.Service,
		a.Overtime + b.Overtime, a.Changes + b.Changes, a.Balance + b.Balance, a.LeftOut + b.LeftOut}
}

func sumTotals(a, b Total) Total {
	return Total{a.Stops + b.Stops, a.Priority + b.Priority, a.Travel + b.Travel, a.Distance + b.Distance,
		a.Setup + b.Setup, a.Service + b.Service, a.Wait + b.Wait, a.Breaks + b.Breaks, a.Overtime + b.Overtime,
		a.Work + b.Work}
}

// open says whether t lies in one of the windows; none means any time.
func open(ws []Window, t int) bool {
	return len(ws) == 0 || slices.ContainsFunc(ws, func(w Window) bool { return w.From <= t && t <= w.To })
}
