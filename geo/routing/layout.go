package routing

// trip is the sums of a route with exact times. ok is false if the route cannot be
// in time.
type trip struct {
	ok                           bool
	start, end                   int
	travel, distance             int
	setup, service, wait, breaks int
	moves                        int64 // cost of stops at another time than before
}

// sheet is scratch space for layOut.
type sheet struct {
	dep, lat []int32
	at       []int8
	first    [MaxBreaks + 1]int32
}

// layOut computes the times of route r with these stops: the route ends as early as
// possible and, given that end, starts as late as possible. It appends the steps to
// steps unless that is nil.
func (c *core) layOut(r int32, seq []int32, w *sheet, steps *[]Step) trip {
	d := &c.shifts[r]
	n, k := len(seq), len(d.breaks)+1
	if need := n * k; cap(w.dep) < need {
		w.dep, w.lat = make([]int32, 2*need), make([]int32, 2*need)
	}
	if cap(w.at) < n+1 {
		w.at = make([]int8, 2*n+2)
	}
	for i := range w.first {
		w.first[i] = never
	}
	w.first[0] = d.from
	if n == 0 {
		return trip{}
	}
	end := c.forward(d, seq, w)
	if end > d.latest {
		return trip{}
	}
	if len(d.pins) == 0 {
		lat := w.lat[:n*k]
		for i := n - 1; i >= 0; i-- {
			if i == n-1 {
				c.backFrom(d, seq[i], -1, nil, end, lat[i*k:])
			} else {
				c.backFrom(d, seq[i], seq[i+1], lat[(i+1)*k:], end, lat[i*k:])
			}
		}
		begin, s := -never, &c.stops[seq[0]]
		setup := s.setup
		if d.start == s.place {
			setup = 0
		}
		for j := 0; j < k; j++ {
			if lat[j] >= 0 {
				begin = max(begin, c.back(d, d.start, s.place, lat[j]-setup, 0, j))
			}
		}
		if begin > w.first[0] {
			w.first[0] = begin
			end = c.forward(d, seq, w)
		}
	}
	c.trace(d, seq, w, end)
	return c.writeSteps(r, seq, w, steps)
}

// forward fills the labels of the sheet from the start on and returns the earliest
// end.
func (c *core) forward(d *shiftData, seq []int32, w *sheet) int32 {
	k := len(d.breaks) + 1
	a, in := d.start, w.first[:]
	for i, u := range seq {
		out := w.dep[i*k : i*k+k]
		if i < len(d.pins) && d.pins[i].Fixed {
			c.reachFixed(d, a, in, u, int32(d.pins[i].At), out)
		} else {
			c.reach(d, a, in, u, out)
		}
		a, in = c.stops[u].place, out
	}
	return c.finish(d, a, in)
}

// trace finds, from the end back, how many breaks are taken before each stop.
func (c *core) trace(d *shiftData, seq []int32, w *sheet, end int32) {
	n, k := len(seq), len(d.breaks)+1
	at := w.at[:n]
	now, want := int8(k-1), end
	for i := n; i > 0; i-- {
		in := w.dep[(i-1)*k : i*k]
		a := c.stops[seq[i-1]].place
		for j := now; j >= 0; j-- {
			if in[j] < never && c.arriveAt(d, seq, i, a, in[j], int(j), int(now)) == want {
				now, want = j, in[j]
				break
			}
		}
		at[i-1] = now
	}
}

// arriveAt returns the departure from the stop at position i (or the arrival at the
// end) of a team that leaves place a at t and takes the breaks from k up to k2 on
// the way.
func (c *core) arriveAt(d *shiftData, seq []int32, i int, a, t int32, k, k2 int) int32 {
	if i == len(seq) {
		return c.leg(d, a, d.end, t, k, k2)
	}
	s := &c.stops[seq[i]]
	if i < len(d.pins) && d.pins[i].Fixed {
		at := int32(d.pins[i].At)
		if t > at || k2 > k && c.leg(d, a, s.place, t, k, k2) > at {
			return never
		}
		return at + s.service
	}
	t = c.leg(d, a, s.place, t, k, k2)
	if t >= never {
		return never
	}
	if a != s.place {
		t += s.setup
	}
	return c.next(s.w0, s.w1, t) + s.service
}

// writeSteps computes steps and sums of a traced route.
func (c *core) writeSteps(r int32, seq []int32, w *sheet, steps *[]Step) trip {
	d := &c.shifts[r]
	note := func(s Step) {
		if steps != nil {
			*steps = append(*steps, s)
		}
	}
	t := trip{ok: true, start: int(w.first[0])}
	now, a, taken := w.first[0], d.start, 0
	note(Step{Kind: StepStart, Index: -1, Place: int(a), Arrival: int(now)})
	for i := 0; i <= len(seq); i++ {
		b, upto := d.end, len(d.breaks)
		if i < len(seq) {
			b, upto = c.stops[seq[i]].place, int(w.at[i])
		}
		drive := d.begin(a, b, now)
		direct := taken == upto
		for ; taken < upto; taken++ {
			p := &d.breaks[taken]
			s := c.next(p.w0, p.w1, now)
			gone := d.drive(&drive, now, s)
			note(Step{Kind: StepBreak, Index: taken, Place: NoPlace, Arrival: int(now + gone), Travel: int(gone),
				Wait: int(s - now - gone), Service: int(p.service)})
			t.travel += int(gone)
			t.wait += int(s - now - gone)
			t.breaks += int(p.service)
			now = s + p.service
		}
		step := Step{Kind: StepStop, Place: int(b)}
		if a >= 0 && b >= 0 && d.dist != nil {
			step.Distance = int(d.dist[a*d.places+b])
		}
		gone := d.drive(&drive, now, never)
		if i == len(seq) {
			step.Kind, step.Index = StepEnd, -1
			step.Arrival, step.Travel = int(now+gone), int(gone)
			note(step)
			t.travel += int(gone)
			t.distance += step.Distance
			t.end = int(now + gone)
			break
		}
		u := seq[i]
		s := &c.stops[u]
		setup := s.setup
		if a == b {
			setup = 0
		}
		begin := int32(0)
		if i < len(d.pins) && d.pins[i].Fixed {
			begin = int32(d.pins[i].At)
			if direct {
				gone = min(gone, begin-now)
			}
			setup = min(setup, begin-now-gone)
		} else {
			begin = c.next(s.w0, s.w1, now+gone+setup)
		}
		step.Index, step.Arrival, step.Travel = int(u), int(now+gone), int(gone)
		step.Setup, step.Wait, step.Service = int(setup), int(begin-setup-gone-now), int(s.service)
		note(step)
		t.travel += int(gone)
		t.distance += step.Distance
		t.setup += int(setup)
		t.wait += step.Wait
		t.service += int(s.service)
		t.moves += c.shifted(u, int(begin))
		now, a = begin+s.service, b
	}
	return t
}

// shifted returns what Stability.Move charges for a start of u at begin.
func (c *core) shifted(u int32, begin int) int64 {
	e := c.p.Stops[u].Earlier
	if e == nil || max(begin-e.Start, e.Start-begin) <= c.p.Stability.Tolerance {
		return 0
	}
	return c.p.Stability.Move
}
