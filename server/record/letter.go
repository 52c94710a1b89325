package record

import (
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// Letter is the state of a document of type "letters": one that the office sent to the debtor by post or by courier.
// It counts as a contact. That it came back is added once.
type Letter struct {
	LetterSaid
	Debtor journal.DebtorID `json:"debtor" is:"server" see:"office,lender"`
	Lender string           `json:"lender" is:"server" see:"office,lender"`
	// By is the user who noted it, RecordedAt when.
	By         auth.UserID `json:"by" is:"server" see:"office"`
	RecordedAt time.Time   `json:"recorded_at" see:"office,lender"`
	State      string      `json:"state" is:"server" see:"office,lender"` // sent or returned
	// Contact is the contact that the letter counts as.
	Contact string `json:"contact_id" is:"server" see:"office,lender"`
	// ReturnedAt is when it was back, and ReturnReason what the post says; zero and "" for one that is not.
	ReturnedAt   time.Time   `json:"returned_at,omitzero" see:"office,lender"`
	ReturnReason string      `json:"return_reason,omitempty" is:"return_reasons" see:"office,lender"`
	ReturnedBy   auth.UserID `json:"returned_by,omitempty" is:"server" see:"office"` // the user who noted it
	MovedIn
}

// LetterSaid is what the office writes down of a letter.
type LetterSaid struct {
	Case   journal.CaseID `json:"case" is:"id" see:"office,lender" need:"say which case it belongs to"`
	Kind   string         `json:"kind" is:"letter_kinds" see:"office,lender" need:"say what kind of letter it is"`
	SentAt time.Time      `json:"sent_at" see:"office,lender" need:"say when it was sent, as RFC 3339 with an offset"`
	// Party is who it went to, as contacts have it; "" for the debtor.
	Party string `json:"party,omitempty" is:"server" see:"office,lender"`
	// Reference is the sender's own id of it, such as the number of a registered letter.
	Reference string `json:"reference,omitempty" is:"id" see:"office,lender"`
	// Contents are codes of what a notice said.
	Contents []string `json:"contents,omitempty" is:"id" see:"office,lender"`
}

// States of a letter.
const (
	LetterSent     = "sent"
	LetterReturned = "returned"
)

// NoticeOf is the notice that a letter of this kind is: visit or agency; "" for none.
func (l *LetterSaid) NoticeOf() string {
	switch l.Kind {
	case "visit_notice":
		return "visit"
	case "agency_notice":
		return "agency"
	}
	return ""
}

// Check refuses a letter that says too little, or that names a code that is not on its list.
func (l *LetterSaid) Check() *refusal.Error { return Check(l) }
