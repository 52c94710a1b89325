package conduct

import (
	"fmt"
	"strconv"
	"strings"
)

// Error says what is wrong with a request or a pack, and where. It never repeats
// a value that was sent, which may be personal.
type Error struct {
	// Field is the path of the offending field, such as history[3].channel; "" for the whole.
	Field string
	Msg   string
	// Places are all that is wrong with packs; nil for a request.
	Places []Place
	code   string
}

// Place is one thing that is wrong with a pack.
type Place struct {
	Pack  string // its name; "" for what no single pack is to blame for
	Field string // a path such as profiles.ph.hours[0].allow; "" for the whole
	Line  int    // from 1; 0 where it is not known
	Msg   string
}

// String says where, and what.
func (p Place) String() string {
	var at []string
	if p.Pack != "" {
		at = append(at, p.Pack)
	}
	if p.Line > 0 {
		at = append(at, "line "+strconv.Itoa(p.Line))
	}
	if p.Field != "" {
		at = append(at, p.Field)
	}
	if len(at) == 0 {
		return p.Msg
	}
	return strings.Join(at, ", ") + ": " + p.Msg
}

// Error returns the field and the message.
func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Msg
	}
	return e.Msg
}

// Code is stable: conduct.invalid for what is malformed or not on a closed list,
// conduct.unknown_profile for a profile no pack holds, conduct.pack for a pack
// that cannot be used, conduct.profile_gone for packs that would take a profile away.
func (e *Error) Code() string { return e.code }

func invalid(field, format string, args ...any) *Error {
	return &Error{Field: field, Msg: fmt.Sprintf(format, args...), code: "conduct.invalid"}
}
