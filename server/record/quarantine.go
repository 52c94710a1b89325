package record

import (
	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
	"time"
)

// Quarantined is the state of a document of type "quarantine": something a phone
// sent that was not applied, kept whole for a supervisor or the case's new owner.
type Quarantined struct {
	Agent   auth.UserID      `json:"agent"`
	Device  auth.DeviceID    `json:"device"`
	Mid     string           `json:"mid"`
	Type    string           `json:"of_type"`
	Record  string           `json:"record"`
	Op      string           `json:"op"`
	Case    journal.CaseID   `json:"case,omitempty"`
	Debtor  journal.DebtorID `json:"debtor,omitempty"`
	Outcome string           `json:"outcome"` // conflict, revoked, rejected
	Code    string           `json:"code,omitempty"`
	Fields  seal.Text        `json:"fields,omitzero"` // the payload, as JSON text, sealed
	State   string           `json:"state"`           // open, accepted, dismissed
	At      time.Time        `json:"at"`
	By      auth.UserID      `json:"handled_by,omitempty"`
	Note    string           `json:"note,omitempty"`
}

// EachSealed names the personal parts of a quarantined payload.
func (q *Quarantined) EachSealed(fn func(field string, p seal.Part)) { fn("fields", &q.Fields) }
