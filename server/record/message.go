package record

import (
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Message is the state of a document of type "messages": a text to the debtor. It is written before it is sent, and
// each change of its state is an entry. What it says and to which number is personal; that it was sent, when, and by
// which law it was refused is not.
type Message struct {
	Case   journal.CaseID   `json:"case" is:"id" see:"office,lender"`
	Debtor journal.DebtorID `json:"debtor" is:"id" see:"office,lender"`
	Lender string           `json:"lender" is:"id" see:"office,lender"`
	Branch auth.BranchID    `json:"branch" is:"server" see:"office,lender"`
	// Kind is overdue_reminder, second_reminder and the like.
	Kind string `json:"kind" is:"message_kinds" see:"office,lender"`
	// Step is its place in the case's ladder, from 1; 0 for one that is not of the ladder.
	Step int `json:"step,omitempty" see:"office,lender"`
	// Template and Version name the template that it was made of; "" before the first attempt.
	Template string `json:"template,omitempty" is:"server" see:"office"`
	Version  int    `json:"template_version,omitempty" see:"office"`
	Language string `json:"language,omitempty" is:"language" see:"office,lender"`
	// Number is the number it goes to, E.164, and NumberVerifiedOn the local date on which that was last found to be the
	// debtor's. Neutral says that it was not, or too long ago, so that the text tells of no debt.
	Number           seal.Text `json:"number,omitzero" most:"32" see:"office"`
	NumberVerifiedOn string    `json:"number_verified_on,omitempty" is:"date" see:"office,lender"`
	Neutral          bool      `json:"neutral,omitempty" see:"office,lender"`
	Text             seal.Text `json:"text,omitzero" most:"4000" see:"office"`
	// Given are the values of variables that no record has, such as the window of a visit.
	Given Personal[[]GivenValue] `json:"given,omitzero" see:"office"`
	// VisitOn is the debtor's local date of the visit that a notice names, and VisitSpan when it begins; "" and nil where
	// a person wrote the date, or for other kinds.
	VisitOn   string  `json:"visit_on,omitempty" is:"date" see:"office,lender"`
	VisitSpan *Window `json:"visit_span,omitempty" see:"office,lender"`
	// State is queued, refused, sending, sent, delivered, failed, unknown or cancelled.
	State string `json:"state" is:"message_states" see:"office,lender"`
	// Reason is the code of why it was refused, failed or cancelled.
	Reason string `json:"reason,omitempty" is:"server" see:"office,lender"`
	// Decision is what the law said when it was last to be sent.
	Decision *Verdict `json:"decision,omitempty" see:"office,lender"`
	// Faults are what the judgement of the text found, if it was refused for them.
	Faults   []WordFault `json:"faults,omitempty" most:"20" see:"office"`
	QueuedAt time.Time   `json:"queued_at" see:"office,lender"`
	// NextAt is when it is to be sent, or tried again; zero for one that is not to be sent any more.
	NextAt time.Time `json:"next_at,omitzero" see:"office,lender"`
	// Expires is when it is of no use any more; zero for never.
	Expires     time.Time `json:"expires_at,omitzero" see:"office,lender"`
	SentAt      time.Time `json:"sent_at,omitzero" see:"office,lender"`
	DeliveredAt time.Time `json:"delivered_at,omitzero" see:"office,lender"`
	Attempts    int       `json:"attempts,omitempty" see:"office"`
	// Provider is the name of who carried it, and ProviderID their id for it.
	Provider   string `json:"provider,omitempty" is:"server" see:"office"`
	ProviderID string `json:"provider_id,omitempty" is:"server" see:"office"`
	// Contact is the contact that it counts as.
	Contact string `json:"contact_id,omitempty" is:"server" see:"office,lender"`
	// Reply is the last reply to it, and ReplyIntent what that means.
	Reply       string `json:"reply_id,omitempty" is:"server" see:"office"`
	ReplyIntent string `json:"reply_intent,omitempty" is:"reply_intents" see:"office"`
	// Answers is the reply that this message answers.
	Answers string      `json:"answers,omitempty" is:"server" see:"office"`
	By      auth.UserID `json:"by,omitempty" is:"server" see:"office"` // who queued it
	MovedIn
}

// GivenValue is the value of a variable of a template.
type GivenValue struct {
	Name  string `json:"name" is:"id"`
	Value string `json:"value" is:"text"`
}

// WordFault is why a text may not be sent: the code of what is wrong, and where. What it says stands in the text.
type WordFault struct {
	Reason string `json:"reason" is:"server"`
	At     string `json:"at,omitempty" is:"server"`
}

// States of a message.
const (
	MessageQueued    = "queued"    // to be sent at NextAt
	MessageRefused   = "refused"   // a rule said no; tried again at NextAt
	MessageSending   = "sending"   // a provider is being asked, or was when the process died
	MessageSent      = "sent"      // the provider has taken it
	MessageDelivered = "delivered" // the provider says that the phone has it
	MessageFailed    = "failed"    // it certainly did not arrive
	MessageUnknown   = "unknown"   // a provider was asked, and what it did is not known: never sent again
	MessageCancelled = "cancelled" // not to be sent any more
)

// messageSteps are the steps between states. What is in no row is at its end.
var messageSteps = map[string][]string{
	MessageQueued:  {MessageQueued, MessageRefused, MessageSending, MessageCancelled},
	MessageRefused: {MessageQueued, MessageRefused, MessageSending, MessageCancelled},
	MessageSending: {MessageQueued, MessageSent, MessageDelivered, MessageFailed, MessageUnknown},
	MessageSent:    {MessageDelivered, MessageFailed},
	MessageUnknown: {MessageSent, MessageDelivered, MessageFailed},
}

// MessageStep tells whether a message may go from one state to another. A message at sending goes back to queued only
// when the provider has certainly not taken it.
func MessageStep(from, to string) bool { return slices.Contains(messageSteps[from], to) }

// Waits tells whether the message is still to be sent.
func (m *Message) Waits() bool { return m.State == MessageQueued || m.State == MessageRefused }

// Ladder is the state of a document of type "ladders", under the case's id: how far the case has come with its texts.
type Ladder struct {
	Case   journal.CaseID   `json:"case" is:"id" see:"office,lender"`
	Debtor journal.DebtorID `json:"debtor" is:"id" see:"office,lender"`
	Lender string           `json:"lender" is:"id" see:"office,lender"`
	State  string           `json:"state" is:"ladder_states" see:"office,lender"`
	// Reason is the code of why it is not active, or of why no step is taken now: gap, previous_not_delivered, no_number,
	// reply, hold, plan, undeliverable and the like.
	Reason string `json:"reason,omitempty" is:"server" see:"office,lender"`
	// Step is how many steps were taken, and Kind the kind of the last one.
	Step int    `json:"step" see:"office,lender"`
	Kind string `json:"kind,omitempty" is:"message_kinds" see:"office,lender"`
	// DueDate is the case's due date that it is about: a later one begins the ladder anew.
	DueDate string    `json:"due_date" is:"date" see:"office,lender"`
	At      time.Time `json:"at" see:"office,lender"` // when it began
	// NextAt is when the case is looked at next; zero when only something new changes it.
	NextAt time.Time `json:"next_at,omitzero" see:"office,lender"`
	// Waiting is the message of the step under way; "" for none.
	Waiting string `json:"waiting,omitempty" is:"server" see:"office,lender"`
	// Texts are the steps that were taken, in order.
	Texts []LadderText `json:"texts,omitempty" most:"50" see:"office,lender"`
	// By is the user who paused or stopped it; "" where the server did.
	By auth.UserID `json:"by,omitempty" is:"server" see:"office"`
	MovedIn
}

// LadderText is a text of a ladder that was sent.
type LadderText struct {
	Kind    string `json:"kind" is:"message_kinds"`
	Message string `json:"message_id" is:"server"`
	On      string `json:"on" is:"date"` // the debtor's local date
	State   string `json:"state" is:"message_states"`
}

// States of a ladder.
const (
	LadderActive    = "active"
	LadderPaused    = "paused"    // a reply waits, a plan is kept, or a supervisor paused it
	LadderStopped   = "stopped"   // no text of it is sent any more
	LadderCompleted = "completed" // all steps were taken
)

// Reply is the state of a document of type "replies": a text that came from a debtor's number. It waits for a
// supervisor until it is handled; what it changes by itself is changed when it comes.
type Reply struct {
	Case   journal.CaseID   `json:"case" is:"id" see:"office"`
	Debtor journal.DebtorID `json:"debtor" is:"id" see:"office"`
	Lender string           `json:"lender" is:"id" see:"office"`
	// Message is the message to which it is the answer: the last one that the case was sent; "" for none.
	Message string    `json:"message,omitempty" is:"server" see:"office"`
	Number  seal.Text `json:"number,omitzero" most:"32" see:"office"` // E.164
	Text    seal.Text `json:"text,omitzero" most:"8000" see:"office"`
	// Provider is who brought it, and ProviderID their id for it.
	Provider   string    `json:"provider,omitempty" is:"server" see:"office"`
	ProviderID string    `json:"provider_id,omitempty" is:"server" see:"office"`
	At         time.Time `json:"at" see:"office"` // when it came
	// Intent is the first of what it means, Also the rest.
	Intent string   `json:"intent" is:"reply_intents" see:"office"`
	Also   []string `json:"also,omitempty" is:"reply_intents" see:"office"`
	// Vulnerable says that it tells of an illness, a death, hunger or a lost job: a person looks at it the same day.
	Vulnerable bool `json:"vulnerable,omitempty" see:"office"`
	// Did are the codes of what was changed at once: opted_out, number_frozen, complaint, dispute, vulnerable,
	// no_visits, no_calls, confirmed.
	Did   []string `json:"did,omitempty" is:"server" see:"office"`
	State string   `json:"state" is:"server" see:"office"` // open or handled
	// HandledBy is the user who has handled it, and Note what they did.
	HandledBy auth.UserID `json:"handled_by,omitempty" is:"server" see:"office"`
	HandledAt time.Time   `json:"handled_at,omitzero" see:"office"`
	Note      seal.Text   `json:"note,omitzero" most:"2000" see:"office"`
	MovedIn
}

// States of a reply.
const (
	ReplyOpen    = "open"
	ReplyHandled = "handled"
)

// Intents of a reply, in the order in which the first is reported.
const (
	IntentStop        = "stop"
	IntentWrongNumber = "wrong_number"
	IntentComplaint   = "complaint"
	IntentDispute     = "dispute"
	IntentPaid        = "paid_already"
	IntentPlan        = "wants_plan"
	IntentCall        = "call_me"
	IntentAbusive     = "abusive"
	IntentOther       = "other"
)

// Has tells whether the reply means an intent.
func (r *Reply) Has(intent string) bool { return r.Intent == intent || slices.Contains(r.Also, intent) }
