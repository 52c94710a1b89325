package casework

import (
	"encoding/json"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Notice is the state of a document of type "notices": an alert to one device, caused by an entry.
// It carries no personal data. The outbox (server/notify) sends what is pending and records the outcome
// as an entry; a rebuild of the views never sends.
type Notice struct {
	Kind       string         `json:"kind"` // new_task, task_changed, task_revoked
	Channel    string         `json:"channel"`
	Device     auth.DeviceID  `json:"device"`
	User       auth.UserID    `json:"user"`
	Branch     auth.BranchID  `json:"branch"`
	Assignment string         `json:"assignment,omitempty"` // or the route, when one alert stands for several
	Case       journal.CaseID `json:"case,omitempty"`       // asked about again before sending; never sent
	Round      string         `json:"round,omitempty"`
	Collapse   string         `json:"collapse"`
	// Status: pending, sending, sent, dead, unknown, refused, kept (no credentials: shown, not sent).
	Status   string    `json:"status"`
	At       time.Time `json:"at"` // when it was caused
	Expires  time.Time `json:"expires,omitzero"`
	Attempts int       `json:"attempts,omitempty"`
	Outcome  string    `json:"outcome,omitempty"` // provider's message id, or why it is dead or refused
	DoneAt   time.Time `json:"done_at,omitzero"`
}

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

// encode gives a state its stored form. A state holds nothing that JSON cannot hold; an error is a sealed part left open.
func encode(state any) (json.RawMessage, error) { return json.Marshal(state) }
