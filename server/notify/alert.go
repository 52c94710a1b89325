package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Alert is what the outbox reads of a document of type "alerts".
type Alert struct {
	ID       string        `json:"-"`
	Kind     string        `json:"kind"` // new_task, task_changed, task_revoked
	Device   auth.DeviceID `json:"device"`
	User     auth.UserID   `json:"user"`
	Branch   auth.BranchID `json:"branch"`
	Collapse string        `json:"collapse"`
	Status   string        `json:"status"`
	At       time.Time     `json:"at"`
	Expires  time.Time     `json:"expires"`
	Attempts int           `json:"attempts"`
}

// The states of an alert.
const (
	Pending = "pending"
	Sending = "sending" // a provider is being asked, or was when the process died
	Sent    = "sent"
	Dead    = "dead"    // given up
	Unknown = "unknown" // asked, and nobody knows the answer
	Refused = "refused" // the rule says no by now
)

// ByStatus finds alerts by status and time; casework declares the same index.
var ByStatus = journal.Index{Type: "alerts", Name: "status", Fields: []string{"status", "at"}}

// Mark is a new state of an alert.
type Mark struct {
	ID       string
	Status   string
	Outcome  string // the provider's message id, or a code that says why not
	Attempts int
}

// Ledger records and judges; the domain implements it.
type Ledger interface {
	// Mark records states as entries, durable when it returns.
	Mark(ctx context.Context, branch auth.BranchID, marks []Mark) error
	// Ask judges alerts of a branch again at the moment of sending, and answers in their order.
	Ask(ctx context.Context, branch auth.BranchID, alerts []Alert) []Answer
}

// Answer says whether an alert may still go out.
type Answer struct {
	OK   bool
	Code string // why not
	Err  error  // the rule could not be read
}

// Tokens knows the push tokens of devices.
type Tokens interface {
	// PushToken is "" for a device that has none.
	PushToken(ctx context.Context, d auth.DeviceID) (string, error)
	// DropPushToken forgets a token the provider calls dead, unless the device has another by now.
	DropPushToken(ctx context.Context, d auth.DeviceID, token string) error
}

// Message is what a provider gets: nothing personal.
type Message struct {
	Token    string
	Kind     string
	Task     string // the alert's id: opaque
	Collapse string
	Expires  time.Time
}

// Sender is a provider.
type Sender interface {
	// Send hands a message over and returns the provider's id for it. A failure is a *Failure.
	Send(ctx context.Context, m Message) (id string, err error)
}

// Failure says what to do about a message that was not taken.
type Failure struct {
	// Unregistered: the token is dead and must be forgotten.
	Unregistered bool
	// Retry: it may be taken later, at the earliest after RetryAfter (0: we choose).
	Retry      bool
	RetryAfter time.Duration
	Why        string // a short code, without tokens or personal data
}

func (f *Failure) Error() string { return "push: " + f.Why }

func decode(rec journal.Record) (Alert, error) {
	var n Alert
	if err := json.Unmarshal(rec.Body, &n); err != nil {
		return Alert{}, fmt.Errorf("read alert %s: %w", rec.ID, err)
	}
	n.ID, n.Branch = rec.ID, rec.Branch
	return n, nil
}
