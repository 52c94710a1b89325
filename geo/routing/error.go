package routing

import "fmt"

// Codes of the errors of this package. They are stable.
const (
	// CodeWindow is a window that ends before it begins, is out of order, or overlaps another.
	CodeWindow = "routing.window"
	// CodeNegative is a negative number where only 0 and above are allowed.
	CodeNegative = "routing.negative"
	// CodeTooLarge is a number beyond the limits, or too many stops, shifts or breaks.
	CodeTooLarge = "routing.too_large"
	// CodeMatrix is a matrix whose size does not match its places or the others.
	CodeMatrix = "routing.matrix"
	// CodeIndex is an index of a place, matrix, shift or stop that does not exist.
	CodeIndex = "routing.index"
	// CodePinned is a stop that is pinned twice, or pinned stops that cannot be kept.
	CodePinned = "routing.pinned"
	// CodeDuplicate is one id used twice.
	CodeDuplicate = "routing.duplicate"
	// CodeObjective is an unknown objective or balance, or priorities too many to compare.
	CodeObjective = "routing.objective"
)

// Error says what is wrong with a problem, and where.
type Error struct {
	// Path is the place in the problem, such as "stops[3].windows[0]" or, for
	// JSON, "jobs[3].time_windows[0]".
	Path string
	// Msg says what is wrong.
	Msg string

	code string
}

// Code returns the stable code of the error, such as "routing.window".
func (e *Error) Code() string { return e.code }

// Error returns path and message in one line.
func (e *Error) Error() string {
	if e.Path == "" {
		return "routing: " + e.Msg
	}
	return "routing: " + e.Path + ": " + e.Msg
}

// fault returns an *Error.
func fault(code, path, format string, args ...any) *Error {
	return &Error{Path: path, Msg: fmt.Sprintf(format, args...), code: code}
}
