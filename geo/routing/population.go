package routing

import "slices"

// Sizes of a population, as in hybrid genetic search (Vidal 2022).
const (
	popLeast     = 25 // members of each kind after a selection of survivors
	popOffspring = 40 // members added between two selections
	popElite     = 4  // members that the fitness protects for their cost
	popClose     = 5  // nearest members by which the diversity of one is measured
)

// member is a solution in the population.
type member struct {
	day        snapshot
	next, prev []int32 // by stop, its successor and predecessor; -1 at the ends of its route
	load, warp int32   // load above capacity and time warp, over all routes
	travel     int32   // seconds of travel; fixed costs are counted as seconds
	cost       float64 // with the penalties of now
	fit        float64 // rank by cost and diversity; less is better
	distance   []int32 // by slot of another member of its kind, the stops with other neighbours
	slot       int
	near       int32 // sum of the distances to the nearest members
}

// kind is the feasible or the infeasible members, cheapest first.
type kind struct {
	all  []*member
	slot []bool
}

// population keeps good solutions that differ from each other.
type population struct {
	c            *core
	g            *random
	kinds        [2]kind   // feasible and infeasible
	idle         []*member // removed members, to be reused
	order        []*member // scratch space of rank
	perLoad      float64   // penalty of a unit of load above capacity, in seconds of travel
	perLate      float64   // penalty of a second of time warp
	loads, lates int       // children that kept capacity and windows since the last adjustment
	offspring    int       // children so far
}

// newPopulation returns an empty population.
func newPopulation(c *core, g *random) *population {
	p := &population{c: c, g: g}
	for i := range p.kinds {
		p.kinds[i].slot = make([]bool, popLeast+popOffspring+1)
	}
	return p
}

// fresh returns a member to be filled.
func (p *population) fresh() *member {
	if n := len(p.idle); n > 0 {
		m := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return m
	}
	return &member{next: make([]int32, p.c.n), prev: make([]int32, p.c.n),
		distance: make([]int32, popLeast+popOffspring+1)}
}

// link sets the neighbours of each stop from the routes.
func (m *member) link() {
	for r := 0; r+1 < len(m.day.from); r++ {
		seq := m.day.route(r)
		for i, u := range seq {
			m.prev[u], m.next[u] = -1, -1
			if i > 0 {
				m.prev[u] = seq[i-1]
			}
			if i+1 < len(seq) {
				m.next[u] = seq[i+1]
			}
		}
	}
}

// differ returns how many stops have other neighbours in o (broken pairs distance).
func (m *member) differ(o *member) int32 {
	d := int32(0)
	for u, v := range m.next {
		if v != o.next[u] {
			d++
		}
		if w := m.prev[u]; w < 0 && o.prev[u] >= 0 {
			d++
		}
	}
	return d
}

// price computes the cost with the penalties of now.
func (p *population) price(m *member) float64 {
	m.cost = float64(m.travel) + float64(m.load)*p.perLoad + float64(m.warp)*p.perLate
	return m.cost
}

// add adds m. If there are too many members of its kind, it removes the worst until
// popLeast remain.
func (p *population) add(m *member) {
	k := &p.kinds[0]
	if m.load > 0 || m.warp > 0 {
		k = &p.kinds[1]
	}
	m.slot = slices.Index(k.slot, false)
	k.slot[m.slot] = true
	for _, o := range k.all {
		d := m.differ(o)
		m.distance[o.slot], o.distance[m.slot] = d, d
	}
	p.price(m)
	k.all = append(k.all, m)
	if len(k.all) >= popLeast+popOffspring {
		for len(k.all) > popLeast {
			p.rank(k)
			p.drop(k)
		}
	}
	p.rank(k)
}

// rank sorts a kind by cost and computes the fitness of each member from its rank by
// cost and its rank by diversity.
func (p *population) rank(k *kind) {
	for _, m := range k.all {
		p.price(m)
	}
	slices.SortStableFunc(k.all, func(a, b *member) int {
		if a.cost < b.cost {
			return -1
		} else if a.cost > b.cost {
			return 1
		}
		return 0
	})
	for _, m := range k.all {
		var least [popClose]int32
		have := 0
		for _, o := range k.all {
			if o == m {
				continue
			}
			d := m.distance[o.slot]
			i := have
			if have < popClose {
				have++
			} else if i--; d >= least[i] {
				continue
			}
			for ; i > 0 && least[i-1] > d; i-- {
				least[i] = least[i-1]
			}
			least[i] = d
		}
		m.near = 0
		for _, d := range least[:have] {
			m.near += d
		}
	}
	p.order = append(p.order[:0], k.all...)
	slices.SortStableFunc(p.order, func(a, b *member) int {
		if a.near > b.near {
			return -1
		} else if a.near < b.near {
			return 1
		}
		return 0
	})
	size := float64(len(k.all))
	for i, m := range p.order {
		m.fit = float64(i) * (1 - min(popElite, size)/size)
	}
	for i, m := range k.all {
		m.fit += float64(i)
	}
}

// drop removes the member of the worst fitness but never the cheapest; clones go
// first.
func (p *population) drop(k *kind) {
	worst, clone := -1, false
	for i := 1; i < len(k.all); i++ {
		m := k.all[i]
		same := false
		for _, o := range k.all {
			same = same || o != m && m.distance[o.slot] == 0
		}
		if worst < 0 || same && !clone || same == clone && m.fit > k.all[worst].fit {
			worst, clone = i, same
		}
	}
	m := k.all[worst]
	k.slot[m.slot] = false
	k.all = slices.Delete(k.all, worst, worst+1)
	p.idle = append(p.idle, m)
}

// pick returns the fitter of two random members (binary tournament).
func (p *population) pick() *member {
	a, b := p.any(), p.any()
	if b.fit < a.fit {
		return b
	}
	return a
}

// any returns a random member.
func (p *population) any() *member {
	i, n := 0, len(p.kinds[0].all)
	i = p.g.below(n + len(p.kinds[1].all))
	if i < n {
		return p.kinds[0].all[i]
	}
	return p.kinds[1].all[i-n]
}
