package routing

import (
	"fmt"
	"slices"
)

// Slot is what it would mean to promise a window to one more stop.
type Slot struct {
	// Reason is why no route has room for the stop in this window: NoFitTeam,
	// Unreachable, BeyondLimits, NoLawfulWindow or NoTime. Empty: one has, and the rest says how.
	Reason Reason
	// Shift is the index of the shift that could serve it at the least cost.
	Shift int
	// Position is where in the shift's order it would stand, from 0.
	Position int
	// Start is when its service would start, in seconds.
	Start int
	// Travel is how many seconds of travel the shift has more with it; less than
	// 0 where a way leads faster through its place.
	Travel int
	// Cost is what the day costs more with it, balance and the stability of the
	// stops that it delays among that.
	Cost int64
}

// Slots says for each window, and for each alone, where one more stop could be
// put into a planned day at the least cost if no other stop changes its team or
// its place in the order: their times may change within their windows. The
// service starts within the window and within the windows of the stop itself.
//
// The order has for each shift of the problem its stops as the day has them,
// those pinned first; times are laid out anew. A shift that is late passes over
// the stops for which it is too late, as Solve does with an earlier plan; one
// that must leave out a stop that is pinned or a Must has room for nothing.
// Objective and values play no part: what is in the day stays.
//
// The error is an *Error: the problem, with the stop, is not well formed, or the
// order is not one of it.
func Slots(p Problem, order [][]int, stop Stop, windows []Window) ([]Slot, error) {
	// The stop stands in the problem once for each window. Ids count for nothing here.
	q := p
	q.Objective = CostFirst
	q.Stops = slices.Clip(p.Stops)
	stop.ID = ""
	ask := make([]int32, len(windows)) // the stop that stands for a window; -1 where their windows do not meet
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
	ever := int32(len(q.Stops)) // the stop at whatever time
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
	why := NoLawfulWindow // why not, where a team does nothing else
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

// common is what windows have in common with one more; none stands for any time.
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

// validateOrder says whether an order is one of the problem's stops.
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

// offer looks for room in the routes of a day.
type offer struct {
	c     *core
	each  []int64 // by shift, the stops or seconds of work that Balance spreads
	paper sheet
	seq   []int32
}

// laid is a route of the day as it is without the stop.
type laid struct {
	shift int32
	seq   []int32
	at    []int // by position, where it stands in the order that was given
	trip  trip
	cost  int64
	none  bool // it has room for nothing
}

// keep lays out a shift's route, without the stops for which it is too late.
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

// lay lays out a route and says whether it keeps all limits of its shift.
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

// cost is what a route that is laid out costs by itself.
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

// share is a route's part of what is to be spread evenly.
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

// best puts u into a route where that costs least, if that is less than the slot has.
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

// start is when the service at a position of the route just tried starts.
func (o *offer) start(r int32, i int) int {
	var steps []Step
	o.c.layOut(r, o.seq, &o.paper, &steps)
	for _, s := range steps {
		if s.Kind == StepStop && s.Index == int(o.seq[i]) {
			return s.Start()
		}
	}
	return 0 // no route is without its stops
}

// anyAlone tells whether some shift that may serve u could if it did nothing else
// but what is pinned.
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
