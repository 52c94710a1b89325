package storetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// formerPrimary writes to one store and, while it is old, reads from another that lacks the
// newest pages: a server that has lost an election answers so until it hears of it.
type formerPrimary struct {
	journal.Store
	then journal.Store
	old  atomic.Bool
}

func (f *formerPrimary) reads() journal.Store {
	if f.old.Load() {
		return f.then
	}
	return f.Store
}

func (f *formerPrimary) Watermark(ctx context.Context, b auth.BranchID) (uint64, error) {
	return f.reads().Watermark(ctx, b)
}

func (f *formerPrimary) Generations(ctx context.Context, b auth.BranchID) ([]journal.Generation, error) {
	return f.reads().Generations(ctx, b)
}

func (f *formerPrimary) PageAt(ctx context.Context, b auth.BranchID, first uint64) (*journal.Page, error) {
	return f.reads().PageAt(ctx, b, first)
}

func (f *formerPrimary) PageOf(ctx context.Context, b auth.BranchID, n uint64) (*journal.Page, error) {
	return f.reads().PageOf(ctx, b, n)
}

func (f *formerPrimary) Pages(ctx context.Context, b auth.BranchID, after uint64, limit int) ([]*journal.Page, error) {
	return f.reads().Pages(ctx, b, after, limit)
}

func (f *formerPrimary) Records(
	ctx context.Context, b auth.BranchID, refs []journal.DocRef,
) ([]journal.Record, error) {
	return f.reads().Records(ctx, b, refs)
}

func (f *formerPrimary) Receipts(ctx context.Context, b auth.BranchID, ids []string) ([]journal.Receipt, error) {
	return f.reads().Receipts(ctx, b, ids)
}

func (f *formerPrimary) Find(ctx context.Context, q journal.Query) (journal.Found, error) {
	return f.reads().Find(ctx, q)
}

func (f *formerPrimary) FindEach(ctx context.Context, q journal.Query, eqs [][]any) ([][]journal.Record, error) {
	return f.reads().FindEach(ctx, q, eqs)
}

// oldAnswers sends commands again, and new ones, while a store answers old: to the node that
// has them acknowledged, to one that starts then, and to one that has started just before.
func oldAnswers(t *testing.T, e Engine) {
	ctx := context.Background()
	f := &formerPrimary{Store: e.Open(t), then: e.Open(t)}
	t.Cleanup(func() { _, _ = f.Store.Close(), f.then.Close() })
	node := func() *journal.Journal {
		j := journal.Open(f, journal.Options{})
		t.Cleanup(func() { check(t, j.Close(ctx)) })
		return j
	}
	do := func(j *journal.Journal, id string) journal.Outcome {
		t.Helper()
		out, err := j.Do(ctx, branch, []journal.Command{set(id, "x", "f")})
		check(t, err)
		check(t, out[0].Err)
		return out[0]
	}
	j := node()
	want := 0
	for _, c := range []string{"the same node", "a node that starts", "a node that has just started"} {
		for range 2 {
			want++
			id := c + string(rune('0'+want))
			first := do(j, id)
			other := j
			if want > 2 {
				other = node()
			}
			if want > 4 {
				do(other, id)
			}
			f.old.Store(true)
			newer := time.AfterFunc(150*time.Millisecond, func() { f.old.Store(false) })
			again := do(other, id)
			newer.Stop()
			f.old.Store(false)
			if !again.Duplicate || again.N != first.N || string(again.Receipt) != string(first.Receipt) {
				t.Errorf("%s: %+v was taken again: %+v", c, first, again)
			}
		}
	}
	f.old.Store(true)
	newer := time.AfterFunc(150*time.Millisecond, func() { f.old.Store(false) })
	defer newer.Stop()
	equal(t, "the next receipt", string(do(j, "next").Receipt), string(encode(want+1)))
	found, err := journal.Check(ctx, f.Store, branch, nil)
	check(t, err)
	equal(t, "findings", len(found), 0)
}
