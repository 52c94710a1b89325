package travel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Many to many is that of S. Knopp, P. Sanders, D. Schultes, F. Schulz and
// D. Wagner, "Computing Many-to-Many Shortest Paths Using Highway Hierarchies"
// (ALENEX 2007): a backward search from every goal stores its cost in a bucket at each
// state that it reaches; a forward search from every start then reads the buckets.

// deposit is the cost from a state to a goal.
type deposit struct {
	goal                uint32
	millis, centimetres uint32
}

// searchers keeps searchers for reuse: each holds a figure per state.
type searchers struct {
	n    int
	pool sync.Pool
}

func (p *searchers) take() *searcher {
	if s, ok := p.pool.Get().(*searcher); ok {
		return s
	}
	return newSearcher(p.n)
}

func (p *searchers) give(s *searcher) { p.pool.Put(s) }

// sideBySide calls work for 0 to n-1 on all cores, each with a searcher of its
// own, until ctx ends.
func (g *graph) sideBySide(ctx context.Context, n int, work func(s *searcher, i int)) error {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		group.Go(func() {
			s := g.pool.take()
			defer g.pool.give(s)
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				work(s, i)
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// costs calls row with the costs from each start to all goals, for many starts at once.
func (g *graph) costs(ctx context.Context, from, to []place, row func(i int, costs []weight)) error {
	reached := make([][]entry, len(to))
	err := g.sideBySide(ctx, len(to), func(s *searcher, j int) {
		if to[j].off {
			return
		}
		s.seeds = g.arrivals(to[j], s.seeds[:0])
		s.climb(&g.down, &g.up, s.seeds)
		reached[j] = append([]entry(nil), s.reached...)
	})
	if err != nil {
		return err
	}
	at, deposits := g.buckets(reached)
	onEdge := map[uint32][]int{}
	for j, p := range to {
		if !p.off {
			onEdge[p.edge] = append(onEdge[p.edge], j)
		}
	}
	rows := sync.Pool{New: func() any { r := make([]weight, len(to)); return &r }}
	return g.sideBySide(ctx, len(from), func(s *searcher, i int) {
		held := rows.Get().(*[]weight)
		defer rows.Put(held)
		costs := *held
		for j := range costs {
			costs[j] = noWay
		}
		if !from[i].off {
			s.seeds = g.departures(from[i], s.seeds[:0])
			s.climb(&g.up, &g.down, s.seeds)
			for _, e := range s.reached {
				for _, d := range deposits[at[e.state]:at[e.state+1]] {
					if c := e.key + weight(d.millis)<<32 + weight(d.centimetres); c < costs[d.goal] {
						costs[d.goal] = c
					}
				}
			}
			for _, j := range onEdge[from[i].edge] {
				costs[j] = min(costs[j], g.direct(from[i], to[j]))
			}
		}
		row(i, costs)
	})
}

// buckets sorts what the goals' climbs reached by state.
func (g *graph) buckets(reached [][]entry) (at []uint32, deposits []deposit) {
	at = make([]uint32, g.n+1)
	sum := 0
	for _, list := range reached {
		sum += len(list)
		for _, e := range list {
			at[e.state+1]++
		}
	}
	for v := 1; v <= g.n; v++ {
		at[v] += at[v-1]
	}
	deposits = make([]deposit, sum)
	next := append([]uint32(nil), at[:g.n]...)
	for j, list := range reached {
		for _, e := range list {
			deposits[next[e.state]] = deposit{uint32(j), uint32(e.key.millis()), uint32(e.key.centimetres())}
			next[e.state]++
		}
	}
	return at, deposits
}
