package vroom

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"doorstep/geo/routing"
)

// Travel returns the seconds and metres by a profile from each of some points
// to each other, row by row. Distances may be nil.
type Travel func(ctx context.Context, profile string, points []Point) (durations, distances []int32, err error)

// Problem returns the problem for the solver, and asks travel, which may be nil
// unless NeedsTravel, for the matrices that the task lacks. The error is an
// *Error, or travel's.
func (t *Task) Problem(ctx context.Context, travel Travel) (routing.Problem, error) {
	p := routing.Problem{Objective: t.objective, Balance: t.balance, Stability: t.stability}
	at, err := t.pace(ctx, &p, travel)
	if err != nil {
		return routing.Problem{}, err
	}
	vehicles := t.vehicleByID()
	jobs := t.jobByID()
	for i := range t.jobs {
		j := &t.jobs[i]
		s := routing.Stop{ID: strconv.FormatUint(j.id, 10), Place: j.spot.place, Service: j.service, Setup: j.setup,
			Windows: t.windows(j.windows),
			Load:    j.load, Skills: j.skills, Crew: j.crew, Priority: j.priority, Value: j.value, Must: j.must}
		s.Shifts = t.mayServe(j)
		if e := j.earlier; e != nil {
			s.Earlier = &routing.Earlier{Shift: vehicles[e.vehicle], Start: t.time(e.start)}
		}
		p.Stops = append(p.Stops, s)
	}
	for i, v := range t.vehicles {
		s := routing.Shift{ID: strconv.FormatUint(v.id, 10), Matrix: at[i], Start: routing.NoPlace,
			End:    routing.NoPlace,
			Window: routing.Window{From: 0, To: routing.MaxSeconds}, Overtime: v.overtime, MaxTravel: v.maxTravel,
			MaxDistance: v.maxDistance,
			MaxWork:     v.maxWork, Skills: v.skills, Crew: v.crew, Rates: v.rates}
		if v.start != nil {
			s.Start = v.start.place
		}
		if v.end != nil {
			s.End = v.end.place
		}
		if v.window != nil {
			s.Window = t.windows([]span{*v.window})[0]
		}
		if v.capacity != nil {
			s.Capacity = *v.capacity
		}
		if v.maxTasks != nil {
			s.MaxStops = *v.maxTasks
		}
		for _, b := range v.breaks {
			s.Breaks = append(s.Breaks, routing.Break{ID: strconv.FormatUint(b.id, 10), Service: b.service,
				Windows: t.windows(b.windows)})
		}
		for _, pin := range v.pins {
			k := routing.Pin{Stop: jobs[pin.job], Fixed: pin.fixed}
			if pin.fixed {
				k.At = t.time(pin.at)
			}
			s.Pinned = append(s.Pinned, k)
		}
		p.Shifts = append(p.Shifts, s)
	}
	if err := p.Validate(); err != nil {
		return routing.Problem{}, t.Explain(err)
	}
	return p, nil
}

// mayServe lists the vehicles that may serve a job; nil if all may.
func (t *Task) mayServe(j *job) []int {
	var may []int
	named := make(map[uint64]bool, len(j.vehicles))
	for _, id := range j.vehicles {
		named[id] = true
	}
	for i := range t.vehicles {
		if v := &t.vehicles[i]; v.room(j) && (j.vehicles == nil || named[v.id]) {
			may = append(may, i)
		}
	}
	switch {
	case len(may) == len(t.vehicles):
		return nil
	case may == nil:
		return []int{}
	}
	return may
}

func (t *Task) windows(in []span) []routing.Window {
	var out []routing.Window
	for _, w := range in {
		out = append(out, routing.Window{From: t.time(w.from), To: t.time(w.to)})
	}
	return out
}

// pace adds one matrix for each profile and speed factor to p and returns the index of
// the matrix of each vehicle.
func (t *Task) pace(ctx context.Context, p *routing.Problem, travel Travel) ([]int, error) {
	base := map[string]routing.Matrix{}
	for _, m := range t.matrices {
		base[m.profile] = routing.Matrix{Name: m.profile, Places: m.places, Durations: m.durations,
			Distances: m.distances}
	}
	if t.NeedsTravel() {
		for _, profile := range t.Profiles() {
			durations, distances, err := travel(ctx, profile, t.points)
			if err != nil {
				return nil, err
			}
			base[profile] = routing.Matrix{Name: profile, Places: len(t.points), Durations: durations,
				Distances: distances}
		}
	}
	at := make([]int, len(t.vehicles))
	had := map[variant]int{}
	for i, v := range t.vehicles {
		k, ok := had[variant{v.profile, v.speed}]
		if !ok {
			k = len(p.Matrices)
			had[variant{v.profile, v.speed}] = k
			p.Matrices = append(p.Matrices, paced(base[v.profile], v.speed))
		}
		at[i] = k
	}
	if len(t.vehicles) == 0 { // the solver still needs a matrix with the places
		n := max(t.places(), len(t.points))
		p.Matrices = append(p.Matrices, routing.Matrix{Places: n, Durations: make([]int32, n*n)})
	}
	return at, nil
}

// paced returns m with durations divided by a speed factor.
func paced(m routing.Matrix, speed float64) routing.Matrix {
	if speed == 1 {
		return m
	}
	m.Durations = slices.Clone(m.Durations)
	for i, d := range m.Durations {
		if d < routing.NoWay {
			m.Durations[i] = int32(min(math.Round(float64(d)/speed), routing.NoWay))
		}
	}
	return m
}

// translate converts a path in a routing.Problem to a path in the JSON.
func (t *Task) translate(path string) string {
	var vehicle, k int
	rest, ok := strings.CutPrefix(path, "shifts[")
	if ok {
		vehicle, rest = number(rest)
		if r, ok := strings.CutPrefix(rest, ".pinned["); ok && vehicle < len(t.vehicles) {
			if k, _ = number(r); k < len(t.vehicles[vehicle].pins) {
				return atVehicle(vehicle).field("steps").entry(t.vehicles[vehicle].pins[k].index).String()
			}
		}
		rest = strings.NewReplacer(".windows[0]", ".time_window", ".pinned", ".steps", ".max_stops", ".max_tasks",
			".max_travel", ".max_travel_time", ".max_work", ".max_work_time").Replace(rest)
		return atVehicle(vehicle).String() + rest
	}
	return strings.NewReplacer("stops", "jobs", "shifts", "vehicles", ".windows[", ".time_windows[", ".place",
		".location_index").Replace(path)
}

// number reads the index at the beginning of "12].rest".
func number(s string) (int, string) {
	digits, rest, _ := strings.Cut(s, "]")
	n, _ := strconv.Atoi(digits)
	return n, rest
}
