package routing

import (
	"math"
	"slices"
)

// breeding is hybrid genetic search: children of two days of a population are
// improved by local search and join it.
type breeding struct {
	s       *search
	l       *local
	p       *population
	over    func() bool // the time is up
	child   keepsake
	kept    keepsake
	home    []int32 // by stop, its route in the first parent
	inA     []bool  // by stop, in the routes that leave
	inB     []bool  // by stop, in the routes that come
	leave   []bool  // by shift
	given   []bool  // by shift of the second parent
	source  []int32 // by shift, the route of the second parent it gets
	come    []int32
	missing []bool
	put     []int32
	origin  []int8 // by shift, of the better child
}

// Parameters of hybrid genetic search.
const (
	width        = 25  // predecessors of a stop that are tried
	lawfulShare  = 0.4 // of the children that should keep a constraint
	pricesEvery  = 25  // children
	repairShare  = 0.5 // of the children not lawful that are made so, if possible
	repairPrices = 10
	scattered    = 25  // days made at random to begin with
	heatVary     = 1.0 // temperature at which varying a day begins
)

func newBreeding(s *search, over func() bool) *breeding {
	n, m := s.c.n, len(s.c.shifts)
	h := &breeding{
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

// birth improves the day in the local search and takes it into the population.
func (h *breeding) birth() {
	l, p := h.l, h.p
	l.setPrices(p.perLoad, p.perLate)
	if !l.improve(h.over) {
		return
	}
	m := h.note()
	p.born++
	if m.load == 0 {
		p.loads++
	}
	if m.warp == 0 {
		p.lates++
	}
	lawful := m.load == 0 && m.warp == 0
	p.add(m)
	if lawful {
		h.best(m)
	} else if h.s.g.unit() < repairShare {
		l.setPrices(p.perLoad*repairPrices, p.perLate*repairPrices)
		if !l.improve(h.over) {
			return
		}
		if m := h.note(); m.load == 0 && m.warp == 0 {
			p.add(m)
			h.best(m)
		} else {
			p.idle = append(p.idle, m)
		}
	}
	if p.born%pricesEvery == 0 {
		h.reprice()
	}
}

// reprice brings the share of lawful children towards what it should be.
func (h *breeding) reprice() {
	p := h.p
	change := func(price float64, lawful int) float64 {
		switch off := lawfulShare - float64(lawful)/pricesEvery; {
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

// note writes the day in the local search down.
func (h *breeding) note() *member {
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

// best gives m to the search if it is the best yet.
func (h *breeding) best(m *member) {
	s := h.s
	if s.bestW == 0 && float64(m.travel)*s.c.shifts[0].perSecond >= s.bestC-1e-6 {
		return
	}
	s.p.load(&m.day)
	s.now = s.objective()
	s.better()
}

// scatter makes a member by putting in all stops in random order.
func (h *breeding) scatter() {
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
	h.birth()
}

// settle takes a day found otherwise, as it is and improved.
func (h *breeding) settle(k *keepsake) {
	h.l.setPrices(h.p.perLoad, h.p.perLate)
	h.l.load(k.seq, k.from)
	m := h.note()
	h.p.add(m)
	if m.load == 0 && m.warp == 0 {
		h.best(m)
	}
	h.birth()
}

// vary makes a member by letting ruin and recreate go on from a day for a
// while, warm at first.
func (h *breeding) vary(k *keepsake, steps int) {
	s := h.s
	s.p.load(k)
	s.now, s.runW, s.varying = s.objective(), math.MaxInt64, true
	for i := range steps {
		if i%64 == 0 && h.over() {
			break
		}
		s.step(s.c.heat(heatVary, float64(i)/float64(steps)))
	}
	s.varying = false
	if s.runW == 0 {
		h.l.load(s.runBest.seq, s.runBest.from)
		h.birth()
	}
}

// step makes one child.
func (h *breeding) step() {
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
		if h.s.g.below(20) == 0 { // all are alike
			h.scatter()
			return
		}
	}
	h.birth()
}

// breed breeds the whole day until the end.
func (s *search) breed(w *watch) {
	h := newBreeding(s, w.t.over)
	h.settle(&s.best)
	last := s.bestC
	for i := 0; w.done() < 1; i++ {
		switch {
		case s.bestC < last-1e-6: // from another search
			h.settle(&s.best)
		case i < scattered:
			h.scatter()
		default:
			h.step()
		}
		last = s.bestC
		w.steps += max(1, s.c.n/childCost)
	}
}
