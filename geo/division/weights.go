package division

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// cost returns what a door pays for a site, in square metres, without the weight of the
// site.
func (s *solver) cost(d *door, c *site, toll float64) float64 {
	dx, dy := d.x-c.x, d.y-c.y
	sum := dx*dx + dy*dy
	if d.owner >= 0 && d.owner != c.parent {
		sum += toll
	}
	return sum
}

// nearest returns the site that a door belongs to; of equals the first.
func (s *solver) nearest(sites []site, weights []float64, toll float64, d *door) int {
	best, at := math.Inf(1), 0
	for i := range sites {
		if c := s.cost(d, &sites[i], toll) - weights[i]; c < best {
			best, at = c, i
		}
	}
	return at
}

// mostSweeps bounds the search for weights; a few are usual.
const mostSweeps = 60

// enough is the share of its goal by which a site may miss it for the search to end.
const enough = 0.005

// balance returns weights with which each site gets its wanted work. It starts from the
// given weights, or from zero if they are nil.
//
// These weights maximise a concave function. balance first assigns doors softly, with
// falling temperature (entropic transport, Sinkhorn and Knopp), which brings all weights
// near the maximum together. Then it maximises along one weight at a time: a site wins a
// door when its weight passes the price of the door, which is the cost of the door less
// the offer of the best other site. It takes doors in the order of their prices until
// it has its share.
func (s *solver) balance(ctx context.Context, sites []site, toll float64, from []float64) ([]float64, error) {
	m := market{s: s, k: len(sites), weights: make([]float64, len(sites)),
		costs: make([]float64, len(s.doors)*len(sites)),
		first: make([]int, len(s.doors)), second: make([]int, len(s.doors))}
	for x := range s.doors {
		for i := range sites {
			m.costs[x*m.k+i] = s.cost(&s.doors[x], &sites[i], toll)
		}
	}
	if from != nil {
		copy(m.weights, from)
	} else if err := m.anneal(ctx, sites, toll); err != nil {
		return nil, err
	}
	for x := range s.doors {
		m.look(x)
	}
	best := make([]float64, m.k) // the most even weights so far
	least := math.Inf(1)
	prices := make([]price, len(s.doors))
	order := make([]int, m.k)
	for sweep := 0; ; sweep++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		work := make([]float64, m.k)
		for x := range s.doors {
			work[m.first[x]] += s.doors[x].minutes
		}
		off := 0.0
		for i := range sites {
			order[i] = i
			off = max(off, math.Abs(work[i]-sites[i].goal)/sites[i].goal)
		}
		if off < least {
			least = off
			copy(best, m.weights)
		}
		if off < enough || sweep == mostSweeps || m.k == 1 {
			return best, nil
		}
		// The site that misses its goal most comes first, so that work moves on from there.
		slices.SortStableFunc(order, func(i, j int) int {
			return cmp.Compare(math.Abs(work[j]-sites[j].goal), math.Abs(work[i]-sites[i].goal))
		})
		for _, i := range order {
			m.fill(prices, i, sites[i].goal)
		}
	}
}

// market holds the bids of sites for doors.
type market struct {
	s             *solver
	k             int
	costs         []float64 // of door x for site i at x·k+i
	weights       []float64
	first, second []int // the best and next best site of each door
}

// offer returns what door x pays for site i.
func (m *market) offer(x, i int) float64 { return m.costs[x*m.k+i] - m.weights[i] }

// look finds the two best sites of a door; of equals the first.
func (m *market) look(x int) {
	first, second := -1, -1
	for i := range m.k {
		switch {
		case first < 0 || m.offer(x, i) < m.offer(x, first):
			first, second = i, first
		case second < 0 || m.offer(x, i) < m.offer(x, second):
			second = i
		}
	}
	m.first[x], m.second[x] = first, second
}

// anneal assigns doors in proportion to exp(-offer/heat), with falling heat.
func (m *market) anneal(ctx context.Context, sites []site, toll float64) error {
	share := make([]float64, m.k)
	work := make([]float64, m.k)
	square := m.s.size * m.s.size
	for warm := 0.5*square + toll; warm > 0.002*square; warm *= 0.5 {
		for range 40 {
			if err := ctx.Err(); err != nil {
				return err
			}
			clear(work)
			for x := range m.s.doors {
				least := math.Inf(1)
				for i := range m.k {
					least = min(least, m.offer(x, i))
				}
				sum := 0.0
				for i := range m.k {
					share[i] = math.Exp((least - m.offer(x, i)) / warm)
					sum += share[i]
				}
				for i := range m.k {
					work[i] += m.s.doors[x].minutes * share[i] / sum
				}
			}
			off := 0.0
			for i := range sites {
				off = max(off, math.Abs(work[i]-sites[i].goal)/sites[i].goal)
				m.weights[i] += warm * math.Log(sites[i].goal/max(work[i], sites[i].goal*1e-6))
			}
			if off < 2*enough {
				break
			}
		}
	}
	return nil
}

// price is the weight with which a site wins a door.
type price struct {
	at      float64
	minutes float64
}

// fill sets the weight of site i so that it gets its goal with the weights of the others
// unchanged.
func (m *market) fill(prices []price, i int, goal float64) {
	for x := range prices {
		other := m.first[x]
		if other == i {
			other = m.second[x]
		}
		prices[x] = price{m.costs[x*m.k+i] - m.offer(x, other), m.s.doors[x].minutes}
	}
	slices.SortFunc(prices, func(a, b price) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.minutes, b.minutes))
	})
	weight := prices[len(prices)-1].at + 1
	sum := 0.0
	for x, p := range prices {
		if sum+p.minutes/2 > goal {
			weight = p.at - 1
			if x > 0 {
				weight = (prices[x-1].at + p.at) / 2 // the border runs between the two doors
			}
			break
		}
		sum += p.minutes
	}
	m.weights[i] = weight
	for x := range m.first {
		// Only doors for which site i was or is one of the two best need a new look.
		if m.first[x] == i || m.second[x] == i || m.offer(x, i) <= m.offer(x, m.second[x]) {
			m.look(x)
		}
	}
}

// roll moves each site to the centre of the work of its doors and reports whether any
// moved by a metre.
func (s *solver) roll(sites []site, weights []float64, toll float64) bool {
	type sum struct{ x, y, minutes float64 }
	sums := make([]sum, len(sites))
	for x := range s.doors {
		d := &s.doors[x]
		m := &sums[s.nearest(sites, weights, toll, d)]
		m.x += d.x * d.minutes
		m.y += d.y * d.minutes
		m.minutes += d.minutes
	}
	moved := false
	for i, m := range sums {
		if m.minutes == 0 {
			continue
		}
		x, y := m.x/m.minutes, m.y/m.minutes
		moved = moved || math.Hypot(x-sites[i].x, y-sites[i].y) > 1
		sites[i].x, sites[i].y = x, y
	}
	return moved
}
