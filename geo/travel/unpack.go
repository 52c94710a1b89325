package travel

import (
	"math"
	"slices"

	"doorstep/geo"
)

// waySearch finds the arcs of fastest ways. It is for one goroutine.
type waySearch struct {
	g               *graph
	forth, back     *searcher
	departs, arrive []seed
}

func newWaySearch(g *graph) *waySearch {
	w := &waySearch{g: g, forth: newSearcher(g.n), back: newSearcher(g.n)}
	w.forth.parent, w.back.parent = make([]parent, g.n), make([]parent, g.n)
	return w
}

// between returns the cost of the fastest way and its line; noWay and none if there is no way.
func (w *waySearch) between(from, to place) (weight, []geo.E7) {
	if from.off || to.off {
		return noWay, nil
	}
	g := w.g
	w.departs = g.departures(from, w.departs[:0])
	w.forth.climb(&g.up, &g.down, w.departs)
	w.arrive = g.arrivals(to, w.arrive[:0])
	w.back.climb(&g.down, &g.up, w.arrive)
	reached := make(map[uint32]weight, len(w.forth.reached))
	for _, e := range w.forth.reached {
		reached[e.state] = e.key
	}
	best, top := g.direct(from, to), uint32(noState)
	for _, e := range w.back.reached {
		if d, ok := reached[e.state]; ok && d+e.key < best {
			best, top = d+e.key, e.state
		}
	}
	switch {
	case best == noWay:
		return noWay, nil
	case top == noState:
		return best, g.stretch(from.edge, from.along, to.along)
	}
	first, arcs := w.ascent(top)
	last, descent := w.descent(top)
	arcs = append(arcs, descent...)
	line := g.arcStretch(first, from.along, true)
	for _, arc := range arcs {
		line = append(line, g.wholeArc(arc)...)
	}
	return best, append(line, g.arcStretch(last, to.along, false)...)
}

// ascent unpacks the climb from the start to top: the arc it departs on, and those after it.
func (w *waySearch) ascent(top uint32) (first uint32, arcs []uint32) {
	var climbs []uint32
	root := top
	for p := w.forth.parent[root]; p.climb != noState; p = w.forth.parent[root] {
		climbs = append(climbs, p.climb)
		root = p.from
	}
	slices.Reverse(climbs)
	state := root
	for _, i := range climbs {
		arcs = w.g.unpack(arcs, state, w.g.up.all[i].state, w.g.up.via[i])
		state = w.g.up.all[i].state
	}
	return cheapest(w.departs, root), arcs
}

// descent unpacks the way down from top: the arcs before the goal's, and the goal's.
func (w *waySearch) descent(top uint32) (last uint32, arcs []uint32) {
	state := top
	for p := w.back.parent[state]; p.climb != noState; p = w.back.parent[state] {
		arcs = w.g.unpack(arcs, state, p.from, w.g.down.via[p.climb])
		state = p.from
	}
	return cheapest(w.arrive, state), arcs
}

// cheapest returns the arc of the cheapest seed at a state.
func cheapest(seeds []seed, state uint32) uint32 {
	best, arc := noWay, uint32(noState)
	for _, s := range seeds {
		if s.state == state && s.cost < best {
			best, arc = s.cost, s.arc
		}
	}
	return arc
}

// unpack appends the arcs of a climb or descent from one state to another.
func (h *hierarchy) unpack(arcs []uint32, from, to, via uint32) []uint32 {
	if via&shortcut == 0 {
		return append(arcs, via)
	}
	between := via &^ shortcut
	arcs = h.unpack(arcs, from, between, h.down.viaTo(between, from))
	return h.unpack(arcs, between, to, h.up.viaTo(between, to))
}

// viaTo returns what joins a state with one more important.
func (c *climbs) viaTo(state, above uint32) uint32 {
	for i, l := range c.of(state) {
		if l.state == above {
			return c.via[c.at[state]+uint32(i)]
		}
	}
	panic("travel: a shortcut without its halves")
}

func (e *edges) wholeArc(arc uint32) []geo.E7 {
	if arc&1 == 0 {
		return e.line(arc >> 1)
	}
	return e.stretch(arc>>1, 1, 0)
}

// arcStretch is an arc from a place along its edge to the arc's end, or from the arc's beginning to the place.
func (e *edges) arcStretch(arc uint32, along float64, rest bool) []geo.E7 {
	begin, end := 0.0, 1.0
	if arc&1 == 1 {
		begin, end = 1, 0
	}
	if rest {
		return e.stretch(arc>>1, along, end)
	}
	return e.stretch(arc>>1, begin, along)
}

// stretch is the line of an edge between two fractions of its length, in that order.
func (e *edges) stretch(edge uint32, from, to float64) []geo.E7 {
	line := e.line(edge)
	if from > to {
		part := e.stretch(edge, to, from)
		slices.Reverse(part)
		return part
	}
	f := flatAbout(line[0].Point())
	lengths := make([]float64, len(line))
	for i := 1; i < len(line); i++ {
		lengths[i] = lengths[i-1] + f.between(line[i-1], line[i])
	}
	whole := lengths[len(line)-1]
	at := func(length float64) geo.E7 {
		for i := 1; i < len(line); i++ {
			if piece := lengths[i] - lengths[i-1]; length <= lengths[i] && piece > 0 {
				t := (length - lengths[i-1]) / piece
				a, b := line[i-1], line[i]
				return geo.E7{Lon: a.Lon + int32(math.Round(t*float64(b.Lon-a.Lon))),
					Lat: a.Lat + int32(math.Round(t*float64(b.Lat-a.Lat)))}
			}
		}
		return line[len(line)-1]
	}
	part := []geo.E7{at(from * whole)}
	for i := 1; i < len(line)-1; i++ {
		if lengths[i] > from*whole && lengths[i] < to*whole {
			part = append(part, line[i])
		}
	}
	return append(part, at(to*whole))
}
