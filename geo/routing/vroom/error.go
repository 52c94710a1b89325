package vroom

import (
	"errors"
	"fmt"

	"doorstep/geo/routing"
)

// Codes of the errors of this package, beside those of geo/routing. They are
// stable.
const (
	// CodeJSON is text that is not JSON, or a value of the wrong type.
	CodeJSON = "routing.json"
	// CodeUnknownKey is a key that this package does not know.
	CodeUnknownKey = "routing.unknown_key"
	// CodeUnsupported is a key or a value of VROOM's that is refused.
	CodeUnsupported = "routing.unsupported"
	// CodeMissing is a missing key that is needed.
	CodeMissing = "routing.missing"
	// CodeNothingToDraw is a problem without locations.
	CodeNothingToDraw = "routing.nothing_to_draw"
)

// Error says what is wrong with a problem, where, and how to mend it.
type Error struct {
	// Path is the place, such as "jobs[3].time_windows[0]"; empty for the whole.
	Path string
	// Msg says what is wrong and how to mend it.
	Msg string
	// Whole says that the problem as a whole is too large: smaller ones, of a part
	// of the area or of the day, could be planned.
	Whole bool

	code string
	err  error
}

// Code returns the stable code of the error, such as "routing.json".
func (e *Error) Code() string { return e.code }

// Error returns path and message in one line.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Msg
	}
	return e.Path + ": " + e.Msg
}

// Unwrap returns the error of the reader; nil if the text itself is wrong.
func (e *Error) Unwrap() error { return e.err }

func fault(code string, at *place, format string, args ...any) *Error {
	return &Error{Path: at.String(), Msg: fmt.Sprintf(format, args...), code: code}
}

// tooMuch sets Whole.
func tooMuch(err *Error) *Error {
	err.Whole = true
	return err
}

// Explain turns an error of geo/routing about t.Problem into an *Error with the
// places of the JSON. Others are returned as they are.
func (t *Task) Explain(err error) error {
	var e *routing.Error
	if !errors.As(err, &e) {
		return err
	}
	return &Error{Path: t.translate(e.Path), Msg: e.Msg, code: e.Code()}
}
