package routing

// This file has the moves within one route; local_moves.go has those between two.

// within tries the moves that make v the predecessor of u in their own route: a
// string that begins with u goes behind v, a string that ends in v goes before u, or
// the stops between them are reversed.
func (l *local) within(u, v int32) bool {
	ku, kv := &l.knots[u], &l.knots[v]
	d := &l.days[ku.route]
	leg := l.leg(kv, ku)
	if m := max(kv.out, ku.in); leg >= m && float64(leg-m) >= d.price {
		return false
	}
	best, gain := shift{}, -enough
	try := func(s shift) {
		if x := l.weighShift(&s, d, gain); x < gain {
			best, gain = s, x
		}
	}
	if kv.at > ku.at {
		// … w [u … b] [… v] z …: the two strings change places.
		b := u
		for i := 0; i < 3 && b != v; i++ {
			try(shift{p: ku.prev, b: b, y: v})
			b = l.knots[b].next
		}
		b = kv.prev
		for i := 0; i < 3 && l.knots[b].at >= ku.at+3; i++ {
			try(shift{p: ku.prev, b: b, y: v})
			b = l.knots[b].prev
		}
	} else {
		// … v [… w] [u … y] …
		y := u
		for i := 0; i < 3 && y < l.n; i++ {
			try(shift{p: v, b: ku.prev, y: y})
			y = l.knots[y].next
		}
		// … p [… v] [… w] u …
		p := kv.prev
		for i := 0; i < 3; i++ {
			try(shift{p: p, b: v, y: ku.prev})
			if p >= l.n {
				break
			}
			p = l.knots[p].prev
		}
		try(shift{p: v, y: u, turn: true})
	}
	if gain >= -enough {
		return false
	}
	l.said = gain
	l.makeShift(&best)
	return true
}

// shift is a change within a route: the string behind p up to b and the string
// behind b up to y change places, or the string behind p up to y is reversed.
type shift struct {
	p, b, y int32
	turn    bool
}

// weighShift returns by how much s changes the cost, or any value that is not below
// bound.
func (l *local) weighShift(s *shift, d *lane, bound float64) float64 {
	p, y := &l.knots[s.p], &l.knots[s.y]
	q := &l.knots[y.next]
	if s.turn {
		a := &l.knots[p.next]
		more := l.leg(p, y) + l.leg(a, q) - p.out - y.out
		if !l.twoWay {
			for k := a; k != y; k = &l.knots[k.next] {
				more += l.leg(&l.knots[k.next], k) - k.out
			}
		}
		cost := float64(more) + l.price(d, d.load, 0) - d.price
		if cost >= bound {
			return cost
		}
		t, paid, w := p.dep, p.paid, int32(0)
		k := p
		for u := s.y; ; {
			v := &l.knots[u]
			t, w = v.reachAt(t + l.leg(k, v))
			if paid += w; cost+float64(paid)*l.perLate >= bound {
				return bound
			}
			if k = v; v == a {
				break
			}
			u = v.prev
		}
		return cost + float64(paid+q.owed+max(0, t+l.leg(k, q)-q.due))*l.perLate
	}
	b := &l.knots[s.b]
	a, c := &l.knots[p.next], &l.knots[b.next]
	more := l.leg(p, c) + l.leg(y, a) + l.leg(b, q) - p.out - b.out - y.out
	cost := float64(more) + l.price(d, d.load, 0) - d.price
	if cost >= bound {
		return cost
	}
	t, paid, w := p.dep, p.paid, int32(0)
	k := p
	for u, last := b.next, s.y; ; {
		v := &l.knots[u]
		t, w = v.reachAt(t + l.leg(k, v))
		if paid += w; cost+float64(paid)*l.perLate >= bound {
			return bound
		}
		k = v
		if u != last {
			u = v.next
		} else if last == s.y {
			u, last = p.next, s.b
		} else {
			break
		}
	}
	return cost + float64(paid+q.owed+max(0, t+l.leg(k, q)-q.due))*l.perLate
}

// makeShift makes a change within a route.
func (l *local) makeShift(s *shift) {
	p, y := &l.knots[s.p], &l.knots[s.y]
	q := y.next
	a := p.next
	if s.turn {
		for u := a; u != q; {
			k := &l.knots[u]
			k.prev, k.next = k.next, k.prev
			u = k.prev
		}
		p.next, y.prev = s.y, s.p
		l.knots[a].next, l.knots[q].prev = q, a
	} else {
		b := &l.knots[s.b]
		c := b.next
		p.next, l.knots[c].prev = c, s.p
		y.next, l.knots[a].prev = a, s.y
		b.next, l.knots[q].prev = q, s.b
	}
	l.renew(p.route)
}
