package sqlitestore

import (
	"database/sql"
	"sync"
	"testing"

	"doorstep/server/store/storetest"
	"doorstep/sync/journal"
)

// TestStatementsStayPrepared runs the same reads and writes again and again: after the first times no text comes to
// SQLite to be prepared.
func TestStatementsStayPrepared(t *testing.T) {
	ran := &statements{all: map[string]bool{}}
	plain, err := sql.Open(driverName, "")
	if err != nil {
		t.Fatal(err)
	}
	const name = "sqlite-noting-prepared"
	sql.Register(name, noting{plain.Driver(), ran})
	s, err := open(t.Context(), name, t.TempDir(), storetest.Indexes(), owner)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	s.read.SetMaxOpenConns(1) // each connection prepares for itself
	do := func() {
		for i := range 3 {
			refs := []journal.DocRef{{Type: "things", ID: "a"}, {Type: "things", ID: "b"}, {Type: "things", ID: "c"}}[:i+1]
			if _, err := s.Records(t.Context(), "north", refs); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Find(t.Context(), journal.Query{Branch: "north", Type: "things", Index: "owner",
			Eq: []any{"o"}}); err != nil {
			t.Fatal(err)
		}
		_, err := s.Feed(t.Context(), journal.FeedQuery{Branch: "north", Feeds: []journal.Feed{"f", "g"}, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.tx(t.Context(), func(tx *txn) error {
			_, err := generations(t.Context(), tx, "north")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		do()
	}
	ran.mu.Lock()
	clear(ran.all)
	ran.mu.Unlock()
	for range 5 {
		do()
	}
	for text := range ran.all {
		t.Errorf("prepared again: %s", text)
	}
}

// TestManyUseOnePool has goroutines run the same texts at the same time, more texts than a pool keeps among them.
func TestManyUseOnePool(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), storetest.Indexes())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for i := range 2 * mostStatements {
				var n int
				text := "SELECT " + marks(1+i%(mostStatements+20)) // of one row and many columns
				rows, err := s.read.QueryContext(t.Context(), text, make([]any, 1+i%(mostStatements+20))...)
				if err == nil {
					err = scan(rows, func() error { n++; return nil })
				}
				if err != nil || n != 1 {
					t.Errorf("%d rows, %v", n, err)
					return
				}
			}
		})
	}
	wait.Wait()
	if n := len(s.read.prepared); n > mostStatements {
		t.Errorf("%d statements are kept", n)
	}
}
