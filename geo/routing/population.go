package routing

import "slices"

// Sizes of a population, as in hybrid genetic search (Vidal 2022).
const (
	popLeast = 25 // members of each kind that survive
	popBrood = 40 // born before the weakest go
	popElite = 4
	popClose = 5 // nearest members that say how apart one is
)

// member is a day in the population, with the successor and predecessor of
// each stop, -1 for the ends of its route.
type member struct {
	day        keepsake
	next, prev []int32
	load, warp int32 // too much
	travel     int32 // with fixed costs
	cost       float64
	fit        float64
	apart      []int32 // by slot of its kind, stops with other neighbours
	slot       int
	near       int32 // sum of apart to the nearest
}

// kind is the members that are lawful, or those that are not, cheapest first.
type kind struct {
	all  []*member
	slot []bool
}

// population keeps good days that differ.
type population struct {
	c            *core
	g            *random
	kinds        [2]kind // lawful, and not
	idle         []*member
	order        []*member
	perLoad      float64
	perLate      float64
	loads, lates int // of the last born, how many kept capacity, windows
	born         int
}

func newPopulation(c *core, g *random) *population {
	p := &population{c: c, g: g}
	for i := range p.kinds {
		p.kinds[i].slot = make([]bool, popLeast+popBrood+1)
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
	return &member{next: make([]int32, p.c.n), prev: make([]int32, p.c.n), apart: make([]int32, popLeast+popBrood+1)}
}

// link sets the neighbours of each stop from the day.
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

// differ is how many stops have other neighbours.
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

// price works out the cost at the prices of now.
func (p *population) price(m *member) float64 {
	m.cost = float64(m.travel) + float64(m.load)*p.perLoad + float64(m.warp)*p.perLate
	return m.cost
}

// add takes m in, and removes the weakest if there are too many.
func (p *population) add(m *member) {
	k := &p.kinds[0]
	if m.load > 0 || m.warp > 0 {
		k = &p.kinds[1]
	}
	m.slot = slices.Index(k.slot, false)
	k.slot[m.slot] = true
	for _, o := range k.all {
		d := m.differ(o)
		m.apart[o.slot], o.apart[m.slot] = d, d
	}
	p.price(m)
	k.all = append(k.all, m)
	if len(k.all) >= popLeast+popBrood {
		for len(k.all) > popLeast {
			p.rank(k)
			p.drop(k)
		}
	}
	p.rank(k)
}

// rank sorts a kind by cost and gives each its fitness, by cost and by how
// much it differs from the nearest others.
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
			d := m.apart[o.slot]
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

// drop removes the weakest but the best: twins first.
func (p *population) drop(k *kind) {
	worst, twin := -1, false
	for i := 1; i < len(k.all); i++ {
		m := k.all[i]
		same := false
		for _, o := range k.all {
			same = same || o != m && m.apart[o.slot] == 0
		}
		if worst < 0 || same && !twin || same == twin && m.fit > k.all[worst].fit {
			worst, twin = i, same
		}
	}
	m := k.all[worst]
	k.slot[m.slot] = false
	k.all = slices.Delete(k.all, worst, worst+1)
	p.idle = append(p.idle, m)
}

// pick returns the fitter of two.
func (p *population) pick() *member {
	a, b := p.any(), p.any()
	if b.fit < a.fit {
		return b
	}
	return a
}

func (p *population) any() *member {
	i, n := 0, len(p.kinds[0].all)
	i = p.g.below(n + len(p.kinds[1].all))
	if i < n {
		return p.kinds[0].all[i]
	}
	return p.kinds[1].all[i-n]
}
