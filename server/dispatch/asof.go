package dispatch

import (
	"cmp"
	"slices"
	"time"

	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// States of a stop in a view. A stop that is not issued has none.
const (
	stopOpen      = "open"      // on the phones, and no agent has said anything of it
	stopUnderWay  = "under_way" // the team is on its way, or at the door
	stopDone      = "done"      // visited
	stopDeclined  = "declined"  // an agent declined it
	stopRevoked   = "revoked"   // taken back from the phones
	stopCancelled = "cancelled" // its day ended without a visit
)

// News counts what a published round has met with since its present version was planned: what planning it anew
// would take up.
type News struct {
	Declined int `json:"declined"` // stops that an agent declined
	Revoked  int `json:"revoked"`  // stops taken back from the phones, of cases that no other team was given
}

// asOf brings the stops of a view up to date with the round's assignments. Assignments that the plan does not have,
// such as those of cases that a supervisor gave to a team since, become stops at the end of their team's route.
func (v *View) asOf(issued []casework.Issued) {
	byID := make(map[string]*casework.Issued, len(issued))
	live := map[journal.CaseID]string{} // the assignment that counts
	for i := range issued {
		a := &issued[i]
		byID[a.ID] = a
		if a.Open() || a.Done() {
			live[a.Case] = a.ID
		}
	}
	planned := map[string]bool{}
	for i := range v.Routes {
		route := &v.Routes[i]
		route.Stops = slices.DeleteFunc(route.Stops, func(st Stop) bool {
			a := byID[st.Assignment]
			return a != nil && live[st.Case] != "" && live[st.Case] != st.Assignment // another team has it
		})
		for k := range route.Stops {
			st := &route.Stops[k]
			planned[st.Assignment] = true
			st.State, st.Reason, st.VisitedAt = "", "", time.Time{}
			if a := byID[st.Assignment]; a != nil {
				st.stand(a)
				v.News.count(st.State)
			}
		}
	}
	for i := range issued {
		if a := &issued[i]; live[a.Case] == a.ID && !planned[a.ID] {
			v.append(a)
			v.LeftOut = slices.DeleteFunc(v.LeftOut, func(l LeftOut) bool { return l.Case == a.Case })
		}
	}
	v.Stops, v.Round.LeftOut = 0, len(v.LeftOut)
	for _, r := range v.Routes {
		v.Stops += len(r.Stops)
	}
}

// stand says how a stop stands by its assignment.
func (st *Stop) stand(a *casework.Issued) {
	switch {
	case a.Done():
		st.State, st.VisitedAt = stopDone, a.VisitedAt
	case a.Status == record.AssignmentCancelled:
		st.State, st.Reason = stopCancelled, a.ClosedBy
	case !a.Open():
		st.State, st.Reason = stopRevoked, a.ClosedBy
	case a.UnderWay():
		st.State = stopUnderWay
	case a.AgentStatus == "declined":
		st.State, st.Reason = stopDeclined, a.DeclineReason
	default:
		st.State = cmp.Or(a.AgentStatus, stopOpen) // accepted, or visited while the report has not come
	}
}

// count counts a stop that planning anew would take up.
func (n *News) count(state string) {
	switch state {
	case stopDeclined:
		n.Declined++
	case stopRevoked:
		n.Revoked++
	}
}

// append puts an assignment that the plan does not have at the end of its team's route.
func (v *View) append(a *casework.Issued) {
	i := slices.IndexFunc(v.Routes, func(r Route) bool { return r.Team == a.Team })
	if i < 0 {
		v.Routes = append(v.Routes, Route{ID: v.docID(a.Team), Round: v.ID, Branch: v.Branch, Run: v.Run, Team: a.Team,
			Date: v.Date, Agents: a.Agents, Items: a.Items, Recording: a.Recording, Leaves: a.ETA,
			Returns: a.ETA.Add(time.Duration(a.ServiceS) * time.Second), Stops: []Stop{}})
		i = len(v.Routes) - 1
	}
	st := stopFrom(a)
	st.Door = 1
	if n := len(v.Routes[i].Stops); n > 0 {
		st.Door = v.Routes[i].Stops[n-1].Door + 1
	}
	st.stand(a)
	v.Routes[i].Stops = append(v.Routes[i].Stops, st)
}

// stopFrom is an assignment as a stop, at a door of its own.
func stopFrom(a *casework.Issued) Stop {
	return Stop{Seq: a.StopSeq, Case: a.Case, Assignment: a.ID, ETA: a.ETA, Window: Window{a.Window.From, a.Window.To},
		ServiceS: a.ServiceS, Appointment: a.Appointment, Territory: a.Territory}
}
