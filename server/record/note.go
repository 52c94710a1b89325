package record

import (
	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
	"time"
)

func (n *Note) caseID() journal.CaseID { return n.Case }

func (n *Note) check(now time.Time) *refusal.Error {
	if err := checkAt(n.At, now); err != nil {
		return err
	}
	if err := CodeWords("visit", n.Visit, n.Supersedes); err != nil {
		return err
	}
	if len(n.Text.Plain()) > 4000 || n.Text.Plain() == "" {
		return invalid("validation.text", "text", "a note has 1 to 4000 bytes")
	}
	return Listed("kind", n.Kind, noteKinds[:])
}

// Note is the state of a document of type "visit_notes". Written once.
type Note struct {
	Case       journal.CaseID   `json:"case"`
	Debtor     journal.DebtorID `json:"debtor"`
	Visit      string           `json:"visit,omitempty"`
	At         time.Time        `json:"at"`
	Text       seal.Text        `json:"text"`
	Kind       string           `json:"kind,omitempty"` // general, safety, address, hardship
	Supersedes string           `json:"supersedes,omitempty"`
	By         auth.UserID      `json:"by"`
	SkewS      int64            `json:"skew_s,omitempty"`
	Flags      []string         `json:"flags,omitempty"` // clock_skew
	More       seal.Text        `json:"more,omitzero"`   // as of a visit
	Said       string           `json:"said,omitempty"`  // as of a visit
}

// EachSealed names the personal parts of a note.
func (n *Note) EachSealed(fn func(field string, p seal.Part)) {
	fn("text", &n.Text)
	fn("more", &n.More)
}
