package record

import (
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Erasure is the state of a document of type "erasures". Nothing in it is personal.
type Erasure struct {
	Debtor      journal.DebtorID `json:"debtor" is:"server" see:"office"`
	Branch      auth.BranchID    `json:"branch" is:"server" see:"office"`
	Reason      string           `json:"reason" is:"erase_reasons" see:"office"`
	State       string           `json:"state" is:"erasure_states" see:"office"`
	AskedBy     auth.UserID      `json:"asked_by" is:"server" see:"office"`
	AskedAt     time.Time        `json:"asked_at" see:"office"`
	ConfirmedBy auth.UserID      `json:"confirmed_by,omitempty" is:"server" see:"office"`
	ConfirmedAt time.Time        `json:"confirmed_at,omitzero" see:"office"`
	// WithdrawnBy is who withdrew it before it was confirmed, at WithdrawnAt.
	WithdrawnBy auth.UserID `json:"withdrawn_by,omitempty" is:"server" see:"office"`
	// WithdrawnAt is when it was withdrawn.
	WithdrawnAt time.Time        `json:"withdrawn_at,omitzero" see:"office"`
	Withdrawal  string           `json:"withdrawal,omitempty" is:"erase_withdrawals" see:"office"` // why it was withdrawn
	ErasedAt    time.Time        `json:"erased_at,omitzero" see:"office"`
	Cases       []journal.CaseID `json:"cases,omitempty" is:"server" see:"office"` // the debtor's cases, when erased
}

// States of an erasure. One that is asked becomes confirmed and then erased, or it becomes
// withdrawn; erased and withdrawn are final.
const (
	ErasureAsked     = "asked"
	ErasureConfirmed = "confirmed"
	ErasureErased    = "erased"
	ErasureWithdrawn = "withdrawn"
)

// ClosedErased is the closing reason of a case whose debtor was erased: the server's own.
const ClosedErased = "erased"

// IsErased tells whether the case's debtor was erased.
func (c *Case) IsErased() bool { return c.Closed != nil && c.Closed.Reason == ClosedErased }
