package record

import (
	"time"

	"doorstep/sync/journal"
)

// Confirmation is the state of a document of type "visit_confirmations": an agent named in
// a colleague's visit says from their own phone that they were there. Written once.
type Confirmation struct {
	ConfirmationReport
	Taken
}

// ConfirmationReport is what the phone says in a confirmation.
type ConfirmationReport struct {
	Case  journal.CaseID `json:"case" is:"id" see:"all" need:"say which case it belongs to"`
	Visit string         `json:"visit" is:"id" see:"all" need:"say which visit this confirms"`
	// At is when the agent confirmed: a phone says it by its own clock; what is kept is corrected.
	At time.Time `json:"at" see:"all" need:"say when it happened, as RFC 3339 with an offset"`
}

// Happened is where it stands when it happened.
func (c *ConfirmationReport) Happened() *time.Time { return &c.At }

// CaseOf is the case the confirmation belongs to.
func (c *ConfirmationReport) CaseOf() journal.CaseID { return c.Case }

// Corrects is always "": a confirmation is not corrected.
func (c *ConfirmationReport) Corrects() string { return "" }
