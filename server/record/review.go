package record

import (
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// VisitReview is the state of a document of type "visit_reviews": what a
// supervisor makes of a visit, under the visit's id. The visit itself is never
// touched; a later review takes the place of this one and the journal keeps both.
type VisitReview struct {
	Case   journal.CaseID   `json:"case" is:"server" see:"office"`
	Debtor journal.DebtorID `json:"debtor" is:"server" see:"office"`
	State  string           `json:"state" is:"review_states" see:"office"`
	By     auth.UserID      `json:"by" is:"server" see:"office"`
	At     time.Time        `json:"at" see:"office"`
	Notes  seal.Text        `json:"notes,omitzero" most:"2000" see:"office"`
	MovedIn
}

// CorrectionReview is the state of a document of type "correction_reviews": what a supervisor makes of a record, other
// than a visit, that corrects an earlier one. Its id is the type and the id of that record with a slash between; a
// later review takes the place of this one and the journal keeps both.
type CorrectionReview struct {
	Case   journal.CaseID   `json:"case" is:"server" see:"office"`
	Debtor journal.DebtorID `json:"debtor" is:"server" see:"office"`
	Type   string           `json:"type" is:"server" see:"office"`      // the kind of the record that corrects
	Record string           `json:"record_id" is:"server" see:"office"` // the record that corrects
	State  string           `json:"state" is:"review_states" see:"office"`
	By     auth.UserID      `json:"by" is:"server" see:"office"`
	At     time.Time        `json:"at" see:"office"`
	Notes  seal.Text        `json:"notes,omitzero" most:"2000" see:"office"` // why, for people
	MovedIn
}

// ID is the id of the document.
func (r *CorrectionReview) ID() string { return r.Type + "/" + r.Record }
