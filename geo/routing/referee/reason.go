package referee

import (
	"slices"

	"doorstep/geo/routing"
)

// reasons checks the reason of every unassigned stop. It may be called only if the
// routes have no violation.
func (k *checker) reasons() {
	if len(k.r.LeftOut) == 0 {
		return
	}
	bare := make([]tour, len(k.p.Shifts)) // only the pinned stops
	full := make([]tour, len(k.p.Shifts)) // the routes of the result
	for s := range k.p.Shifts {
		var stops []int
		for _, pin := range k.p.Shifts[s].Pinned {
			stops = append(stops, pin.Stop)
		}
		bare[s] = k.newTour(s, stops)
		full[s] = bare[s]
	}
	for _, r := range k.r.Routes {
		var stops []int
		for _, s := range r.Steps {
			if s.Kind == routing.StepStop {
				stops = append(stops, s.Index)
			}
		}
		full[r.Shift] = k.newTour(r.Shift, stops)
	}
	anytime := &checker{p: k.p}
	anytime.p.Stops = slices.Clone(k.p.Stops)
	for _, l := range k.r.LeftOut {
		anytime.p.Stops[l.Stop].Windows = nil
	}
	for _, l := range k.r.LeftOut {
		k.reason(l, bare, full, anytime)
	}
}

// reason checks the reason of one unassigned stop. In the problem of anytime the
// unassigned stops have no windows.
func (k *checker) reason(l routing.LeftOut, bare, full []tour, anytime *checker) {
	fit, way, ever, alone, room := false, false, no, no, no
	for s := range k.p.Shifts {
		if !k.fit(s, l.Stop, false) || k.p.Shifts[s].Capacity > 0 && k.p.Stops[l.Stop].Load > k.p.Shifts[s].Capacity {
			continue
		}
		fit = true
		way = way || k.way(&bare[s], l.Stop)
		if ever != yes {
			ever = max(ever, anytime.room(&bare[s], l.Stop))
		}
		if alone != yes {
			alone = max(alone, k.room(&bare[s], l.Stop))
		}
		if room != yes {
			room = max(room, k.room(&full[s], l.Stop))
		}
	}
	wrong := func(why string) { k.report(WrongReason, -1, l.Stop, "%q, but %s", l.Reason, why) }
	switch l.Reason {
	case routing.NoFitTeam:
		if fit {
			wrong("there is a fit team")
		}
		return
	case routing.Unreachable:
		if !fit {
			wrong("there is no fit team")
		} else if way {
			wrong("a fit team has a way there and back")
		}
		return
	case routing.BeyondLimits:
		if !fit {
			wrong("there is no fit team")
		} else if !way {
			wrong("there is no way")
		} else if ever == yes {
			wrong("a fit team could do it alone at some hour")
		}
		return
	case routing.NoLawfulWindow:
		if !fit {
			wrong("there is no fit team")
		} else if alone == yes {
			wrong("a fit team could do it alone")
		} else if ever == no {
			wrong("no fit team could do it at any hour")
		}
		return
	case routing.NoTime:
		if !fit {
			wrong("there is no fit team")
		} else if alone == no {
			wrong("no fit team could do it even alone")
		} else if room == yes {
			wrong("there is room for it")
		}
	case routing.WorthLess:
		if k.p.Objective != routing.CostFirst || k.p.Stops[l.Stop].Must {
			wrong("cost does not decide")
		} else if room == no {
			wrong("there is no room for it")
		}
	default:
		wrong("there is no such reason")
	}
	if k.p.Stops[l.Stop].Must && room == yes {
		k.report(MustLeftOut, -1, l.Stop, "a route has room for it")
	}
}

// way reports whether the team of a tour can, at any hour, travel to a stop and from
// there to the end of its shift.
func (k *checker) way(t *tour, stop int) bool {
	sh := &k.p.Shifts[t.shift]
	reachable := func(from, to int) bool {
		j := newJourney(&k.p.Matrices[sh.Matrix], from, to)
		if j.none {
			return true
		}
		for h := range len(j.m.Hours) + 1 {
			if j.pace(h) < routing.NoWay {
				return true
			}
		}
		return false
	}
	place := k.p.Stops[stop].Place
	return reachable(t.clocks[len(t.stops)].place, place) && reachable(place, sh.End)
}

// answer says whether a tour has room for a stop. It is perhaps where a limit
// depends on times that the team is free to choose.
type answer int

const (
	no answer = iota
	perhaps
	yes
)

// tour is a sequence of stops of one shift, prepared for testing whether one more
// stop can be inserted.
type tour struct {
	shift                  int
	stops                  []int
	clocks                 []clock // before each stop, and after the last
	slack                  [][]int // by clock and breaks taken, the latest feasible departure; -1 if there is none
	load, travel, distance int
}

func (k *checker) newTour(shift int, stops []int) tour {
	t := tour{shift: shift, stops: stops, clocks: []clock{k.depart(shift)}}
	for i, u := range stops {
		t.load += k.p.Stops[u].Load
		t.clocks = append(t.clocks, k.visit(shift, t.clocks[i], u, k.pin(shift, i)))
	}
	t.travel, t.distance = k.length(shift, stops)
	t.slack = make([][]int, len(t.clocks))
	for i := range t.clocks {
		t.slack[i] = k.slack(&t, i)
	}
	return t
}

// slack returns the latest times at which the team may leave at clock i, by the
// number of breaks taken. It finds them by bisection.
func (k *checker) slack(t *tour, i int) []int {
	sh := &k.p.Shifts[t.shift]
	latest := make([]int, len(sh.Breaks)+1)
	for taken := range latest {
		lo, hi := -1, sh.Window.To+sh.Overtime
		for lo < hi {
			mid := (lo + hi + 1) / 2
			c := clock{t.clocks[i].place, make([]int, len(latest))}
			for j := range c.free {
				c.free[j] = -1
			}
			c.free[taken] = mid
			for n := i; n < len(t.stops) && feasible(c); n++ {
				c = k.visit(t.shift, c, t.stops[n], k.pin(t.shift, n))
			}
			if end := k.done(t.shift, c); end >= 0 && end <= sh.Window.To+sh.Overtime {
				lo = mid
			} else {
				hi = mid - 1
			}
		}
		latest[taken] = lo
	}
	return latest
}

// inTime reports whether a team with clock c can serve the stops of the tour from
// index i on and end in time.
func (k *checker) inTime(t *tour, c clock, i int) bool {
	if i == len(t.stops) {
		sh := &k.p.Shifts[t.shift]
		end := k.done(t.shift, c)
		return end >= 0 && end <= sh.Window.To+sh.Overtime
	}
	c = k.visit(t.shift, c, t.stops[i], nil)
	for taken, at := range c.free {
		if at >= 0 && at <= t.slack[i+1][taken] {
			return true
		}
	}
	return false
}

// pin returns the pin of the i-th stop of a shift, or nil.
func (k *checker) pin(shift, i int) *routing.Pin {
	if pins := k.p.Shifts[shift].Pinned; i < len(pins) {
		return &pins[i]
	}
	return nil
}

// length returns travel and distance of a route by the matrix, without hours.
func (k *checker) length(shift int, stops []int) (travel, distance int) {
	sh := &k.p.Shifts[shift]
	m := &k.p.Matrices[sh.Matrix]
	if len(stops) == 0 {
		return 0, 0
	}
	at := sh.Start
	add := func(to int) {
		if at >= 0 && to >= 0 {
			travel += int(m.Durations[at*m.Places+to])
			if m.Distances != nil {
				distance += int(m.Distances[at*m.Places+to])
			}
		}
		at = to
	}
	for _, u := range stops {
		add(k.p.Stops[u].Place)
	}
	add(sh.End)
	return travel, distance
}

// room reports whether stop u can be inserted into a tour at any position.
func (k *checker) room(t *tour, u int) answer {
	sh := &k.p.Shifts[t.shift]
	if sh.Capacity > 0 && t.load+k.p.Stops[u].Load > sh.Capacity || sh.MaxStops > 0 && len(t.stops) >= sh.MaxStops {
		return no
	}
	best := no
	for i := len(sh.Pinned); i <= len(t.stops) && best != yes; i++ {
		c := k.visit(t.shift, t.clocks[i], u, nil)
		if !feasible(c) {
			continue
		}
		if !k.inTime(t, c, i) {
			continue
		}
		with := append(append([]int{}, t.stops[:i]...), u)
		with = append(with, t.stops[i:]...)
		travel, distance := k.length(t.shift, with)
		if sh.MaxDistance > 0 && distance > sh.MaxDistance {
			continue
		}
		hours := len(k.p.Matrices[sh.Matrix].Hours) > 0
		if sh.MaxWork > 0 && k.longest(t, c, i) > sh.MaxWork || sh.MaxTravel > 0 && (hours || len(sh.Pinned) > 0) {
			best = max(best, perhaps)
			continue
		}
		if sh.MaxTravel > 0 && travel > sh.MaxTravel {
			continue
		}
		best = yes
	}
	return best
}

// longest returns the seconds of work of a tour that leaves as early as its shift
// allows, reaches clock c and then serves the stops from index i on.
func (k *checker) longest(t *tour, c clock, i int) int {
	for _, v := range t.stops[i:] {
		c = k.visit(t.shift, c, v, nil)
	}
	work := k.done(t.shift, c) - k.p.Shifts[t.shift].Window.From
	for _, b := range k.p.Shifts[t.shift].Breaks {
		work -= b.Service
	}
	return work
}

// feasible reports whether the team can reach the state c at all.
func feasible(c clock) bool {
	for _, t := range c.free {
		if t >= 0 {
			return true
		}
	}
	return false
}
