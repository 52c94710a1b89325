package vroom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"doorstep/geo/routing"
	"doorstep/geo/routing/referee"
)

// apart is a Travel for problems without matrices: n times n seconds from the
// n-th place to any other.
func apart(_ context.Context, profile string, points []Point) (durations, distances []int32, err error) {
	n := len(points)
	d := make([]int32, n*n)
	for i := range n * n {
		if i/n != i%n {
			d[i] = int32(60 + i%7)
		}
	}
	if profile == "camel" {
		return nil, nil, &Error{Path: "vehicles[0].profile", Msg: "is none", code: CodeUnsupported}
	}
	return d, nil, nil
}

// plan reads a problem and gives it to the solver for a few steps.
func plan(text string) (*Task, routing.Problem, routing.Result, error) {
	t, err := Read(strings.NewReader(text), MaxLimits())
	if err != nil {
		return nil, routing.Problem{}, routing.Result{}, err
	}
	p, err := t.Problem(context.Background(), apart)
	if err != nil {
		return nil, p, routing.Result{}, err
	}
	r, err := routing.Solve(context.Background(), p, routing.Options{Iterations: 50})
	return t, p, r, t.Explain(err)
}

// bad is one problem that must be refused; the command and the endpoint are
// tested with the same.
type bad struct{ Name, Code, Path, Text string }

func badProblems(t testing.TB) []bad {
	text, err := os.ReadFile("testdata/bad.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var all []bad
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var b bad
		if err := d.Decode(&b); err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func TestBadProblemsAreRefusedWithTheirPlace(t *testing.T) {
	for _, b := range badProblems(t) {
		_, _, _, err := plan(b.Text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", b.Name, err)
			continue
		}
		if e.Code() != b.Code || e.Path != b.Path {
			t.Errorf("%s: %s at %q, want %s at %q: %v", b.Name, e.Code(), e.Path, b.Code, b.Path, e)
		}
		if len(e.Error()) > 400 {
			t.Errorf("%s: the message has %d bytes", b.Name, len(e.Error()))
		}
	}
}

func TestEveryKeyIsUnderstood(t *testing.T) {
	task, err := Read(strings.NewReader(`{
		"_comment": {"any": ["thing"]},
		"vehicles": [
			{"id": 7, "profile": "car", "description": "Ana", "start_index": 0, "end_index": 2, "start": [1, 2],
			"end": [3, 4], "capacity": [5],
			 "costs": {"fixed": 1, "per_hour": 2, "per_task_hour": 3, "per_km": 4, "per_wait_hour": 5,
			 "per_overtime_hour": 6},
			 "skills": [3, 1], "type": "van", "time_window": [100, 200.0], "speed_factor": 2, "max_tasks": 9,
			 "max_travel_time": 90, "max_distance": 91,
			 "max_work_time": 92, "overtime": 93, "crew": 2, "_own": null,
			 "breaks": [{"id": 2, "description": "tea", "service": 6, "time_windows": [[150, 160]]}, {"id": 1,
			 "service": 5, "time_windows": [[110, 120], [130, 140]]}],
			 "steps": [{"type": "start"}, {"type": "job", "id": 20}, {"type": "job", "id": 10, "service_at": 120},
			 {"type": "end"}]},
			{"id": 8, "max_tasks": 0, "start_index": 1},
			{"id": 9, "capacity": [0], "start_index": 1}],
		"jobs": [
			{"id": 10, "description": "door", "location": [5, 6], "location_index": 1, "setup": 1, "service": 2e1,
			"delivery": [3], "skills": [1], "priority": 50,
			 "time_windows": [[100, 110], [120, 130]], "must": true, "value": 8, "crew": 2, "vehicles": [7, 8],
			 "earlier": {"vehicle": 7, "start": 99}},
			{"id": 20, "location_index": 2, "amount": [1]}, {"id": 18446744073709551615, "location_index": 2,
			"delivery": [0], "pickup": []}],
		"matrices": {"car": {"durations": [[0, 10, 20], [11, 0, 21], [12, 22, 0]], "distances": [[0, 1, 2], [3, 0, 4],
		[5, 6, 0]]}},
		"options": {"l": 1.5, "t": 3, "seed": 9, "x": 5, "g": false, "c": false},
		"objective": "cost", "balance": {"by": "work", "weight": 4}, "stability": {"vehicle": 1, "move": 2,
		"tolerance": 3}, "shipments": []}`), MaxLimits())
	if err != nil {
		t.Fatal(err)
	}
	p, err := task.Problem(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	slow, fast := []int32{0, 10, 20, 11, 0, 21, 12, 22, 0}, []int32{0, 5, 10, 6, 0, 11, 6, 11, 0}
	metres := []int32{0, 1, 2, 3, 0, 4, 5, 6, 0}
	always := routing.Window{From: 0, To: routing.MaxSeconds}
	want := routing.Problem{
		Objective: routing.CostFirst, Balance: routing.Balance{By: routing.BalanceWork, Weight: 4},
		Stability: routing.Stability{Team: 1, Move: 2, Tolerance: 3},
		Matrices: []routing.Matrix{{Name: "car", Places: 3, Durations: fast, Distances: metres},
			{Name: "car", Places: 3, Durations: slow, Distances: metres}},
		Stops: []routing.Stop{
			{ID: "10", Place: 1, Setup: 1, Service: 20, Load: 3, Skills: []string{"1"}, Priority: 50,
				Windows: []routing.Window{{From: 100, To: 110}, {From: 120, To: 130}},
				Must:    true, Value: 8, Crew: 2, Shifts: []int{0}, Earlier: &routing.Earlier{Shift: 0, Start: 99}},
			{ID: "20", Place: 2, Load: 1, Shifts: []int{0}}, // 8 does nothing, 9 carries nothing
			{ID: "18446744073709551615", Place: 2, Shifts: []int{0, 2}}},
		Shifts: []routing.Shift{
			{ID: "7", Matrix: 0, Start: 0, End: 2, Window: routing.Window{From: 100, To: 200}, Overtime: 93,
				Capacity: 5, MaxStops: 9, MaxTravel: 90, MaxDistance: 91,
				MaxWork: 92, Skills: []string{"3", "1"}, Crew: 2,
				Rates: routing.Rates{Fixed: 1, TravelHour: 2, ServiceHour: 3, Km: 4, WaitHour: 5, OvertimeHour: 6},
				Breaks: []routing.Break{{ID: "1", Service: 5,
					Windows: []routing.Window{{From: 110, To: 120}, {From: 130, To: 140}}},
					{ID: "2", Service: 6, Windows: []routing.Window{{From: 150, To: 160}}}},
				Pinned: []routing.Pin{{Stop: 1}, {Stop: 0, Fixed: true, At: 120}}},
			{ID: "8", Matrix: 1, Start: 1, End: routing.NoPlace, Window: always, Crew: 1, Rates: routing.DefaultRates},
			{ID: "9", Matrix: 1, Start: 1, End: routing.NoPlace, Window: always, Crew: 1, Rates: routing.DefaultRates}}}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
	if o := task.Options; o.Time.Seconds() != 1.5 || o.Threads != 3 || o.Seed != 9 {
		t.Errorf("options %+v", o)
	}
}

// flood is an endless text: a head, and then a part again and again.
type flood struct {
	head, part string
	read       int
}

func (f *flood) Read(p []byte) (int, error) {
	n := copy(p, f.head)
	f.head = f.head[n:]
	for n < len(p) {
		k := copy(p[n:], f.part)
		f.head, n = f.part[k:], n+k
	}
	f.read += n
	return n, nil
}

func TestEndlessProblemsAreRefusedInBoundedMemory(t *testing.T) {
	for _, c := range []struct {
		name, head, part string
		megabytes        int // of text that may be read, at most
	}{
		{"jobs", `{"jobs":[{"id":0}`, `,{"id":0}`, 1},
		{"vehicles", `{"vehicles":[{"id":0}`, `,{"id":0}`, 1},
		{"skills", `{"jobs":[{"skills":[1`, `,1`, 1},
		{"windows", `{"jobs":[{"time_windows":[[1,2]`, `,[1,2]`, 1},
		{"a row", `{"matrices":{"car":{"durations":[[0`, `,0`, 9},
		{"rows", `{"matrices":{"car":{"durations":[[0,0]`, `,[0,0]`, 1},
		{"a description", `{"jobs":[{"description":"`, `word `, 9},
		{"a number", `{"jobs":[{"id":`, `9`, 9},
		{"a key", `{"`, `key`, 9},
		{"spaces", `{`, "      ", 9},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		in := &flood{head: c.head, part: c.part}
		text := io.Reader(in)
		_, err := Read(text, MaxLimits())
		runtime.ReadMemStats(&after)
		var e *Error
		if !errors.As(err, &e) || e.Code() != routing.CodeTooLarge && e.Code() != routing.CodeMatrix &&
			e.Code() != routing.CodeWindow {
			t.Errorf("%s: %v", c.name, err)
		}
		if in.read > c.megabytes<<20 {
			t.Errorf("%s: %d bytes were read", c.name, in.read)
		}
		if held := after.HeapSys - before.HeapSys; after.HeapSys > before.HeapSys && held > 100<<20 {
			t.Errorf("%s: %d MB were held", c.name, held>>20)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, b := range badProblems(f) {
		f.Add([]byte(b.Text))
	}
	f.Add([]byte(example(f)))
	f.Add([]byte(`{"vehicles":[{"id":1,"start_index":0,"capacity":[0],"time_window":[1700000000,1700009000],` +
		`"steps":[{"type":"job","id":1,"service_at":1700000100}]}],` +
		`"jobs":[{"id":1,"location_index":1,"service":60,"time_windows":[[1700000000,1700000050]],"pickup":[0],` +
		`"crew":1,"vehicles":[1]}],"matrices":{"car":{"durations":[[0,100],[90,0]]}}}`))
	f.Add([]byte(`{"vehicles":[{"id":1,"start_index":0,"time_window":[0,10000000]}],"jobs":[{"id":1,` +
		`"location_index":0,"time_windows":[[9999999,10000000]]}],"matrices":{"car":{"durations":[[0]]}}}`))
	limits := Limits{Jobs: 20, Vehicles: 5, Cells: 1000}
	f.Fuzz(func(t *testing.T, text []byte) {
		task, err := Read(bytes.NewReader(text), limits)
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || e.Code() == "" || e.Msg == "" {
				t.Fatalf("an error without a code or a message: %#v", err)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatal("taken, but not JSON")
		}
		p, err := task.Problem(context.Background(), apart)
		if err != nil {
			// Only what travel says of profiles: all else is Read's to refuse.
			if !errors.As(err, &e) || e.Code() != CodeUnsupported {
				t.Fatalf("taken, and refused afterwards: %#v", err)
			}
			return
		}
		if len(p.Stops) > limits.Jobs || len(p.Shifts) > limits.Vehicles {
			t.Fatal("beyond the limits")
		}
		r, err := routing.Solve(context.Background(), p, routing.Options{Iterations: 20})
		if err := task.Explain(err); err != nil {
			if !errors.As(err, &e) || e.Code() != routing.CodePinned && e.Code() != routing.CodeObjective {
				t.Fatalf("taken, and refused by the solver: %v", err)
			}
			return
		}
		if bad := referee.Check(p, r); len(bad) > 0 {
			t.Fatal(bad)
		}
		recount(t, task, p, task.Answer(p, r, 0, 0))
		if task.Drawable() == nil {
			if err := task.Draw(io.Discard, r); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestNumbersAreQuotedAsTheyWereWritten(t *testing.T) {
	big := "1" + strings.Repeat("0", 30)
	for key, want := range map[string]string{
		`"max_tasks":` + big: "is " + big + ": write at most 1000000000", `"max_tasks":1e30`: "is 1e30: write at most",
		`"max_tasks":2e9`:  "is 2e9: write at most",
		`"max_tasks":-1e0`: "is -1e0: write 0 or more", `"max_tasks":-` + big: "is -" + big + ": write 0 or more",
		`"max_tasks":0.` + big:                   "is 0." + big + ": write a whole number",
		`"max_tasks":` + strings.Repeat("9", 50): "is 99999999999999999999… (50 characters): write at most",
		`"speed_factor":` + big:                  "is " + big + ": write a number from 0.01 to 5",
		`"speed_factor":0`:                       "is 0: write a number from 0.01 to 5",
		`"speed_factor":0.001`:                   "is 0.001: write a number from 0.01 to 5",
		`"speed_factor":-1`:                      "is -1: write a number from 0.01 to 5",
		`"breaks":[{"id":` + big + `}]`:          "is " + big + ": write at most 18446744073709551615, in digits",
	} {
		_, err := Read(strings.NewReader(`{"vehicles":[{"id":1,"start":[1,2],`+key+`}]}`), MaxLimits())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", key, err, want)
		}
	}
}

func TestByteOrderMarkIsPassedOver(t *testing.T) {
	if task, err := Read(strings.NewReader(byteOrderMark+`{"vehicles":[{"id":1,"start":[1,2]}]}`),
		MaxLimits()); err != nil || task.Vehicles() != 1 {
		t.Error(err)
	}
	for _, text := range []string{" [[1,2]]", `{"vehicles":[{"id":1,"start":[1,2]}]}`} {
		if points, _, err := ReadPoints(strings.NewReader(byteOrderMark+text), MaxLimits()); err != nil ||
			len(points) != 1 {
			t.Errorf("%s: %v %v", text, points, err)
		}
	}
	// Places in the text are those of the file.
	if _, err := Read(strings.NewReader(byteOrderMark+`{"vehicles":[}`), MaxLimits()); err == nil ||
		!strings.Contains(err.Error(), "near byte 16 ") {
		t.Error(err)
	}
	for _, short := range []string{"", "{", "[]", byteOrderMark[:2], byteOrderMark,
		byteOrderMark + byteOrderMark + "{}"} {
		if _, err := Read(strings.NewReader(short), MaxLimits()); err == nil {
			t.Errorf("%q is a problem", short)
		}
	}
	gone := errors.New("gone")
	if _, err := Read(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(gone)), MaxLimits()); !errors.Is(err,
		gone) {
		t.Error(err)
	}
}

func TestPlacesInTheTextAreThoseOfTheFile(t *testing.T) {
	read := func(text string) error {
		_, err := Read(strings.NewReader(text), MaxLimits())
		return err
	}
	points := func(text string) error {
		_, _, err := ReadPoints(iotest.OneByteReader(strings.NewReader(text)), MaxLimits())
		return err
	}
	for _, before := range []string{"", byteOrderMark, "  \n", byteOrderMark + " \t ", strings.Repeat(" ", 5000)} {
		for _, c := range []struct {
			text, says string
			at         int // in the text
			read       func(string) error
		}{
			{`{"vehicles":[}`, "near byte %d ", 13, read}, {`{"vehicles":[}`, "near byte %d ", 13, points},
			{`{"vehicles":[ `, "ends at byte %d,", 14, read}, {`{"vehicles":[ `, "ends at byte %d,", 14, points},
			{`{"vehicles":[]}7`, "near byte %d ", 16, read}, {`{"vehicles":[]}7`, "near byte %d ", 16, points},
			{`[[1,2],}`, "near byte %d ", 7, points}, {`[[1,2] `, "ends at byte %d,", 7, points},
			{`[[1,2]]7`, "near byte %d ", 8, points},
		} {
			if err, want := c.read(before+c.text),
				fmt.Sprintf(c.says, len(before)+c.at); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s after %.5q: %v, want %q", c.text, before, err, want)
			}
		}
	}
}

func TestPointsThatCannotBeReadSayWhy(t *testing.T) {
	gone := errors.New("gone")
	for _, text := range []string{"", " ", "[", "{"} {
		if _, _, err := ReadPoints(io.MultiReader(strings.NewReader(text), iotest.ErrReader(gone)),
			MaxLimits()); !errors.Is(err, gone) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, _, err := ReadPoints(strings.NewReader(byteOrderMark+" "), MaxLimits()); err == nil ||
		!strings.Contains(err.Error(), "nothing was sent") {
		t.Error(err)
	}
}

func TestNoPointsAreAListOfNone(t *testing.T) {
	for _, text := range []string{"[]", `{"vehicles":[]}`} {
		if points, _, err := ReadPoints(strings.NewReader(text), MaxLimits()); err != nil || points == nil ||
			len(points) != 0 {
			t.Errorf("%s: %v %v", text, points, err)
		}
	}
}
