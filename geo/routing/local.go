package routing

// local is a local search over solutions in which every stop is served. Routes may
// be late or carry too much at a penalty: time warp (Nagata et al. 2010, Vidal et
// al. 2013) and load above capacity. It belongs to one search and works for problems
// whose only constraints are windows, capacity, the number of stops and the
// permissions of shifts, see core.pure.
//
// For each stop it keeps the earliest departure and the latest start, both with the
// time warp before and after it paid. Any route made of the beginning of one, a few
// stops and the end of another is priced without a pass along either.
type local struct {
	c       *core
	g       *random
	n       int32   // number of stops
	dur     []int32 // durations, in rows of places cells
	places  int32
	knots   []knot  // the stops, then start and end of each shift
	days    []lane  // by shift
	near    []int32 // by stop, its width best predecessors, best first
	width   int32
	free    bool    // any shift may serve any stop
	twoWay  bool    // durations are the same in both directions
	clock   int32   // number of moves made
	tested  []int32 // by stop, clock when its moves were last tried
	order   []int32 // stops, in the order in which moves are tried
	perLoad float64 // penalty of a unit of load above capacity, in seconds of travel
	perLate float64 // penalty of a second of time warp
	spare   []int32 // one idle shift of each class
	known   []int32 // by class, the number of the query that found an idle shift
	ask     int32   // number of the query
	said    float64 // predicted change of cost by the last move; tests compare it
}

// knot is a stop, or the start or end of a shift, in a route. It fills one cache
// line.
type knot struct {
	place, from, to, service, load int32
	prev, next, route, at          int32
	dep, paid                      int32 // earliest departure; time warp up to here
	due, owed                      int32 // latest start; time warp from here on
	sum                            int32 // load up to here
	in, out                        int32 // legs to it and from it
}

// lane is a shift with its route.
type lane struct {
	capacity, maxStops int32
	fixed              int32 // fixed cost of the shift, in seconds of travel
	open               int32 // fixed and the leg from start to end, which an idle shift does not drive
	stops, load        int32
	warp               int32
	price              float64 // penalty of time warp and load above capacity
	changed            int32   // clock of its last change
	origin             int8    // 1 or 2 if the route is that of one parent, else 0
}

// pure reports whether the local search computes exact costs for this problem. The
// local search serves every stop, so CostFirst is excluded: there the best solution
// may leave stops unassigned.
func (c *core) pure() bool {
	p := c.p
	if p.Objective == CostFirst || c.setups || len(c.shifts) == 0 || c.n < 2 || p.Stability.Team > 0 ||
		p.Stability.Move > 0 || p.Balance.By != BalanceNone {
		return false
	}
	for u := range c.stops {
		// After a gap between two windows the penalty of being late is not known
		// without a pass along the route.
		if c.stops[u].w1-c.stops[u].w0 > 1 {
			return false
		}
	}
	for r := range c.shifts {
		d, first := &c.shifts[r], &c.shifts[0]
		if !d.swift || d.timed || p.Shifts[r].Matrix != p.Shifts[0].Matrix || d.perSecond != first.perSecond ||
			d.perSecond <= 0 {
			return false
		}
		if d.fixed/d.perSecond > 1e8 {
			return false
		}
	}
	return true
}

// Weights of waiting and time warp in the rank of a predecessor.
const (
	nearWait = 0.2
	nearLate = 1.0
)

// newLocal returns a local search that tries width predecessors of each stop.
func newLocal(c *core, g *random, width int) *local {
	n := int32(c.n)
	d := &c.shifts[0]
	l := &local{
		c: c, g: g, n: n, dur: d.dur, places: d.places, knots: make([]knot, int(n)+2*len(c.shifts)),
		days:   make([]lane, len(c.shifts)),
		tested: make([]int32, n), order: make([]int32, n), known: make([]int32, len(c.shifts)), free: true,
		twoWay: c.p.Matrices[c.p.Shifts[0].Matrix].twoWay(),
	}
	for u := range n {
		s := &c.stops[u]
		l.knots[u] = knot{place: s.place, from: s.from, to: s.to, service: s.service, load: s.load, route: -1}
		l.order[u] = u
		for r := range c.shifts {
			l.free = l.free && c.may(u, int32(r))
		}
	}
	for r := range c.shifts {
		d := &c.shifts[r]
		l.days[r] = lane{capacity: never, maxStops: never, fixed: int32(d.fixed / d.perSecond)}
		if d.capacity > 0 {
			l.days[r].capacity = int32(d.capacity)
		}
		if d.maxStops > 0 {
			l.days[r].maxStops = int32(d.maxStops)
		}
		a, z := l.ends(int32(r))
		l.knots[a] = knot{place: d.start, route: int32(r), dep: d.from, prev: -1, next: z}
		l.knots[z] = knot{place: d.end, route: int32(r), due: d.latest, prev: a, next: -1}
		l.days[r].open = l.days[r].fixed + l.leg(&l.knots[a], &l.knots[z])
	}
	l.setNear(width)
	return l
}

// ends returns the knots of the start and the end of shift r.
func (l *local) ends(r int32) (int32, int32) { return l.n + 2*r, l.n + 2*r + 1 }

// leg returns the seconds of travel between two knots.
func (l *local) leg(a, b *knot) int32 { return l.dur[a.place*l.places+b.place] }

// setNear lists the best predecessors of each stop (granular neighbourhood).
func (l *local) setNear(width int) {
	n := int(l.n)
	l.width = int32(min(width, n-1))
	l.near = make([]int32, 0, n*int(l.width))
	type far struct {
		d float64
		v int32
	}
	all := make([]far, 0, n)
	for u := range l.n {
		b := &l.knots[u]
		all = all[:0]
		for v := range l.n {
			if v == u {
				continue
			}
			a := &l.knots[v]
			d := l.leg(a, b)
			wait := max(0, b.from-d-a.service-a.to)
			late := max(0, a.from+a.service+d-b.to)
			all = append(all, far{float64(d) + nearWait*float64(wait) + nearLate*float64(late), v})
		}
		less := func(x, y far) bool { return x.d < y.d || x.d == y.d && x.v < y.v }
		partly(all, int(l.width), less)
		first := all[:l.width]
		for i := 1; i < len(first); i++ {
			for j := i; j > 0 && less(first[j], first[j-1]); j-- {
				first[j], first[j-1] = first[j-1], first[j]
			}
		}
		for _, f := range first {
			l.near = append(l.near, f.v)
		}
	}
}

// reachAt returns the departure from k if it is reached at t, and the time warp.
func (k *knot) reachAt(t int32) (int32, int32) {
	if t < k.from {
		return k.from + k.service, 0
	}
	if t > k.to {
		return k.to + k.service, t - k.to
	}
	return t + k.service, 0
}

// renew computes the labels of route r.
func (l *local) renew(r int32) {
	a, z := l.ends(r)
	d := &l.days[r]
	k := &l.knots[a]
	at := int32(0)
	for u := k.next; ; {
		v := &l.knots[u]
		leg := l.leg(k, v)
		k.out, v.in = leg, leg
		t := k.dep + leg
		at++
		v.at, v.route = at, r
		if u == z {
			v.paid = k.paid + max(0, t-v.due)
			v.sum = k.sum
			d.load, d.warp = k.sum, v.paid
			break
		}
		w := int32(0)
		v.dep, w = v.reachAt(t)
		v.paid = k.paid + w
		v.sum = k.sum + v.load
		k, u = v, v.next
	}
	d.stops = at - 1
	k = &l.knots[z]
	for u := k.prev; ; {
		v := &l.knots[u]
		t := k.due - v.out
		v.owed = k.owed
		if u == a {
			v.owed += max(0, v.dep-t)
			break
		}
		t -= v.service
		if t > v.to {
			t = v.to
		} else if t < v.from {
			v.owed += v.from - t
			t = v.from
		}
		v.due = t
		k, u = v, v.prev
	}
	d.price = l.price(d, d.load, d.warp)
	l.clock++
	d.changed, d.origin = l.clock, 0
}

// price returns the penalty of load above capacity and time warp.
func (l *local) price(d *lane, load, warp int32) float64 {
	x := float64(warp) * l.perLate
	if load > d.capacity {
		x += float64(load-d.capacity) * l.perLoad
	}
	return x
}

// setPrices changes the penalties.
func (l *local) setPrices(perLoad, perLate float64) {
	l.perLoad, l.perLate = perLoad, perLate
	for r := range l.days {
		d := &l.days[r]
		d.price = l.price(d, d.load, d.warp)
	}
}

// setSpare lists one idle shift of each class.
func (l *local) setSpare() {
	l.ask++
	l.spare = l.spare[:0]
	for r := range l.days {
		if k := l.c.class[r]; l.days[r].stops == 0 && l.known[k] != l.ask {
			l.known[k] = l.ask
			l.spare = append(l.spare, int32(r))
		}
	}
}

// load replaces all routes.
func (l *local) load(seq, from []int32) {
	for u := range l.n {
		l.knots[u].route = -1
	}
	for r := range l.days {
		a, z := l.ends(int32(r))
		p := a
		for _, u := range seq[from[r]:from[r+1]] {
			l.knots[p].next, l.knots[u].prev = u, p
			p = u
		}
		l.knots[p].next, l.knots[z].prev = z, p
		l.renew(int32(r))
	}
	l.setSpare()
}

// insert inserts a stop that is in no route where it costs least. It returns false
// if the number of stops or the permissions of shifts forbid it everywhere.
func (l *local) insert(u int32) bool {
	k := &l.knots[u]
	best, at := 1e300, int32(-1)
	try := func(p int32) {
		a := &l.knots[p]
		r := a.route
		if r < 0 || a.next < 0 || !l.free && !l.c.may(u, r) {
			return
		}
		b, d := &l.knots[a.next], &l.days[r]
		if d.stops >= d.maxStops {
			return
		}
		in, on := l.leg(a, k), l.leg(k, b)
		x := float64(in+on-a.out) - d.price
		if d.stops == 0 {
			x += float64(d.open)
		}
		if x >= best {
			return
		}
		t, w := k.reachAt(a.dep + in)
		warp := a.paid + w + max(0, t+on-b.due) + b.owed
		if x += l.price(d, d.load+k.load, warp); x < best {
			best, at = x, p
		}
	}
	for _, v := range l.near[u*l.width : u*l.width+l.width] {
		try(v)
		if r := l.knots[v].route; r >= 0 {
			try(l.knots[v].prev)
		}
	}
	for _, r := range l.spare {
		a, _ := l.ends(r)
		try(a)
	}
	if at < 0 {
		for p := range l.knots {
			try(int32(p))
		}
	}
	if at < 0 {
		return false
	}
	a := &l.knots[at]
	z := a.next
	a.next, k.prev, k.next, l.knots[z].prev = u, at, z, u
	idle := l.days[a.route].stops == 0
	l.renew(a.route)
	if idle {
		l.setSpare()
	}
	return true
}
