package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// How the outbox behaves.
const (
	leaseTime   = time.Minute
	callTime    = 20 * time.Second // shorter than half a lease: no call outlives the lease it began under
	lookTime    = 15 * time.Second // how often to look at all branches when nobody pokes
	maxAttempts = 8
	firstDelay  = 2 * time.Second
	longDelay   = 5 * time.Minute
	retryStep   = 500 * time.Millisecond // retries due within it go together: each pass reads all that wait
	batch       = 100
	apart       = time.Minute + time.Second // between alerts of a device; done_at is in whole seconds
	atOnce      = 8                         // calls to the provider at the same time
)

// Outbox sends the pending alerts of all branches. Run it on every node: a lease lets one work at a branch.
type Outbox struct {
	journal *journal.Journal
	store   journal.Store
	ledger  Ledger
	tokens  Tokens
	sender  Sender
	log     *slog.Logger
	node    string

	mu    sync.Mutex
	dirty map[auth.BranchID]bool
	wake  chan struct{}
	retry map[string]retry // alerts that wait for another attempt, by id
}

type retry struct {
	at       time.Time
	attempts int
	branch   auth.BranchID
}

// New makes an outbox. With a nil sender Run keeps alerts as they are: they are shown, not sent.
func New(j *journal.Journal, l Ledger, t Tokens, s Sender, log *slog.Logger) *Outbox {
	return &Outbox{journal: j, store: j.Store(), ledger: l, tokens: t, sender: s, log: log, node: journal.NewID(),
		dirty: map[auth.BranchID]bool{}, wake: make(chan struct{}, 1), retry: map[string]retry{}}
}

// Run sends until the context ends.
func (o *Outbox) Run(ctx context.Context) error {
	if o.sender == nil {
		<-ctx.Done()
		return nil
	}
	cancel := o.journal.Subscribe(func(c journal.Committed) { o.poke(c.Branch) })
	defer cancel()
	held := map[auth.BranchID]uint64{} // versions of the leases we hold
	defer o.release(held)
	var look time.Time
	for {
		// A busy journal pokes all the time; what is due must not wait for it to be quiet.
		now := o.journal.Now()
		if !now.Before(look) {
			look = now.Add(lookTime)
			if err := o.lookAround(ctx, held); err != nil && ctx.Err() == nil {
				o.log.Warn("outbox: will look again", "err", err)
			}
		}
		for _, b := range o.take(now) {
			if err := o.branch(ctx, b, held); err != nil && ctx.Err() == nil {
				o.log.Warn("outbox: will try again", "branch", b, "err", err)
				o.poke(b)
				if journal.Sleep(ctx, time.Second) != nil {
					return nil
				}
			}
		}
		t := time.NewTimer(o.pause(look))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-o.wake:
			t.Stop()
			// A publication is many pages: let it come together.
			if err := journal.Sleep(ctx, 100*time.Millisecond); err != nil {
				return nil
			}
		case <-t.C:
		}
	}
}

// lookAround marks all branches, since nobody pokes for what another node wrote,
// or left when it died, and keeps the leases of those where alerts wait for
// another attempt: who takes them from us would not know how long to wait.
func (o *Outbox) lookAround(ctx context.Context, held map[auth.BranchID]uint64) error {
	branches, err := o.store.Branches(ctx)
	if err != nil {
		return err
	}
	waiting := map[auth.BranchID]bool{}
	for _, r := range o.retry {
		waiting[r.branch] = true
	}
	o.mu.Lock()
	for _, b := range branches {
		o.dirty[b] = true
	}
	o.mu.Unlock()
	for b := range waiting {
		if _, err := o.lease(ctx, b, held); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) poke(b auth.BranchID) {
	o.mu.Lock()
	o.dirty[b] = true
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take empties the list of branches to work at: those that were poked, and those with retries whose time has come.
func (o *Outbox) take(now time.Time) []auth.BranchID {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.retry {
		if !r.at.After(now) {
			o.dirty[r.branch] = true
		}
	}
	out := slices.Sorted(maps.Keys(o.dirty))
	clear(o.dirty)
	return out
}

// pause is how long to sleep when nobody pokes.
func (o *Outbox) pause(look time.Time) time.Duration {
	first := look
	for _, r := range o.retry {
		if r.at.Before(first) {
			first = r.at
		}
	}
	return max(first.Sub(o.journal.Now()), retryStep)
}

// branch sends what is pending or due in one branch, if we hold or get its lease.
func (o *Outbox) branch(ctx context.Context, b auth.BranchID, held map[auth.BranchID]uint64) error {
	for {
		work, err := o.due(ctx, b)
		if err != nil || len(work) == 0 {
			return err
		}
		// Another node may be at it, and may have been until just now: what was read before the lease is only a hint.
		if ok, err := o.lease(ctx, b, held); err != nil || !ok {
			return err
		}
		if work, err = o.due(ctx, b); err != nil {
			return err
		}
		marks, work, err := o.space(ctx, b, work)
		if err != nil {
			return err
		}
		judged, send := o.judge(ctx, b, work)
		// "Sending" is durable before any provider is called (J16), and with it the attempt.
		if marks = append(marks, judged...); len(marks) > 0 {
			passed, err := o.ledger.Mark(ctx, b, marks)
			if err != nil {
				return err
			}
			send = slices.DeleteFunc(send, func(n Alert) bool { return slices.Contains(passed, n.ID) })
		}
		done, err := o.send(ctx, b, send, held)
		if len(done) > 0 {
			// The outcome is recorded even while we are being stopped.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
			_, marked := o.ledger.Mark(ctx, b, done)
			err = errors.Join(err, marked)
			cancel()
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
}

// judge asks the rule about alerts: marks are what to record before any call, send what may go out.
func (o *Outbox) judge(ctx context.Context, b auth.BranchID, work []Alert) (marks []Mark, send []Alert) {
	now := o.journal.Now()
	mark := func(n Alert, status, reason string) {
		delete(o.retry, n.ID)
		marks = append(marks, Mark{ID: n.ID, Status: status, Reason: reason, Attempts: n.Attempts})
	}
	var ask []Alert
	for _, n := range work {
		switch {
		case !n.Expires.IsZero() && now.After(n.Expires):
			mark(n, Dead, "expired")
		case n.Attempts >= maxAttempts:
			mark(n, Unknown, "attempts") // a crash came into the last of them
		default:
			ask = append(ask, n)
		}
	}
	if len(ask) == 0 {
		return marks, nil
	}
	answers := o.ledger.Ask(ctx, b, ask)
	if ctx.Err() != nil {
		return marks, nil
	}
	for i, n := range ask {
		a := answers[i]
		n.Attempts++
		switch {
		case a.Err != nil && n.Attempts >= maxAttempts:
			mark(n, Dead, "rule_unreadable")
		case a.Err != nil:
			// One alert that cannot be judged must not hold up the others, nor go out.
			o.log.Warn("outbox: rule not readable", "alert", n.ID, "err", a.Err)
			o.retry[n.ID] = retry{at: now.Add(backoff(n.Attempts, 0)), attempts: n.Attempts, branch: n.Branch}
		case !a.OK:
			n.Attempts-- // no call was made
			mark(n, Refused, a.Code)
		default:
			mark(n, Sending, "")
			send = append(send, n)
		}
	}
	return marks, send
}

// due finds alerts to send now: pending ones, and those at "sending" whose time
// has come. "Sending" and not waiting for us means that a crash came between
// the call and its outcome: an alert is repeated (J16).
func (o *Outbox) due(ctx context.Context, b auth.BranchID) ([]Alert, error) {
	now := o.journal.Now()
	var out []Alert
	there := map[string]bool{}
	for _, status := range []string{Sending, Pending} {
		q := journal.Query{Branch: b, Type: ByStatus.Type, Index: ByStatus.Name, Eq: []any{status}, Limit: batch}
		for {
			f, err := o.store.Find(ctx, q)
			if err != nil {
				return nil, err
			}
			for _, rec := range f.Records {
				there[rec.ID] = true
				r, waiting := o.retry[rec.ID]
				if waiting && r.at.After(now) {
					continue
				}
				n, err := decode(rec)
				if err != nil {
					return nil, err
				}
				n.Attempts = max(n.Attempts, r.attempts)
				if out = append(out, n); len(out) == batch {
					return out, nil
				}
			}
			if q.After = f.Next; q.After == "" {
				break
			}
		}
	}
	// Both lists were read to the end: what is in neither has been settled elsewhere.
	maps.DeleteFunc(o.retry, func(id string, r retry) bool { return r.branch == b && !there[id] })
	return out, nil
}

// send calls the provider for each alert and returns the outcomes that are final;
// the others wait in o.retry. Without the lease it goes no further: what is
// left at "sending" is for the node that has it now.
func (o *Outbox) send(ctx context.Context, b auth.BranchID, ns []Alert, held map[auth.BranchID]uint64) ([]Mark, error) {
	results := make([]*Mark, len(ns))
	waits := make([]*retry, len(ns))
	var wg sync.WaitGroup
	var failed error
	slots := make(chan struct{}, atOnce)
	for i, n := range ns {
		slots <- struct{}{}
		if failed = ctx.Err(); failed != nil {
			break
		}
		ok, err := o.lease(ctx, b, held)
		if err != nil || !ok {
			failed = cmp.Or(err, errLeaseLost)
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i], waits[i] = o.one(ctx, n)
		})
	}
	wg.Wait()
	var marks []Mark
	for i, n := range ns {
		if waits[i] != nil {
			o.retry[n.ID] = *waits[i]
		} else if results[i] != nil {
			marks = append(marks, *results[i])
		}
	}
	return marks, failed
}

var errLeaseLost = errors.New("outbox: another node took the lease")

// backoff is how long to wait after a failed attempt (1 is the first); never less than
// the provider asked for.
func backoff(attempt int, after time.Duration) time.Duration {
	spaced := journal.Backoff{First: firstDelay, Most: longDelay}
	return after + spaced.Nth(attempt)
}

// one makes one attempt, which n.Attempts already counts. Neither result: we
// are being stopped, "sending" stands, and the next start repeats it.
func (o *Outbox) one(ctx context.Context, n Alert) (*Mark, *retry) {
	mark := func(status, reason string) (*Mark, *retry) {
		return &Mark{ID: n.ID, Status: status, Reason: reason, Attempts: n.Attempts}, nil
	}
	again := func(after time.Duration, why string) (*Mark, *retry) {
		if ctx.Err() != nil {
			return nil, nil
		}
		if n.Attempts >= maxAttempts {
			return mark(Dead, why)
		}
		return nil, &retry{at: o.journal.Now().Add(backoff(n.Attempts, after)), attempts: n.Attempts, branch: n.Branch}
	}
	token, err := o.tokens.PushToken(ctx, n.Device)
	if err != nil {
		return again(0, "token_unreadable")
	}
	if token == "" {
		return mark(Dead, "no_token")
	}
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	id, err := o.sender.Send(call, Message{Token: token, Kind: n.Kind, Task: n.ID, Expires: n.Expires})
	if err == nil {
		return &Mark{ID: n.ID, Status: Sent, Provider: id, Attempts: n.Attempts}, nil
	}
	if ctx.Err() != nil {
		return nil, nil
	}
	var f *Failure
	if !errors.As(err, &f) {
		f = &Failure{Retry: true, Why: "unclear"}
	}
	switch {
	case f.Unregistered:
		if err := o.tokens.DropPushToken(ctx, n.Device, token); err != nil {
			o.log.Warn("outbox: dead token not dropped", "device", n.Device, "err", err)
		}
		return mark(Dead, "unregistered")
	case f.Retry:
		return again(f.RetryAfter, f.Why)
	default:
		return mark(Dead, f.Why)
	}
}

// lease takes or renews the branch's lease; false when another node holds it.
func (o *Outbox) lease(ctx context.Context, b auth.BranchID, held map[auth.BranchID]uint64) (bool, error) {
	version, mine, err := takeLease(ctx, o.store, leaseID(b), o.node, o.journal.Now())
	if err != nil {
		return false, err
	}
	if !mine {
		// Whoever has it also has what waited here.
		delete(held, b)
		maps.DeleteFunc(o.retry, func(_ string, r retry) bool { return r.branch == b })
		return false, nil
	}
	held[b] = version
	return true, nil
}

// release gives the leases back, so that the next start need not wait.
func (o *Outbox) release(held map[auth.BranchID]uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for b := range held {
		if err := giveLease(ctx, o.store, leaseID(b), o.node); err != nil {
			o.log.Warn("outbox: lease not given back", "branch", b, "err", err)
		}
	}
}

func leaseID(b auth.BranchID) string { return "notify/" + string(b) }
