package auth

import "time"

// Kind tells refusals apart; httpapi maps it to a status.
type Kind int

// The kinds of refusal.
const (
	Invalid         Kind = iota + 1 // what was sent cannot be
	Unauthenticated                 // nobody knows who is calling
	Forbidden                       // known, and not allowed
	Limited                         // too many attempts: wait RetryAfter
)

// Error is a refusal of this room.
type Error struct {
	Kind  Kind
	code  string
	Msg   string
	Field string
	// RetryAfter is how long to wait, of a Limited.
	RetryAfter time.Duration
	// Wipe tells the app to erase what it holds.
	Wipe bool
}

func (e *Error) Error() string { return e.Msg }

// Code is stable: auth.bad_credentials, auth.limited, auth.token_missing,
// auth.token_expired, auth.token_invalid, auth.role, auth.refresh_invalid,
// auth.refresh_reused, auth.device_required, auth.device_mismatch,
// auth.password_weak, auth.must_change_password, device_wiped.
func (e *Error) Code() string { return e.code }

func refuse(kind Kind, code, msg string) *Error { return &Error{Kind: kind, code: code, Msg: msg} }

// errWiped is said to a blocked device, in SYNC.md's words.
func errWiped(wipe bool) *Error {
	return &Error{Kind: Forbidden, code: "device_wiped", Msg: "this device is blocked; ask your supervisor", Wipe: wipe}
}
