package record

import (
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Contact is the state of a document of type "contacts": one attempt to reach the debtor.
type Contact struct {
	Case    journal.CaseID   `json:"case" is:"id" see:"office,lender"`
	Debtor  journal.DebtorID `json:"debtor" is:"id" see:"office,lender"`
	Channel string           `json:"channel" is:"server" see:"office,lender"` // visit, call, sms, im, email, letter_delivery
	At      time.Time        `json:"at" see:"office,lender"`
	// Result is contact, answered, no_answer, delivered, sent, failed, …
	Result string `json:"result" is:"server" see:"office,lender"`
	Party  string `json:"party,omitempty" is:"server" see:"office,lender"`
	// PartyRef tells several third parties apart; an opaque id, never a name.
	PartyRef string `json:"party_ref,omitempty" is:"id" see:"office"`
	// Number is the number that was called or written to, E.164: caps of a profile count by number.
	Number   seal.Text `json:"number,omitzero" most:"32" see:"office"`
	External string    `json:"external_id,omitempty" is:"id" see:"office,lender"`
	Visit    string    `json:"visit,omitempty" is:"server" see:"office,lender"` // the visit this contact was
	Excluded bool      `json:"excluded,omitempty" see:"office"`
	// Struck is set when the import that brought the contact was undone: it stays visible and no cap counts it.
	Struck *Striking `json:"struck,omitempty" see:"office,lender"`
	// Import is the import that wrote the contact last; nil for none.
	Import *Imported `json:"import,omitempty" see:"none"`
	// Tried is the channel of a contact that counts as an attempt for ever, Reached the party
	// of one that reached somebody (conduct.HistoryEntry); "" where it does not count.
	Tried   string        `json:"tried,omitempty" is:"server" see:"none"`
	Reached string        `json:"reached,omitempty" is:"server" see:"none"`
	By      auth.UserID   `json:"by,omitempty" is:"server" see:"office"`
	Lender  string        `json:"lender,omitempty" is:"server" see:"office,lender"`
	Branch  auth.BranchID `json:"branch" is:"server" see:"office,lender"`
}

// Loads tells whether the contact is part of the load of the debtor: it was made, whoever answered, and counts.
func (c *Contact) Loads() bool { return !c.Uncounted() && c.Result != "failed" }

// DebtorParty is the party of a contact that names none.
const DebtorParty = "debtor"
