package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Text is a text that a carrier is asked to bring to a debtor's phone.
type Text struct {
	// ID is the message's id: the carrier gives it back in its receipts.
	ID     string
	Number string // E.164
	Text   string
	// Attempts counts this one.
	Attempts int
}

// Carrier is a provider of texts.
type Carrier interface {
	// Name is kept with each message that it carries.
	Name() string
	// Carry hands a text over and returns the provider's id for it. A failure is a *NotCarried; any other error leaves
	// open what the provider did.
	Carry(ctx context.Context, t Text) (id string, err error)
}

// NotCarried says that a text was certainly not taken.
type NotCarried struct {
	// Retry: it may be taken later, at the earliest after RetryAfter (0: we choose). Otherwise it never will be.
	Retry      bool
	RetryAfter time.Duration
	Why        string // a short code, without numbers or words of the text
}

func (f *NotCarried) Error() string { return "sms: " + f.Why }

// TextOutcome is what became of a text that was handed over.
type TextOutcome struct {
	// State is sent, failed, unknown, or queued for one that is tried again at After.
	State                      string
	Carrier, CarrierID, Reason string
	After                      time.Time
}

// States of a text.
const (
	TextQueued = "queued"
	TextSent   = "sent"
	TextFailed = "failed"
)

// TextLedger judges and records; the domain implements it.
type TextLedger interface {
	// Step takes the steps that are due in the ladders of a branch's cases; more says that others wait.
	Step(ctx context.Context, b auth.BranchID, now time.Time) (more bool, err error)
	// Due lists the messages that are to be sent by now, without those that skip names; Stuck lists those at sending.
	Due(ctx context.Context, b auth.BranchID, now time.Time, skip func(id string) bool) (ids []string, err error)
	Stuck(ctx context.Context, b auth.BranchID) (ids []string, err error)
	// Start judges a message at the moment of sending. ok says that it is at sending, durably, and counts as a contact.
	Start(ctx context.Context, b auth.BranchID, id string) (t Text, ok bool, err error)
	// Settle records what became of it.
	Settle(ctx context.Context, b auth.BranchID, id string, o TextOutcome) error
}

// Texts sends the texts of all branches. Run it on every node: a lease lets one work at a branch. A text is at sending,
// and counts as a contact, before the carrier is asked. What a crash left at sending, and what a carrier answered
// unclearly, is unknown: it is never sent again.
type Texts struct {
	journal *journal.Journal
	ledger  TextLedger
	carrier Carrier
	log     *slog.Logger
	node    string

	failed map[string]time.Time // until when a message that could not be judged is left out; of Run alone

	mu   sync.Mutex
	look map[auth.BranchID]bool
	wake chan struct{}
}

// NewTexts makes the sender of texts.
func NewTexts(j *journal.Journal, l TextLedger, c Carrier, log *slog.Logger) *Texts {
	return &Texts{journal: j, ledger: l, carrier: c, log: log, node: journal.NewID(), failed: map[string]time.Time{},
		look: map[auth.BranchID]bool{},
		wake: make(chan struct{}, 1)}
}

func textLease(b auth.BranchID) string { return "texts/" + string(b) }

// Run sends until the context ends.
func (x *Texts) Run(ctx context.Context) error {
	held := map[auth.BranchID]bool{}
	defer x.release(held)
	var next time.Time
	for {
		if now := x.journal.Now(); !now.Before(next) {
			next = now.Add(lookTime)
			branches, err := x.journal.Store().Branches(ctx)
			if err != nil && ctx.Err() == nil {
				x.log.Warn("texts: will look again", "err", err)
			}
			for _, b := range branches {
				x.Poke(b)
			}
		}
		for _, b := range x.take() {
			if err := x.branch(ctx, b, held); err != nil && ctx.Err() == nil {
				x.log.Warn("texts: will try again", "branch", b, "err", err)
				if journal.Sleep(ctx, time.Second) != nil {
					return nil
				}
			}
		}
		t := time.NewTimer(max(next.Sub(x.journal.Now()), retryStep))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-x.wake:
			t.Stop()
			if journal.Sleep(ctx, 100*time.Millisecond) != nil {
				return nil
			}
		case <-t.C:
		}
	}
}

// Poke has a branch looked at soon, since there may be something to send; else each is looked at every 15 seconds. It
// is no part of what makes a text go out: the journal is.
func (x *Texts) Poke(b auth.BranchID) {
	if b == auth.OrgBranch {
		return
	}
	x.mu.Lock()
	x.look[b] = true
	x.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

func (x *Texts) take() []auth.BranchID {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := slices.Sorted(maps.Keys(x.look))
	clear(x.look)
	return out
}

// branch takes the steps that are due in one branch and sends what is to be sent, if we hold or get its lease.
func (x *Texts) branch(ctx context.Context, b auth.BranchID, held map[auth.BranchID]bool) error {
	lease := func() (bool, error) {
		_, mine, err := takeLease(ctx, x.journal.Store(), textLease(b), x.node, x.journal.Now())
		return mine, err
	}
	mine, err := lease()
	if err != nil || !mine {
		delete(held, b)
		return err
	}
	held[b] = true
	if err := x.settleStuck(ctx, b); err != nil {
		return err
	}
	for {
		more, err := x.ledger.Step(ctx, b, x.journal.Now())
		if err != nil {
			return fmt.Errorf("take the steps of ladders: %w", err)
		}
		sent, err := x.due(ctx, b, lease)
		if err != nil || !more && sent == 0 {
			return err
		}
	}
}

// failedFor is how long a message that could not be judged is left out.
const failedFor = 10 * time.Minute

// due sends what is due, and tells how many messages it looked at.
func (x *Texts) due(ctx context.Context, b auth.BranchID, lease func() (bool, error)) (int, error) {
	now := x.journal.Now()
	maps.DeleteFunc(x.failed, func(_ string, until time.Time) bool { return !now.Before(until) })
	ids, err := x.ledger.Due(ctx, b, now, func(id string) bool { return !x.failed[id].IsZero() })
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, id := range ids {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if mine, err := lease(); err != nil || !mine {
			return 0, errors.Join(err, errLeaseLost)
		}
		t, ok, err := x.ledger.Start(ctx, b, id)
		if err != nil {
			// One message that cannot be judged must not keep the others back, now or when the branch is looked at next.
			x.failed[id] = now.Add(failedFor)
			failed = append(failed, fmt.Errorf("message %s: %w", id, err))
			continue
		}
		if ok {
			failed = append(failed, x.carry(ctx, b, t))
		}
	}
	return len(ids), errors.Join(failed...)
}

// carry asks the carrier, once, and records what became of the text.
func (x *Texts) carry(ctx context.Context, b auth.BranchID, t Text) error {
	call, cancel := context.WithTimeout(ctx, callTime)
	id, err := x.carrier.Carry(call, t)
	cancel()
	o := TextOutcome{State: TextSent, Carrier: x.carrier.Name(), CarrierID: id}
	var not *NotCarried
	switch {
	case err == nil:
	case errors.As(err, &not) && not.Retry:
		o.State, o.Reason = TextQueued, not.Why
		o.After = x.journal.Now().Add(backoff(t.Attempts, not.RetryAfter))
	case errors.As(err, &not):
		o.State, o.Reason = TextFailed, not.Why
	default:
		// The provider may have taken it: it is not asked again.
		o.State, o.Reason = Unknown, "unclear"
	}
	// The outcome is recorded even while we are being stopped.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	return x.ledger.Settle(ctx, b, t.ID, o)
}

// settleStuck records as unknown what was left at sending: no call of ours is under way, since this is not
// called meanwhile, and the lease keeps other nodes from calling.
func (x *Texts) settleStuck(ctx context.Context, b auth.BranchID) error {
	ids, err := x.ledger.Stuck(ctx, b)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := x.ledger.Settle(ctx, b, id, TextOutcome{State: Unknown, Carrier: x.carrier.Name(),
			Reason: "interrupted"}); err != nil {
			return err
		}
	}
	return nil
}

func (x *Texts) release(held map[auth.BranchID]bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for b := range held {
		if err := giveLease(ctx, x.journal.Store(), textLease(b), x.node); err != nil {
			x.log.Warn("texts: lease not given back", "branch", b, "err", err)
		}
	}
}
