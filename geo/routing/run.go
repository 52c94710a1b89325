package routing

import (
	"math"
	"time"
)

// Temperatures of simulated annealing, in units of core.legCost.
const (
	temperatureFirst = 10.0
	temperatureLast  = 0.1
	temperatureEach  = 0.125 // the first temperature is this times the steps per stop, at most temperatureFirst
)

// If there is time, annealing runs in several cycles, each heated and cooled anew,
// because the result of one cycle depends on chance. The remaining time improves the
// best solution of all cycles.
const (
	cycleEach        = 1.5  // steps that a cycle needs for each pair of stops
	cycleMost        = 5    // cycles
	cycleShare       = 0.85 // share of the time for the cycles, if there are several
	temperatureAgain = 1.0  // first temperature of improving the best solution
)

// ease says how the weight of unassigned stops rises during a cycle: it is first
// times the full weight until the share hold of the cycle is over, and then rises to
// last times the full weight.
type ease struct{ first, hold, last float64 }

// Full routes block each other, and more so if leaving a stop out weighs much from the
// start. A search of one cycle therefore uses low weights; several cycles serve more
// stops with high weights. The improvement after the cycles uses the full weight.
var (
	easy = ease{0.006, 0.3, 0.3}
	hard = ease{0.03, 0.5, 1}
	none = ease{1, 0, 1}
)

// How the search divides its time between annealing and genetic search, see run.
const (
	annealBrief     = 0.03 // share of annealing before genetic search on the whole problem
	annealLong      = 0.4  // the same for a small problem, and before subproblems
	geneticFrom     = 1000 // steps per stop from which on subproblems are solved at all
	annealMore      = 0.1  // added to the share while a stop is unassigned
	childrenEach    = 10   // children per stop that genetic search needs
	childCost       = 3    // a child takes as long as one step of annealing for so many stops
	subproblemStops = 200  // stops of a subproblem
)

// run searches until the time or the iterations are used up. Problems for which the
// local search computes exact costs (core.geneticOK) begin with annealing and go on
// with genetic search, on the whole problem or on subproblems; the shares depend on
// the number of stops and on the number of steps that there is time for. All others
// use annealing alone. It returns the number of steps.
func (s *search) run(t *timer, opts Options, x *exchange) int {
	w := watch{t: t, s: s, x: x, tell: opts.Progress, toldW: -1}
	share, size, settled := 1.0, s.c.n, !s.c.geneticOK
	w.begun = w.done()
	for {
		done := w.done()
		if done >= 1 {
			return w.steps
		}
		if !settled && done > annealBrief {
			settled, share = true, annealBrief
			steps := float64(w.steps) / done
			switch size = s.subproblemSize(steps); {
			case size < s.c.n && steps < geneticFrom*float64(s.c.n):
				share = 1
			case size < s.c.n, s.c.n <= ruinSmall:
				share = annealLong
			}
		}
		if settled && done >= share {
			if s.bestW == 0 {
				break
			}
			share = min(1, share+annealMore)
		}
		at := s.advance(&w, done/share)
		if w.steps%64 == 0 {
			s.weigh(at.weight())
		}
		s.step(s.c.temperature(at.first, at.cooled))
		w.steps++
	}
	t.often = true
	if size < s.c.n {
		s.geneticBySubproblem(&w, size)
	} else {
		s.geneticSearch(&w)
	}
	return w.steps
}

// advance returns the stage of annealing when the given fraction of it is over. As
// soon as the speed is known, it sets the number of cycles. It begins each cycle but
// the first by forcing an unassigned stop in, and after the last cycle it goes back
// to the best solution.
func (s *search) advance(w *watch, elapsed float64) stage {
	if s.cycles == 0 && !s.c.geneticOK && elapsed > annealBrief {
		if pace := w.pace(); pace > 0 {
			n := float64(s.c.n)
			s.cycles = int(max(1, min(cycleMost, pace/(cycleEach*n*n))))
		}
	}
	if s.cycles > 1 && elapsed >= cycleShare && !s.again {
		s.again, s.forced = true, -1
		s.p.load(&s.best)
		s.now = s.objective()
	}
	at := s.stage(w, elapsed)
	if at.nth > s.nth {
		s.nth = at.nth
		s.forceInsertion()
	}
	return at
}

// stage is a position in the annealing schedule.
type stage struct {
	first  float64 // first temperature of the cycle, in units of core.legCost
	cooled float64 // fraction of the cycle that is over
	ease   *ease
	nth    int // cycle, from 0
}

// stage returns the stage when the given fraction of annealing is over.
func (s *search) stage(w *watch, elapsed float64) stage {
	first := s.firstTemperature(w)
	switch {
	case s.cycles == 0: // the speed is not known yet, or the problem has no cycles
		return stage{first, elapsed, &hard, 0}
	case s.cycles == 1:
		return stage{first, elapsed, &easy, 0}
	case s.again:
		return stage{min(first, temperatureAgain), (elapsed - cycleShare) / (1 - cycleShare), &none, s.nth}
	}
	of := min(elapsed/cycleShare, 1) * float64(s.cycles)
	nth := min(int(of), s.cycles-1)
	return stage{first, of - float64(nth), &hard, nth}
}

// weight returns the weight of unassigned stops at this stage, as a share of the
// full weight.
func (at stage) weight() float64 {
	e := at.ease
	return e.last * math.Pow(e.first/e.last, min(1, (1-at.cooled)/(1-e.hold)))
}

// temperature returns the temperature when the fraction done of a cycle is over that
// begins with first units of legCost. It falls exponentially to temperatureLast.
func (c *core) temperature(first, done float64) float64 {
	return c.legCost * first * math.Pow(temperatureLast/first, done)
}

// firstTemperature returns the temperature to begin with, in units of legCost. Short
// searches begin cooler, because they have no time to repair what a high temperature
// breaks.
func (s *search) firstTemperature(w *watch) float64 {
	pace := w.pace()
	if pace <= 0 {
		return temperatureFirst
	}
	return min(temperatureFirst, max(temperatureLast, temperatureEach*pace/float64(s.c.n)))
}

// subproblemSize returns how many stops genetic search works on at a time if the
// search has so many steps: all of them if that is time enough.
func (s *search) subproblemSize(steps float64) int {
	n := float64(s.c.n)
	if n <= subproblemStops*1.5 || steps >= childrenEach*n*n/childCost {
		return s.c.n
	}
	return subproblemStops
}

// watch counts the steps of a search, reports progress and exchanges the best
// solution with other searches.
type watch struct {
	t       *timer
	s       *search
	x       *exchange // nil: no other searches
	alone   bool      // do not exchange now
	tell    func(Progress)
	steps   int
	begun   float64 // fraction of the search that was over at the first step
	now     float64 // fraction that is over now
	told    time.Duration
	toldW   int64
	toldC   float64
	swapped int
}

// pace estimates how many steps the whole search has time for; 0 while that is
// unknown.
func (w *watch) pace() float64 {
	if w.steps == 0 || w.now <= w.begun {
		return 0
	}
	return float64(w.steps) * (1 - w.begun) / (w.now - w.begun)
}

// done returns the fraction of the search that is over. It also reports progress and
// exchanges the best solution.
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
