package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/geo/routing/vroom"

	"github.com/alecthomas/kong"
)

const vroomData = "../../../geo/routing/vroom/testdata/"

// said is what a command wrote, and the status it ends with.
type said struct {
	out, err string
	status   int
	failure  error
}

// route runs the command as the shell would, but for the process.
func route(t *testing.T, in string, args ...string) said {
	t.Helper()
	var c commands
	parser, err := kong.New(&c, kong.Name("doorstep"), kong.Vars{"version": "test"})
	if err != nil {
		t.Fatal(err)
	}
	k, err := parser.Parse(append([]string{"route"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	s := streams{in: strings.NewReader(in), out: &out, err: &log, terminal: strings.Contains(in, `"_bar"`)}
	switch name := k.Command(); {
	case strings.HasPrefix(name, "route solve"):
		err = c.Route.Solve.solve(t.Context(), s)
	case strings.HasPrefix(name, "route matrix"):
		err = c.Route.Matrix.matrix(t.Context(), s)
	default:
		t.Fatal(name)
	}
	r := said{out: out.String(), err: log.String(), failure: err}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		r.status = coded.ExitCode()
	} else if err != nil {
		t.Fatalf("an error without a status: %v", err)
	}
	return r
}

func TestExampleIsSolvedCheckedAndDrawn(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "day.svg")
	r := route(t, "", "solve", "--time", "50ms", "--seed", "7", "--threads", "1", "--check", "--svg", svg, vroomData+"example.json")
	if r.status != 0 || !strings.Contains(r.err, "nothing wrong in 2 routes with 7 jobs") {
		t.Fatal(r)
	}
	var got vroom.Result
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || got.Code != 0 || got.Summary.Routes != 2 || got.Summary.Priority != 175 {
		t.Errorf("%v: %s", err, r.out)
	}
	drawn, err := os.ReadFile(svg)
	if err != nil || !bytes.Contains(drawn, []byte("no_lawful_window")) {
		t.Error(err, "the drawing does not say why a job is left out")
	}
}

func TestMatricesMakeTheProblemThatLocationsDo(t *testing.T) {
	text, err := os.ReadFile(vroomData + "example.json")
	if err != nil {
		t.Fatal(err)
	}
	r := route(t, string(text), "matrix")
	var m struct {
		Locations []vroom.Point             `json:"_locations"`
		Travel    map[string]string         `json:"_travel"`
		Matrices  map[string]vroom.Matrices `json:"matrices"`
	}
	if err := json.Unmarshal([]byte(r.out), &m); err != nil || r.status != 0 || len(m.Locations) != 8 || len(m.Matrices["foot"].Durations) != 8 || !strings.Contains(m.Travel["foot"], "guessed") {
		t.Fatal(err, r)
	}
	// Put the matrices and the indexes into the problem: the answer costs the same.
	var p map[string]any
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	index := func(of, point, key string) {
		for _, v := range p[of].([]any) {
			v := v.(map[string]any)
			at, ok := v[point].([]any)
			for i, l := range m.Locations {
				if ok && at[0] == l[0] && at[1] == l[1] {
					v[key] = i
				}
			}
		}
	}
	index("jobs", "location", "location_index")
	index("vehicles", "start", "start_index")
	index("vehicles", "end", "end_index")
	p["matrices"] = m.Matrices
	with, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var a, b vroom.Result
	for text, into := range map[string]*vroom.Result{string(text): &a, string(with): &b} {
		if err := json.Unmarshal([]byte(route(t, text, "solve", "--time", "100ms", "--threads", "1").out), into); err != nil {
			t.Fatal(err)
		}
	}
	if a.Summary == nil || b.Summary == nil || a.Summary.Cost != b.Summary.Cost || a.Summary.Priority != b.Summary.Priority {
		t.Errorf("%+v\n%+v", a.Summary, b.Summary)
	}
}

func TestMatrixOfPoints(t *testing.T) {
	r := route(t, " [[-8.61,41.14],[-8.62,41.15]]", "matrix", "--profile", "car", "--profile", "foot")
	var m struct{ Matrices map[string]vroom.Matrices }
	if err := json.Unmarshal([]byte(r.out), &m); err != nil || len(m.Matrices) != 2 || m.Matrices["foot"].Durations[0][1] <= m.Matrices["car"].Durations[0][1] ||
		m.Matrices["car"].Distances[0][1] < 1000 {
		t.Error(err, r)
	}
	for _, bad := range []string{"", "7", "[[1]]", "[[1,2]", "[[1,2]]x", `{"vehicles":[],"matrices":{}}`} {
		if r := route(t, bad, "matrix"); r.status != badInput || r.out != "" {
			t.Errorf("%s: %+v", bad, r)
		}
	}
	if r := route(t, "[[1,2]]", "matrix", "--profile", "camel"); r.status != badInput || !strings.Contains(r.failure.Error(), "foot, bicycle, scooter or car") {
		t.Error(r)
	}
}

func TestBadProblemsEndWithStatusOne(t *testing.T) {
	text, err := os.ReadFile(vroomData + "bad.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var b struct{ Name, Code, Path, Text string }
		if err := d.Decode(&b); err != nil {
			t.Fatal(err)
		}
		r := route(t, b.Text, "solve", "--time", "10ms")
		var got vroom.Result
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.status != badInput || got.Code != 2 || got.Error != r.failure.Error() || !strings.HasPrefix(got.Error, b.Path) {
			t.Errorf("%s: %v %+v", b.Name, err, r)
		}
	}
	million := `{"jobs":[{"id":0}` + strings.Repeat(`,{"id":1}`, 1_000_000) + `]}`
	if r := route(t, million, "solve"); r.status != badInput || !strings.Contains(r.out, "more than 5000 entries") {
		t.Error(r)
	}
	for _, args := range [][]string{{"--time=-1s"}, {"--time", "25h"}, {"--threads=-1"}, {"--svg", filepath.Join(t.TempDir(), "x.svg")}, {"nowhere.json"}} {
		if r := route(t, `{"vehicles":[]}`, append([]string{"solve"}, args...)...); r.status != badInput {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

func TestProgressIsShownOnATerminal(t *testing.T) {
	r := route(t, `{"_bar":1,"vehicles":[{"id":1,"start":[1,2]}],"jobs":[{"id":1,"location":[1.001,2]}]}`, "solve", "--time", "20ms")
	if r.status != 0 || !strings.Contains(r.err, "%") {
		t.Error(r)
	}
}

// cannot is an output that takes nothing, like a full disk.
type cannot struct{}

func (cannot) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAnswerThatCannotBeWrittenIsNotASuccess(t *testing.T) {
	err := (&routeSolveCmd{}).solve(context.Background(), streams{in: strings.NewReader(`{"vehicles":[]}`), out: cannot{}, err: io.Discard})
	var e exit
	if !errors.As(err, &e) || e.status != badOutput {
		t.Error(err)
	}
}
