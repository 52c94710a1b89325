package journal

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
)

// oldReads answers some reads with what the store held at an earlier moment. A server does so
// that has lost an election and has not heard of it.
type oldReads struct {
	*memStore
	mu       sync.Mutex
	receipts bool // look-ups of receipts are old, …
	records  bool // … reads of documents are old
	then     *memStore
}

func (o *oldReads) set(receipts, records bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.receipts, o.records = receipts, records
}

func (o *oldReads) is(old *bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return *old
}

func (o *oldReads) Receipts(ctx context.Context, b auth.BranchID, ids []string) ([]Receipt, error) {
	if o.is(&o.receipts) {
		return o.then.Receipts(ctx, b, ids)
	}
	return o.memStore.Receipts(ctx, b, ids)
}

func (o *oldReads) Records(ctx context.Context, b auth.BranchID, refs []DocRef) ([]Record, error) {
	if o.is(&o.records) {
		return o.then.Records(ctx, b, refs)
	}
	return o.memStore.Records(ctx, b, refs)
}

// An answer that is older than what a node has seen is not believed: what was acknowledged
// has one effect, and nothing is decided on a document's earlier state.
func TestOldAnswersAreNotBelieved(t *testing.T) {
	for _, c := range []struct {
		name              string
		receipts, records bool
		restart           bool
	}{
		{"receipts", true, false, false},
		{"documents", false, true, false},
		{"all", true, true, false},
		{"receipts, to a node that starts", true, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &oldReads{memStore: newMemStore(), then: newMemStore()}
				j := open(t, o)
				first := do(t, j, add("c1", "a"))[0]
				if c.restart {
					j = open(t, o)
				}
				o.set(c.receipts, c.records)
				time.AfterFunc(300*time.Millisecond, func() { o.set(false, false) })
				if again := do(t, j, add("c1", "a"))[0]; !again.Duplicate || string(again.Receipt) != string(first.Receipt) {
					t.Errorf("sent again: %+v, first %+v", again, first)
				}
				if c.restart {
					return
				}
				o.set(c.receipts, c.records)
				time.AfterFunc(300*time.Millisecond, func() { o.set(false, false) })
				if next := do(t, j, add("c2", "a"))[0]; string(next.Receipt) != `{"n":2}` || next.Docs[0].Rev != 2 {
					t.Errorf("the next command: %+v", next)
				}
				if n := count(t, o.memStore, "a"); n != 2 {
					t.Errorf("counted %d", n)
				}
			})
		})
	}
}

// A refusal is not told on an old answer either, and who waits for long is told to come back.
func TestAStoreThatStaysOldKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oldReads{memStore: newMemStore(), then: newMemStore()}
		j := open(t, o)
		do(t, j, add("c1", "a"))
		o.set(true, true)
		no := refusal.New(refusal.NotFound, "a.not_found", "", "there is no a")
		look := Command{ID: "look", Decide: func(ctx context.Context, r *Reader) (Draft, error) {
			if _, ok, err := r.Doc(ctx, "counters", "a"); err != nil || !ok {
				return Draft{}, errors.Join(err, no)
			}
			return Draft{Receipt: json.RawMessage(`"there"`)}, nil
		}}
		begun := time.Now()
		if _, err := j.Do(context.Background(), branch, []Command{look}); !errors.Is(err, ErrStalled) {
			t.Errorf("while the store answers old: %v", err)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		o.set(false, true)
		if out, err := j.Do(context.Background(), branch, []Command{look}); !errors.Is(err, ErrStalled) {
			t.Errorf("while documents are old: %v %v", out, err)
		}
		o.set(false, false)
		if out := do(t, j, look)[0]; out.Err != nil || string(out.Receipt) != `"there"` {
			t.Errorf("then: %+v", out)
		}
	})
}

// A document that the store can never keep is not called old for ever.
func TestWhatCannotBeKeptIsNotCalledOld(t *testing.T) {
	m := newMemStore()
	m.unfit, m.unfitAt = DocRef{"counters", "a"}, "views"
	j := open(t, m)
	do(t, j, add("c1", "a"))
	m.unfit = DocRef{}
	if out := do(t, j, add("c2", "a"))[0]; out.Err != nil || string(out.Receipt) != `{"n":1}` {
		t.Errorf("after an entry that was parked: %+v", out)
	}
}
