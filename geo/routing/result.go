package routing

import "time"

// Result is a solution of a problem.
type Result struct {
	// Routes are those of the shifts that serve any stop, in order of shift.
	Routes []Route
	// LeftOut are the unassigned stops, in order of stop, each with its reason.
	LeftOut []LeftOut
	// Cost is the cost of all routes, balance and unassigned stops, in parts.
	Cost Cost
	// Total are the sums over all routes.
	Total Total
	// Iterations is the number of steps of the search.
	Iterations int
}

// Route is one team's ordered stops.
type Route struct {
	// Shift is the index of the shift.
	Shift int
	// Steps are the start, the stops and breaks in order, and the end.
	Steps []Step
	// Cost is the cost of this route; LeftOut and Balance are 0.
	Cost Cost
	// Total are this route's sums.
	Total Total
}

// StepKind is what a team does at a step.
type StepKind int

const (
	// StepStart is the departure from the start of the shift.
	StepStart StepKind = iota
	// StepStop is a visit.
	StepStop
	// StepBreak is a break, possibly in the middle of a drive.
	StepBreak
	// StepEnd is the arrival at the end of the shift, or the last second of work.
	StepEnd
)

// Step is one step of a route. The team arrives at Arrival after Travel seconds;
// then come Setup, Wait and Service, and the team leaves.
type Step struct {
	Kind StepKind
	// Index is the stop's index in Problem.Stops, or the break's in
	// Shift.Breaks; -1 for start and end.
	Index int
	// Place is the step's place; NoPlace for a break and for an open start or
	// end.
	Place int
	// Arrival is the time of arrival, in seconds. For StepStart it is the time of
	// departure.
	Arrival int
	// Travel is the seconds of travel since the step before it.
	Travel int
	// Distance is the metres since the last step with a place; 0 for breaks.
	Distance int
	// Setup, Wait and Service are in seconds. For a fixed pin that starts before its
	// setup is done, Setup is the time that there was.
	Setup, Wait, Service int
}

// Start returns the time at which the service or the break starts.
func (s Step) Start() int { return s.Arrival + s.Setup + s.Wait }

// Departure returns the time at which the team leaves the step.
func (s Step) Departure() int { return s.Start() + s.Service }

// LeftOut is an unassigned stop.
type LeftOut struct {
	// Stop is the index of the stop.
	Stop int
	// Reason says why.
	Reason Reason
}

// Reason is why a stop is unassigned. Its text is stable.
type Reason string

const (
	// NoFitTeam: no shift has the skills, the crew, the permission and, even without
	// other stops, the capacity.
	NoFitTeam Reason = "no_fit_team"
	// Unreachable: no fit shift has a way to the stop, from its start or its last pinned
	// stop, and on to its end; see NoWay.
	Unreachable Reason = "unreachable"
	// BeyondLimits: the stop is too far or takes too long. No fit shift could serve it
	// at any hour and end in time and within its limits, even if it served nothing else
	// but its pinned stops.
	BeyondLimits Reason = "beyond_limits"
	// NoLawfulWindow: the windows of the stop are why. A fit shift could serve it at some
	// other hour if it served nothing else but its pinned stops, but none can start the
	// service within the windows and end in time and within its limits.
	NoLawfulWindow Reason = "no_lawful_window"
	// NoTime: some shift could serve it, but not beside the stops that are served.
	NoTime Reason = "no_time"
	// WorthLess: there is room for it, but its detour costs more than its Value.
	WorthLess Reason = "worth_less_than_detour"
)

// Cost is a cost in parts, in the units of the rates. Each part of a route is
// rounded to the nearest unit, halves up.
type Cost struct {
	Fixed    int64 // Rates.Fixed
	Travel   int64 // Rates.TravelHour
	Distance int64 // Rates.Km
	Wait     int64 // Rates.WaitHour
	Service  int64 // Rates.ServiceHour, service and setup
	Overtime int64 // Rates.OvertimeHour
	Changes  int64 // Stability
	Balance  int64 // Balance
	LeftOut  int64 // Value of the unassigned stops, under CostFirst only
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
	Work                         int // from departure to end, without breaks
}

// Options say how long and how to search. The zero value is ready for use.
type Options struct {
	// Seed chooses the random numbers. With Threads 1, Iterations given and a
	// context without deadline, the same seed gives the same result.
	Seed uint64
	// Iterations, if positive, ends the search after about so many steps of ruin and
	// recreate. A child of the genetic search counts for as many steps as take about as
	// long.
	Iterations int
	// Threads is the number of searches that run side by side; 0 means 1. They divide
	// the routes among them or, where that is not possible, exchange their best
	// solutions.
	Threads int
	// Progress, if not nil, is called when a better result is found, and about twice a
	// second besides, from one goroutine at a time.
	Progress func(Progress)

	// clock, if not nil, replaces the wall clock against budget; benchmarks
	// measure processor time with it.
	clock  func() time.Duration
	budget time.Duration
}

// DefaultIterations bounds a search that has neither Iterations nor a deadline.
const DefaultIterations = 20_000

// Progress is the state of a running search.
type Progress struct {
	// Elapsed is the time since Solve was called.
	Elapsed time.Duration
	// Fraction is the share of the time or the iterations that is used, 0 to 1.
	Fraction float64
	// Iterations is the number of steps so far.
	Iterations int
	// Cost is Cost.Sum() of the best result so far.
	Cost int64
	// LeftOut is the number of its unassigned stops.
	LeftOut int
}
