package routing

// The short way for shifts with one break and one pace, the most common day:
// the same as the loops over labels in clock.go and insert.go, written out for
// the two labels before and after the break.

// rest returns when a team that sets out at t and takes the break on a way of
// so many seconds gets there, or never.
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

// unrest returns the last moment to set out so as to get there at t with the
// break on the way, or -never.
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

// reachOne is reach with one break.
func (c *core) reachOne(d *crewDay, left, setup, before, after int32, s *node) (int32, int32) {
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

// fitsOne is fits for a shift with one break: the ways to and from u are in
// and on, the setup at u and at the next stop (v, none if negative) as given.
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

// renewOne is renew for a shift with one break.
func (p *plan) renewOne(r, lo, hi int32) {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	n := int32(len(seq))
	a, from := p.before(r, lo)
	t0, t1 := from[0], from[1]
	for i := lo; i < n; i++ {
		u := seq[i]
		s := &c.stops[u]
		p.route[u], p.pos[u] = r, i
		left, setup := int32(0), s.setup
		if a >= 0 {
			left = d.dur[a*d.places+s.place]
		}
		if a == s.place {
			setup = 0
		}
		t0, t1 = c.reachOne(d, left, setup, t0, t1, s)
		p.dep[2*u], p.dep[2*u+1] = t0, t1
		p.into[u], p.soon[u] = left, min(t0, t1)
		a = s.place
	}
	p.home[r] = 0
	if n > 0 && d.end >= 0 {
		p.home[r] = d.dur[c.stops[seq[n-1]].place*d.places+d.end]
	}
	hi = min(hi, n-1)
	if hi < int32(len(d.pins)) {
		return
	}
	b := &d.breaks[0]
	// What lies behind: the place, and the latest times to be there, ready.
	z, late0, late1 := d.end, int32(-1), d.latest
	if hi < n-1 {
		v := seq[hi+1]
		z, late0, late1 = c.stops[v].place, p.lat[2*v], p.lat[2*v+1]
		if c.stops[seq[hi]].place != z {
			late0 -= c.stops[v].setup
			late1 -= c.stops[v].setup
		}
	}
	for i := hi; i >= int32(len(d.pins)); i-- {
		u := seq[i]
		s := &c.stops[u]
		left := int32(0)
		if z >= 0 {
			left = d.dur[s.place*d.places+z]
		}
		out0, out1 := late0-left, late1-left
		if late1 >= 0 {
			out0 = max(out0, c.unrest(b, left, late1))
		}
		late0, late1 = c.last(s.w0, s.w1, out0-s.service), c.last(s.w0, s.w1, out1-s.service)
		p.lat[2*u], p.lat[2*u+1], p.late[u] = late0, late1, late1
		z = s.place
		if i > 0 && c.stops[seq[i-1]].place != z {
			late0 -= s.setup
			late1 -= s.setup
		}
	}
}
