package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"

	"github.com/google/uuid"
)

// How the outbox behaves.
const (
	leaseTime   = 30 * time.Second
	callTime    = 20 * time.Second // a provider's SDK may retry inside for minutes
	maxAttempts = 8
	firstDelay  = 2 * time.Second
	longDelay   = 5 * time.Minute
	batch       = 100
	atOnce      = 8 // calls to the provider at the same time
)

// Outbox sends the pending notices of all branches. Run it on every node: a lease lets one work at a branch.
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
	retry map[string]retry // notices that wait for another attempt, by id
}

type retry struct {
	at       time.Time
	attempts int
	notice   Notice
}

// New makes an outbox. With a nil sender Run keeps notices as they are: they are shown, not sent.
func New(j *journal.Journal, l Ledger, t Tokens, s Sender, log *slog.Logger) *Outbox {
	return &Outbox{journal: j, store: j.Store(), ledger: l, tokens: t, sender: s, log: log, node: uuid.NewString(),
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
	branches, err := o.store.Branches(ctx)
	if err != nil {
		return err
	}
	for _, b := range branches {
		o.poke(b)
	}
	held := map[auth.BranchID]uint64{} // versions of the leases we hold
	defer o.release(held)
	for {
		for _, b := range o.take() {
			if err := o.branch(ctx, b, held); err != nil && ctx.Err() == nil {
				o.log.Warn("outbox: will try again", "branch", b, "err", err)
				o.poke(b)
			}
		}
		t := time.NewTimer(o.pause())
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-o.wake:
			t.Stop()
			// A publication is many pages: let it come together.
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return nil
			}
		case <-t.C:
			// Retries that are due, and branches whose lease another node let go.
			for _, b := range o.due() {
				o.poke(b)
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
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

func (o *Outbox) take() []auth.BranchID {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []auth.BranchID
	for b := range o.dirty {
		out = append(out, b)
	}
	o.dirty = map[auth.BranchID]bool{}
	return out
}

// due lists the branches with retries whose time has come.
func (o *Outbox) due() []auth.BranchID {
	now := o.journal.Now()
	seen := map[auth.BranchID]bool{}
	var out []auth.BranchID
	for _, r := range o.retry {
		if !r.at.After(now) && !seen[r.notice.Branch] {
			seen[r.notice.Branch] = true
			out = append(out, r.notice.Branch)
		}
	}
	return out
}

// pause is how long to sleep when nobody pokes.
func (o *Outbox) pause() time.Duration {
	d := leaseTime
	now := o.journal.Now()
	for _, r := range o.retry {
		d = min(d, max(r.at.Sub(now), 10*time.Millisecond))
	}
	return d
}

// branch sends what is pending or due in one branch, if we hold or get its lease.
func (o *Outbox) branch(ctx context.Context, b auth.BranchID, held map[auth.BranchID]uint64) error {
	for {
		first, err := o.find(ctx, b, Pending)
		if err != nil {
			return err
		}
		found, err := o.find(ctx, b, Sending)
		if err != nil {
			return err
		}
		var work []Notice
		var marks []Mark
		now := o.journal.Now()
		work = append(work, first...)
		for _, n := range found {
			r, waiting := o.retry[n.ID]
			switch {
			case waiting && r.at.After(now):
			case waiting:
				n.Attempts = r.attempts
				work = append(work, n)
			default:
				// "Sending" and not ours: a crash came between the call and its
				// outcome. An alert is repeated (J16).
				work = append(work, n)
			}
		}
		if len(work) == 0 {
			return nil
		}
		if ok, err := o.lease(ctx, b, held); err != nil || !ok {
			return err // or another node is at it
		}
		send := work[:0]
		for _, n := range work {
			ok, code, err := o.ledger.Ask(ctx, n)
			if err != nil {
				return err
			}
			switch {
			case !n.Expires.IsZero() && now.After(n.Expires):
				marks = append(marks, Mark{ID: n.ID, Status: Dead, Outcome: "expired", Attempts: n.Attempts})
			case !ok:
				marks = append(marks, Mark{ID: n.ID, Status: Refused, Outcome: code, Attempts: n.Attempts})
			default:
				if n.Status != Sending {
					marks = append(marks, Mark{ID: n.ID, Status: Sending, Attempts: n.Attempts})
				}
				send = append(send, n)
			}
		}
		// "Sending" is durable before any provider is called.
		if len(marks) > 0 {
			if err := o.ledger.Mark(ctx, b, marks); err != nil {
				return err
			}
		}
		if done := o.send(ctx, send); len(done) > 0 {
			// The outcome is recorded even while we are being stopped.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
			err := o.ledger.Mark(ctx, b, done)
			cancel()
			if err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(first) < batch {
			return nil
		}
	}
}

func (o *Outbox) find(ctx context.Context, b auth.BranchID, status string) ([]Notice, error) {
	f, err := o.store.Find(ctx, journal.Query{Branch: b, Type: ByStatus.Type, Index: ByStatus.Name, Eq: []any{status}, Limit: batch})
	if err != nil {
		return nil, err
	}
	out := make([]Notice, 0, len(f.Records))
	for _, rec := range f.Records {
		n, err := decode(rec)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// send calls the provider for each notice and returns the outcomes that are final;
// the others wait in o.retry.
func (o *Outbox) send(ctx context.Context, ns []Notice) []Mark {
	results := make([]*Mark, len(ns))
	waits := make([]*retry, len(ns))
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, n := range ns {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i], waits[i] = o.one(ctx, n)
		})
	}
	wg.Wait()
	var marks []Mark
	for i, n := range ns {
		delete(o.retry, n.ID)
		if waits[i] != nil {
			o.retry[n.ID] = *waits[i]
		} else if results[i] != nil {
			marks = append(marks, *results[i])
		}
	}
	return marks
}

func (o *Outbox) one(ctx context.Context, n Notice) (*Mark, *retry) {
	n.Attempts++
	mark := func(status, outcome string) (*Mark, *retry) {
		return &Mark{ID: n.ID, Status: status, Outcome: outcome, Attempts: n.Attempts}, nil
	}
	again := func(after time.Duration, why string) (*Mark, *retry) {
		if n.Attempts >= maxAttempts {
			return mark(Dead, why)
		}
		delay := min(firstDelay<<(n.Attempts-1), longDelay)
		delay = max(delay/2+rand.N(delay), after)
		return nil, &retry{at: o.journal.Now().Add(delay), attempts: n.Attempts, notice: n}
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
	id, err := o.sender.Send(call, Message{Token: token, Kind: n.Kind, Task: n.ID, Collapse: n.Collapse, Expires: n.Expires})
	if err == nil {
		return mark(Sent, id)
	}
	if ctx.Err() != nil {
		return nil, nil // stopped in the middle: "sending" stands, and the next start repeats it
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

// lease is the small document that says which node sends for a branch.
type lease struct {
	Node  string    `json:"node"`
	Until time.Time `json:"until"`
}

const leaseKind = "lease"

func leaseID(b auth.BranchID) string { return "notify/" + string(b) }

// lease takes or renews the branch's lease; false when another node holds it.
func (o *Outbox) lease(ctx context.Context, b auth.BranchID, held map[auth.BranchID]uint64) (bool, error) {
	body, version, err := o.store.Small(ctx, leaseKind, leaseID(b))
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return false, err
	}
	now := o.journal.Now()
	var l lease
	if err == nil {
		if err := json.Unmarshal(body, &l); err != nil {
			return false, err
		}
		if l.Node != o.node && now.Before(l.Until) {
			delete(held, b)
			return false, nil
		}
		if l.Node == o.node && now.Add(leaseTime/2).Before(l.Until) {
			held[b] = version
			return true, nil
		}
	}
	next, err := json.Marshal(lease{Node: o.node, Until: now.Add(leaseTime)})
	if err != nil {
		return false, err
	}
	err = o.store.SwapSmall(ctx, leaseKind, leaseID(b), version, next)
	if errors.Is(err, journal.ErrRaced) {
		return false, nil
	}
	held[b] = version + 1
	return err == nil, err
}

// release gives the leases back, so that the next start need not wait.
func (o *Outbox) release(held map[auth.BranchID]uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for b := range held {
		body, version, err := o.store.Small(ctx, leaseKind, leaseID(b))
		var l lease
		if err == nil && json.Unmarshal(body, &l) == nil && l.Node == o.node {
			if err := o.store.DeleteSmall(ctx, leaseKind, leaseID(b), version); err != nil {
				o.log.Warn("outbox: lease not given back", "branch", b, "err", err)
			}
		}
	}
}
