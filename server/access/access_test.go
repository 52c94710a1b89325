package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, folder string, now *time.Time) (*journal.Journal, func()) {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), folder, Indexes())
	ok(t, err)
	j := journal.Open(store, journal.Options{Clock: func() time.Time { return *now }})
	return j, func() {
		ok(t, j.Close(context.Background()))
		ok(t, store.Close())
	}
}

// A read that Note has kept is there after the process has died, and is found by case, user and time in its branch
// alone.
func TestReadsAreKeptBeforeTheyAreAnswered(t *testing.T) {
	folder := t.TempDir()
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	j, end := open(t, folder, &now)
	log := New(j, nil)
	note := func(user, branch, what string, cases ...journal.CaseID) {
		t.Helper()
		ok(t, log.Note(t.Context(), Read{User: auth.UserID(user), Role: auth.RoleSupervisor,
			Branch: auth.BranchID(branch), What: what, Cases: cases}))
		now = now.Add(time.Minute)
	}
	note("ana", "porto", CaseRead, "n.c1")
	note("rui", "porto", QuarantineList, "n.c1", "n.c2")
	note("ana", "porto", VisitsExport)
	note("ana", "faro", CaseRead, "n.c1")
	end() // whatever the log still held in memory is lost
	j, end = open(t, folder, &now)
	defer end()
	log = New(j, nil)
	find := func(q Query) string {
		t.Helper()
		q.Limit = 1
		if q.Branch == "" {
			q.Branch = "porto"
		}
		var out []string
		for range 20 {
			lines, next, err := log.Find(t.Context(), q)
			if no, is := refusal.Of(err); is {
				return no.Code()
			}
			ok(t, err)
			for _, l := range lines {
				out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", l.At.Format("15:04"), l.User, l.What, l.Case)))
			}
			if q.After = next; next == "" {
				break
			}
		}
		return strings.Join(out, ", ")
	}
	first := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{}, "09:02 ana export.visits, 09:01 rui quarantine.list n.c2, 09:01 rui quarantine.list n.c1, " +
			"09:00 ana case.read n.c1"},
		{Query{Case: "n.c1"}, "09:01 rui quarantine.list n.c1, 09:00 ana case.read n.c1"},
		{Query{Case: "n.c1", User: "ana"}, "09:00 ana case.read n.c1"},
		{Query{User: "ana"}, "09:02 ana export.visits, 09:00 ana case.read n.c1"},
		{Query{What: CaseRead}, "09:00 ana case.read n.c1"},
		{Query{Branch: "faro"}, "09:03 ana case.read n.c1"},
		{Query{From: first.Add(time.Minute), Before: first.Add(2 * time.Minute), User: "rui"},
			"09:01 rui quarantine.list n.c2, 09:01 rui quarantine.list n.c1"},
		{Query{From: first.Add(time.Second), Before: first.Add(time.Minute)}, ""},
		{Query{From: first, Before: first}, "list.date"},
	} {
		if got := find(c.q); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
	_, _, err := log.Find(t.Context(), Query{Branch: "porto", After: "case~x"})
	if !errors.Is(err, journal.ErrCursor) {
		t.Errorf("the cursor of another list: %v", err)
	}
	if found, err := journal.Check(t.Context(), j.Store(), auth.OrgBranch, nil, View()); err != nil || len(found) > 0 {
		t.Errorf("the view is not what the journal says: %v, %v", found, err)
	}
}

// Reads that come at once share entries, and none is lost; one of very many cases is kept in parts.
func TestReadsShareABatch(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	j, end := open(t, t.TempDir(), &now)
	defer end()
	log := New(j, nil)
	long := journal.CaseID("lender." + strings.Repeat("x", 121))
	var all sync.WaitGroup
	for i := range 300 {
		all.Go(func() {
			r := Read{User: "ana", Branch: "porto", What: CaseRead, Cases: []journal.CaseID{long}}
			if i%100 == 0 {
				for range 2*mostCases + 100 {
					r.Cases = append(r.Cases, long)
				}
			}
			if err := log.Note(context.Background(), r); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	log.Close()
	entries, cases := 0, 0
	ok(t, j.Each(t.Context(), auth.OrgBranch, 0, func(e journal.Entry) error {
		entries++
		rows, err := rowsOf(&e)
		cases += len(rows)
		return err
	}))
	if want := 300 + 3*(2*mostCases+100); cases != want {
		t.Errorf("%d rows are kept, want %d", cases, want)
	}
	if entries > 100 {
		t.Errorf("300 reads at once made %d entries", entries)
	}
}

// While the journal takes nothing, reads are answered after two seconds, until too many wait; what the end of the
// process takes away is told to the log.
func TestReadsWaitForAJournalInTrouble(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	j, end := open(t, t.TempDir(), &now)
	end() // a closed journal takes nothing
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		log := New(j, slog.New(slog.NewTextHandler(&said, nil)))
		began := time.Now()
		ok(t, log.Note(t.Context(), Read{User: "ana", Branch: "porto", What: CaseRead}))
		if took := time.Since(began); took != patience {
			t.Errorf("it took %s", took)
		}
		log.mu.Lock()
		log.waiting = append(log.waiting, make([]noting, mostWaiting-1)...)
		log.mu.Unlock()
		err := log.Note(t.Context(), Read{User: "ana", Branch: "porto", What: CaseRead})
		var no *refusal.Error
		if !errors.As(err, &no) || no.Code() != "access.full" {
			t.Errorf("with 10,000 waiting: %v", err)
		}
		log.Close()
		if !strings.Contains(said.String(), "is lost") {
			t.Errorf("the log: %s", said.String())
		}
	})
}
