package routing

import (
	"math"
	"math/bits"
	"slices"
)

// nearRoutes is the number of nearest stops whose routes count as near.
const nearRoutes = 20

// search is one search: ruin and recreate (SISR) under simulated annealing on one
// plan. It belongs to one goroutine.
type search struct {
	c    *core
	p    *plan // the current solution
	g    random
	b    blinker
	part *part // the shifts and stops it may change; nil: all

	ignoreValue bool // insert stops even if their detour costs more than their Value

	// The weight of unassigned stops in the objective of the search.
	heaviest float64 // of a unit of worth at the end of the search
	heavy    float64 // of a unit of worth now
	each     float64 // of each unassigned stop besides
	forced   int32   // a stop whose absence weighs heaviest in this cycle, or -1

	// The annealing schedule, see run.go.
	cycles int  // number of cycles; 0: not known yet
	nth    int  // current cycle, from 0
	again  bool // the cycles are over and the best solution is being improved

	now   float64  // objective of p
	bare  *plan    // a plan with only the pinned stops; made when it is first needed
	best  snapshot // the best solution found
	bestW int64    // worth of its unassigned stops
	bestC float64  // its cost

	varying bool     // keep the best solution of the current run as well
	runBest snapshot // that solution
	runW    int64
	runC    float64

	// State of one step.
	list    []int32   // stops to insert
	removed int       // the first of them, that were removed from the plan
	key     []float64 // by stop, for sorting list
	touched []int32   // shifts changed in this step
	mark    []int32   // by shift, the step that last changed it
	saved   []saved   // by shift, its route before the step
	turn    int32     // number of the step
	seen    []int32   // by shift, the last query that looked at it
	idle    []int32   // by class, the last query that found an idle shift
	ask     int32     // number of the query
	spare   []int32   // one idle shift of each class
}

// snapshot is a stored solution: the route of shift r is seq[from[r]:from[r+1]].
type snapshot struct {
	seq  []int32
	from []int32
}

// saved is a route and its labels before a step changed it.
type saved struct {
	seq, dep, lat       []int32
	posts               []post
	most, left, version int32
	sums                sums
	cost                float64
	each                int
}

// newSearch returns a search on a plan with only the pinned stops.
func newSearch(c *core, seed uint64) *search {
	s := &search{
		c: c, p: newPlan(c), g: random{seed ^ 0x5851f42d4c957f2d}, mark: make([]int32, len(c.shifts)),
		saved: make([]saved, len(c.shifts)), seen: make([]int32, len(c.shifts)), idle: make([]int32, len(c.shifts)),
	}
	s.b = blinker{g: &s.g, left: blinkEvery}
	var ws []int64
	for _, w := range c.worth {
		if w > 0 {
			ws = append(ws, w)
		}
	}
	if len(ws) > 0 {
		slices.Sort(ws)
		// A stop weighs more than any single cost of serving it.
		unit := c.legCost + float64(c.p.Balance.Weight+c.p.Stability.Team+c.p.Stability.Move)
		fixed := 0.0
		for r := range c.shifts {
			fixed = max(fixed, c.shifts[r].fixed)
		}
		s.heaviest = 3000 * (unit + fixed/10) / float64(ws[len(ws)/2])
		s.heavy = s.heaviest
		if c.p.Objective != CostFirst {
			s.each = 2 * unit
		}
	}
	s.bestW, s.forced = math.MaxInt64, -1
	return s
}

// weigh sets the weight of worth to a share of the weight at the end of the search.
func (s *search) weigh(share float64) {
	s.heavy = s.heaviest * share
	s.now = s.objective()
}

// objective returns what simulated annealing minimises: the cost of the plan and the
// weight of its unassigned stops.
func (s *search) objective() float64 {
	return s.p.all() + s.missed()
}

// missed returns the weight of the unassigned stops, without their Value.
func (s *search) missed() float64 {
	missed := float64(s.p.worth)*s.heavy + float64(len(s.p.out))*s.each
	if s.forced >= 0 && s.p.route[s.forced] < 0 {
		missed += float64(s.c.worth[s.forced]) * s.heaviest
	}
	return missed
}

// better stores the plan as the best solution if it is better, and reports whether
// it is.
func (s *search) better() bool {
	w, cost := s.p.worth, s.p.all()
	if s.varying && (w < s.runW || w == s.runW && cost < s.runC-1e-6) {
		s.runW, s.runC = w, cost
		s.runBest.take(s.p)
	}
	if w > s.bestW || w == s.bestW && cost >= s.bestC-1e-6 {
		return false
	}
	s.bestW, s.bestC = w, cost
	s.best.take(s.p)
	return true
}

// take stores the routes of a plan.
func (k *snapshot) take(p *plan) {
	k.seq, k.from = k.seq[:0], k.from[:0]
	for _, seq := range p.seq {
		k.from = append(k.from, int32(len(k.seq)))
		k.seq = append(k.seq, seq...)
	}
	k.from = append(k.from, int32(len(k.seq)))
}

// route returns the stops of shift r.
func (k *snapshot) route(r int) []int32 { return k.seq[k.from[r]:k.from[r+1]] }

// load replaces the routes of the plan by a snapshot.
func (p *plan) load(k *snapshot) {
	for u := range int32(p.c.n) {
		p.route[u] = -1
	}
	for r := range p.seq {
		p.seq[r] = append(p.seq[r][:0], k.route(r)...)
		p.renew(int32(r), 0, int32(len(p.seq[r])-1))
		p.price(int32(r))
	}
	for u := range int32(p.c.n) {
		if in, was := p.route[u] >= 0, p.outAt[u] < 0; in && !was {
			p.takeIn(u)
		} else if !in && was {
			p.leaveOut(u)
		}
	}
}

// fill inserts unassigned stops wherever they fit and improve the solution, those of
// the greatest worth first. It reports whether it inserted any.
func (s *search) fill() bool {
	p := s.p
	s.list = append(s.list[:0], p.out...)
	slices.SortFunc(s.list, func(a, b int32) int {
		if x, y := p.c.worth[a], p.c.worth[b]; x != y {
			return cmpInt64(y, x)
		}
		if x, y := p.c.p.Stops[a].Value, p.c.p.Stops[b].Value; x != y {
			return cmpInt64(y, x)
		}
		if x, y := p.c.stops[a].from, p.c.stops[b].from; x != y {
			return int(x - y)
		}
		return int(a - b)
	})
	any := false
	s.setSpare()
	for _, u := range s.list {
		at := s.cheapest(u, nil, true)
		if at.r < 0 {
			continue
		}
		before := p.all()
		s.place(u, at)
		s.p.price(at.r)
		if p.c.worth[u] == 0 && p.all() >= before {
			s.p.remove(u)
			s.setSpare()
			continue
		}
		any = true
	}
	s.now = s.objective()
	return any
}

// remove removes u from its route and updates the cost of the route.
func (p *plan) remove(u int32) {
	r, i := p.route[u], p.pos[u]
	p.seq[r] = slices.Delete(p.seq[r], int(i), int(i)+1)
	p.route[u] = -1
	p.leaveOut(u)
	p.renew(r, i, i-1)
	p.price(r)
}

// setSpare lists one idle shift of each class.
func (s *search) setSpare() {
	s.ask++
	s.spare = s.spare[:0]
	for r := range s.p.seq {
		if k := s.c.class[r]; len(s.p.seq[r]) == 0 && s.idle[k] != s.ask {
			s.idle[k] = s.ask
			s.spare = append(s.spare, int32(r))
		}
	}
}

// place inserts u at a spot. The caller prices the route.
func (s *search) place(u int32, at spot) {
	idle := len(s.p.seq[at.r]) == 0
	s.p.put(u, at)
	if idle {
		s.setSpare()
	}
}

// cheapest returns the cheapest spot for u, or nowhere. Unless all is set, it looks
// at routes far from u only if no near route has room, and returns nowhere if the
// detour costs more than the Value of u. With a blinker it skips some positions at
// random.
func (s *search) cheapest(u int32, b *blinker, all bool) spot {
	c, p := s.c, s.p
	best := nowhere
	least, load := c.stops[u].least, c.stops[u].load
	s.ask++
	near := !all && len(c.shifts) > 12
	if near {
		for _, v := range c.near[u][:min(len(c.near[u]), nearRoutes)] {
			if r := p.route[v]; r >= 0 && s.seen[r] != s.ask {
				s.seen[r] = s.ask
				if p.most[r] >= least && p.left[r] >= load && (c.anyone || c.may(u, r)) {
					best = p.ask(u, r, best, b)
				}
			}
		}
	}
	if best.r < 0 || !near {
		row := c.allowed[int(u)*c.words : int(u)*c.words+c.words]
		for i, word := range row {
			for ; word != 0; word &= word - 1 {
				r := int32(i*64 + bits.TrailingZeros64(word))
				if s.seen[r] != s.ask && len(p.seq[r]) > 0 && p.most[r] >= least && p.left[r] >= load {
					best = p.ask(u, r, best, b)
				}
			}
		}
	}
	for _, r := range s.spare {
		if c.may(u, r) {
			best = p.ask(u, r, best, b)
		}
	}
	if best.r >= 0 && c.worth[u] == 0 && !all && !s.ignoreValue && best.cost >= float64(c.p.Stops[u].Value) {
		return nowhere
	}
	return best
}
