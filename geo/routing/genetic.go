package routing

import (
	"math"
	"slices"
)

// genetic is a hybrid genetic search (Vidal et al. 2012, Vidal 2022): crossover of
// two members of a population gives a child, local search improves it, and it joins
// the population.
type genetic struct {
	s    *search
	l    *local
	p    *population
	over func() bool // reports that the time is up

	child  snapshot
	kept   snapshot
	origin []int8 // by shift, the parent of each route of the better child

	// State of one crossover, see recombine.
	home    []int32 // by stop, its route in the first parent
	inA     []bool  // by stop, whether it is in the routes that leave
	inB     []bool  // by stop, whether it is in the routes that come
	leave   []bool  // by shift, whether its route in the first parent leaves
	given   []bool  // by shift, whether its route in the second parent is assigned
	source  []int32 // by shift, the route of the second parent that it gets, or -1
	come    []int32 // routes of the second parent that come
	missing []bool  // by stop, whether the child lacks it
	put     []int32 // stops to insert
}

// Parameters of hybrid genetic search.
const (
	width             = 25  // predecessors of a stop that the local search tries
	feasibleShare     = 0.4 // wanted share of children that keep a constraint
	penaltiesEvery    = 25  // children between two adjustments of the penalties
	repairShare       = 0.5 // share of the infeasible children that are repaired
	repairPenalty     = 10  // factor of the penalties in a repair
	randomMembers     = 25  // random members of the first population
	temperatureVaried = 1.0 // first temperature of a varied member, in units of core.legCost
)

// newGenetic returns a genetic search with an empty population. over reports that
// the time is up.
func newGenetic(s *search, over func() bool) *genetic {
	n, m := s.c.n, len(s.c.shifts)
	h := &genetic{
		s: s, over: over, l: newLocal(s.c, &s.g, width), p: newPopulation(s.c, &s.g), home: make([]int32, n),
		inA: make([]bool, n), inB: make([]bool, n),
		leave: make([]bool, m), given: make([]bool, m), source: make([]int32, m), missing: make([]bool, n),
		origin: make([]int8, m),
	}
	h.p.perLate = 4
	h.p.perLoad = 1
	legs, loads := 0.0, 0.0
	for u := range s.c.stops {
		loads += float64(s.c.stops[u].load)
	}
	legs = s.c.legCost / s.c.shifts[0].perSecond * float64(n)
	if loads > 0 {
		h.p.perLoad = 4 * legs / loads
	}
	return h
}

// addChild improves the solution in the local search and adds it to the population.
// Some infeasible children are repaired and added as well.
func (h *genetic) addChild() {
	l, p := h.l, h.p
	l.setPrices(p.perLoad, p.perLate)
	if !l.improve(h.over) {
		return
	}
	m := h.record()
	p.offspring++
	if m.load == 0 {
		p.loads++
	}
	if m.warp == 0 {
		p.lates++
	}
	feasible := m.load == 0 && m.warp == 0
	p.add(m)
	if feasible {
		h.best(m)
	} else if h.s.g.unit() < repairShare {
		l.setPrices(p.perLoad*repairPenalty, p.perLate*repairPenalty)
		if !l.improve(h.over) {
			return
		}
		if m := h.record(); m.load == 0 && m.warp == 0 {
			p.add(m)
			h.best(m)
		} else {
			p.idle = append(p.idle, m)
		}
	}
	if p.offspring%penaltiesEvery == 0 {
		h.adjustPenalties()
	}
}

// adjustPenalties moves the share of feasible children towards feasibleShare.
func (h *genetic) adjustPenalties() {
	p := h.p
	change := func(price float64, feasible int) float64 {
		switch off := feasibleShare - float64(feasible)/penaltiesEvery; {
		case off > 0.05:
			price *= 1 + off
		case off < -0.05:
			price *= 1 + off/2
		}
		return min(max(price, 0.01), 1e5)
	}
	p.perLoad, p.perLate = change(p.perLoad, p.loads), change(p.perLate, p.lates)
	p.loads, p.lates = 0, 0
	p.rank(&p.kinds[1])
}

// record returns the solution in the local search as a member.
func (h *genetic) record() *member {
	l := h.l
	m := h.p.fresh()
	m.day.copyFrom(l)
	m.link()
	m.load, m.warp, m.travel = 0, 0, 0
	for r := range l.days {
		d := &l.days[r]
		m.load += max(0, d.load-d.capacity)
		m.warp += d.warp
		if d.stops > 0 {
			m.travel += d.fixed
			_, z := l.ends(int32(r))
			for u := z; l.knots[u].prev >= 0; u = l.knots[u].prev {
				m.travel += l.knots[u].in
			}
		}
	}
	return m
}

// best gives the feasible member m to the search if it is the best solution so far.
func (h *genetic) best(m *member) {
	s := h.s
	if s.bestW == 0 && float64(m.travel)*s.c.shifts[0].perSecond >= s.bestC-1e-6 {
		return
	}
	s.p.load(&m.day)
	s.now = s.objective()
	s.better()
}

// addRandom adds a member made by inserting all stops in random order.
func (h *genetic) addRandom() {
	s := h.s
	h.child.seq = h.child.seq[:0]
	h.child.from = h.child.from[:0]
	for range len(s.c.shifts) + 1 {
		h.child.from = append(h.child.from, 0)
	}
	s.p.load(&h.child)
	s.setSpare()
	h.put = h.put[:0]
	for u := range int32(s.c.n) {
		h.put = append(h.put, u)
	}
	for i := range h.put {
		j := s.g.below(i + 1)
		h.put[i], h.put[j] = h.put[j], h.put[i]
	}
	h.put = slices.DeleteFunc(h.put, func(u int32) bool {
		at := s.cheapest(u, &s.b, false)
		if at.r >= 0 {
			s.place(u, at)
		}
		return at.r >= 0
	})
	h.kept.take(s.p)
	h.l.load(h.kept.seq, h.kept.from)
	for _, u := range h.put {
		if !h.l.insert(u) {
			return
		}
	}
	h.addChild()
}

// addSolution adds a given solution, as it is and improved.
func (h *genetic) addSolution(k *snapshot) {
	h.l.setPrices(h.p.perLoad, h.p.perLate)
	h.l.load(k.seq, k.from)
	m := h.record()
	h.p.add(m)
	if m.load == 0 && m.warp == 0 {
		h.best(m)
	}
	h.addChild()
}

// addVaried adds a member made from a solution by so many steps of annealing.
func (h *genetic) addVaried(k *snapshot, steps int) {
	s := h.s
	s.p.load(k)
	s.now, s.runW, s.varying = s.objective(), math.MaxInt64, true
	for i := range steps {
		if i%64 == 0 && h.over() {
			break
		}
		s.step(s.c.temperature(temperatureVaried, float64(i)/float64(steps)))
	}
	s.varying = false
	if s.runW == 0 {
		h.l.load(s.runBest.seq, s.runBest.from)
		h.addChild()
	}
}

// step makes one child.
func (h *genetic) step() {
	for {
		a, b := h.p.pick(), h.p.pick()
		for range 10 {
			if a != b {
				break
			}
			b = h.p.pick()
		}
		h.l.setPrices(h.p.perLoad, h.p.perLate)
		if a != b && h.recombine(a, b) {
			break
		}
		if h.s.g.below(20) == 0 { // the members are too much alike
			h.addRandom()
			return
		}
	}
	h.addChild()
}

// geneticSearch runs the genetic search on the whole problem until the search is
// over.
func (s *search) geneticSearch(w *watch) {
	h := newGenetic(s, w.t.over)
	h.addSolution(&s.best)
	last := s.bestC
	for i := 0; w.done() < 1; i++ {
		switch {
		case s.bestC < last-1e-6: // another search found it
			h.addSolution(&s.best)
		case i < randomMembers:
			h.addRandom()
		default:
			h.step()
		}
		last = s.bestC
		w.steps += max(1, s.c.n/childCost)
	}
}
