package travel

import (
	"math/rand/v2"
	"testing"
)

// Two vertices are of one component if each can be reached from the other.
func TestComponentsAreThoseOfReachability(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		n := 1 + r.IntN(9)
		e := &edges{vertices: n}
		reach := make([][]bool, n)
		for v := range reach {
			reach[v] = make([]bool, n)
			reach[v][v] = true
		}
		for range r.IntN(2 * n) {
			a, b := uint32(r.IntN(n)), uint32(r.IntN(n))
			cost := [2]weight{1, noWay}
			if r.IntN(4) == 0 {
				cost[1] = 1
				reach[b][a] = true
			}
			reach[a][b] = true
			e.ends, e.cost = append(e.ends, [2]uint32{a, b}), append(e.cost, cost)
		}
		for k := range n {
			for a := range n {
				for b := range n {
					reach[a][b] = reach[a][b] || reach[a][k] && reach[k][b]
				}
			}
		}
		part, sizes := e.components(e.leaving())
		for a := range n {
			size := uint32(0)
			for b := range n {
				same := reach[a][b] && reach[b][a]
				if same {
					size++
				}
				if got := part[a] == part[b]; got != same {
					t.Fatalf("%v %v: %d and %d in one component: %v, want %v", e.ends, e.cost, a, b, got, same)
				}
			}
			if sizes[part[a]] != size {
				t.Fatalf("the component of %d has size %d, want %d", a, sizes[part[a]], size)
			}
		}
	}
}
