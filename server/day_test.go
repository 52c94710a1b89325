package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/audit"
	"doorstep/server/play"
	"doorstep/sync/journal"
)

const adminPassword = "a-password-of-the-tests"

// running is a server under test.
type running struct {
	*Server
	stop func()
}

// run opens and serves a server. Its stop stops it; the end of the test calls stop as well.
func run(t testing.TB, cfg Config) *running {
	t.Helper()
	cfg.Listen, cfg.AdminPassword, cfg.hashing = "127.0.0.1:0", adminPassword, auth.HashCost{KiB: 64, Passes: 1}
	s, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	var once sync.Once
	r := &running{s, func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("serve: %v", err)
			}
		})
	}}
	t.Cleanup(r.stop)
	return r
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// city starts a server and returns a day of the demo's city on it, with its data imported and its teams made.
func city(t *testing.T, log io.Writer) (*running, *play.Day, *contract) {
	t.Helper()
	var cfg Config
	if log != nil {
		cfg.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return cityOf(t, cfg)
}

// cityOf is city with another configuration of the server.
func cityOf(t *testing.T, cfg Config) (*running, *play.Day, *contract) {
	t.Helper()
	day, err := play.City(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cfg.Data, cfg.Now = t.TempDir(), time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)
	cfg.Threads, cfg.steps = 1, 3_000 // enough to converge, on a slow machine as on a fast one
	s := run(t, cfg)
	c := newContract(t, s.Server)
	day.Base, day.HTTP, day.Password = s.URL(), &http.Client{Transport: c}, adminPassword
	day.Date, day.TimeLimitS, day.Seed = "2026-11-25", 60, 1
	ctx := context.Background()
	ok(t, day.SetUp(ctx))
	for what, path := range map[string]string{"territories": day.Territories} {
		_, err := day.Import(ctx, what, path)
		ok(t, err)
	}
	rep, err := day.Import(ctx, "cases", day.Cases)
	ok(t, err)
	if rep.Accepted != 150 || rep.Rejected != 0 || rep.Unassigned != 3 {
		t.Fatalf("imported %+v, want 150 cases, 3 of them outside every territory", rep)
	}
	_, err = day.Import(ctx, "contacts", day.Contacts)
	ok(t, err)
	return s, day, c
}

// later stops a server and starts it again with its clock at a time of the day; all users sign in again.
func later(t *testing.T, s *running, day *play.Day, at time.Time) *running {
	t.Helper()
	s.stop()
	cfg := s.cfg
	cfg.Now = at
	s = run(t, cfg)
	day.Base = s.URL()
	day.Admin.Base, day.Auditor.Base = s.URL(), s.URL()
	for _, p := range day.Phones {
		p.Base = s.URL()
	}
	ok(t, day.SignInAgain(context.Background()))
	return s
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAWholeDay plays a whole day over HTTP, checks every answer against the API
// description, and then checks that the log has no personal data.
func TestAWholeDay(t *testing.T) {
	log := &buffer{}
	s, day, c := city(t, log)
	ctx := context.Background()
	t.Run("importing again changes nothing", func(t *testing.T) {
		rep, err := day.Import(ctx, "cases", day.Cases)
		ok(t, err)
		if rep.Unchanged != 150 || rep.Accepted+rep.Updated+rep.Rejected != 0 {
			t.Errorf("the second import did %+v", rep)
		}
	})
	ok(t, day.MakeTeams(ctx))
	ok(t, day.Plan(ctx, nil))
	if r := day.Round; r.Cases != 150 || r.Stops+r.LeftOut != 150 || r.Stops < 60 || len(r.Unassigned) != r.LeftOut {
		t.Fatalf("the round: %d cases, %d stops, %d left out, %d with a reason", r.Cases, r.Stops, r.LeftOut,
			len(r.Unassigned))
	}
	reasons := map[string]int{}
	for _, u := range day.Round.Unassigned {
		reasons[u.Code]++
		if u.Code == "FREQ_CAP" && (u.Rule == "" || len(u.Cite) == 0) {
			t.Errorf("a case is left out by law without its rule and source: %+v", u)
		}
	}
	if reasons["HOLD"] != 6 || reasons["NO_TERRITORY"] != 3 || reasons["FREQ_CAP"] == 0 {
		t.Errorf("left out by %v; want 6 on hold, 3 outside every territory, some at a cap", reasons)
	}
	ok(t, day.Publish(ctx, nil))
	pulled, err := day.PullAll(ctx)
	ok(t, err)
	if pulled != day.Round.Stops {
		t.Fatalf("%d stops, %d assignments pulled", day.Round.Stops, pulled)
	}
	// Each phone has exactly its own team's assignments and their cases.
	for i, p := range day.Phones {
		for id, doc := range p.Docs["assignments"] {
			var a play.Assignment
			ok(t, json.Unmarshal(doc, &a))
			if a.Team != day.Teams[i/2].ID {
				t.Fatalf("phone of %s holds assignment %s of %s", day.Teams[i/2].ID, id, a.Team)
			}
		}
		records := len(s.law.Policy().Parts()) + 2 // the zone offsets and the head
		if len(p.Docs["cases"]) != len(p.Docs["assignments"]) || len(p.Docs["policy"]) != records {
			t.Fatalf("a phone holds %d assignments, %d cases, %d records of the policy", len(p.Docs["assignments"]),
				len(p.Docs["cases"]), len(p.Docs["policy"]))
		}
	}
	t.Run("one alert for each device, and nothing personal in it", func(t *testing.T) {
		var list struct {
			Items []map[string]any `json:"items"`
		}
		ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/alerts?branch="+day.Branch, nil, &list))
		if len(list.Items) != len(day.Phones) {
			t.Errorf("%d notices for %d devices", len(list.Items), len(day.Phones))
		}
	})
	t.Run("a hold takes the case off the phones", func(t *testing.T) { holdRevokes(t, day) })
	visits, err := day.VisitAll(rand.New(rand.NewPCG(1, 1)))
	ok(t, err)
	visits++ // the visit that was accepted out of quarantine
	s = later(t, s, day, time.Date(2026, 11, 25, 19, 0, 0, 0, time.UTC))
	n := 0
	for _, p := range day.Phones {
		ok(t, p.Push(ctx, func() bool { n++; return n%2 == 1 }))
		_, err := p.Pull(ctx)
		ok(t, err)
		if bad := p.Tally["rejected"] + p.Tally["conflict"] + p.Tally["revoked"]; bad > 0 {
			t.Errorf("a phone's changes were refused: %v", p.Tally)
		}
	}
	for _, format := range []string{"ndjson", "csv"} {
		export, err := day.Export(ctx, format)
		ok(t, err)
		report, err := audit.Verify(bytes.NewReader(export), s.AuditKey())
		ok(t, err)
		if report.Manifest.Visits != visits || !report.Manifest.Complete {
			t.Errorf("%s: %d visits made, %d exported, complete %t", format, visits, report.Manifest.Visits,
				report.Manifest.Complete)
		}
	}
	t.Run("the round as GeoJSON", func(t *testing.T) {
		var fc struct {
			Type     string `json:"type"`
			Features []struct {
				Geometry struct {
					Type string `json:"type"`
				} `json:"geometry"`
			} `json:"features"`
		}
		ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/rounds/"+day.Round.ID+".geojson", nil, &fc))
		if fc.Type != "FeatureCollection" || len(fc.Features) < day.Round.Stops {
			t.Errorf("%s with %d features for %d stops", fc.Type, len(fc.Features), day.Round.Stops)
		}
	})
	t.Run("what a person reads", func(t *testing.T) {
		var file map[string]any
		ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+day.Round.Routes[0].Stops[1].Case, nil, &file))
		if len(file["visits"].([]any)) != 1 || !strings.HasPrefix(file["debtor_name"].(string), "Demo Debtor") {
			t.Errorf("the case file shows %v visits of %v", file["visits"], file["debtor_name"])
		}
	})
	t.Run("ids are in order of time", func(t *testing.T) { idsAreTimeOrdered(t, s.Server) })
	s.stop()
	checkClean(t, s.cfg.Data)
	knowsNobody(t, log.String(), day)
	if c.v != nil && len(c.passed) < 20 {
		t.Errorf("only %d endpoints were held against the description", len(c.passed))
	}
}

// holdRevokes opens a hold on a case that is on phones.
func holdRevokes(t *testing.T, day *play.Day) {
	ctx := context.Background()
	p := day.Phones[0]
	as, err := p.Assignments(day.Date)
	ok(t, err)
	id := as[0].Case
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+id+"/holds", map[string]any{"kind": "stop"}, nil))
	// The visit was made before the phone knew of the hold: it waits in quarantine for a supervisor.
	late := play.NewID()
	p.Write("visits", late, "put", as[0].ETA, map[string]any{"case": id, "assignment": as[0].ID,
		"at": as[0].ETA.Format(time.RFC3339), "outcome": "NOT_MET_NOBODY"})
	ok(t, p.Push(ctx, nil))
	if p.Tally["revoked"] != 1 {
		t.Errorf("a visit to a case taken back was answered %v, want revoked", p.Tally)
	}
	delete(p.Tally, "revoked")
	_, err = p.Pull(ctx)
	ok(t, err)
	if _, there := p.Docs["cases"][id]; there {
		t.Error("the case is still on the phone")
	}
	if _, there := p.Docs["assignments"][as[0].ID]; there {
		t.Error("the assignment is still on the phone")
	}
	var list struct {
		Items []struct {
			ID     string         `json:"id"`
			Fields string         `json:"fields"`
			More   map[string]any `json:"-"`
		} `json:"items"`
	}
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/quarantine?branch="+day.Branch, nil, &list))
	if len(list.Items) != 1 || !strings.Contains(list.Items[0].Fields, "NOT_MET_NOBODY") {
		t.Fatalf("quarantine holds %+v, want the visit whole", list.Items)
	}
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/quarantine/"+list.Items[0].ID+"?branch="+day.Branch,
		map[string]any{"accept": true}, nil))
	var file struct {
		Visits []struct {
			Flags []string `json:"flags"`
		} `json:"visits"`
	}
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+id, nil, &file))
	if len(file.Visits) != 1 || !strings.Contains(strings.Join(file.Visits[0].Flags, " "), "late_stop") {
		t.Errorf("the visit shows as %+v, want one flagged late_stop", file.Visits)
	}
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+id+"/reassign", map[string]any{"team": day.Teams[0].ID}, nil))
}

// checkClean compares the views of a stopped server with its journal.
func checkClean(t *testing.T, data string) {
	t.Helper()
	ctx := context.Background()
	store, err := openStore(ctx, &Config{Data: data})
	ok(t, err)
	defer func() { _ = store.Close() }()
	branches, err := store.Branches(ctx)
	ok(t, err)
	vault, err := JoinVault(ctx, store, Config{Data: data})
	ok(t, err)
	if vault == nil {
		t.Fatal("the vault of the server does not open")
	}
	for _, b := range branches {
		found, err := journal.Check(ctx, store, b, nil, Views(vault)...)
		ok(t, err)
		for _, f := range found {
			if !f.Harmless {
				t.Error(f)
			}
		}
	}
}

// knowsNobody checks that a log has no names, phones, addresses, positions, tokens, passwords or texts of agents.
func knowsNobody(t *testing.T, log string, day *play.Day) {
	t.Helper()
	if len(log) < 1000 {
		t.Fatalf("the log has %d bytes: nothing to read", len(log))
	}
	cases, err := os.ReadFile(day.Cases)
	ok(t, err)
	for i, row := range strings.Split(strings.TrimSpace(string(cases)), "\n") {
		cells := strings.Split(row, ",")
		if i == 0 {
			continue
		}
		for _, column := range []int{5, 7, 9, 13, 14} { // name, phone, address, lon, lat
			secret := cells[column]
			if strings.Contains(log, secret) {
				t.Fatalf("line %d of the cases is told in the log", i+1)
			}
		}
	}
	for _, shape := range []string{`eyJ[A-Za-z0-9_-]{10}`, `token-of-`, regexp.QuoteMeta(adminPassword), `played-password`,
		`Played note`, `played visit`, `-8\.[45]\d{3}`, `Bearer`, `refresh_token`} {
		if regexp.MustCompile(shape).MatchString(log) {
			t.Errorf("the log holds something of the shape %s", shape)
		}
	}
}
