package routing

// plan is a solution that a search changes. It belongs to one search. For every stop
// it keeps the earliest departure and the latest start, by the number of breaks
// taken before it, so that an insertion can be tested without a pass along the
// route.
type plan struct {
	c     *core
	seq   [][]int32 // by shift, its stops in order
	route []int32   // by stop, its shift; -1 if unassigned
	pos   []int32   // by stop, its index in seq

	// Labels: times by the number of breaks taken before.
	dep   []int32 // by stop and label, the earliest departure
	lat   []int32 // by stop and label, the latest start of the service
	first []int32 // by shift and label, the earliest departure from its start

	posts [][]post  // by shift, for each stop of its route and its end
	most  []int32   // by shift, the largest room of its posts
	left  []int32   // by shift, the load it can still take; -1 if it may have no more stops
	sums  []sums    // by shift
	cost  []float64 // by shift
	eased []float64 // by shift, a correction of floor for pins with fixed times

	out   []int32 // unassigned stops
	outAt []int32 // by stop, its index in out, or -1
	worth int64   // sum over the unassigned stops
	value int64   // Value of the unassigned stops, under CostFirst
	total float64 // sum of cost
	even  evenness

	version []int32 // by shift, a number that differs for each route it has had
	clock   int32   // the last version given
	unfit   []int32 // by stop and shift, the version of the route that has no room for the stop

	paper sheet   // scratch space
	trial []int32 // scratch space
}

// sums are the sums of a route that do not depend on its times.
type sums struct {
	load, travel, distance, service int
	moved                           int64 // cost of stops on another shift than before
}

// post is a stop of a route, or its end, as the search for a spot before it needs
// it.
type post struct {
	place int32
	into  int32 // seconds of the leg to it, before the first hour
	soon  int32 // the earliest departure over all labels
	late  int32 // the latest start over all labels; for an end, the latest arrival
	room  int32 // most seconds between the departure before it and its start
}

// newPlan returns a plan with only the pinned stops.
func newPlan(c *core) *plan {
	p := &plan{
		c: c, seq: make([][]int32, len(c.shifts)), route: make([]int32, c.n), pos: make([]int32, c.n),
		dep: make([]int32, c.n*c.labels), lat: make([]int32, c.n*c.labels),
		first: make([]int32, len(c.shifts)*c.labels), sums: make([]sums, len(c.shifts)),
		cost: make([]float64, len(c.shifts)), eased: make([]float64, len(c.shifts)), outAt: make([]int32, c.n),
	}
	p.posts, p.most, p.left = make([][]post, len(c.shifts)), make([]int32, len(c.shifts)), make([]int32, len(c.shifts))
	p.version, p.unfit = make([]int32, len(c.shifts)), make([]int32, c.n*len(c.shifts))
	for i := range p.first {
		p.first[i] = never
	}
	for r := range c.shifts {
		p.first[r*c.labels] = c.shifts[r].from
	}
	for u := range p.route {
		p.route[u], p.outAt[u] = -1, -1
	}
	for u := range int32(c.n) {
		if c.pinnedBy[u] < 0 {
			p.leaveOut(u)
		}
	}
	p.even.init(c)
	for r := range c.shifts {
		for _, pin := range c.shifts[r].pins {
			p.seq[r] = append(p.seq[r], int32(pin.Stop))
		}
		p.renew(int32(r), 0, int32(len(p.seq[r])-1))
		p.tally(int32(r))
		if len(p.seq[r]) > 0 {
			before := p.floor(int32(r))
			p.price(int32(r))
			p.eased[r] = p.floor(int32(r)) - before
		}
	}
	return p
}

// leaveOut adds u to the unassigned stops.
func (p *plan) leaveOut(u int32) {
	p.outAt[u] = int32(len(p.out))
	p.out = append(p.out, u)
	p.worth += p.c.worth[u]
	if p.c.p.Objective == CostFirst {
		p.value += p.c.p.Stops[u].Value
	}
}

// takeIn removes u from the unassigned stops.
func (p *plan) takeIn(u int32) {
	i, last := p.outAt[u], p.out[len(p.out)-1]
	p.out[i], p.outAt[last] = last, i
	p.out = p.out[:len(p.out)-1]
	p.outAt[u] = -1
	p.worth -= p.c.worth[u]
	if p.c.p.Objective == CostFirst {
		p.value -= p.c.p.Stops[u].Value
	}
}

// labels returns the earliest departures from u.
func (p *plan) labels(u int32) []int32 {
	k := p.c.labels
	return p.dep[int(u)*k : int(u)*k+k]
}

// latest returns the latest starts at u.
func (p *plan) latest(u int32) []int32 {
	k := p.c.labels
	return p.lat[int(u)*k : int(u)*k+k]
}

// before returns the place and the labels from which the stop at position i is
// reached.
func (p *plan) before(r, i int32) (int32, []int32) {
	if i == 0 {
		k := p.c.labels
		return p.c.shifts[r].start, p.first[int(r)*k : int(r)*k+k]
	}
	u := p.seq[r][i-1]
	return p.c.stops[u].place, p.labels(u)
}

// renew computes the labels of route r after a change: departures from position lo
// on, latest starts from position hi back to the first. It also sets route and pos
// from lo on.
func (p *plan) renew(r, lo, hi int32) {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	n := int32(len(seq))
	p.clock++
	p.version[r] = p.clock
	if d.plain && len(d.pins) == 0 && c.labels == 1 {
		p.renewPlain(r, lo, hi)
		return
	}
	if d.oneBreak && lo >= int32(len(d.pins)) && c.labels == 2 {
		p.renewOne(r, lo, hi)
		return
	}
	posts := p.posting(r)
	for i := lo; i < n; i++ {
		u := seq[i]
		p.route[u], p.pos[u] = r, i
		a, in := p.before(r, i)
		if int(i) < len(d.pins) && d.pins[i].Fixed {
			c.reachFixed(d, a, in, u, int32(d.pins[i].At), p.labels(u))
		} else {
			c.reach(d, a, in, u, p.labels(u))
		}
		b := c.stops[u].place
		posts[i] = post{place: b, into: d.duration(a, b), soon: soonest(p.labels(u)), late: p.latest(u)[len(d.breaks)]}
	}
	if n > 0 {
		posts[n].into = d.duration(posts[n-1].place, d.end)
	}
	for i := min(hi, n-1); i >= int32(len(d.pins)); i-- {
		u := seq[i]
		if i == n-1 {
			c.backFrom(d, u, -1, nil, d.latest, p.latest(u))
		} else {
			c.backFrom(d, u, seq[i+1], p.latest(seq[i+1]), d.latest, p.latest(u))
		}
		posts[i].late = p.latest(u)[len(d.breaks)]
	}
	p.measure(r)
}

// posting gives route r as many posts as it needs. The posts before the first change
// keep their values.
func (p *plan) posting(r int32) []post {
	d, n := &p.c.shifts[r], len(p.seq[r])
	for len(p.posts[r]) <= n {
		p.posts[r] = append(p.posts[r], post{})
	}
	p.posts[r] = p.posts[r][:n+1]
	p.posts[r][n] = post{place: d.end, soon: never, late: d.latest}
	return p.posts[r]
}

// measure sets the room of each post of route r and the largest room.
func (p *plan) measure(r int32) {
	d, posts := &p.c.shifts[r], p.posts[r]
	t, most, pins := d.from, int32(0), len(d.pins)
	if pins > 0 {
		t = posts[pins-1].soon
	}
	for i := pins; i < len(posts); i++ {
		x := &posts[i]
		x.room = x.late - t
		most = max(most, x.room)
		t = x.soon
	}
	p.most[r] = most
}

// soonest returns the earliest departure of a stop, which is the one with the fewest
// breaks.
func soonest(labels []int32) int32 {
	for _, t := range labels {
		if t < never {
			return t
		}
	}
	return never
}

// renewPlain is renew for shifts without breaks, hours and pins.
func (p *plan) renewPlain(r, lo, hi int32) {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	n := int32(len(seq))
	posts := p.posting(r)
	t, a := d.from, d.start
	if lo > 0 {
		t, a = p.dep[seq[lo-1]], c.stops[seq[lo-1]].place
	}
	for i := lo; i < n; i++ {
		u := seq[i]
		s := &c.stops[u]
		p.route[u], p.pos[u] = r, i
		leg := d.duration(a, s.place)
		t += leg
		if a != s.place {
			t += s.setup
		}
		if t < s.from {
			t = s.from
		} else if t > s.to {
			t = c.next(s.w0, s.w1, t)
		}
		t = min(t+s.service, never)
		p.dep[u] = t
		posts[i] = post{place: s.place, into: leg, soon: t, late: p.lat[u]}
		a = s.place
	}
	if n > 0 {
		posts[n].into = d.duration(a, d.end)
	}
	hi = min(hi, n-1)
	due := d.latest
	if hi < n-1 {
		v := &c.stops[seq[hi+1]]
		due = p.lat[seq[hi+1]]
		if hi >= 0 && posts[hi].place != v.place {
			due -= v.setup
		}
	}
	for i := hi; i >= 0; i-- {
		u := seq[i]
		s := &c.stops[u]
		due -= posts[i+1].into + s.service
		if s.w1-s.w0 > 1 {
			due = c.last(s.w0, s.w1, due)
		} else if due > s.to {
			due = s.to
		}
		p.lat[u], posts[i].late = due, due
		if i > 0 && posts[i-1].place != s.place {
			due -= s.setup
		}
	}
	p.measure(r)
}

// tally computes the sums of route r, whose labels must be up to date.
func (p *plan) tally(r int32) {
	c, d := p.c, &p.c.shifts[r]
	s := sums{}
	a := d.start
	for i, u := range p.seq[r] {
		v := &c.stops[u]
		if a != v.place {
			s.service += int(v.setup)
		}
		if d.metres && a >= 0 {
			s.distance += int(d.dist[a*d.places+v.place])
		}
		s.travel += int(p.posts[r][i].into)
		s.service += int(v.service)
		s.load += int(v.load)
		if c.steady {
			s.moved += p.moves(r, u)
		}
		a = v.place
	}
	if len(p.seq[r]) > 0 {
		s.travel += int(p.posts[r][len(p.seq[r])].into)
		if d.metres && a >= 0 && d.end >= 0 {
			s.distance += int(d.dist[a*d.places+d.end])
		}
	}
	p.sums[r] = s
	p.setLeft(r)
}

// setLeft computes the load that route r can still take.
func (p *plan) setLeft(r int32) {
	d := &p.c.shifts[r]
	p.left[r] = never
	if d.capacity > 0 {
		p.left[r] = int32(d.capacity - p.sums[r].load)
	}
	if d.maxStops > 0 && len(p.seq[r]) >= d.maxStops {
		p.left[r] = -1
	}
}

// price computes the cost of route r.
func (p *plan) price(r int32) {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	p.tally(r)
	s := &p.sums[r]
	cost, work := 0.0, 0
	if len(seq) > 0 {
		if d.timed {
			begin, end, moves := 0, 0, int64(0)
			if d.soft && c.labels == 2 {
				begin, end = p.times(r)
			} else {
				t := c.layOut(r, seq, &p.paper, nil)
				begin, end, moves = t.start, t.end, t.moves
				s.travel, s.service = t.travel, t.setup+t.service
			}
			work = end - begin
			for i := range d.breaks {
				work -= int(d.breaks[i].service)
			}
			cost = float64(work-s.travel-s.service)*float64(d.rates.WaitHour)/3600 +
				float64(max(0, end-int(d.due)))*float64(d.rates.OvertimeHour)/3600 + float64(moves)
		}
		cost += d.fixed + float64(s.travel)*d.perSecond + float64(s.distance)*d.perMetre +
			float64(s.service)*d.perService + float64(s.moved)
	}
	p.total += cost - p.cost[r]
	p.cost[r] = cost
	p.even.set(r, len(seq), work)
}

// floor returns a lower bound of the cost of route r, from its sums alone.
func (p *plan) floor(r int32) float64 {
	d, s := &p.c.shifts[r], &p.sums[r]
	if len(p.seq[r]) == 0 {
		return 0
	}
	return d.fixed + float64(s.travel)*d.perSecond + float64(s.distance)*d.perMetre + float64(s.service)*d.perService +
		float64(s.moved) + p.eased[r]
}

// moves returns what Stability.Team charges for u on shift r.
func (p *plan) moves(r, u int32) int64 {
	if e := p.c.p.Stops[u].Earlier; e != nil && int32(e.Shift) != r {
		return p.c.p.Stability.Team
	}
	return 0
}

// all returns the whole cost without the weights of unassigned stops.
func (p *plan) all() float64 { return p.total + float64(p.value) + p.even.cost() }

// evenness keeps what Problem.Balance costs.
type evenness struct {
	by     BalanceBy
	weight float64 // cost of a stop, or of a second, away from the mean
	each   []int   // by shift, its stops or seconds of work
	sum    int     // of each
}

// init sets the balance of a problem.
func (e *evenness) init(c *core) {
	if c.p.Balance.Weight > 0 && c.p.Balance.By != BalanceNone {
		e.by, e.each = c.p.Balance.By, make([]int, len(c.shifts))
		e.weight = float64(c.p.Balance.Weight)
		if e.by == BalanceWork {
			e.weight /= 3600
		}
	}
}

// set records the stops and the work of a shift.
func (e *evenness) set(r int32, stops, work int) {
	if e.by == BalanceNone {
		return
	}
	v := stops
	if e.by == BalanceWork {
		v = work
	}
	e.sum += v - e.each[r]
	e.each[r] = v
}

// cost returns what the balance costs now.
func (e *evenness) cost() float64 {
	if e.by == BalanceNone {
		return 0
	}
	mean, off := float64(e.sum)/float64(len(e.each)), 0.0
	for _, v := range e.each {
		off += max(float64(v)-mean, mean-float64(v))
	}
	return off * e.weight
}

// unit returns how much one more stop with this service adds to a shift.
func (e *evenness) unit(service int) int {
	if e.by == BalanceWork {
		return service
	}
	return 1
}

// change returns the additional cost if route r gets so much more.
func (e *evenness) change(r int32, more int) float64 {
	if e.by == BalanceNone {
		return 0
	}
	v, mean := float64(e.each[r]), float64(e.sum)/float64(len(e.each))
	return (max(v+float64(more)-mean, mean-v-float64(more)) - max(v-mean, mean-v)) * e.weight
}
