package record

import (
	"doorstep/auth"
	"doorstep/sync/journal"
	"time"
)

// Notice is the state of a document of type "notices": an alert to one device, caused by an entry.
// It carries no personal data. The outbox (server/notify) sends what is pending and records the outcome
// as an entry; a rebuild of the views never sends.
type Alert struct {
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
