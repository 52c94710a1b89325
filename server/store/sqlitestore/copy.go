package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"doorstep/auth/keyfile"
	"doorstep/sync/journal"
)

// CopyData writes the journal, the views and the small documents, as they are at one moment, to a file that must not
// be there or be empty. Only its owner can read it. Debtors' keys are not in it. A server that has the store open goes
// on; its write-ahead log grows until the copy is complete. After an error what is left at path is no copy:
// the caller removes it. journal.ErrFull if there is no room for it.
func (s *Store) CopyData(ctx context.Context, path string) error {
	return copyInto(ctx, s.read.DB, path)
}

// CopyKeys is CopyData for the debtors' keys, destroyed ones included. A server waits with new keys until it is
// complete.
func (s *Store) CopyKeys(ctx context.Context, path string) error {
	return copyInto(ctx, s.keys.DB, path)
}

// CopyKeysOf copies the keys of a folder that no server has open, whether there is a store beside them or not.
func CopyKeysOf(ctx context.Context, folder, path string) error {
	keys, err := openKeys(ctx, driverName, folder)
	if err != nil {
		return err
	}
	return errors.Join(copyInto(ctx, keys.DB, path), keys.Close())
}

func copyInto(ctx context.Context, db *sql.DB, path string) (err error) {
	// SQLite writes into an empty file, and would make one by the umask.
	if err := keyfile.Touch(path); err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// VACUUM INTO counts as a write, whose file is another.
	var was int
	if err := conn.QueryRowContext(ctx, "PRAGMA query_only").Scan(&was); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only = 0"); err != nil {
		return err
	}
	defer func() {
		_, e := conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA query_only = %d", was))
		err = errors.Join(err, e)
	}()
	if _, err := conn.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		if e := full(err); errors.Is(e, journal.ErrFull) {
			return fmt.Errorf("there is no room for the copy: %w", e)
		}
		return fmt.Errorf("copy: %w", err)
	}
	return nil
}

// SchemaVersion is the version of the tables that this program reads and writes.
const SchemaVersion = schemaVersion

// LockFolder takes a data folder as Open does, without opening a store, so that its files may be replaced. The error
// says which process has it. Closing gives it back.
func LockFolder(folder string) (io.Closer, error) {
	f, err := lock(folder)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return io.NopCloser(nil), nil // where the system has no such lock
	}
	return f, nil
}
