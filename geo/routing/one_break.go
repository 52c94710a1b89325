package routing

// This file has the functions of clock.go, insert.go and plan.go for shifts with one
// break and no hours, which are the most common. They compute the same without loops:
// there are two labels, before and after the break.

// rest returns when a team that departs at t and takes the break during a drive of
// left seconds arrives, or never.
func (c *core) rest(b *pause, left, t int32) int32 {
	s, w := t, &c.windows[b.w0]
	if s < w.from {
		s = w.from
	} else if s > w.to {
		if s = c.next(b.w0, b.w1, t); s >= never {
			return never
		}
	}
	return s + b.service + max(0, left-(s-t))
}

// unrest returns the latest departure with which a team that takes the break during
// a drive of left seconds arrives at t, or -never.
func (c *core) unrest(b *pause, left, t int32) int32 {
	s := c.last(b.w0, b.w1, t-b.service)
	if s < 0 {
		return -never
	}
	if s -= max(0, left-(t-b.service-s)); s < 0 {
		return -never
	}
	return s
}

// serve returns when the service at s is done if the team is ready at t.
func (c *core) serve(s *node, t int32) int32 {
	if t < s.from {
		t = s.from
	} else if t > s.to {
		if t = c.next(s.w0, s.w1, t); t >= never {
			return never
		}
	}
	return t + s.service
}

// reachOne is reach: before and after are the departures without and with the break,
// left is the drive.
func (c *core) reachOne(d *shiftData, left, setup, before, after int32, s *node) (int32, int32) {
	b, out0, out1 := &d.breaks[0], never, never
	if before < never {
		out0 = c.serve(s, before+left+setup)
		if t := c.rest(b, left, before); t < never {
			out1 = c.serve(s, t+setup)
		}
	}
	if after < never {
		out1 = min(out1, c.serve(s, after+left+setup))
	}
	if out0 > d.latest {
		out0 = never
	}
	if out1 > d.latest {
		out1 = never
	}
	return out0, out1
}

// fitsOne is fits: in and on are the legs to and from u, setup and setup2 the setups
// at u and at the next stop v; v is negative if u is the last.
func (p *plan) fitsOne(r, i, u, v, in, on, setup, setup2 int32) bool {
	c, d := p.c, &p.c.shifts[r]
	_, from := p.before(r, i)
	out0, out1 := c.reachOne(d, in, setup, from[0], from[1], &c.stops[u])
	late0, late1 := int32(-1), d.latest
	if v >= 0 {
		late0, late1 = p.lat[2*v], p.lat[2*v+1]
	}
	if out1 < never && out1+on+setup2 <= late1 {
		return true
	}
	if out0 >= never {
		return false
	}
	return out0+on+setup2 <= late0 || c.rest(&d.breaks[0], on, out0)+setup2 <= late1
}

// renewOne is renew.
func (p *plan) renewOne(r, lo, hi int32) {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	n := int32(len(seq))
	posts := p.posting(r)
	a, from := p.before(r, lo)
	t0, t1 := from[0], from[1]
	b := &d.breaks[0]
	hi = min(hi, n-1)
	most, pins := int32(0), int32(len(d.pins))
	for i := lo; i < n; i++ {
		u := seq[i]
		s := &c.stops[u]
		p.route[u], p.pos[u] = r, i
		left, setup := d.duration(a, s.place), s.setup
		if a == s.place {
			setup = 0
		}
		x := post{place: s.place, into: left}
		if i > hi {
			x.late = p.lat[2*u+1]
			x.room = max(p.lat[2*u]-t0, x.late-min(t1, t0+b.service))
			most = max(most, x.room)
		}
		t0, t1 = c.reachOne(d, left, setup, t0, t1, s)
		p.dep[2*u], p.dep[2*u+1] = t0, t1
		x.soon = min(t0, t1)
		posts[i] = x
		a = s.place
	}
	posts[n].room = d.latest - min(t1, t0+b.service)
	most = max(most, posts[n].room)
	if n > 0 {
		posts[n].into = d.duration(a, d.end)
	}
	// The latest times to be ready at the next stop, from the last one back.
	late0, late1 := int32(-1), d.latest
	if hi < n-1 {
		v := seq[hi+1]
		late0, late1 = p.lat[2*v], p.lat[2*v+1]
		if hi >= 0 && posts[hi].place != posts[hi+1].place {
			late0 -= c.stops[v].setup
			late1 -= c.stops[v].setup
		}
	}
	for i := hi; i >= pins; i-- {
		u := seq[i]
		s, x := &c.stops[u], &posts[i]
		left := posts[i+1].into
		out0, out1 := late0-left, late1-left
		if late1 >= 0 {
			out0 = max(out0, c.unrest(b, left, late1))
		}
		late0, late1 = c.last(s.w0, s.w1, out0-s.service), c.last(s.w0, s.w1, out1-s.service)
		p.lat[2*u], p.lat[2*u+1], x.late = late0, late1, late1
		_, from := p.before(r, i)
		x.room = max(late0-from[0], late1-min(from[1], from[0]+b.service))
		most = max(most, x.room)
		if i > 0 && posts[i-1].place != s.place {
			late0 -= s.setup
			late1 -= s.setup
		}
	}
	p.most[r] = most
}

// times returns the earliest end of route r, which must have stops, and the latest
// begin with which it ends then.
func (p *plan) times(r int32) (begin, end int) {
	c, d, seq, posts := p.c, &p.c.shifts[r], p.seq[r], p.posts[r]
	b, n := &d.breaks[0], len(seq)
	t0, t1 := p.dep[2*seq[n-1]], p.dep[2*seq[n-1]+1]
	last := never
	if t1 < never {
		last = t1 + posts[n].into
	}
	if t0 < never {
		last = min(last, c.rest(b, posts[n].into, t0))
	}
	late0, late1 := int32(-1), last
	for i := n; ; i-- {
		left := posts[i].into
		out0, out1 := late0-left, late1-left
		if late1 >= 0 {
			out0 = max(out0, c.unrest(b, left, late1))
		}
		if i == 0 {
			return int(max(d.from, out0)), int(last)
		}
		s := &c.stops[seq[i-1]]
		late0, late1 = c.last(s.w0, s.w1, out0-s.service), c.last(s.w0, s.w1, out1-s.service)
		if i == 1 && d.start != s.place || i > 1 && posts[i-2].place != s.place {
			late0 -= s.setup
			late1 -= s.setup
		}
	}
}
