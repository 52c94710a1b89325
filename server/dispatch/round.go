package dispatch

import (
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

// Statuses of a round.
const (
	Queued     = "queued"
	Planning   = "planning" // shown while a run is under way; never stored
	Planned    = "planned"
	Publishing = "publishing"
	Published  = "published"
	Replanning = "replanning" // published, and planned anew from where the day stands
	Failed     = "failed"
	Replaced   = "replaced"   // another round of the day was published after it
	Cancelling = "cancelling" // called off, and leaving the phones
	Cancelled  = "cancelled"  // called off
)

// Round is the state of a document of type "rounds": the header of one branch's planned day.
type Round struct {
	ID     string        `json:"id"`
	Branch auth.BranchID `json:"branch"`
	Date   string        `json:"date"` // local to the branch
	Status string        `json:"status"`
	// What was asked for.
	Teams      []string    `json:"teams,omitempty"` // empty: every team with a shift
	Seed       uint64      `json:"seed"`
	TimeLimitS int         `json:"time_limit_s"`
	Objective  string      `json:"objective"`         // value, priority, cost
	Balance    string      `json:"balance,omitempty"` // stops, work: what is spread evenly over the teams
	By         auth.UserID `json:"by"`
	At         time.Time   `json:"at"`
	// What came out.
	Run        string    `json:"run,omitempty"` // the run whose routes and left-out cases count
	PlannedAt  time.Time `json:"planned_at,omitzero"`
	TookMs     int64     `json:"took_ms,omitempty"`
	Cases      int       `json:"cases"` // open cases looked at = Stops + LeftOut
	Routes     int       `json:"routes"`
	Stops      int       `json:"stops"`
	LeftOut    int       `json:"left_out"`
	Cost       *Cost     `json:"cost,omitempty"`
	Travel     string    `json:"travel,omitempty"`      // where travel times come from
	TravelNote string    `json:"travel_note,omitempty"` // what a person must know about them
	Policy     string    `json:"policy_hash,omitempty"`
	// Failure is the code of why the round failed, or of why publishing it did. It is empty once it is
	// asked for again, and tells nothing of a person.
	Failure     string `json:"failure,omitempty"`
	FailureText string `json:"failure_text,omitempty"` // the failure in words
	// Tries counts how often the work that the round waits for was begun.
	Tries int `json:"tries,omitempty"`
	// What became of it.
	PublishedAt time.Time   `json:"published_at,omitzero"`
	PublishedBy auth.UserID `json:"published_by,omitempty"`
	Issued      int         `json:"issued,omitempty"`  // assignments that went out
	Refused     int         `json:"refused,omitempty"` // stops the law or the case forbade at publishing
	ReplacedBy  string      `json:"replaced_by,omitempty"`
	CancelledBy auth.UserID `json:"cancelled_by,omitempty"` // the user who called it off
	// StoppedBy is the user who ended the search of the present version before its time.
	StoppedBy auth.UserID `json:"stopped_by,omitempty"`
	// Version counts how often the published round was planned anew; Replan is the last time.
	Version int     `json:"version,omitempty"`
	Replan  *Replan `json:"replan,omitempty"`
}

// OnPhones tells whether the round is what the phones show of its day.
func (r *Round) OnPhones() bool { return r.Status == Published || r.Status == Replanning }

// Replan is a published round's being planned anew: what was asked for and what came of it.
type Replan struct {
	At      time.Time   `json:"at"` // what lies before is over
	By      auth.UserID `json:"by"`
	Without []string    `json:"without,omitempty"` // teams that dropped out
	Moves   []MovedCase `json:"moves,omitempty"`   // cases that a supervisor moved in this round, by now
	Locks   []Lock      `json:"locks,omitempty"`   // what the search was not to change
	// Proposal is the one that was accepted; "" when nobody was asked.
	Proposal   string `json:"proposal,omitempty"`
	Seed       uint64 `json:"seed"`
	TimeLimitS int    `json:"time_limit_s"`
	// Was is the run whose plan the phones have.
	Was string `json:"was"`
	// Kept are the stops that were done or under way; New, Changed and Revoked
	// the assignments written to the phones. All others were left as they were.
	Kept    int `json:"kept"`
	New     int `json:"new"`
	Changed int `json:"changed"`
	Revoked int `json:"revoked"`
	// Failure is the code of why it came to nothing; the round then stands as it was.
	Failure     string `json:"failure,omitempty"`
	FailureText string `json:"failure_text,omitempty"` // the failure in words
}

// Cost is what a plan costs, in parts: seconds, and metres where it says so.
type Cost struct {
	TravelS   int `json:"travel_s"`
	DistanceM int `json:"distance_m"`
	WaitS     int `json:"wait_s"`
	ServiceS  int `json:"service_s"`
	OvertimeS int `json:"overtime_s"`
	// PriorityServed and PriorityLeft are sums of the cases' priorities.
	PriorityServed int `json:"priority_served"`
	PriorityLeft   int `json:"priority_left"`
}

// Route is the state of a document of type "routes": one team's ordered stops in a round. A long
// route is kept in several documents and read as one.
type Route struct {
	ID     string        `json:"id"`
	Round  string        `json:"round"`
	Branch auth.BranchID `json:"branch"`
	Run    string        `json:"run"`
	Team   string        `json:"team"`
	Date   string        `json:"date"`
	Agents []auth.UserID `json:"agents"`
	// Items and Recording are the team's, for the conduct decision at publishing.
	Items     []string  `json:"items,omitempty"`
	Recording bool      `json:"recording,omitempty"`
	Mode      string    `json:"mode"`
	Leaves    time.Time `json:"leaves"`
	Returns   time.Time `json:"returns"`
	Start     *geo.E7   `json:"start,omitempty"`
	End       *geo.E7   `json:"end,omitempty"`
	Stops     []Stop    `json:"stops"`
	Breaks    []Pause   `json:"breaks,omitempty"`
	TravelS   int       `json:"travel_s"`
	DistanceM int       `json:"distance_m"`
	WaitS     int       `json:"wait_s"`
	ServiceS  int       `json:"service_s"`
}

// Stop is a planned visit in a route.
type Stop struct {
	Seq        int            `json:"seq"` // from 1
	Case       journal.CaseID `json:"case"`
	Assignment string         `json:"assignment"` // the id it gets when published
	ETA        time.Time      `json:"eta"`        // when the visit begins
	Window     Window         `json:"window"`     // the lawful span the ETA lies in
	ServiceS   int            `json:"service_s"`
	TravelS    int            `json:"travel_s"`   // from the stop before
	DistanceM  int            `json:"distance_m"` // the same
	// Door numbers the knocks of a route from 1: several cases at one door share it.
	Door int `json:"door"`
	// Appointment is the one the stop keeps; "" for none.
	Appointment string `json:"appointment,omitempty"`
	// Territory is the case's, as it was planned.
	Territory string `json:"territory,omitempty"`
	// State is how the stop stands now: open, accepted, under_way, visited, done, declined, revoked or cancelled; "" while
	// it is not issued. Stored, it is done or under_way where a replan kept the stop for that reason. VisitedAt is when
	// it was done, and Reason why it was declined, revoked or cancelled.
	State     string    `json:"state,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	VisitedAt time.Time `json:"visited_at,omitzero"`
}

// Window is a half-open span of instants, in UTC.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Pause is a break as planned.
type Pause struct {
	At      time.Time `json:"at"`
	Minutes int       `json:"minutes"`
}

// LeftOut is the state of a document of type "leftouts": a case of a round that got no stop, and why.
type LeftOut struct {
	Round string         `json:"round"`
	Run   string         `json:"run"`
	Case  journal.CaseID `json:"case"`
	Code  string         `json:"code"`
	// Rule and Cite name the rule and its sources where the law, or a rule of our own, is the reason.
	Rule string   `json:"rule,omitempty"`
	Cite []string `json:"cite,omitempty"`
	// Missing are the codes of what is to be done before the case enters a round, where that is the reason.
	Missing []string `json:"missing,omitempty"`
	// Given says that a supervisor gave the case to the team whose phones have it, which keep it: only the plan has no
	// time for it.
	Given bool `json:"given,omitempty"`
}

// Codes of what is left out for other reasons than a conduct rule, which has its own (OUTSIDE_HOURS, …).
const (
	NoPosition     = "NO_POSITION"       // the case has no coordinates
	NoTerritory    = "NO_TERRITORY"      // the home lies outside every territory
	NoTeam         = "NO_TEAM"           // no team works the territory that day
	NoAgent        = "NO_AGENT"          // no agent of the team that would go can be sent out
	OnLeave        = "ON_LEAVE"          // all agents of the team that would go are on leave; our own rule
	CertExpired    = "CERT_EXPIRED"      // no agent of the team that would go holds the certificates; our own rule
	BranchClosed   = "BRANCH_CLOSED"     // the branch is closed that day; our own rule
	AddressUnfit   = "ADDRESS_UNFIT"     // the address is known to be wrong; our own rule
	OnHold         = "HOLD"              // an open hold; our own rule
	ContactLoad    = "CONTACT_LOAD"      // the debtor was contacted as often as the lender allows; our own rule
	NoFitTeam      = "NO_FIT_TEAM"       // no team of the territory has what the visit needs
	Unreachable    = "UNREACHABLE"       // no road leads there from where the teams that may go start
	BeyondLimits   = "BEYOND_LIMITS"     // no team could go there and back in its shift, whatever the hour
	NoTimeInWindow = "NO_TIME_IN_WINDOW" // the lawful windows and the shifts do not meet
	NoTime         = "NO_TIME"           // it would fit, but not beside the stops chosen instead
	WorthLess      = "WORTH_LESS"        // the way costs more than the visit is worth
	// SameDebtor: another case of the debtor is visited, and one visit does not serve both. Our own rule.
	SameDebtor    = "SAME_DEBTOR"
	NoAppointment = "APPOINTMENT" // no lawful time lies within the appointment of the day
	Visited       = "VISITED"     // it has been visited that day, or a team is on its way
	Assigned      = "ASSIGNED"    // it is still to be visited under another published round
	TeamLocked    = "TEAM_LOCKED" // the only teams that could go were locked by a supervisor
	Declined      = "DECLINED"    // agents of all teams that would go have declined it
	// LadderNotFinished: the lender wants more done before anybody is sent; LeftOut.Missing says what. Our own rule.
	LadderNotFinished = casework.LadderNotFinished
)

// Indexes lists the declared indexes of this room for the store that is opened.
func Indexes() []journal.Index {
	return []journal.Index{roundsByDate, roundsByStatus, routesByRound, leftOutsByRound}
}

var (
	roundsByDate    = journal.Index{Type: "rounds", Name: "date", Fields: []string{"date", "id"}}
	roundsByStatus  = journal.Index{Type: "rounds", Name: "status", Fields: []string{"status", "id"}}
	routesByRound   = journal.Index{Type: "routes", Name: "round", Fields: []string{"round", "team"}}
	leftOutsByRound = journal.Index{Type: "leftouts", Name: "round", Fields: []string{"round", "case"}}
)
