package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"doorstep/server"
	"doorstep/server/audit"
	"doorstep/server/play"
)

type demoCmd struct {
	Listen string `default:"127.0.0.1:8080" env:"DOORSTEP_LISTEN" help:"Address to listen at."`
	Data   string `help:"Data folder to make and keep. Default: one that is removed at the end."`
	Date   string `help:"Local date of the day. Default: the next working day."`
	Search int    `default:"5" help:"Seconds to search for the plan."`
	Once   bool   `help:"Stop after the summary instead of staying up."`
	// Morning is for questions about a day that has not begun, such as appointment slots.
	Morning bool   `help:"Stop in the morning, when the round is published and no visit has been made."`
	Map     string `help:"A map to lie under the made-up town: see serve --map." placeholder:"FILE"`
	LogTo   string `name:"log" help:"File for the server's log. Default: the data folder's doorstep.log."`
}

const demoPassword = "demo-administrator"

// demo is a running demo.
type demo struct {
	*demoCmd
	out    io.Writer
	bars   bool // standard output is a terminal
	zone   *time.Location
	day    *play.Day
	server *server.Server
	cfg    server.Config
	ended  chan error
	stop   context.CancelFunc
}

func (c *demoCmd) Run(ctx context.Context, out io.Writer) (err error) {
	d := &demo{demoCmd: c, out: out}
	if info, err := os.Stdout.Stat(); err == nil {
		d.bars = info.Mode()&os.ModeCharDevice != 0
	}
	folder := c.Data
	if folder == "" {
		temporary, err := os.MkdirTemp("", "doorstep-demo-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(temporary) }()
		folder = filepath.Join(temporary, "data") // the secrets stand beside it
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("the demo makes its data folder itself: %w", err)
	}
	if d.day, err = play.City(folder); err != nil {
		return err
	}
	if d.zone, err = time.LoadLocation(d.day.Zone); err != nil {
		return err
	}
	date := nextWorkingDay(time.Now().In(d.zone))
	if c.Date != "" {
		if date, err = time.ParseInLocation(time.DateOnly, c.Date, d.zone); err != nil {
			return fmt.Errorf("--date: write a date as 2006-01-02")
		}
	}
	d.day.Date, d.day.TimeLimitS, d.day.Seed = date.Format(time.DateOnly), c.Search, 1
	d.day.Password, d.day.HTTP = demoPassword, &http.Client{}
	logTo := c.LogTo
	if logTo == "" {
		logTo = filepath.Join(folder, "doorstep.log")
	}
	log, err := os.OpenFile(logTo, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	d.cfg = server.Config{Listen: c.Listen, Data: folder, AdminPassword: demoPassword, Map: c.Map,
		Now: date.Add(6 * time.Hour), Version: version,
		Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	d.say("Doorstep demo: the made-up town of Ribeira on %s.\n"+
		"The server's clock is set to that morning. Times are local (%s).\n\n",
		date.Format("Monday 2 January 2006"), d.day.Zone)
	if err := d.open(ctx); err != nil {
		return err
	}
	defer func() {
		if e := d.close(); err == nil {
			err = e
		}
	}()
	if err := d.play(ctx); err != nil {
		return err
	}
	if c.Once {
		return nil
	}
	d.say("%s", welcome{URL: d.day.Base, Date: d.day.Date, Round: d.day.Round.ID, Key: d.server.AuditKey(),
		Folder: folder, Agent: d.day.Phones[0].Agent})
	d.day.Phones = nil // with all that they have pulled
	giveBack()
	return givingBack(ctx, func() error {
		select {
		case <-ctx.Done():
			d.say("\nstopping\n")
			return nil
		case err := <-d.ended:
			d.ended <- err
			return err
		}
	})
}

// closed are the days of a year that are always holidays in the demo's country (Código do Trabalho, art. 234.º, of the
// holidays without those that Easter moves).
var closed = []string{"01-01", "04-25", "05-01", "06-10", "08-15", "10-05", "11-01", "12-01", "12-08", "12-25"}

func nextWorkingDay(t time.Time) time.Time {
	for {
		t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
		if t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && !slices.Contains(closed, t.Format("01-02")) {
			return t
		}
	}
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }

// open starts the server in this process.
func (d *demo) open(ctx context.Context) (err error) {
	if d.server, err = server.Open(ctx, d.cfg); err != nil {
		return err
	}
	d.day.Base = d.server.URL()
	serve, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop, d.ended = stop, make(chan error, 1)
	s := d.server
	go func() { d.ended <- s.Serve(serve) }()
	return nil
}

func (d *demo) close() error {
	if d.stop == nil {
		return nil
	}
	d.day.HTTP.CloseIdleConnections()
	d.stop()
	d.stop = nil
	return <-d.ended
}

// step prints the name of a step, runs it, and prints its result.
func (d *demo) step(name string, f func() (string, error)) error {
	began := time.Now()
	if d.bars {
		d.say("  %-20s…\r", name)
	}
	said, err := f()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	d.say("%s", stepLine(name, said, time.Since(began)))
	return nil
}

// bar returns a function that draws a progress bar if the output is a terminal.
func (d *demo) bar(name string) func(stage string, fraction float64) {
	return func(stage string, fraction float64) {
		if !d.bars {
			return
		}
		n := min(max(int(fraction*30), 0), 30)
		d.say("  %-20s[%s%s] %3.0f %% %-12s\r", name, strings.Repeat("█", n), strings.Repeat("·", 30-n), fraction*100, stage)
	}
}

func (d *demo) play(ctx context.Context) error {
	day := d.day
	steps := []struct {
		name string
		do   func() (string, error)
	}{
		{"office", func() (string, error) { return "branch, supervisor, auditor", day.SetUp(ctx) }},
		{"territories", func() (string, error) { return d.imported(day.Import(ctx, "territories", day.Territories)) }},
		{"overdue cases", func() (string, error) { return d.imported(day.Import(ctx, "cases", day.Cases)) }},
		{"earlier contacts", func() (string, error) { return d.imported(day.Import(ctx, "contacts", day.Contacts)) }},
		{"teams and phones", func() (string, error) {
			err := day.MakeTeams(ctx)
			return fmt.Sprintf("%d teams of two, with badge, letter and recording", len(day.Teams)), err
		}},
		{"plan the day", func() (string, error) {
			err := day.Plan(ctx, d.bar("plan the day"))
			r := day.Round
			said := fmt.Sprintf("%d cases: %d stops, %d left out", r.Cases, r.Stops, r.LeftOut)
			if r.Cost != nil {
				said += fmt.Sprintf("; %.1f h, %.0f km", float64(r.Cost.TravelS)/3600, float64(r.Cost.DistanceM)/1000)
			}
			return said, err
		}},
		{"publish", func() (string, error) {
			err := day.Publish(ctx, d.bar("publish"))
			return fmt.Sprintf("%d assignments issued, each judged again", day.Round.Issued), err
		}},
	}
	for _, s := range steps {
		if err := d.step(s.name, s.do); err != nil {
			return err
		}
	}
	d.say("\n  Left out that day, and why:\n")
	for _, r := range day.Round.Reasons() {
		d.say("%s", countLine(r.Count, whyNot(r)))
	}
	d.say("\n  Stops of each team:\n")
	for _, r := range day.Round.Routes {
		if n := len(r.Stops); n > 0 {
			local := func(i int) string { return r.Stops[i].ETA.In(d.zone).Format("15:04") }
			d.say("  %6d  %-16s first at %s, last at %s\n", n, r.Team, local(0), local(n-1))
		}
	}
	d.say("\n")
	if d.Morning {
		return nil
	}
	return d.evening(ctx)
}

func (d *demo) imported(r play.ImportReport, err error) (string, error) {
	said := fmt.Sprintf("%d new, %d rejected", r.Accepted, r.Rejected)
	if r.Unassigned > 0 {
		said += fmt.Sprintf(", %d outside every territory", r.Unassigned)
	}
	return said, err
}

// playedPhones is how many phones lose the network and get it back.
const playedPhones = 6

// evening plays the phones: a day without network, and the sync afterwards.
func (d *demo) evening(ctx context.Context) error {
	day := d.day
	day.Phones = day.Phones[:min(playedPhones, len(day.Phones))]
	r := rand.New(rand.NewPCG(3, 5))
	visits, queued := 0, 0
	if err := d.step("six phones pull", func() (string, error) {
		n, err := day.PullAll(ctx)
		return fmt.Sprintf("%d assignments with their case cards", n), err
	}); err != nil {
		return err
	}
	if err := d.step("a day at doors", func() (_ string, err error) {
		visits, err = day.VisitAll(r)
		for _, p := range day.Phones {
			p.Batch = 15
			queued += len(p.Queue)
		}
		return fmt.Sprintf("%d visits without network; %d changes wait", visits, queued), err
	}); err != nil {
		return err
	}
	d.say("\n  What happened at the doors:\n")
	for _, door := range day.Doors() {
		d.say("%s", countLine(door.Count, door.Words))
	}
	d.say("\n")
	if err := d.step("stop and start", func() (string, error) {
		if err := d.close(); err != nil {
			return "", err
		}
		d.cfg.Now = d.cfg.Now.Add(14 * time.Hour)
		d.cfg.Listen = strings.TrimPrefix(day.Base, "http://")
		if err := d.open(ctx); err != nil {
			return "", err
		}
		return "the server is back in the evening with all it had", day.SignInAgain(ctx)
	}); err != nil {
		return err
	}
	tally := map[string]int{}
	if err := d.step("back in coverage", func() (string, error) {
		for _, p := range day.Phones {
			again := append([]play.Mutation(nil), p.Queue[:min(10, len(p.Queue))]...)
			n := 0
			if err := p.Push(ctx, func() bool { n++; return n%3 == 1 }); err != nil {
				return "", err
			}
			// A faulty phone sends acknowledged mutations once more.
			p.Queue = again
			if err := p.Push(ctx, nil); err != nil {
				return "", err
			}
			if _, err := p.Pull(ctx); err != nil {
				return "", err
			}
			for k, v := range p.Tally {
				tally[k] += v
			}
		}
		return fmt.Sprintf("%d changes took effect once each, though %d answers were lost and %d were sent again", queued,
			tally["answers lost"], tally["duplicate"]), nil
	}); err != nil {
		return err
	}
	if err := d.step("second agents", func() (string, error) {
		confirmed := 0
		for _, p := range day.Phones {
			if _, err := p.Pull(ctx); err != nil {
				return "", err
			}
			n, err := p.Confirm()
			if err != nil {
				return "", err
			}
			confirmed += n
			if err := p.Push(ctx, nil); err != nil {
				return "", err
			}
		}
		return fmt.Sprintf("confirm %d visits from their own phones", confirmed), nil
	}); err != nil {
		return err
	}
	refused := tally["rejected"] + tally["revoked"] + tally["conflict"]
	if tally["applied"]+tally["duplicate"] < queued || refused > 0 {
		return fmt.Errorf("something was lost on the way: %v", tally)
	}
	return d.audit(ctx, visits)
}

// audit exports the visits, verifies the file, alters one byte and checks that it no longer verifies.
func (d *demo) audit(ctx context.Context, visits int) error {
	var export []byte
	if err := d.step("export", func() (_ string, err error) {
		export, err = d.day.Export(ctx, "ndjson")
		return fmt.Sprintf("%d kB of visit records, each with its proof", len(export)/1024), err
	}); err != nil {
		return err
	}
	if err := d.step("verify", func() (string, error) {
		report, err := audit.Verify(bytes.NewReader(export), d.server.AuditKey())
		if err != nil {
			return "", err
		}
		if report.Manifest.Visits != visits {
			return "", fmt.Errorf("%d visits were made and %d exported", visits, report.Manifest.Visits)
		}
		return fmt.Sprintf("all %d visits are there and unaltered", visits), nil
	}); err != nil {
		return err
	}
	return d.step("alter one byte", func() (string, error) {
		altered := bytes.Clone(export)
		at := bytes.Index(altered, []byte("NOT_MET"))
		if at < 0 {
			at = len(altered) / 2
		}
		altered[at] = 'n'
		_, err := audit.Verify(bytes.NewReader(altered), d.server.AuditKey())
		if err == nil {
			return "", fmt.Errorf("an altered export verified")
		}
		return "no longer verifies: " + err.Error(), nil
	})
}
