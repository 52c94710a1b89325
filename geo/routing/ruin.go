package routing

import "slices"

// Parameters of ruin and recreate (SISR, Christiaens and Vanden Berghe 2020).
const (
	ruinMean        = 10   // average number of removed stops
	ruinString      = 10   // longest string
	ruinSmall       = 20   // in a problem of at most so many stops, strings may be longer than the mean route
	ruinMore        = 2    // by so many stops: otherwise a full route is never emptied
	ruinSplit       = 0.5  // share of strings of which a part is kept (split strings)
	ruinDeeper      = 0.01 // chance that the kept part does not grow
	unassignedTried = 12   // unassigned stops that a step tries to insert
	unassignedNear  = 0.3  // chance of an unassigned stop near the seed to be tried
)

// How many times in 13 plus that number a step inserts stops by their worth for the
// time that they take, rather than in one of the other orders.
const (
	byWorth      = 3
	byWorthScant = 30 // while stops are unassigned
)

// step ruins and recreates the plan. It keeps the new plan if its objective is below
// that of the old one plus a random share of the temperature, and otherwise restores
// the old one.
func (s *search) step(temperature float64) {
	p := s.p
	s.turn++
	s.touched, s.list = s.touched[:0], s.list[:0]
	before, beforeTotal := s.now, p.total
	seed := s.seed()
	s.ruin(seed)
	s.removed = len(s.list)
	s.addUnassigned(seed)
	if len(s.list) == 0 {
		return
	}
	s.order()
	s.setSpare()
	s.ignoreValue = s.g.below(8) == 0
	for _, u := range s.list {
		at := s.cheapest(u, &s.b, false)
		if at.r < 0 {
			continue
		}
		s.touch(at.r)
		s.place(u, at)
	}
	bound := before - temperature*s.g.log()
	if s.hopeless(bound) {
		s.undo()
		p.total, s.now = beforeTotal, before
		return
	}
	for _, r := range s.touched {
		p.price(r)
	}
	s.now = s.objective()
	if s.now < bound {
		s.better()
		return
	}
	s.undo()
	p.total, s.now = beforeTotal, before
}

// seed returns a random stop round which to ruin.
func (s *search) seed() int32 {
	if s.part != nil {
		return s.part.seeds[s.g.below(len(s.part.seeds))]
	}
	return int32(s.g.below(s.c.n))
}

// ruin removes strings of stops from routes near the seed and adds them to the list.
func (s *search) ruin(seed int32) {
	p, c := s.p, s.c
	stops, routes := 0, 0
	stops = c.n - len(p.out)
	for _, q := range p.seq {
		if len(q) > 0 {
			routes++
		}
	}
	if stops == 0 {
		return
	}
	mean := float64(stops) / float64(routes)
	if c.n <= ruinSmall {
		mean += ruinMore
	}
	longest := min(ruinString, mean)
	strings := int(s.g.unit()*(4*ruinMean/(1+longest)-1)) + 1
	done := 0
	for i := -1; i < len(c.near[seed]) && done < strings; i++ {
		u := seed
		if i >= 0 {
			u = c.near[seed][i]
		}
		r := p.route[u]
		if r < 0 || s.mark[r] == s.turn || c.pinnedBy[u] >= 0 || s.part != nil && !s.part.mine[r] {
			continue
		}
		free := len(p.seq[r]) - len(c.shifts[r].pins)
		n := min(1+s.g.below(max(1, int(longest))), free)
		s.touch(r)
		s.cut(r, int(p.pos[u]), n)
		done++
	}
}

// cut removes a string of n stops from route r; the stop at position at is in the
// string or in its kept part.
func (s *search) cut(r int32, at, n int) {
	p := s.p
	seq, pins := p.seq[r], len(s.c.shifts[r].pins)
	keep := 0
	if n > 1 && s.g.unit() < ruinSplit {
		for keep = 1; n+keep < len(seq)-pins && s.g.unit() > ruinDeeper; keep++ {
			if s.g.unit() < 0.5 {
				break
			}
		}
		keep = min(keep, len(seq)-pins-n)
	}
	long := n + keep
	lo, hi := max(pins, at-long+1), min(at, len(seq)-long)
	first := lo + s.g.below(hi-lo+1)
	skip := first + long
	if keep > 0 {
		skip = first + s.g.below(n+1)
	}
	to := first
	for i := first; i < first+long; i++ {
		if i >= skip && i < skip+keep {
			seq[to] = seq[i]
			to++
			continue
		}
		p.route[seq[i]] = -1
		p.leaveOut(seq[i])
		s.list = append(s.list, seq[i])
	}
	to += copy(seq[to:], seq[first+long:])
	p.seq[r] = seq[:to]
	p.renew(r, int32(first), int32(first+keep-1))
	p.tally(r)
	// Removing a stop can make the rest late: the next stop may have shared its setup, or
	// the drive by way of it may have been the faster one.
	for !p.sound(r) {
		u := p.seq[r][len(p.seq[r])-1]
		p.seq[r] = p.seq[r][:len(p.seq[r])-1]
		p.route[u] = -1
		p.leaveOut(u)
		s.list = append(s.list, u)
		p.renew(r, int32(len(p.seq[r])), int32(len(p.seq[r])-1))
		p.tally(r)
	}
}

// addUnassigned adds some unassigned stops to the list: the seed, some from near it
// and one from anywhere.
func (s *search) addUnassigned(seed int32) {
	p, c := s.p, s.c
	out := len(p.out) - s.removed // what ruin has removed comes last
	if out <= unassignedTried {
		s.list = append(s.list, p.out[:out]...)
		return
	}
	add := func(u int32) {
		if i := int(p.outAt[u]); i >= 0 && i < out && !slices.Contains(s.list[s.removed:], u) {
			s.list = append(s.list, u)
		}
	}
	add(seed)
	for _, u := range c.near[seed] {
		if len(s.list)-s.removed >= unassignedTried-1 {
			break
		}
		if i := int(p.outAt[u]); i >= 0 && i < out && s.g.unit() < unassignedNear {
			add(u)
		}
	}
	add(p.out[s.g.below(out)])
}

// order sorts the list in one of several random ways.
func (s *search) order() {
	c := s.c
	if cap(s.key) < c.n {
		s.key = make([]float64, c.n)
	}
	key := s.key[:c.n]
	kinds := 13 + byWorth
	if len(s.list) > s.removed {
		kinds = 13 + byWorthScant
	}
	kind := s.g.below(kinds)
	for _, u := range s.list {
		n := &c.stops[u]
		switch {
		case kind < 4:
			key[u] = s.g.unit()
		case kind < 6:
			key[u] = -float64(n.load)
		case kind < 8:
			key[u] = -s.away(u)
		case kind < 9:
			key[u] = s.away(u)
		case kind < 11:
			key[u] = float64(c.windows[n.w1-1].to - n.from)
		case kind < 12:
			key[u] = float64(n.from)
		case kind < 13:
			key[u] = -float64(c.windows[n.w1-1].to)
		default:
			key[u] = -float64(c.worth[u])
			if c.p.Objective == CostFirst {
				key[u] = -float64(c.p.Stops[u].Value) - float64(c.worth[u])*1e10
			}
			key[u] *= (1 + s.g.unit()) / (c.legTime + float64(n.service+n.setup))
		}
	}
	slices.SortFunc(s.list, func(a, b int32) int {
		if key[a] != key[b] {
			if key[a] < key[b] {
				return -1
			}
			return 1
		}
		return int(a - b)
	})
}

// away returns the seconds of travel from the start of the first shift to u, or a
// random number if it has no start.
func (s *search) away(u int32) float64 {
	d := &s.c.shifts[0]
	if d.start < 0 {
		return s.g.unit()
	}
	return float64(d.dur[d.start*d.places+s.c.stops[u].place])
}

// touch saves route r before its first change in this step.
func (s *search) touch(r int32) {
	if s.mark[r] == s.turn {
		return
	}
	s.mark[r] = s.turn
	s.touched = append(s.touched, r)
	p, k := s.p, &s.saved[r]
	k.seq = append(k.seq[:0], p.seq[r]...)
	k.dep, k.lat = k.dep[:0], k.lat[:0]
	k.posts = append(k.posts[:0], p.posts[r]...)
	for _, u := range k.seq {
		k.dep = append(k.dep, p.labels(u)...)
		k.lat = append(k.lat, p.latest(u)...)
	}
	k.most, k.left = p.most[r], p.left[r]
	k.version = p.version[r]
	k.sums, k.cost = p.sums[r], p.cost[r]
	if p.even.by != BalanceNone {
		k.each = p.even.each[r]
	}
}

// undo restores the routes that this step changed.
func (s *search) undo() {
	p, labels := s.p, s.c.labels
	for _, r := range s.touched {
		for _, u := range p.seq[r] {
			p.route[u] = -1
		}
	}
	for _, r := range s.touched {
		k := &s.saved[r]
		p.seq[r] = append(p.seq[r][:0], k.seq...)
		for i, u := range k.seq {
			p.route[u], p.pos[u] = r, int32(i)
			copy(p.labels(u), k.dep[i*labels:])
			copy(p.latest(u), k.lat[i*labels:])
		}
		p.posts[r] = append(p.posts[r][:0], k.posts...)
		p.version[r] = k.version
		p.most[r], p.left[r] = k.most, k.left
		p.sums[r], p.cost[r] = k.sums, k.cost
		if p.even.by != BalanceNone {
			p.even.sum += k.each - p.even.each[r]
			p.even.each[r] = k.each
		}
	}
	for _, u := range s.list {
		if in, was := p.route[u] >= 0, p.outAt[u] < 0; in && !was {
			p.takeIn(u)
		} else if !in && was {
			p.leaveOut(u)
		}
	}
}

// hopeless reports whether the plan certainly costs at least bound. The changed
// routes have no cost yet; their sums alone are too dear.
func (s *search) hopeless(bound float64) bool {
	p := s.p
	if p.even.by != BalanceNone {
		return false
	}
	total := p.total
	for _, r := range s.touched {
		if len(s.c.shifts[r].hours) > 0 {
			return false
		}
		total += p.floor(r) - p.cost[r]
	}
	return total+float64(p.value)+s.missed() >= bound
}
