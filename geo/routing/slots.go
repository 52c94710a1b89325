package routing

import (
	"fmt"
	"slices"
)

// Slot says where one more stop would be served if a window were promised to it.
type Slot struct {
	// Reason is why no route has room for the stop in this window: NoFitTeam, Unreachable,
	// BeyondLimits, NoLawfulWindow or NoTime. If it is empty a route has room, and the
	// other fields are set.
	Reason Reason
	// Shift is the index of the shift that could serve it at the least cost.
	Shift int
	// Position is its index in the order of the shift, from 0.
	Position int
	// Start is when its service would start, in seconds.
	Start int
	// Travel is the additional seconds of travel of the shift; negative if the way by its
	// place is faster.
	Travel int
	// Cost is the additional cost of the solution, including balance and the stability of
	// the stops that it delays.
	Cost int64
}

// Slots says for each window separately where one more stop can be inserted into a
// solution at the least cost if no other stop changes its shift or its place in the
// order. Times of other stops may change within their windows. The service of the
// new stop starts within the window and within the windows of the stop itself.
//
// The order lists for each shift its stops as the solution has them, pinned stops
// first; Slots computes their times anew. A shift that is late skips the stops for
// which it is too late, as Solve does with an earlier plan. A shift that would have
// to skip a pinned stop or a Must stop has no room. Objective and values are
// ignored: the stops of the order stay.
//
// The error is an *Error: the problem with the stop is not valid, or the order does
// not match it.
func Slots(p Problem, order [][]int, stop Stop, windows []Window) ([]Slot, error) {
	// The stop is added to the problem once for each window, so ids may repeat.
	q := p
	q.Objective = CostFirst
	q.Stops = slices.Clip(p.Stops)
	stop.ID = ""
	ask := make([]int32, len(windows)) // by window, the stop added for it; -1 if the windows of the stop do not meet it
	for i, w := range windows {
		if err := validateWindows(fmt.Sprintf("slots[%d]", i), []Window{w}); err != nil {
			return nil, err
		}
		u := stop
		u.Windows = common(stop.Windows, w)
		ask[i] = -1
		if len(u.Windows) > 0 {
			ask[i] = int32(len(q.Stops))
			q.Stops = append(q.Stops, u)
		}
	}
	if err := validateWindows("stop", stop.Windows); err != nil {
		return nil, err
	}
	ever := int32(len(q.Stops)) // the stop without windows
	stop.Windows = nil
	q.Stops = append(q.Stops, stop)
	if err := q.validate(); err != nil {
		return nil, err
	}
	if err := p.validateOrder(order); err != nil {
		return nil, err
	}
	c, err := newCore(&q)
	if err != nil {
		return nil, err
	}
	o := offer{c: c, each: make([]int64, len(order))}
	routes := make([]laid, len(order))
	for r := range order {
		routes[r] = o.keep(int32(r), order[r])
		o.each[r] = o.share(&routes[r])
	}
	why := NoLawfulWindow // the reason if even a shift without other stops has no room
	switch {
	case !c.anyFits(ever):
		why = NoFitTeam
	case c.cutOff(ever):
		why = Unreachable
	case !o.anyAlone(ever):
		why = BeyondLimits
	}
	out := make([]Slot, len(windows))
	for i, u := range ask {
		out[i].Reason = why
		if u < 0 {
			continue
		}
		for r := range routes {
			o.best(&routes[r], u, &out[i])
		}
		if out[i].Reason == NoLawfulWindow && o.anyAlone(u) {
			out[i].Reason = NoTime
		}
	}
	return out, nil
}

// common returns the intersection of windows with one more window. No windows means
// any time.
func common(ws []Window, w Window) []Window {
	if len(ws) == 0 {
		return []Window{w}
	}
	var out []Window
	for _, x := range ws {
		if x = (Window{max(x.From, w.From), min(x.To, w.To)}); x.From <= x.To {
			out = append(out, x)
		}
	}
	return out
}

// validateOrder returns an error if an order does not match the problem.
func (p *Problem) validateOrder(order [][]int) *Error {
	if len(order) != len(p.Shifts) {
		return fault(CodeIndex, "order", "has %d shifts, but the problem has %d", len(order), len(p.Shifts))
	}
	seen := make([]bool, len(p.Stops))
	for r, stops := range order {
		pins := p.Shifts[r].Pinned
		for i, u := range stops {
			at := fmt.Sprintf("order[%d][%d]", r, i)
			if u < 0 || u >= len(p.Stops) {
				return fault(CodeIndex, at, "stop %d, but there are %d stops", u, len(p.Stops))
			}
			if seen[u] {
				return fault(CodeDuplicate, at, "stop %d is there twice", u)
			}
			seen[u] = true
			if i < len(pins) && pins[i].Stop != u {
				return fault(CodePinned, at, "stop %d, but stop %d is pinned there", u, pins[i].Stop)
			}
		}
		if len(stops) < len(pins) {
			return fault(CodePinned, fmt.Sprintf("order[%d]", r), "has %d stops, but %d are pinned", len(stops),
				len(pins))
		}
	}
	return nil
}

// offer looks for room in the routes of a solution.
type offer struct {
	c     *core
	each  []int64 // by shift, the stops or seconds of work that Balance spreads
	paper sheet
	seq   []int32
}

// laid is a route of the solution without the new stop.
type laid struct {
	shift int32
	seq   []int32
	at    []int // by position, the position in the given order
	trip  trip
	cost  int64
	none  bool // it has no room for any stop
}

// keep computes the times of a shift's route, without the stops for which it is too
// late.
func (o *offer) keep(r int32, order []int) laid {
	l := laid{shift: r}
	for i, u := range order {
		l.seq, l.at = append(l.seq, int32(u)), append(l.at, i)
	}
	var ok bool
	if l.trip, ok = o.lay(r, l.seq); !ok {
		pins := len(o.c.shifts[r].pins)
		l.seq, l.at = l.seq[:0], l.at[:0]
		for i, u := range order {
			t, fits := o.lay(r, append(l.seq, int32(u)))
			if fits {
				l.seq, l.at, l.trip = append(l.seq, int32(u)), append(l.at, i), t
			} else if i < pins || o.c.p.Stops[u].Must {
				return laid{shift: r, none: true}
			}
		}
	}
	l.at = append(l.at, len(order))
	l.cost = o.cost(r, l.seq, l.trip)
	return l
}

// lay computes the times of a route and reports whether it keeps all limits of its
// shift.
func (o *offer) lay(r int32, seq []int32) (trip, bool) {
	d := &o.c.shifts[r]
	if len(seq) == 0 {
		return trip{}, true
	}
	load := 0
	for _, u := range seq {
		load += o.c.p.Stops[u].Load
	}
	if d.maxStops > 0 && len(seq) > d.maxStops || d.capacity > 0 && load > d.capacity {
		return trip{}, false
	}
	t := o.c.layOut(r, seq, &o.paper, nil)
	return t, t.ok && (d.maxTravel == 0 || t.travel <= d.maxTravel) &&
		(d.maxDistance == 0 || t.distance <= d.maxDistance) &&
		(d.maxWork == 0 || t.end-t.start-t.breaks <= d.maxWork)
}

// cost returns the cost of a route.
func (o *offer) cost(r int32, seq []int32, t trip) int64 {
	if len(seq) == 0 {
		return 0
	}
	d := &o.c.shifts[r]
	sum := d.rates.Fixed + charge(d.rates.TravelHour, t.travel, 3600) + charge(d.rates.Km, t.distance, 1000) +
		charge(d.rates.WaitHour, t.wait, 3600) +
		charge(d.rates.ServiceHour, t.setup+t.service, 3600) +
		charge(d.rates.OvertimeHour, max(0, t.end-int(d.due)), 3600) + t.moves
	for _, u := range seq {
		if e := o.c.p.Stops[u].Earlier; e != nil && e.Shift != int(r) {
			sum += o.c.p.Stability.Team
		}
	}
	return sum
}

// share returns what a route counts for in the balance.
func (o *offer) share(l *laid) int64 {
	switch o.c.p.Balance.By {
	case BalanceStops:
		return int64(len(l.seq))
	case BalanceWork:
		return int64(l.trip.end - l.trip.start - l.trip.breaks)
	}
	return 0
}

// balanceCost returns the cost of Problem.Balance if shift r has the given share.
func (o *offer) balanceCost(r int32, share int64) int64 {
	was := o.each[r]
	o.each[r] = share
	cost := o.c.p.Balance.cost(o.each)
	o.each[r] = was
	return cost
}

// best inserts u at the cheapest position of a route and stores that in s if it
// costs less than s.
func (o *offer) best(l *laid, u int32, s *Slot) {
	if l.none || !o.c.may(u, l.shift) {
		return
	}
	even := o.balanceCost(l.shift, o.each[l.shift])
	for i := len(o.c.shifts[l.shift].pins); i <= len(l.seq); i++ {
		o.seq = slices.Insert(append(o.seq[:0], l.seq...), i, u)
		t, ok := o.lay(l.shift, o.seq)
		if !ok {
			continue
		}
		with := laid{seq: o.seq, trip: t}
		cost := o.cost(l.shift, o.seq, t) - l.cost + o.balanceCost(l.shift, o.share(&with)) - even
		if s.Reason == "" && cost >= s.Cost {
			continue
		}
		*s = Slot{Shift: int(l.shift), Position: l.at[i], Start: o.start(l.shift, i), Travel: t.travel - l.trip.travel,
			Cost: cost}
	}
}

// start returns when the service at a position of the route just tried starts.
func (o *offer) start(r int32, i int) int {
	var steps []Step
	o.c.layOut(r, o.seq, &o.paper, &steps)
	for _, s := range steps {
		if s.Kind == StepStop && s.Index == int(o.seq[i]) {
			return s.Start()
		}
	}
	return 0 // not reached: a route has steps for all its stops
}

// anyAlone reports whether some shift that may serve u could serve it if it served
// nothing else but its pinned stops.
func (o *offer) anyAlone(u int32) bool {
	for r := range int32(len(o.c.shifts)) {
		if !o.c.may(u, r) {
			continue
		}
		o.seq = o.seq[:0]
		for _, pin := range o.c.shifts[r].pins {
			o.seq = append(o.seq, int32(pin.Stop))
		}
		o.seq = append(o.seq, u)
		if _, ok := o.lay(r, o.seq); ok {
			return true
		}
	}
	return false
}
