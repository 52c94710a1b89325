package simulation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/server/play"
	"doorstep/server/store/memstore"
)

const (
	password = "a-password-of-the-simulation"
	day      = "2026-11-25"
)

// world is one history: a disk, the nodes on it, phones, the office, and what is known of all they did.
type world struct {
	t    *testing.T
	data string // the folder of the keys
	log  *slog.Logger
	// logged is what the nodes have logged of errors.
	logged logBuffer
	disk   *memstore.Disk
	gate   gate
	sched  *rand.Rand // orders what goes on at once
	nodes  int
	up     []*node

	startedAt time.Time // the servers' time when the bubble began
	began     time.Time // the bubble's

	rand    *rand.Rand // what is done
	phones  map[string]*phone
	devices map[string]int // how many phones each agent has had
	desks   map[string]*desk
	ledger  ledger
	oracle  oracle
	erased  map[string]bool
	heads   []head

	backup     *memstore.Disk
	backedUpAt time.Time

	mu      sync.Mutex
	failed  *failure
	strays  []stray
	blocked map[string]time.Time // devices, by when
	tally   map[string]int

	steps []string
	ops   hash.Hash // of all that passed the gate
	lines io.Writer // gets all that passed the gate; nil: nothing does
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (w *world) trace(line string) {
	_, _ = io.WriteString(w.ops, line+"\n")
	if w.lines != nil {
		_, _ = io.WriteString(w.lines, line+"\n")
	}
}

// failure ends a history.
type failure struct{ invariant, text string }

// fail ends the history. On another goroutine than the world's, the world ends once it looks.
func (w *world) fail(invariant, format string, args ...any) {
	f := failure{invariant, fmt.Sprintf(format, args...)}
	w.mu.Lock()
	if w.failed == nil {
		w.failed = &f
	}
	w.mu.Unlock()
	panic(f)
}

// hasFailed ends the history if another goroutine has failed.
func (w *world) hasFailed() {
	w.mu.Lock()
	f := w.failed
	w.mu.Unlock()
	if f != nil {
		panic(*f)
	}
}

// caught is to be deferred by other goroutines than the world's: what failed is noted.
func caught() {
	if r := recover(); r != nil {
		if _, is := r.(failure); !is {
			panic(r)
		}
	}
}

func (w *world) must(err error) {
	if err != nil {
		w.fail("the world", "%v", err)
	}
}

func newBody(b []byte) io.Reader {
	if b == nil {
		return http.NoBody
	}
	return bytes.NewReader(b)
}

// roundTrip is a function as a http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// plain is a network without faults to the first node that is up.
func (w *world) plain() *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		body, err := bodyOf(r)
		if err != nil {
			return nil, err
		}
		for _, n := range w.up {
			if res, text, ok := n.answer(r.Method, r.URL.RequestURI(), r.Header, body); ok {
				res.Body = io.NopCloser(bytes.NewReader(text))
				return res, nil
			}
		}
		return nil, fmt.Errorf("no node answers")
	})}
}

func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer func() { _ = r.Body.Close() }()
	return io.ReadAll(r.Body)
}

// teams are those of the simulated branch; each has a territory.
var teams = map[string][]string{"east": {"ann", "ben"}, "west": {"cid", "dea"}}

const caseHead = "case_ref,lender,product_type,profile,debtor_ref,debtor_name,language,phone,phone_verified_on," +
	"address,postal_code,city,country,lon,lat,address_verified_on,time_zone,currency,principal_minor," +
	"amount_due_minor,due_date,priority,service_min,flags\n"

// caseRow is the line of a case in an import. Those with odd numbers are in the east.
func caseRow(n int, name string) string {
	lon := -1.52
	if n%2 == 1 {
		lon = -1.48
	}
	return fmt.Sprintf("C%d,L1,card,house-visit,D%d,%s,en,,,%d Test Street,,Town,GB,%.4f,%.4f,,Europe/London,GBP,"+
		"90000,60000,2026-07-01,1,10,\n", n, n, name, n, lon+float64(n)*1e-4, 53.5+float64(n)*1e-4)
}

const caseCount = 8

func square(id, branch string, west, east float64) string {
	return fmt.Sprintf(`{"type":"Feature","id":%q,"properties":{"branch":%q,"name":%q},"geometry":{"type":"Polygon",`+
		`"coordinates":[[[%v,53.4],[%v,53.4],[%v,53.6],[%v,53.6],[%v,53.4]]]}}`, id, branch, id, west, east, east, west, west)
}

// morning is a disk on which a round was published, and the time at which that was; and the folder of its keys.
type morning struct {
	disk *memstore.Disk
	at   time.Time
	data string
}

// makeMorning sets a branch up: two teams of two agents, eight cases, and the day's round.
func makeMorning(t *testing.T) morning {
	t.Helper()
	m := morning{data: filepath.Join(t.TempDir(), "data")}
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, data: m.data, disk: memstore.NewDisk(), nodes: 1, sched: rand.New(rand.NewPCG(1, 1)),
			startedAt: time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC), began: time.Now(), tally: map[string]int{},
			ops: sha256.New(), log: slog.New(slog.DiscardHandler)}
		if f := w.guarded(func() {
			n, err := w.start(0)
			w.must(err)
			w.up = []*node{n}
			w.openGate(true)
			w.setUp()
			w.openGate(false)
			n.bury()
		}); f != nil {
			t.Fatalf("%s: %s", f.invariant, f.text)
		}
		m.disk, m.at = w.disk, w.now()
	})
	return m
}

// guarded runs a history and returns how it failed. Then what still goes on is brought to its end.
func (w *world) guarded(f func()) (failed *failure) {
	defer func() {
		if r := recover(); r != nil {
			x, is := r.(failure)
			if !is {
				panic(r)
			}
			failed = &x
			w.end()
		}
	}()
	f()
	return nil
}

// end stops everything at once.
func (w *world) end() {
	w.gate.mu.Lock()
	w.gate.open = true
	for _, h := range w.gate.held {
		close(h.pass)
	}
	w.gate.held = nil
	w.gate.mu.Unlock()
	for _, n := range w.up {
		n.kill()
		n.stop()
		<-n.done
		_ = n.server.Close()
	}
	time.Sleep(time.Hour) // whoever waits for time goes on to its end
}

func (w *world) setUp() {
	ctx := context.Background()
	admin := &play.Client{Base: "http://sim", HTTP: w.plain()}
	w.must(admin.SignIn(ctx, "admin", password, ""))
	put := func(path string, body any) { w.must(admin.Do(ctx, http.MethodPut, path, body, nil)) }
	user := func(id, role string, more map[string]any) {
		body := map[string]any{"id": id, "login": id, "name": id, "password": password, "keep_password": true, "role": role,
			"branches": []string{"north"}}
		for k, v := range more {
			body[k] = v
		}
		w.must(admin.Do(ctx, http.MethodPost, "/v1/users", body, nil))
	}
	for _, b := range []string{"north", "south"} {
		put("/v1/branches/"+b, map[string]any{"name": b, "time_zone": "Europe/London", "country": "GB"})
	}
	both := map[string]any{"branches": []string{"north", "south"}}
	user("sup", "supervisor", both)
	user("sue", "supervisor", both)
	user("eve", "agent", map[string]any{"badge_no": "B-eve", "branches": []string{"south"}})
	user("two", "admin", map[string]any{"branches": []string{}})
	user("aud", "auditor", map[string]any{"regulator": true})
	for _, x := range []struct {
		team       string
		west, east float64
	}{{"west", -1.6, -1.5}, {"east", -1.5, -1.4}} {
		put("/v1/territories/"+x.team+"?branch=north", json.RawMessage(square(x.team, "north", x.west, x.east)))
		for _, a := range teams[x.team] {
			user(a, "agent", map[string]any{"badge_no": "B-" + a})
		}
		centre := []float64{(x.west + x.east) / 2, 53.5}
		put("/v1/teams/"+x.team, map[string]any{"branch": "north", "name": x.team, "agents": teams[x.team],
			"territories": []string{x.team}, "items": []string{"badge", "authorisation_letter"}, "recording": true,
			"mode": "car", "start": centre, "end": centre})
		put("/v1/teams/"+x.team+"/shifts/"+day, map[string]any{"branch": "north", "from": "08:00", "to": "19:00"})
	}
	rows := caseHead
	for n := 1; n <= caseCount; n++ {
		rows += caseRow(n, fmt.Sprintf("Debtor %d", n))
	}
	var report play.ImportReport
	w.must(admin.Send(ctx, http.MethodPost, "/v1/imports/cases?branch=north", "text/csv",
		strings.NewReader(rows), &report))
	if report.Accepted != caseCount {
		w.fail("the world", "the import took %+v", report)
	}
	put("/v1/lenders/L1", map[string]any{"branches": []string{"north", "south"}}) // so that debtors may move
	d := &play.Day{Branch: "north", Date: day, Admin: admin, TimeLimitS: 60, Seed: 1}
	w.must(d.Plan(ctx, nil))
	w.must(d.Publish(ctx, nil))
	if d.Round.Stops != caseCount {
		w.fail("the world", "the round has %d stops: %+v", d.Round.Stops, d.Round.Unassigned)
	}
}
