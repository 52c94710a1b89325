package record

import (
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Move is the state of a document of type "moves", under the debtor's id, in each branch
// that a debtor left or came to. Nothing in it is personal. Debtors who are linked move
// together: each has a document of their own, and all of them say the same.
type Move struct {
	// ID names the move in both branches; a debtor who moves again has another one.
	ID     string        `json:"move" is:"server" see:"office"`
	State  string        `json:"state" is:"server" see:"office"` // leaving, gone, arriving, here
	From   auth.BranchID `json:"from" is:"server" see:"office"`
	To     auth.BranchID `json:"to" is:"server" see:"office"`
	Reason string        `json:"reason" is:"move_reasons" see:"office"`
	By     auth.UserID   `json:"by" is:"server" see:"office"`
	At     time.Time     `json:"at" see:"office"` // when it was asked for
	// DoneAt is when this branch's part was over; zero before.
	DoneAt  time.Time          `json:"done_at,omitzero" see:"office"`
	Debtors []journal.DebtorID `json:"debtors" is:"server" see:"office"` // all who move, sorted
	Cases   []journal.CaseID   `json:"cases" is:"server" see:"office"`   // all of theirs, sorted
}

// States of a move. The branch that is left says leaving, then gone; the other says
// arriving while it lacks a part, then here.
const (
	MoveLeaving  = "leaving"
	MoveGone     = "gone"
	MoveArriving = "arriving"
	MoveHere     = "here"
)

// Away tells whether the debtor may not be worked on in the branch that keeps this
// document; the zero Move is of a debtor who never moved.
func (m *Move) Away() bool { return m.State != "" && m.State != MoveHere }

// StatusMoved is the status of a case that has moved to another branch, in the branch it left.
const StatusMoved = "moved"

// CaseMove says of a case where it has moved to, or where it was before.
type CaseMove struct {
	// To and Status are of a case that has left: the branch it went to, and its status until then.
	To     auth.BranchID `json:"to,omitempty" is:"server"`
	Status string        `json:"status,omitempty" is:"server"`
	At     time.Time     `json:"at"`
	By     auth.UserID   `json:"by" is:"server"`
	// Was are the branches it was in before, in order.
	Was []auth.BranchID `json:"was,omitempty" is:"server"`
}

// HasMoved tells whether the case is in another branch now: what this one keeps of it is history.
func (c *Case) HasMoved() bool { return c.Status == StatusMoved }

// Formerly are the branches the case was in before this one.
func (c *Case) Formerly() []auth.BranchID {
	if c.Moved == nil || c.HasMoved() {
		return nil
	}
	return c.Moved.Was
}

// Origin says where a record was made that came with a case from another branch.
type Origin struct {
	Branch auth.BranchID `json:"branch" is:"server"`
	ID     string        `json:"id" is:"server"` // its id there
	// No is its number there; 0 for a kind that is not numbered.
	No uint64 `json:"no,omitempty"`
}

// MovedIn is a part of the states of records that can come from another branch. A contact
// and a payment have none: they are the same whichever branch keeps them, so that a
// lender's file that repeats them changes nothing.
type MovedIn struct {
	// Origin is where the record was made, if in another branch; nil for one of this branch.
	Origin *Origin `json:"moved_in,omitempty" see:"office"`
}

func (m *MovedIn) movedIn() *MovedIn { return m }

// MoveIn notes where a state was made that moves to a branch: where it came from now, or
// the branch it came from first; nothing if it was made in the branch itself.
func MoveIn(state any, from Origin, to auth.BranchID) {
	moved, ok := state.(interface{ movedIn() *MovedIn })
	if !ok {
		return
	}
	switch m := moved.movedIn(); {
	case m.Origin == nil:
		m.Origin = &from
	case m.Origin.Branch == to:
		m.Origin = nil
	}
}
