package routing

// NoPlace stands for a shift that may start or end anywhere.
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
	// NoWay, as the duration of a way, says that there is none.
	NoWay = MaxSeconds
	// MaxMetres bounds every distance, in metres.
	MaxMetres = 100_000_000
	// MaxRate bounds every rate, value and penalty.
	MaxRate = 1_000_000_000
	// MaxPriority bounds the priority of a stop.
	MaxPriority = 100_000
)

// Problem is one day's work of one set of teams. Validate says whether it is
// well formed.
type Problem struct {
	// Stops are the visits wished for; results name them by their index.
	Stops []Stop
	// Shifts are the teams' working days; results name them by their index.
	Shifts []Shift
	// Matrices say how long and how far it is from place to place, one for
	// each way of moving. All have the same number of places.
	Matrices []Matrix
	// Objective says what goes first.
	Objective Objective
	// Stability makes changes against an earlier plan cost something.
	Stability Stability
	// Balance makes uneven days cost something.
	Balance Balance
}

// Objective says how results are compared.
type Objective int

const (
	// ValueFirst serves as many Must stops as possible, then the greatest sum
	// of priorities, then the greatest number of stops, then costs least.
	// It is VROOM's order.
	ValueFirst Objective = iota
	// PriorityFirst is like ValueFirst, but one stop of a higher priority
	// outweighs any number of stops of lower ones.
	PriorityFirst
	// CostFirst serves as many Must stops as possible, then minimises the cost
	// including the Value of what is left out: a stop is left out when its
	// detour costs more than it is worth.
	CostFirst
)

// Window is a span of seconds, both ends included.
type Window struct{ From, To int }

// Stop is one visit wished for.
type Stop struct {
	// ID is the caller's name of the stop, for messages. It may be empty.
	ID string
	// Place is the index of the stop's place in the matrices.
	Place int
	// Service is how long the visit takes, in seconds.
	Service int
	// Setup is how long it takes from arriving to being ready, in seconds. It
	// is spent only when the team comes from another place, so stops at one
	// door share it.
	Setup int
	// Windows are the times at which the service may start, in order and
	// apart. None means any time.
	Windows []Window
	// Load is how much of the shift's Capacity the stop takes.
	Load int
	// Skills are needed, all of them.
	Skills []string
	// Shifts, unless nil, are the only shifts (by index) that may serve it.
	Shifts []int
	// Crew is the smallest team that may go.
	Crew int
	// Priority is what serving it counts for under ValueFirst and
	// PriorityFirst; 0 still counts as one stop served.
	Priority int
	// Value is what leaving it out costs under CostFirst.
	Value int64
	// Must puts serving it (an appointment) before all other goals. It is
	// left out only when nothing found can keep it.
	Must bool
	// Earlier is where an earlier plan had it; nil if in none.
	Earlier *Earlier
}

// Earlier is where an earlier plan had a stop.
type Earlier struct {
	// Shift is the index of the shift that was to serve it.
	Shift int
	// Start is when its service was to start, in seconds.
	Start int
}

// Shift is one team's working day.
type Shift struct {
	// ID is the caller's name of the shift, for messages. It may be empty.
	ID string
	// Matrix is the index of the matrix that holds for this team.
	Matrix int
	// Start and End are places, or NoPlace.
	Start, End int
	// Window holds the whole route: the team leaves at From or later and is
	// done, at End if it has one, at To or earlier.
	Window Window
	// Overtime is by how many seconds the route may run past Window.To, at
	// Rates.OvertimeHour.
	Overtime int
	// Breaks are taken in this order if the team goes out at all.
	Breaks []Break
	// Capacity limits the sum of loads; 0 means no limit.
	Capacity int
	// MaxStops limits the number of stops; 0 means no limit.
	MaxStops int
	// MaxTravel limits the seconds of travel; 0 means no limit.
	MaxTravel int
	// MaxDistance limits the metres of travel; 0 means no limit.
	MaxDistance int
	// MaxWork limits the seconds from leaving Start to reaching End, breaks
	// not counted and waiting counted; 0 means no limit.
	MaxWork int
	// Skills are what the team can do.
	Skills []string
	// Crew is the size of the team.
	Crew int
	// Rates are what the team's day costs. The zero value stands for
	// DefaultRates.
	Rates Rates
	// Pinned are the stops the route must begin with, in this order: done,
	// under way or promised. A team with pinned stops leaves at Window.From.
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

// Pin is a stop that stays where it is. Whether its shift has the skills, the
// crew and the permission is not asked again; the shift's limits do hold.
type Pin struct {
	// Stop is the index of the stop.
	Stop int
	// Fixed says that the service starts at At whatever its windows say: it
	// has happened, or is promised. The way there may have been faster than
	// the matrix says. Otherwise it starts as early as it may.
	Fixed bool
	// At is when the service of a fixed stop starts, in seconds.
	At int
}

// Rates are the prices of a team's day. Hours are charged by the second.
type Rates struct {
	// Fixed is charged once if the team goes out.
	Fixed int64
	// TravelHour is charged for an hour of travel.
	TravelHour int64
	// Km is charged for a thousand metres of travel.
	Km int64
	// WaitHour is charged for an hour of waiting between leaving and returning.
	WaitHour int64
	// ServiceHour is charged for an hour of service and setup.
	ServiceHour int64
	// OvertimeHour is charged for an hour past the end of the shift, on top.
	OvertimeHour int64
}

// DefaultRates charge one unit for a second of travel and nothing else.
var DefaultRates = Rates{TravelHour: 3600}

// Matrix says how long and how far it is from place to place. Values are in
// rows: from place a to place b is at [a*Places+b].
type Matrix struct {
	// Name is the caller's name of the way of moving ("car"), for messages.
	Name string
	// Places is the number of places.
	Places int
	// Durations are seconds, or NoWay; len Places*Places.
	Durations []int32
	// Distances are metres; nil if unknown, which counts as 0.
	Distances []int32
	// Hours hold other durations from certain times of the day on, in order
	// of From; before the first, Durations hold. A team under way when the
	// hour changes covers the rest of its way at the new pace.
	Hours []Hour
}

// Hour is a time of day from which other durations hold.
type Hour struct {
	// From is the first second at which they hold.
	From int
	// Durations are seconds, or NoWay; len Places*Places.
	Durations []int32
}

// Stability makes changes against Stop.Earlier cost something. Zero means that
// changes are free.
type Stability struct {
	// Team is charged for each stop that another shift than before serves.
	Team int64
	// Move is charged for each stop whose service starts more than Tolerance
	// seconds earlier or later than before.
	Move int64
	// Tolerance is in seconds.
	Tolerance int
}

// BalanceBy says what is to be spread evenly.
type BalanceBy int

const (
	// BalanceNone asks for no balance.
	BalanceNone BalanceBy = iota
	// BalanceStops spreads the number of stops.
	BalanceStops
	// BalanceWork spreads the hours worked (see Shift.MaxWork).
	BalanceWork
)

// Balance is a soft goal over all shifts of the problem, idle ones included.
type Balance struct {
	By BalanceBy
	// Weight is charged for each stop, or hour, by which a shift is away from
	// the mean of all shifts.
	Weight int64
}
