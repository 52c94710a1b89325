package routing

// enough is the least gain of a move.
const enough = 1e-4

// longest is the largest number of stops of a string that a move takes.
const longest = 3

// improve makes moves until none of its neighbourhood gains. It tries for every stop
// u and each of its best predecessors v to bring v right before u. It returns false
// if the time is up before.
func (l *local) improve(over func() bool) bool {
	for i := range l.tested {
		l.tested[i] = -1
	}
	for i := range l.order {
		j := l.g.below(i + 1)
		l.order[i], l.order[j] = l.order[j], l.order[i]
	}
	for again, n := true, 0; again; {
		again = false
		for _, u := range l.order {
			if n++; n%256 == 0 && over() {
				return false
			}
			for l.improveAt(u) {
				again = true
			}
		}
	}
	return true
}

// improveAt makes one move at u that gains, and reports whether there was one.
func (l *local) improveAt(u int32) bool {
	k := &l.knots[u]
	was := l.tested[u]
	if l.days[k.route].changed > was {
		was = -1
	}
	began := l.clock
	origin := l.days[k.route].origin
	for _, v := range l.near[u*l.width : u*l.width+l.width] {
		a := &l.knots[v]
		d := &l.days[a.route]
		if k.prev == v || d.changed <= was || origin != 0 && d.origin == origin {
			continue // no gain is possible, or the moves were tried before
		}
		if a.route == k.route {
			if l.within(u, v) {
				return true
			}
			continue
		}
		if l.between(u, v) {
			return true
		}
		if a.prev >= l.n && l.between(u, a.prev) { // u as the first stop instead of v
			return true
		}
	}
	if was < 0 && origin == 0 {
		for _, r := range l.spare {
			a, _ := l.ends(r)
			if l.between(u, a) {
				return true
			}
		}
	}
	l.tested[u] = began
	return false
}

// trade is an exchange of two strings of stops of two routes: the string between p
// and q, and the string between x and z. The string from the knot after p up to b is
// empty if b is p itself.
type trade struct {
	p, b, q int32
	x, y, z int32
}

// between tries the moves that make v, which is in another route, the predecessor of
// u: strings that begin with u go behind v, strings that end in v go before u, each
// alone or in exchange for a string there, and tails are exchanged.
func (l *local) between(u, v int32) bool {
	ku, kv := &l.knots[u], &l.knots[v]
	ru, rv := &l.days[ku.route], &l.days[kv.route]
	leg := l.leg(kv, ku)
	owing := ru.price + rv.price
	// Skip moves that cannot gain even if they empty a route.
	most := owing + float64(max(ru.open, rv.open))
	if m := max(kv.out, ku.in); leg >= m && float64(leg-m) >= most && rv.stops > 0 {
		return false
	}
	best, gain := trade{}, -enough
	w, z := ku.prev, kv.next
	kw, kz := &l.knots[w], &l.knots[z]
	across := l.leg(kw, kz)
	base := leg - kv.out - ku.in
	// Strings that begin with u, for strings that begin behind v.
	for i, b := 0, u; i < longest && b < l.n; i++ {
		kb := &l.knots[b]
		q := kb.next
		kq := &l.knots[q]
		d := base - kb.out
		if x := d + l.leg(kb, kz) + l.leg(kw, kq); float64(x)-most < gain {
			t := trade{w, b, q, v, v, z}
			if x := l.weigh(&t, x, owing, gain); x < gain {
				best, gain = t, x
			}
		}
		d += across
		for j, y := 0, z; j < 2 && i < 2 && y < l.n; j++ {
			ky := &l.knots[y]
			if x := d - ky.out + l.leg(kb, &l.knots[ky.next]) + l.leg(ky, kq); float64(x)-most < gain {
				t := trade{w, b, q, v, y, ky.next}
				if x := l.weigh(&t, x, owing, gain); x < gain {
					best, gain = t, x
				}
			}
			y = ky.next
		}
		b = q
	}
	// Strings that end in v, for strings that end before u.
	for i, a := 0, v; i < longest && a < l.n; i++ {
		ka := &l.knots[a]
		p := ka.prev
		kp := &l.knots[p]
		d := base - ka.in
		if x := d + l.leg(kw, ka) + l.leg(kp, kz); float64(x)-most < gain {
			t := trade{w, w, u, p, v, z}
			if x := l.weigh(&t, x, owing, gain); x < gain {
				best, gain = t, x
			}
		}
		d += across
		for j, c := 0, w; j < 2 && i < 2 && c < l.n; j++ {
			kc := &l.knots[c]
			if x := d - kc.in + l.leg(&l.knots[kc.prev], ka) + l.leg(kp, kc); float64(x)-most < gain {
				t := trade{kc.prev, w, u, p, v, z}
				if x := l.weigh(&t, x, owing, gain); x < gain {
					best, gain = t, x
				}
			}
			c = kc.prev
		}
		a = p
	}
	if d := l.weighTails(u, v, leg, owing); d < gain {
		l.said = d
		l.swapTails(u, v)
		return true
	}
	if gain < -enough {
		l.said = gain
		l.exchange(&best)
		return true
	}
	return false
}

// weigh returns by how much a trade changes the cost; d is the change of travel. If
// that is not below bound, weigh may return any value that is not below bound.
func (l *local) weigh(t *trade, d int32, owing, bound float64) float64 {
	p, b, q := &l.knots[t.p], &l.knots[t.b], &l.knots[t.q]
	x, y, z := &l.knots[t.x], &l.knots[t.y], &l.knots[t.z]
	var a, c *knot // first of the strings
	if t.b != t.p {
		a = &l.knots[p.next]
	}
	if t.y != t.x {
		c = &l.knots[x.next]
	}
	one, two := &l.days[p.route], &l.days[x.route]
	// The trade may empty a route or use an idle shift.
	if two.stops == 0 {
		d += two.open
	}
	n, m := b.at-p.at, y.at-x.at
	if m == 0 && n == one.stops || n == 0 && m == two.stops {
		if m == 0 {
			d -= one.open
		} else {
			d -= two.open
		}
	}
	cost := float64(d) - owing
	if cost >= bound {
		return cost
	}
	la, lc := b.sum-p.sum, y.sum-x.sum
	if more := lc - la; one.load+more > one.capacity {
		if cost += float64(one.load+more-one.capacity) * l.perLoad; cost >= bound {
			return cost
		}
	}
	if more := la - lc; two.load+more > two.capacity {
		if cost += float64(two.load+more-two.capacity) * l.perLoad; cost >= bound {
			return cost
		}
	}
	if one.stops+m-n > one.maxStops || two.stops+n-m > two.maxStops {
		return bound
	}
	warp := int32(0)
	if a == nil {
		warp = l.chain(p, -1, -1, q)
	} else {
		warp = l.chain(x, p.next, t.b, z)
	}
	if cost += float64(warp) * l.perLate; cost >= bound {
		return cost
	}
	switch {
	case a == nil && c == nil:
		return bound
	case a == nil:
		// x .. z without its string, and p .. q with it
		warp = l.chain(x, -1, -1, z) + l.chain(p, x.next, t.y, q) - warp
	case c == nil:
		warp = l.chain(p, -1, -1, q)
	default:
		warp = l.chain(p, x.next, t.y, q)
	}
	if cost += float64(warp) * l.perLate; cost >= bound {
		return cost
	}
	if !l.free {
		for u, i := p.next, int32(0); i < n; i++ {
			if !l.c.may(u, x.route) {
				return bound
			}
			u = l.knots[u].next
		}
		for u, i := x.next, int32(0); i < m; i++ {
			if !l.c.may(u, p.route) {
				return bound
			}
			u = l.knots[u].next
		}
	}
	return cost
}

// chain returns the time warp of the route up to p, then the stops from first to
// last in their present order (none if first is negative), then from q on.
func (l *local) chain(p *knot, first, last int32, q *knot) int32 {
	t, paid := p.dep, p.paid
	for u := first; u >= 0; {
		k := &l.knots[u]
		t += l.leg(p, k)
		if t < k.from {
			t = k.from
		} else if t > k.to {
			paid += t - k.to
			t = k.to
		}
		t += k.service
		p = k
		if u == last {
			break
		}
		u = k.next
	}
	return paid + q.owed + max(0, t+l.leg(p, q)-q.due)
}

// weighTails returns by how much the cost changes if u and the stops behind it
// follow v, and the stops behind v follow the predecessor of u.
func (l *local) weighTails(u, v, leg int32, owing float64) float64 {
	ku, kv := &l.knots[u], &l.knots[v]
	w, z := &l.knots[ku.prev], &l.knots[kv.next]
	one, two := &l.days[ku.route], &l.days[kv.route]
	d := leg - kv.out - ku.in
	_, e1 := l.ends(ku.route)
	_, e2 := l.ends(kv.route)
	end1, end2 := &l.knots[e1], &l.knots[e2]
	if end1.place != end2.place {
		return 0
	}
	d += l.leg(w, z)
	if ku.prev >= l.n && kv.next >= l.n {
		d -= one.open
	}
	if two.stops == 0 {
		d += two.open
	}
	cost := float64(d) - owing
	if cost >= -enough {
		return cost
	}
	front1, front2 := w.sum, kv.sum
	load1, load2 := front1+two.load-front2, front2+one.load-front1
	stops1, stops2 := w.at+two.stops-kv.at, kv.at+one.stops-w.at
	if load1 > one.capacity {
		cost += float64(load1-one.capacity) * l.perLoad
	}
	if load2 > two.capacity {
		cost += float64(load2-two.capacity) * l.perLoad
	}
	if cost >= -enough || stops1 > one.maxStops || stops2 > two.maxStops {
		return 0
	}
	warp := kv.paid + ku.owed + max(0, kv.dep+leg-ku.due) + w.paid + z.owed + max(0, w.dep+l.leg(w, z)-z.due)
	if end1.due != end2.due {
		// The labels of the tails were computed for another end.
		warp = l.tail(kv, u, end2) + l.tail(w, kv.next, end1)
	}
	if cost += float64(warp) * l.perLate; cost >= -enough || l.free {
		return cost
	}
	for x := u; x < l.n; x = l.knots[x].next {
		if !l.c.may(x, kv.route) {
			return 0
		}
	}
	for x := kv.next; x < l.n; x = l.knots[x].next {
		if !l.c.may(x, ku.route) {
			return 0
		}
	}
	return cost
}

// tail returns the time warp of a route up to p, then from u on to another end.
func (l *local) tail(p *knot, u int32, end *knot) int32 {
	t, paid, w := p.dep, p.paid, int32(0)
	for ; u < l.n; u = l.knots[u].next {
		k := &l.knots[u]
		t, w = k.reachAt(t + l.leg(p, k))
		paid += w
		p = k
	}
	return paid + max(0, t+l.leg(p, end)-end.due)
}

// exchange makes a trade.
func (l *local) exchange(t *trade) {
	p, q, x, z := &l.knots[t.p], &l.knots[t.q], &l.knots[t.x], &l.knots[t.z]
	a, c := p.next, x.next
	one, two := p.route, x.route
	if t.y != t.x {
		p.next, l.knots[c].prev = c, t.p
		q.prev, l.knots[t.y].next = t.y, t.q
	} else {
		p.next, q.prev = t.q, t.p
	}
	if t.b != t.p {
		x.next, l.knots[a].prev = a, t.x
		z.prev, l.knots[t.b].next = t.b, t.z
	} else {
		x.next, z.prev = t.z, t.x
	}
	l.changed(one, two)
}

// swapTails makes u follow v, and the stops behind v follow the predecessor of u
// (2-opt*).
func (l *local) swapTails(u, v int32) {
	ku, kv := &l.knots[u], &l.knots[v]
	one, two := ku.route, kv.route
	_, e1 := l.ends(one)
	_, e2 := l.ends(two)
	w, z := ku.prev, kv.next
	last1, last2 := l.knots[e1].prev, l.knots[e2].prev
	kv.next, ku.prev = u, v
	l.knots[last1].next, l.knots[e2].prev = e2, last1
	if z == e2 {
		l.knots[w].next, l.knots[e1].prev = e1, w
	} else {
		l.knots[w].next, l.knots[z].prev = z, w
		l.knots[last2].next, l.knots[e1].prev = e1, last2
	}
	l.changed(one, two)
}

func (l *local) changed(one, two int32) {
	idle := l.days[one].stops == 0 || l.days[two].stops == 0
	l.renew(one)
	l.renew(two)
	if idle || l.days[one].stops == 0 || l.days[two].stops == 0 {
		l.setSpare()
	}
}
