package routing

// This file computes travel and time within a shift. A drive has remaining seconds by
// the durations of one hour. When the hour changes, the rest is scaled to the new
// durations and rounded up. Leaving earlier never means arriving later.

// way is a drive that has begun.
type way struct {
	cell int32 // in the matrices
	left int32 // remaining seconds by the durations of hour
	hour int32 // index in hours, -1 before the first
}

// hourAt returns the index of the hour that holds at t, -1 before the first.
func (d *shiftData) hourAt(t int32) int32 {
	h := int32(-1)
	for int(h+1) < len(d.hours) && int32(d.hours[h+1].From) <= t {
		h++
	}
	return h
}

// pace returns the seconds of a whole drive in an hour.
func (d *shiftData) pace(cell, hour int32) int32 {
	if hour < 0 {
		return d.dur[cell]
	}
	return d.hours[hour].Durations[cell]
}

// begin starts a drive from place a to place b at t. It has no seconds if either is
// NoPlace.
func (d *shiftData) begin(a, b, t int32) way {
	if a < 0 || b < 0 {
		return way{}
	}
	w := way{cell: a*d.places + b, hour: -1}
	if len(d.hours) > 0 {
		w.hour = d.hourAt(t)
	}
	w.left = d.pace(w.cell, w.hour)
	return w
}

// drive continues a drive at t until it ends or until the given time, whichever is
// first, and returns the seconds driven.
func (d *shiftData) drive(w *way, t, until int32) int32 {
	if len(d.hours) == 0 {
		s := min(w.left, until-t)
		w.left -= s
		return s
	}
	begun := t
	for w.left > 0 && t < until {
		if h := d.hourAt(t); h != w.hour {
			was := int64(d.pace(w.cell, w.hour))
			w.left = int32((int64(w.left)*int64(d.pace(w.cell, h)) + was - 1) / was)
			w.hour = h
			continue
		}
		s := min(w.left, until-t)
		if int(w.hour+1) < len(d.hours) {
			s = min(s, int32(d.hours[w.hour+1].From)-t)
		}
		w.left -= s
		t += s
	}
	return t - begun
}

// next returns the first second of the windows that is not before t, or never.
func (c *core) next(w0, w1, t int32) int32 {
	for ; w0 < w1; w0++ {
		w := &c.windows[w0]
		if t <= w.to {
			return max(t, w.from)
		}
	}
	return never
}

// last returns the last second of the windows that is not after t, or -never.
func (c *core) last(w0, w1, t int32) int32 {
	for w1--; w1 >= w0; w1-- {
		w := &c.windows[w1]
		if t >= w.from {
			return min(t, w.to)
		}
	}
	return -never
}

// leg returns when a team that leaves place a at t reaches place b if it takes the
// breaks from k up to but not including k2 on the way. Each break starts as early as
// its windows allow, and the team drives until then.
func (c *core) leg(d *shiftData, a, b, t int32, k, k2 int) int32 {
	if len(d.hours) == 0 {
		left := int32(0)
		if a >= 0 && b >= 0 {
			left = d.dur[a*d.places+b]
		}
		return c.legOf(d, left, t, k, k2)
	}
	w := d.begin(a, b, t)
	for ; k < k2; k++ {
		p := &d.breaks[k]
		s := c.next(p.w0, p.w1, t)
		if s >= never {
			return never
		}
		d.drive(&w, t, s)
		t = s + p.service
	}
	return t + d.drive(&w, t, never)
}

// legOf is leg for a drive that takes the same time at any hour.
func (c *core) legOf(d *shiftData, left, t int32, k, k2 int) int32 {
	for ; k < k2; k++ {
		p := &d.breaks[k]
		s := t
		if w := &c.windows[p.w0]; s < w.from {
			s = w.from
		} else if s > w.to {
			if s = c.next(p.w0, p.w1, t); s >= never {
				return never
			}
		}
		left -= min(left, s-t)
		t = s + p.service
	}
	return t + left
}

// back returns the latest departure from a with which a team reaches b at t or
// earlier, with the breaks from k up to k2 on the way, or -never.
func (c *core) back(d *shiftData, a, b, t int32, k, k2 int) int32 {
	if t < 0 {
		return -never
	}
	if len(d.hours) > 0 {
		if c.leg(d, a, b, 0, k, k2) > t {
			return -never
		}
		lo, hi := int32(0), t
		for lo < hi {
			mid := (lo + hi + 1) / 2
			if c.leg(d, a, b, mid, k, k2) <= t {
				lo = mid
			} else {
				hi = mid - 1
			}
		}
		return lo
	}
	left := int32(0)
	if a >= 0 && b >= 0 {
		left = d.dur[a*d.places+b]
	}
	for k2--; k2 >= k; k2-- {
		p := &d.breaks[k2]
		s := c.last(p.w0, p.w1, t-p.service)
		if s < 0 {
			return -never
		}
		left -= min(left, t-p.service-s)
		t = s
	}
	if t < left {
		return -never
	}
	return t - left
}

// reach fills out with the earliest departures from u of a team that left place a at
// the times of in. Index k stands for k breaks taken.
func (c *core) reach(d *shiftData, a int32, in []int32, u int32, out []int32) {
	s := &c.stops[u]
	setup := s.setup
	if a == s.place {
		setup = 0
	}
	n := len(d.breaks)
	for k := 0; k <= n; k++ {
		out[k] = never
	}
	for k := 0; k <= n; k++ {
		if in[k] >= never {
			continue
		}
		for k2 := k; k2 <= n; k2++ {
			t := c.leg(d, a, s.place, in[k], k, k2)
			if t >= never {
				break
			}
			t = c.next(s.w0, s.w1, t+setup)
			if t <= d.latest-s.service {
				out[k2] = min(out[k2], t+s.service)
			}
		}
	}
}

// reachFixed is reach for a pin with a fixed start. A drive without a break may have
// been faster than the matrix.
func (c *core) reachFixed(d *shiftData, a int32, in []int32, u, at int32, out []int32) {
	s := &c.stops[u]
	n := len(d.breaks)
	for k := 0; k <= n; k++ {
		out[k] = never
	}
	for k := 0; k <= n && at+s.service <= d.latest; k++ {
		if in[k] > at {
			continue
		}
		out[k] = at + s.service
		for k2 := k + 1; k2 <= n; k2++ {
			if c.leg(d, a, s.place, in[k], k, k2) <= at {
				out[k2] = at + s.service
			}
		}
	}
}

// finish returns the earliest end of the shift of a team that left place a at the
// times of in.
func (c *core) finish(d *shiftData, a int32, in []int32) int32 {
	n, end := len(d.breaks), never
	for k := 0; k <= n; k++ {
		if in[k] < never {
			end = min(end, c.leg(d, a, d.end, in[k], k, n))
		}
	}
	return end
}

// backFrom fills out with the latest starts at u. next is the stop after it, with
// its own latest starts in then, or -1 for the end of the shift, due at latest.
func (c *core) backFrom(d *shiftData, u, next int32, then []int32, latest int32, out []int32) {
	s := &c.stops[u]
	n := len(d.breaks)
	for k := 0; k <= n; k++ {
		best := -never
		if next < 0 {
			best = c.back(d, s.place, d.end, latest, k, n)
		} else {
			v := &c.stops[next]
			setup := v.setup
			if v.place == s.place {
				setup = 0
			}
			for k2 := k; k2 <= n; k2++ {
				if then[k2] >= 0 {
					best = max(best, c.back(d, s.place, v.place, then[k2]-setup, k, k2))
				}
			}
		}
		out[k] = c.last(s.w0, s.w1, best-s.service)
	}
}
