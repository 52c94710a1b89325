package casework

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
)

// Crew is a team on a local date.
type Crew struct {
	There  bool // there is such a team
	Agents []auth.UserID
	Items  []string
	// Recording says that the team records its visits.
	Recording bool
	// From and To are the team's hours; zero when it has no shift that day.
	From, To time.Time
}

// give makes good that a supervisor gave the case to a team. Its open stop, if another team has it, goes to the phones
// of the given team in the same entry; where it cannot, the whole command is refused with the reason. What agents of
// the team declined before is overruled.
func (t *turn) give(ctx context.Context, f *File, d *draftBuilder, team string) (given string, taken int, err error) {
	today := t.day(f)
	crew, err := t.svc.teams.Crew(ctx, t.r, team, today)
	switch {
	case err != nil:
		return "", 0, fmt.Errorf("read team %s: %w", team, err)
	case !crew.There:
		return "", 0, refuse(refusal.NotFound, "team.not_found", "team", "no such team in your branches")
	case len(crew.Agents) == 0:
		return "", 0, refuse(refusal.Conflict, "reassign.no_agent", "team",
			"no agent of the team can be sent out; give the team others with PUT /v1/teams/{id}")
	}
	overruled := f.Case.EndDeclines(t.At, t.Actor.User, func(x *record.Decline) bool {
		return x.Team == team || slices.Contains(crew.Agents, x.Agent)
	})
	var others []*Filed[record.Assignment]
	for i := range f.Assignments {
		switch a := &f.Assignments[i]; {
		case a.State.Status != record.AssignmentOpen, a.State.Date < today: // a day that is over ends by itself
		case a.State.Team == team:
			given = a.ID
		case underWay(a.State.AgentStatus):
			return "", 0, refuse(refusal.Conflict, "reassign.under_way", "team",
				"the team %s is on its way to the case, or at the door; wait until it has been there, or have it decline",
				a.State.Team)
		default:
			others = append(others, a)
		}
	}
	if given == "" && len(others) > 0 {
		if given, err = t.handOver(ctx, f, d, team, others[0]); err != nil {
			return "", 0, err
		}
	}
	if len(others) > 0 {
		ids := map[string]bool{}
		for _, a := range others {
			ids[a.ID] = true
		}
		endShown(f, d, func(a *Filed[record.Assignment]) bool {
			if !ids[a.ID] || a.State.Status != record.AssignmentOpen {
				return false
			}
			a.State.Status, a.State.ClosedBy = record.AssignmentRevoked, "reassigned"
			return true
		})
	}
	if overruled {
		d.putCase(f)
	}
	return given, len(others), nil
}

// handOver issues a stop that another team has to the given one, at the same time of the day if it can go then.
func (t *turn) handOver(ctx context.Context, f *File, d *draftBuilder, team string,
	from *Filed[record.Assignment]) (string, error) {
	was := from.State
	crew, err := t.svc.teams.Crew(ctx, t.r, team, was.Date)
	if err != nil {
		return "", fmt.Errorf("read team %s: %w", team, err)
	}
	no := func(code, format string, args ...any) (string, error) {
		return "", refuse(refusal.Conflict, code, "team", format, args...)
	}
	if crew.From.IsZero() {
		return no("reassign.no_shift", "the case is on the phones of %s for %s, and the team has no shift that day; give it "+
			"one with PUT /v1/teams/{id}/shifts/{date}", was.Team, was.Date)
	}
	if len(crew.Agents) == 0 {
		return no("reassign.no_agent", "no agent of the team can be sent out on %s", was.Date)
	}
	eta, ok := timeFor(was.ETA, t.At, crew, was.Window)
	if !ok {
		return no("reassign.no_time", "the lawful hours of the visit and what is left of the team's shift on %s do not meet",
			was.Date)
	}
	c := IssueRoute{Round: was.Round, Route: was.Round + "." + team, Team: team, Date: was.Date, Agents: crew.Agents,
		Items: crew.Items, Recording: crew.Recording, Overlays: was.Overlays}
	st := IssuedStop{Case: f.Case.ID, Assignment: madeID("given", t.Request.ID, from.ID), ETA: eta, Window: was.Window,
		ServiceS: was.ServiceS, Appointment: was.Appointment}
	if _, _, err := t.r.Doc(ctx, "assignments", st.Assignment); err != nil {
		return "", err
	}
	if st.Seq, err = t.lastSeq(ctx, c.Round, team); err != nil {
		return "", err
	}
	if err := t.loadGrounds(ctx, f, eta, was.Overlays); err != nil {
		return "", err
	}
	v, err := judgeVisit(t.policy(), &t.svc.zones, phaseDispatch, f, eta, visitAct{agents: len(crew.Agents),
		items: crew.Items, recording: crew.Recording, overlays: was.Overlays, minutes: was.ServiceS / 60})
	if err != nil {
		return "", fmt.Errorf("judge a stop that is handed over: %w", err)
	}
	if !v.Allowed() {
		return "", refuse(refusal.Refused, "reassign.unlawful", "team",
			"the law forbids the visit by this team: %s (rule %s)", v.Reason, v.Rule)
	}
	if d.now().verdicts, err = verdictsJSON(v); err != nil {
		return "", err
	}
	// By name, since issuing revokes what it replaces in the name of the round.
	from.State.Status, from.State.ClosedBy = record.AssignmentRevoked, "reassigned"
	d.putAssignment(from.ID, &from.State)
	for _, agent := range from.State.Agents {
		if !slices.Contains(crew.Agents, agent) {
			d.alert(record.AlertRevoked, &from.State, agent)
		}
	}
	issueStop(f, d, c, st, []verdict{v}, t.day(f))
	return st.Assignment, nil
}

// timeFor is when a team can begin a visit: at the time planned, or at the first moment after it that lies in the
// team's hours and the lawful window, and not before now.
func timeFor(planned, now time.Time, crew Crew, lawful record.Window) (time.Time, bool) {
	at := planned
	for _, t := range []time.Time{now, crew.From, lawful.From} {
		if t.After(at) {
			at = t
		}
	}
	if !at.Before(crew.To) {
		// Planned for later than the team works: at the last moment it may begin, if that is to come.
		at = crew.To.Add(-time.Minute)
	}
	ok := !at.Before(now) && !at.Before(crew.From) && !at.Before(lawful.From) && at.Before(lawful.To) && at.Before(crew.To)
	return at, ok
}

// lastSeq is the place after the last stop of a team in a round.
func (t *turn) lastSeq(ctx context.Context, round, team string) (int, error) {
	t.r.Depend(roundKey(round))
	recs, err := t.r.All(ctx, AssignmentsByRound, round)
	if err != nil {
		return 0, err
	}
	last := 0
	for _, rec := range recs {
		var a record.Assignment
		if err := decode(rec, &a); err != nil {
			return 0, err
		}
		if a.Team == team {
			last = max(last, a.StopSeq)
		}
	}
	return last + 1, nil
}
