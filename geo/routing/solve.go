package routing

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"sync"
	"time"
)

// Temperatures of the walk, in typical legs.
const (
	heatFirst = 10.0
	heatLast  = 0.1
	heatVary  = 1.0
)

// nearest is how many neighbours of a stop are kept.
const nearest = 100

// Solve returns the best day it finds until ctx ends or opts.Iterations are
// made, and then returns without error: a search cut short is not a failure.
// The error is an *Error and means that the problem is not well formed.
func Solve(ctx context.Context, p Problem, opts Options) (Result, error) {
	begun := time.Now()
	if err := p.validate(); err != nil {
		return Result{}, err
	}
	c, fault := newCore(&p)
	if fault != nil {
		return Result{}, fault
	}
	if fault := c.checkPins(); fault != nil {
		return Result{}, fault
	}
	t := newTimer(ctx, begun, opts)
	c.setNear(nearest)
	s := newSearch(c, opts.Seed)
	s.recall()
	s.fill()
	s.better()
	made := 0
	if c.n > 0 && len(c.shifts) > 0 {
		t.reserve()
		made = s.together(t, opts)
	}
	s.p.load(&s.best)
	for s.fill() {
		s.better()
	}
	s.p.load(&s.best)
	res := c.result(s)
	res.Iterations = made
	return res, nil
}

// together runs the search, and others beside it if there are to be more
// threads, and leaves the best of all in s.
func (s *search) together(t *timer, opts Options) int {
	n := max(1, opts.Threads)
	if n == 1 {
		return s.run(t, opts, nil)
	}
	var (
		wg   sync.WaitGroup
		pool = &exchange{w: s.bestW, c: s.bestC}
		made = make([]int, n)
	)
	pool.best.copy(&s.best)
	t.limit = (t.limit + n - 1) / n
	start := keepsake{}
	start.copy(&s.best)
	for i := 1; i < n; i++ {
		mine := *t
		wg.Go(func() {
			other := newSearch(s.c, opts.Seed+uint64(i)*0x9e3779b97f4a7c15)
			other.p.load(&start)
			other.now = other.objective()
			other.better()
			quiet := opts
			quiet.Progress = nil
			made[i] = other.run(&mine, quiet, pool)
		})
	}
	made[0] = s.run(t, opts, pool)
	wg.Wait()
	s.swap(pool, true)
	sum := 0
	for _, m := range made {
		sum += m
	}
	return sum
}

// exchange holds the best of all searches.
type exchange struct {
	sync.Mutex
	best keepsake
	w    int64
	c    float64
}

// exchanges is how often a search looks at the best of the others.
const exchanges = 20

// swap gives the search's best to the others or, if theirs is better, takes
// it and, if told to, goes on from there.
func (s *search) swap(x *exchange, goOn bool) {
	x.Lock()
	defer x.Unlock()
	switch {
	case s.bestW < x.w || s.bestW == x.w && s.bestC < x.c:
		x.w, x.c = s.bestW, s.bestC
		x.best.copy(&s.best)
	case goOn && (s.bestW > x.w || s.bestC > x.c):
		s.bestW, s.bestC = x.w, x.c
		s.best.copy(&x.best)
		s.p.load(&s.best)
		s.now = s.objective()
	}
}

func (k *keepsake) copy(o *keepsake) {
	k.seq, k.from = append(k.seq[:0], o.seq...), append(k.from[:0], o.from...)
}

// Shares and sizes of the ways to search, see run.
const (
	walkBrief = 0.03 // of the time, before breeding the whole day
	walkLong  = 0.3  // of the time, before breeding it in pieces
	brood     = 10   // children per stop that a piece is given
	childCost = 3    // a child takes as long as one step for so many stops
	scattered = 25   // days made at random to begin with
)

// run searches until the time or the iterations are used up: by ruin and
// recreate alone or, where local search prices the problem exactly, with a
// population bred from what that has found.
func (s *search) run(t *timer, opts Options, x *exchange) int {
	w := watch{t: t, s: s, x: x, tell: opts.Progress, toldW: -1}
	share, decided, size := 1.0, !s.c.pure(), s.c.n
	hot, cold := knob("RT_HOT", heatFirst), knob("RT_COLD", heatLast)
	grow, grow2 := knob("RT_GROW", 0), knob("RT_GROW2", 0)
	for {
		done := w.done()
		if done >= 1 {
			return w.steps
		}
		if !decided && done > walkBrief {
			decided, share = true, walkBrief
			if size = s.pieceSize(w.steps, done); size < s.c.n {
				share = knob("RT_F", walkLong)
			}
			if os.Getenv("RT_V") != "" {
				fmt.Println("pieces of", size, "share", share)
			}
		}
		if decided && done >= share {
			if s.bestW == 0 {
				break
			}
			share = min(1, share+0.1)
		}
		s.grow = 1 + grow*done
		s.grow2 = 1 + grow2*done
		s.step(s.c.legCost * hot * math.Pow(cold/hot, done/share))
		w.steps++
	}
	t.often = true
	if os.Getenv("RT_V") != "" {
		fmt.Println("walked to", s.bestC, t.elapsed)
	}
	if size >= s.c.n {
		s.breed(&w)
	} else {
		s.breedPieces(&w, size)
	}
	return w.steps
}

// watch counts the steps of a search, tells how far it is and lets it look at
// the best of the others.
type watch struct {
	t       *timer
	s       *search
	x       *exchange
	tell    func(Progress)
	steps   int
	told    time.Duration
	toldW   int64
	toldC   float64
	swapped int
}

// done returns the fraction of the search that is over.
func (w *watch) done() float64 {
	s := w.s
	done := w.t.done(w.steps)
	if w.tell != nil {
		since := w.t.elapsed
		if s.bestW != w.toldW || s.bestC != w.toldC || done >= 1 || since-w.told > 500*time.Millisecond {
			w.told, w.toldW, w.toldC = since, s.bestW, s.bestC
			w.tell(Progress{Elapsed: since, Fraction: min(done, 1), Iterations: w.steps,
				Cost: int64(math.Round(s.bestC)), LeftOut: s.c.n - len(s.best.seq)})
		}
	}
	if w.x != nil && (done >= 1 || int(done*exchanges) > w.swapped) {
		w.swapped = int(done * exchanges)
		s.swap(w.x, done > 0.5)
	}
	return done
}

// pieceSize is how many stops there should be in a piece of the day so that
// all can be bred in the time, going by the pace so far.
func (s *search) pieceSize(steps int, done float64) int {
	n := s.c.n
	left := float64(steps) * (1 - done) / done
	size := int(left * childCost / brood / float64(n))
	if v := int(knob("RT_P", 0)); v > 0 {
		size = v
	}
	if size*3/2 >= n {
		return n
	}
	return max(size, 50)
}

// breed breeds the whole day until the end.
func (s *search) breed(w *watch) {
	h := newBreeding(s)
	h.bestC = math.Inf(1)
	h.settle(&s.best)
	each := max(1, s.c.n/childCost)
	last := s.bestC
	for i := 0; w.done() < 1; i++ {
		if s.bestC < last-1e-6 { // from another search
			h.settle(&s.best)
		}
		if i < scattered {
			h.scatter()
			h.birth()
		} else {
			h.step()
		}
		last = s.bestC
		w.steps += each
	}
	if os.Getenv("RT_V") != "" {
		fmt.Println("born", h.p.born, "stale", h.stale, "prices", h.p.perLoad, h.p.perLate, len(h.p.kinds[0].all), len(h.p.kinds[1].all))
	}
}

// breedPieces breeds piece after piece of the day until the end.
func (s *search) breedPieces(w *watch, size int) {
	s.p.load(&s.best)
	open := make([]bool, s.c.n)
	left := 0
	for done := w.done(); done < 1; {
		if left == 0 {
			for u := range open {
				open[u] = true
			}
			left = s.c.n
			if os.Getenv("RT_V") != "" {
				fmt.Println("cover from", s.bestC, done)
			}
		}
		k := s.cutPiece(s.outermost(open), size, open)
		if k == nil {
			return
		}
		for _, u := range k.stops {
			open[u] = false
		}
		until := done + (1-done)*float64(len(k.stops))/float64(left)
		left -= len(k.stops)
		in := newSearch(k.c, s.g.next())
		in.p.load(&k.day)
		in.better()
		h := newBreeding(in)
		h.bestC = math.Inf(1)
		h.settle(&k.day)
		each := max(1, k.c.n/childCost)
		before := in.bestC
		vars := int(knob("RT_VARS", 8))
		vsteps := int(knob("RT_VSTEPS", 20)) * k.c.n
		for i := 0; i < brood*k.c.n; i++ {
			if done = w.done(); done >= until {
				break
			}
			if i < vars {
				h.vary(&k.day, vsteps)
				w.steps += vsteps
			} else if i < vars+int(knob("RT_SCAT", 8)) {
				h.scatter()
				h.birth()
			} else {
				h.step()
			}
			w.steps += each
		}
		if os.Getenv("RT_V") != "" {
			fmt.Println("piece", k.c.n, len(k.shifts), before, in.bestC, "born", h.p.born, "stale", h.stale, h.bestC, h.p.perLoad, h.p.perLate, len(h.p.kinds[0].all), len(h.p.kinds[1].all))
		}
		if in.bestC < before {
			s.p.load(&s.best)
			s.putPiece(k, &in.best)
		}
	}
	if os.Getenv("RT_V") != "" {
		fmt.Println("end with", s.bestC)
	}
}

// outermost returns an open stop: in turns the farthest from the first shift's
// start, and any.
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

func knob(name string, v float64) float64 {
	if x, err := strconv.ParseFloat(os.Getenv(name), 64); err == nil {
		return x
	}
	return v
}

// timer says how much of the search is over.
type timer struct {
	ctx     context.Context
	begun   time.Time
	limit   int
	budget  time.Duration // 0: none
	clock   func() time.Duration
	elapsed time.Duration
	often   bool
}

func newTimer(ctx context.Context, begun time.Time, o Options) *timer {
	t := &timer{ctx: ctx, begun: begun, limit: o.Iterations, clock: o.clock}
	if o.clock != nil {
		t.budget = o.budget
	} else if end, ok := ctx.Deadline(); ok {
		t.budget = max(end.Sub(begun), 1)
	}
	if t.limit <= 0 && t.budget == 0 && ctx.Done() == nil {
		t.limit = DefaultIterations
	}
	return t
}

// reserve keeps back time for laying out the result, which takes about as long
// as what has been done so far.
func (t *timer) reserve() {
	if t.budget > 0 && t.clock == nil {
		t.budget = max(1, t.budget-time.Since(t.begun)/2-time.Millisecond)
	}
}

// done returns the fraction of the search that is over after i steps.
func (t *timer) done(i int) float64 {
	f := 0.0
	if t.limit > 0 {
		f = float64(i) / float64(t.limit)
	}
	if i%8 != 0 && i > 0 && !t.often {
		if t.budget > 0 {
			f = max(f, float64(t.elapsed)/float64(t.budget))
		}
		return f
	}
	if t.ctx.Err() != nil {
		return 1
	}
	if t.clock != nil {
		t.elapsed = t.clock()
	} else {
		t.elapsed = time.Since(t.begun)
	}
	if t.budget > 0 {
		f = max(f, float64(t.elapsed)/float64(t.budget))
	} else if t.limit == 0 {
		// Cancelled by hand at an unknown time: cool as for a long search.
		f = min(0.99, 1-math.Exp(-float64(t.elapsed)/float64(10*time.Second)))
	}
	return f
}

// checkPins says which pinned prefix cannot be kept.
func (c *core) checkPins() *Error {
	var w sheet
	for r := range c.shifts {
		d := &c.shifts[r]
		if len(d.pins) == 0 {
			continue
		}
		at := fmt.Sprintf("shifts[%d].pinned", r)
		seq, load := make([]int32, 0, len(d.pins)), 0
		for _, pin := range d.pins {
			seq = append(seq, int32(pin.Stop))
			load += c.p.Stops[pin.Stop].Load
		}
		t := c.layOut(int32(r), seq, &w, nil)
		switch {
		case !t.ok:
			return fault(CodePinned, at, "cannot be kept in time")
		case d.capacity > 0 && load > d.capacity:
			return fault(CodePinned, at, "loads %d, but the capacity is %d", load, d.capacity)
		case d.maxStops > 0 && len(seq) > d.maxStops:
			return fault(CodePinned, at, "%d stops, at most %d", len(seq), d.maxStops)
		case d.maxTravel > 0 && t.travel > d.maxTravel:
			return fault(CodePinned, at, "travels %d seconds, at most %d", t.travel, d.maxTravel)
		case d.maxDistance > 0 && t.distance > d.maxDistance:
			return fault(CodePinned, at, "travels %d metres, at most %d", t.distance, d.maxDistance)
		case d.maxWork > 0 && t.end-t.start-t.breaks > d.maxWork:
			return fault(CodePinned, at, "works %d seconds, at most %d", t.end-t.start-t.breaks, d.maxWork)
		}
	}
	return nil
}
