package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"doorstep/auth/keyfile"
	"doorstep/sync/journal"

	"modernc.org/sqlite" // and the database/sql driver
	sqlite3 "modernc.org/sqlite/lib"
)

// Store is a journal.Store in one file, with debtors' keys in another.
type Store struct {
	lock    *os.File // nil where the system has no such lock
	write   *pool    // one connection
	read    *pool
	keys    *pool            // debtors' keys, in a file of their own
	frames  *frames          // blobs, in files of their own
	indexes map[string]index // by "type/name"
	byType  map[string][]index
}

var _ journal.Store = (*Store)(nil)

// FileName is the name of the file in a data folder.
const FileName = "doorstep.db"

// Open opens the file under a folder, and makes it when it is not there. A folder
// that another process has open is refused. Indexes
// that are declared for the first time are filled from the documents.
func Open(ctx context.Context, folder string, indexes []journal.Index) (*Store, error) {
	return open(ctx, driverName, folder, indexes, owner)
}

// Join opens a file beside the server that may have it open, or have it open later, to
// read and write through SQLite's own locks. It makes and changes no table and no index:
// a file of another version, or whose declared indexes are not these, is refused. It is
// for a command in a process of its own, never for the process of the server (J10).
func Join(ctx context.Context, folder string, indexes []journal.Index) (*Store, error) {
	return open(ctx, driverName, folder, indexes, guest)
}

// Inspect is Join for reading only: every write fails.
func Inspect(ctx context.Context, folder string, indexes []journal.Index) (*Store, error) {
	return open(ctx, driverName, folder, indexes, reader)
}

// mode says what a Store may do with the file.
type mode int

const (
	owner  mode = iota // holds the folder's lock, makes tables and indexes
	guest              // reads and writes rows
	reader             // reads
)

// driverName is the driver of database/sql. A test opens a store through one that notes the statements.
const driverName = "sqlite"

func open(ctx context.Context, driver, folder string, indexes []journal.Index, m mode) (*Store, error) {
	path := filepath.Join(folder, FileName)
	s := &Store{frames: newFrames(folder), indexes: map[string]index{}, byType: map[string][]index{}}
	for _, ix := range indexes {
		d := index{Index: ix, name: ix.Type + "/" + ix.Name}
		s.indexes[d.name] = d
		s.byType[ix.Type] = append(s.byType[ix.Type], d)
	}
	var err error
	if m == owner {
		if s.lock, err = lock(folder); err != nil {
			return nil, fmt.Errorf("open store in %s: %w", folder, err)
		}
	} else if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%s holds no store: %w", folder, err) // opening would make an empty one
	}
	if err := private(path); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), s.Close())
	}
	if s.keys, err = openKeys(ctx, driver, folder); err != nil {
		return nil, errors.Join(fmt.Errorf("open debtors' keys: %w", err), s.Close())
	}
	settings := "_txlock=immediate&_pragma=cache_size(-8192)"
	if m == reader {
		settings = "_pragma=query_only(1)"
	}
	if s.write, err = openPool(driver, dsn(path, settings)); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), s.Close())
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = openPool(driver, dsn(path, "_pragma=query_only(1)&_pragma=cache_size(-1024)")); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), s.Close())
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	prepare := s.prepare
	if m != owner {
		prepare = s.compare
	}
	if err := prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), s.Close())
	}
	return s, nil
}

// private makes a database's file, and its side files that are there, the owner's
// only. SQLite gives side files it makes the mode of the file.
func private(path string) error {
	err := keyfile.Touch(path)
	for _, side := range []string{"-wal", "-shm", "-journal"} {
		if e := keyfile.Tighten(path + side); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// dsn returns the name of the data source: the file, with the settings that make a commit durable.
func dsn(path, more string) string {
	pragmas := []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)",
		"wal_autocheckpoint(20000)", "temp_store(MEMORY)"}
	var b strings.Builder
	b.WriteString("file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=page_size(8192)")
	for _, p := range pragmas {
		b.WriteString("&_pragma=" + p)
	}
	return b.String() + "&" + more
}

func (s *Store) prepare(ctx context.Context) error {
	return s.tx(ctx, func(tx *txn) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version != 0 && version != schemaVersion {
			return fmt.Errorf("the file was made by another version (schema %d, this one reads %d)", version, schemaVersion)
		}
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
			return err
		}
		return s.declare(ctx, tx)
	})
}

// compare refuses a file that this program would have to change before it can use it.
func (s *Store) compare(ctx context.Context) error {
	var version int
	if err := s.read.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version != schemaVersion {
		return fmt.Errorf("the file was made by another version (schema %d, this one reads %d)", version, schemaVersion)
	}
	had, err := declared(ctx, s.read)
	if err != nil {
		return err
	}
	same := len(had) == len(s.indexes)
	for name, ix := range s.indexes {
		same = same && had[name] == strings.Join(ix.Fields, ",")
	}
	if !same {
		return errors.New("the file's indexes are those of another version; use the program that serves it, or start " +
			"that version's server once")
	}
	return nil
}

// Close closes the file, and the folder is free for another process.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*pool{s.read, s.write, s.keys} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
		s.lock = nil
	}
	return errors.Join(errs...)
}

// tx runs fn in a write transaction.
func (s *Store) tx(ctx context.Context, fn func(*txn) error) error {
	tx, err := s.write.begin(ctx)
	if err != nil {
		return full(err)
	}
	defer tx.ended(ctx)
	if err := fn(tx); err != nil {
		return full(errors.Join(err, rollback(tx)))
	}
	return full(tx.Commit())
}

// full makes an error of a write that found no room a journal.ErrFull, and leaves others as they are. On a quota, and
// at a limit of the process, SQLite does not say that the disk is full but that it cannot write.
func full(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE:
		return journal.ErrFull.Because(err)
	}
	return err
}

// snapshot runs fn in a read transaction: all it reads is of one moment.
func (s *Store) snapshot(ctx context.Context, fn func(*txn) error) error {
	tx, err := s.read.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.ended(ctx)
	return errors.Join(fn(tx), rollback(tx))
}

func rollback(tx interface{ Rollback() error }) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// bulk runs an INSERT for many rows, several at a time: prefix "INSERT INTO t (…) VALUES", one "(?,…)" per row,
// suffix "ON CONFLICT …".
func bulk(ctx context.Context, tx *txn, prefix, row, suffix string, rows [][]any) error {
	for len(rows) > 0 {
		n := 1
		for _, size := range []int{64, 8} {
			if len(rows) >= size {
				n = size
				break
			}
		}
		args := make([]any, 0, n*len(rows[0]))
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		q := prefix + strings.TrimSuffix(strings.Repeat(row+",", n), ",") + suffix
		if _, err := tx.ExecContext(ctx, q, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// marks is "?,?,?".
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
