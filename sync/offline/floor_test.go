package offline_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// owned shows an agent their own notes; other notes are revoked, deleted ones deleted.
type owned struct{ shown }

func (o *owned) Render(_ context.Context, c offline.Caller, recs []journal.Record) ([]offline.Rendered, error) {
	out := make([]offline.Rendered, len(recs))
	for i, r := range recs {
		var s struct{ Owner string }
		switch {
		case r.Deleted:
			out[i].Op = "delete"
		case json.Unmarshal(r.Body, &s) != nil || s.Owner != string(c.Actor.User):
			out[i].Op = "revoke"
		default:
			out[i] = offline.Rendered{Op: "put", Doc: r.Body}
		}
	}
	return out, nil
}

// old is a service over a journal whose clock the test moves.
type old struct {
	*offline.Service
	store   journal.Store
	journal *journal.Journal
	now     time.Time
	count   int
}

func newOld(t *testing.T) *old {
	t.Helper()
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, t.TempDir(), nil)
	check(t, err)
	o := &old{store: store, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	o.journal = journal.Open(store, journal.Options{Clock: func() time.Time { return o.now }})
	o.Service = o.service()
	t.Cleanup(func() { o.Close(); check(t, o.journal.Close(ctx)); check(t, store.Close()) })
	return o
}

// service is another node on the same store.
func (o *old) service() *offline.Service {
	return offline.New(offline.Options{Journal: o.journal, Records: &owned{shown{store: o.store}}, Hash: sha256.Sum256})
}

// note writes a note of an owner, or deletes it when the owner is "".
func (o *old) note(t *testing.T, id, owner string) {
	t.Helper()
	o.count++
	outs, err := o.journal.Do(context.Background(), branch, []journal.Command{{ID: fmt.Sprint("c", o.count),
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			_, _, err := r.Doc(ctx, "notes", id)
			d := journal.Draft{Action: "note"}
			if owner == "" {
				d.Delete("notes", id)
			} else {
				d.Put("notes", id, json.RawMessage(`{"owner":"`+owner+`"}`))
			}
			d.Tell(journal.AgentFeed("ana"), "notes", id)
			return d, err
		}}})
	check(t, errors.Join(err, outs[0].Err))
}

// sweep lets so many days pass for the sweeper.
func (o *old) sweep(t *testing.T, days int) {
	t.Helper()
	w := journal.NewSweeper(o.store)
	for i := range days + 2 {
		_, err := w.Sweep(context.Background(), branch, time.Now().Add(time.Duration(min(i, days))*24*time.Hour))
		check(t, err)
	}
}

func said(a offline.PullAnswer) string {
	out := ""
	for _, c := range a.Changes {
		out += c.Op + " " + c.ID + ", "
	}
	return out
}

// A device that comes for the first time hears nothing of what was deleted or revoked
// before, on no page; what goes while it pulls, it hears of.
func TestAFirstPullSendsNothingThatTheDeviceNeverHad(t *testing.T) {
	o := newOld(t)
	ctx := context.Background()
	for i := range 6 {
		o.note(t, fmt.Sprint("mine", i), "ana")
		o.note(t, fmt.Sprint("deleted", i), "ana")
		o.note(t, fmt.Sprint("deleted", i), "")
		o.note(t, fmt.Sprint("theirs", i), "rui")
	}
	a, err := o.Pull(ctx, phone, offline.PullRequest{})
	check(t, err)
	if want := "put mine0, put mine1, put mine2, put mine3, put mine4, put mine5, "; said(a) != want || a.More {
		t.Errorf("a first pull says %q, want %q", said(a), want)
	}
	q := offline.PullRequest{Limit: 2}
	all := ""
	for page := 0; ; page++ {
		s := o.Service
		if page%2 == 1 {
			s = o.service() // whichever node answers
			defer s.Close()
		}
		a, err := s.Pull(ctx, phone, q)
		check(t, err)
		all += said(a)
		if q.After, q.Epoch = a.Cursor, a.Epoch; !a.More {
			break
		}
		if page == 0 {
			o.note(t, "mine0", "rui") // it has this one
		}
	}
	if want := "put mine0, put mine1, put mine2, put mine3, put mine4, put mine5, revoke mine0, "; all != want {
		t.Errorf("pages of a first pull say %q, want %q", all, want)
	}
	o.note(t, "mine1", "")
	a, err = o.Pull(ctx, phone, q)
	check(t, err)
	if said(a) != "delete mine1, " {
		t.Errorf("a later pull says %q", said(a))
	}
}

// P7: a cursor from before the floor is refused, since what was deleted may be gone from
// the feed. A first pull that passes through old numbers is not.
func TestACursorBelowTheFloorStartsAgain(t *testing.T) {
	o := newOld(t)
	ctx := context.Background()
	for i := range 8 {
		o.note(t, fmt.Sprint("n", i), "ana")
	}
	before, err := o.Pull(ctx, phone, offline.PullRequest{})
	check(t, err)
	o.now = o.now.AddDate(0, 0, 1)
	o.note(t, "n1", "")
	at, err := o.Pull(ctx, phone, offline.PullRequest{After: before.Cursor, Epoch: before.Epoch})
	check(t, err)
	o.now = o.now.AddDate(0, 0, 190)
	o.note(t, "n9", "ana")
	o.sweep(t, 5)
	if floor, err := journal.Floor(ctx, o.store, branch); err != nil || floor != 9 {
		t.Fatalf("the floor is %d, %v", floor, err)
	}
	late := o.service()
	defer late.Close()
	_, err = late.Pull(ctx, phone, offline.PullRequest{After: before.Cursor, Epoch: before.Epoch})
	var e *refusal.Error
	if !errors.As(err, &e) || e.Kind != refusal.Gone || e.Code() != "cursor_expired" || e.Epoch != before.Epoch {
		t.Errorf("a cursor below the floor: %v", err)
	}
	if a, err := late.Pull(ctx, phone, offline.PullRequest{After: at.Cursor, Epoch: at.Epoch}); err != nil ||
		said(a) != "put n9, " {
		t.Errorf("a cursor at the floor: %v, %v", said(a), err)
	}
	// A first pull in small pages goes through numbers below the floor.
	q, all := offline.PullRequest{Limit: 2}, ""
	for {
		a, err := late.Pull(ctx, phone, q)
		if err != nil {
			t.Fatalf("a first pull after %d: %v", q.After, err)
		}
		all += said(a)
		if q.After, q.Epoch = a.Cursor, a.Epoch; !a.More {
			break
		}
	}
	if want := "put n0, put n2, put n3, put n4, put n5, put n6, put n7, put n9, "; all != want {
		t.Errorf("a first pull says %q, want %q", all, want)
	}
	// The same number out of the hands of a device that is not pulling for the first time is refused.
	stranger := phone
	stranger.Device = "another"
	if _, err := late.Pull(ctx, stranger, offline.PullRequest{After: journal.Seq(0, 3, 0),
		Epoch: q.Epoch}); !errors.As(err, &e) || e.Kind != refusal.Gone {
		t.Errorf("an interrupted pull from before the floor: %v", err)
	}
}
