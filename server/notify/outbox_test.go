package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"

	"github.com/google/uuid"
)

const branch auth.BranchID = "PORTO"

// fixture is one store with one journal, and what the outboxes on it see of the domain.
type fixture struct {
	t       *testing.T
	folder  string // of the store
	journal *journal.Journal
	mu      sync.Mutex
	refuse  map[string]string // alerts the rule refuses by now, with its code
	broken  map[string]bool   // alerts the rule cannot be asked about
	tokens  map[auth.DeviceID]string
	deaf    bool // tokens cannot be read until the caller gives up
	marks   map[string][]Mark
	// meanwhile happens while the rule is asked.
	meanwhile func()
}

// inHouse runs a story on a real store under a clock that jumps over waiting.
func inHouse(t *testing.T, story func(t *testing.T, h *fixture)) {
	t.Helper()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		store, err := sqlitestore.Open(ctx, folder, []journal.Index{ByStatus, ByDevice})
		if err != nil {
			t.Fatal(err)
		}
		h := &fixture{t: t, folder: folder, journal: journal.Open(store, journal.Options{}), refuse: map[string]string{},
			broken: map[string]bool{},
			tokens: map[auth.DeviceID]string{"d1": "token-1"}, marks: map[string][]Mark{}}
		defer func() {
			if err := errors.Join(h.journal.Close(ctx), store.Close()); err != nil {
				t.Error(err)
			}
		}()
		story(t, h)
	})
}

// write puts alerts into the journal as the entry that causes them would.
func (h *fixture) write(ns ...Alert) {
	h.t.Helper()
	h.do(branch, func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
		d := journal.Draft{Action: "publish"}
		for _, n := range ns {
			if _, _, err := r.Doc(ctx, "alerts", n.ID); err != nil {
				return d, err
			}
			n.Kind, n.At = cmp.Or(n.Kind, "new_task"), r.At
			if n.Device == "" {
				n.Device = auth.DeviceID("of-" + n.ID) // one each
			}
			if n.Status == "" {
				n.Status = Pending
			}
			body, err := json.Marshal(n)
			if err != nil {
				return d, err
			}
			d.Put("alerts", n.ID, body)
		}
		return d, nil
	})
}

func (h *fixture) do(b auth.BranchID, decide func(context.Context, *journal.Reader) (journal.Draft, error)) {
	h.t.Helper()
	out, err := h.journal.Do(context.Background(), b, []journal.Command{{ID: uuid.NewString(), Decide: decide}})
	if err == nil {
		err = out[0].Err
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *fixture) alert(id string) Alert {
	h.t.Helper()
	recs, err := h.journal.Store().Records(context.Background(), branch, []journal.DocRef{{Type: "alerts", ID: id}})
	if err != nil {
		h.t.Fatal(err)
	}
	n, err := decode(recs[0])
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// outcome is the last mark of an alert.
func (h *fixture) outcome(id string) Mark {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.marks[id]; len(m) > 0 {
		return m[len(m)-1]
	}
	return Mark{}
}

// Mark records states as entries, but for those of alerts that are settled.
func (h *fixture) Mark(ctx context.Context, b auth.BranchID, marks []Mark) (passed []string, err error) {
	var made []Mark
	out, err := h.journal.Do(ctx, b, []journal.Command{{ID: uuid.NewString(), Decide: func(ctx context.Context,
		r *journal.Reader) (journal.Draft, error) {
		d := journal.Draft{Action: "alert.mark"}
		passed, made = nil, nil
		for _, m := range marks {
			rec, _, err := r.Doc(ctx, "alerts", m.ID)
			if err != nil {
				return d, err
			}
			n, err := decode(rec)
			if err != nil {
				return d, err
			}
			if n.Status != Pending && n.Status != Sending {
				passed = append(passed, m.ID)
				continue
			}
			made = append(made, m)
			n.Status, n.Attempts = m.Status, m.Attempts
			if m.Status != Sending {
				n.DoneAt = r.At
			}
			body, err := json.Marshal(n)
			if err != nil {
				return d, err
			}
			d.Put("alerts", m.ID, body)
		}
		return d, nil
	}}})
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range made {
		h.marks[m.ID] = append(h.marks[m.ID], m)
	}
	return passed, out[0].Err
}

// Ask judges again.
func (h *fixture) Ask(_ context.Context, _ auth.BranchID, alerts []Alert) []Answer {
	if h.meanwhile != nil {
		h.meanwhile()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]Answer, len(alerts))
	for i, n := range alerts {
		code, no := h.refuse[n.ID]
		out[i] = Answer{OK: !no, Code: code}
		if h.broken[n.ID] {
			out[i] = Answer{Err: errors.New("unreadable")}
		}
	}
	return out
}

// PushToken knows the tokens of devices.
func (h *fixture) PushToken(ctx context.Context, d auth.DeviceID) (string, error) {
	if h.deaf {
		<-ctx.Done()
		return "", ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if token, known := h.tokens[d]; known {
		return token, nil
	}
	return "token-of-" + string(d), nil
}

// DropPushToken forgets a token.
func (h *fixture) DropPushToken(_ context.Context, d auth.DeviceID, token string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tokens[d] == token {
		h.tokens[d] = ""
	}
	return nil
}

// provider is a Sender that remembers when it was asked for what.
type provider struct {
	mu     sync.Mutex
	calls  map[string][]time.Time
	busy   int
	answer func(ctx context.Context, m Message) error // nil: taken
}

func (p *provider) Send(ctx context.Context, m Message) (string, error) {
	p.mu.Lock()
	if p.calls == nil {
		p.calls = map[string][]time.Time{}
	}
	p.calls[m.Task] = append(p.calls[m.Task], time.Now())
	p.busy++
	p.mu.Unlock()
	defer func() { p.mu.Lock(); p.busy--; p.mu.Unlock() }()
	if p.answer != nil {
		if err := p.answer(ctx, m); err != nil {
			return "", err
		}
	}
	return "id-" + m.Task, nil
}

func (p *provider) of(id string) []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[id]
}

// run starts a node; the returned function stops it and waits.
func (h *fixture) run(s Sender) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	o := New(h.journal, h, h, s, slog.New(slog.DiscardHandler))
	go func() { done <- o.Run(ctx) }()
	return func() {
		h.t.Helper()
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("the outbox ended with %v", err)
		}
	}
}

func many(n int) []Alert {
	out := make([]Alert, n)
	for i := range out {
		out[i].ID = fmt.Sprintf("n%03d", i)
	}
	return out
}

func TestNoticeIsSentOnceAndRecorded(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		p := &provider{answer: func(_ context.Context, m Message) error {
			// J16: "sending" is durable before the call.
			if s := h.alert(m.Task).Status; s != Sending {
				t.Errorf("called while the alert is %q", s)
			}
			return nil
		}}
		h.write(Alert{ID: "before"})
		stop := h.run(p)
		time.Sleep(time.Second)
		h.write(many(250)...)
		time.Sleep(time.Minute)
		stop()
		for _, n := range append(many(250), Alert{ID: "before"}) {
			if m := h.outcome(n.ID); m != (Mark{ID: n.ID, Status: Sent, Provider: "id-" + n.ID, Attempts: 1}) ||
				len(p.of(n.ID)) != 1 {
				t.Fatalf("%s: %+v after %d calls", n.ID, m, len(p.of(n.ID)))
			}
		}
	})
}

func TestWithoutProviderNoticesStayPending(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		stop := h.run(nil)
		h.write(Alert{ID: "n"})
		time.Sleep(time.Hour)
		stop()
		if s := h.alert("n").Status; s != Pending {
			t.Errorf("the alert is %q", s)
		}
	})
}

func TestFailedAttemptsAreSpreadAndEndAfterEight(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		p := &provider{answer: func(context.Context, Message) error { return &Failure{Retry: true, Why: "unavailable"} }}
		h.write(many(20)...)
		stop := h.run(p)
		time.Sleep(20 * time.Minute)
		stop()
		apart := map[time.Duration]bool{}
		for _, n := range many(20) {
			calls := p.of(n.ID)
			if m := h.outcome(n.ID); len(calls) != 8 || m != (Mark{ID: n.ID, Status: Dead, Reason: "unavailable",
				Attempts: 8}) {
				t.Fatalf("%s: %+v after %d calls", n.ID, m, len(calls))
			}
			for i := 1; i < len(calls); i++ {
				base := min(firstDelay<<(i-1), longDelay)
				if d := calls[i].Sub(calls[i-1]); d < base/2 || d > base*3/2+2*time.Second {
					t.Errorf("%s: attempt %d came after %v, want %v and half of it more or less", n.ID, i+1, d, base)
				}
			}
			apart[calls[1].Sub(calls[0]).Truncate(10*time.Millisecond)] = true
		}
		if len(apart) < 3 {
			t.Errorf("20 second attempts at %d different times only", len(apart))
		}
	})
}

func TestThoseThatWaitDoNotHideTheOthers(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		p := &provider{answer: func(_ context.Context, m Message) error {
			switch m.Task {
			case "soon":
				return &Failure{Retry: true, Why: "unavailable"}
			case "fresh":
				return nil
			default:
				return &Failure{Retry: true, RetryAfter: time.Hour, Why: "quota"}
			}
		}}
		h.write(many(batch + 5)...) // more than one reading holds
		stop := h.run(p)
		time.Sleep(10 * time.Second)
		h.write(Alert{ID: "soon"}, Alert{ID: "fresh"})
		time.Sleep(10 * time.Second)
		stop()
		if h.outcome("fresh").Status != Sent || len(p.of("soon")) < 2 {
			t.Errorf("fresh: %+v; soon: called at %v", h.outcome("fresh"), p.of("soon"))
		}
	})
}

func TestRetryDoesNotWaitForAnotherBranchToBeQuiet(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		p := &provider{answer: func(context.Context, Message) error { return &Failure{Retry: true, Why: "unavailable"} }}
		h.write(Alert{ID: "n"})
		stop := h.run(p)
		for range 200 { // ten seconds: the second attempt is due after one to three
			time.Sleep(50 * time.Millisecond)
			h.do("BRAGA", func(context.Context, *journal.Reader) (journal.Draft, error) {
				return journal.Draft{Action: "noise"}, nil
			})
		}
		if calls := p.of("n"); len(calls) < 2 || calls[1].Sub(calls[0]) > 4*time.Second {
			t.Errorf("called at %v", calls)
		}
		stop()
	})
}

func TestRetryAfterIsKeptEvenBeforeAnotherNode(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		const after = 10 * time.Minute
		first := true
		p := &provider{}
		p.answer = func(context.Context, Message) error {
			if p.mu.Lock(); first {
				first = false
				p.mu.Unlock()
				return &Failure{Retry: true, RetryAfter: after, Why: "quota"}
			}
			p.mu.Unlock()
			return nil
		}
		stops := []func(){h.run(p), h.run(p)}
		h.write(Alert{ID: "n"})
		time.Sleep(after + time.Minute)
		calls := p.of("n")
		if len(calls) != 2 || calls[1].Sub(calls[0]) < after {
			t.Errorf("called at %v, asked to wait %v", calls, after)
		}
		for _, stop := range stops {
			stop()
		}
	})
}

func TestOneNodeAtATimeThoughCallsAreSlow(t *testing.T) {
	if callTime >= leaseTime/2 {
		t.Errorf("a call of %v can outlive a lease that is renewed when %v of it are left", callTime, leaseTime/2)
	}
	inHouse(t, func(t *testing.T, h *fixture) {
		var a, b provider
		slow := func(other *provider) func(context.Context, Message) error {
			return func(context.Context, Message) error {
				other.mu.Lock()
				if other.busy > 0 {
					t.Error("two nodes call at the same time")
				}
				other.mu.Unlock()
				time.Sleep(callTime - time.Second)
				return nil
			}
		}
		a.answer, b.answer = slow(&b), slow(&a)
		h.write(many(60)...)
		stops := []func(){h.run(&a), h.run(&b)}
		time.Sleep(5 * time.Minute)
		for _, n := range many(60) {
			if calls := len(a.of(n.ID)) + len(b.of(n.ID)); calls != 1 {
				t.Errorf("%s was sent %d times", n.ID, calls)
			}
		}
		for _, stop := range stops {
			stop()
		}
	})
}

func TestDeadTokenIsDropped(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		p := &provider{answer: func(context.Context, Message) error {
			return &Failure{Unregistered: true,
				Why: "unregistered"}
		}}
		stop := h.run(p)
		h.write(Alert{ID: "first", Device: "d1"})
		time.Sleep(time.Second)
		h.write(Alert{ID: "second", Device: "d1"})
		time.Sleep(time.Second)
		stop()
		if m := h.outcome("first"); m.Status != Dead || m.Reason != "unregistered" {
			t.Errorf("first: %+v", m)
		}
		if m := h.outcome("second"); m.Status != Dead || m.Reason != "no_token" || len(p.of("second")) != 0 {
			t.Errorf("second: %+v after %d calls", m, len(p.of("second")))
		}
	})
}

func TestRuleIsAskedAgainAtTheMomentOfSending(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		p := &provider{answer: func(context.Context, Message) error { return &Failure{Retry: true, Why: "unavailable"} }}
		h.refuse["revoked"] = "revoked"
		h.broken["unreadable"] = true
		stop := h.run(p)
		h.write(Alert{ID: "unreadable"}, Alert{ID: "revoked"}, Alert{ID: "later"},
			Alert{ID: "stale", Expires: time.Now().Add(-time.Second)})
		time.Sleep(time.Second)
		if m := h.outcome("revoked"); m.Status != Refused || m.Reason != "revoked" || len(p.of("revoked")) != 0 {
			t.Errorf("revoked: %+v after %d calls", m, len(p.of("revoked")))
		}
		if m := h.outcome("stale"); m.Status != Dead || m.Reason != "expired" || len(p.of("stale")) != 0 {
			t.Errorf("stale: %+v after %d calls", m, len(p.of("stale")))
		}
		// Each attempt asks again: what was lawful before the first may not be before the second.
		h.mu.Lock()
		h.refuse["later"] = "QUIET_HOURS"
		h.mu.Unlock()
		calls := len(p.of("later"))
		time.Sleep(time.Hour)
		stop()
		if m := h.outcome("later"); calls == 0 || m.Status != Refused || m.Reason != "QUIET_HOURS" ||
			len(p.of("later")) != calls {
			t.Errorf("later: %+v after %d calls, then %d", m, calls, len(p.of("later")))
		}
		if m := h.outcome("unreadable"); m.Status != Dead || m.Reason != "rule_unreadable" || len(p.of("unreadable")) != 0 {
			t.Errorf("unreadable: %+v", m)
		}
	})
}

// J16: found at "sending", nobody knows whether it went out; an alert is repeated.
func TestAlertLeftAtSendingByACrashIsRepeated(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		h.write(Alert{ID: "n", Status: Sending, Attempts: 3}, Alert{ID: "last", Status: Sending, Attempts: maxAttempts})
		// The node that died holds its lease still, and nobody writes any more.
		body, err := json.Marshal(lease{Node: "dead", Until: time.Now().Add(leaseTime)})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.journal.Store().SwapSmall(context.Background(), leaseKind, leaseID(branch), 0, body); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		p := &provider{}
		stop := h.run(p)
		time.Sleep(5 * time.Minute)
		stop()
		calls := p.of("n")
		if m := h.outcome("n"); len(calls) != 1 || m.Status != Sent || m.Attempts != 4 {
			t.Fatalf("%+v after calls at %v", m, calls)
		}
		if d := calls[0].Sub(began); d < leaseTime-time.Second || d > leaseTime+lookTime+time.Second {
			t.Errorf("repeated after %v, the dead node's lease ends after %v", d, leaseTime)
		}
		if m := h.outcome("last"); m.Status != Unknown || len(p.of("last")) != 0 {
			t.Errorf("its attempts are used up: %+v after %d calls", m, len(p.of("last")))
		}
	})
}

func TestStopInTheMiddleLeavesSendingForTheNextStart(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		p := &provider{answer: func(ctx context.Context, _ Message) error { <-ctx.Done(); return ctx.Err() }}
		h.write(many(20)...)
		stop := h.run(p)
		time.Sleep(time.Second)
		began := time.Now()
		stop() // synctest fails the test should a goroutine be left
		if d := time.Since(began); d > time.Second {
			t.Errorf("stopping took %v", d)
		}
		for _, n := range many(20) {
			if s := h.alert(n.ID).Status; s != Sending {
				t.Errorf("%s is %q", n.ID, s)
			}
		}
		// The lease was given back: the next start need not wait for it.
		next := &provider{}
		stop = h.run(next)
		time.Sleep(time.Second)
		stop()
		for _, n := range many(20) {
			if h.outcome(n.ID).Status != Sent || len(next.of(n.ID)) != 1 {
				t.Errorf("%s: %+v", n.ID, h.outcome(n.ID))
			}
		}
	})
}

func TestStopIsNotAFailedAttempt(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		h.deaf = true
		h.write(Alert{ID: "n", Attempts: maxAttempts - 1})
		stop := h.run(&provider{})
		time.Sleep(time.Second)
		stop()
		if s := h.alert("n").Status; s != Sending {
			t.Errorf("the alert is %q", s)
		}
	})
}

func TestBackoffNeverUndercutsTheProvider(t *testing.T) {
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := backoff(attempt, time.Minute)
			if d < time.Minute {
				t.Fatalf("attempt %d: %v", attempt, d)
			}
			seen[d] = true
		}
		if len(seen) < 50 {
			t.Errorf("attempt %d: all come back at the same time", attempt)
		}
	}
}
