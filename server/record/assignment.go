package record

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// Assignment is the state of a document of type "assignments": a stop issued to agents' phones.
type Assignment struct {
	AssignmentReport
	AssignmentFound
}

// AssignmentReport is what the phone may say of an assignment.
type AssignmentReport struct {
	AgentStatus string `json:"agent_status,omitempty" is:"agent_statuses" see:"office,agent"`
	// DeclineReason says why the agent declined; it means nothing with another status.
	DeclineReason string    `json:"decline_reason,omitempty" is:"decline_reasons" see:"office,agent"`
	VisitOrder    int       `json:"visit_order,omitempty" most:"1000" see:"office,agent"`
	AgentRemark   seal.Text `json:"agent_remark,omitzero" most:"1000" see:"office,agent"`
}

func (a *AssignmentReport) check(time.Time) *refusal.Error { return nil }

// agentSteps are the steps that agents may take with a stop, by where it stands.
var agentSteps = map[string][]string{
	"":         {"accepted", "en_route", "at_door", "visited", "declined"},
	"accepted": {"en_route", "at_door", "visited", "declined"},
	"en_route": {"accepted", "at_door", "visited", "declined"},
	"at_door":  {"en_route", "visited", "declined"},
	"declined": {"accepted"},
	"visited":  {},
}

// CodeStep is the code of a step that cannot be taken.
const CodeStep = "assignment.step"

// CheckStep refuses a step of an agent that the stop cannot take from where it stands.
func CheckStep(from, to string) *refusal.Error {
	steps := agentSteps[from]
	if from == to || slices.Contains(steps, to) {
		return nil
	}
	if len(steps) == 0 {
		return refusal.New(refusal.Conflict, CodeStep, "fields.agent_status", "a stop that is %s stays so", from)
	}
	return refusal.New(refusal.Conflict, CodeStep, "fields.agent_status",
		"a stop that is %s can become %s", cmp.Or(from, "new"), strings.Join(steps, ", "))
}

// AssignmentFound is what the server says of an assignment.
type AssignmentFound struct {
	Case     journal.CaseID   `json:"case" is:"server" see:"all"`
	Debtor   journal.DebtorID `json:"debtor" is:"server" see:"office,agent"`
	Branch   auth.BranchID    `json:"branch" is:"server" see:"office,agent"`
	Round    string           `json:"round,omitempty" is:"server" see:"office,agent"`
	Route    string           `json:"route,omitempty" is:"server" see:"office,agent"`
	Team     string           `json:"team" is:"server" see:"office,agent"`
	Agents   []auth.UserID    `json:"agents" is:"server" see:"office,agent"` // every agent on the shift; any may act
	Date     string           `json:"date" is:"server" see:"all"`            // local date of the round
	StopSeq  int              `json:"stop_seq" see:"office,agent"`
	ETA      time.Time        `json:"eta" see:"office,agent"`
	Window   Window           `json:"window" see:"office,agent"`
	ServiceS int              `json:"service_s" see:"office,agent"`
	// Appointment is the one the stop keeps; "" for none.
	Appointment string `json:"appointment,omitempty" is:"server" see:"office,agent"`
	// Items, Recording and Overlays (the branch's conduct profiles) are what the law is asked with.
	Items     []string `json:"items,omitempty" is:"server" see:"office,agent"`
	Recording bool     `json:"recording,omitempty" see:"office,agent"`
	Overlays  []string `json:"overlays,omitempty" is:"server" see:"office,agent"`
	TimeZone  string   `json:"time_zone" is:"server" see:"office,agent"`
	Territory string   `json:"territory,omitempty" is:"server" see:"office,agent"`
	Status    string   `json:"status" is:"server" see:"all"` // open, done, revoked, cancelled
	// ClosedBy is the visit that closed it, or the reason it was revoked or cancelled.
	ClosedBy string `json:"closed_by,omitempty" is:"server" see:"office,agent"`
	// Retired says that its day is over, or another took its place: no phone shows it any more.
	Retired bool `json:"retired,omitempty" see:"office,agent"`
	// OnPhones is 1 while phones show it, for the index; 0 else.
	OnPhones int     `json:"on_phones,omitempty" see:"none"`
	Written  Written `json:"written,omitempty" see:"none"`
	// Decisions is the conduct decision the stop was issued on.
	Decisions []Verdict `json:"decisions,omitempty" see:"office,agent"`
	IssuedAt  time.Time `json:"issued_at" see:"office,agent"`
	MovedIn
}

// Written tells which device last wrote each of a phone's members, and at which
// revision: what two writers are merged by. Each member stands in it once.
type Written []MemberWrite

// MemberWrite is the last write of one member.
type MemberWrite struct {
	Member string        `json:"member" is:"id"`
	Rev    uint64        `json:"rev"`
	Device auth.DeviceID `json:"device" is:"id"`
}

// Write says which device writes members of a record, and where in its history.
type Write struct {
	Device auth.DeviceID
	// Base is the revision that the device had seen, Rev the one that the write makes.
	Base, Rev uint64
	// Before says that it was written before the branch was last restored from a backup, which may have taken it away.
	Before bool
}

// Stamp notes that a device wrote some members. A write of before the last restore counts as one of the revision after
// those that its device had seen or made: what is written in this epoch is newer, and what another device wrote in the
// lost one when it had seen this write is newer too.
func (w *Written) Stamp(names []string, by Write) {
	for _, name := range names {
		write := MemberWrite{name, by.Rev, by.Device}
		i := slices.IndexFunc(*w, func(m MemberWrite) bool { return m.Member == name })
		if i < 0 {
			i = len(*w)
			*w = append(*w, MemberWrite{})
		}
		if by.Before && by.Base > 0 {
			write.Rev = min(by.Rev, max(by.Base, (*w)[i].Rev)+1)
		}
		(*w)[i] = write
	}
}

// Fields is what the sync policies merge by.
func (w Written) Fields() map[string]offline.FieldWrite {
	out := make(map[string]offline.FieldWrite, len(w))
	for _, m := range w {
		out[m.Member] = offline.FieldWrite{Rev: m.Rev, Device: m.Device}
	}
	return out
}

// Statuses of an assignment.
const (
	AssignmentOpen      = "open"
	AssignmentDone      = "done"
	AssignmentRevoked   = "revoked"
	AssignmentCancelled = "cancelled"
)

// closedByDay is why an assignment is cancelled whose day is over without a visit.
const closedByDay = "day:over"

// Shown tells whether phones show the assignment.
func (a *Assignment) Shown() bool {
	return !a.Retired && (a.Status == AssignmentOpen || a.Status == AssignmentDone)
}

// DayOver tells whether the assignment left the phones because its day was over,
// and for no other reason. It was not taken back, so what its agents recorded that
// day is theirs to send, however late.
func (a *Assignment) DayOver() bool {
	return a.Retired && (a.Status == AssignmentDone || a.Status == AssignmentCancelled && a.ClosedBy == closedByDay)
}

// Expire takes an assignment whose day is over off the phones.
func (a *Assignment) Expire() {
	if a.Status == AssignmentOpen {
		a.Status, a.ClosedBy = AssignmentCancelled, closedByDay
	}
	a.Retired = true
}
