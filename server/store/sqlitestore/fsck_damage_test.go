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

// TestAnUnappliedTailIsToldFromDamage takes the last two of four entries out of the views,
// as a crash leaves them, and then damages what was applied.
func TestAnUnappliedTailIsToldFromDamage(t *testing.T) {
	ctx := context.Background()
	s := filled(t, t.TempDir())
	exec := func(statements ...string) {
		t.Helper()
		for _, q := range statements {
			if _, err := s.write.ExecContext(ctx, q); err != nil {
				t.Fatal(err)
			}
		}
	}
	wants := func(what string, want ...string) {
		t.Helper()
		found, err := journal.Check(ctx, s, "b1", nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != len(want) {
			t.Fatalf("%s: found %v, want %q", what, found, want)
		}
		for i, f := range found {
			says, harmless := strings.CutSuffix(want[i], " (harmless)")
			if !strings.Contains(f.String(), says) || f.Harmless != harmless {
				t.Errorf("%s: found %v, harmless %t; want %q", what, f, f.Harmless, want[i])
			}
		}
	}
	const tail = "entries 3 to 4 are stored and not in the views yet (harmless)"
	exec("UPDATE views SET w = 2")
	wants("with the rows of the tail", tail)
	exec("DELETE FROM records WHERE n > 2", "DELETE FROM found WHERE id IN ('d2', 'd3')",
		"DELETE FROM feeds WHERE seq >= 3 * 1024", "DELETE FROM receipts WHERE n > 2")
	wants("without them", tail)
	exec("DELETE FROM feeds WHERE id = 'd0'")
	wants("with a row missing below it", tail, "entry 1: a row is missing: the feed f the row for docs/d0")
	exec("INSERT INTO receipts SELECT branch, gen, 'c-d9', 4, said, body FROM receipts WHERE command = 'c-d1'")
	wants("with a foreign row within it", tail, "entry 1: a row is missing",
		"entry 4: the receipt of command c-d9 is foreign")
	exec("DELETE FROM receipts WHERE command = 'c-d9'")

	j := journal.Open(s, journal.Options{})
	put(t, j, "after")
	if err := j.Close(ctx); err != nil {
		t.Fatal(err)
	}
	wants("after the next start", "entry 1: a row is missing")
	if err := journal.Rebuild(ctx, s, "b1", journal.View{Name: journal.FeedsView}, nil); err != nil {
		t.Fatal(err)
	}
	wants("after a rebuild")
	exec("DELETE FROM pages WHERE first = 5")
	wants("with the last page lost", "the watermark is 5 but the journal ends at 4",
		"entry 5: feed f has a foreign row for docs/after",
		"entry 5: the receipt of command c-after is foreign",
		"entry 5: records holds a foreign document docs/after")
}

func TestDamagedIndexesAndStrayRowsAreFound(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct{ name, damage, want string }{
		{"a missing document", "DELETE FROM records WHERE id = 'd2'", "entry 3: the view records lacks docs/d2"},
		{"a foreign document", "INSERT INTO records SELECT branch, gen, type, 'd9', n, rev, no, deleted, body FROM records WHERE id = 'd1'", "entry 2: records holds a foreign document docs/d9"},
		{"a document of another state", `UPDATE records SET body = CAST('{"owner":"p"}' AS BLOB) WHERE id = 'd1'`,
			"entry 2: the view of docs/d1 is not what the journal says"},
		{"a missing feed row", "DELETE FROM feeds WHERE id = 'd2'",
			"entry 3: a row is missing: the feed f the row for docs/d2"},
		{"a foreign feed row", "INSERT INTO feeds SELECT branch, gen, 'g', type, id, seq FROM feeds WHERE id = 'd1'",
			"entry 2: feed g has a foreign row for docs/d1"},
		{"a missing receipt", "DELETE FROM receipts WHERE command = 'c-d2'",
			"entry 3: the receipt of its command is missing"},
		{"a foreign receipt", "INSERT INTO receipts SELECT branch, gen, 'c-d9', n, said, body FROM receipts WHERE command = 'c-d1'", "entry 2: the receipt of command c-d9 is foreign"},
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
