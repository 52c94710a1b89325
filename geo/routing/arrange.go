package routing

import (
	"cmp"
	"slices"
)

// arrangeFrom is the number of places from which on a problem is arranged. The
// durations of fewer places fit into the cache in any order.
const arrangeFrom = 200

// arrangement is a problem whose places and stops are numbered so that near places
// have near numbers. The search goes from neighbour to neighbour, and in any other
// order hardly two of the durations that it needs share a cache line.
type arrangement struct {
	Problem
	stops  []int // by new number, the caller's number
	places []int // by new number, the caller's number
}

// arrange returns a valid problem with new numbers, without the places that no stop
// and no shift uses.
func (p *Problem) arrange() arrangement {
	a := arrangement{Problem: *p}
	ours := make([]int, p.Matrices[0].Places)
	use := func(place int) {
		if place >= 0 && ours[place] == 0 {
			ours[place] = 1
			a.places = append(a.places, place)
		}
	}
	for i := range p.Stops {
		use(p.Stops[i].Place)
		a.stops = append(a.stops, i)
	}
	for i := range p.Shifts {
		use(p.Shifts[i].Start)
		use(p.Shifts[i].End)
	}
	p.Matrices[p.Shifts[0].Matrix].bisect(a.places)
	for i, place := range a.places {
		ours[place] = i
	}
	slices.SortStableFunc(a.stops, func(u, v int) int {
		return cmp.Compare(ours[p.Stops[u].Place], ours[p.Stops[v].Place])
	})

	a.Stops = make([]Stop, len(p.Stops))
	stop := make([]int, len(p.Stops))
	for i, u := range a.stops {
		a.Stops[i], stop[u] = p.Stops[u], i
		a.Stops[i].Place = ours[p.Stops[u].Place]
	}
	a.Shifts = slices.Clone(p.Shifts)
	for i := range a.Shifts {
		s := &a.Shifts[i]
		for _, at := range []*int{&s.Start, &s.End} {
			if *at >= 0 {
				*at = ours[*at]
			}
		}
		s.Pinned = slices.Clone(s.Pinned)
		for k := range s.Pinned {
			s.Pinned[k].Stop = stop[s.Pinned[k].Stop]
		}
	}
	a.Matrices = make([]Matrix, len(p.Matrices))
	for i, m := range p.Matrices {
		b := Matrix{Name: m.Name, Places: len(a.places), Durations: m.pick(m.Durations, a.places),
			Distances: m.pick(m.Distances, a.places)}
		for _, h := range m.Hours {
			b.Hours = append(b.Hours, Hour{From: h.From, Durations: m.pick(h.Durations, a.places)})
		}
		a.Matrices[i] = b
	}
	return a
}

// pick returns the cells of a matrix between the given places, in their order.
func (m *Matrix) pick(cells []int32, places []int) []int32 {
	if cells == nil {
		return nil
	}
	out := make([]int32, 0, len(places)*len(places))
	for _, a := range places {
		row := cells[a*m.Places : a*m.Places+m.Places]
		for _, b := range places {
			out = append(out, row[b])
		}
	}
	return out
}

// bisect orders places recursively: it finds two places far apart and puts those
// nearer to the one before those nearer to the other.
func (m *Matrix) bisect(places []int) {
	const few = 4
	if len(places) <= few {
		return
	}
	far := func(a, b int) int { return int(m.Durations[a*m.Places+b]) + int(m.Durations[b*m.Places+a]) }
	farthest := func(from int) int {
		return slices.MaxFunc(places, func(a, b int) int { return cmp.Or(far(from, a)-far(from, b), b-a) })
	}
	x := farthest(places[0])
	y := farthest(x)
	slices.SortFunc(places, func(a, b int) int {
		return cmp.Or((far(x, a)-far(y, a))-(far(x, b)-far(y, b)), a-b)
	})
	m.bisect(places[:len(places)/2])
	m.bisect(places[len(places)/2:])
}

// restore gives a result the caller's numbers.
func (a *arrangement) restore(r *Result) {
	for _, route := range r.Routes {
		for i := range route.Steps {
			st := &route.Steps[i]
			if st.Kind == StepStop {
				st.Index = a.stops[st.Index]
			}
			if st.Place >= 0 {
				st.Place = a.places[st.Place]
			}
		}
	}
	for i := range r.LeftOut {
		r.LeftOut[i].Stop = a.stops[r.LeftOut[i].Stop]
	}
	slices.SortFunc(r.LeftOut, func(x, y LeftOut) int { return x.Stop - y.Stop })
}
