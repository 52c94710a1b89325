package routing

// recombine fills the local search with a child of two members (selective route
// exchange crossover, SREX, Nagata and Bräysy 2010). Some neighbouring routes of a
// are replaced by the routes of b that serve most of the same stops. A stop that
// would be served twice is kept in one of the two; a stop that would be missing is
// inserted where it costs least. Of the two ways to do that, recombine takes the
// cheaper. It returns false if the child would equal a or cannot be made.
func (h *genetic) recombine(a, b *member) bool {
	c, l := h.s.c, h.l
	rows := len(c.shifts)
	routes := 0
	for u := range a.prev {
		if a.prev[u] < 0 {
			routes++
		}
	}
	// Choose a number of routes round a random stop.
	for r := range rows {
		for _, u := range a.day.route(r) {
			h.home[u] = int32(r)
		}
		h.leave[r] = false
	}
	want := 1 + h.s.g.below(max(1, routes-1))
	seed := int32(h.s.g.below(c.n))
	taken := 0
	for i := -1; i < len(c.near[seed]) && taken < want; i++ {
		u := seed
		if i >= 0 {
			u = c.near[seed][i]
		}
		if r := h.home[u]; !h.leave[r] {
			h.leave[r] = true
			taken++
		}
	}
	for u := range h.home {
		h.inA[u] = h.leave[h.home[u]]
		h.inB[u] = false
	}
	come, same := 0, true
	h.come = h.come[:0]
	for r := range rows {
		seq := b.day.route(r)
		both := 0
		for _, u := range seq {
			if h.inA[u] {
				both++
			}
		}
		if len(seq) == 0 || 2*both <= len(seq) {
			continue
		}
		h.come = append(h.come, int32(r))
		come++
		for _, u := range seq {
			h.inB[u] = true
			same = same && a.next[u] == b.next[u] && a.prev[u] == b.prev[u]
		}
	}
	if come == 0 || same {
		return false
	}
	best, way := 0.0, -1
	for try := range 2 {
		if !h.mix(a, b, try == 1) {
			continue
		}
		if x := l.cost(); way < 0 || x < best {
			best, way = x, try
			h.kept.copyFrom(l)
			for r := range h.origin {
				h.origin[r] = l.days[r].origin
			}
		}
	}
	if way < 0 {
		return false
	}
	if way == 0 {
		l.load(h.kept.seq, h.kept.from)
		for r := range h.origin {
			l.days[r].origin = h.origin[r]
		}
	}
	return true
}

// mix makes one of the two children. If lean is set, the routes of b lose the stops
// that the rest of a serves; otherwise the rest of a loses them.
func (h *genetic) mix(a, b *member, lean bool) bool {
	l := h.l
	day := &h.child
	day.seq, day.from = day.seq[:0], day.from[:0]
	next := 0 // of h.come
	used := 0
	clear(h.given)
	// A route of b goes to its shift in b if that is free, because that shift may serve
	// all its stops.
	for r := range h.leave {
		h.source[r] = -1
	}
	for _, r := range h.come {
		if h.leave[r] || len(a.day.route(int(r))) == 0 {
			h.source[r], h.given[r] = r, true
		}
	}
	for _, r := range h.come {
		if h.given[r] {
			continue
		}
		for next < len(h.leave) && (h.source[next] >= 0 || !h.leave[next] && len(a.day.route(next)) > 0) {
			next++
		}
		if next == len(h.leave) {
			break
		}
		h.source[next], h.given[r] = r, true
	}
	for u := range h.missing {
		h.missing[u] = true
	}
	for r := range h.leave {
		day.from = append(day.from, int32(len(day.seq)))
		switch {
		case h.source[r] >= 0:
			for _, u := range b.day.route(int(h.source[r])) {
				room := int32(len(day.seq))-day.from[r] < l.days[r].maxStops
				if room && (!lean || h.inA[u]) && (l.free || l.c.may(u, int32(r))) {
					day.seq = append(day.seq, u)
					h.missing[u] = false
				}
			}
			used++
		case !h.leave[r]:
			for _, u := range a.day.route(r) {
				if (lean || !h.inB[u]) && h.missing[u] {
					day.seq = append(day.seq, u)
					h.missing[u] = false
				}
			}
		}
	}
	day.from = append(day.from, int32(len(day.seq)))
	l.load(day.seq, day.from)
	// Moves between routes of one parent have been tried before.
	for r := range h.leave {
		n := len(day.route(r))
		if from := h.source[r]; from >= 0 && n == len(b.day.route(int(from))) {
			l.days[r].origin = 2
		} else if from < 0 && !h.leave[r] && n == len(a.day.route(r)) {
			l.days[r].origin = 1
		}
	}
	h.put = h.put[:0]
	for u := range h.missing {
		if h.missing[u] {
			h.put = append(h.put, int32(u))
		}
	}
	for i := range h.put {
		j := h.s.g.below(i + 1)
		h.put[i], h.put[j] = h.put[j], h.put[i]
	}
	for _, u := range h.put {
		if !l.insert(u) {
			return false
		}
	}
	return used > 0
}

// cost returns the whole cost with penalties, in seconds of travel.
func (l *local) cost() float64 {
	x := 0.0
	for r := range l.days {
		d := &l.days[r]
		if d.stops == 0 {
			continue
		}
		x += d.price + float64(d.fixed)
		a, z := l.ends(int32(r))
		for u := l.knots[a].next; ; u = l.knots[u].next {
			x += float64(l.knots[u].in)
			if u == z {
				break
			}
		}
	}
	return x
}

// copyFrom stores the routes of the local search.
func (k *snapshot) copyFrom(l *local) {
	k.seq, k.from = k.seq[:0], k.from[:0]
	for r := range l.days {
		k.from = append(k.from, int32(len(k.seq)))
		a, z := l.ends(int32(r))
		for u := l.knots[a].next; u != z; u = l.knots[u].next {
			k.seq = append(k.seq, u)
		}
	}
	k.from = append(k.from, int32(len(k.seq)))
}
