package vroom

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"doorstep/geo/routing"
)

func atJob(i int) *place     { return (*place)(nil).field("jobs").entry(i) }
func atVehicle(i int) *place { return (*place)(nil).field("vehicles").entry(i) }

// check checks the references between the parts of the problem, and numbers places and
// times.
func (t *Task) check() error {
	for _, look := range []func() *Error{t.checkIDs, t.checkPins, t.checkMatrices, t.placeAll, t.reckon, t.checkLoads} {
		if err := look(); err != nil {
			return err
		}
	}
	for i := range t.vehicles {
		// VROOM takes breaks in this order too.
		slices.SortStableFunc(t.vehicles[i].breaks, func(a, b pause) int {
			return cmp.Or(cmp.Compare(a.first(), b.first()), cmp.Compare(a.last(), b.last()))
		})
		if err := t.vehicles[i].checkBreaks(atVehicle(i)); err != nil {
			return err
		}
	}
	return nil
}

func (b pause) first() int64 {
	if len(b.windows) == 0 {
		return 0
	}
	return b.windows[0].from
}

func (b pause) last() int64 {
	if len(b.windows) == 0 {
		return maxTime
	}
	return b.windows[len(b.windows)-1].to
}

func (t *Task) jobByID() map[uint64]int {
	m := make(map[uint64]int, len(t.jobs))
	for i, j := range t.jobs {
		m[j.id] = i
	}
	return m
}

func (t *Task) vehicleByID() map[uint64]int {
	m := make(map[uint64]int, len(t.vehicles))
	for i, v := range t.vehicles {
		m[v.id] = i
	}
	return m
}

func (t *Task) checkIDs() *Error {
	seen := map[uint64]int{}
	for i, j := range t.jobs {
		if first, dup := seen[j.id]; dup {
			return fault(routing.CodeDuplicate, atJob(i).field("id"), "%d is the id of jobs[%d] too: give each its own",
				j.id, first)
		}
		seen[j.id] = i
	}
	clear(seen)
	for i, v := range t.vehicles {
		if first, dup := seen[v.id]; dup {
			return fault(routing.CodeDuplicate, atVehicle(i).field("id"),
				"%d is the id of vehicles[%d] too: give each its own", v.id, first)
		}
		seen[v.id] = i
	}
	for i, j := range t.jobs {
		for k, id := range j.vehicles {
			if _, ok := seen[id]; !ok {
				return fault(routing.CodeIndex, atJob(i).field("vehicles").entry(k),
					"there is no vehicle with the id %d", id)
			}
		}
		if e := j.earlier; e != nil {
			if _, ok := seen[e.vehicle]; !ok {
				return fault(routing.CodeIndex, atJob(i).field("earlier").field("vehicle"),
					"there is no vehicle with the id %d", e.vehicle)
			}
		}
	}
	return nil
}

func (t *Task) checkPins() *Error {
	jobs := t.jobByID()
	pinned := map[uint64]*place{}
	for i, v := range t.vehicles {
		for _, p := range v.pins {
			at := atVehicle(i).field("steps").entry(p.index)
			if _, ok := jobs[p.job]; !ok {
				return fault(routing.CodeIndex, at.field("id"), "there is no job with the id %d", p.job)
			}
			if first := pinned[p.job]; first != nil {
				return fault(routing.CodePinned, at.field("id"), "job %d is pinned at %s too: pin it once", p.job,
					first)
			}
			pinned[p.job] = at
		}
	}
	return nil
}

// checkBreaks returns an error for breaks that a vehicle cannot take in their order even
// if it serves no job: it would stay idle without a reason.
func (v *vehicle) checkBreaks(at *place) *Error {
	now, end := int64(0), int64(math.MaxInt64)
	if v.window != nil {
		now, end = v.window.from, v.window.to+int64(v.overtime)
	}
	for _, b := range v.breaks {
		begin := now
		if b.windows != nil {
			i := slices.IndexFunc(b.windows, func(w span) bool { return w.to >= now })
			if i < 0 {
				return fault(routing.CodeWindow, at.field("breaks").entry(b.index),
					"cannot begin within its time_windows: before %d the vehicle's day has not begun, or the breaks "+
						"before it are not over: give it later windows, or the others earlier ones", now)
			}
			begin = max(now, b.windows[i].from)
		}
		if now = begin + int64(b.service); now > end {
			return fault(routing.CodeWindow, at.field("breaks").entry(b.index),
				"would last until %d, after the vehicle's day ends, overtime included, at %d: let it begin earlier, "+
					"shorten it, or widen time_window", now, end)
		}
	}
	return nil
}

func (t *Task) matrixOf(profile string) int {
	return slices.IndexFunc(t.matrices, func(m matrix) bool { return m.profile == profile })
}

func (t *Task) checkMatrices() *Error {
	for i, v := range t.vehicles {
		at := atVehicle(i)
		if !t.given {
			continue // the source of travel times knows distances and modes
		}
		k := t.matrixOf(v.profile)
		if k < 0 {
			return fault(routing.CodeMatrix, (*place)(nil).field("matrices").field(v.profile),
				"is missing: %s moves by this profile (car, if it does not say)", at)
		}
		if t.matrices[k].distances == nil {
			switch {
			case v.rates.Km > 0:
				return fault(CodeMissing, (*place)(nil).field("matrices").field(v.profile).field("distances"),
					"is missing: %s.costs.per_km needs it", at)
			case v.maxDistance > 0:
				return fault(CodeMissing, (*place)(nil).field("matrices").field(v.profile).field("distances"),
					"is missing: %s.max_distance needs it", at)
			}
		}
	}
	if used := t.variants() * t.places(); used > 0 && t.places() > t.limits.Cells/used {
		return tooMuch(fault(routing.CodeTooLarge, (*place)(nil).field("vehicles"),
			"%d profiles and speed_factors for %d places: all matrices together may have %d cells", t.variants(),
			t.places(), t.limits.Cells))
	}
	return nil
}

// places returns the number of places of the given matrices.
func (t *Task) places() int {
	if len(t.matrices) == 0 {
		return 0
	}
	return t.matrices[0].places
}

// variant is a profile with a speed factor.
type variant struct {
	profile string
	speed   float64
}

// variants returns the number of matrices of the solver.
func (t *Task) variants() int {
	seen := map[variant]bool{}
	for _, v := range t.vehicles {
		seen[variant{v.profile, v.speed}] = true
	}
	return len(seen)
}

// placeAll numbers the places: by the indexes given if there are matrices,
// else in the order of their first mention.
func (t *Task) placeAll() *Error {
	number := map[Point]int{}
	one := func(s *spot, at *place, point, index string) *Error {
		if t.given {
			switch {
			case s.index < 0:
				return fault(CodeMissing, at.field(index), "is missing: with matrices every place has an index")
			case s.index >= t.places():
				return fault(routing.CodeIndex, at.field(index), "is %d, but the matrices have %d places, from 0",
					s.index, t.places())
			}
			s.place = s.index
			return nil
		}
		if s.at == nil {
			return fault(CodeMissing, at.field(point), "is missing: give [lon, lat], or matrices and %s", index)
		}
		k, ok := number[*s.at]
		if *s.at == (Point{}) {
			return fault(CodeMissing, at.field(point),
				"is [0, 0], in the open sea, which usually stands for a position that is not known: give the real one")
		}
		if !ok {
			k = len(t.points)
			number[*s.at] = k
			t.points = append(t.points, *s.at)
		}
		s.place = k
		return nil
	}
	for i, v := range t.vehicles {
		if v.start != nil {
			if err := one(v.start, atVehicle(i), "start", "start_index"); err != nil {
				return err
			}
		}
		if v.end != nil {
			if err := one(v.end, atVehicle(i), "end", "end_index"); err != nil {
				return err
			}
		}
	}
	for i := range t.jobs {
		if err := one(&t.jobs[i].spot, atJob(i), "location", "location_index"); err != nil {
			return err
		}
	}
	if n := len(t.points); n > 0 && n > t.limits.Cells/n/max(1, t.variants()) {
		return tooMuch(fault(routing.CodeTooLarge, nil, "%d places for %d profiles and speed_factors are too many: "+
			"all matrices together may have %d cells", n, t.variants(), t.limits.Cells))
	}
	return nil
}

// aDay is how long before its earliest window a day of timestamps begins for
// the solver: vehicles without a window may leave in time.
const aDay = 86_400

// reckon chooses second 0 so that timestamps are within the bounds of the solver.
func (t *Task) reckon() *Error {
	low, high := int64(math.MaxInt64), int64(0)
	var where *place
	see := func(v int64, at *place) {
		low = min(low, v)
		if v > high {
			high, where = v, at
		}
	}
	for i, j := range t.jobs {
		for k, w := range j.windows {
			see(w.from, atJob(i).field("time_windows").entry(k))
		}
		if j.earlier != nil {
			see(j.earlier.start, atJob(i).field("earlier").field("start"))
		}
	}
	for i, v := range t.vehicles {
		at := atVehicle(i)
		if v.window != nil {
			see(v.window.from, at.field("time_window"))
		}
		for _, b := range v.breaks {
			for k, w := range b.windows {
				see(w.from, at.field("breaks").entry(b.index).field("time_windows").entry(k))
			}
		}
		for _, p := range v.pins {
			if p.fixed {
				see(p.at, at.field("steps").entry(p.index).field("service_at"))
			}
		}
	}
	if high <= routing.MaxSeconds {
		return nil
	}
	t.base = max(0, low-aDay)
	if high-t.base > routing.MaxSeconds {
		return fault(routing.CodeTooLarge, where, "is at %d, more than %d seconds after the earliest time of the "+
			"problem, %d: plan shorter spans, and give all times in one reckoning", high, routing.MaxSeconds-aDay, low)
	}
	return nil
}

// time converts a time to the seconds of the solver. An end beyond the bounds of the
// solver has no effect.
func (t *Task) time(v int64) int { return int(min(v-t.base, routing.MaxSeconds)) }

func (t *Task) checkLoads() *Error {
	jobs := t.jobByID()
	for i, v := range t.vehicles {
		for _, p := range v.pins {
			at := atVehicle(i).field("steps").entry(p.index)
			switch {
			case v.maxTasks != nil && *v.maxTasks == 0:
				return fault(routing.CodePinned, at,
					"the vehicle may do no task (max_tasks is 0): raise it, or pin nothing")
			case v.capacity != nil && *v.capacity == 0 && t.jobs[jobs[p.job]].load > 0:
				return fault(routing.CodePinned, at,
					"job %d has a load, and the vehicle's capacity is 0: raise it, or pin another job", p.job)
			}
		}
	}
	return nil
}

// room reports whether the limits of a vehicle that are 0 allow a job. For the solver 0
// means no limit, so it cannot be told otherwise.
func (v *vehicle) room(j *job) bool {
	return (v.maxTasks == nil || *v.maxTasks > 0) && (v.capacity == nil || *v.capacity > 0 || j.load == 0)
}

// name returns the name of a job or vehicle in messages.
func name(id uint64, about string) string {
	if about == "" {
		return fmt.Sprint(id)
	}
	return fmt.Sprintf("%d (%s)", id, about)
}
