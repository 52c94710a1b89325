package routing

import (
	"math"
	"math/bits"
	"slices"
)

// nearRoutes is how many of a stop's neighbours say which routes are near.
const nearRoutes = 20

// search is ruin and recreate under simulated annealing over one plan.
type search struct {
	c        *core
	p        *plan
	g        random
	b        blinker
	part     *part   // what it may change; nil: everything
	generous bool    // put stops back even if their detour costs more than they are worth
	heaviest float64 // heavy at the end of the walk
	heavy    float64 // cost of a unit of worth to the walk
	each     float64 // cost of a stop left out to the walk, besides

	cycles int  // of the walk; 0: not known yet
	nth    int  // cycle it is in
	again  bool // it has gone back to the best

	dear int32 // a stop that must not be left out for now, or -1

	now     float64 // objective of the plan
	bare    *plan   // with nothing in it but what is pinned
	bestW   int64
	bestC   float64
	varying bool // keep the best of the walk of now, too
	best    keepsake
	runBest keepsake // of this walk
	runW    int64
	runC    float64

	list    []int32 // stops to put back
	removed int     // the first of them were in the plan
	key     []float64
	touched []int32
	mark    []int32 // by shift, turn in which it was touched
	saved   []saved
	seen    []int32 // by shift, turn of a question
	turn    int32
	ask     int32
	idle    []int32 // by class, the same
	spare   []int32 // one idle shift of each class
}

// keepsake is a plan written down.
type keepsake struct {
	seq  []int32
	from []int32
}

// saved is a route as it was before it was touched.
type saved struct {
	seq, dep, lat       []int32
	posts               []post
	most, left, version int32
	sums                sums
	cost                float64
	each                int
}

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
		// A stop weighs more than any one thing that serving it may cost.
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
	s.bestW, s.dear = math.MaxInt64, -1
	return s
}

// weigh sets what a unit of worth costs the walk, as a share of all that it may.
func (s *search) weigh(share float64) {
	s.heavy = s.heaviest * share
	s.now = s.objective()
}

// objective is what the walk compares.
func (s *search) objective() float64 {
	return s.p.all() + s.missed()
}

// missed is what the walk charges for the stops left out, but for their value.
func (s *search) missed() float64 {
	missed := float64(s.p.worth)*s.heavy + float64(len(s.p.out))*s.each
	if s.dear >= 0 && s.p.route[s.dear] < 0 {
		missed += float64(s.c.worth[s.dear]) * s.heaviest
	}
	return missed
}

// better says whether the plan is better than the best, which it then becomes.
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

func (k *keepsake) take(p *plan) {
	k.seq, k.from = k.seq[:0], k.from[:0]
	for _, seq := range p.seq {
		k.from = append(k.from, int32(len(k.seq)))
		k.seq = append(k.seq, seq...)
	}
	k.from = append(k.from, int32(len(k.seq)))
}

func (k *keepsake) route(r int) []int32 { return k.seq[k.from[r]:k.from[r+1]] }

// load makes the plan what was written down.
func (p *plan) load(k *keepsake) {
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

// fill puts what is left out wherever it fits and improves the day, the
// weightiest first, and says whether it found anything.
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

// remove takes u out of its route and prices that.
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

// place puts u at a spot.
func (s *search) place(u int32, at spot) {
	idle := len(s.p.seq[at.r]) == 0
	s.p.put(u, at)
	if idle {
		s.setSpare()
	}
}

// cheapest finds the best spot for u. Routes far from u are only looked at if
// nothing near will do, or if all is set.
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
	if best.r >= 0 && c.worth[u] == 0 && !all && !s.generous && best.cost >= float64(c.p.Stops[u].Value) {
		return nowhere
	}
	return best
}
