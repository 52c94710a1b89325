package record

import (
	"doorstep/auth"
	"doorstep/sync/journal"
	"time"
)

// Contact is the state of a document of type "contacts": one attempt to reach the debtor.
type Contact struct {
	Case    journal.CaseID   `json:"case"`
	Debtor  journal.DebtorID `json:"debtor"`
	Channel string           `json:"channel"` // visit, call, sms, im, email, letter_delivery
	At      time.Time        `json:"at"`
	Result  string           `json:"result"` // contact, answered, no_answer, delivered, sent, failed, …
	Party   string           `json:"party,omitempty"`
	// PartyRef tells several third parties apart; an opaque id, never a name.
	PartyRef string        `json:"party_ref,omitempty"`
	Number   string        `json:"number,omitempty"` // a keyed hash of the number, never the number
	External string        `json:"external_id,omitempty"`
	Visit    string        `json:"visit,omitempty"` // the visit this contact was
	Excluded bool          `json:"excluded,omitempty"`
	By       auth.UserID   `json:"by,omitempty"`
	Lender   string        `json:"lender,omitempty"`
	Branch   auth.BranchID `json:"branch"`
}

// debtorParty is the party of a contact that names none.
const DebtorParty = "debtor"
