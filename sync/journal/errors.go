package journal

import "fmt"

// Error is what a caller of Do may act on; Code is stable.
type Error struct {
	code  string
	Msg   string
	cause error
}

func (e *Error) Error() string {
	if e.cause == nil {
		return e.Msg
	}
	return e.Msg + ": " + e.cause.Error()
}

// Code is the stable name of the refusal: command.reused, command.too_large, command.invalid,
// journal.closed, journal.unclear, journal.stuck.
func (e *Error) Code() string { return e.code }

// Unwrap is what led to it: the context's error, or the store's.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors of one code equal.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.code == e.code
}

var (
	// ErrReused: the command id was used before with another payload. Code command.reused.
	ErrReused = &Error{code: "command.reused",
		Msg: "this command id was used before with another payload; mint a new id for a new command"}
	// ErrClosed: the journal is shutting down; of the commands without an outcome nothing was
	// appended. Code journal.closed.
	ErrClosed = &Error{code: "journal.closed", Msg: "the server is shutting down; send again"}
	// ErrUnclear: nobody knows whether the commands without an outcome were appended; sending the
	// same ids again finds out, and has one effect. Code journal.unclear.
	ErrUnclear = &Error{code: "journal.unclear",
		Msg: "it is not known whether the change was stored; send it again with the same id"}
	// ErrStuck: the branch takes no entries until an operator mends its journal; of the commands
	// without an outcome nothing was appended. Code journal.stuck.
	ErrStuck = &Error{code: "journal.stuck",
		Msg: "the journal of this branch takes no entries until an operator has mended it"}
)

// because is a copy of an error with its cause.
func (e *Error) because(cause error) *Error { return &Error{code: e.code, Msg: e.Msg, cause: cause} }

func tooLarge(format string, args ...any) error {
	return &Error{code: "command.too_large", Msg: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &Error{code: "command.invalid", Msg: fmt.Sprintf(format, args...)}
}
