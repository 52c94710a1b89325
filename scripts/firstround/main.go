// Firstround plays a whole round on one city's data: it starts a server, imports, plans,
// publishes, plays every phone, exports, verifies, and checks that the counts agree.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata"

	"doorstep/server/play"

	"github.com/alecthomas/kong"
)

type arguments struct {
	Prefix    string `arg:"" help:"Path before .csv, -contacts.ndjson and -territories.geojson."`
	Date      string `default:"2026-11-25" help:"Local date of the round."`
	Doorstep  string `required:"" help:"The binary."`
	Work      string `required:"" help:"A folder that is thrown away."`
	TimeLimit int    `default:"10" help:"Seconds of search."`
}

func main() {
	var a arguments
	kong.Parse(&a, kong.Name("first-round"))
	if err := a.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "first-round:", err)
		os.Exit(1)
	}
}

const password = "first-round-admin-password"

func start(ctx context.Context, a *arguments, now time.Time) (*play.Program, error) {
	return play.Start(ctx, a.Doorstep, filepath.Join(a.Work, "data"), now, password)
}

func (a *arguments) run(ctx context.Context) error {
	d := &play.Day{Password: password, Cases: a.Prefix + ".csv", Contacts: a.Prefix + "-contacts.ndjson",
		Territories: a.Prefix + "-territories.geojson",
		Date:        a.Date, TeamsPerTerritory: 2, TimeLimitS: a.TimeLimit, Seed: 1, HTTP: &http.Client{}}
	if err := d.Read(); err != nil {
		return err
	}
	zone, err := time.LoadLocation(d.Zone)
	if err != nil {
		return err
	}
	morning, err := time.ParseInLocation("2006-01-02 15:04", a.Date+" 06:00", zone)
	if err != nil {
		return fmt.Errorf("--date: write a date as 2006-01-02")
	}
	began := time.Now()
	step := func(name string, f func() (string, error)) error {
		t := time.Now()
		said, err := f()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("%-22s %-70s %8.2f s\n", name, said, time.Since(t).Seconds())
		return nil
	}
	s, err := start(ctx, a, morning)
	if err != nil {
		return err
	}
	defer s.Kill()
	d.Base = s.URL
	fmt.Printf("branch %s (%s), %d territories; server up in %.2f s, %d MB\n", d.Branch, d.Zone, len(d.Areas),
		time.Since(began).Seconds(), s.Memory())
	var cases play.ImportReport
	imports := func(what, path string, rep *play.ImportReport) error {
		return step("import "+what, func() (string, error) {
			var err error
			*rep, err = d.Import(ctx, what, path)
			said := fmt.Sprintf("%d accepted, %d updated, %d unchanged, %d rejected", rep.Accepted, rep.Updated,
				rep.Unchanged, rep.Rejected)
			if what == "cases" {
				said += fmt.Sprintf(", %d outside every territory", rep.Unassigned)
			}
			for i, e := range rep.Errors {
				if i == 5 {
					break
				}
				said += "\n    " + string(e)
			}
			return said, err
		})
	}
	var other play.ImportReport
	if err := errors.Join(step("branch and auditor", func() (string, error) { return "made", d.SetUp(ctx) }),
		imports("territories", d.Territories, &other), imports("cases", d.Cases, &cases),
		imports("contacts", d.Contacts, &other),
		step("teams and phones", func() (string, error) {
			err := d.MakeTeams(ctx)
			return fmt.Sprintf("%d teams, %d phones signed in", len(d.Teams), len(d.Phones)), err
		})); err != nil {
		return err
	}
	if err := step("plan", func() (string, error) {
		err := d.Plan(ctx, nil)
		r := d.Round
		said := fmt.Sprintf("%d cases: %d stops, %d left out", r.Cases, r.Stops, r.LeftOut)
		if r.Cost != nil {
			said += fmt.Sprintf("; %.1f h and %.0f km on the way", float64(r.Cost.TravelS)/3600,
				float64(r.Cost.DistanceM)/1000)
		}
		return said, err
	}); err != nil {
		return err
	}
	for _, r := range d.Round.Reasons() {
		rule := ""
		if r.Rule != "" {
			rule = "by rule " + r.Rule
		}
		fmt.Printf("    left out: %-28s %5d %s\n", r.Code, r.Count, rule)
	}
	pulled, visits := 0, 0
	if err := errors.Join(
		step("publish", func() (string, error) {
			err := d.Publish(ctx, nil)
			return fmt.Sprintf("%d assignments issued, %d refused", d.Round.Issued, d.Round.Refused), err
		}),
		step("phones pull", func() (_ string, err error) {
			pulled, err = d.PullAll(ctx)
			return fmt.Sprintf("%d assignments on %d phones", pulled, len(d.Phones)), err
		})); err != nil {
		return err
	}
	// The evening: the server is stopped and started on the same data with a later clock.
	if err := s.Stop(); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	if s, err = start(ctx, a, morning.Add(14*time.Hour)); err != nil {
		return err
	}
	defer s.Kill()
	d.Base = s.URL
	d.Admin.Base, d.Auditor.Base = s.URL, s.URL
	for _, p := range d.Phones {
		p.Base = s.URL
	}
	if err := d.SignInAgain(ctx); err != nil {
		return err
	}
	tally := map[string]int{}
	if err := step("phones push", func() (_ string, err error) {
		if visits, err = d.VisitAll(rand.New(rand.NewPCG(1, 2))); err != nil {
			return "", err
		}
		sent := 0
		for _, p := range d.Phones {
			sent += len(p.Queue)
			if err := p.Push(ctx, nil); err != nil {
				return "", err
			}
			for k, n := range p.Tally {
				tally[k] += n
			}
		}
		return fmt.Sprintf("%d visits, %d mutations: %v", visits, sent, tally), nil
	}); err != nil {
		return err
	}
	exported := 0
	for _, format := range []string{"ndjson", "csv"} {
		if err := step("export "+format, func() (string, error) {
			text, err := d.Export(ctx, format)
			if err != nil {
				return "", err
			}
			path := filepath.Join(a.Work, "visits."+format)
			if err := os.WriteFile(path, text, 0o600); err != nil {
				return "", err
			}
			out, err := exec.CommandContext(ctx, a.Doorstep, "verify", "--key", s.Key, path).CombinedOutput()
			if err != nil {
				return "", fmt.Errorf("verify: %s", out)
			}
			if _, err := fmt.Sscanf(string(out), "verified: %d visits", &exported); err != nil {
				return "", fmt.Errorf("verify said %q", out)
			}
			return fmt.Sprintf("%d kB; %s", len(text)/1024, strings.TrimSpace(string(out))), nil
		}); err != nil {
			return err
		}
	}
	fmt.Printf("all in %.1f s; the server holds %d MB\n", time.Since(began).Seconds(), s.Memory())
	if err := s.Stop(); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	if out, err := exec.CommandContext(ctx, a.Doorstep, "fsck", "--data",
		filepath.Join(a.Work, "data")).CombinedOutput(); err != nil {
		return fmt.Errorf("fsck: %s", out)
	} else {
		fmt.Print(string(out))
	}
	// Each count must agree with the counts of the other steps.
	open := cases.Accepted
	var wrong []error
	agree := func(what string, a, b int) {
		if a != b {
			wrong = append(wrong, fmt.Errorf("%s: %d and %d", what, a, b))
		}
	}
	agree("cases imported and cases looked at", open, d.Round.Cases)
	agree("cases = stops + left out", d.Round.Cases, d.Round.Stops+d.Round.LeftOut)
	agree("left out and their reasons", d.Round.LeftOut, len(d.Round.Unassigned))
	agree("stops and assignments pulled", d.Round.Stops, pulled)
	agree("assignments pulled and visits pushed", pulled, visits)
	agree("visits pushed and visits exported", visits, exported)
	if len(wrong) > 0 {
		return fmt.Errorf("the sums do not agree: %w", errors.Join(wrong...))
	}
	fmt.Printf("the sums agree: %d cases = %d stops + %d left out; %d stops = %d pulled; %d visits pushed = %d "+
		"exported\n",
		d.Round.Cases, d.Round.Stops, d.Round.LeftOut, d.Round.Stops, pulled, visits, exported)
	return nil
}
