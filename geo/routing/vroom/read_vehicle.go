package vroom

import (
	"math"
	"time"

	"doorstep/geo/routing"
)

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (r taskReader) vehicle(_ int, at *place) *Error {
	v := vehicle{profile: "car", rates: routing.DefaultRates, speed: 1, crew: 1}
	var start, end spot
	start.index, end.index = routing.NoPlace, routing.NoPlace
	hasID := false
	err := r.object(at, "a vehicle", func(key string, at *place) *Error {
		switch key {
		case "id":
			id, err := r.id(at)
			v.id, hasID = id, true
			return err
		case "profile":
			return r.words(&v.profile, at)
		case "description":
			return r.words(&v.about, at)
		case "type":
			_, err := r.text(at) // means something only to times per type, which are refused
			return err
		case "start", "end":
			p, err := r.point(at)
			if key == "start" {
				return put(&start.at, p, err)
			}
			return put(&end.at, p, err)
		case "start_index":
			return r.count(&start.index, at, 0, math.MaxInt32)
		case "end_index":
			return r.count(&end.index, at, 0, math.MaxInt32)
		case "capacity":
			load, given, err := r.quantity(at)
			if given {
				v.capacity = &load
			}
			return err
		case "costs":
			return r.costs(&v, at)
		case "skills":
			s, err := r.skills(at)
			return put(&v.skills, s, err)
		case "time_window":
			w, err := r.window(at)
			return put(&v.window, &w, err)
		case "breaks":
			return r.list(at, maxList, "a list of breaks", func(i int, at *place) *Error { return r.pause(&v, i, at) })
		case "speed_factor":
			f, err := r.number(at, 0.01, 5)
			return put(&v.speed, math.Round(f*100)/100, err)
		case "max_tasks":
			n := 0
			err := r.count(&n, at, 0, routing.MaxRate)
			return put(&v.maxTasks, &n, err)
		case "max_travel_time":
			return r.count(&v.maxTravel, at, 1, routing.MaxRate)
		case "max_distance":
			return r.count(&v.maxDistance, at, 1, routing.MaxRate)
		case "max_work_time":
			return r.count(&v.maxWork, at, 1, routing.MaxRate)
		case "overtime":
			return r.seconds(&v.overtime, at)
		case "crew":
			return r.count(&v.crew, at, 0, routing.MaxRate)
		case "steps":
			return r.list(at, r.t.limits.Jobs+2, "a list of steps", func(i int, at *place) *Error {
				return r.step(&v, i, at)
			})
		}
		return unknown(at)
	})
	if err == nil && !hasID {
		err = fault(CodeMissing, at.field("id"), "is missing: give each vehicle a whole number of its own")
	}
	if start.at != nil || start.index >= 0 {
		v.start = &start
	}
	if end.at != nil || end.index >= 0 {
		v.end = &end
	}
	r.t.vehicles = append(r.t.vehicles, v)
	return err
}

func (r taskReader) costs(v *vehicle, at *place) *Error {
	c := &v.rates
	err := r.object(at, "an object", func(key string, at *place) *Error {
		switch key {
		case "fixed":
			return r.amount(&c.Fixed, at)
		case "per_hour":
			return r.amount(&c.TravelHour, at)
		case "per_task_hour":
			return r.amount(&c.ServiceHour, at)
		case "per_km":
			return r.amount(&c.Km, at)
		case "per_wait_hour":
			return r.amount(&c.WaitHour, at)
		case "per_overtime_hour":
			return r.amount(&c.OvertimeHour, at)
		}
		return unknown(at)
	})
	if err == nil && *c == (routing.Rates{}) {
		err = fault(routing.CodeObjective, at,
			"are all 0, so that every route costs the same: leave them out, or set one above 0")
	}
	return err
}

func (r taskReader) pause(v *vehicle, i int, at *place) *Error {
	if i == routing.MaxBreaks {
		return fault(routing.CodeTooLarge, at, "a vehicle has at most %d breaks", routing.MaxBreaks)
	}
	b := pause{index: i}
	hasID := false
	err := r.object(at, "a break", func(key string, at *place) *Error {
		switch key {
		case "id":
			id, err := r.id(at)
			b.id, hasID = id, true
			return err
		case "description":
			return r.words(&b.about, at)
		case "service":
			return r.seconds(&b.service, at)
		case "time_windows":
			w, err := r.windows(at)
			return put(&b.windows, w, err)
		case "max_load":
			return refused(at, "a limit on the load at a break is not supported: leave it out")
		}
		return unknown(at)
	})
	if err == nil && !hasID {
		err = fault(CodeMissing, at.field("id"), "is missing: give each break a whole number of its own")
	}
	for _, other := range v.breaks {
		if err == nil && other.id == b.id {
			err = fault(routing.CodeDuplicate, at.field("id"),
				"%d is the id of another break of this vehicle: give each its own", b.id)
		}
	}
	v.breaks = append(v.breaks, b)
	return err
}

// step reads one of the steps a route must begin with.
func (r taskReader) step(v *vehicle, i int, at *place) *Error {
	p := pin{index: i}
	kind, hasID := "", false
	err := r.object(at, "a step", func(key string, at *place) *Error {
		switch key {
		case "type":
			return r.words(&kind, at)
		case "id":
			id, err := r.id(at)
			p.job, hasID = id, true
			return err
		case "service_at":
			at, err := r.integer(at, 0, maxTime)
			p.fixed = true
			return put(&p.at, at, err)
		case "service_after", "service_before":
			return refused(at, "a pinned job has one time: give service_at, or leave it out to start as early as "+
				"possible")
		}
		return unknown(at)
	})
	if err != nil {
		return err
	}
	switch kind {
	case "start", "end":
		if hasID || p.fixed {
			return fault(CodeJSON, at, "a step of type %s has neither id nor time", kind)
		}
		return nil
	case "job":
		if !hasID {
			return fault(CodeMissing, at.field("id"), "is missing: give the id of the job")
		}
		v.pins = append(v.pins, p)
		return nil
	case "break":
		return refused(at, "breaks cannot be pinned: leave the step out, the solver places them")
	case "pickup", "delivery":
		return refused(at, "shipments are not supported: leave the step out")
	case "":
		return fault(CodeMissing, at.field("type"), "is missing: write start, job or end")
	}
	return fault(CodeJSON, at.field("type"), "is %.20q: write start, job or end", kind)
}
