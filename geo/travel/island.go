package travel

import "math"

// incidence lists the arcs that leave each vertex.
type incidence struct {
	at   []uint32
	arcs []uint32
}

func (e *edges) leaving() incidence { return e.leavingBy(func(uint32) bool { return true }) }

// leavingBy lists the arcs of some edges only.
func (e *edges) leavingBy(counts func(edge uint32) bool) incidence {
	in := incidence{at: make([]uint32, e.vertices+1)}
	arcs := uint32(2 * len(e.ends))
	for a := range arcs {
		if e.arcCost(a) != noWay && counts(a>>1) {
			in.at[e.tail(a)]++
		}
	}
	sum := uint32(0)
	for v := range in.at {
		sum += in.at[v]
		in.at[v] = sum
	}
	in.arcs = make([]uint32, sum)
	for a := arcs; a > 0; a-- {
		if e.arcCost(a-1) != noWay && counts((a-1)>>1) {
			v := e.tail(a - 1)
			in.at[v]--
			in.arcs[in.at[v]] = a - 1
		}
	}
	return in
}

func (in incidence) of(v uint32) []uint32 { return in.arcs[in.at[v]:in.at[v+1]] }

// A part of the map counts as large, and so is not an island, from this many crossings
// on or from this share of the crossings of the largest part.
const (
	largeVertices = 1000
	largeShare    = 0.1
)

// markIslands finds the edges from which a large part of the map cannot be
// reached, or that cannot be reached from it: those outside the large strongly
// connected components. It ignores turn restrictions.
func (e *edges) markIslands(out incidence) {
	part, sizes := e.components(out)
	largest := uint32(0)
	for _, n := range sizes {
		largest = max(largest, n)
	}
	least := min(largeVertices, uint32(math.Ceil(float64(largest)*largeShare)))
	e.island = make([]bool, len(e.ends))
	for i, ends := range e.ends {
		e.island[i] = part[ends[0]] != part[ends[1]] || sizes[part[ends[0]]] < least
	}
}

// components numbers the strongly connected components (R. E. Tarjan, "Depth-first
// search and linear graph algorithms", SIAM J. Comput. 1, 1972), without recursion.
func (e *edges) components(out incidence) (part, sizes []uint32) {
	const unseen = 0
	part = make([]uint32, e.vertices)
	order := make([]uint32, e.vertices) // of first visit, from 1
	low := make([]uint32, e.vertices)
	next := make([]uint32, e.vertices) // arc to follow next
	open := make([]bool, e.vertices)
	var stack, path []uint32
	count := uint32(0)
	for root := range uint32(e.vertices) {
		if order[root] != unseen {
			continue
		}
		path = append(path, root)
		for len(path) > 0 {
			v := path[len(path)-1]
			if order[v] == unseen {
				count++
				order[v], low[v], next[v], open[v] = count, count, out.at[v], true
				stack = append(stack, v)
			}
			deeper := false
			for next[v] < out.at[v+1] {
				w := e.head(out.arcs[next[v]])
				next[v]++
				if order[w] == unseen {
					path, deeper = append(path, w), true
					break
				}
				if open[w] {
					low[v] = min(low[v], order[w])
				}
			}
			if deeper {
				continue
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				u := path[len(path)-1]
				low[u] = min(low[u], low[v])
			}
			if low[v] != order[v] {
				continue
			}
			size := uint32(0)
			for {
				w := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				open[w], part[w] = false, uint32(len(sizes))
				size++
				if w == v {
					break
				}
			}
			sizes = append(sizes, size)
		}
	}
	return part, sizes
}
