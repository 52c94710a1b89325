package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"
	"strings"
	"sync"
	"testing"

	"doorstep/server/store/storetest"
	"doorstep/sync/journal"
)

// statements are the texts of the statements that stores have run, each once.
type statements struct {
	mu  sync.Mutex
	all map[string]bool
}

func (s *statements) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[strings.Join(strings.Fields(text), " ")] = true
}

// noting is the driver of SQLite, and notes what runs.
type noting struct {
	driver.Driver
	*statements
}

func (d noting) Open(name string) (driver.Conn, error) {
	c, err := d.Driver.Open(name)
	return notingConn{c, d.statements}, err
}

type notingConn struct {
	driver.Conn
	*statements
}

func (c notingConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	c.note(text)
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
}

func (c notingConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (c notingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.note(text)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, text, args)
}

func (c notingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.note(text)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args)
}

// scansAllowed are statements that read a whole table, and why they may.
var scansAllowed = map[string]string{
	"SELECT ix, fields FROM declared":                                          "at the start; a row for each index",
	"SELECT branch, gen, id, body FROM records WHERE type = ? AND deleted = 0": "once, when an index is new",
	"DELETE FROM found WHERE (branch, gen) IN (SELECT branch, gen FROM views) AND ix = ?": "once, when an index is " +
		"gone",
}

// TestEveryStatementIsServedByAnIndex runs the contract of stores and asks SQLite how it would carry
// out each statement that ran: it searches by a key or an index, whatever the history holds.
func TestEveryStatementIsServedByAnIndex(t *testing.T) {
	ran := &statements{all: map[string]bool{}}
	plain, err := sql.Open(driverName, "")
	if err != nil {
		t.Fatal(err)
	}
	const name = "sqlite-noting"
	sql.Register(name, noting{plain.Driver(), ran})
	if err := plain.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("contract", func(t *testing.T) {
		storetest.Run(t, storetest.Engine{Open: func(t *testing.T) journal.Store {
			s, err := open(t.Context(), name, t.TempDir(), storetest.Indexes(), owner)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}})
	})
	s, err := Open(t.Context(), t.TempDir(), storetest.Indexes())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	asked := 0
	for text := range ran.all {
		verb, _, _ := strings.Cut(text, " ")
		if !slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}, verb) {
			continue
		}
		db := s.write
		if strings.Contains(text, "debtorkey") {
			db = s.keys
		}
		asked++
		plan, err := planOf(t.Context(), db, text)
		if err != nil {
			t.Errorf("%v\n%s", err, text)
		}
		if at := scanIn(plan); at >= 0 && scansAllowed[text] == "" {
			t.Errorf("%s: %s\n%s", text, plan[at], strings.Join(plan, "\n"))
		}
	}
	if asked < 30 {
		t.Errorf("only %d statements were looked at", asked)
	}
	for text := range scansAllowed {
		if _, err := planOf(t.Context(), s.write, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// planOf is how SQLite carries out a statement, a line for each step.
func planOf(ctx context.Context, db *pool, text string) (steps []string, err error) {
	rows, err := db.QueryContext(ctx, "EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "?"))...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, rows.Err()
}

// scanIn is the first step that reads a whole table or index, or sorts what it read; -1 for none. The
// rows of a statement's own VALUES, named asked, are no table, the parts of a feed come sorted and bounded, and the
// generations of a branch's views are few.
func scanIn(plan []string) int {
	for i, step := range plan {
		table, scan := strings.CutPrefix(step, "SCAN ")
		switch {
		case scan && table != "CONSTANT ROW" && table != "asked" && !strings.HasSuffix(table, "VALUES CLAUSE") &&
			!strings.HasPrefix(table, "("):
			return i
		case strings.Contains(step, "TEMP B-TREE") && (i == 0 || !strings.HasPrefix(plan[i-1], "SEARCH views ") &&
			!strings.HasPrefix(plan[i-1], "SCAN (subquery")):
			return i
		}
	}
	return -1
}

// TestScansAreFound holds scanIn against plans of the tables.
func TestScansAreFound(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), storetest.Indexes())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for text, want := range map[string]bool{
		"SELECT body FROM records WHERE branch = ? AND gen = ? AND type = ? AND id = ?": false,
		"SELECT body FROM records WHERE id = ?":                                         true,
		"SELECT DISTINCT branch FROM pages ORDER BY branch":                             true,
		"SELECT id FROM feeds WHERE branch = ? AND gen = ? AND feed = ? ORDER BY seq":   false,
		"SELECT id FROM feeds WHERE branch = ? AND gen = ? ORDER BY seq":                true,
		"DELETE FROM receipts WHERE n = ?":                                              true,
	} {
		plan, err := planOf(t.Context(), s.write, text)
		if got := scanIn(plan) >= 0; err != nil || got != want {
			t.Errorf("%s: %t, want %t: %v, %v", text, got, want, plan, err)
		}
	}
}
