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
	Status   string        `json:"status"`
	At       time.Time     `json:"at"`
	Expires  time.Time     `json:"expires"`
	Attempts int           `json:"attempts"`
	DoneAt   time.Time     `json:"done_at"`
}

// The states of an alert.
const (
	Pending  = "pending"
	Sending  = "sending" // a provider is being asked, or was when the process died
	Sent     = "sent"
	Dead     = "dead"     // given up
	Unknown  = "unknown"  // asked, and the answer is not known
	Refused  = "refused"  // the rule says no by now
	Replaced = "replaced" // a newer alert of the device goes out in its place
)

var (
	// ByStatus finds alerts by status and time; casework declares the same index.
	ByStatus = journal.Index{Type: "alerts", Name: "status", Fields: []string{"status", "at"}}
	// ByDevice finds a device's alerts by status and time; casework declares the same index.
	ByDevice = journal.Index{Type: "alerts", Name: "device", Fields: []string{"device", "status", "at"}}
)

// Mark is a new state of an alert.
type Mark struct {
	ID       string
	Status   string
	Reason   string // a code of why it was not sent
	Provider string // the provider's id for the message
	Attempts int
}

// Ledger records and judges; the domain implements it.
type Ledger interface {
	// Mark records states as entries, durable when it returns. It answers with the ids of the alerts whose
	// state is what it was, since the mark is no step from there: they were settled elsewhere.
	Mark(ctx context.Context, branch auth.BranchID, marks []Mark) (passed []string, err error)
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
	// PushToken is "" for a device that has none, or is not to be alerted any more.
	PushToken(ctx context.Context, d auth.DeviceID) (string, error)
	// DropPushToken forgets a token the provider calls dead, unless the device has another by now.
	DropPushToken(ctx context.Context, d auth.DeviceID, token string) error
}

// Message is what a provider gets: nothing personal. A later message to a device takes the place of
// one that waits at the provider: what the phone is to know it pulls.
type Message struct {
	Token   string
	Kind    string
	Task    string // the alert's id: opaque
	Expires time.Time
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
