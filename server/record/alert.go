package record

import (
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Alert is the state of a document of type "alerts": a push message to one device,
// caused by an entry. It carries no personal data. The outbox (server/notify) sends
// what is pending and records the outcome as an entry; a rebuild of the views never sends.
type Alert struct {
	Kind       string        `json:"kind" is:"server" see:"office"` // new_task, task_changed, task_revoked
	Channel    string        `json:"channel" is:"server" see:"office"`
	Device     auth.DeviceID `json:"device" is:"server" see:"office"`
	User       auth.UserID   `json:"user" is:"server" see:"office"`
	Branch     auth.BranchID `json:"branch" is:"server" see:"office"`
	Assignment string        `json:"assignment,omitempty" is:"server" see:"office"` // or the route, when one alert stands for several
	// Case is asked about again before sending; it is never sent.
	Case     journal.CaseID `json:"case,omitempty" is:"server" see:"office"`
	Round    string         `json:"round,omitempty" is:"server" see:"office"`
	Collapse string         `json:"collapse" is:"server" see:"office"`
	// Status: pending, sending, sent, dead, unknown, refused, kept (no credentials: shown, not sent).
	Status   string    `json:"status" is:"server" see:"office"`
	At       time.Time `json:"at" see:"office"` // when it was caused
	Expires  time.Time `json:"expires,omitzero" see:"office"`
	Attempts int       `json:"attempts,omitempty" see:"office"`
	// Outcome is the provider's message id, or why it is dead or refused.
	Outcome string    `json:"outcome,omitempty" is:"server" see:"office"`
	DoneAt  time.Time `json:"done_at,omitzero" see:"office"`
}
