// Package refusal is how every room says no to a request: one type with a kind,
// a stable code, the place at fault and a message for people.
//
// A refusal is an answer, not a failure: the request was understood and is not
// carried out, for a reason its sender can act on. Trouble on our side (a store
// out of reach, a bug) is an ordinary error and never a refusal. server/httpapi
// alone maps kinds to statuses, and sync/offline's caller maps them to the
// outcomes of mutations.
package refusal

import (
	"errors"
	"fmt"
)

// Kind says what a refusal is about.
type Kind int

// The kinds of refusal.
const (
	// Invalid: what was sent is malformed, out of range, or names something unknown.
	Invalid Kind = iota + 1
	// NotFound: there is no such record, or the actor may not see it. The two never differ.
	NotFound
	// Conflict: it does not fit the record as it stands now.
	Conflict
	// Refused: a rule of law or of the office forbids it.
	Refused
	// Forbidden: the actor's role may not do it.
	Forbidden
)

// String is the kind's name in logs.
func (k Kind) String() string {
	return [...]string{"unknown", "invalid", "not_found", "conflict", "refused", "forbidden"}[min(max(int(k), 0), 5)]
}

// Error is a refusal. Its message says what is wrong and how to mend it, and
// never repeats a value that was sent: the value may be personal.
type Error struct {
	Kind Kind
	// Place is the path of the member at fault in what was sent, such as check_in.point; "" for the whole.
	Place string
	Msg   string
	// Faults are further places at fault, for requests that are judged as a whole.
	Faults []Fault
	code   string
}

// Fault is one of several places at fault.
type Fault struct{ Place, Msg string }

// Error returns the place and the message.
func (e *Error) Error() string {
	if e.Place != "" {
		return e.Place + ": " + e.Msg
	}
	return e.Msg
}

// Code is the stable name of the refusal, such as case.not_found: programs act on it.
func (e *Error) Code() string { return e.code }

// New makes a refusal; place is "" when it is about the whole request.
func New(kind Kind, code, place, format string, args ...any) *Error {
	return &Error{Kind: kind, code: code, Place: place, Msg: fmt.Sprintf(format, args...)}
}

// Of finds the refusal in an error's chain.
func Of(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
