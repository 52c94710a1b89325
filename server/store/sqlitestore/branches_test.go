package sqlitestore

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Branches costs a leap for each branch, however many pages there are.
func TestBranchesAreFoundByLeaps(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s, err := Open(ctx, dir, nil)
	ok(t, err)
	defer func() { _ = s.Close() }()
	for _, want := range []string{"[]", "[b10]", "[b1 b10]", "[a b1 b10]", "[a b1 b10 b2]"} {
		bs, err := s.Branches(ctx)
		ok(t, err)
		if fmt.Sprint(bs) != want {
			t.Errorf("branches %v, want %s", bs, want)
		}
		if next := []auth.BranchID{"b10", "b1", "a", "b2"}; len(bs) < len(next) {
			b := next[len(bs)]
			for n := range uint64(3) {
				ok(t, s.Commit(ctx, &journal.Page{Branch: b, First: n + 1, Last: n + 1, ID: "x"}, journal.ViewWrites{}))
			}
		}
	}
	rows, err := s.read.Query("EXPLAIN QUERY PLAN "+nextBranch, "")
	ok(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		ok(t, rows.Scan(&id, &parent, &unused, &detail))
		if strings.HasPrefix(detail, "SCAN") {
			t.Errorf("it reads all rows: %s", detail)
		}
	}
	ok(t, rows.Err())
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
