package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/geo/dayplan"
	"doorstep/geo/routing"
	"doorstep/geo/routing/vroom"
	"doorstep/geo/travel"
)

type routeCmd struct {
	Solve  routeSolveCmd  `cmd:"" help:"Plan routes; problem and answer are VROOM's JSON."`
	Matrix routeMatrixCmd `cmd:"" help:"Print travel times between points."`
}

// Exit statuses of the route commands.
const (
	badInput  = 1
	ourFault  = 2
	noTravel  = 3
	badOutput = 4
)

// exit is an error with the status the program ends with.
type exit struct {
	error
	status int
}

// ExitCode returns the status.
func (e exit) ExitCode() int { return e.status }

// Unwrap returns the error without the status.
func (e exit) Unwrap() error { return e.error }

// travelFlags say where travel times come from.
type travelFlags struct {
	Roads    string `env:"DOORSTEP_ROADS" help:"Travel times by road: a file made by roads prepare, or an OpenStreetMap extract (.osm.pbf). Default: guesses from straight lines."`
	OSRM     string `name:"osrm" env:"DOORSTEP_OSRM" help:"Travel times from OSRM at this address instead; {mode} in it becomes foot, bicycle, scooter or car."`
	Valhalla string `env:"DOORSTEP_VALHALLA" help:"Travel times from Valhalla at this address instead."`
}

func (f travelFlags) choice() travel.Choice {
	return travel.Choice{Roads: f.Roads, OSRM: f.OSRM, Valhalla: f.Valhalla}
}

// source opens the chosen source.
func (f travelFlags) source(ctx context.Context) (travel.Source, *exit) {
	if err := f.choice().Check(); err != nil {
		return nil, &exit{err, badInput}
	}
	source, err := f.choice().Source(ctx)
	var fault *refusal.Error
	switch {
	case err == nil:
		return source, nil
	case errors.As(err, &fault) && fault.Code() == travel.CodeService:
		return nil, &exit{err, badInput} // the address is not valid; no server was asked yet
	}
	return nil, &exit{err, noTravel}
}

// streams are the standard streams of the route commands.
type streams struct {
	in       io.Reader
	out, err io.Writer
	terminal bool // err is a terminal
}

func standard() streams {
	info, err := os.Stderr.Stat()
	return streams{os.Stdin, os.Stdout, os.Stderr, err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// input opens the file, or standard input if there is no file.
func (s streams) input(file string) (io.ReadCloser, error) {
	if file == "-" || file == "" {
		return io.NopCloser(s.in), nil
	}
	return os.Open(file)
}

type routeSolveCmd struct {
	File    string      `arg:"" default:"-" help:"The problem; - for standard input."`
	Time    timeFlag    `placeholder:"TIME" help:"How long to search, such as 5s; at most a day. Default: options.l of the problem, else 1s."`
	Seed    seedFlag    `placeholder:"NUMBER" help:"Seed of the search. Default: options.seed of the problem, else 0."`
	Threads threadsFlag `placeholder:"NUMBER" help:"Searches side by side, at most 1024; 0 for one for each core. Default: options.t of the problem, else 0."`
	SVG     string      `name:"svg" placeholder:"FILE" help:"Draw the routes there."`
	Check   bool        `help:"Say what the referee found. It looks at every result, with this flag or without."`
	travelFlags
}

// Run writes an answer to s.out in every case, as VROOM does, and returns the error
// for people.
func (c *routeSolveCmd) Run(ctx context.Context, s streams) error {
	plan, err := c.plan(ctx, s)
	if err != nil {
		code := map[int]int{badInput: 2, noTravel: 3}[err.status] // VROOM's codes
		if code == 0 {
			code = 1
		}
		plan.Answer = vroom.Failure(code, err)
	}
	if failed := writeJSON(s.out, plan.Answer); failed != nil && err == nil {
		return exit{failed, badOutput}
	}
	if err != nil {
		return *err
	}
	return c.draw(plan, s)
}

// checkSVG returns an error, before any work, if the file of the drawing must not or
// cannot be written.
func (c *routeSolveCmd) checkSVG() error {
	if c.SVG == "" {
		return nil
	}
	if c.SVG == "-" {
		return errors.New("- is standard output, which has the answer: name a file")
	}
	dir, err := os.Stat(filepath.Dir(c.SVG))
	if err != nil {
		return err
	}
	there, err := os.Stat(c.SVG)
	switch {
	case !dir.IsDir():
		return fmt.Errorf("%s is not a folder", filepath.Dir(c.SVG))
	case err != nil:
		return nil // the file does not exist yet, or creating it will fail with the reason
	case there.IsDir():
		return fmt.Errorf("%s is a folder: name a file", c.SVG)
	}
	if problem, err := os.Stat(c.File); err == nil && os.SameFile(problem, there) {
		return fmt.Errorf("%s is the problem itself, which would be lost: choose another file", c.SVG)
	}
	return nil
}

// draw writes the drawing if one was asked for. A plan without locations is not
// drawn, which is not an error.
func (c *routeSolveCmd) draw(plan taskPlan, s streams) error {
	if c.SVG == "" {
		return nil
	}
	if err := plan.task.Drawable(); err != nil {
		fmt.Fprintf(s.err, "--svg: %s is not written: %v\n", c.SVG, err)
		return nil
	}
	if err := draw(c.SVG, plan.task, plan.Result); err != nil {
		return exit{fmt.Errorf("--svg: %w", err), badOutput}
	}
	return nil
}

// taskPlan is a plan and its task.
type taskPlan struct {
	dayplan.Plan
	task *vroom.Task
}

func (c *routeSolveCmd) plan(ctx context.Context, s streams) (taskPlan, *exit) {
	begun := time.Now()
	fail := func(err error, status int) (taskPlan, *exit) { return taskPlan{}, &exit{err, status} }
	if err := c.checkSVG(); err != nil {
		return fail(fmt.Errorf("--svg: %w", err), badInput)
	}
	in, err := s.input(c.File)
	if err != nil {
		return fail(err, badInput)
	}
	defer func() { _ = in.Close() }()
	task, err := vroom.Read(in, vroom.MaxLimits())
	if err != nil {
		return fail(err, badInput)
	}
	limit, opts := c.search(task.Options)
	if s.terminal {
		opts.Progress = s.bar()
		defer fmt.Fprint(s.err, "\r\x1b[K")
	}
	source, refused := c.source(ctx)
	if refused != nil {
		return taskPlan{}, refused
	}
	plan, err := dayplan.Solve(ctx, task, source, dayplan.Limits{Time: limit}, opts, begun)
	var (
		faulty *dayplan.Faulty
		broken *routing.Breakdown
		input  *vroom.Error
	)
	switch {
	case errors.As(err, &faulty):
		for _, v := range faulty.Violations {
			fmt.Fprintf(s.err, "check: %s, shift %d, stop %d: %s\n", v.Kind, v.Shift, v.Stop, v.Msg)
		}
		return fail(err, ourFault)
	case errors.As(err, &broken):
		return fail(err, ourFault)
	case errors.As(err, &input):
		return fail(err, badInput)
	case err != nil:
		return fail(err, noTravel)
	}
	if plan.Guessed {
		fmt.Fprintln(s.err, "travel times:", plan.Answer.Summary.Travel)
	}
	if c.Check {
		fmt.Fprintf(s.err, "check: nothing wrong in %d routes with %d jobs; the reasons of %d left out hold\n",
			len(plan.Result.Routes), plan.Result.Total.Stops, len(plan.Result.LeftOut))
	}
	return taskPlan{plan, task}, nil
}

// search returns how long and how to search: by the flags, else as the problem says.
func (c *routeSolveCmd) search(said vroom.Options) (time.Duration, routing.Options) {
	limit, opts := cmp.Or(c.Time.Duration, said.Time, time.Second),
		routing.Options{Seed: said.Seed, Threads: said.Threads}
	if c.Seed.seed != nil {
		opts.Seed = *c.Seed.seed
	}
	if c.Threads.threads != nil {
		opts.Threads = *c.Threads.threads
	}
	if opts.Threads == 0 {
		opts.Threads = runtime.GOMAXPROCS(0)
	}
	return limit, opts
}

// bar returns a function that shows the progress of the search.
func (s streams) bar() func(routing.Progress) {
	return func(p routing.Progress) {
		n := min(max(int(p.Fraction*30), 0), 30)
		fmt.Fprintf(s.err, "\r\x1b[K[%s%s] %3.0f %%  cost %d, left out %d", strings.Repeat("█", n),
			strings.Repeat("·", 30-n), p.Fraction*100, p.Cost, p.LeftOut)
	}
}

func draw(file string, task *vroom.Task, r routing.Result) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := task.Draw(f, r); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func writeJSON(w io.Writer, v any) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	return b.Flush()
}

type routeMatrixCmd struct {
	File    string   `arg:"" default:"-" help:"Points as [[lon,lat],…], or a problem in VROOM's JSON; - for standard input."`
	Profile []string `help:"foot, bicycle, scooter or car. Default: those of the problem's vehicles, else car."`
	travelFlags
}

// matricesFile is the output: a part of a problem. Keys with _ are for people; a
// problem that contains them can be read.
type matricesFile struct {
	Locations []vroom.Point             `json:"_locations"`
	Travel    map[string]string         `json:"_travel"`
	Matrices  map[string]vroom.Matrices `json:"matrices"`
}

// Run prints the matrices.
func (c *routeMatrixCmd) Run(ctx context.Context, s streams) error {
	in, err := s.input(c.File)
	if err != nil {
		return exit{err, badInput}
	}
	defer func() { _ = in.Close() }()
	points, profiles, err := vroom.ReadPoints(in, vroom.MaxLimits())
	if err != nil {
		return exit{err, badInput}
	}
	if len(c.Profile) > 0 {
		profiles = c.Profile
	}
	source, refused := c.source(ctx)
	if refused != nil {
		return *refused
	}
	file := matricesFile{Locations: points, Travel: map[string]string{}, Matrices: map[string]vroom.Matrices{}}
	for _, profile := range profiles {
		m, err := dayplan.Matrix(ctx, source, profile, points)
		var fault *refusal.Error
		var misplaced *dayplan.Misplaced
		switch {
		case errors.As(err, &misplaced):
			return exit{err, badInput}
		case errors.As(err, &fault) && fault.Code() != travel.CodeService:
			return exit{fmt.Errorf("--profile: %w", err), badInput}
		case err != nil:
			return exit{err, noTravel}
		}
		file.Travel[profile] = strings.TrimSuffix(m.Source+": "+m.Note, ": ")
		if m.Guessed {
			fmt.Fprintf(s.err, "%s: %s\n", profile, file.Travel[profile])
		}
		file.Matrices[profile] = vroom.SquareMatrices(m.N, m.Durations, m.Distances)
		for _, off := range m.CutOff {
			fmt.Fprintf(s.err, "%s: point %d %v: reaches %d others, is reached from %d\n", profile, off.Point,
				points[off.Point], off.To, off.From)
		}
	}
	if err := writeJSON(s.out, file); err != nil {
		return exit{err, badOutput}
	}
	return nil
}
