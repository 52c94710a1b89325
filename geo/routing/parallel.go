package routing

import (
	"cmp"
	"math"
	"slices"
)

// Several searches work on one solution by dividing its routes among them. Ruin and
// recreate changes neighbouring routes only, so the changes of all searches fit together
// into one solution. After each round the routes are divided differently.
const (
	rounds    = 400
	roundEach = 0.5 // least steps per stop in a round
	partLeast = 3   // least routes in a part, on average
)

// part is what one search may change in a round.
type part struct {
	mine  []bool  // by shift
	seeds []int32 // the stops of those shifts and the unassigned stops near them
}

// canPart reports whether the routes can be divided among n searches: a change in
// one part must not cost anything in another.
func (s *search) canPart(n int) bool {
	used := 0
	for _, seq := range s.p.seq {
		if len(seq) > 0 {
			used++
		}
	}
	return n > 1 && s.p.even.by == BalanceNone && used >= n*partLeast
}

// runParts is run with annealing alone and n searches, each in a goroutine of its
// own for the time of a round. The same seed and number of steps give the same
// result.
func (s *search) runParts(t *timer, opts Options, n int) int {
	w := watch{t: t, s: s, tell: opts.Progress, toldW: -1}
	crew := make([]*search, n)
	for i := range crew {
		crew[i] = newSearch(s.c, opts.Seed+uint64(i+1)*0x9e3779b97f4a7c15)
		crew[i].bestW, crew[i].varying = math.MinInt64, true
		crew[i].part = &part{mine: make([]bool, len(s.c.shifts))}
	}
	t.often = true
	var day, best snapshot
	steps := make([]int, n)
	for done := w.done(); done < 1; done = w.done() {
		s.weigh(s.advance(&w, done).weight())
		until := done + 1.0/rounds
		if w.steps > 0 {
			until = max(until, done+roundEach*float64(s.c.n)/float64(w.steps)*done)
		}
		until = min(1, until)
		parts := s.parting(crew)
		day.take(s.p)
		var side group
		for i, o := range crew[:parts] {
			clock := *t
			side.run(func() {
				o.enter(&day, s)
				steps[i] = 0
				begun := w.steps
				for k := 0; ; k++ {
					clock.often = k%8 == 0
					f := clock.done(begun + k*parts)
					if f >= until {
						break
					}
					at := s.stage(&w, f)
					o.step(s.c.temperature(at.first, at.cooled))
					steps[i]++
				}
			})
		}
		side.wait()
		for _, k := range steps[:parts] {
			w.steps += k
		}
		// The best routes of all parts make the best solution of the round.
		best.merge(crew[:parts], func(o *search, r int) []int32 { return o.runBest.route(r) })
		day.merge(crew[:parts], func(o *search, r int) []int32 { return o.p.seq[r] })
		s.p.load(&best)
		s.better()
		s.p.load(&day)
		s.better()
		s.now = s.objective()
	}
	return w.steps
}

// merge stores the solution whose routes are those that each search had as its own.
func (k *snapshot) merge(crew []*search, route func(o *search, r int) []int32) {
	k.seq, k.from = k.seq[:0], k.from[:0]
	for r := range crew[0].p.seq {
		k.from = append(k.from, int32(len(k.seq)))
		for _, o := range crew {
			if o.part.mine[r] {
				k.seq = append(k.seq, route(o, r)...)
			}
		}
	}
	k.from = append(k.from, int32(len(k.seq)))
}

// enter begins a round: it loads the solution of the whole search and hides the
// stops that do not belong to the part.
func (s *search) enter(day *snapshot, whole *search) {
	p := s.p
	p.load(day)
	own := make([]bool, s.c.n)
	for _, u := range s.part.seeds {
		own[u] = true
	}
	for i := 0; i < len(p.out); {
		if u := p.out[i]; !own[u] {
			p.takeIn(u) // hide it
		} else {
			i++
		}
	}
	for r := range p.seq {
		if !s.part.mine[r] {
			p.left[r] = -1
		}
	}
	s.heavy, s.forced = whole.heavy, whole.forced
	s.now = s.objective()
	s.runW, s.runC = p.worth, p.all()
	s.runBest.take(p)
}

// parting gives each search its part and returns how many have one.
func (s *search) parting(crew []*search) int {
	c, p := s.c, s.p
	var used, idle []int32
	for r := range p.seq {
		if len(p.seq[r]) > 0 {
			used = append(used, int32(r))
		} else {
			idle = append(idle, int32(r))
		}
	}
	n := max(1, min(len(crew), len(used)/partLeast))
	for _, o := range crew {
		clear(o.part.mine)
		o.part.seeds = o.part.seeds[:0]
	}
	of := make([]int16, len(p.seq))
	s.halve(used, 0, n, of)
	for _, r := range idle {
		of[r] = int16(s.g.below(n))
	}
	for r, i := range of {
		crew[i].part.mine[r] = true
	}
	for u := range int32(c.n) {
		i := int16(-1)
		if r := p.route[u]; r >= 0 {
			i = of[r]
		} else {
			for _, v := range c.near[u] {
				if r := p.route[v]; r >= 0 && c.may(u, r) {
					i = of[r]
					break
				}
			}
			if i < 0 {
				i = int16(s.g.below(n))
			}
		}
		crew[i].part.seeds = append(crew[i].part.seeds, u)
	}
	for _, o := range crew[:n] {
		if len(o.part.seeds) == 0 {
			o.part.seeds = append(o.part.seeds, int32(s.g.below(c.n)))
		}
	}
	return n
}

// halve assigns n parts, from first on, to routes: those nearest to some stop get
// the first half of the parts, and so on recursively.
func (s *search) halve(routes []int32, first, n int, of []int16) {
	if n == 1 || len(routes) == 0 {
		for _, r := range routes {
			of[r] = int16(first)
		}
		return
	}
	p := s.p
	seq := p.seq[routes[s.g.below(len(routes))]]
	d := &s.c.shifts[0]
	at := s.c.stops[seq[s.g.below(len(seq))]].place
	far := func(r int32) int {
		sum := 0
		for _, u := range p.seq[r] {
			sum += int(d.dur[at*d.places+s.c.stops[u].place])
		}
		return sum / len(p.seq[r])
	}
	slices.SortFunc(routes, func(a, b int32) int { return cmp.Or(far(a)-far(b), int(a-b)) })
	k := len(routes) * (n / 2) / n
	s.halve(routes[:k], first, n/2, of)
	s.halve(routes[k:], first+n/2, n-n/2, of)
}
