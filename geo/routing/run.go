package routing

import (
	"math"
	"time"
)

// Temperatures of the walk, in typical legs.
const (
	heatFirst = 10.0
	heatLast  = 0.1
	heatEach  = 0.125 // the first is this for each step a stop that there is time for, at most heatFirst
)

// A walk with time to spare has several cycles, each heated up and cooled down anew,
// because what one settles for is a matter of luck; what is left of the time makes
// the best of them better.
const (
	cycleEach  = 1.5  // steps that a cycle needs for each pair of stops there is
	cycleMost  = 5    // cycles
	cycleShare = 0.85 // of the walk, if there are several
	heatAgain  = 1.0  // temperature at which making the best better begins
)

// ease is what leaving a stop out weighs, as a share of all that it may: first
// until hold of the cycle is over, then more and more until it weighs last.
type ease struct{ first, hold, last float64 }

// Teams whose day is full are in each other's way, and most so where leaving a stop
// out weighs much from the start. A walk of one cycle, which has no time to spare,
// takes the easy way; several cycles serve more the hard way. The end of the walk
// leaves out nothing that it can help.
var (
	easy = ease{0.006, 0.3, 0.3}
	hard = ease{0.03, 0.5, 1}
	none = ease{1, 0, 1}
)

// How the search divides its time, see run.
const (
	walkBrief = 0.03 // share of the walk before the whole day is bred
	walkLong  = 0.4  // before a small one is, and before pieces are, if
	walkEach  = 1000 // there is time for so many steps a stop; else there is but the walk
	walkMore  = 0.1  // and what is added while something is left out
	brood     = 10   // children per stop that breeding a day or a piece needs
	childCost = 3    // so many stops make a child take as long as a step of the walk
	pieceMost = 200  // stops of a piece
)

// run searches until the time or the iterations are used up: by ruin and
// recreate alone or, where local search prices the problem exactly, first so
// and then with a population bred from what that has found. How much of the
// time each gets depends on the number of stops and on how many steps there is
// time for.
func (s *search) run(t *timer, opts Options, x *exchange) int {
	w := watch{t: t, s: s, x: x, tell: opts.Progress, toldW: -1}
	share, size, settled := 1.0, s.c.n, !s.c.bred
	w.begun = w.done()
	for {
		done := w.done()
		if done >= 1 {
			return w.steps
		}
		if !settled && done > walkBrief {
			settled, share = true, walkBrief
			steps := float64(w.steps) / done
			switch size = s.pieceSize(steps); {
			case size < s.c.n && steps < walkEach*float64(s.c.n):
				share = 1
			case size < s.c.n, s.c.n <= ruinSmall:
				share = walkLong
			}
		}
		if settled && done >= share {
			if s.bestW == 0 {
				break
			}
			share = min(1, share+walkMore)
		}
		at := s.settle(&w, done/share)
		if w.steps%64 == 0 {
			s.weigh(at.weight())
		}
		s.step(s.c.heat(at.first, at.cooled))
		w.steps++
	}
	t.often = true
	if size < s.c.n {
		s.breedPieces(&w, size)
	} else {
		s.breed(&w)
	}
	return w.steps
}

// settle returns where the walk is when so much of it is over. As soon as it can be
// told how many steps there is time for, it sets how many cycles the walk has. It
// begins each but the first by insisting on a stop left out, and when all are over
// it goes back to the best.
func (s *search) settle(w *watch, walked float64) stage {
	if s.cycles == 0 && !s.c.bred && walked > walkBrief {
		if pace := w.pace(); pace > 0 {
			n := float64(s.c.n)
			s.cycles = int(max(1, min(cycleMost, pace/(cycleEach*n*n))))
		}
	}
	if s.cycles > 1 && walked >= cycleShare && !s.again {
		s.again, s.dear = true, -1
		s.p.load(&s.best)
		s.now = s.objective()
	}
	at := s.stage(w, walked)
	if at.nth > s.nth {
		s.nth = at.nth
		s.insist()
	}
	return at
}

// stage is where a walk is.
type stage struct {
	first  float64 // the temperature with which its cycle began, in typical legs
	cooled float64 // how much of the cycle is over
	ease   *ease
	nth    int // cycle, from 0
}

// stage returns where the walk is when so much of it is over.
func (s *search) stage(w *watch, walked float64) stage {
	first := s.hottest(w)
	switch {
	case s.cycles == 0: // too early to tell, or pure
		return stage{first, walked, &hard, 0}
	case s.cycles == 1:
		return stage{first, walked, &easy, 0}
	case s.again:
		return stage{min(first, heatAgain), (walked - cycleShare) / (1 - cycleShare), &none, s.nth}
	}
	of := min(walked/cycleShare, 1) * float64(s.cycles)
	nth := min(int(of), s.cycles-1)
	return stage{first, of - float64(nth), &hard, nth}
}

// weight is what leaving a stop out weighs at this stage, as a share of all that it may.
func (at stage) weight() float64 {
	e := at.ease
	return e.last * math.Pow(e.first/e.last, min(1, (1-at.cooled)/(1-e.hold)))
}

// heat is the temperature when so much of a walk is over that begins with first
// typical legs.
func (c *core) heat(first, done float64) float64 {
	return c.legCost * first * math.Pow(heatLast/first, done)
}

// hottest is the temperature to begin with if there is time for so many steps:
// what a hot beginning breaks must be mended in the time there is.
func (s *search) hottest(w *watch) float64 {
	pace := w.pace()
	if pace <= 0 {
		return heatFirst
	}
	return min(heatFirst, max(heatLast, heatEach*pace/float64(s.c.n)))
}

// pieceSize is how many stops to breed at a time if the search has so many
// steps: all if that is time enough for it.
func (s *search) pieceSize(steps float64) int {
	n := float64(s.c.n)
	if n <= pieceMost*1.5 || steps >= brood*n*n/childCost {
		return s.c.n
	}
	return pieceMost
}

// watch counts the steps of a search, tells how far it is and lets it look at
// the best of the others.
type watch struct {
	t       *timer
	s       *search
	x       *exchange // nil: no others
	alone   bool      // for a while
	tell    func(Progress)
	steps   int
	begun   float64 // the fraction of the search that was over when it began
	now     float64 // and is
	told    time.Duration
	toldW   int64
	toldC   float64
	swapped int
}

// pace is how many steps the search has time for if it goes on as it does; 0 while
// that cannot be told.
func (w *watch) pace() float64 {
	if w.steps == 0 || w.now <= w.begun {
		return 0
	}
	return float64(w.steps) * (1 - w.begun) / (w.now - w.begun)
}

// done returns the fraction of the search that is over.
func (w *watch) done() float64 {
	s := w.s
	done := w.t.done(w.steps)
	w.now = done
	if w.tell != nil {
		since := w.t.elapsed
		if s.bestW != w.toldW || s.bestC != w.toldC || done >= 1 || since-w.told > 500*time.Millisecond {
			w.told, w.toldW, w.toldC = since, s.bestW, s.bestC
			w.tell(Progress{Elapsed: since, Fraction: min(done, 1), Iterations: w.steps,
				Cost: int64(math.Round(s.bestC)), LeftOut: s.c.n - len(s.best.seq)})
		}
	}
	if w.x != nil && !w.alone && (done >= 1 || int(done*exchanges) > w.swapped) {
		w.swapped = int(done * exchanges)
		s.swap(w.x, done > 0.5)
	}
	return done
}
