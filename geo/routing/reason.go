package routing

import "slices"

// explainer finds the reasons of the unassigned stops of a search.
type explainer struct {
	s       *search
	anytime *plan // only the pinned stops, and unassigned stops have no windows; made when it is first needed
}

// reason returns why the plan leaves u unassigned.
func (e *explainer) reason(u int32) Reason {
	c := e.s.c
	switch {
	case !c.anyFits(u):
		return NoFitTeam
	case e.s.cheapest(u, nil, true).r >= 0:
		return WorthLess
	case len(e.s.shiftsFor(u)) > 0:
		return NoTime
	case c.cutOff(u):
		return Unreachable
	case !e.atAnyHour(u):
		return BeyondLimits
	}
	return NoLawfulWindow
}

// anyFits reports whether any shift is allowed to serve u.
func (c *core) anyFits(u int32) bool {
	row := c.allowed[int(u)*c.words : int(u)*c.words+c.words]
	return slices.ContainsFunc(row, func(w uint64) bool { return w != 0 })
}

// cutOff reports whether no shift that may serve u has a way there, from its start
// or its last pin, and on to its end.
func (c *core) cutOff(u int32) bool {
	for r := range int32(len(c.shifts)) {
		if !c.may(u, r) {
			continue
		}
		d := &c.shifts[r]
		from := d.start
		if n := len(d.pins); n > 0 {
			from = c.stops[d.pins[n-1].Stop].place
		}
		if d.hasWay(from, c.stops[u].place) && d.hasWay(c.stops[u].place, d.end) {
			return false
		}
	}
	return true
}

// hasWay reports whether there is a way between two places at some hour. It is true
// if either is NoPlace.
func (d *shiftData) hasWay(a, b int32) bool {
	if a < 0 || b < 0 {
		return true
	}
	cell := a*d.places + b
	return d.dur[cell] < NoWay || slices.ContainsFunc(d.hours, func(h Hour) bool { return h.Durations[cell] < NoWay })
}

// atAnyHour reports whether some shift could serve u at some hour, ignoring the
// windows of u, if it served nothing else but its pinned stops.
func (e *explainer) atAnyHour(u int32) bool {
	if e.anytime == nil {
		c := *e.s.c
		c.stops = slices.Clone(c.stops)
		always := span{0, never - 1}
		c.windows = append(slices.Clip(c.windows), always)
		for _, v := range e.s.p.out {
			n := &c.stops[v]
			n.from, n.to = always.from, always.to
			n.w0, n.w1 = int32(len(c.windows)-1), int32(len(c.windows))
		}
		e.anytime = newPlan(&c)
	}
	for r := range int32(len(e.s.c.shifts)) {
		if e.s.c.may(u, r) && e.anytime.try(u, r, nowhere, nil).r >= 0 {
			return true
		}
	}
	return false
}
