package record

import (
	"time"

	"doorstep/auth/refusal"
)

// Confirmation is the state of a document of type "visit_confirmations": an agent named in
// a colleague's visit says from their own phone that they were there. Written once.
type Confirmation struct {
	ConfirmationReport
	Taken
}

// ConfirmationReport is what the phone says in a confirmation; its visit must be given.
type ConfirmationReport struct {
	About
}

func (c *ConfirmationReport) check(now time.Time) *refusal.Error {
	if c.Visit == "" {
		return invalid("validation.visit", "visit", "say which visit this confirms")
	}
	return c.About.check(now)
}
