package conduct

import "fmt"

// Error says what is wrong with a request or a pack, and where. It never repeats
// a value that was sent, which may be personal.
type Error struct {
	// Field is the path of the offending field, such as history[3].channel; "" for the whole.
	Field string
	Msg   string
	code  string
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
// that cannot be used.
func (e *Error) Code() string { return e.code }

func invalid(field, format string, args ...any) *Error {
	return &Error{Field: field, Msg: fmt.Sprintf(format, args...), code: "conduct.invalid"}
}
