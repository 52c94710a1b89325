package vroom

import (
	"slices"
	"time"

	"doorstep/geo/routing"
)

// Result is an answer in VROOM's JSON. Times are in seconds on the problem's
// own clock, distances in metres.
type Result struct {
	Code       int          `json:"code" doc:"0: no error. 1: a fault of ours. 2: the input. 3: travel times."`
	Error      string       `json:"error,omitempty"`
	Summary    *Summary     `json:"summary,omitempty"`
	Unassigned []Unassigned `json:"unassigned,omitzero"`
	Routes     []Route      `json:"routes,omitzero"`
}

// Summary are sums over all routes.
type Summary struct {
	Cost int64 `json:"cost" doc:"The sum of cost_parts."`
	// Parts is an extension.
	Parts       Parts          `json:"cost_parts" doc:"What the cost is made of."`
	Routes      int            `json:"routes"`
	Unassigned  int            `json:"unassigned"`
	Delivery    []int          `json:"delivery,omitempty"`
	Pickup      []int          `json:"pickup,omitempty"`
	Setup       int            `json:"setup"`
	Service     int            `json:"service" doc:"Breaks are counted."`
	Duration    int            `json:"duration" doc:"Seconds of travel."`
	WaitingTime int            `json:"waiting_time"`
	Priority    int            `json:"priority"`
	Distance    *int           `json:"distance,omitempty" doc:"Absent if distances are not known."`
	Violations  []Violation    `json:"violations" doc:"Only jobs pinned by steps can have any."`
	Times       ComputingTimes `json:"computing_times"`
	// Travel is an extension.
	Travel string `json:"travel,omitempty" doc:"Where travel times come from, if the problem had no matrices."`
}

// Parts are the parts of a cost.
type Parts struct {
	Fixed    int64 `json:"fixed"`
	Travel   int64 `json:"travel"`
	Distance int64 `json:"distance"`
	Wait     int64 `json:"wait"`
	Service  int64 `json:"service"`
	Overtime int64 `json:"overtime"`
	Changes  int64 `json:"changes" doc:"See stability."`
	Balance  int64 `json:"balance"`
	LeftOut  int64 `json:"left_out" doc:"The value of jobs left out, under objective cost."`
}

// ComputingTimes are in milliseconds.
type ComputingTimes struct {
	Loading int64 `json:"loading" doc:"Milliseconds of reading and of travel times."`
	Solving int64 `json:"solving" doc:"Milliseconds of the search."`
}

// Unassigned is a job in no route.
type Unassigned struct {
	ID            uint64 `json:"id"`
	Type          string `json:"type" enum:"job"`
	Description   string `json:"description,omitempty"`
	Location      *Point `json:"location,omitempty"`
	LocationIndex *int   `json:"location_index,omitempty"`
	// Reason is an extension.
	Reason routing.Reason `json:"reason" enum:"no_fit_team,unreachable,beyond_limits,no_lawful_window,no_time,worth_less_than_detour" doc:"Why it is in no route."`
}

// Route is the route of a vehicle. Idle vehicles have none.
type Route struct {
	Vehicle     uint64      `json:"vehicle"`
	Description string      `json:"description,omitempty"`
	Cost        int64       `json:"cost"`
	Delivery    []int       `json:"delivery,omitempty"`
	Pickup      []int       `json:"pickup,omitempty"`
	Setup       int         `json:"setup"`
	Service     int         `json:"service" doc:"Breaks are counted."`
	Duration    int         `json:"duration" doc:"Seconds of travel."`
	WaitingTime int         `json:"waiting_time"`
	Priority    int         `json:"priority"`
	Distance    *int        `json:"distance,omitempty"`
	Steps       []Step      `json:"steps"`
	Violations  []Violation `json:"violations"`
}

// Step is one step of a route: arrival, setup, waiting, service, in this order.
type Step struct {
	Type          string      `json:"type" enum:"start,job,break,end"`
	Description   string      `json:"description,omitempty"`
	Location      *Point      `json:"location,omitempty"`
	LocationIndex *int        `json:"location_index,omitempty"`
	ID            *uint64     `json:"id,omitempty"`
	Setup         int         `json:"setup"`
	Service       int         `json:"service"`
	WaitingTime   int         `json:"waiting_time"`
	Load          []int       `json:"load,omitempty" doc:"After the step."`
	Arrival       int64       `json:"arrival" doc:"Of a start: when the vehicle leaves."`
	Duration      int         `json:"duration" doc:"Seconds of travel so far."`
	Distance      *int        `json:"distance,omitempty" doc:"Metres so far; at a break, those of the last place."`
	Violations    []Violation `json:"violations"`
}

// Violation is a condition that a job pinned by steps does not meet.
type Violation struct {
	Cause    string `json:"cause" enum:"lead_time,delay,skills,travel" doc:"travel, an extension: service_at leaves less time than the way there and the setup take."`
	Duration int    `json:"duration,omitempty" doc:"By how many seconds; absent for skills, and for travel where there is no way at all."`
}

// Failure is the answer to a problem that could not be planned: code 1 for a fault of the
// program, 2 for the input, 3 for travel times.
func Failure(code int, err error) Result { return Result{Code: code, Error: err.Error()} }

// Answer returns a result of the solver in VROOM's JSON. p is the problem that t.Problem
// returned. loading and solving are the times that those steps took.
func (t *Task) Answer(p routing.Problem, r routing.Result, loading, solving time.Duration) Result {
	a := answerer{t: t, p: p, metres: len(t.vehicles) > 0}
	for _, m := range p.Matrices {
		a.metres = a.metres && m.Distances != nil
	}
	for _, v := range t.vehicles {
		a.loads = a.loads || v.capacity != nil
	}
	if a.kind = t.loads; a.kind != noLoad {
		a.loads = true
	} else if a.loads {
		a.kind = delivery
	}
	c, s := r.Cost, r.Total
	sum := Summary{Cost: c.Sum(), Routes: len(r.Routes), Unassigned: len(r.LeftOut), Setup: s.Setup,
		Service:  s.Service + s.Breaks,
		Parts:    Parts{c.Fixed, c.Travel, c.Distance, c.Wait, c.Service, c.Overtime, c.Changes, c.Balance, c.LeftOut},
		Duration: s.Travel, WaitingTime: s.Wait, Priority: s.Priority, Distance: a.known(s.Distance),
		Violations: []Violation{},
		Times:      ComputingTimes{loading.Milliseconds(), solving.Milliseconds()}}
	out := Result{Summary: &sum, Unassigned: []Unassigned{}, Routes: []Route{}}
	total := 0
	for _, route := range r.Routes {
		one, load := a.route(route)
		total += load
		sum.Violations = append(sum.Violations, one.Violations...)
		out.Routes = append(out.Routes, one)
	}
	sum.Delivery, sum.Pickup = a.amounts(total)
	for _, l := range r.LeftOut {
		j := t.jobs[l.Stop]
		u := Unassigned{ID: j.id, Type: "job", Description: j.about, Reason: l.Reason}
		u.Location, u.LocationIndex = t.where(&j.spot)
		out.Unassigned = append(out.Unassigned, u)
	}
	return out
}

// answerer makes one answer.
type answerer struct {
	t      *Task
	p      routing.Problem
	metres bool // distances are known
	loads  bool // the problem speaks of loads
	kind   loadKind
}

func (a *answerer) known(metres int) *int {
	if !a.metres {
		return nil
	}
	return &metres
}

// amounts are the sums of deliveries and of pickups.
func (a *answerer) amounts(load int) (brought, fetched []int) {
	switch {
	case !a.loads:
		return nil, nil
	case a.kind == pickup:
		return []int{0}, []int{load}
	}
	return []int{load}, []int{0}
}

// where is the location and the index that the problem has for a place.
func (t *Task) where(s *spot) (*Point, *int) {
	if s.index < 0 || !t.given {
		return s.at, nil
	}
	return s.at, &s.index
}

func (a *answerer) route(r routing.Route) (Route, int) {
	v := &a.t.vehicles[r.Shift]
	out := Route{Vehicle: v.id, Description: v.about, Cost: r.Cost.Sum(), Setup: r.Total.Setup,
		Service:  r.Total.Service + r.Total.Breaks,
		Duration: r.Total.Travel, WaitingTime: r.Total.Wait, Priority: r.Total.Priority,
		Distance: a.known(r.Total.Distance), Violations: []Violation{}}
	whole := 0
	for _, s := range r.Steps {
		if s.Kind == routing.StepStop {
			whole += a.t.jobs[s.Index].load
		}
	}
	out.Delivery, out.Pickup = a.amounts(whole)
	load := 0
	if a.kind == delivery {
		load = whole
	}
	travel, way, stops := 0, 0, 0
	for n, s := range r.Steps {
		travel, way = travel+s.Travel, way+s.Distance
		step := Step{Setup: s.Setup, Service: s.Service, WaitingTime: s.Wait, Arrival: int64(s.Arrival) + a.t.base,
			Duration: travel,
			Distance: a.known(way), Violations: []Violation{}}
		var at *spot
		switch s.Kind {
		case routing.StepStart:
			step.Type, at = "start", v.start
		case routing.StepEnd:
			step.Type, at = "end", v.end
		case routing.StepBreak:
			b := v.breaks[s.Index]
			step.Type, step.ID, step.Description = "break", &b.id, b.about
		case routing.StepStop:
			j := a.t.jobs[s.Index]
			step.Type, step.ID, step.Description, at = "job", &j.id, j.about, &j.spot
			if a.kind == delivery {
				load -= j.load
			} else {
				load += j.load
			}
			if stops < len(v.pins) {
				step.Violations = append(a.violations(v, j, s.Start()), a.rushed(r, n)...)
				out.Violations = append(out.Violations, step.Violations...)
			}
			stops++
		}
		if s.Kind != routing.StepBreak {
			if at == nil {
				continue // VROOM has no step for an open start or end
			}
			step.Location, step.LocationIndex = a.t.where(at)
		}
		if a.loads {
			step.Load = []int{load}
		}
		out.Steps = append(out.Steps, step)
	}
	return out, whole
}

// violations returns the conditions that a pinned job does not meet.
func (a *answerer) violations(v *vehicle, j job, start int) []Violation {
	out := []Violation{}
	ws := a.t.windows(j.windows)
	late := 0
	for i, w := range ws {
		if start < w.From {
			early := w.From - start
			// Between two windows, the violation is of the nearer one.
			if i == 0 || early < late {
				out = append(out, Violation{"lead_time", early})
			} else {
				out = append(out, Violation{"delay", late})
			}
			break
		}
		if late = start - w.To; late <= 0 {
			break
		}
		if i == len(ws)-1 {
			out = append(out, Violation{"delay", late})
		}
	}
	for _, s := range j.skills {
		if !slices.Contains(v.skills, s) {
			out = append(out, Violation{Cause: "skills"})
			break
		}
	}
	return out
}

// rushed returns a violation if the time before the pinned step n is too short for the
// travel and the setup.
func (a *answerer) rushed(r routing.Route, n int) []Violation {
	s, from := r.Steps[n], n-1
	had := s.Travel + s.Setup
	for ; r.Steps[from].Kind == routing.StepBreak; from-- {
		had += r.Steps[from].Travel
	}
	need, start := a.p.Stops[s.Index].Setup, r.Steps[from].Place
	if start == s.Place {
		need = 0
	}
	if m := &a.p.Matrices[a.p.Shifts[r.Shift].Matrix]; start >= 0 {
		leg := int(m.Durations[start*m.Places+s.Place])
		if leg == routing.NoWay {
			return []Violation{{Cause: "travel"}}
		}
		need += leg
	}
	if need <= had {
		return nil
	}
	return []Violation{{"travel", need - had}}
}
