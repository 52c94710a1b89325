package sqlitestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"doorstep/sync/journal"
)

// filled opens a store and appends a few documents.
func filled(t *testing.T, folder string) *Store {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, folder, byOwner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	j := journal.Open(s, journal.Options{})
	for i := range 4 {
		put(t, j, fmt.Sprintf("d%d", i))
	}
	if err := j.Close(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

var byOwner = []journal.Index{{Type: "docs", Name: "owner", Fields: []string{"owner"}}}

func put(t *testing.T, j *journal.Journal, id string) {
	t.Helper()
	outs, err := j.Do(context.Background(), "b1", []journal.Command{{ID: "c-" + id, Actor: "u",
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			if _, _, err := r.Doc(ctx, "docs", id); err != nil {
				return journal.Draft{}, err
			}
			d := journal.Draft{Action: "doc.set"}
			d.Put("docs", id, json.RawMessage(`{"owner":"o"}`))
			d.Tell("f", "docs", id)
			return d, nil
		}}})
	if err := errors.Join(err, outs[0].Err); err != nil {
		t.Fatal(err)
	}
}

func problems(t *testing.T, s *Store) string {
	t.Helper()
	found, err := journal.Check(context.Background(), s, "b1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(found)
}

func TestDamagedIndexesAndStrayRowsAreFound(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct{ name, damage, want string }{
		{"a missing index row", "DELETE FROM found WHERE id = 'd2'", "docs/d2: the index owner lacks it"},
		{"a foreign index row", "INSERT INTO found (branch, gen, ix, key, id) VALUES ('b1', 1, 'docs/owner', x'736e6f6e650001', 'd9')", "docs/d9: the index owner has a row that the document does not give"},
		{"a row under another value", "UPDATE found SET key = x'736e6f6e650001' WHERE id = 'd1'",
			"docs/d1: the index owner has a row that the document does not give"},
		{"rows of an index that nobody declared",
			"INSERT INTO found (branch, gen, ix, key, id) VALUES ('b1', 1, 'docs/other', x'00', 'd1')", "docs/other, which is not declared"},
		{"rows without a generation", "INSERT INTO feeds (branch, gen, feed, type, id, seq) VALUES ('b1', 44, 'f', 'docs', 'd1', 1)", "rows are kept under generation 44"},
		{"a view without a generation", "UPDATE views SET state = 'gone' WHERE view = 'feeds'",
			"the view feeds has no generation to read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := filled(t, t.TempDir())
			if got := problems(t, s); got != "[]" {
				t.Fatal(got)
			}
			if _, err := s.write.ExecContext(ctx, c.damage); err != nil {
				t.Fatal(err)
			}
			if got := problems(t, s); !strings.Contains(got, c.want) {
				t.Errorf("found %s, want %q", got, c.want)
			}
			for _, view := range journal.BuiltInViews() {
				if err := journal.Rebuild(ctx, s, "b1", journal.View{Name: view}, nil); err != nil {
					t.Fatal(err)
				}
			}
			if got := problems(t, s); got != "[]" {
				t.Errorf("after a rebuild: %s", got)
			}
		})
	}
}

// A command in a process of its own opens the file beside the server: here, in this one,
// only as far as SQLite's locks do not care (both are closed at the end).
func TestAGuestRebuildsBesideTheOwner(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	s := filled(t, folder)
	guest, err := Join(ctx, folder, byOwner)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = guest.Close() }()
	j := journal.Open(s, journal.Options{})
	if err := journal.Rebuild(ctx, guest, "b1", journal.View{Name: journal.RecordsView},
		func(uint64, uint64) { put(t, j, "during") }); err != nil {
		t.Fatal(err)
	}
	put(t, j, "after")
	if err := j.Close(ctx); err != nil {
		t.Fatal(err)
	}
	recs, err := s.Records(ctx, "b1", []journal.DocRef{{Type: "docs", ID: "during"}, {Type: "docs", ID: "after"},
		{Type: "docs", ID: "d0"}})
	if err != nil || recs[0].Type == "" || recs[1].Type == "" || recs[2].Type == "" {
		t.Errorf("after the switch: %v, %v", recs, err)
	}
	if got := problems(t, s); got != "[]" {
		t.Error(got)
	}
	looker, err := Inspect(ctx, folder, byOwner)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = looker.Close() }()
	if got := problems(t, looker); got != "[]" {
		t.Error(got)
	}
	if err := looker.SwapSmall(ctx, "k", "i", 0, []byte("v")); err == nil {
		t.Error("an inspection wrote")
	}
	if _, err := Join(ctx, folder, nil); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("a guest with other indexes: %v", err)
	}
	if _, err := Inspect(ctx, t.TempDir(), byOwner); err == nil || !strings.Contains(err.Error(), "holds no store") {
		t.Errorf("an empty folder: %v", err)
	}
}
