package routing

import "time"

// Result is a planned day.
type Result struct {
	// Routes are the shifts that go out, in order of shift.
	Routes []Route
	// LeftOut are the stops in no route, in order of stop, each with its reason.
	LeftOut []LeftOut
	// Cost is what the day costs, in parts.
	Cost Cost
	// Total are the sums over all routes.
	Total Total
	// Iterations is how many steps of the search were made.
	Iterations int
}

// Route is one team's ordered stops.
type Route struct {
	// Shift is the index of the shift.
	Shift int
	// Steps are the start, the stops and breaks in order, and the end.
	Steps []Step
	// Cost is this route's part of the cost; LeftOut and Balance are 0.
	Cost Cost
	// Total are this route's sums.
	Total Total
}

// StepKind says what is done at a step.
type StepKind int

const (
	// StepStart is leaving the shift's start.
	StepStart StepKind = iota
	// StepStop is a visit.
	StepStop
	// StepBreak is a break, possibly in the middle of a drive.
	StepBreak
	// StepEnd is reaching the shift's end, or the last moment of work.
	StepEnd
)

// Step is one step of a route. It is reached at Arrival after Travel seconds;
// then come Setup, Wait and Service, and the team leaves.
type Step struct {
	Kind StepKind
	// Index is the stop's index in Problem.Stops, or the break's in
	// Shift.Breaks; -1 for start and end.
	Index int
	// Place is the step's place; NoPlace for a break and for an open start or
	// end.
	Place int
	// Arrival is when the team gets there, in seconds. For StepStart it is
	// when it leaves.
	Arrival int
	// Travel is the seconds of travel since the step before.
	Travel int
	// Distance is the metres since the last step with a place; 0 for breaks.
	Distance int
	// Setup, Wait and Service are in seconds. A fixed pin that starts before
	// its setup is done has as much of Setup as there was time for.
	Setup, Wait, Service int
}

// Start returns when the service (or break) starts.
func (s Step) Start() int { return s.Arrival + s.Setup + s.Wait }

// Departure returns when the team leaves the step.
func (s Step) Departure() int { return s.Start() + s.Service }

// LeftOut is a stop in no route.
type LeftOut struct {
	// Stop is the index of the stop.
	Stop int
	// Reason says why.
	Reason Reason
}

// Reason is why a stop was left out. Its text is stable.
type Reason string

const (
	// NoFitTeam: no shift has the skills, the crew, the permission and, even
	// empty, the capacity.
	NoFitTeam Reason = "no_fit_team"
	// Unreachable: no fit shift has a way there, from its start or the last stop
	// that is pinned, and on to its end; see NoWay.
	Unreachable Reason = "unreachable"
	// BeyondLimits: it is too far or takes too long. No fit shift could go there
	// and be home in time and within its limits at whatever hour, even if it did
	// nothing else but what is pinned.
	BeyondLimits Reason = "beyond_limits"
	// NoLawfulWindow: the stop's windows are why. A fit shift could serve it at
	// some other hour if it did nothing else but what is pinned, but none can
	// start the service within them and be home in time and within its limits.
	NoLawfulWindow Reason = "no_lawful_window"
	// NoTime: it fits into some shift, but not beside the stops chosen instead.
	NoTime Reason = "no_time"
	// WorthLess: it would fit, but its detour costs more than its Value.
	WorthLess Reason = "worth_less_than_detour"
)

// Cost is a cost in parts, in the units of the rates. Each part of a route is
// rounded to the nearest unit, halves up.
type Cost struct {
	Fixed    int64 // teams that go out
	Travel   int64 // Rates.TravelHour
	Distance int64 // Rates.Km
	Wait     int64 // Rates.WaitHour
	Service  int64 // Rates.ServiceHour, service and setup
	Overtime int64 // Rates.OvertimeHour
	Changes  int64 // Stability
	Balance  int64 // Balance
	LeftOut  int64 // Value of the stops left out, under CostFirst only
}

// Sum returns the sum of all parts.
func (c Cost) Sum() int64 {
	return c.Fixed + c.Travel + c.Distance + c.Wait + c.Service + c.Overtime + c.Changes + c.Balance + c.LeftOut
}

// Total are sums of times and distances, in seconds and metres.
type Total struct {
	Stops, Priority              int
	Travel, Distance             int
	Setup, Service, Wait, Breaks int
	Overtime                     int
	Work                         int // from leaving to being done, less breaks
}

// Options say how long and how to search. The zero value is ready for use.
type Options struct {
	// Seed chooses the random numbers. With Threads 1, Iterations given and a
	// context without deadline, the same seed gives the same result.
	Seed uint64
	// Iterations, if positive, ends the search after about so many steps of
	// ruin and recreate. A child that is bred counts for as many steps as take
	// about as long.
	Iterations int
	// Threads is how many searches run side by side, sharing the routes of the
	// day among them or, where that cannot be, exchanging their bests; 0 means 1.
	Threads int
	// Progress, if not nil, is called from one goroutine at a time when a
	// better result is found, and about twice a second besides.
	Progress func(Progress)

	// clock, if not nil, replaces the wall clock against budget; benchmarks
	// measure processor time with it.
	clock  func() time.Duration
	budget time.Duration
}

// DefaultIterations bound a search that has neither Iterations nor a deadline.
const DefaultIterations = 20_000

// Progress is how far a search has come.
type Progress struct {
	// Elapsed is the time since Solve was called.
	Elapsed time.Duration
	// Fraction of the time or the iterations used, 0 to 1.
	Fraction float64
	// Iterations made so far.
	Iterations int
	// Cost of the best result so far, Cost.Sum().
	Cost int64
	// LeftOut is the number of stops it leaves out.
	LeftOut int
}
