package vroom

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"doorstep/geo/routing"
)

// tinyJob, tinyVehicle and tinyProblem are what the test draws; their JSON is the problem.
type tinyJob struct {
	ID       int      `json:"id"`
	At       int      `json:"location_index"`
	Service  int      `json:"service,omitempty"`
	Delivery []int    `json:"delivery,omitempty"`
	Skills   []int    `json:"skills,omitempty"`
	Priority int      `json:"priority,omitempty"`
	Windows  [][2]int `json:"time_windows,omitempty"`
}

type tinyVehicle struct {
	ID        int     `json:"id"`
	Start     *int    `json:"start_index,omitempty"`
	End       *int    `json:"end_index,omitempty"`
	Capacity  []int   `json:"capacity,omitempty"`
	Skills    []int   `json:"skills,omitempty"`
	Window    *[2]int `json:"time_window,omitempty"`
	MaxTasks  int     `json:"max_tasks,omitempty"`
	MaxTravel int     `json:"max_travel_time,omitempty"`
	Costs     struct {
		Fixed   int `json:"fixed,omitempty"`
		PerHour int `json:"per_hour"`
	} `json:"costs"`
}

type tinyProblem struct {
	Jobs     []tinyJob     `json:"jobs"`
	Vehicles []tinyVehicle `json:"vehicles"`
	Matrices struct {
		Car struct {
			Durations [][]int `json:"durations"`
		} `json:"car"`
	} `json:"matrices"`
}

func randomTiny(r *rand.Rand) tinyProblem {
	var p tinyProblem
	places := 2 + r.IntN(5)
	for i := range places {
		row := make([]int, places)
		for j := range row {
			if i != j {
				row[j] = 60 * (1 + r.IntN(20))
			}
		}
		p.Matrices.Car.Durations = append(p.Matrices.Car.Durations, row)
	}
	half := func() bool { return r.IntN(2) == 0 }
	for i := range 1 + r.IntN(5) {
		j := tinyJob{ID: 10 + i, At: r.IntN(places), Service: 60 * r.IntN(10), Priority: r.IntN(4) * r.IntN(4)}
		if half() {
			j.Delivery = []int{r.IntN(4)}
		}
		if r.IntN(3) == 0 {
			j.Skills = []int{1 + r.IntN(2)}
		}
		for from := 60 * r.IntN(60); half() && len(j.Windows) < 2; from += 60 * (20 + r.IntN(30)) {
			j.Windows = append(j.Windows, [2]int{from, from + 60*r.IntN(15)})
		}
		p.Jobs = append(p.Jobs, j)
	}
	for i := range 1 + r.IntN(2) {
		v := tinyVehicle{ID: 1 + i}
		start, end := r.IntN(places), r.IntN(places)
		if v.Start = &start; half() {
			v.End = &end
		}
		if half() {
			v.Capacity = []int{1 + r.IntN(6)}
		}
		if half() {
			v.Skills = []int{1, 2}[:1+r.IntN(2)]
		}
		if half() {
			from := 60 * r.IntN(20)
			v.Window = &[2]int{from, from + 60*(10+r.IntN(80))}
		}
		if r.IntN(3) == 0 {
			v.MaxTasks = 1 + r.IntN(3)
		}
		if r.IntN(3) == 0 {
			v.MaxTravel = 60 * (5 + r.IntN(60))
		}
		v.Costs.PerHour = 3600 // so that a second of travel costs one
		if half() {
			v.Costs.Fixed = r.IntN(2000)
		}
		p.Vehicles = append(p.Vehicles, v)
	}
	return p
}

// cost is what a vehicle's route costs; ok is false if it breaks a rule. It goes as early as it can.
func (p *tinyProblem) cost(v *tinyVehicle, route []int) (cost int, ok bool) {
	if len(route) == 0 {
		return 0, true
	}
	if v.MaxTasks > 0 && len(route) > v.MaxTasks {
		return 0, false
	}
	now, until, at, load, travel := 0, 1<<40, *v.Start, 0, 0
	if v.Window != nil {
		now, until = v.Window[0], v.Window[1]
	}
	drive := func(to int) {
		travel += p.Matrices.Car.Durations[at][to]
		now += p.Matrices.Car.Durations[at][to]
		at = to
	}
	for _, i := range route {
		j := &p.Jobs[i]
		if slices.ContainsFunc(j.Skills, func(s int) bool { return !slices.Contains(v.Skills, s) }) {
			return 0, false
		}
		for _, d := range j.Delivery {
			load += d
		}
		drive(j.At)
		if len(j.Windows) > 0 {
			w := slices.IndexFunc(j.Windows, func(w [2]int) bool { return now <= w[1] })
			if w < 0 {
				return 0, false
			}
			now = max(now, j.Windows[w][0])
		}
		now += j.Service
	}
	if v.End != nil {
		drive(*v.End)
	}
	if now > until || len(v.Capacity) > 0 && load > v.Capacity[0] || v.MaxTravel > 0 && travel > v.MaxTravel {
		return 0, false
	}
	return v.Costs.Fixed + travel, true
}

// score is what VROOM compares, in this order: the priorities served, the jobs served, and the cost.
type score struct{ priority, served, cost int }

func (s score) better(than score) bool {
	switch {
	case s.priority != than.priority:
		return s.priority > than.priority
	case s.served != than.served:
		return s.served > than.served
	}
	return s.cost < than.cost
}

// best tries every assignment and every order.
func (p *tinyProblem) best() score {
	best := score{}
	routes := make([][]int, len(p.Vehicles))
	var try func(job int, s score)
	try = func(job int, s score) {
		if job == len(p.Jobs) {
			for i := range routes {
				c, ok := p.cost(&p.Vehicles[i], routes[i])
				if !ok {
					return
				}
				s.cost += c
			}
			if s.better(best) {
				best = s
			}
			return
		}
		try(job+1, s)
		for v := range routes {
			was := routes[v]
			for at := range len(was) + 1 {
				routes[v] = slices.Insert(slices.Clone(was), at, job)
				try(job+1, score{s.priority + p.Jobs[job].Priority, s.served + 1, s.cost})
			}
			routes[v] = was
		}
	}
	try(0, score{})
	return best
}

// TestRandomProblemsAreSolvedAsByTryingEverything draws 136 small problems in VROOM's JSON and compares the answers
// with the best of all plans, found by trying every one.
func TestRandomProblemsAreSolvedAsByTryingEverything(t *testing.T) {
	const problems = 136
	r := rand.New(rand.NewPCG(136, 1))
	left, idle := 0, 0
	for n := range problems {
		p := randomTiny(r)
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		want := p.best()
		var got score
		for seed := range uint64(3) { // one search may end in a local optimum; three of them may not
			task, err := Read(strings.NewReader(string(text)), MaxLimits())
			if err != nil {
				t.Fatalf("problem %d: %v\n%s", n, err, text)
			}
			problem, err := task.Problem(context.Background(), apart)
			if err != nil {
				t.Fatalf("problem %d: %v\n%s", n, err, text)
			}
			result, err := routing.Solve(context.Background(), problem, routing.Options{Iterations: 400, Seed: seed})
			if err != nil {
				t.Fatalf("problem %d: %v\n%s", n, err, text)
			}
			a := task.Answer(problem, result, 0, 0)
			recount(t, task, problem, a)
			got = score{a.Summary.Priority, len(p.Jobs) - a.Summary.Unassigned, int(a.Summary.Cost)}
			if got.better(want) {
				t.Fatalf("problem %d: better than the best: %+v, %+v\n%s", n, got, want, text)
			}
			if got == want {
				break
			}
		}
		if got != want {
			t.Errorf("problem %d: %+v, the best is %+v\n%s", n, got, want, text)
		}
		if want.served < len(p.Jobs) {
			left++
		}
		if want.served == 0 {
			idle++
		}
	}
	t.Logf("%d of %d problems leave jobs out, %d leave out all", left, problems, idle)
	if left < problems/5 || left > 4*problems/5 || idle > problems/5 {
		t.Errorf("%d of %d problems leave jobs out, %d leave out all", left, problems, idle)
	}
}
