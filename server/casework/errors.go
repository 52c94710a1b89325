package casework

import (
	"errors"
	"fmt"
)

// Kind is what a refusal is about; httpapi maps it to a status, sync to an outcome.
type Kind int

// The kinds of refusal.
const (
	Invalid   Kind = iota + 1 // what was sent is malformed or names something unknown
	NotFound                  // there is no such record, or it is not the actor's to see
	Conflict                  // it does not fit the record as it stands now
	Refused                   // a rule says no
	Forbidden                 // not for this role
)

// String is the kind's name in logs.
func (k Kind) String() string {
	return [...]string{"unknown", "invalid", "not_found", "conflict", "refused", "forbidden"}[min(max(int(k), 0), 5)]
}

// Error is a refusal that a caller may act on. Its message says what is wrong and
// how to mend it, and never repeats a personal value.
type Error struct {
	Kind Kind
	Msg  string
	// Field is the path of the offending field in what was sent; "" for the whole.
	Field string
	code  string
}

// Error returns the field and the message.
func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Msg
	}
	return e.Msg
}

// Code is the stable name of the refusal, such as case.not_found or hold.unknown_kind.
func (e *Error) Code() string { return e.code }

// refuse makes an Error; field is "" when the refusal is about the whole.
func refuse(kind Kind, code, field, format string, args ...any) *Error {
	return &Error{Kind: kind, code: code, Field: field, Msg: fmt.Sprintf(format, args...)}
}

// noSuchCase is said of a case that does not exist and of one that is not the actor's: the two must not differ.
func noSuchCase() *Error {
	return refuse(NotFound, "case.not_found", "case", "there is no such case here")
}

// refusal finds the Error in a chain.
func refusal(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
