package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/geo/routing"
	"doorstep/geo/routing/referee"
)

// plan holds the figures by which two plans of a day are compared.
type plan struct {
	stops   int
	travelS int
}

func planOf(r routing.Result) plan {
	var p plan
	for _, route := range r.Routes {
		p.add(route)
	}
	return p
}

func (p *plan) add(r routing.Route) {
	p.stops += r.Total.Stops
	p.travelS += r.Total.Travel
}

func (p *plan) join(o plan) {
	p.stops += o.stops
	p.travelS += o.travelS
}

// perStop returns the travel time per served stop, in seconds.
func (p plan) perStop() float64 { return float64(p.travelS) / float64(max(1, p.stops)) }

// nearestNeighbour plans a problem as a person with a map would: each team goes from
// stop to the nearest stop that it can still serve in its window, with its breaks, and
// be back in time. The referee checks each route. served are the indexes of the stops in
// the routes.
func nearestNeighbour(p routing.Problem) (out plan, served []int, err error) {
	taken := make([]bool, len(p.Stops))
	for s := range p.Shifts {
		shift := &p.Shifts[s]
		m := &p.Matrices[shift.Matrix]
		var route []int
		var best routing.Route
		for here := shift.Start; ; {
			var near []int
			for i := range p.Stops {
				if !taken[i] && (p.Stops[i].Shifts == nil || slices.Contains(p.Stops[i].Shifts, s)) {
					near = append(near, i)
				}
			}
			if here != routing.NoPlace {
				slices.SortStableFunc(near, func(a, b int) int {
					return cmp.Compare(m.Durations[here*m.Places+p.Stops[a].Place],
						m.Durations[here*m.Places+p.Stops[b].Place])
				})
			}
			next := slices.IndexFunc(near, func(i int) bool {
				r, ok := drive(p, s, append(slices.Clone(route), i))
				if ok {
					best = r
				}
				return ok
			})
			if next < 0 {
				break
			}
			route = append(route, near[next])
			taken[near[next]] = true
			here = p.Stops[near[next]].Place
		}
		if len(route) == 0 {
			continue
		}
		alone := only(p, s, route)
		if found := referee.Check(alone,
			routing.Result{Routes: []routing.Route{best}, Cost: best.Cost, Total: best.Total}); len(found) > 0 {
			return plan{}, nil, fmt.Errorf("the nearest-neighbour route of %s breaks the rules: %s", shift.ID,
				found[0].Msg)
		}
		out.add(best)
		served = append(served, route...)
	}
	return out, served, nil
}

// solved lets the solver plan some of a problem's stops; all of these can be served.
func solved(ctx context.Context, p routing.Problem, stops []int, limit time.Duration) (plan, error) {
	slices.Sort(stops)
	some := p
	some.Stops = nil
	for _, i := range stops {
		st := p.Stops[i]
		st.Must, st.Earlier = true, nil
		some.Stops = append(some.Stops, st)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := routing.Solve(ctx, some, routing.Options{Seed: 1})
	if err != nil {
		return plan{}, err
	}
	if found := referee.Check(some, r); len(found) > 0 {
		return plan{}, fmt.Errorf("the solver's plan breaks the rules: %s", found[0].Msg)
	}
	return planOf(r), nil
}

// only returns the problem of one team with its stops in a given order.
func only(p routing.Problem, s int, route []int) routing.Problem {
	shift := p.Shifts[s]
	m := p.Matrices[shift.Matrix]
	index := map[int]int{}
	var places []int
	at := func(place int) int {
		if place == routing.NoPlace {
			return place
		}
		i, ok := index[place]
		if !ok {
			i = len(places)
			index[place], places = i, append(places, place)
		}
		return i
	}
	shift.Start, shift.End, shift.Matrix, shift.Pinned = at(shift.Start), at(shift.End), 0, nil
	out := routing.Problem{}
	for k, i := range route {
		st := p.Stops[i]
		st.Place, st.Shifts, st.Earlier = at(st.Place), nil, nil
		out.Stops = append(out.Stops, st)
		shift.Pinned = append(shift.Pinned, routing.Pin{Stop: k})
	}
	out.Shifts = []routing.Shift{shift}
	part := func(of []int32) []int32 {
		if of == nil {
			return nil
		}
		cut := make([]int32, 0, len(places)*len(places))
		for _, a := range places {
			for _, b := range places {
				cut = append(cut, of[a*m.Places+b])
			}
		}
		return cut
	}
	sub := routing.Matrix{Name: m.Name, Places: len(places), Durations: part(m.Durations), Distances: part(m.Distances)}
	for _, h := range m.Hours {
		sub.Hours = append(sub.Hours, routing.Hour{From: h.From, Durations: part(h.Durations)})
	}
	out.Matrices = []routing.Matrix{sub}
	return out
}

// drive computes the times of a route with a given order; it returns false if windows, breaks or the shift
// do not allow the route.
func drive(p routing.Problem, s int, route []int) (routing.Route, bool) {
	r, err := routing.Solve(context.Background(), only(p, s, route), routing.Options{Iterations: 1})
	if err != nil || len(r.Routes) != 1 || len(r.LeftOut) > 0 {
		return routing.Route{}, false
	}
	return r.Routes[0], true
}
