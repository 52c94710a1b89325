package casework

import (
	"doorstep/auth/refusal"
	"doorstep/server/record"
)

// Codes of stops that are refused for another reason than the law.
const (
	StopCaseGone   = "CASE_GONE"   // the case is in another branch, or its debtor's data was erased
	StopCaseClosed = "CASE_CLOSED" // the case was closed since it was planned
	StopOtherTeam  = "OTHER_TEAM"  // a supervisor gave the case to another team since it was planned
	StopDeclined   = "DECLINED"    // an agent of the team declined the case
	StopVisited    = "VISITED"     // another team has visited the case that day
	StopUnderWay   = "UNDER_WAY"   // another team is on its way to the case
	StopRevoked    = "REVOKED"     // the stop was taken back since it was planned
)

// goneCode is the code of a stop whose case cannot be read.
func goneCode(e *refusal.Error) string {
	switch e.Code() {
	case codeMoved, codeErased, "case.not_found":
		return StopCaseGone
	}
	return e.Code()
}

// outOfReach says why a stop cannot be issued, whatever the law says; "" if it can.
func outOfReach(f *File, c IssueRoute, st IssuedStop) string {
	switch {
	case f.Case.Status != record.StatusOpen:
		return StopCaseClosed
	case f.Case.Team != "" && f.Case.Team != c.Team:
		return StopOtherTeam
	case f.Case.DeclinedBy(c.Agents):
		return StopDeclined
	}
	for i := range f.Assignments {
		switch a := &f.Assignments[i].State; {
		case a.Round != c.Round:
		case a.Status == record.AssignmentDone:
			return StopVisited
		case a.Status == record.AssignmentOpen && f.Assignments[i].ID != st.Assignment && underWay(a.AgentStatus):
			return StopUnderWay
		case a.Status != record.AssignmentOpen && f.Assignments[i].ID == st.Assignment:
			return StopRevoked
		}
	}
	return ""
}
