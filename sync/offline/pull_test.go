package offline_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

const branch auth.BranchID = "porto"

var phone = offline.Caller{Actor: auth.Actor{User: "ana", Role: auth.RoleAgent, Branches: []auth.BranchID{branch}},
	Device: "d", Branch: branch, Schema: 1}

// shown shows every document of one type as it is.
type shown struct {
	store  journal.Store
	before func() // called before a list is read
}

func (s *shown) Types() []string { return []string{"notes"} }

func (s *shown) Render(_ context.Context, _ offline.Caller, recs []journal.Record) ([]offline.Rendered, error) {
	out := make([]offline.Rendered, len(recs))
	for i, r := range recs {
		out[i] = offline.Rendered{Op: "put", Doc: r.Body}
	}
	return out, nil
}

func (s *shown) InScope(ctx context.Context, c offline.Caller, typ string) ([]offline.Rev, error) {
	if s.before != nil {
		s.before()
	}
	f, err := s.store.Find(ctx, journal.Query{Branch: c.Branch, Type: typ})
	var out []offline.Rev
	for _, r := range f.Records {
		out = append(out, offline.Rev{ID: r.ID, Rev: r.Rev})
	}
	return out, err
}

// feed is a service over a real store.
type feed struct {
	*offline.Service
	journal *journal.Journal
	records *shown
}

func newFeed(t *testing.T) *feed {
	t.Helper()
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, t.TempDir(), nil)
	check(t, err)
	j := journal.Open(store, journal.Options{})
	f := &feed{journal: j, records: &shown{store: store}}
	f.Service = offline.New(offline.Options{Journal: j, Records: f.records, Hash: sha256.Sum256})
	t.Cleanup(func() { f.Close(); check(t, j.Close(ctx)); check(t, store.Close()) })
	return f
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write appends a state of a note and tells the agent's feed.
func (f *feed) write(t *testing.T, command, id string) {
	t.Helper()
	outs, err := f.journal.Do(context.Background(), branch, []journal.Command{{ID: command,
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			_, _, err := r.Doc(ctx, "notes", id)
			d := journal.Draft{Action: "note"}
			d.Put("notes", id, json.RawMessage(`{}`))
			d.Tell(journal.AgentFeed("ana"), "notes", id)
			return d, err
		}}})
	if err == nil {
		err = outs[0].Err
	}
	if err != nil {
		t.Error(err)
	}
}

// J6: what has no watermark is not empty, it is not ready.
func TestAFeedWithoutAWatermarkIsNotReady(t *testing.T) {
	f := newFeed(t)
	_, pull := f.Pull(context.Background(), phone, offline.PullRequest{})
	_, manifest := f.Manifest(context.Background(), phone, "notes")
	for what, err := range map[string]error{"pull": pull, "manifest": manifest} {
		var e *refusal.Error
		if !errors.As(err, &e) || e.Kind != refusal.Unavailable || e.RetryAfter <= 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// J6: a reader who goes on from its cursor while others write meets every record,
// and its cursor never goes back, on full pages and at the tail.
func TestCursorsNeverGoBackAndSkipNothing(t *testing.T) {
	f := newFeed(t)
	const records = 150
	f.write(t, "first", "n0")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range records {
			f.write(t, fmt.Sprint("c", i), fmt.Sprint("n", i))
		}
	}()
	met := map[string]bool{}
	q := offline.PullRequest{Limit: 7}
	for last := false; ; {
		a, err := f.Pull(context.Background(), phone, q)
		check(t, err)
		if a.Cursor < q.After {
			t.Fatalf("the cursor went from %d to %d", q.After, a.Cursor)
		}
		for _, c := range a.Changes {
			if c.Seq <= q.After || c.Seq > a.Cursor {
				t.Fatalf("a change at %d in the page after %d up to %d", c.Seq, q.After, a.Cursor)
			}
			met[c.ID] = true
		}
		if a.More && len(a.Changes) != q.Limit {
			t.Fatalf("a short page of %d says that there is more", len(a.Changes))
		}
		q.After, q.Epoch = a.Cursor, a.Epoch
		if last && !a.More {
			break
		}
		select {
		case <-done:
			last = true
		default:
		}
	}
	if len(met) != records {
		t.Errorf("met %d of %d records", len(met), records)
	}
}

// J6: a manifest's cursor is read before its list, so that what came in between
// is beyond the cursor, and a pull brings it.
func TestAManifestListsNothingItsCursorWouldHide(t *testing.T) {
	f := newFeed(t)
	f.write(t, "c1", "n1")
	f.records.before = func() { f.write(t, "c2", "n2") }
	m, err := f.Manifest(context.Background(), phone, "notes")
	check(t, err)
	a, err := f.Pull(context.Background(), phone, offline.PullRequest{After: m.Cursor, Epoch: m.Epoch})
	check(t, err)
	if len(m.Records) != 2 || len(a.Changes) != 1 || a.Changes[0].ID != "n2" {
		t.Errorf("the manifest lists %v up to %d, and a pull from there brings %+v", m.Records, m.Cursor, a.Changes)
	}
}

// J6: a pull that waits answers as soon as there is something, and never below its cursor.
func TestAWaitingPullHearsOfWhatComes(t *testing.T) {
	f := newFeed(t)
	f.write(t, "c1", "n1")
	a, err := f.Pull(context.Background(), phone, offline.PullRequest{})
	check(t, err)
	got := make(chan offline.PullAnswer, 1)
	go func() {
		b, err := f.Pull(context.Background(), phone, offline.PullRequest{After: a.Cursor, Epoch: a.Epoch,
			Wait: 20 * time.Second})
		if err != nil {
			t.Error(err)
		}
		got <- b
	}()
	f.write(t, "c2", "n2")
	if b := <-got; len(b.Changes) != 1 || b.Changes[0].ID != "n2" || b.Cursor <= a.Cursor {
		t.Errorf("after %d came %+v", a.Cursor, b)
	}
}

// Types that a newer app asks for are skipped and named; a pull of these alone has no change, and its cursor advances
// like that of any other (P3).
func TestUnknownTypesAreSkippedAndNamed(t *testing.T) {
	f := newFeed(t)
	f.write(t, "c1", "n1")
	for _, c := range []struct {
		ask, unknown string
		changes      int
	}{{"notes", "", 1}, {"wishes notes wishes", "wishes", 1}, {"wishes dreams", "wishes dreams", 0}} {
		a, err := f.Pull(context.Background(), phone, offline.PullRequest{Types: strings.Fields(c.ask)})
		check(t, err)
		tail, err := f.Tail(context.Background(), branch)
		check(t, err)
		if strings.Join(a.UnknownTypes, " ") != c.unknown || len(a.Changes) != c.changes || a.Cursor != tail {
			t.Errorf("of %q came %d changes up to %d of %d, unknown %v", c.ask, len(a.Changes), a.Cursor, tail, a.UnknownTypes)
		}
	}
}
