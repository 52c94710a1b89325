package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// What may pass is told from what will not, by the errors that SQLite and the system really give.
func TestTroubleThatMayPassIsToldFromTheRest(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	open := func(name, settings string) *sql.DB {
		t.Helper()
		db, err := sql.Open(driverName, "file:"+filepath.Join(folder, name)+"?"+settings)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	must := func(db *sql.DB, text string) {
		t.Helper()
		if _, err := db.ExecContext(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	fails := func(db *sql.DB, text string) error {
		_, err := db.ExecContext(ctx, text)
		return err
	}
	db := open("a", "")
	must(db, "CREATE TABLE t (x)")
	holder := open("a", "_txlock=exclusive")
	held, err := holder.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	busy := fails(open("a", "_pragma=busy_timeout(0)"), "INSERT INTO t VALUES (1)")
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	small := open("b", "")
	must(small, "CREATE TABLE t (x)")
	if err := os.WriteFile(filepath.Join(folder, "c"), make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	small.SetMaxOpenConns(1)
	must(small, "PRAGMA max_page_count = 1")
	for name, c := range map[string]struct {
		err  error
		want *refusal.Error
	}{
		"a lock":                       {busy, journal.ErrNoAnswer},
		"a file that cannot be opened": {fails(open("no/such/folder", ""), "CREATE TABLE t (x)"), journal.ErrNoAnswer},
		"a file that is not to be written": {fails(open("a", "_pragma=query_only(1)"), "INSERT INTO t VALUES (1)"),
			journal.ErrNoAnswer},
		"no room in the file":       {fails(small, "INSERT INTO t VALUES (zeroblob(1000000))"), journal.ErrFull},
		"a file that is no store":   {fails(open("c", ""), "CREATE TABLE t (x)"), nil},
		"a statement that is wrong": {fails(db, "SELECT nothing FROM nowhere"), nil},
		"no room on the disk":       {fmt.Errorf("write: %w", syscall.ENOSPC), journal.ErrFull},
		"a disk that fails":         {&fs.PathError{Op: "read", Path: "x", Err: syscall.EIO}, journal.ErrNoAnswer},
		"something else":            {errors.New("a bug"), nil},
	} {
		if c.err == nil {
			t.Errorf("%s: no error", name)
		} else if got := Trouble(fmt.Errorf("load: %w", c.err)); got != c.want {
			t.Errorf("%s: %v is told as %v", name, c.err, got)
		}
	}
}
