package travel

import "fmt"

// Codes of the errors of this package. They are stable.
const (
	// CodeMode is a mode other than foot, bicycle, scooter and car, or one the source does not have.
	CodeMode = "travel.mode"
	// CodePoint is a point that is not on Earth.
	CodePoint = "travel.point"
	// CodeTooMany is more than MaxPoints.
	CodeTooMany = "travel.too_many"
	// CodeService is a routing server that did not answer as it should.
	CodeService = "travel.service"
	// CodeExtract is a map extract that cannot be read or holds no road.
	CodeExtract = "travel.extract"
	// CodeGraph is a prepared graph that cannot be read: prepare it again.
	CodeGraph = "travel.graph"
)

// Error says what is wrong and what to do about it.
type Error struct {
	// Msg is for a person.
	Msg string

	code string
	err  error
}

// Code returns the stable code of the error, such as "travel.mode".
func (e *Error) Code() string { return e.code }

// Error returns the message and what caused it.
func (e *Error) Error() string {
	if e.err != nil {
		return e.Msg + ": " + e.err.Error()
	}
	return e.Msg
}

// Unwrap returns the cause; nil if there is none.
func (e *Error) Unwrap() error { return e.err }

func fault(code string, cause error, format string, args ...any) *Error {
	return &Error{code: code, err: cause, Msg: fmt.Sprintf(format, args...)}
}
