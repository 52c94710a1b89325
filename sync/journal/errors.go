package journal

import (
	"time"

	"doorstep/auth/refusal"
)

// Refusals of the journal.
var (
	// ErrReused: the command id was used before with another payload. Code command.reused.
	ErrReused = refusal.New(refusal.Conflict, "command.reused", "",
		"this command id was used before with another payload; mint a new id for a new command")
	// ErrClosed: the journal is shutting down; of the commands without an outcome nothing was
	// appended. Code journal.closed.
	ErrClosed = later(2*time.Second, "journal.closed", "the server is shutting down; send again")
	// ErrUnclear: it is not known whether the commands without an outcome were appended; sending
	// the same ids again finds out, and has one effect. Code journal.unclear.
	ErrUnclear = later(2*time.Second, "journal.unclear",
		"it is not known whether the change was stored; send it again with the same id")
	// ErrStuck: the branch takes no entries until an operator repairs its journal; of the commands
	// without an outcome nothing was appended. Code journal.stuck.
	ErrStuck = later(time.Minute, "journal.stuck",
		"nothing was stored: this branch takes no changes until an operator has mended its journal; see /readyz")
	// ErrStalled: the store has failed for longer than a caller is kept waiting; of the commands
	// without an outcome nothing was appended. Code journal.stalled.
	ErrStalled = later(10*time.Second, "journal.stalled",
		"nothing was stored: the store takes no changes at present; send again, and see /readyz")
	// ErrNoAnswer: the store was not reached or did not answer in time. Of a write it is not known whether it was
	// done. A Store's methods wrap it. Code journal.no_answer.
	ErrNoAnswer = later(5*time.Second, "journal.no_answer",
		"the store does not answer at present; ask again with the same id, and see /readyz")
	// ErrFull: the store has no room left, and what it was asked for was not stored. A Store's
	// methods that write wrap it. Code journal.full.
	ErrFull = later(30*time.Second, "journal.full",
		"nothing was stored: the server's disk is full; send again once there is room")
)

// later refuses what may be sent again after a while.
func later(wait time.Duration, code, msg string) *refusal.Error {
	e := refusal.New(refusal.Unavailable, code, "", "%s", msg)
	e.RetryAfter = wait
	return e
}

func tooLarge(format string, args ...any) error {
	return refusal.New(refusal.TooLarge, "command.too_large", "", format, args...)
}

func invalid(format string, args ...any) error {
	return refusal.New(refusal.Invalid, "command.invalid", "", format, args...)
}
