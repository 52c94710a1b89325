package record

import (
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Complaint is the state of a document of type "complaints": what a person complains of, as the office took it down,
// and what they were answered. What the person said never changes; the answer is added once.
type Complaint struct {
	ComplaintSaid
	Debtor journal.DebtorID `json:"debtor" is:"server" see:"office"`
	// By is the user who took it down, RecordedAt when.
	By         auth.UserID `json:"by" is:"server" see:"office"`
	RecordedAt time.Time   `json:"recorded_at" see:"office"`
	State      string      `json:"state" is:"server" see:"office"` // open, answered or closed
	// AnswerDue is the debtor's local date by which the answer is due. DueBy is the conduct profile that says so, or
	// office, if the user gave the date.
	AnswerDue string `json:"answer_due" is:"date" see:"office"`
	DueBy     string `json:"due_by" is:"server" see:"office"`
	// DueCite are the sources of that profile's time.
	DueCite []string `json:"due_cite,omitempty" is:"server" see:"office"`
	// Agents and Team are those of the visit that it is about.
	Agents []auth.UserID `json:"agents,omitempty" is:"server" see:"office"`
	Team   string        `json:"team,omitempty" is:"server" see:"office"`
	// Hold is the hold that it opened, or that was open already.
	Hold   string           `json:"hold_id,omitempty" is:"server" see:"office"`
	Answer *ComplaintAnswer `json:"answer,omitempty" see:"office"`
	// Closed is that another person than the one who answered agreed that it is dealt with.
	Closed *ComplaintClosing `json:"closed,omitempty" see:"office"`
	MovedIn
}

// ComplaintSaid is what the office writes down of a complaint.
type ComplaintSaid struct {
	Case  journal.CaseID `json:"case" is:"id" see:"office" need:"say which case it belongs to"`
	Visit string         `json:"visit,omitempty" is:"id" see:"office"` // the visit it is about
	// At is when the person complained.
	At      time.Time `json:"at" see:"office" need:"say when the person complained, as RFC 3339 with an offset"`
	Channel string    `json:"channel" is:"complaint_channels" see:"office" need:"say how it came"`
	// From is who complains: a relationship; "" for the debtor.
	From     string    `json:"from,omitempty" is:"relationships" see:"office"`
	Subjects []string  `json:"subjects" is:"complaint_subjects" most:"10" see:"office" need:"say what it is about"`
	Text     seal.Text `json:"text" most:"4000" see:"office" need:"say what the person complains of, in 1 to 4000 bytes"`
}

// ComplaintAnswer is what the person was answered.
type ComplaintAnswer struct {
	At      time.Time   `json:"at" need:"say when it was answered, as RFC 3339 with an offset"`
	By      auth.UserID `json:"by" is:"server"`
	Channel string      `json:"channel" is:"complaint_channels" need:"say how it was answered"`
	// Outcome is what the office makes of the complaint.
	Outcome string    `json:"outcome" is:"complaint_outcomes" need:"say what you make of the complaint"`
	Text    seal.Text `json:"text" most:"4000" need:"say what was answered, in 1 to 4000 bytes"`
	// Late says that it came after the date by which it was due.
	Late bool `json:"late,omitempty"`
}

// ComplaintClosing is that a second person has closed a complaint.
type ComplaintClosing struct {
	At   time.Time   `json:"at"`
	By   auth.UserID `json:"by" is:"server"`
	Note seal.Text   `json:"note,omitzero" most:"2000"`
}

// States of a complaint.
const (
	ComplaintOpen     = "open"
	ComplaintAnswered = "answered"
	ComplaintClosed   = "closed"
)

// Check refuses a complaint that says too little, or that names a code that is not on its list.
func (c *ComplaintSaid) Check() *refusal.Error { return Check(c) }

// Check refuses an answer that says too little, or that names a code that is not on its list.
func (a *ComplaintAnswer) Check() *refusal.Error { return Check(a) }
