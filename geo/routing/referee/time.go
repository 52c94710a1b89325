package referee

import "doorstep/geo/routing"

// journey is a drive from one place to another, which may be interrupted by breaks
// and during which the matrix may change with the hour.
type journey struct {
	m    *routing.Matrix
	cell int
	rest int  // remaining seconds by the matrix of hour; -1 before departure
	hour int  // index into Matrix.Hours plus 1; 0 before the first
	none bool // start or end has no place: there is nothing to drive
}

func newJourney(m *routing.Matrix, from, to int) *journey {
	if from < 0 || to < 0 || from >= m.Places || to >= m.Places {
		return &journey{none: true}
	}
	return &journey{m: m, cell: from*m.Places + to, rest: -1}
}

// pace returns the seconds of the whole drive by the matrix of hour h; 0 means
// before the first hour.
func (j *journey) pace(h int) int {
	durations := j.m.Durations
	if h > 0 {
		durations = j.m.Hours[h-1].Durations
	}
	if durations[j.cell] == routing.NoWay {
		return 4 * routing.MaxSeconds // more than any shift has
	}
	return int(durations[j.cell])
}

// drive continues the journey from t on, at most until the given time, and returns
// the seconds driven.
func (j *journey) drive(t, until int) int {
	if j.none {
		return 0
	}
	spent := 0
	for {
		h, change := 0, until
		for i, hour := range j.m.Hours {
			if hour.From <= t {
				h = i + 1
			} else {
				change = min(change, hour.From)
				break
			}
		}
		switch {
		case j.rest < 0:
			j.rest, j.hour = j.pace(h), h
		case j.hour != h && j.rest > 0 && t < until:
			old, pace := j.pace(j.hour), j.pace(h)
			scaled := j.rest * pace
			j.rest = scaled / old
			if scaled%old > 0 {
				j.rest++
			}
			j.hour = h
		}
		if j.rest == 0 || t >= until {
			return spent
		}
		step := min(j.rest, change-t)
		j.rest -= step
		spent += step
		t += step
	}
}

// opening returns the first second of the windows that is not before t, or -1.
func opening(ws []routing.Window, t int) int {
	if len(ws) == 0 {
		return t
	}
	for _, w := range ws {
		if t <= w.To {
			return max(t, w.From)
		}
	}
	return -1
}

// clock is the state of a route after some of its stops.
type clock struct {
	place int   // of the last stop, or of the start
	free  []int // by number of breaks taken, the earliest departure; -1 if it cannot be
}

// travel moves the team to a place and takes some of the remaining breaks on the
// way. It calls there for each possible number of breaks taken, with the arrival.
func (k *checker) travel(shift int, c clock, to int, there func(taken, at int)) {
	sh := &k.p.Shifts[shift]
	for taken, t := range c.free {
		if t < 0 {
			continue
		}
		j := newJourney(&k.p.Matrices[sh.Matrix], c.place, to)
		for n := taken; ; n++ {
			stay := *j
			there(n, t+stay.drive(t, 1<<40))
			if n == len(sh.Breaks) {
				break
			}
			b := opening(sh.Breaks[n].Windows, t)
			if b < 0 {
				break
			}
			j.drive(t, b)
			t = b + sh.Breaks[n].Service
		}
	}
}

// visit returns the clock after one more stop; pin is nil if the stop is not pinned.
func (k *checker) visit(shift int, c clock, stop int, pin *routing.Pin) clock {
	u := &k.p.Stops[stop]
	after := clock{u.Place, make([]int, len(c.free))}
	for i := range after.free {
		after.free[i] = -1
	}
	setup := u.Setup
	if c.place == u.Place {
		setup = 0
	}
	if pin != nil && pin.Fixed {
		for i, t := range c.free {
			if t >= 0 && t <= pin.At {
				after.free[i] = pin.At + u.Service
			}
		}
	}
	k.travel(shift, c, u.Place, func(taken, at int) {
		if pin != nil && pin.Fixed {
			if at <= pin.At {
				after.free[taken] = pin.At + u.Service
			}
			return
		}
		if t := opening(u.Windows, at+setup); t >= 0 && (after.free[taken] < 0 || t+u.Service < after.free[taken]) {
			after.free[taken] = t + u.Service
		}
	})
	return after
}

// depart returns the clock of a shift at its start.
func (k *checker) depart(shift int) clock {
	sh := &k.p.Shifts[shift]
	c := clock{sh.Start, make([]int, len(sh.Breaks)+1)}
	for i := range c.free {
		c.free[i] = -1
	}
	c.free[0] = sh.Window.From
	return c
}

// done returns the earliest end of the shift after clock c with all breaks taken, or -1.
func (k *checker) done(shift int, c clock) int {
	end := -1
	k.travel(shift, c, k.p.Shifts[shift].End, func(taken, at int) {
		if taken == len(k.p.Shifts[shift].Breaks) && (end < 0 || at < end) {
			end = at
		}
	})
	return end
}
