package vroom

import (
	"math"
	"strconv"

	"doorstep/geo/routing"
)

// The latest timestamp that is understood, in the year 5138.
const maxTime = 100_000_000_000

// taskReader reads the keys of VROOM's API.
type taskReader struct {
	*reader
	t *Task
}

func unknown(at *place) *Error {
	return fault(CodeUnknownKey, at,
		"this key is not known here: correct it or leave it out; keys of your own begin with _")
}

func refused(at *place, why string) *Error { return fault(CodeUnsupported, at, "%s", why) }

// set stores a value that was read without error.
func set[V, I int | int64](to *V, v I, err *Error) *Error {
	*to = V(v)
	return err
}

func put[V any](to *V, v V, err *Error) *Error {
	*to = v
	return err
}

func (r taskReader) count(to *int, at *place, low, high int64) *Error {
	v, err := r.integer(at, low, high)
	return set(to, v, err)
}

func (r taskReader) amount(to *int64, at *place) *Error {
	v, err := r.integer(at, 0, routing.MaxRate)
	return set(to, v, err)
}

func (r taskReader) seconds(to *int, at *place) *Error { return r.count(to, at, 0, routing.MaxSeconds) }

func (r taskReader) words(to *string, at *place) *Error {
	s, err := r.text(at)
	return put(to, s, err)
}

func (r taskReader) task() *Error {
	vehicles := false
	err := r.object(nil, "an object with vehicles and jobs", func(key string, at *place) *Error {
		switch key {
		case "jobs":
			return r.members(at, r.t.limits.Jobs, "a list of jobs", r.job)
		case "vehicles":
			vehicles = true
			return r.members(at, r.t.limits.Vehicles, "a list of vehicles", r.vehicle)
		case "matrices":
			r.t.given = true
			return r.matrices(at)
		case "options":
			return r.options(at)
		case "objective":
			v, err := r.word(at, "value", "priority", "cost")
			r.t.objective = routing.Objective(v)
			return err
		case "balance":
			return r.balance(at)
		case "stability":
			return r.stability(at)
		case "shipments":
			return r.shipments(at)
		case "matrix":
			return refused(at, "write matrices.car.durations instead")
		}
		return unknown(at)
	})
	if err != nil {
		return err
	}
	if err := r.end(); err != nil {
		return err
	}
	if !vehicles {
		return fault(CodeMissing, (*place)(nil).field("vehicles"), "is missing: give at least an empty list")
	}
	return nil
}

// shipments returns an error unless the list is empty.
func (r taskReader) shipments(at *place) *Error {
	return r.list(at, 1, "a list", func(_ int, at *place) *Error {
		return refused(at, "shipments (from one place to another) are not supported: plan jobs, or leave it out")
	})
}

func (r taskReader) job(i int, at *place) *Error {
	j := job{spot: spot{index: routing.NoPlace}}
	hasID := false
	err := r.object(at, "a job", func(key string, at *place) *Error {
		switch key {
		case "id":
			id, err := r.id(at)
			j.id, hasID = id, true
			return err
		case "description":
			return r.words(&j.about, at)
		case "location":
			p, err := r.point(at)
			return put(&j.spot.at, p, err)
		case "location_index":
			return r.count(&j.spot.index, at, 0, math.MaxInt32)
		case "setup":
			return r.seconds(&j.setup, at)
		case "service":
			return r.seconds(&j.service, at)
		case "delivery", "amount":
			return r.jobLoad(&j, delivery, at)
		case "pickup":
			return r.jobLoad(&j, pickup, at)
		case "skills":
			s, err := r.skills(at)
			return put(&j.skills, s, err)
		case "priority":
			return r.count(&j.priority, at, 0, routing.MaxPriority)
		case "time_windows":
			w, err := r.windows(at)
			return put(&j.windows, w, err)
		case "must":
			m, err := r.truth(at)
			return put(&j.must, m, err)
		case "value":
			return r.amount(&j.value, at)
		case "crew":
			return r.count(&j.crew, at, 0, routing.MaxRate)
		case "vehicles":
			ids, err := r.ids(at)
			return put(&j.vehicles, ids, err)
		case "earlier":
			e, err := r.earlier(at)
			return put(&j.earlier, e, err)
		case "setup_per_type", "service_per_type":
			return refused(at, "times per type of vehicle are not supported: give setup and service")
		}
		return unknown(at)
	})
	if err == nil && !hasID {
		err = fault(CodeMissing, at.field("id"), "is missing: give each job a whole number of its own")
	}
	r.t.jobs = append(r.t.jobs, j)
	return err
}

func (r taskReader) jobLoad(j *job, kind loadKind, at *place) *Error {
	load, _, err := r.quantity(at)
	if err != nil || load == 0 {
		return err
	}
	if j.kind != noLoad || r.t.loads != noLoad && r.t.loads != kind {
		return refused(at, "delivery and pickup (amount is delivery) beside each other are not supported: use one of "+
			"them for all jobs")
	}
	j.load, j.kind, r.t.loads = load, kind, kind
	return nil
}

// quantity reads a load, of at most one dimension.
func (r taskReader) quantity(at *place) (load int, given bool, err *Error) {
	err = r.list(at, maxList, "a list of one whole number", func(i int, at *place) *Error {
		if i > 0 {
			return refused(at, "more than one kind of load is not supported: give the one that is scarce")
		}
		given = true
		return r.count(&load, at, 0, routing.MaxRate)
	})
	return load, given, err
}

func (r taskReader) skills(at *place) ([]string, *Error) {
	var out []string
	err := r.list(at, maxList, "a list of whole numbers", func(_ int, at *place) *Error {
		v, err := r.integer(at, 0, math.MaxUint32)
		out = append(out, strconv.FormatInt(v, 10))
		return err
	})
	return out, err
}

func (r taskReader) ids(at *place) ([]uint64, *Error) {
	out := []uint64{}
	err := r.list(at, r.t.limits.Vehicles, "a list of ids", func(_ int, at *place) *Error {
		v, err := r.id(at)
		out = append(out, v)
		return err
	})
	return out, err
}

func (r taskReader) earlier(at *place) (*earlier, *Error) {
	e, vehicle, start := &earlier{}, false, false
	err := r.object(at, "an object with vehicle and start", func(key string, at *place) *Error {
		switch key {
		case "vehicle":
			vehicle = true
			v, err := r.id(at)
			return put(&e.vehicle, v, err)
		case "start":
			start = true
			v, err := r.integer(at, 0, maxTime)
			return put(&e.start, v, err)
		}
		return unknown(at)
	})
	if err == nil && !(vehicle && start) {
		err = fault(CodeMissing, at, "needs both vehicle and start")
	}
	return e, err
}

func (r taskReader) point(at *place) (*Point, *Error) {
	var p Point
	n := 0
	err := r.list(at, 3, "[lon, lat]", func(i int, at *place) *Error {
		high := 180.0
		switch i {
		case 1:
			high = 90
		case 2:
			return fault(CodeJSON, at, "a location has two numbers: [lon, lat]")
		}
		v, err := r.number(at, -high, high)
		p[i], n = v, n+1
		return err
	})
	if err == nil && n < 2 {
		err = fault(CodeJSON, at, "a location has two numbers: [lon, lat]")
	}
	return &p, err
}

// members reads a list whose length is limited by the size of a problem.
func (r taskReader) members(at *place, most int, want string, entry func(i int, at *place) *Error) *Error {
	err := r.list(at, most, want, entry)
	if err != nil && err.code == routing.CodeTooLarge && err.Path == at.String() {
		return tooMuch(err)
	}
	return err
}

func (r taskReader) window(at *place) (span, *Error) {
	var w [2]int64
	n := 0
	err := r.list(at, 2, "[start, end]", func(i int, at *place) *Error {
		v, err := r.integer(at, 0, maxTime)
		w[i], n = v, n+1
		return err
	})
	if err == nil && n < 2 {
		err = fault(CodeJSON, at, "a time window has two whole numbers: [start, end]")
	}
	if err == nil && w[1] < w[0] {
		err = fault(routing.CodeWindow, at, "ends at %d, before it begins at %d: write [start, end]", w[1], w[0])
	}
	return span{w[0], w[1]}, err
}

func (r taskReader) windows(at *place) ([]span, *Error) {
	var out []span
	err := r.list(at, maxList, "a list of [start, end]", func(i int, at *place) *Error {
		w, err := r.window(at)
		if err == nil && i > 0 && w.from <= out[i-1].to {
			err = fault(routing.CodeWindow, at, "begins at %d, not after the end of the one before, %d: put windows "+
				"in order and join those that touch", w.from, out[i-1].to)
		}
		out = append(out, w)
		return err
	})
	if err == nil && out == nil {
		err = fault(routing.CodeWindow, at, "is empty: leave it out if any time will do")
	}
	return out, err
}

func (r taskReader) options(at *place) *Error {
	o := &r.t.Options
	return r.object(at, "an object", func(key string, at *place) *Error {
		switch key {
		case "l":
			s, err := r.number(at, 0, 86_400)
			return put(&o.Time, seconds(s), err)
		case "t":
			return r.count(&o.Threads, at, 0, 1024)
		case "seed":
			v, err := r.id(at)
			return put(&o.Seed, v, err)
		case "x":
			_, err := r.integer(at, 0, 5)
			return err
		case "g", "c":
			on, err := r.truth(at)
			if err == nil && on && key == "g" {
				err = refused(at, "the answer has no geometry: leave it out")
			} else if err == nil && on {
				err = refused(at, "there is no mode that only times given routes: leave it out, and pin the jobs by "+
					"steps")
			}
			return err
		}
		return unknown(at)
	})
}

func (r taskReader) balance(at *place) *Error {
	b := &r.t.balance
	return r.object(at, "an object with by and weight", func(key string, at *place) *Error {
		switch key {
		case "by":
			v, err := r.word(at, "none", "stops", "work")
			return put(&b.By, routing.BalanceBy(v), err)
		case "weight":
			return r.amount(&b.Weight, at)
		}
		return unknown(at)
	})
}

func (r taskReader) stability(at *place) *Error {
	s := &r.t.stability
	return r.object(at, "an object", func(key string, at *place) *Error {
		switch key {
		case "vehicle":
			return r.amount(&s.Team, at)
		case "move":
			return r.amount(&s.Move, at)
		case "tolerance":
			return r.seconds(&s.Tolerance, at)
		}
		return unknown(at)
	})
}
