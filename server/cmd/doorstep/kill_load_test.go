package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/server/audit"
	"doorstep/server/play"
)

// book records in the test's process what the server acknowledged.
type book struct {
	mu          sync.Mutex
	mutations   map[string]acknowledged // by mid
	calls       []call
	lines       map[string]line  // by case, the newest
	orders      map[string]order // by assignment, the newest
	checkpoints []audit.Checkpoint
	refreshes   int
	unanswered  int // requests
	kept        int // mutations the server had kept without having answered
	later       int // requests that were told to come again
}

type acknowledged struct {
	play.Mutation
	phone  *play.Phone
	Result play.Result
}

// call is a command of a supervisor under an Idempotency-Key.
type call struct {
	key, path string
	body      any
	answer    map[string]any
}

type line struct {
	ref  string
	id   string // of the case
	due  int
	text string
}

type order struct {
	ref   string
	order int
}

// keyPrefix begins the supervisors' Idempotency-Keys.
const keyPrefix = "kill-"

// load holds all callers of the server and the answers they got.
type load struct {
	t      *testing.T
	day    *play.Day
	gate   gate
	base   string // of the node that is asked when the callers have ended
	today  bool   // the servers' clock is the system's, so that what phones write is of now
	book   book
	phones []*play.Phone
	cases  map[string]string // by assignment
	admin  *play.Client
	called time.Time // when the office called, for its calls
	head   string    // of the cases' CSV, and a row to copy
	row    []string
	ids    []string // of the day's cases
	heard  chan struct{}
	over   chan struct{}
	wait   sync.WaitGroup
}

func newLoad(t *testing.T, day *play.Day) *load {
	t.Helper()
	text, err := os.ReadFile(day.Cases)
	noError(t, err)
	lines := strings.SplitN(string(text), "\n", 3)
	l := &load{t: t, day: day, phones: day.Phones, head: lines[0] + "\n", row: strings.Split(lines[1], ","),
		heard: make(chan struct{}, 1<<16), over: make(chan struct{}),
		book: book{mutations: map[string]acknowledged{}, lines: map[string]line{}, orders: map[string]order{}}}
	for _, row := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		ref, after, _ := strings.Cut(row, ",")
		lender, _, _ := strings.Cut(after, ",")
		l.ids = append(l.ids, lender+"."+ref)
	}
	l.gate.cond = sync.NewCond(&l.gate.mu)
	l.admin, l.cases, l.base = day.Admin, map[string]string{}, day.Base
	date, err := time.Parse(time.DateOnly, day.Date)
	noError(t, err)
	l.called = date.AddDate(0, 0, -1).Add(9 * time.Hour)
	for _, p := range day.Phones {
		stops, err := p.Assignments(day.Date)
		noError(t, err)
		for _, a := range stops {
			l.cases[a.ID] = a.Case
		}
	}
	return l
}

// run starts the callers. Each goes on until finish, and ends when everything it sent is answered.
func (l *load) run(ctx context.Context) {
	for i, p := range l.phones {
		l.wait.Go(func() { l.agent(ctx, p, i) })
	}
	l.wait.Go(func() { l.imports(ctx) })
	l.wait.Go(func() { l.holds(ctx) })
	l.wait.Go(func() { l.refreshes(ctx) })
}

// hear waits for n more answers.
func (l *load) hear(ctx context.Context, n int) {
	l.t.Helper()
	for len(l.heard) > 0 {
		<-l.heard
	}
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for n > 0 {
		select {
		case <-l.heard:
			n--
		case <-look.C:
			if l.t.Failed() { // the callers have stopped
				l.t.FailNow()
			}
		case <-ctx.Done():
			l.t.Fatal("the server does not answer")
		}
	}
}

func (l *load) finish() {
	close(l.over)
	l.wait.Wait()
}

func (l *load) on() bool {
	select {
	case <-l.over:
		return false
	default:
		return !l.t.Failed()
	}
}

// sure calls do until there is an answer: without one, it calls do again, at another
// node or at the one that starts next. Like any client it comes again when it is told to
// (503). Another error answer fails the test, and so does no answer of a node that lives.
func (l *load) sure(what string, do func(base string) error) bool {
	for {
		node := l.gate.await()
		err := do(node.url)
		var problem *play.Problem
		again := errors.As(err, &problem) && problem.Status == http.StatusServiceUnavailable && l.today
		switch {
		case err == nil:
			select {
			case l.heard <- struct{}{}:
			default:
			}
			return true
		case problem != nil && !again:
			l.t.Errorf("%s: %v", what, err)
			return false
		case problem == nil && !l.gate.ended(node):
			l.t.Errorf("%s: %v, and the server was not killed", what, err)
			return false
		}
		l.book.mu.Lock()
		if again {
			l.book.later++
		} else {
			l.book.unanswered++
		}
		l.book.mu.Unlock()
		if again {
			pause(context.Background(), 100*time.Millisecond)
		}
	}
}

// agent records visits, notes and payments and pushes them.
func (l *load) agent(ctx context.Context, p *play.Phone, index int) {
	r := rand.New(rand.NewPCG(killSeed, uint64(100+index)))
	stops, err := p.Assignments(l.day.Date)
	if err != nil {
		l.t.Error(err)
		return
	}
	// The two agents of a team share its stops: each works on one half.
	var mine []play.Assignment
	for i, a := range stops {
		if i%2 == index%2 {
			mine = append(mine, a)
		}
	}
	visited, places := 0, 0
	for l.on() {
		if visited < len(mine) && r.IntN(4) == 0 {
			if err := p.Visit(l.dated(mine[visited]), r); err != nil && p.Docs["cases"][mine[visited].Case] != nil {
				l.t.Error(err)
			}
			visited++
		}
		for range 1 + r.IntN(5) {
			a := l.dated(mine[r.IntN(len(mine))])
			at := a.ETA
			places++
			switch r.IntN(3) {
			case 0:
				p.Write("visit_notes", play.NewID(), "put", at, map[string]any{"case": a.Case, "at": at, "kind": "general",
					"text": fmt.Sprintf("Note %d of %s, made up.", places, p.Agent)})
			case 1:
				p.Write("payments_reported", play.NewID(), "put", at,
					map[string]any{"case": a.Case, "at": at, "amount_minor": 1000*places + index, "currency": "EUR", "method": "cash",
						"reference": fmt.Sprintf("R-%d-%d", index, places)})
			default:
				p.Write("assignments", a.ID, "patch", at, map[string]any{"visit_order": places})
			}
		}
		if !l.push(ctx, p) {
			return
		}
		if r.IntN(3) == 0 && !l.sure("pull", func(base string) error { return l.pull(ctx, p, base) }) {
			return
		}
	}
}

// dated returns an assignment with the time at which the phone writes about it.
func (l *load) dated(a play.Assignment) play.Assignment {
	if l.today {
		a.ETA = time.Now().UTC().Truncate(time.Second)
	}
	return a
}

// push sends the phone's queue until every mutation is answered, and records the answers.
func (l *load) push(ctx context.Context, p *play.Phone) bool {
	batch := p.Queue
	tries := 0
	return l.sure("push", func(base string) error {
		tries++
		p.Base = base
		results, err := l.pushOnce(ctx, p, batch)
		if err != nil {
			return err
		}
		l.book.mu.Lock()
		defer l.book.mu.Unlock()
		for i, m := range batch {
			r := results[i]
			if r.Status == "retry" || r.Status == "conflict" || tries == 1 && r.Status == "duplicate" {
				l.t.Errorf("%s/%s of %s, sent %d times, is answered %s %s", m.Type, m.ID, p.Agent, tries, r.Status, r.Detail)
			}
			if r.Status == "duplicate" {
				l.book.kept++
			}
			l.book.mutations[m.Mid] = acknowledged{m, p, r}
			if place, ok := m.Fields["visit_order"].(int); ok && slices.Contains(settled, r.Status) {
				l.book.orders[m.ID] = order{l.cases[m.ID], place}
			}
		}
		p.Queue = nil
		return nil
	})
}

func (l *load) pushOnce(ctx context.Context, p *play.Phone, batch []play.Mutation) ([]play.Result, error) {
	var answer struct {
		Results []play.Result `json:"results"`
	}
	err := p.Do(ctx, http.MethodPost, "/sync/v1/push", map[string]any{"device": p.Device, "schema": 1, "mutations": batch},
		&answer)
	if err == nil && len(answer.Results) != len(batch) {
		return nil, &play.Problem{Detail: fmt.Sprintf("%d mutations were sent and %d answered", len(batch),
			len(answer.Results))}
	}
	for i, r := range answer.Results {
		if r.Mid != batch[i].Mid {
			return nil, &play.Problem{Detail: "the answers are not in the order of the mutations"}
		}
	}
	return answer.Results, err
}

// pull brings a replica up to date; its cursor and revisions never go back.
func (l *load) pull(ctx context.Context, p *play.Phone, base string) error {
	p.Base = base
	cursor, epoch, revs := p.Cursor, p.Epoch, map[string]uint64{}
	for k, v := range p.Revs {
		revs[k] = v
	}
	_, err := p.Pull(ctx)
	if p.Cursor < cursor || p.Epoch != epoch {
		l.t.Errorf("the cursor of %s went from %s/%d to %s/%d", p.Agent, epoch, cursor, p.Epoch, p.Cursor)
	}
	for k, was := range revs {
		if now, there := p.Revs[k]; there && now < was {
			l.t.Errorf("%s went from revision %d to %d", k, was, now)
		}
	}
	return err
}

// keyed puts a caller's Idempotency-Key into its requests.
type keyed struct {
	key  string
	next http.RoundTripper // nil is the default
}

func (k keyed) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Idempotency-Key", k.key)
	if k.next == nil {
		return http.DefaultTransport.RoundTrip(req)
	}
	return k.next.RoundTrip(req)
}

// callOnce posts a supervisor's command under its Idempotency-Key.
func (l *load) callOnce(ctx context.Context, base string, k call, into *map[string]any) error {
	c := *l.admin
	c.Base, c.HTTP = base, &http.Client{Transport: keyed{k.key, l.day.HTTP.Transport}}
	return c.Do(ctx, http.MethodPost, k.path, k.body, into)
}

// imports imports new cases, and earlier ones with another amount, one at a time.
func (l *load) imports(ctx context.Context) {
	r := rand.New(rand.NewPCG(killSeed, 2))
	mine := *l.admin
	for n := 1; l.on(); n++ {
		ref := fmt.Sprintf("KILL-%04d", 1+r.IntN(1+n/2))
		x := line{ref: ref, due: 10_000 + n}
		row := append([]string(nil), l.row...)
		for i, name := range strings.Split(strings.TrimSpace(l.head), ",") {
			switch name {
			case "case_ref":
				row[i] = ref
			case "debtor_ref":
				row[i] = ref + "-D"
			case "lender":
				x.id = row[i] + "." + ref
			case "amount_due_minor":
				row[i] = fmt.Sprint(x.due)
			case "principal_minor":
				row[i] = "9000000"
			}
		}
		x.text = strings.Join(row, ",") + "\n"
		if !l.sure("import", func(base string) error {
			mine.Base = base
			var rep play.ImportReport
			err := mine.Send(ctx, http.MethodPost, "/v1/imports/cases?branch="+l.day.Branch, "text/csv",
				strings.NewReader(l.head+x.text), &rep)
			if err == nil && rep.Accepted+rep.Updated+rep.Unchanged != 1 {
				return &play.Problem{Detail: fmt.Sprintf("one line was sent, and the report is %+v", rep)}
			}
			return err
		}) {
			return
		}
		l.book.mu.Lock()
		l.book.lines[ref] = x
		l.book.mu.Unlock()
		if n%3 == 0 && !l.audit(ctx) {
			return
		}
	}
}

// audit fetches and records a signed checkpoint.
func (l *load) audit(ctx context.Context) bool {
	c := *l.day.Auditor
	var cp audit.Checkpoint
	if !l.sure("checkpoint", func(base string) error {
		c.Base = base
		return c.Do(ctx, http.MethodGet, "/v1/audit/checkpoint?branch="+l.day.Branch, nil, &cp)
	}) {
		return false
	}
	l.book.mu.Lock()
	defer l.book.mu.Unlock()
	if n := len(l.book.checkpoints); n > 0 && l.book.checkpoints[n-1].Size > cp.Size {
		l.t.Errorf("the tree shrank from %d entries to %d", l.book.checkpoints[n-1].Size, cp.Size)
	}
	l.book.checkpoints = append(l.book.checkpoints, cp)
	return true
}

// holds opens holds on cases of the day and records calls, each under a key of its own.
func (l *load) holds(ctx context.Context) {
	r := rand.New(rand.NewPCG(killSeed, 3))
	for n := 1; l.on(); n++ {
		id := l.ids[r.IntN(len(l.ids))]
		k := call{key: fmt.Sprintf("%s%d", keyPrefix, n), path: "/v1/cases/" + id + "/contacts",
			body: map[string]any{"channel": "call", "at": l.called.Add(time.Duration(n%3600) * time.Second),
				"result": "no_answer"}}
		if r.IntN(10) == 0 {
			k.path, k.body = "/v1/cases/"+id+"/holds", map[string]any{"kind": []string{"stop", "dispute",
				"breathing_space"}[r.IntN(3)]}
		}
		if !l.sure(k.path, func(base string) error {
			k.answer = nil
			return l.callOnce(ctx, base, k, &k.answer)
		}) {
			return
		}
		l.book.mu.Lock()
		l.book.calls = append(l.book.calls, k)
		l.book.mu.Unlock()
	}
}

// refreshes exchanges one refresh token after the other: a session that was granted must go on.
func (l *load) refreshes(ctx context.Context) {
	caller := play.Client{HTTP: l.day.HTTP}
	var s struct {
		RefreshToken string `json:"refresh_token"`
	}
	if !l.sure("sign in", func(base string) error {
		caller.Base = base
		return caller.Do(ctx, http.MethodPost, "/v1/sessions", map[string]any{"login": "admin", "password": killPassword}, &s)
	}) {
		return
	}
	for l.on() {
		token := s.RefreshToken
		if !l.sure("refresh", func(base string) error {
			caller.Base = base
			return caller.Do(ctx, http.MethodPost, "/v1/sessions/refresh", map[string]any{"refresh_token": token}, &s)
		}) {
			return
		}
		if s.RefreshToken == token {
			l.t.Error("a refresh token was exchanged for itself")
		}
		l.book.mu.Lock()
		l.book.refreshes++
		l.book.mu.Unlock()
	}
}

func (l *load) checkpoint(ctx context.Context) (cp audit.Checkpoint) {
	l.t.Helper()
	l.day.Auditor.Base = l.base
	noError(l.t, l.day.Auditor.Do(ctx, http.MethodGet, "/v1/audit/checkpoint?branch="+l.day.Branch, nil, &cp))
	return cp
}
