package routing

// plan is a set of routes under change, with what makes testing an insertion
// cheap: for every stop the earliest departure and the latest start, by the
// number of breaks taken so far.
type plan struct {
	c     *core
	seq   [][]int32 // by shift
	route []int32   // by stop, -1 when left out
	pos   []int32   // by stop, in its route
	dep   []int32   // by stop and label, earliest departure
	lat   []int32   // by stop and label, latest service start
	place []int32   // by stop
	into  []int32   // by stop, the leg that leads to it; at the first pace
	home  []int32   // by shift, the leg to its end; at the first pace
	soon  []int32   // by stop, the earliest of its departures
	late  []int32   // by stop, the latest of its starts
	first []int32   // labels at the start of a shift, for all shifts
	sums  []sums
	cost  []float64 // by shift
	out   []int32   // stops left out
	outAt []int32   // by stop, its index in out, or -1
	worth int64     // of the stops left out
	value int64     // of the stops left out, under CostFirst
	total float64   // of cost
	paper sheet
	trial []int32
	even  evenness
}

// sums are what a route adds up to, whatever its times.
type sums struct {
	load, travel, distance, service int
	moved                           int64 // stability, change of team
}

func newPlan(c *core) *plan {
	p := &plan{
		c: c, seq: make([][]int32, len(c.shifts)), route: make([]int32, c.n), pos: make([]int32, c.n),
		dep: make([]int32, c.n*c.labels), lat: make([]int32, c.n*c.labels),
		first: make([]int32, len(c.shifts)*c.labels), sums: make([]sums, len(c.shifts)),
		cost: make([]float64, len(c.shifts)), outAt: make([]int32, c.n),
	}
	p.place, p.into, p.home = make([]int32, c.n), make([]int32, c.n), make([]int32, len(c.shifts))
	p.soon, p.late = make([]int32, c.n), make([]int32, c.n)
	for u := range p.place {
		p.place[u] = c.stops[u].place
	}
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
		if len(p.seq[r]) > 0 {
			p.renew(int32(r), 0, int32(len(p.seq[r])-1))
			p.price(int32(r))
		}
	}
	return p
}

func (p *plan) leaveOut(u int32) {
	p.outAt[u] = int32(len(p.out))
	p.out = append(p.out, u)
	p.worth += p.c.worth[u]
	if p.c.p.Objective == CostFirst {
		p.value += p.c.p.Stops[u].Value
	}
}

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

func (p *plan) labels(u int32) []int32 {
	k := p.c.labels
	return p.dep[int(u)*k : int(u)*k+k]
}

func (p *plan) latest(u int32) []int32 {
	k := p.c.labels
	return p.lat[int(u)*k : int(u)*k+k]
}

// before returns place and labels from which the stop at position i is reached.
func (p *plan) before(r, i int32) (int32, []int32) {
	if i == 0 {
		k := p.c.labels
		return p.c.shifts[r].start, p.first[int(r)*k : int(r)*k+k]
	}
	u := p.seq[r][i-1]
	return p.c.stops[u].place, p.labels(u)
}

// renew works out the labels of route r: forward from position lo on, and
// backward from position hi on. Positions in route are set from lo on.
func (p *plan) renew(r, lo, hi int32) {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	n := int32(len(seq))
	if d.plain && len(d.pins) == 0 && c.labels == 1 {
		p.renewPlain(r, lo, hi)
		return
	}
	if d.lunch && lo >= int32(len(d.pins)) && c.labels == 2 {
		p.renewOne(r, lo, hi)
		return
	}
	for i := lo; i < n; i++ {
		u := seq[i]
		p.route[u], p.pos[u] = r, i
		a, in := p.before(r, i)
		if int(i) < len(d.pins) && d.pins[i].Fixed {
			c.reachFixed(d, a, in, u, int32(d.pins[i].At), p.labels(u))
		} else {
			c.reach(d, a, in, u, p.labels(u))
		}
		p.into[u] = 0
		if b := c.stops[u].place; a >= 0 {
			p.into[u] = d.dur[a*d.places+b]
		}
		p.soon[u] = soonest(p.labels(u))
	}
	p.home[r] = 0
	if n > 0 && d.end >= 0 {
		p.home[r] = d.dur[c.stops[seq[n-1]].place*d.places+d.end]
	}
	for i := min(hi, n-1); i >= int32(len(d.pins)); i-- {
		u := seq[i]
		if i == n-1 {
			c.backFrom(d, u, -1, nil, d.latest, p.latest(u))
		} else {
			c.backFrom(d, u, seq[i+1], p.latest(seq[i+1]), d.latest, p.latest(u))
		}
		p.late[u] = p.latest(u)[len(d.breaks)]
	}
}

// soonest is the earliest of a stop's departures: that with the fewest breaks
// behind it.
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
	t, a := d.from, d.start
	if lo > 0 {
		t, a = p.dep[seq[lo-1]], c.stops[seq[lo-1]].place
	}
	for i := lo; i < n; i++ {
		u := seq[i]
		s := &c.stops[u]
		p.route[u], p.pos[u] = r, i
		if a >= 0 {
			leg := d.dur[a*d.places+s.place]
			p.into[u] = leg
			t += leg
		}
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
		a = s.place
	}
	p.home[r] = 0
	if a >= 0 && d.end >= 0 && n > 0 {
		p.home[r] = d.dur[a*d.places+d.end]
	}
	hi = min(hi, n-1)
	if hi < 0 {
		return
	}
	b := d.end
	due := d.latest
	if hi < n-1 {
		v := &c.stops[seq[hi+1]]
		b, due = v.place, p.lat[seq[hi+1]]
		if c.stops[seq[hi]].place != b {
			due -= v.setup
		}
	}
	for i := hi; i >= 0; i-- {
		u := seq[i]
		s := &c.stops[u]
		if b >= 0 {
			due -= d.dur[s.place*d.places+b]
		}
		due -= s.service
		if s.w1-s.w0 > 1 {
			due = c.last(s.w0, s.w1, due)
		} else if due > s.to {
			due = s.to
		}
		p.lat[u] = due
		b = s.place
		if i > 0 && c.stops[seq[i-1]].place != b {
			due -= s.setup
		}
	}
}

// tally keeps the sums of route r.
func (p *plan) tally(r int32) {
	c, d := p.c, &p.c.shifts[r]
	s := sums{}
	a := d.start
	add := func(b int32) {
		if a >= 0 && b >= 0 {
			cell := a*d.places + b
			s.travel += int(d.dur[cell])
			if d.metres {
				s.distance += int(d.dist[cell])
			}
		}
		a = b
	}
	for _, u := range p.seq[r] {
		v := &c.stops[u]
		if a != v.place {
			s.service += int(v.setup)
		}
		add(v.place)
		s.service += int(v.service)
		s.load += int(v.load)
		s.moved += p.moves(r, u)
	}
	if len(p.seq[r]) > 0 {
		add(d.end)
	}
	p.sums[r] = s
}

// price works out what route r costs.
func (p *plan) price(r int32) {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	p.tally(r)
	s := &p.sums[r]
	cost, work := 0.0, 0
	if len(seq) > 0 {
		if d.timed {
			t := c.layOut(r, seq, &p.paper, nil)
			s.travel, s.service = t.travel, t.setup+t.service
			work = t.end - t.start - t.breaks
			cost = float64(t.wait)*float64(d.rates.WaitHour)/3600 +
				float64(max(0, t.end-int(d.due)))*float64(d.rates.OvertimeHour)/3600 + float64(t.moves)
		}
		cost += d.fixed + float64(s.travel)*d.perSecond + float64(s.distance)*d.perMetre +
			float64(s.service)*d.perService + float64(s.moved)
	}
	p.total += cost - p.cost[r]
	p.cost[r] = cost
	p.even.set(r, len(seq), work)
}

// moves is what stability charges for having u on shift r.
func (p *plan) moves(r, u int32) int64 {
	if e := p.c.p.Stops[u].Earlier; e != nil && int32(e.Shift) != r {
		return p.c.p.Stability.Team
	}
	return 0
}

// all is the whole cost but for the weights of what is left out.
func (p *plan) all() float64 { return p.total + float64(p.value) + p.even.cost() }

// evenness keeps the soft goal of balance.
type evenness struct {
	by     BalanceBy
	weight float64
	each   []int
	sum    int
}

func (e *evenness) init(c *core) {
	if c.p.Balance.Weight > 0 && c.p.Balance.By != BalanceNone {
		e.by, e.each = c.p.Balance.By, make([]int, len(c.shifts))
		e.weight = float64(c.p.Balance.Weight)
		if e.by == BalanceWork {
			e.weight /= 3600
		}
	}
}

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

// unit is one stop more in the measure of the balance.
func (e *evenness) unit(service int) int {
	if e.by == BalanceWork {
		return service
	}
	return 1
}

// change is what balance charges more when route r gets so much more.
func (e *evenness) change(r int32, more int) float64 {
	if e.by == BalanceNone {
		return 0
	}
	v, mean := float64(e.each[r]), float64(e.sum)/float64(len(e.each))
	return (max(v+float64(more)-mean, mean-v-float64(more)) - max(v-mean, mean-v)) * e.weight
}
