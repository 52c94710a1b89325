package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

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
	return runs(t, in, append([]string{"route"}, args...)...)
}

func runs(t *testing.T, in string, args ...string) said {
	t.Helper()
	var out, log bytes.Buffer
	r := said{failure: run(t.Context(), args,
		streams{in: strings.NewReader(in), out: &out, err: &log, terminal: strings.Contains(in, `"_bar"`)})}
	if r.out, r.err = out.String(), log.String(); r.failure != nil {
		r.status = status(r.failure)
	}
	return r
}

func TestExampleIsSolvedCheckedAndDrawn(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "day.svg")
	r := route(t, "", "solve", "--time", "50ms", "--seed", "7", "--threads", "1", "--check", "--svg", svg,
		vroomData+"example.json")
	if r.status != 0 || !strings.Contains(r.err, "nothing wrong in 2 routes with 7 jobs") {
		t.Fatal(r)
	}
	var got vroom.Result
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || got.Code != 0 || got.Summary.Routes != 2 ||
		got.Summary.Priority != 175 {
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
	if err := json.Unmarshal([]byte(r.out), &m); err != nil || r.status != 0 || len(m.Locations) != 8 ||
		len(m.Matrices["foot"].Durations) != 8 || !strings.Contains(m.Travel["foot"], "guessed") {
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
		if err := json.Unmarshal([]byte(route(t, text, "solve", "--time", "2s", "--threads", "1").out),
			into); err != nil {
			t.Fatal(err)
		}
	}
	if a.Summary == nil || b.Summary == nil || a.Summary.Cost != b.Summary.Cost ||
		a.Summary.Priority != b.Summary.Priority {
		t.Errorf("%+v\n%+v", a.Summary, b.Summary)
	}
}

func TestMatrixOfPoints(t *testing.T) {
	r := route(t, " [[-8.61,41.14],[-8.62,41.15]]", "matrix", "--profile", "car", "--profile", "foot")
	var m struct{ Matrices map[string]vroom.Matrices }
	if err := json.Unmarshal([]byte(r.out), &m); err != nil || len(m.Matrices) != 2 ||
		m.Matrices["foot"].Durations[0][1] <= m.Matrices["car"].Durations[0][1] ||
		m.Matrices["car"].Distances[0][1] < 1000 {
		t.Error(err, r)
	}
	for _, bad := range []string{"", "7", "[[1]]", "[[1,2]", "[[1,2]]x", `{"vehicles":[],"matrices":{}}`} {
		if r := route(t, bad, "matrix"); r.status != badInput || r.out != "" {
			t.Errorf("%s: %+v", bad, r)
		}
	}
	if r := route(t, "[[1,2]]", "matrix", "--profile", "camel"); r.status != badInput ||
		!strings.Contains(r.failure.Error(), "foot, bicycle, scooter or car") {
		t.Error(r)
	}
}

func TestMatrixOfNoPointsIsEmptyLists(t *testing.T) {
	for text, want := range map[string]string{
		"[]": `{"_locations":[],` +
			`"_travel":{"car":"crow-fly: guessed from straight lines, not from roads"},` +
			`"matrices":{"car":{"durations":[],"distances":[]}}}`,
		`{"vehicles":[]}`: `{"_locations":[],"_travel":{},"matrices":{}}`,
	} {
		if r := route(t, text, "matrix"); r.status != 0 || r.out != want+"\n" {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

func TestPairsWithoutAWayAreCountedForAServerToo(t *testing.T) {
	osrm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"code":"Ok","durations":[[0,null],[7,0]],"distances":[[0,null],[70,0]]}`)
	}))
	defer osrm.Close()
	r := route(t, "[[-8.61,41.14],[-8.62,41.15]]", "matrix", "--osrm", osrm.URL)
	if r.status != 0 || !strings.Contains(r.out, ": 1 of 2 pairs have no way between them by car") {
		t.Error(r)
	}
}

func TestServerThatGivesNothingIsReported(t *testing.T) {
	osrm := httptest.NewServer(http.NotFoundHandler())
	defer osrm.Close()
	for _, args := range [][]string{{"matrix"}, {"solve", "--time", "10ms"}} {
		r := route(t, `{"vehicles":[{"id":1,"start":[1,2]}],"jobs":[{"id":1,"location":[1.001,2]}]}`,
			append(args, "--osrm", osrm.URL)...)
		if r.status != 0 || !strings.Contains(r.err, "guessed from straight lines, not from roads: osrm:") ||
			!strings.Contains(r.err, "404 Not Found") {
			t.Errorf("%v: %+v", args, r)
		}
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
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.status != badInput || got.Code != 2 ||
			got.Error != r.failure.Error() || !strings.HasPrefix(got.Error, b.Path) {
			t.Errorf("%s: %v %+v", b.Name, err, r)
		}
	}
	million := `{"jobs":[{"id":0}` + strings.Repeat(`,{"id":1}`, 1_000_000) + `]}`
	if r := route(t, million, "solve"); r.status != badInput || !strings.Contains(r.out, "more than 5000 entries") {
		t.Error(r)
	}
}

func TestBadFlagsAreAnsweredLikeBadProblems(t *testing.T) {
	dir := t.TempDir()
	problem := filepath.Join(dir, "problem.json")
	if err := os.WriteFile(problem, []byte(`{"vehicles":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, says string }{
		{"--time 5", `--time: is "5", without a unit: write 5s`}, {"--time .5", "write .5s"},
		{"--time 86400", "write 86400s"},
		// No hint that would be refused in its turn.
		{"--time 1e3", `is "1e3": write a time`}, {"--time Inf", `is "Inf": write a time`},
		{"--time 100000", `is "100000": write a time`}, {"--time 0", `such as 5s`},
		{"--time 86400.5", `"86400.5": write a time`}, {"--time=-5", `"-5": write a time`},
		{"--time 2000m", `"2000m": write a time`}, {"--time 5n", `"5n": write a time`},
		{"--time abc", `--time: is "abc": write a time such as 5s`},
		{"--time=-1s", "such as 5s"}, {"--time 0s", "such as 5s"}, {"--time 25h", "at most a day"},
		{"--time", "--time: has no value"}, {"--time --check", "--time: has no value"},
		{"--seed -1", `--seed: is "-1": write a whole number from 0`}, {"--seed=-1", "from 0"},
		{"--seed 18446744073709551616", "to 18446744073709551615"},
		{"--threads -1", `--threads: is "-1": write 1 to 1024, or 0`}, {"--threads=1025", "1 to 1024, or 0"},
		{"--threads many", "1 to 1024, or 0"},
		{"--bogus", "unknown flag --bogus"}, {"--svg -", "- is standard output"}, {"--svg " + dir, "is a folder"},
		{"--svg " + dir + "/nowhere/x.svg", "no such file"},
		{problem + " --svg " + problem, "is the problem itself"}, {"nowhere.json", "no such file"},
		{"--osrm localhost", "must look like http://"}, {"--osrm http://localhost --roads x", "only one of"},
	} {
		r := route(t, `{"vehicles":[]}`, append([]string{"solve"}, strings.Fields(c.args)...)...)
		var got vroom.Result
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.status != badInput || got.Code != 2 ||
			!strings.Contains(got.Error, c.says) {
			t.Errorf("%s: %v %+v", c.args, err, r)
		}
	}
	for _, args := range []string{"bogus", "route matrix --bogus", "verify", "roads prepare"} {
		if r := runs(t, "", strings.Fields(args)...); r.status != badInput || r.out != "" {
			t.Errorf("%s: %+v", args, r)
		}
	}
	t.Setenv("DOORSTEP_TIME", "5")
	if r := route(t, `{"vehicles":[]}`, "solve"); r.status != badInput || !strings.Contains(r.out, "write 5s") {
		t.Errorf("by environment: %+v", r)
	}
}

func TestInterruptWhileRoadsLoadIsNoTravelTimes(t *testing.T) {
	if _, err := os.Stat(monaco); err != nil {
		t.Skip("NO ROADS WERE LOADED: shared/data/osm/monaco.osm.pbf does not lie beside the checkout")
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, command := range []string{"solve", "matrix"} {
		var out, log bytes.Buffer
		s := streams{in: strings.NewReader(`{"vehicles":[{"id":1,"start":[7.42,43.73]}],"jobs":[{"id":1,` +
			`"location":[7.43,43.74]}]}`), out: &out, err: &log}
		err := run(ctx, []string{"route", command, "--roads", monaco}, s)
		if !errors.Is(err, context.Canceled) || status(err) != noTravel {
			t.Errorf("%s: status %d, %v", command, status(err), err)
		}
		var got vroom.Result
		if command == "solve" && (json.Unmarshal(out.Bytes(), &got) != nil || got.Code != 3) {
			t.Errorf("answered %s", out.String())
		}
	}
}

func TestRoadsThatAreNoneAreNoTravelTimes(t *testing.T) {
	r := route(t, `{"vehicles":[]}`, "solve", "--roads", filepath.Join(t.TempDir(), "nowhere.roads"))
	var got vroom.Result
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.status != noTravel || got.Code != 3 {
		t.Error(err, r)
	}
}

// The list is at fault, whatever the flags say, and the error says where in it.
func TestMatrixOfAPointThatCannotBe(t *testing.T) {
	r := route(t, "[[-8.61,41.14],[0,0]]", "matrix", "--profile", "foot")
	if r.status != badInput || !strings.HasPrefix(r.failure.Error(), "[1]: ") ||
		!strings.Contains(r.failure.Error(), "open sea") {
		t.Error(r)
	}
}

func TestFlagsOverrideTheProblem(t *testing.T) {
	said := vroom.Options{Time: time.Minute, Seed: 3, Threads: 5}
	cores := runtime.GOMAXPROCS(0)
	for _, c := range []struct {
		args    string
		said    vroom.Options
		time    time.Duration
		seed    uint64
		threads int
	}{
		{"", vroom.Options{}, time.Second, 0, cores}, {"", said, time.Minute, 3, 5},
		{"--time 2s --seed 0 --threads 0", said, 2 * time.Second, 0, cores},
		{"--threads 1024 --seed 7", said, time.Minute, 7, 1024},
	} {
		var all commands
		parser, err := kong.New(&all, kong.Vars{"version": "test"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append([]string{"route", "solve"}, strings.Fields(c.args)...)); err != nil {
			t.Fatal(err)
		}
		limit, opts := all.Route.Solve.search(c.said)
		if limit != c.time || opts.Seed != c.seed || opts.Threads != c.threads {
			t.Errorf("%q: %s, %+v", c.args, limit, opts)
		}
	}
}

func TestPlanWithoutLocationsIsGivenUndrawn(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "day.svg")
	r := route(t, `{"vehicles":[{"id":1,"start_index":0}],"jobs":[{"id":1,"location_index":0}],`+
		`"matrices":{"car":{"durations":[[0]]}}}`, "solve", "--time", "10ms", "--svg", svg)
	var got vroom.Result
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.status != 0 || got.Code != 0 ||
		len(got.Routes) != 1 || !strings.Contains(r.err, "day.svg is not written: jobs: there is nothing to draw") {
		t.Error(err, r)
	}
	if _, err := os.Stat(svg); err == nil {
		t.Error("something was drawn")
	}
}

func TestPlanOutlivesADrawingThatCannotBeWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("NO DRAWING FAILED TO BE WRITTEN: this system has no /dev/full")
	}
	r := route(t, "", "solve", "--time", "10ms", "--svg", "/dev/full", vroomData+"example.json")
	var got vroom.Result
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.status != badOutput || got.Code != 0 ||
		len(got.Routes) != 2 {
		t.Error(err, r)
	}
}

func TestProgressIsShownOnATerminal(t *testing.T) {
	r := route(t, `{"_bar":1,"vehicles":[{"id":1,"start":[1,2]}],"jobs":[{"id":1,"location":[1.001,2]}]}`, "solve",
		"--time", "20ms")
	if r.status != 0 || !strings.Contains(r.err, "%") {
		t.Error(r)
	}
}

// cannot is an output that takes nothing, like a full disk.
type cannot struct{}

func (cannot) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAnswerThatCannotBeWrittenIsNotASuccess(t *testing.T) {
	err := (&routeSolveCmd{}).Run(context.Background(),
		streams{in: strings.NewReader(`{"vehicles":[]}`), out: cannot{}, err: io.Discard})
	var e exit
	if !errors.As(err, &e) || e.status != badOutput {
		t.Error(err)
	}
}
