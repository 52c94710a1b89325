package sqlitestore

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"syscall"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Trouble tells what a caller of the store may be told of an error: journal.ErrFull when there was no room,
// journal.ErrNoAnswer for what may pass, such as a lock, a disk that cannot be read or written at present, or want of
// memory; nil for an error that the same request meets again, such as a damaged file, or that is not the store's.
func Trouble(err error) *refusal.Error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		if errors.Is(full(e), journal.ErrFull) {
			return journal.ErrFull
		}
		switch e.Code() & 0xff { // the kind; the rest is which of them
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_IOERR,
			sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_INTERRUPT:
			return journal.ErrNoAnswer
		}
		return nil
	}
	if errors.Is(noRoom(err), journal.ErrFull) {
		return journal.ErrFull
	}
	for _, passes := range []error{syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN,
		driver.ErrBadConn, sql.ErrConnDone} {
		if errors.Is(err, passes) {
			return journal.ErrNoAnswer
		}
	}
	return nil
}
