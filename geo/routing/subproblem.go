package routing

import "slices"

// subproblem is some neighbouring routes, to be solved as a problem of its own.
type subproblem struct {
	p      Problem
	c      *core
	stops  []int32 // by stop of the subproblem, the stop of the whole problem
	shifts []int32 // the same for shifts
	day    snapshot
}

// spareShifts is how many idle shifts of each class a subproblem has besides.
const spareShifts = 2

// newSubproblem takes the routes of open stops that are nearest to the seed, with
// about size stops. Every stop must be served.
func (s *search) newSubproblem(seed int32, size int, open []bool) *subproblem {
	c, p := s.c, s.p
	m := &c.p.Matrices[c.p.Shifts[0].Matrix]
	type far struct {
		d int64
		u int32
	}
	var all []far
	a := int(c.stops[seed].place)
	for u := range open {
		if open[u] {
			b := int(c.stops[u].place)
			all = append(all, far{int64(m.Durations[a*m.Places+b]) + int64(m.Durations[b*m.Places+a]), int32(u)})
		}
	}
	slices.SortFunc(all, func(x, y far) int {
		if x.d != y.d {
			return cmpInt64(x.d, y.d)
		}
		return int(x.u - y.u)
	})
	k := &subproblem{}
	s.ask++
	for _, f := range all {
		r := p.route[f.u]
		if s.seen[r] == s.ask {
			continue
		}
		if len(k.stops) >= size && len(k.stops)+size/3 < len(all) {
			break
		}
		s.seen[r] = s.ask
		k.shifts = append(k.shifts, r)
		k.day.from = append(k.day.from, int32(len(k.stops)))
		for range p.seq[r] {
			k.day.seq = append(k.day.seq, int32(len(k.day.seq)))
		}
		k.stops = append(k.stops, p.seq[r]...)
	}
	s.setSpare()
	for _, first := range s.spare {
		left := spareShifts
		for r := range c.shifts {
			if left > 0 && c.class[r] == first && len(p.seq[r]) == 0 {
				k.shifts = append(k.shifts, int32(r))
				k.day.from = append(k.day.from, int32(len(k.stops)))
				left--
			}
		}
	}
	k.day.from = append(k.day.from, int32(len(k.stops)))
	// The matrix has only the places that are needed, so that it fits into the cache.
	index := make([]int, m.Places)
	for i := range index {
		index[i] = -1
	}
	var places []int
	of := func(place int) int {
		if index[place] < 0 {
			index[place] = len(places)
			places = append(places, place)
		}
		return index[place]
	}
	for _, u := range k.stops {
		stop := c.p.Stops[u]
		stop.Place = of(stop.Place)
		stop.Skills, stop.Crew, stop.Shifts = nil, 0, nil
		for i, r := range k.shifts {
			if c.may(u, r) {
				stop.Shifts = append(stop.Shifts, i)
			}
		}
		k.p.Stops = append(k.p.Stops, stop)
	}
	for _, r := range k.shifts {
		shift := c.p.Shifts[r]
		shift.Matrix, shift.Start, shift.End = 0, of(shift.Start), of(shift.End)
		k.p.Shifts = append(k.p.Shifts, shift)
	}
	small := Matrix{Places: len(places), Durations: make([]int32, 0, len(places)*len(places))}
	for _, a := range places {
		for _, b := range places {
			small.Durations = append(small.Durations, m.Durations[a*m.Places+b])
		}
	}
	k.p.Matrices, k.p.Objective = []Matrix{small}, c.p.Objective
	var fault *Error
	k.c, fault = newCore(&k.p)
	if fault != nil {
		panic("routing: a subproblem of a valid problem is not valid: " + fault.Error())
	}
	k.c.setNear(nearest)
	return k
}

// applySubproblem replaces the routes of the subproblem by those found for it.
func (s *search) applySubproblem(k *subproblem, day *snapshot) {
	p := s.p
	for i, r := range k.shifts {
		p.seq[r] = p.seq[r][:0]
		for _, u := range day.route(i) {
			p.seq[r] = append(p.seq[r], k.stops[u])
		}
		p.renew(r, 0, int32(len(p.seq[r])-1))
		p.price(r)
	}
	s.now = s.objective()
	s.better()
}

// Members that the population of a subproblem begins with, besides the present routes.
const (
	varied    = 8
	varySteps = 20 // steps per stop of annealing that make a varied member
	fewRandom = 8
)

// geneticBySubproblem solves one subproblem after the other by genetic search until
// the search is over. Each round of subproblems covers all stops, from the outside
// inwards, each time differently.
func (s *search) geneticBySubproblem(w *watch, size int) {
	s.p.load(&s.best)
	open, left := make([]bool, s.c.n), 0
	for done := w.done(); done < 1; {
		if left == 0 {
			for u := range open {
				open[u] = true
			}
			left = s.c.n
		}
		k := s.newSubproblem(s.outermost(open), size, open)
		for _, u := range k.stops {
			open[u] = false
		}
		until := done + (1-done)*float64(len(k.stops))/float64(left)
		left -= len(k.stops)
		w.alone = true
		in := newSearch(k.c, s.g.next())
		in.p.load(&k.day)
		in.better()
		before := in.bestC
		h := newGenetic(in, w.t.over)
		h.addSolution(&k.day)
		for i := 0; i < childrenEach*k.c.n; i++ {
			if done = w.done(); done >= until {
				break
			}
			switch {
			case i < varied:
				steps := varySteps * k.c.n
				h.addVaried(&k.day, steps)
				w.steps += steps
			case i < varied+fewRandom:
				h.addRandom()
			default:
				h.step()
			}
			w.steps += max(1, k.c.n/childCost)
		}
		if in.bestC < before {
			s.applySubproblem(k, &in.best)
		}
		w.alone = false
		done = w.done()
	}
}

// outermost returns an open stop far from the start of the first shift, with some
// noise.
func (s *search) outermost(open []bool) int32 {
	best, far := int32(-1), -1.0
	for u := range open {
		if open[u] {
			if d := s.away(int32(u)) * (0.7 + 0.3*s.g.unit()); d > far {
				best, far = int32(u), d
			}
		}
	}
	return best
}
