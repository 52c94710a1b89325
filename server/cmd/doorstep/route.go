package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"doorstep/geo/dayplan"
	"doorstep/geo/routing"
	"doorstep/geo/routing/vroom"
	"doorstep/geo/travel"
)

type routeCmd struct {
	Solve  routeSolveCmd  `cmd:"" help:"Plan a problem in VROOM's JSON and print the routes in the same."`
	Matrix routeMatrixCmd `cmd:"" help:"Print VROOM's matrices for points, or for a problem that has none."`
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

// ExitCode is the status.
func (e exit) ExitCode() int { return e.status }

// Unwrap is the error proper.
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

// streams are what the route commands read and write besides their files.
type streams struct {
	in       io.Reader
	out, err io.Writer
	terminal bool // err is one
}

func standard(out io.Writer) streams {
	info, err := os.Stderr.Stat()
	return streams{os.Stdin, out, os.Stderr, err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// input opens the file, or standard input.
func (s streams) input(file string) (io.ReadCloser, error) {
	if file == "-" || file == "" {
		return io.NopCloser(s.in), nil
	}
	return os.Open(file)
}

type routeSolveCmd struct {
	File    string         `arg:"" default:"-" help:"The problem; - for standard input."`
	Time    *time.Duration `help:"How long to search. Default: options.l of the problem, else 1s."`
	Seed    *uint64        `help:"Seed of the search. Default: options.seed of the problem, else 0."`
	Threads int            `help:"Searches side by side. Default: options.t of the problem, else one for each core."`
	SVG     string         `name:"svg" placeholder:"FILE" help:"Draw the routes there."`
	Check   bool           `help:"Say what the referee found. It looks at every result, with this flag or without."`
	travelFlags
}

func (c *routeSolveCmd) Run(ctx context.Context, out io.Writer) error {
	return c.solve(ctx, standard(out))
}

// solve answers on s.out in any case, as VROOM does; the error is for people.
func (c *routeSolveCmd) solve(ctx context.Context, s streams) error {
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
	return nil
}

func (c *routeSolveCmd) plan(ctx context.Context, s streams) (dayplan.Plan, *exit) {
	begun := time.Now()
	in, err := s.input(c.File)
	if err != nil {
		return dayplan.Plan{}, &exit{err, badInput}
	}
	defer func() { _ = in.Close() }()
	task, err := vroom.Read(in, vroom.MaxLimits())
	if err != nil {
		return dayplan.Plan{}, &exit{err, badInput}
	}
	if c.SVG != "" {
		if err := task.Drawable(); err != nil {
			return dayplan.Plan{}, &exit{fmt.Errorf("--svg: %w", err), badInput}
		}
	}
	limit, opts, err := c.search(task.Options)
	if err != nil {
		return dayplan.Plan{}, &exit{err, badInput}
	}
	if s.terminal {
		opts.Progress = s.bar()
		defer fmt.Fprint(s.err, "\r\x1b[K")
	}
	source, err := c.choice().Source(ctx)
	if err != nil {
		return dayplan.Plan{}, &exit{err, noTravel}
	}
	plan, err := dayplan.Solve(ctx, task, source, dayplan.Limits{Time: limit}, opts, begun)
	var (
		faulty *dayplan.Faulty
		input  *vroom.Error
	)
	switch {
	case errors.As(err, &faulty):
		for _, v := range faulty.Violations {
			fmt.Fprintf(s.err, "check: %s, shift %d, stop %d: %s\n", v.Kind, v.Shift, v.Stop, v.Msg)
		}
		return plan, &exit{err, ourFault}
	case errors.As(err, &input):
		return plan, &exit{err, badInput}
	case err != nil:
		return plan, &exit{err, noTravel}
	}
	if c.Check {
		fmt.Fprintf(s.err, "check: nothing wrong in %d routes with %d jobs; the reasons of %d left out hold\n", len(plan.Result.Routes), plan.Result.Total.Stops, len(plan.Result.LeftOut))
	}
	if c.SVG != "" {
		if err := draw(c.SVG, task, plan.Result); err != nil {
			return plan, &exit{fmt.Errorf("--svg: %w", err), badOutput}
		}
	}
	return plan, nil
}

// search is how long and how to search: flags first, then what the problem says.
func (c *routeSolveCmd) search(said vroom.Options) (time.Duration, routing.Options, error) {
	limit := time.Second
	if said.Time > 0 {
		limit = said.Time
	}
	if c.Time != nil {
		limit = *c.Time
	}
	if limit <= 0 || limit > 24*time.Hour {
		return 0, routing.Options{}, fmt.Errorf("--time is %s: write a time such as 5s, of at most a day", limit)
	}
	opts := routing.Options{Seed: said.Seed, Threads: runtime.GOMAXPROCS(0)}
	if c.Seed != nil {
		opts.Seed = *c.Seed
	}
	if said.Threads > 0 {
		opts.Threads = said.Threads
	}
	if c.Threads != 0 {
		opts.Threads = c.Threads
	}
	if opts.Threads < 1 || opts.Threads > 1024 {
		return 0, routing.Options{}, fmt.Errorf("--threads is %d: write 1 to 1024", opts.Threads)
	}
	return limit, opts, nil
}

// bar shows how far the search has come.
func (s streams) bar() func(routing.Progress) {
	return func(p routing.Progress) {
		n := min(max(int(p.Fraction*30), 0), 30)
		fmt.Fprintf(s.err, "\r\x1b[K[%s%s] %3.0f %%  cost %d, left out %d", strings.Repeat("█", n), strings.Repeat("·", 30-n), p.Fraction*100, p.Cost, p.LeftOut)
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

// matricesFile is a part of a problem. Keys with _ are for people: a problem
// with them in it is read all the same.
type matricesFile struct {
	Locations []vroom.Point             `json:"_locations"`
	Travel    map[string]string         `json:"_travel"`
	Matrices  map[string]vroom.Matrices `json:"matrices"`
}

func (c *routeMatrixCmd) Run(ctx context.Context, out io.Writer) error {
	return c.matrix(ctx, standard(out))
}

func (c *routeMatrixCmd) matrix(ctx context.Context, s streams) error {
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
	source, err := c.choice().Source(ctx)
	if err != nil {
		return exit{err, noTravel}
	}
	file := matricesFile{Locations: points, Travel: map[string]string{}, Matrices: map[string]vroom.Matrices{}}
	for _, profile := range profiles {
		m, err := dayplan.Matrix(ctx, source, profile, points)
		var fault *travel.Error
		switch {
		case errors.As(err, &fault) && fault.Code() != travel.CodeService:
			return exit{fmt.Errorf("--profile: %w", err), badInput}
		case err != nil:
			return exit{err, noTravel}
		}
		file.Travel[profile] = strings.TrimSuffix(m.Source+": "+m.Note, ": ")
		file.Matrices[profile] = vroom.SquareMatrices(m.N, m.Durations, m.Distances)
		for _, off := range m.CutOff {
			fmt.Fprintf(s.err, "%s: point %d %v: reaches %d others, is reached from %d\n", profile, off.Point, points[off.Point], off.To, off.From)
		}
	}
	if err := writeJSON(s.out, file); err != nil {
		return exit{err, badOutput}
	}
	return nil
}
