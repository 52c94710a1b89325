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
	"strconv"
	"strings"
	"time"
)

// Kind says what a refusal is about.
type Kind int

// The kinds of refusal.
const (
	// Invalid: what was sent is out of range, does not fit together, or names something unknown.
	Invalid Kind = iota + 1
	// NotFound: there is no such record, or the actor may not see it. The two never differ.
	NotFound
	// Conflict: it does not fit the record as it stands now.
	Conflict
	// Refused: a rule of law or of the office forbids it.
	Refused
	// Forbidden: the actor's role may not do it.
	Forbidden
	// Unauthenticated: it is not known who is calling.
	Unauthenticated
	// Malformed: what was sent cannot be read.
	Malformed
	// TooLarge: what was sent is larger than what is taken at once.
	TooLarge
	// TooMany: the caller asks too often, and may come back after RetryAfter.
	TooMany
	// Gone: what was asked for existed and does not any more.
	Gone
	// Unavailable: the request was not judged. It may be sent again after RetryAfter.
	Unavailable

	last = Unavailable
)

var names = [...]string{"unknown", "invalid", "not_found", "conflict", "refused", "forbidden", "unauthenticated",
	"malformed", "too_large", "too_many", "gone", "unavailable"}

// Kinds lists all kinds.
func Kinds() []Kind {
	out := make([]Kind, last)
	for i := range out {
		out[i] = Kind(i + 1)
	}
	return out
}

// String is the kind's name in logs.
func (k Kind) String() string {
	if k < 0 || k > last {
		k = 0
	}
	return names[k]
}

// Error is a refusal. Its message says what is wrong and how to correct it, and
// never repeats a value that was sent: the value may be personal.
type Error struct {
	Kind Kind
	// Place is the path of the member at fault in what was sent, such as check_in.point; "" for the whole.
	Place string
	Msg   string
	// Faults are all places at fault, where there may be several.
	Faults []Fault
	// RetryAfter is how long to wait before the next attempt; zero says nothing about it.
	RetryAfter time.Duration
	// Wipe tells the app to erase what it holds.
	Wipe bool
	// Epoch is the present epoch of a feed whose cursor is Gone; "" for other refusals.
	Epoch string
	// At is the place on the map, [lon, lat], where the fault has one.
	At *[2]float64

	code  string
	cause error
}

// Fault is one of several places at fault.
type Fault struct {
	Place, Msg string
	// File is the name of the file, such as a pack, and Line the line in it, from 1; "" and 0 where there is none.
	File string
	Line int
}

// Where is the place with file and line, such as "mine, line 3, profiles.ph.hours"; "" for the whole.
func (f Fault) Where() string {
	var at []string
	if f.File != "" {
		at = append(at, f.File)
	}
	if f.Line > 0 {
		at = append(at, "line "+strconv.Itoa(f.Line))
	}
	if f.Place != "" {
		at = append(at, f.Place)
	}
	return strings.Join(at, ", ")
}

// String says where, and what.
func (f Fault) String() string {
	if at := f.Where(); at != "" {
		return at + ": " + f.Msg
	}
	return f.Msg
}

// Error returns the place, the message and the cause.
func (e *Error) Error() string {
	out := e.Msg
	if e.Place != "" {
		out = e.Place + ": " + out
	}
	if e.cause != nil {
		out += ": " + e.cause.Error()
	}
	return out
}

// Code is the stable name of the refusal, such as case.not_found: programs act on it.
func (e *Error) Code() string { return e.code }

// Unwrap returns the cause; nil if there is none.
func (e *Error) Unwrap() error { return e.cause }

// Is makes refusals of one code equal.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.code == e.code
}

// New makes a refusal; place is "" when it is about the whole request.
func New(kind Kind, code, place, format string, args ...any) *Error {
	return &Error{Kind: kind, code: code, Place: place, Msg: fmt.Sprintf(format, args...)}
}

// Because returns a copy of the refusal with its cause.
func (e *Error) Because(cause error) *Error {
	out := *e
	out.cause = cause
	return &out
}

// Under returns a copy of the refusal with its place put below prefix.
func (e *Error) Under(prefix string) *Error {
	out := *e
	switch {
	case e.Place == "":
		out.Place = prefix
	case prefix == "" || e.Place[0] == '[':
		out.Place = prefix + e.Place
	default:
		out.Place = prefix + "." + e.Place
	}
	return &out
}

// Of finds the refusal in an error's chain that judges the request. One that is
// Unavailable does not: the request may be sent again and be accepted then.
func Of(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e) && e.Kind != Unavailable
	return e, ok
}
