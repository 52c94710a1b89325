package routing

import (
	"context"
	"math"
	"sync"
	"time"
)

// nearest is the number of neighbours kept for each stop.
const nearest = 100

// Solve returns the best solution it finds until ctx ends or opts.Iterations are
// used up. A search that ctx ends returns its best solution and no error. The error
// is an *Error if the problem is not valid, or a *Breakdown. Solve does not change
// the problem and may be called from several goroutines.
func Solve(ctx context.Context, p Problem, opts Options) (_ Result, err error) {
	begun := time.Now()
	defer func() {
		if b := brokenDown(recover()); b != nil {
			err = b
		}
	}()
	if err := p.validate(); err != nil {
		return Result{}, err
	}
	var near *arrangement
	if len(p.Matrices) > 0 && len(p.Shifts) > 0 && p.Matrices[0].Places >= arrangeFrom {
		a := p.arrange()
		near, p = &a, a.Problem
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
	s.startFromEarlier()
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
	if near != nil {
		near.restore(&res)
	}
	return res, nil
}

// together runs the search, with opts.Threads searches in all, and leaves the best
// solution of all in s. It returns the number of steps.
func (s *search) together(t *timer, opts Options) int {
	n := max(1, opts.Threads)
	if n == 1 {
		return s.run(t, opts, nil)
	}
	if !s.c.geneticOK && s.canPart(n) {
		return s.runParts(t, opts, n)
	}
	var (
		side group
		pool = &exchange{w: s.bestW, c: s.bestC}
		made = make([]int, n)
	)
	pool.best.copy(&s.best)
	t.limit = (t.limit + n - 1) / n
	start := snapshot{}
	start.copy(&s.best)
	for i := 1; i < n; i++ {
		mine := *t
		side.run(func() {
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
	side.wait()
	s.swap(pool, true)
	sum := 0
	for _, m := range made {
		sum += m
	}
	return sum
}

// exchange holds the best solution of several searches; its mutex guards all fields.
type exchange struct {
	sync.Mutex
	best snapshot
	w    int64
	c    float64
}

// exchanges is how often a search compares its best solution with that of the
// others.
const exchanges = 20

// swap gives the best solution of the search to the others. If theirs is better and
// goOn is set, the search takes it and goes on from there.
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

// copy makes k a copy of o.
func (k *snapshot) copy(o *snapshot) {
	k.seq, k.from = append(k.seq[:0], o.seq...), append(k.from[:0], o.from...)
}

// timer tells how much of the search is over.
type timer struct {
	ctx     context.Context
	begun   time.Time
	limit   int
	budget  time.Duration // 0: none
	clock   func() time.Duration
	elapsed time.Duration
	often   bool // read the clock at each step
}

// newTimer returns the timer of a search that began at begun.
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

// reserve shortens the budget by the time that building the result takes, which is
// about half of what the preparation took.
func (t *timer) reserve() {
	if t.budget > 0 && t.clock == nil {
		t.budget = max(1, t.budget-time.Since(t.begun)/2-time.Millisecond)
	}
}

// over reports whether the time is up. It ignores the number of steps.
func (t *timer) over() bool {
	if t.ctx.Err() != nil {
		return true
	}
	if t.budget == 0 {
		return false
	}
	if t.clock != nil {
		return t.clock() >= t.budget
	}
	return time.Since(t.begun) >= t.budget
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
		// The caller cancels at an unknown time: cool as for a long search.
		f = min(0.99, 1-math.Exp(-float64(t.elapsed)/float64(10*time.Second)))
	}
	return f
}
