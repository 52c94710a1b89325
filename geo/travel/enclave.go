package travel

import "slices"

// markEnclaves adds to the roads for residents the areas that only such roads lead to or from. Whoever lives behind
// an access=destination street lives on a road without tags as often as not; a way may begin and end there, but
// not pass through. Without this no way would lead there at all, because after a road for residents only such
// roads may follow.
//
// Of the roads that are connected in both directions, the largest part that is so without roads for residents is
// for all; every road outside it becomes one for residents. Then between any two of these connected roads there is
// a way of roads for residents, roads for all, and roads for residents again. Parts of the map that no road
// connects in both directions have each a largest part of their own. Turn restrictions are ignored.
func (e *edges) markEnclaves(out incidence) {
	if !slices.Contains(e.home, true) {
		return
	}
	whole, _ := e.components(out)
	public, sizes := e.components(e.leavingBy(func(edge uint32) bool { return !e.home[edge] }))
	main := map[uint32]uint32{} // by part of the whole: the largest of its public parts
	for v := range e.vertices {
		best, known := main[whole[v]]
		if p := public[v]; !known || sizes[p] > sizes[best] {
			main[whole[v]] = p
		}
	}
	for i, ends := range e.ends {
		a, b := ends[0], ends[1]
		if whole[a] == whole[b] && (public[a] != main[whole[a]] || public[b] != main[whole[b]]) {
			e.home[i] = true
		}
	}
}
