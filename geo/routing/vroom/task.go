package vroom

import (
	"io"
	"slices"
	"time"

	"doorstep/geo/routing"
)

// Limits bound the size of a problem, so that reading it takes bounded time and memory.
type Limits struct {
	// Jobs and Vehicles are the largest number of each.
	Jobs, Vehicles int
	// Cells is the largest number of pairs of places over all matrices, including those
	// made by a speed_factor.
	Cells int
}

// MaxLimits returns the limits of geo/routing, with at most about 500 MB of matrices.
func MaxLimits() Limits {
	return Limits{Jobs: routing.MaxStops, Vehicles: routing.MaxShifts, Cells: 64_000_000}
}

// Options are what a problem says about its search.
type Options struct {
	// Time to search; 0 if the problem does not say.
	Time time.Duration
	// Threads to search with; 0 if the problem does not say.
	Threads int
	Seed    uint64
}

// Point is a longitude and a latitude, in degrees.
type Point [2]float64

// Task is a problem as it was read: the data for geo/routing, and the names, texts and
// places for the answer. It does not change after Read.
type Task struct {
	// Options are what the problem says about its search.
	Options Options

	limits    Limits
	jobs      []job
	vehicles  []vehicle
	matrices  []matrix // of the problem; none if locations are to be used
	given     bool     // matrices is there
	objective routing.Objective
	balance   routing.Balance
	stability routing.Stability
	points    []Point
	base      int64 // the time in the JSON of second 0 of the solver
	loads     loadKind
}

// spot is a location and its index.
type spot struct {
	at    *Point
	index int // NoPlace if not given
	place int // in the solver's matrices
}

type span struct{ from, to int64 }

type job struct {
	id             uint64
	about          string
	spot           spot
	setup, service int
	load           int
	kind           loadKind
	skills         []string
	priority       int
	windows        []span
	must           bool
	value          int64
	crew           int
	vehicles       []uint64 // nil: any
	earlier        *earlier
}

type earlier struct {
	vehicle uint64
	start   int64
}

// loadKind says which of VROOM's keys the loads came from.
type loadKind int

const (
	noLoad loadKind = iota
	delivery
	pickup
)

type vehicle struct {
	id          uint64
	about       string
	profile     string
	start, end  *spot
	capacity    *int
	rates       routing.Rates
	skills      []string
	window      *span
	breaks      []pause
	speed       float64
	maxTasks    *int
	maxTravel   int
	maxDistance int
	maxWork     int
	overtime    int
	crew        int
	pins        []pin
}

type pause struct {
	id      uint64
	about   string
	service int
	windows []span
	index   int // in the problem
}

type pin struct {
	job   uint64
	fixed bool
	at    int64
	index int // in steps
}

type matrix struct {
	profile              string
	places               int
	durations, distances []int32
}

// Read reads a problem. The error is an *Error; if reading failed for another
// reason than the text (a time limit, say), it wraps that reason.
func Read(in io.Reader, limits Limits) (*Task, error) {
	return taskReader{newReader(in), &Task{limits: limits}}.checked()
}

// checked reads and checks the whole task.
func (r taskReader) checked() (*Task, error) {
	if err := r.task(); err != nil {
		return nil, err
	}
	if err := r.t.check(); err != nil {
		return nil, err
	}
	return r.t, nil
}

// Jobs returns the number of jobs, and Vehicles that of vehicles.
func (t *Task) Jobs() int { return len(t.jobs) }

// Vehicles returns the number of vehicles.
func (t *Task) Vehicles() int { return len(t.vehicles) }

// NeedsTravel reports whether the problem has locations and no matrices.
func (t *Task) NeedsTravel() bool { return !t.given && len(t.jobs)+len(t.vehicles) > 0 }

// Points returns the places of a problem without matrices, each once, in the
// order of their first mention: vehicles first.
func (t *Task) Points() []Point { return t.points }

// Profiles returns the profiles of the vehicles, each once, in the order of their first
// mention.
func (t *Task) Profiles() []string {
	var out []string
	seen := map[string]bool{}
	for _, v := range t.vehicles {
		if !seen[v.profile] {
			seen[v.profile] = true
			out = append(out, v.profile)
		}
	}
	return out
}

// RefuseProfile returns the error for a profile that the source of travel times does not
// know.
func (t *Task) RefuseProfile(profile, why string) error {
	i := slices.IndexFunc(t.vehicles, func(v vehicle) bool { return v.profile == profile })
	return fault(CodeUnsupported, atVehicle(i).field("profile"), "%s", why)
}
