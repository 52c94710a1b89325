package dispatch

// Kind tells refusals apart; httpapi maps it to a status.
type Kind int

// The kinds of refusal.
const (
	Invalid  Kind = iota + 1 // what was sent cannot be
	NotFound                 // no such round, or not in the caller's branches
	Conflict                 // it contradicts what is there
)

// Error is a refusal of this room.
type Error struct {
	Kind  Kind
	code  string
	Msg   string
	Field string
	// Faults are all members at fault, where there may be several; Field is "" then.
	Faults []Fault
}

// Fault is one member at fault.
type Fault struct{ Field, Msg string }

func (e *Error) Error() string { return e.Msg }

// Code is stable: round.not_found, round.date, round.branch, round.team,
// round.past, round.under_way, round.no_shifts, round.no_team_left, round.limit, round.objective, round.state, round.too_large, round.check;
// slots.date, slots.past, slots.far, slots.minutes.
func (e *Error) Code() string { return e.code }

func refuse(kind Kind, code, field, msg string) *Error {
	return &Error{Kind: kind, code: code, Field: field, Msg: msg}
}
