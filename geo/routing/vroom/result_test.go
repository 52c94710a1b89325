package vroom

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"doorstep/geo/routing"
	"doorstep/geo/routing/referee"
)

// recount adds an answer up from the problem's matrices and the steps' order,
// from the problem and the answer alone.
func recount(t *testing.T, task *Task, p routing.Problem, a Result) {
	t.Helper()
	if a.Code != 0 || a.Error != "" || a.Summary == nil {
		t.Fatalf("%+v", a)
	}
	vehicles, jobs := task.vehicleByID(), task.jobByID()
	var cost int64
	duration, distance, service, setup, waiting, priority := 0, 0, 0, 0, 0, 0
	seen := map[uint64]int{}
	for _, r := range a.Routes {
		v, ok := vehicles[r.Vehicle]
		if !ok {
			t.Fatalf("there is no vehicle %d", r.Vehicle)
		}
		s := p.Shifts[v]
		m := p.Matrices[s.Matrix]
		place, travel, way := routing.NoPlace, 0, 0
		work, wait, ready, gains, stops := 0, 0, 0, 0, 0
		var now int64 = -1
		under := 0 // seconds of the present leg that were before a break
		breaks := map[uint64]bool{}
		for i, step := range r.Steps {
			before := 0
			if i > 0 {
				before = r.Steps[i-1].Duration
			}
			if now >= 0 && step.Arrival != now+int64(step.Duration-before) {
				t.Errorf("vehicle %d, step %d: arrives at %d, having left at %d for %d s", r.Vehicle, i, step.Arrival,
					now, step.Duration-before)
			}
			now = step.Arrival + int64(step.Setup+step.WaitingTime+step.Service)
			at := routing.NoPlace
			switch step.Type {
			case "start":
				at = s.Start
			case "end":
				at = s.End
			case "job":
				at = p.Stops[jobs[*step.ID]].Place
				seen[*step.ID]++
				gains += p.Stops[jobs[*step.ID]].Priority
				stops++
			case "break":
				breaks[*step.ID] = true
				under += step.Duration - before
			}
			work, wait, ready = work+step.Service, wait+step.WaitingTime, ready+step.Setup
			if at != routing.NoPlace {
				leg, metres := 0, 0
				if place != routing.NoPlace {
					leg = int(m.Durations[place*m.Places+at])
					if m.Distances != nil {
						metres = int(m.Distances[place*m.Places+at])
					}
				}
				fixed := slices.ContainsFunc(s.Pinned, func(pin routing.Pin) bool {
					return pin.Fixed && step.ID != nil && pin.Stop == jobs[*step.ID]
				})
				had := step.Duration - before + under
				if had != leg && !(fixed && step.Type == "job" && had < leg) {
					t.Errorf("vehicle %d, step %d: %d s under way, the matrix says %d", r.Vehicle, i, had, leg)
				}
				if fixed {
					want := []Violation(nil)
					ready := p.Stops[jobs[*step.ID]].Setup
					if place == at {
						ready = 0
					}
					if leg == routing.NoWay {
						want = []Violation{{Cause: "travel"}}
					} else if short := leg + ready - had - step.Setup; short > 0 {
						want = []Violation{{"travel", short}}
					}
					got := slices.DeleteFunc(slices.Clone(step.Violations), func(v Violation) bool {
						return v.Cause != "travel"
					})
					if !slices.Equal(got, want) {
						t.Errorf("vehicle %d, step %d: violations %v, the matrix says %v", r.Vehicle, i, got, want)
					}
				}
				travel += step.Duration - before + under
				under = 0
				way += metres
				if step.Distance != nil && *step.Distance != way {
					t.Errorf("vehicle %d, step %d: %d m so far, the matrix says %d", r.Vehicle, i, *step.Distance, way)
				}
				place = at
			}
		}
		if r.Service != work || r.WaitingTime != wait || r.Setup != ready || r.Priority != gains ||
			r.Duration != travel+under {
			t.Errorf("vehicle %d: sums %+v; service %d, waiting %d, setup %d, priority %d, duration %d", r.Vehicle, r,
				work, wait, ready, gains, travel+under)
		}
		if r.Distance != nil && *r.Distance != way {
			t.Errorf("vehicle %d: %d m, the matrix says %d", r.Vehicle, *r.Distance, way)
		}
		if len(breaks) != len(s.Breaks) {
			t.Errorf("vehicle %d: %d breaks, wants %d", r.Vehicle, len(breaks), len(s.Breaks))
		}
		if s.Rates == routing.DefaultRates && p.Stability == (routing.Stability{}) && r.Cost != int64(travel+under) {
			t.Errorf("vehicle %d costs %d, and travels %d s", r.Vehicle, r.Cost, travel+under)
		}
		cost += r.Cost
		duration, distance, service, setup, waiting, priority = duration+travel+under, distance+way, service+work,
			setup+ready, waiting+wait, priority+gains
	}
	s := a.Summary
	if s.Duration != duration || s.Service != service || s.Setup != setup || s.WaitingTime != waiting ||
		s.Priority != priority || s.Routes != len(a.Routes) ||
		s.Distance != nil && *s.Distance != distance {
		t.Errorf("summary %+v; duration %d, distance %d, service %d, setup %d, waiting %d, priority %d", *s, duration,
			distance, service, setup, waiting, priority)
	}
	if s.Cost != cost+s.Parts.Balance+s.Parts.LeftOut {
		t.Errorf("the summary costs %d, the routes %d, balance %d, left out %d", s.Cost, cost, s.Parts.Balance,
			s.Parts.LeftOut)
	}
	for _, u := range a.Unassigned {
		seen[u.ID]++
		if u.Reason == "" {
			t.Errorf("job %d is left out for no reason", u.ID)
		}
	}
	for _, j := range task.jobs {
		if seen[j.id] != 1 {
			t.Errorf("job %d is accounted for %d times", j.id, seen[j.id])
		}
	}
	if s.Unassigned != len(a.Unassigned) {
		t.Errorf("%d are left out, the summary says %d", len(a.Unassigned), s.Unassigned)
	}
}

// TestDaysOfTheFieldAddUp plans the days that VROOM was measured on, and compares
// with its figures what this program says of its own routes.
func TestDaysOfTheFieldAddUp(t *testing.T) {
	const field = "../../../../shared/data/field"
	f, err := os.Open(filepath.Join(field, "vroom.csv"))
	if err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the days of the field are not there: %v", err)
	}
	defer func() { _ = f.Close() }()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[string]struct{ leftOut, priority int }{}
	for _, l := range lines[1:] {
		if l[0] == "vroom-x5" {
			leftOut, err1 := strconv.Atoi(l[6])
			priority, err2 := strconv.Atoi(l[7])
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			theirs[l[1]] = struct{ leftOut, priority int }{leftOut, priority}
		}
	}
	for name, them := range theirs {
		in, err := os.Open(filepath.Join(field, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		task, err := Read(in, MaxLimits())
		_ = in.Close()
		if err != nil {
			t.Fatal(name, err)
		}
		p, err := task.Problem(context.Background(), nil)
		if err != nil {
			t.Fatal(name, err)
		}
		r, err := routing.Solve(context.Background(), p, routing.Options{Iterations: 300, Seed: 1})
		if err != nil {
			t.Fatal(name, err)
		}
		if bad := referee.Check(p, r); len(bad) > 0 {
			t.Fatal(name, bad)
		}
		a := task.Answer(p, r, 0, 0)
		recount(t, task, p, a)
		t.Logf("%s: priority %d (VROOM %d), left out %d (%d), cost %d", name, a.Summary.Priority, them.priority,
			a.Summary.Unassigned, them.leftOut, a.Summary.Cost)
		if a.Summary.Priority < them.priority*9/10 {
			t.Errorf("%s: priority %d, VROOM has %d: something was misread", name, a.Summary.Priority, them.priority)
		}
	}
}

func example(t testing.TB) string {
	text, err := os.ReadFile("testdata/example.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExampleIsPlannedAndDrawn(t *testing.T) {
	task, p, r, err := plan(example(t))
	if err != nil {
		t.Fatal(err)
	}
	a := task.Answer(p, r, time.Second, 2*time.Second)
	recount(t, task, p, a)
	if len(a.Unassigned) != 1 || a.Unassigned[0].ID != 15 || a.Unassigned[0].Reason != routing.NoLawfulWindow ||
		a.Unassigned[0].Location == nil {
		t.Errorf("left out: %+v", a.Unassigned)
	}
	if a.Summary.Times != (ComputingTimes{1000, 2000}) {
		t.Errorf("times %+v", a.Summary.Times)
	}
	for _, route := range a.Routes {
		if route.Vehicle == 2 && (*route.Steps[1].ID != 14 || route.Steps[len(route.Steps)-1].Type != "job") {
			t.Errorf("team B: %+v", route.Steps)
		}
	}
	var svg bytes.Buffer
	if err := task.Draw(&svg, r); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for d := xml.NewDecoder(&svg); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal("not XML: ", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			counts[e.Name.Local]++
			for _, a := range e.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") || a.Name.Local == "href" {
					t.Errorf("%s has %s=%q", e.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			if strings.Contains(string(e), "no_lawful_window") {
				counts["reasons"]++
			}
		}
	}
	if counts["circle"] != 6 || counts["polyline"] != len(a.Routes) || counts["reasons"] != 1 || counts["image"] != 0 {
		t.Errorf("drawn: %v", counts)
	}
}

func TestNothingIsDrawnWithoutLocations(t *testing.T) {
	task, _, r, err := plan(`{"vehicles":[{"id":1,"start_index":0}],"jobs":[{"id":1,"location_index":0}],` +
		`"matrices":{"car":{"durations":[[0]]}}}`)
	if err != nil {
		t.Fatal(err)
	}
	var e *Error
	if err := task.Draw(io.Discard, r); !errors.As(err, &e) || e.Code() != CodeNothingToDraw {
		t.Error(err)
	}
}

func TestTextsCannotBreakOutOfTheDrawing(t *testing.T) {
	text := strings.ReplaceAll(example(t), `"description": "`, `"description": "</title><script>&\u0000\"`)
	task, _, r, err := plan(text)
	if err != nil {
		t.Fatal(err)
	}
	var svg bytes.Buffer
	if err := task.Draw(&svg, r); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(svg.String(), "<script") || xml.Unmarshal(svg.Bytes(), new(struct{})) != nil {
		t.Error("a description broke out of its element")
	}
}

// answer plans a problem and returns the answer as read from its JSON.
func answer(t *testing.T, text string) Result {
	t.Helper()
	task, p, r, err := plan(text)
	if err != nil {
		t.Fatal(err)
	}
	a := task.Answer(p, r, 0, 0)
	recount(t, task, p, a)
	out, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestTimestampsComeBackAsTheyCame(t *testing.T) {
	a := answer(t, `{"vehicles":[{"id":1,"start_index":0,"time_window":[1700000000,1700009000]}],
		"jobs":[{"id":1,"location_index":1,"service":60,"time_windows":[[1700000500,9999999999]]}],
		"matrices":{"car":{"durations":[[0,100],[90,0]]}}}`)
	if len(a.Routes) != 1 {
		t.Fatalf("%+v", a)
	}
	steps := a.Routes[0].Steps
	if last := steps[len(steps)-1]; last.Arrival+int64(last.WaitingTime) != 1700000500 {
		t.Errorf("%+v", last)
	}
}

func TestLoadsFollowTheRoute(t *testing.T) {
	const text = `{"vehicles":[{"id":1,"start_index":0,"end_index":0,"capacity":[9],"steps":[{"type":"job","id":1},
		{"type":"job","id":2}]}],
		"jobs":[{"id":1,"location_index":1,"LOAD":[2]},{"id":2,"location_index":1,"LOAD":[3]}],
		"matrices":{"car":{"durations":[[0,5],[5,0]]}}}`
	for key, want := range map[string][]int{"delivery": {5, 3, 0, 0}, "pickup": {0, 2, 5, 5}, "amount": {5, 3, 0, 0}} {
		a := answer(t, strings.ReplaceAll(text, "LOAD", key))
		var got []int
		for _, s := range a.Routes[0].Steps {
			got = append(got, s.Load...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
}

func TestPinsAgainstTheirWindowsAreReported(t *testing.T) {
	const text = `{"vehicles":[{"id":1,"start_index":0,"time_window":[0,1000],"steps":[{"type":"job","id":1,
		"service_at":AT}]}],
		"jobs":[{"id":1,"location_index":0,"skills":[4],"time_windows":[[100,200],[300,400]]}],
		"matrices":{"car":{"durations":[[0]]}}}`
	for at, want := range map[string]Violation{"50": {"lead_time", 50}, "230": {"delay", 30}, "290": {"lead_time", 10},
		"450": {"delay", 50}, "150": {}} {
		a := answer(t, strings.ReplaceAll(text, "AT", at))
		got := a.Summary.Violations
		if want == (Violation{}) {
			if len(got) != 1 || got[0].Cause != "skills" {
				t.Errorf("at %s: %v", at, got)
			}
		} else if len(got) != 2 || got[0] != want || got[1].Cause != "skills" {
			t.Errorf("at %s: %v, want %v and skills", at, got, want)
		}
	}
}

func TestPinsThatNobodyCouldGetToInTimeAreReported(t *testing.T) {
	const text = `{"vehicles":[{"id":1,"start_index":0,"time_window":[0,1000],"breaks":[BREAK],"steps":[{"type":"job",
		"id":1,"service_at":AT}]}],
		"jobs":[{"id":1,"location_index":PLACE,"setup":30}],
		"matrices":{"car":{"durations":[[0,300,10000000],[300,0,5],[5,5,0]]}}}`
	const none = `{"id":1,"service":0}`
	for _, x := range []struct {
		at, place, pause string
		want             []Violation
	}{
		{"330", "1", none, nil},
		{"400", "1", none, nil},
		{"329", "1", none, []Violation{{"travel", 1}}},
		{"100", "1", none, []Violation{{"travel", 230}}},
		{"0", "0", none, nil}, // at the same door there is nothing to set up
		{"900", "2", none, []Violation{{Cause: "travel"}}},
		// A break of 100 s after 50 s of driving: 250 s are left to drive, and a setup of 30.
		{"430", "1", `{"id":1,"service":100,"time_windows":[[50,50]]}`, nil},
		{"410", "1", `{"id":1,"service":100,"time_windows":[[50,50]]}`, []Violation{{"travel", 20}}},
	} {
		a := answer(t, strings.NewReplacer("BREAK", x.pause, "AT", x.at, "PLACE", x.place).Replace(text))
		if got := a.Summary.Violations; !slices.Equal(got, x.want) {
			t.Errorf("at %s, place %s, break %s: %v, want %v", x.at, x.place, x.pause, got, x.want)
		}
	}
}

func TestBreakMayBeTakenInOvertime(t *testing.T) {
	a := answer(t, `{"vehicles":[{"id":1,"start_index":0,"time_window":[0,1000],"overtime":50,"breaks":[{"id":1,
		"service":100,"time_windows":[[950,2000]]}]}],
		"jobs":[{"id":1,"location_index":0}],"matrices":{"car":{"durations":[[0]]}}}`)
	if len(a.Routes) != 1 {
		t.Errorf("%+v", a)
	}
}

func TestBreakInTheMiddleOfADrive(t *testing.T) {
	a := answer(t, `{"vehicles":[{"id":1,"start_index":0,"end_index":0,"time_window":[0,10000],"breaks":[{"id":5,
		"description":"tea","service":60,"time_windows":[[1000,1000]]}]}],
		"jobs":[{"id":1,"location_index":1,"time_windows":[[2060,2060]]}],
		"matrices":{"car":{"durations":[[0,2000],[2000,0]],"distances":[[0,70],[80,0]]}}}`)
	if len(a.Routes) != 1 {
		t.Fatalf("%+v", a)
	}
	s := a.Routes[0].Steps
	if len(s) != 4 || s[1].Type != "break" || *s[1].ID != 5 || s[1].Arrival != 1000 || s[1].Duration != 1000 ||
		*s[1].Distance != 0 || s[1].Location != nil ||
		s[2].Duration != 2000 || *s[2].Distance != 70 || *s[3].Distance != 150 {
		t.Errorf("%+v", s)
	}
}

func TestVehicleWithCapacityZeroCarriesNothing(t *testing.T) {
	a := answer(t, `{"vehicles":[{"id":1,"start_index":0,"capacity":[0]}],"jobs":[{"id":1,"location_index":0,
		"pickup":[1]},{"id":2,"location_index":0}],
		"matrices":{"car":{"durations":[[0]]}}}`)
	if len(a.Unassigned) != 1 || a.Unassigned[0].ID != 1 || a.Unassigned[0].Reason != routing.NoFitTeam {
		t.Errorf("%+v", a.Unassigned)
	}
}

func TestNobodyAndNothing(t *testing.T) {
	for _, text := range []string{`{"vehicles":[]}`, `{"vehicles":[],"jobs":[]}`,
		`{"vehicles":[{"id":1,"start":[1,2]}]}`, `{"vehicles":[],"jobs":[{"id":1,"location":[1,2]}]}`,
		`{"vehicles":[],"jobs":[{"id":1,"location_index":0}],"matrices":{"car":{"durations":[[0]]}}}`} {
		if a := answer(t, text); a.Summary.Routes != 0 || a.Routes == nil || a.Unassigned == nil {
			t.Errorf("%s: %+v", text, a)
		}
	}
}
