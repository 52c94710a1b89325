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

// What leaving a stop out weighs, as a share of what it does at the end of the
// walk: weighFirst until weighHold of the walk is over, then more and more.
const (
	weighFirst = 0.03
	weighHold  = 0.5
)

// How the search divides its time, see run.
const (
	walkBrief = 0.03 // share of the walk before the whole day is bred
	walkLong  = 0.4  // and before pieces of it are, if
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
	share, size, settled := 1.0, s.c.n, !s.c.pure()
	begun := w.done()
	for {
		done := w.done()
		if done >= 1 {
			return w.steps
		}
		if !settled && done > walkBrief {
			settled, share = true, walkBrief
			steps := float64(w.steps) / done
			if size = s.pieceSize(steps); size < s.c.n {
				share = walkLong
				if steps < walkEach*float64(s.c.n) {
					share = 1
				}
			}
		}
		if settled && done >= share {
			if s.bestW == 0 {
				break
			}
			share = min(1, share+walkMore)
		}
		if w.steps%64 == 0 {
			s.weigh(done / share)
		}
		first := s.hottest(w.steps, (done-begun)/(1-begun))
		s.step(s.c.heat(first, done/share))
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

// heat is the temperature when so much of a walk is over that begins with first
// typical legs.
func (c *core) heat(first, done float64) float64 {
	return c.legCost * first * math.Pow(heatLast/first, done)
}

// hottest is the temperature to begin with if so many steps take such a share
// of the walk: what a hot beginning breaks must be mended in the time there is.
func (s *search) hottest(steps int, done float64) float64 {
	if done <= 0 {
		return heatFirst
	}
	return min(heatFirst, max(heatLast, heatEach*float64(steps)/done/float64(s.c.n)))
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
	if w.x != nil && !w.alone && (done >= 1 || int(done*exchanges) > w.swapped) {
		w.swapped = int(done * exchanges)
		s.swap(w.x, done > 0.5)
	}
	return done
}
