package routing

// An outcast is a stop that the best day leaves out though a team could serve it and
// a stop that weighs less is served. What is served jams the teams that could take
// it in, so that the walk, which changes a few stops at a time, may never get there.
// Each cycle but the first therefore begins with one outcast put in, whatever has to
// leave for it, and all along will not do without it: the rest finds room beside it
// or not (after Nagata and Bräysy 2009, who make room for a stop by ejecting others).

// insist makes the weightiest outcast part of the day and dear to the walk, until
// another is. Without outcasts nothing is changed.
func (s *search) insist() {
	s.dear = s.outcast()
	if s.dear < 0 {
		s.now = s.objective() // the last one is dear no more
		return
	}
	p := s.p
	if p.route[s.dear] < 0 {
		hosts := s.hosts(s.dear)
		r := hosts[s.g.below(len(hosts))]
		for pins := len(s.c.shifts[r].pins); len(p.seq[r]) > pins; {
			p.remove(p.seq[r][len(p.seq[r])-1])
		}
		s.place(s.dear, p.try(s.dear, r, nowhere, nil))
		p.price(r)
	}
	s.fill()
	s.better()
}

// outcast returns the weightiest outcast, by chance among equals, or -1.
func (s *search) outcast() int32 {
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
		if in[u] || c.worth[u] < most || len(s.hosts(u)) == 0 {
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

// hosts lists the shifts whose teams could serve u if they did nothing else but what
// is pinned.
func (s *search) hosts(u int32) []int32 {
	if s.bare == nil {
		s.bare = newPlan(s.c)
	}
	var hosts []int32
	for r := range int32(len(s.c.shifts)) {
		if s.c.may(u, r) && s.bare.try(u, r, nowhere, nil).r >= 0 {
			hosts = append(hosts, r)
		}
	}
	return hosts
}
