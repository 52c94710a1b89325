package travel

// graph is the roads of one mode, ready for queries.
type graph struct {
	*edges
	*hierarchy
	snapper *snapper
	pool    *searchers
}

// seed is a state at which a search begins, with the cost to reach it.
type seed struct {
	state uint32
	cost  weight
	arc   uint32 // the arc of the place on which that was
}

// departures are the states reached first from a place, either way along its edge.
func (g *graph) departures(p place, seeds []seed) []seed {
	for side, rest := range [2]float64{1 - p.along, p.along} {
		arc := p.edge<<1 | uint32(side)
		if cost := g.arcCost(arc); cost != noWay {
			seeds = append(seeds, seed{g.depart[arc], cost.share(rest), arc})
		}
	}
	return seeds
}

// arrivals are the states from which a place is reached next.
func (g *graph) arrivals(p place, seeds []seed) []seed {
	for side, share := range [2]float64{p.along, 1 - p.along} {
		arc := p.edge<<1 | uint32(side)
		cost := g.arcCost(arc)
		if cost == noWay {
			continue
		}
		for _, t := range g.approach[g.approachAt[arc]:g.approachAt[arc+1]] {
			seeds = append(seeds, seed{t.from, weight(t.millis)<<32 + cost.share(share), arc})
		}
	}
	return seeds
}

// direct is the way from one place to another that stays on their edge; noWay if there is none.
func (g *graph) direct(from, to place) weight {
	if from.edge != to.edge {
		return noWay
	}
	if from.along == to.along {
		return 0
	}
	side, part := uint32(0), to.along-from.along
	if part < 0 {
		side, part = 1, -part
	}
	cost := g.arcCost(from.edge<<1 | side)
	if cost == noWay {
		return noWay
	}
	return cost.share(part)
}

// searcher climbs the hierarchy. It is for one goroutine at a time.
type searcher struct {
	dist    []weight
	touched []uint32
	queue   queue
	seeds   []seed
	// reached are the states that the last climb found a way to which may be
	// part of a fastest one.
	reached []entry
	parent  []parent // by state, if ways are asked for
}

// parent is the climb by which a state was reached: an index in climbs.all.
type parent struct {
	from, climb uint32
}

func newSearcher(n int) *searcher {
	s := &searcher{dist: make([]weight, n)}
	for i := range s.dist {
		s.dist[i] = noWay
	}
	return s
}

// climb finds the cheapest climbs from the seeds. Of a state that is reached
// cheaper by descending from a more important one, nothing is followed.
func (s *searcher) climb(up, down *climbs, seeds []seed) {
	s.reached = s.reached[:0]
	s.queue = s.queue[:0]
	for _, seed := range seeds {
		s.reach(seed.state, seed.cost, parent{noState, noState})
	}
	for len(s.queue) > 0 {
		e := s.queue.pop()
		if e.key > s.dist[e.state] {
			continue
		}
		if s.stalled(down.of(e.state), e.key) {
			continue
		}
		s.reached = append(s.reached, e)
		first := up.at[e.state]
		for i, c := range up.of(e.state) {
			s.reach(c.state, e.key+c.cost(), parent{e.state, first + uint32(i)})
		}
	}
	for _, v := range s.touched {
		s.dist[v] = noWay
	}
	s.touched = s.touched[:0]
}

func (s *searcher) reach(state uint32, cost weight, by parent) {
	old := s.dist[state]
	if cost >= old {
		return
	}
	if old == noWay {
		s.touched = append(s.touched, state)
	}
	s.dist[state] = cost
	if s.parent != nil {
		s.parent[state] = by
	}
	s.queue.push(entry{cost, state})
}

func (s *searcher) stalled(above []climb, cost weight) bool {
	for _, c := range above {
		if d := s.dist[c.state]; d < cost && d+c.cost() < cost {
			return true
		}
	}
	return false
}
