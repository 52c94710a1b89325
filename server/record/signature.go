package record

import (
	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
	"slices"
	"time"
)

func (s *Signature) caseID() journal.CaseID { return s.Case }

func (s *Signature) check(now time.Time) *refusal.Error {
	if err := checkAt(s.At, now); err != nil {
		return err
	}
	if s.Role != "agent" {
		if _, ok := Relationships[s.Role]; !ok {
			return invalid("validation.signer_role", "signer_role", "write a relationship, or agent")
		}
	}
	if err := CodeWords("signature", s.Visit, s.Of, s.SHA256, s.Supersedes); err != nil {
		return err
	}
	if s.OfType != "" && !slices.Contains([]string{"visits", "plans", "consents"}, s.OfType) {
		return invalid("validation.of_type", "of_type", "this is not one of visits, plans, consents")
	}
	return nil
}

// Signature is the state of a document of type "signatures": somebody signed on the
// phone; the strokes are an attachment. Written once.
type Signature struct {
	Case   journal.CaseID   `json:"case"`
	Debtor journal.DebtorID `json:"debtor"`
	Visit  string           `json:"visit,omitempty"`
	// Of names what was signed: a visit, plan or consent.
	OfType      string       `json:"of_type,omitempty"` // visits, plans, consents
	Of          string       `json:"of,omitempty"`
	Role        string       `json:"signer_role"` // a relationship, or agent
	At          time.Time    `json:"at"`
	SHA256      string       `json:"sha256"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Supersedes  string       `json:"supersedes,omitempty"`
	By          auth.UserID  `json:"by"`
	SkewS       int64        `json:"skew_s,omitempty"`
	Flags       []string     `json:"flags,omitempty"` // clock_skew
	More        seal.Text    `json:"more,omitzero"`   // as of a visit
	Said        string       `json:"said,omitempty"`  // as of a visit
}

// EachSealed names the personal parts of a signature.
func (s *Signature) EachSealed(fn func(field string, p seal.Part)) { fn("more", &s.More) }
