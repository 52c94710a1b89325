package offline_test

import (
	"context"
	"errors"
	"testing"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// TestJ13NumbersOfAnEpochBeginAboveAllBefore restores a branch as often as its numbers allow.
func TestJ13NumbersOfAnEpochBeginAboveAllBefore(t *testing.T) {
	const w = 1_000_000_000 // entries, almost 2^30: with 1024 numbers each they end below 2^40
	e, times := offline.Epoch{Name: "e0"}, 0
	for {
		next, err := e.Next("next", w)
		if err != nil {
			break
		}
		if next.Base <= journal.SeqTop(e.Base, w) || next.Name != "next" {
			t.Fatalf("from %+v to %+v, and the old numbers go to %d", e, next, journal.SeqTop(e.Base, w))
		}
		if top := journal.SeqTop(next.Base, w); top >= 1<<53 {
			t.Fatalf("after %d restores the numbers go to %d", times, top)
		}
		e, times = next, times+1
	}
	if times != 8191 {
		t.Errorf("a branch can be restored %d times", times)
	}
	for w, want := range map[uint64]uint64{0: 1 << 40, 1<<30 - 1: 1 << 40, 1 << 30: 2 << 40, 1<<40 - 1: 1024 << 40} {
		next, err := offline.Epoch{}.Next("n", w)
		if err != nil || next.Base != want {
			t.Errorf("after %d entries the next epoch begins at %d, want %d: %v", w, next.Base, want, err)
		}
	}
	for _, w := range []uint64{1 << 43, 1 << 53} {
		if next, err := (offline.Epoch{}).Next("n", w); err == nil {
			t.Errorf("after %d entries the next epoch begins at %d", w, next.Base)
		}
	}
}

// TestP8ARestoredServerSendsPhonesBackToTheBeginning begins an epoch under a service that has ended, and another branch
// whose first epoch the backup has never seen.
func TestP8ARestoredServerSendsPhonesBackToTheBeginning(t *testing.T) {
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, t.TempDir(), nil)
	check(t, err)
	j := journal.Open(store, journal.Options{})
	t.Cleanup(func() { check(t, j.Close(ctx)); check(t, store.Close()) })
	o := &old{store: store, journal: j}
	for _, b := range []auth.BranchID{"b", "late", auth.OrgBranch} {
		outs, err := j.Do(ctx, b, []journal.Command{{ID: "c1", Actor: "ana", Decide: func(ctx context.Context,
			r *journal.Reader) (journal.Draft, error) {
			_, _, err := r.Doc(ctx, "notes", "n1")
			d := journal.Draft{Action: "set"}
			d.Put("notes", "n1", []byte(`{"owner":"ana"}`))
			d.Tell(journal.AgentFeed("ana"), "notes", "n1")
			return d, err
		}}})
		check(t, err)
		check(t, outs[0].Err)
	}
	ana := offline.Caller{Actor: auth.Actor{User: "ana"}, Device: "d1", Branch: "b"}
	s := o.service()
	before, err := s.Pull(ctx, ana, offline.PullRequest{})
	check(t, err)
	s.Close()
	for _, b := range []auth.BranchID{"b", auth.OrgBranch} {
		_, err = offline.BeginEpoch(ctx, store, b)
		check(t, err)
	}
	s = o.service()
	defer s.Close()
	_, err = s.Pull(ctx, ana, offline.PullRequest{Epoch: before.Epoch, After: before.Cursor})
	var no *refusal.Error
	if !errors.As(err, &no) || no.Code() != "cursor_expired" {
		t.Errorf("a cursor of the old epoch: %v", err)
	}
	// A push that names the old epoch is decided once the phone has offered what is older.
	_, err = s.Push(ctx, ana, offline.PushRequest{Epoch: before.Epoch, Mutations: []offline.Mutation{{Mid: "m1"}}})
	if !errors.As(err, &no) || no.Code() != "cursor_expired" || no.Epoch == "" || no.Epoch == before.Epoch {
		t.Errorf("a push of the old epoch: %v", err)
	}
	if _, err := s.Push(ctx, ana, offline.PushRequest{Epoch: no.Epoch}); err != nil {
		t.Errorf("a push of the new epoch: %v", err)
	}
	after, err := s.Pull(ctx, ana, offline.PullRequest{})
	check(t, err)
	if after.Epoch == before.Epoch || after.Cursor <= before.Cursor || len(after.Changes) != 1 ||
		after.Changes[0].Seq < 1<<40 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	again, err := s.Pull(ctx, ana, offline.PullRequest{Epoch: after.Epoch, After: after.Cursor})
	check(t, err)
	if len(again.Changes) != 0 || again.Cursor != after.Cursor {
		t.Errorf("a second pull gives %+v", again)
	}
	ana.Branch = "late"
	first, err := s.Pull(ctx, ana, offline.PullRequest{})
	check(t, err)
	if first.Cursor < 1<<40 {
		t.Errorf("a branch whose phones the backup does not know begins at %d", first.Cursor)
	}
}
