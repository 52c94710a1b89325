package offline

import "time"

// Error is a refusal of a whole request; what concerns one mutation is inside the answer.
type Error struct {
	Kind  Kind
	code  string
	Msg   string
	Field string // where in the request; "" when it is not about one place
	// Epoch is the feed's epoch, for CursorGone.
	Epoch string
	// RetryAfter is when to come back, for NotReady.
	RetryAfter time.Duration
}

// Kind tells refusals of a request apart.
type Kind int

// The kinds, with the status SYNC gives them.
const (
	Malformed  Kind = iota // 400
	CursorGone             // 410: throw the replica away and pull from 0
	NotReady               // 503: come back
	TooLarge               // 413
)

func (e *Error) Error() string { return e.Msg }

// Code is stable: sync.malformed, cursor_expired, sync.not_ready, sync.too_large.
func (e *Error) Code() string { return e.code }

func malformed(field, msg string) error {
	return &Error{Kind: Malformed, code: "sync.malformed", Field: field, Msg: msg}
}

// notReady refuses a pull of a branch without a watermark: an empty page would
// tell the phone that there is nothing, where nobody knows that (J6).
func notReady() error {
	return &Error{Kind: NotReady, code: "sync.not_ready", Msg: "the branch's feed is not ready yet; come back", RetryAfter: 5 * time.Second}
}
