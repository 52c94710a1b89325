package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// textBook is a TextLedger in memory.
type textBook struct {
	mu      sync.Mutex
	states  map[string]string
	next    map[string]time.Time
	tries   map[string]int
	refuse  map[string]bool // by the law
	broken  map[string]bool // cannot be judged
	history []string
}

func (b *textBook) Step(context.Context, auth.BranchID, time.Time) (bool, error) { return false, nil }

func (b *textBook) Due(_ context.Context, _ auth.BranchID, now time.Time, skip func(string) bool) (ids []string,
	err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, state := range b.states {
		if state == TextQueued && !b.next[id].After(now) && !skip(id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (b *textBook) Stuck(context.Context, auth.BranchID) (ids []string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, state := range b.states {
		if state == Sending {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (b *textBook) Start(_ context.Context, _ auth.BranchID, id string) (Text, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.broken[id]:
		return Text{}, false, errors.New("unreadable")
	case b.refuse[id]:
		b.states[id] = Refused
		return Text{}, false, nil
	}
	b.states[id] = Sending
	b.tries[id]++
	b.history = append(b.history, id+" sending")
	return Text{ID: id, Attempts: b.tries[id]}, true, nil
}

func (b *textBook) Settle(_ context.Context, _ auth.BranchID, id string, o TextOutcome) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.states[id], b.next[id] = o.State, o.After
	b.history = append(b.history, fmt.Sprint(id, " ", o.State, " ", o.Reason))
	return nil
}

// carrier is a Carrier that answers as it is told.
type carrier struct {
	mu     sync.Mutex
	calls  map[string]int
	answer func(ctx context.Context, t Text) error
}

func (c *carrier) Name() string { return "test" }

func (c *carrier) Carry(ctx context.Context, t Text) (string, error) {
	c.mu.Lock()
	c.calls[t.ID]++
	c.mu.Unlock()
	return "p-" + t.ID, c.answer(ctx, t)
}

// sendTexts runs the sender for a while on a journal with one branch.
func sendTexts(t *testing.T, b *textBook, c *carrier, during func(ctx context.Context, stop func())) {
	t.Helper()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store, err := sqlitestore.Open(ctx, folder, []journal.Index{ByStatus, ByDevice})
		if err != nil {
			t.Fatal(err)
		}
		h := &fixture{t: t, journal: journal.Open(store, journal.Options{})}
		h.write(Alert{ID: "a1"}) // so that there is a branch
		run, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := NewTexts(h.journal, b, c, slog.New(slog.DiscardHandler)).Run(run); err != nil {
				t.Error(err)
			}
		})
		during(run, stop)
		stop()
		wg.Wait()
		if err := errors.Join(h.journal.Close(context.Background()), store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func newBook(ids ...string) *textBook {
	b := &textBook{states: map[string]string{}, next: map[string]time.Time{}, tries: map[string]int{},
		refuse: map[string]bool{}, broken: map[string]bool{}}
	for _, id := range ids {
		b.states[id] = TextQueued
	}
	return b
}

// Each text is at sending before the carrier is asked, and what the carrier answers decides what becomes of it.
func TestWhatBecomesOfTexts(t *testing.T) {
	b := newBook("broken", "busy", "lost", "no", "refused", "yes")
	b.refuse["refused"], b.broken["broken"] = true, true
	c := &carrier{calls: map[string]int{}}
	c.answer = func(_ context.Context, x Text) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.states[x.ID] != Sending {
			t.Errorf("%s is %s while the carrier is asked", x.ID, b.states[x.ID])
		}
		switch x.ID {
		case "no":
			return &NotCarried{Why: "bad_number"}
		case "lost":
			return errors.New("connection reset")
		case "busy":
			if x.Attempts == 1 {
				return &NotCarried{Retry: true, RetryAfter: time.Minute, Why: "quota"}
			}
		}
		return nil
	}
	sendTexts(t, b, c, func(ctx context.Context, _ func()) { _ = journal.Sleep(ctx, 10*time.Minute) })
	want := map[string]string{"yes": TextSent, "no": TextFailed, "lost": Unknown, "busy": TextSent, "refused": Refused,
		"broken": TextQueued}
	for id, state := range want {
		if b.states[id] != state {
			t.Errorf("%s is %s, want %s", id, b.states[id], state)
		}
	}
	if calls := fmt.Sprint(c.calls); calls != "map[busy:2 lost:1 no:1 yes:1]" {
		t.Errorf("the carrier was asked %s", calls)
	}
}

// What a crash left at sending is unknown: the carrier is not asked again.
func TestTextsLeftAtSendingAreUnknown(t *testing.T) {
	b := newBook("m1", "m2")
	b.states["m1"] = Sending
	c := &carrier{calls: map[string]int{}, answer: func(context.Context, Text) error { return nil }}
	sendTexts(t, b, c, func(ctx context.Context, _ func()) { _ = journal.Sleep(ctx, time.Minute) })
	if b.states["m1"] != Unknown || c.calls["m1"] != 0 || b.states["m2"] != TextSent {
		t.Errorf("%v, asked %v", b.states, c.calls)
	}
}

// A stop in the middle of a call leaves the text unknown, and that is recorded.
func TestAStopInTheMiddleOfACall(t *testing.T) {
	b := newBook("m1", "m2")
	asked := make(chan struct{}, 2)
	c := &carrier{calls: map[string]int{}, answer: func(ctx context.Context, _ Text) error {
		asked <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}}
	sendTexts(t, b, c, func(_ context.Context, stop func()) {
		<-asked
		stop()
	})
	if b.states["m1"] != Unknown || b.states["m2"] != TextQueued {
		t.Errorf("%v", b.states)
	}
}
