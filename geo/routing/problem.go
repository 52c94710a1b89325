package routing

// NoPlace is the start or the end of a shift that may start or end anywhere.
const NoPlace = -1

// Limits that keep a problem within memory and arithmetic. Problems beyond
// them are refused with CodeTooLarge.
const (
	// MaxStops is the largest number of stops in one problem.
	MaxStops = 5000
	// MaxShifts is the largest number of shifts in one problem.
	MaxShifts = 2000
	// MaxBreaks is the largest number of breaks in one shift.
	MaxBreaks = 4
	// MaxSeconds bounds every time and duration, in seconds; about 115 days.
	MaxSeconds = 10_000_000
	// NoWay is the duration between two places that no way connects.
	NoWay = MaxSeconds
	// MaxMetres bounds every distance, in metres.
	MaxMetres = 100_000_000
	// MaxRate bounds every rate, value and penalty.
	MaxRate = 1_000_000_000
	// MaxPriority bounds the priority of a stop.
	MaxPriority = 100_000
)

// Problem is what to plan: stops, shifts and travel times. Validate says whether it
// is valid.
type Problem struct {
	// Stops are the visits to make; results name them by their index.
	Stops []Stop
	// Shifts are the working days of teams; results name them by their index.
	Shifts []Shift
	// Matrices are travel times and distances between places, one matrix for each mode
	// of travel. All have the same number of places.
	Matrices []Matrix
	// Objective says how solutions are compared.
	Objective Objective
	// Stability is what changes against an earlier plan cost.
	Stability Stability
	// Balance is what an uneven distribution of work costs.
	Balance Balance
}

// Objective says how results are compared.
type Objective int

const (
	// ValueFirst serves as many Must stops as possible, then maximises the sum of
	// priorities, then the number of stops, and then minimises the cost. It is VROOM's
	// order.
	ValueFirst Objective = iota
	// PriorityFirst is like ValueFirst, but one stop of a higher priority
	// outweighs any number of stops of lower ones.
	PriorityFirst
	// CostFirst serves as many Must stops as possible, then minimises the cost, which
	// includes the Value of unassigned stops: a stop stays unassigned if its detour costs
	// more than its Value.
	CostFirst
)

// Window is a range of seconds that includes both ends.
type Window struct{ From, To int }

// Stop is one visit to make.
type Stop struct {
	// ID is the caller's name of the stop, for messages. It may be empty.
	ID string
	// Place is the index of the stop's place in the matrices.
	Place int
	// Service is how long the visit takes, in seconds.
	Service int
	// Setup is the time from arrival to the start of the service, in seconds. A team
	// needs it only if it comes from another place, so stops at one place share it.
	Setup int
	// Windows are the times at which the service may start, in ascending order without
	// overlap. None means any time.
	Windows []Window
	// Load is how much of the shift's Capacity the stop takes.
	Load int
	// Skills are the skills that the team needs, all of them.
	Skills []string
	// Shifts are the indexes of the only shifts that may serve it; nil means any shift.
	Shifts []int
	// Crew is the least number of people that the team must have.
	Crew int
	// Priority is the value of serving it under ValueFirst and PriorityFirst; 0 still
	// counts as one served stop.
	Priority int
	// Value is the cost of not serving it under CostFirst.
	Value int64
	// Must puts serving it (an appointment) before all other goals. It stays unassigned
	// only if no solution found serves it.
	Must bool
	// Earlier is the place of the stop in an earlier plan; nil if it was in none.
	Earlier *Earlier
}

// Earlier is the place of a stop in an earlier plan.
type Earlier struct {
	// Shift is the index of the shift that was to serve it.
	Shift int
	// Start is when its service was to start, in seconds.
	Start int
}

// Shift is the working day of one team.
type Shift struct {
	// ID is the caller's name of the shift, for messages. It may be empty.
	ID string
	// Matrix is the index of the matrix of this team.
	Matrix int
	// Start and End are places, or NoPlace.
	Start, End int
	// Window bounds the whole route: the team departs at From or later and ends, at End
	// if the shift has one, at To or earlier.
	Window Window
	// Overtime is the number of seconds that the route may run past Window.To, at
	// Rates.OvertimeHour.
	Overtime int
	// Breaks are taken in this order by every team that serves a stop.
	Breaks []Break
	// Capacity limits the sum of loads; 0 means no limit.
	Capacity int
	// MaxStops limits the number of stops; 0 means no limit.
	MaxStops int
	// MaxTravel limits the seconds of travel; 0 means no limit.
	MaxTravel int
	// MaxDistance limits the metres of travel; 0 means no limit.
	MaxDistance int
	// MaxWork limits the seconds from departure to end, with waiting and without breaks;
	// 0 means no limit.
	MaxWork int
	// Skills are the skills that the team has.
	Skills []string
	// Crew is the size of the team.
	Crew int
	// Rates are the costs of the route. The zero value means DefaultRates.
	Rates Rates
	// Pinned are the stops with which the route must begin, in this order. They are done,
	// in progress or promised. A team with pinned stops departs at Window.From.
	Pinned []Pin
}

// Break is a pause within a shift, taken anywhere between two stops.
type Break struct {
	// ID is the caller's name of the break, for messages.
	ID string
	// Service is how long it takes, in seconds.
	Service int
	// Windows are the times at which it may start, in order and apart. None
	// means any time.
	Windows []Window
}

// Pin fixes a stop in a shift. Skills, crew and Stop.Shifts are not checked for it; the
// limits of the shift are.
type Pin struct {
	// Stop is the index of the stop.
	Stop int
	// Fixed says that the service starts at At, whatever the windows of the stop are: it
	// has happened or is promised. The drive to it may be faster than the matrix. If
	// Fixed is false the service starts as early as possible.
	Fixed bool
	// At is when the service of a fixed stop starts, in seconds.
	At int
}

// Rates are the costs of a route. Hours are charged by the second.
type Rates struct {
	// Fixed is charged once for a route that has a stop.
	Fixed int64
	// TravelHour is charged for an hour of travel.
	TravelHour int64
	// Km is charged for a thousand metres of travel.
	Km int64
	// WaitHour is charged for an hour of waiting between departure and end.
	WaitHour int64
	// ServiceHour is charged for an hour of service and setup.
	ServiceHour int64
	// OvertimeHour is charged in addition for an hour past Window.To.
	OvertimeHour int64
}

// DefaultRates charge one unit for a second of travel and nothing else.
var DefaultRates = Rates{TravelHour: 3600}

// Matrix is travel times and distances between places. The value from place a to place
// b is at index a*Places+b.
type Matrix struct {
	// Name is the caller's name of the mode of travel ("car"), for messages.
	Name string
	// Places is the number of places.
	Places int
	// Durations are seconds, or NoWay; len Places*Places.
	Durations []int32
	// Distances are metres; nil if unknown, which counts as 0.
	Distances []int32
	// Hours replace Durations from certain times on, in ascending order of From. A team
	// that is driving when the hour changes drives the rest at the new speed.
	Hours []Hour
}

// Hour is a time from which other durations hold.
type Hour struct {
	// From is the first second at which they hold.
	From int
	// Durations are seconds, or NoWay; len Places*Places.
	Durations []int32
}

// Stability is what changes against Stop.Earlier cost. The zero value makes them free.
type Stability struct {
	// Team is charged for each stop that another shift serves than in the earlier plan.
	Team int64
	// Move is charged for each stop whose service starts more than Tolerance
	// seconds earlier or later than before.
	Move int64
	// Tolerance is in seconds.
	Tolerance int
}

// BalanceBy says what a Balance spreads evenly.
type BalanceBy int

const (
	// BalanceNone asks for no balance.
	BalanceNone BalanceBy = iota
	// BalanceStops spreads the number of stops.
	BalanceStops
	// BalanceWork spreads the hours worked (see Shift.MaxWork).
	BalanceWork
)

// Balance is the cost of an uneven distribution over all shifts, including idle ones.
type Balance struct {
	By BalanceBy
	// Weight is charged for each stop, or hour, by which a shift is away from
	// the mean of all shifts.
	Weight int64
}
