// Benchmark measures the figures that the project reports and prints them with their
// medians. It measures start-up, memory, imports and sync over HTTP on the binary; for
// the journal's appends it runs a Go benchmark of server/store/sqlitestore and reads its
// output.
package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata"

	"doorstep/geo/routing"
	"doorstep/scripts/figures"
	"doorstep/server"
	"doorstep/server/play"

	"github.com/alecthomas/kong"
)

type arguments struct {
	City      string `arg:"" optional:"" help:"Path before .csv, -contacts.ndjson and -territories.geojson; the demo's city when absent."`
	Doorstep  string `required:"" help:"The binary."`
	Work      string `required:"" help:"A folder that is thrown away."`
	Runs      int    `default:"3" help:"How often everything is measured."`
	TimeLimit int    `default:"10" help:"Seconds of search for the round."`
	JSON      bool   `name:"json" help:"Print JSON."`
}

const password = "bench-administrator"

// morning is the start of the measured day, which is the day of the cities' data.
var morning = time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "history" {
		var h historyArguments
		parser := kong.Must(&h, kong.Name("bench history"))
		_, err := parser.Parse(os.Args[2:])
		parser.FatalIfErrorf(err)
		if err := h.measure(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "bench history:", err)
			os.Exit(1)
		}
		return
	}
	var a arguments
	kong.Parse(&a, kong.Name("bench"))
	f := &figures.Figures{}
	if err := a.measure(context.Background(), f); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	show := f.Print
	if a.JSON {
		show = f.PrintJSON
	}
	if err := show(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (a *arguments) measure(ctx context.Context, f *figures.Figures) error {
	info, err := os.Stat(a.Doorstep)
	if err != nil {
		return err
	}
	f.Add("binary size", "MB", float64(info.Size())/1e6)
	if err := appends(ctx, f, a.Runs); err != nil {
		return fmt.Errorf("journal appends: %w", err)
	}
	for n := range a.Runs {
		folder := filepath.Join(a.Work, strconv.Itoa(n))
		day, err := a.day(folder)
		if err != nil {
			return err
		}
		if err := a.program(ctx, f, day, filepath.Join(folder, "data")); err != nil {
			return err
		}
		if err := a.round(ctx, f, filepath.Join(folder, "round")); err != nil {
			return err
		}
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return nil
}

// day returns the city's day, with its data in a folder.
func (a *arguments) day(folder string) (*play.Day, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	d := &play.Day{Cases: a.City + ".csv", Contacts: a.City + "-contacts.ndjson",
		Territories: a.City + "-territories.geojson", TeamsPerTerritory: 2}
	var err error
	if a.City == "" {
		d, err = play.City(folder)
	} else {
		err = d.Read()
	}
	if err != nil {
		return nil, err
	}
	d.Password, d.Date, d.TimeLimitS, d.Seed, d.HTTP = password, morning.Format(time.DateOnly), a.TimeLimit, 1,
		&http.Client{}
	return d, nil
}

var benchLine = regexp.MustCompile(`^BenchmarkAppends/writers=(\d+)\S*\s+\d+\s+(.*)$`)

// appends runs the journal's benchmark and reads its metrics.
func appends(ctx context.Context, f *figures.Figures, runs int) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "BenchmarkAppends", "-count",
		strconv.Itoa(runs), "./server/store/sqlitestore")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		m := benchLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		metrics := strings.Fields(m[2])
		for i := 0; i+1 < len(metrics); i += 2 {
			v, err := strconv.ParseFloat(metrics[i], 64)
			if err != nil {
				return err
			}
			switch metrics[i+1] {
			case "appends/s":
				f.Add("journal appends, "+m[1]+" writers", "appends/s", v)
			case "bytes/entry":
				f.Add("journal and views, "+m[1]+" writers", "bytes/entry", v)
			}
		}
	}
	return nil
}

// program measures the binary: start-up, memory, imports, and sync over HTTP.
func (a *arguments) program(ctx context.Context, f *figures.Figures, d *play.Day, data string) error {
	// The first start makes keys and the administrator; the second is like all later ones.
	p, err := play.Start(ctx, a.Doorstep, data, morning, password)
	if err != nil {
		return err
	}
	if err := p.Stop(); err != nil {
		return err
	}
	began := time.Now()
	if p, err = play.Start(ctx, a.Doorstep, data, morning, password); err != nil {
		return err
	}
	defer p.Kill()
	f.Add("start-up", "s", time.Since(began).Seconds())
	f.Add("memory, idle", "MB", float64(p.Memory()))
	d.Base = p.URL
	if err := d.SetUp(ctx); err != nil {
		return err
	}
	for _, im := range []struct{ what, path string }{{"territories", d.Territories}, {"cases", d.Cases},
		{"contacts", d.Contacts}} {
		began := time.Now()
		rep, err := d.Import(ctx, im.what, im.path)
		if err != nil {
			return err
		}
		if im.what != "territories" {
			f.Add("import of "+im.what, im.what+"/s", float64(rep.Accepted)/time.Since(began).Seconds())
		}
	}
	if err := d.MakeTeams(ctx); err != nil {
		return err
	}
	if err := d.Plan(ctx, nil); err != nil {
		return err
	}
	f.Add("a round, over HTTP", "s", float64(d.Round.TookMs)/1000)
	f.Add("memory, after the round", "MB", float64(p.Memory()))
	if err := d.Publish(ctx, nil); err != nil {
		return err
	}
	if err := phones(ctx, f, d); err != nil {
		return err
	}
	f.Add("memory, after sync", "MB", float64(p.Memory()))
	return p.Stop()
}

// How much each phone pushes and pulls.
const (
	pushBatches = 10
	batchSize   = 100
	pulls       = 5
)

// phones pushes notes in batches of 100 from one phone of each team at the same time, and pulls everything in
// pages of 100.
func phones(ctx context.Context, f *figures.Figures, d *play.Day) error {
	if _, err := d.PullAll(ctx); err != nil {
		return err
	}
	var busy []*play.Phone
	for i, p := range d.Phones {
		if i%2 == 1 {
			continue // the other phone of the team has the same cases, and would only wait for the first
		}
		p.Batch = batchSize
		cases := slices.Sorted(maps.Keys(p.Docs["cases"]))
		if len(cases) == 0 {
			continue
		}
		busy = append(busy, p)
		for i := range pushBatches * batchSize {
			p.Write("visit_notes", play.NewID(), "put", morning,
				map[string]any{"case": cases[i%len(cases)], "at": morning, "kind": "general",
					"text": "Nobody opened; the bell works. Come back in the afternoon."})
		}
	}
	began := time.Now()
	if err := together(busy, func(p *play.Phone) error { return p.Push(ctx, nil) }); err != nil {
		return err
	}
	for _, p := range busy {
		if p.Tally["applied"] != pushBatches*batchSize {
			return fmt.Errorf("a phone's notes were answered %v", p.Tally)
		}
	}
	f.Add("push, batches of 100", "mutations/s", float64(len(busy)*pushBatches*batchSize)/time.Since(began).Seconds())
	var mu sync.Mutex
	documents := 0
	began = time.Now()
	err := together(busy, func(p *play.Phone) error {
		for range pulls {
			fresh := play.NewPhone(d.Base, p.Agent, p.Device, d.HTTP)
			fresh.Client, fresh.Limit = p.Client, batchSize
			n, err := fresh.Pull(ctx)
			if err != nil {
				return err
			}
			mu.Lock()
			documents += n
			mu.Unlock()
		}
		return nil
	})
	f.Add("pull, pages of 100", "documents/s", float64(documents)/time.Since(began).Seconds())
	return err
}

// together calls do for every phone at the same time, and returns the first error.
func together(phones []*play.Phone, do func(*play.Phone) error) error {
	errs := make([]error, len(phones))
	var wait sync.WaitGroup
	for i, p := range phones {
		wait.Go(func() { errs[i] = do(p) })
	}
	wait.Wait()
	return cmp.Or(errs...)
}

// round plans the day on a server in this process, which hands over its routing problems
// (Config.Watch), and compares the result with nearest-neighbour plans of the same problems.
func (a *arguments) round(ctx context.Context, f *figures.Figures, folder string) error {
	d, err := a.day(folder)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var problems []routing.Problem
	var ours plan
	s, err := server.Open(ctx, server.Config{Listen: "127.0.0.1:0", Data: filepath.Join(folder, "data"),
		AdminPassword: password, Now: morning,
		Watch: func(p routing.Problem, r routing.Result) {
			mu.Lock()
			defer mu.Unlock()
			problems = append(problems, p)
			for _, route := range r.Routes {
				ours.add(route)
			}
		}})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(serving) }()
	d.Base = s.URL()
	err = func() error {
		if err := prepare(ctx, d); err != nil {
			return err
		}
		return d.Plan(ctx, nil)
	}()
	stop()
	if err := cmp.Or(err, <-ended); err != nil {
		return err
	}
	var theirs, same plan
	stops := 0
	for _, p := range problems {
		stops += len(p.Stops)
	}
	for _, p := range problems {
		one, served, err := nearestNeighbour(p)
		if err != nil {
			return err
		}
		share := time.Duration(a.TimeLimit) * time.Second * time.Duration(len(p.Stops)) / time.Duration(max(1, stops))
		better, err := solved(ctx, p, served, share)
		if err != nil {
			return err
		}
		theirs.join(one)
		same.join(better)
	}
	f.Add("stops served: round", "stops", float64(ours.stops))
	f.Add("stops served: nearest neighbour", "stops", float64(theirs.stops))
	f.Add("on the way for each stop: round", "s", ours.perStop())
	f.Add("on the way for each stop: nearest neighbour", "s", theirs.perStop())
	// The round serves more stops and farther ones, so costs are compared on the same stops only.
	f.Add("stops of the neighbour that the solver serves", "stops", float64(same.stops))
	f.Add("on the way for these, against the neighbour", "%", 100*float64(same.travelS)/float64(max(1, theirs.travelS)))
	return nil
}

// prepare makes the users of a day, imports its files and makes its teams.
func prepare(ctx context.Context, d *play.Day) error {
	if err := d.SetUp(ctx); err != nil {
		return err
	}
	for _, im := range [][2]string{{"territories", d.Territories}, {"cases", d.Cases}, {"contacts", d.Contacts}} {
		if _, err := d.Import(ctx, im[0], im[1]); err != nil {
			return err
		}
	}
	return d.MakeTeams(ctx)
}
