package office

import "doorstep/sync/journal"

var (
	usersByLogin   = journal.Index{Type: "users", Name: "login", Fields: []string{"login"}}
	usersByBadge   = journal.Index{Type: "users", Name: "badge_no", Fields: []string{"badge_no"}}
	usersByRole    = journal.Index{Type: "users", Name: "role", Fields: []string{"role", "id"}}
	devicesByUser  = journal.Index{Type: "devices", Name: "user", Fields: []string{"user", "id"}}
	leavingsOpen   = journal.Index{Type: "leavings", Name: "open", Fields: []string{"open", "user"}}
	devicesInUse   = journal.Index{Type: "devices", Name: "in_use", Fields: []string{"user", "status", "id"}}
	leavesByAgent  = journal.Index{Type: "leaves", Name: "agent", Fields: []string{"agent", "to"}}
	leavesByBranch = journal.Index{Type: "leaves", Name: "branch", Fields: []string{"branch", "to"}}
	closedByBranch = journal.Index{Type: "closed_days", Name: "branch", Fields: []string{"branch", "date"}}
	teamsByID      = journal.Index{Type: "teams", Fields: []string{"id"}} // no index: every store finds by id
	// laddersByLender has the ladders of texts.
	laddersByLender   = journal.Index{Type: "sms_ladders", Name: "lender", Fields: []string{"lender", "country"}}
	templatesByState  = journal.Index{Type: "sms_templates", Name: "state", Fields: []string{"state", "proposed_at"}}
	templatesByLender = journal.Index{Type: "sms_templates", Name: "lender",
		Fields: []string{"lender", "state", "proposed_at"}}
	// checkinsDue has check-ins by when they run out, checkinAlerts those for which a supervisor has to act.
	checkinsDue   = journal.Index{Type: "checkins", Name: "due", Fields: []string{"state", "due_at"}}
	checkinAlerts = journal.Index{Type: "checkins", Name: "alert", Fields: []string{"alert", "alert_at"}}
	shiftsByDate  = journal.Index{Type: "shifts", Name: "date", Fields: []string{"date", "team"}}
)

// Indexes lists the declared indexes of this room for the store that is opened.
func Indexes() []journal.Index {
	return []journal.Index{usersByLogin, usersByBadge, usersByRole, devicesByUser, devicesInUse, shiftsByDate,
		leavingsOpen, leavesByAgent, leavesByBranch, closedByBranch, laddersByLender, templatesByState, templatesByLender,
		checkinsDue, checkinAlerts}
}
