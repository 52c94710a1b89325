package routing

// The best solution may leave a stop unassigned that some shift could serve and that
// is worth more than a stop that is served. The routes that could take it are full, and
// annealing, which changes a few stops at a time, may never make room. Each cycle but
// the first therefore begins by inserting one such stop, whatever must leave its route
// for it, and weighs its absence heavily until the cycle ends; the other stops find
// room beside it or stay unassigned (after Nagata and Bräysy 2009, who eject stops to
// insert another).

// forceInsertion inserts the unassigned stop of the greatest worth and sets forced
// to it. It changes no route if there is no such stop.
func (s *search) forceInsertion() {
	s.forced = s.pickUnassigned()
	if s.forced < 0 {
		s.now = s.objective() // the last forced stop has lost its weight
		return
	}
	p := s.p
	if p.route[s.forced] < 0 {
		shiftsFor := s.shiftsFor(s.forced)
		r := shiftsFor[s.g.below(len(shiftsFor))]
		for pins := len(s.c.shifts[r].pins); len(p.seq[r]) > pins; {
			p.remove(p.seq[r][len(p.seq[r])-1])
		}
		s.place(s.forced, p.try(s.forced, r, nowhere, nil))
		p.price(r)
	}
	s.fill()
	s.better()
}

// pickUnassigned returns the stop to force in: of the stops that the best solution
// leaves unassigned, that are worth more than the least stop served and that some
// shift could serve, one of the greatest worth, at random among equals; -1 if there
// is none.
func (s *search) pickUnassigned() int32 {
	c := s.c
	in, least := make([]bool, c.n), int64(-1)
	for _, u := range s.best.seq {
		in[u] = true
		if c.pinnedBy[u] < 0 && (least < 0 || c.worth[u] < least) {
			least = c.worth[u]
		}
	}
	if least < 0 {
		return -1
	}
	var found []int32
	most := least + 1
	for u := range int32(c.n) {
		if in[u] || c.worth[u] < most || len(s.shiftsFor(u)) == 0 {
			continue
		}
		if c.worth[u] > most {
			found, most = found[:0], c.worth[u]
		}
		found = append(found, u)
	}
	if len(found) == 0 {
		return -1
	}
	return found[s.g.below(len(found))]
}

// shiftsFor lists the shifts that could serve u if they served nothing else but
// their pinned stops.
func (s *search) shiftsFor(u int32) []int32 {
	if s.bare == nil {
		s.bare = newPlan(s.c)
	}
	var shiftsFor []int32
	for r := range int32(len(s.c.shifts)) {
		if s.c.may(u, r) && s.bare.try(u, r, nowhere, nil).r >= 0 {
			shiftsFor = append(shiftsFor, r)
		}
	}
	return shiftsFor
}
