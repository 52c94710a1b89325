package routing

import "slices"

// piece is a part of a day, some neighbouring routes, planned as a day of its
// own.
type piece struct {
	p      Problem
	c      *core
	stops  []int32 // of the whole day
	shifts []int32
	day    keepsake
}

// spareShifts is how many idle shifts a piece may have besides.
const spareShifts = 2

// cutPiece takes those routes of open stops that are nearest to the seed, with
// about so many stops. Everything must be served.
func (s *search) cutPiece(seed int32, size int, open []bool) *piece {
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
	k := &piece{}
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
	// Only the places it needs, so that they fit into the cache.
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
		panic("routing: a piece of a sound problem is not sound: " + fault.Error())
	}
	k.c.setNear(nearest)
	return k
}

// putPiece takes over the routes found for the piece.
func (s *search) putPiece(k *piece, day *keepsake) {
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

// Days that a piece's population begins with, besides what is there.
const (
	varied    = 8
	varySteps = 20 // of the walk that makes one, for each stop
	fewRandom = 8
)

// breedPieces breeds piece after piece of the day until the end. A round of
// pieces covers the day and is cut from outside inwards, each time differently.
func (s *search) breedPieces(w *watch, size int) {
	s.p.load(&s.best)
	open, left := make([]bool, s.c.n), 0
	for done := w.done(); done < 1; {
		if left == 0 {
			for u := range open {
				open[u] = true
			}
			left = s.c.n
		}
		k := s.cutPiece(s.outermost(open), size, open)
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
		h := newBreeding(in, w.t.over)
		h.settle(&k.day)
		for i := 0; i < brood*k.c.n; i++ {
			if done = w.done(); done >= until {
				break
			}
			switch {
			case i < varied:
				steps := varySteps * k.c.n
				h.vary(&k.day, steps)
				w.steps += steps
			case i < varied+fewRandom:
				h.scatter()
			default:
				h.step()
			}
			w.steps += max(1, k.c.n/childCost)
		}
		if in.bestC < before {
			s.putPiece(k, &in.best)
		}
		w.alone = false
		done = w.done()
	}
}

// outermost returns an open stop far from the first shift's start.
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
