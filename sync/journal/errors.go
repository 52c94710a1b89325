package journal

import "fmt"

// Error is what a caller of Do may act on; Code is stable.
type Error struct {
	code string
	Msg  string
}

func (e *Error) Error() string { return e.Msg }

// Code is the stable name of the refusal: command.reused, command.too_large, command.invalid, journal.closed.
func (e *Error) Code() string { return e.code }

var (
	// ErrReused: the command id was used before with another payload. Code command.reused.
	ErrReused = &Error{"command.reused", "this command id was used before with another payload; mint a new id for a new command"}
	// ErrClosed: the journal is shutting down; nothing was appended. Code journal.closed.
	ErrClosed = &Error{"journal.closed", "the server is shutting down; send again"}
)

func tooLarge(format string, args ...any) error {
	return &Error{"command.too_large", fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &Error{"command.invalid", fmt.Sprintf(format, args...)}
}
