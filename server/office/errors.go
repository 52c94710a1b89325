package office

import (
	"errors"
	"strings"
)

// Kind tells refusals apart; httpapi maps it to a status.
type Kind int

// The kinds of refusal.
const (
	Invalid  Kind = iota + 1 // what was sent cannot be
	NotFound                 // no such record, or not in the caller's branches
	Conflict                 // it contradicts what is there
)

// Error is a refusal of this room.
type Error struct {
	Kind  Kind
	code  string
	Msg   string
	Field string // the member at fault, where there is one
	// Faults are all members at fault, where there may be several; Field is "" then.
	Faults []Fault
}

// Fault is one member at fault.
type Fault struct{ Field, Msg string }

func (e *Error) Error() string { return e.Msg }

// Code is stable: user.*, branch.*, lender.*, device.*, team.*, shift.*, territory.*, pack.*.
func (e *Error) Code() string { return e.code }

func invalid(code, field, msg string) error {
	return &Error{Kind: Invalid, code: code, Field: field, Msg: msg}
}

// under is a refusal of what stands at a place in a larger whole.
func under(at string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Field = strings.TrimSuffix(at+"."+e.Field, ".")
	return &out
}

func notFound(code, msg string) error { return &Error{Kind: NotFound, code: code, Msg: msg} }

func conflict(code, msg string) error { return &Error{Kind: Conflict, code: code, Msg: msg} }
