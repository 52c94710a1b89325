package record

import (
	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
	"time"
)

// VisitReview is the state of a document of type "visit_reviews": what a
// supervisor makes of a visit, under the visit's id. The visit itself is never
// touched; a later review takes the place of this one and the journal keeps both.
type VisitReview struct {
	Case   journal.CaseID   `json:"case"`
	Debtor journal.DebtorID `json:"debtor"`
	State  string           `json:"state"` // accepted, questioned, invalid
	By     auth.UserID      `json:"by"`
	At     time.Time        `json:"at"`
	Notes  seal.Text        `json:"notes,omitzero"`
}

// EachSealed names the personal parts of a review.
func (r *VisitReview) EachSealed(fn func(field string, p seal.Part)) { fn("notes", &r.Notes) }

var ReviewStates = [...]string{"accepted", "questioned", "invalid"}
