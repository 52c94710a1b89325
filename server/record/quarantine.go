package record

import (
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Quarantined is the state of a document of type "quarantine": something a phone
// sent that was not applied, kept whole for a supervisor or the case's new owner.
// What the phone said of itself stands in the clear where it is one of our names or an
// id; a type that is not known here is sealed. Auditors read what is in the clear here, and
// regulators the rest in exports.
type Quarantined struct {
	Agent  auth.UserID   `json:"agent" is:"server" see:"office,auditor"`
	Device auth.DeviceID `json:"device" is:"server" see:"office,auditor"`
	Mid    string        `json:"mid" is:"id" see:"office,auditor"`
	Type   string        `json:"of_type" is:"id" see:"office,auditor"` // "" for one that is not known here
	// TypeSaid is a type that is not known here, as the phone said it.
	TypeSaid seal.Text        `json:"type_said,omitzero" see:"office"`
	Record   string           `json:"record" is:"id" see:"office,auditor"`
	Op       string           `json:"op" is:"id" see:"office,auditor"`
	Case     journal.CaseID   `json:"case,omitempty" is:"server" see:"office,auditor"`
	Debtor   journal.DebtorID `json:"debtor,omitempty" is:"server" see:"office,auditor"`
	Outcome  string           `json:"outcome" is:"server" see:"office,auditor"` // conflict, revoked, rejected, not_yet
	Code     string           `json:"code,omitempty" is:"server" see:"office,auditor"`
	Fields   seal.Text        `json:"fields,omitzero" see:"office"` // the payload, as JSON text
	// Parts are how many documents of type "quarantine_parts" hold the payload instead, one that
	// is too large for a single document; 0: Fields has it.
	Parts int       `json:"parts,omitempty" see:"office,auditor"`
	State string    `json:"state" is:"server" see:"office,auditor"` // open, accepted, dismissed, moved, waiting, settled
	At    time.Time `json:"at" see:"office,auditor"`
	// Written is when the phone wrote it, by its own clock, and SkewS how wrong that clock was
	// when it came, in seconds: what is accepted later is corrected by them.
	Written time.Time   `json:"written_at,omitzero" see:"office,auditor"`
	SkewS   int64       `json:"skew_s,omitempty" see:"office,auditor"`
	By      auth.UserID `json:"handled_by,omitempty" is:"server" see:"office,auditor"`
	// HandledAt is when it was accepted or dismissed.
	HandledAt time.Time `json:"handled_at,omitzero" see:"office,auditor"`
	Note      seal.Text `json:"note,omitzero" most:"200" see:"office"`
	// Corrected are the members that the supervisor put in the place of those sent, as they wrote them.
	Corrected seal.JSON `json:"corrected,omitzero" see:"office"`
	// Recorded is the id of the record that was made of it; "" before it is accepted.
	Recorded string `json:"recorded_as,omitempty" is:"server" see:"office,auditor"`
	// MonoMs is the phone's monotonic clock in milliseconds.
	MonoMs int64 `json:"mono_ms,omitempty" see:"office"`
	// NotAfter is the latest instant at which the phone can have written it, as its monotonic clock shows.
	NotAfter time.Time `json:"not_after,omitzero" see:"office"`
	MovedIn
}

// IsPrivate tells whether the payload is a draft's. It is kept, and dies with the debtor, but it is shown to no one:
// the text of a draft is its agent's alone. There is nothing for a supervisor to do about it.
func (q *Quarantined) IsPrivate() bool {
	kind, _ := KindOf(q.Type)
	return kind.Private
}

// QuarantinePart is the state of a document of type "quarantine_parts": a part of the payload of
// an item of the quarantine, whose ids are the item's with the part's number: q1.0, q1.1, ….
// Joined in this order they are the payload whole.
type QuarantinePart struct {
	Item   string           `json:"item" is:"server" see:"office"`
	Debtor journal.DebtorID `json:"debtor,omitempty" is:"server" see:"office"`
	Fields seal.Text        `json:"fields,omitzero" see:"office"`
}
