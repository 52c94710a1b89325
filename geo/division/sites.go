package division

import (
	"cmp"
	"math"
	"slices"
)

// sites returns the first sites: in the middle of each present territory, several in a
// territory that has the work of several, or spread over the doors.
func (s *solver) sites(t attempt) []site {
	total := 0.0
	for _, d := range s.doors {
		total += d.minutes
	}
	for _, p := range s.Present {
		total += p.Fixed
	}
	share := total / float64(s.Parts)
	if t.anew {
		out := s.spread(s.doors, s.Parts, t.draw<<32)
		for i := range out {
			out[i].parent, out[i].goal = -1, share
		}
		return s.withFixed(out, share)
	}
	byOwner := make([][]door, len(s.Present))
	work := make([]float64, len(s.Present))
	for _, d := range s.doors {
		if d.owner >= 0 {
			byOwner[d.owner] = append(byOwner[d.owner], d)
			work[d.owner] += d.minutes
		}
	}
	var out []site
	for i, n := range seats(work, s.Parts) {
		x, y := s.plane.of(s.Present[i].Shape.Centre())
		switch {
		case n == 1:
			out = append(out, site{x: x, y: y, parent: i})
		case n > 1:
			some := s.spread(byOwner[i], min(n, len(byOwner[i])), uint64(i))
			for len(some) < n { // more sites than doors: they part by their weights
				some = append(some, site{x: x + float64(len(some)), y: y})
			}
			for j := range some {
				some[j].parent = i
			}
			out = append(out, some...)
		}
	}
	for i := range out {
		out[i].goal = share
	}
	return s.withFixed(out, share)
}

// withFixed subtracts fixed work from the goals of the sites that will have it. A
// territory keeps at least a tenth of its share as a goal on the map.
func (s *solver) withFixed(sites []site, share float64) []site {
	var doors, goals float64
	for _, d := range s.doors {
		doors += d.minutes
	}
	for i := range sites {
		if p := sites[i].parent; p >= 0 && !slices.ContainsFunc(sites[:i], func(o site) bool { return o.parent == p }) {
			sites[i].goal = max(share/10, share-s.Present[p].Fixed)
		}
		goals += sites[i].goal
	}
	for i := range sites {
		sites[i].goal *= doors / goals
	}
	return sites
}

// seats distributes n sites among territories by their work, at least one each if there
// are enough; otherwise the territories with the least work get none.
func seats(work []float64, n int) []int {
	out := make([]int, len(work))
	order := make([]int, len(work))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(work[j], work[i]) })
	for _, i := range order[:min(n, len(order))] {
		out[i] = 1
	}
	for range n - len(order) {
		best := 0
		for i := range work {
			if work[i]/float64(out[i]+1) > work[best]/float64(out[best]+1) {
				best = i
			}
		}
		out[best]++
	}
	return out
}

// spread places n sites among doors. It chooses each next site at random with a chance
// in proportion to work times squared distance to the chosen sites (k-means++), and then
// moves each to the middle of the doors nearest to it. Of several draws it returns the
// one with the least sum of work times squared distance.
func (s *solver) spread(doors []door, n int, purpose uint64) []site {
	r := s.random(purpose)
	var best []site
	least := math.Inf(1)
	for range 5 {
		sites, sum := draw(doors, n, r.Float64)
		if sum < least {
			best, least = sites, sum
		}
	}
	return best
}

func draw(doors []door, n int, chance func() float64) ([]site, float64) {
	far := make([]float64, len(doors)) // squared distance to the nearest site
	for x := range far {
		far[x] = 1
	}
	var sites []site
	for len(sites) < n {
		total := 0.0
		for x, d := range doors {
			total += far[x] * d.minutes
		}
		mark, at := chance()*total, len(doors)-1
		for x, d := range doors {
			if mark -= far[x] * d.minutes; mark < 0 {
				at = x
				break
			}
		}
		c := site{x: doors[at].x, y: doors[at].y, parent: -1}
		for x, d := range doors {
			sq := (d.x-c.x)*(d.x-c.x) + (d.y-c.y)*(d.y-c.y)
			if len(sites) == 0 || sq < far[x] {
				far[x] = sq
			}
		}
		sites = append(sites, c)
	}
	sum := 0.0
	for range 10 {
		type mean struct{ x, y, minutes float64 }
		means := make([]mean, n)
		sum = 0
		for _, d := range doors {
			at, nearest := 0, math.Inf(1)
			for i, c := range sites {
				if sq := (d.x-c.x)*(d.x-c.x) + (d.y-c.y)*(d.y-c.y); sq < nearest {
					at, nearest = i, sq
				}
			}
			means[at].x += d.x * d.minutes
			means[at].y += d.y * d.minutes
			means[at].minutes += d.minutes
			sum += nearest * d.minutes
		}
		for i, m := range means {
			if m.minutes > 0 {
				sites[i].x, sites[i].y = m.x/m.minutes, m.y/m.minutes
			}
		}
	}
	return sites, sum
}
