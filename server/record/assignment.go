package record

import (
	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
	"encoding/json"
	"time"
)

// Statuses of an assignment.
const (
	AssignmentOpen      = "open"
	AssignmentDone      = "done"
	AssignmentRevoked   = "revoked"
	AssignmentCancelled = "cancelled"
)

// closedByDay is why an assignment is cancelled whose day is over without a visit.
const closedByDay = "day:over"

// shown tells whether phones show the assignment.
func (a *Assignment) Shown() bool {
	return !a.Retired && (a.Status == AssignmentOpen || a.Status == AssignmentDone)
}

// dayOver tells whether the assignment left the phones because its day was over,
// and for no other reason. Nobody took it back, so what its agents recorded that
// day is theirs to send, however late.
func (a *Assignment) DayOver() bool {
	return a.Retired && (a.Status == AssignmentDone || a.Status == AssignmentCancelled && a.ClosedBy == closedByDay)
}

// expire takes an assignment whose day is over off the phones.
func (a *Assignment) Expire() {
	if a.Status == AssignmentOpen {
		a.Status, a.ClosedBy = AssignmentCancelled, closedByDay
	}
	a.Retired = true
}

// Assignment is the state of a document of type "assignments": a stop issued to agents' phones.
type Assignment struct {
	Case     journal.CaseID   `json:"case"`
	Debtor   journal.DebtorID `json:"debtor"`
	Branch   auth.BranchID    `json:"branch"`
	Round    string           `json:"round,omitempty"`
	Route    string           `json:"route,omitempty"`
	Team     string           `json:"team"`
	Agents   []auth.UserID    `json:"agents"` // every agent on the shift; any may act
	Date     string           `json:"date"`   // local date of the round
	StopSeq  int              `json:"stop_seq"`
	ETA      time.Time        `json:"eta"`
	Window   Window           `json:"window"`
	ServiceS int              `json:"service_s"`
	// Appointment is the one the stop keeps; "" for none.
	Appointment string `json:"appointment,omitempty"`
	// Items, Recording and Overlays (the branch's conduct profiles) are what the law is asked with.
	Items     []string `json:"items,omitempty"`
	Recording bool     `json:"recording,omitempty"`
	Overlays  []string `json:"overlays,omitempty"`
	TimeZone  string   `json:"time_zone"`
	Territory string   `json:"territory,omitempty"`
	Status    string   `json:"status"` // open, done, revoked, cancelled: the server's
	// AgentStatus, VisitOrder and AgentRemark are the phone's to patch.
	AgentStatus string    `json:"agent_status,omitempty"` // accepted, en_route, at_door, visited, declined
	VisitOrder  int       `json:"visit_order,omitempty"`
	AgentRemark seal.Text `json:"agent_remark,omitzero"`
	// ClosedBy is the visit that closed it, or the reason it was revoked or cancelled.
	ClosedBy string `json:"closed_by,omitempty"`
	// Retired says that its day is over, or another took its place: no phone shows it any more.
	Retired bool `json:"retired,omitempty"`
	// OnPhones is 1 while phones show it, for the index; 0 else.
	OnPhones int `json:"on_phones,omitempty"`
	// Written tells which device last wrote each of the phone's fields, and when, in revisions.
	Written   map[string]offline.FieldWrite `json:"written,omitempty"`
	Decisions json.RawMessage               `json:"decisions,omitempty"`
	IssuedAt  time.Time                     `json:"issued_at"`
	Extra     Extra                         `json:"extra,omitzero"`
}

// EachSealed names the personal parts of an assignment.
func (a *Assignment) EachSealed(fn func(field string, p seal.Part)) {
	fn("agent_remark", &a.AgentRemark)
}
