package travel

import "context"

// mostEdges is the largest number of edges that the numbers of edges and states allow,
// enough for several continents.
const mostEdges = 1<<levelShift - 1

// graph makes the graph of one of Modes(). It returns the states as well, for tests.
func (n *network) graph(ctx context.Context, mode int, progress func(done, all int)) (*graph, *states, error) {
	e := cut(n, mode, n.restrictedNodes(mode)).join()
	if len(e.cost) > mostEdges {
		return nil, nil, fault(CodeExtract, nil, "the extract has more than %d roads: cut it to the area you work in",
			mostEdges)
	}
	out := e.leaving()
	e.markIslands(out)
	if p := profileOf(Modes()[mode]); !p.through {
		e.markEnclaves(out)
	}
	s := expand(e, out, profileOf(Modes()[mode]), e.bans(n, mode, out))
	h, err := contract(ctx, s, e.arcCost, progress)
	if err != nil {
		return nil, nil, err
	}
	return ready(e, h), s, nil
}

// ready makes the parts of a graph that the file does not hold.
func ready(e *edges, h *hierarchy) *graph {
	return &graph{edges: e, hierarchy: h, snapper: newSnapper(e), pool: &searchers{n: h.n}}
}
