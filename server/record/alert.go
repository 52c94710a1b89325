package record

import (
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Alert is the state of a document of type "alerts": a push message to one device, caused by
// one entry or several. It carries no personal data, and names no case. The outbox
// (server/notify) sends what is pending and records the outcome as an entry; a rebuild of the
// views never sends. A device has at most one alert that is pending: what happens while it
// waits is told by it too.
type Alert struct {
	// Kind is the most urgent of what it tells of: task_revoked, task_changed, new_task.
	Kind    string        `json:"kind" is:"server" see:"office"`
	Channel string        `json:"channel" is:"server" see:"office"` // how it goes out: push
	Device  auth.DeviceID `json:"device" is:"server" see:"office"`
	User    auth.UserID   `json:"user" is:"server" see:"office"`
	Branch  auth.BranchID `json:"branch" is:"server" see:"office"`
	// Rounds are those whose new tasks it tells of. Before it is sent the law is asked about them again.
	Rounds []string `json:"rounds,omitempty" is:"server" see:"office"`
	// Status is pending, sending (a provider is asked), sent (the provider has it), dead (given up; it
	// can be sent again by hand), unknown (asked, and the answer never came), refused (by then nothing was
	// left to be told) or replaced (a newer alert of the device went out in its place).
	Status   string    `json:"status" is:"server" see:"office"`
	At       time.Time `json:"at" see:"office"` // when it was first caused
	Expires  time.Time `json:"expires,omitzero" see:"office"`
	Attempts int       `json:"attempts,omitempty" see:"office"`
	// Reason is the code of why it was not sent. Of dead ones: no_token (the phone has told no push token,
	// or is not in use any more), unregistered (the app was removed), expired, sender_mismatch (the token is
	// of another push project: check the server's credentials), invalid_argument, rule_unreadable,
	// token_unreadable, or what the provider answered: quota, unavailable, deadline, unreachable, unreadable,
	// unclear, status_ and a number. Of refused ones: revoked, gone, or the code of a conduct rule. Of
	// replaced ones: newer_alert. Of unknown ones: attempts.
	Reason string `json:"reason,omitempty" is:"server" see:"office"`
	// Provider is the provider's id for a message it has taken.
	Provider string    `json:"provider_id,omitempty" is:"server" see:"office"`
	DoneAt   time.Time `json:"done_at,omitzero" see:"office"` // when it came to its end
}

// Kinds of alerts.
const (
	AlertNew     = "new_task"
	AlertChanged = "task_changed"
	AlertRevoked = "task_revoked" // the agent must not go there any more
)

// MoreUrgent is the kind of alert that an agent must know of first.
func MoreUrgent(a, b string) string {
	order := []string{AlertNew, AlertChanged, AlertRevoked}
	if slices.Index(order, a) >= slices.Index(order, b) {
		return a
	}
	return b
}

// Statuses of an alert.
const (
	AlertPending  = "pending"
	AlertSending  = "sending"  // a provider is being asked, or was when the process died
	AlertSent     = "sent"     // the provider has taken it
	AlertDead     = "dead"     // given up; it can be sent again by hand
	AlertUnknown  = "unknown"  // asked, and the answer is not known
	AlertRefused  = "refused"  // the rule said no by then
	AlertReplaced = "replaced" // a newer alert of the device went out in its place
)

// alertSteps are the steps between statuses. What is in no row is at its end.
var alertSteps = map[string][]string{
	AlertPending: {AlertSending, AlertRefused, AlertDead, AlertReplaced},
	AlertSending: {AlertSending, AlertSent, AlertRefused, AlertDead, AlertUnknown, AlertReplaced},
	AlertDead:    {AlertPending}, // by hand
}

// AlertStep tells whether an alert may go from one status to another.
func AlertStep(from, to string) bool { return slices.Contains(alertSteps[from], to) }

// AlertOver tells whether a status is an end of the outbox's work.
func AlertOver(status string) bool { return status != AlertPending && status != AlertSending }

// AlertsKey is the journal key that every writer of a device's alerts writes.
func AlertsKey(d auth.DeviceID) journal.Key { return journal.Key("alerts:" + d) }
