package travel

import "slices"

// climb is a move or a shortcut to a more important state.
type climb struct {
	state               uint32
	millis, centimetres uint32
}

func (c climb) cost() weight { return weight(c.millis)<<32 | weight(c.centimetres) }

// hierarchy is the contracted graph. States are numbered by importance, so that every
// climb leads to a higher number.
type hierarchy struct {
	n int
	// up leads from a state to more important ones; down, read backwards, from
	// more important ones to it.
	up, down climbs
	// depart is as in states.
	depart []uint32
	// approach lists, by arc, the states from which it can be entered, and the
	// milliseconds of the turn into it.
	approachAt []uint32
	approach   []turn
}

type climbs struct {
	at  []uint32
	all []climb
	via []uint32 // what each stands for: an arc, or with shortcut set the state between
}

func (c *climbs) of(state uint32) []climb { return c.all[c.at[state]:c.at[state+1]] }

type turn struct {
	from, millis uint32
}

func (c *contraction) hierarchy(rank []uint32) *hierarchy {
	n := len(rank)
	order := make([]uint32, n)
	for v, r := range rank {
		order[r] = uint32(v)
	}
	return &hierarchy{n: n, up: packed(c.up, order, rank), down: packed(c.down, order, rank)}
}

func packed(lists [][]link, order, rank []uint32) climbs {
	c := climbs{at: make([]uint32, 1, len(order)+1)}
	for _, v := range order {
		links := lists[v]
		for i := range links {
			links[i].state = rank[links[i].state]
		}
		slices.SortFunc(links, func(a, b link) int { return int(b.state) - int(a.state) })
		for _, l := range links {
			c.all = append(c.all, climb{l.state, uint32(l.cost.millis()), uint32(l.cost.centimetres())})
			via := l.via
			if via&shortcut != 0 {
				via = rank[via&^shortcut] | shortcut
			}
			c.via = append(c.via, via)
		}
		c.at = append(c.at, uint32(len(c.all)))
	}
	return c
}

// attach tells the hierarchy how arcs begin and end in it.
func (h *hierarchy) attach(s *states, rank []uint32) {
	h.depart = make([]uint32, len(s.depart))
	for a, d := range s.depart {
		h.depart[a] = noState
		if d != noState {
			h.depart[a] = rank[d]
		}
	}
	h.approachAt = make([]uint32, len(s.depart)+1)
	for _, m := range s.moves {
		h.approachAt[m.arc+1]++
	}
	for a := 1; a < len(h.approachAt); a++ {
		h.approachAt[a] += h.approachAt[a-1]
	}
	h.approach = make([]turn, len(s.moves))
	next := slices.Clone(h.approachAt)
	for _, m := range s.moves {
		h.approach[next[m.arc]] = turn{rank[m.from], m.delay}
		next[m.arc]++
	}
}
