package dispatch

import (
	"context"
	"fmt"
	"time"

	"doorstep/auth"

	ics "github.com/arran4/golang-ical"
)

// Calendar writes a round, or one team's route with team not "", as iCalendar
// (RFC 5545): an event for each stop from its expected time to its end, and one
// for each break. It names cases, never people or addresses: calendars end up on
// lock screens. Errors: round.not_found, round.team.
func (s *Service) Calendar(ctx context.Context, a auth.Actor, id, team string) ([]byte, error) {
	v, err := s.Round(ctx, a, id)
	if err != nil {
		return nil, err
	}
	cal := ics.NewCalendarFor("Doorstep")
	cal.SetMethod(ics.MethodPublish)
	cal.SetName("Round " + string(v.Branch) + " " + v.Date)
	found := team == ""
	for _, r := range v.Routes {
		if team != "" && r.Team != team {
			continue
		}
		found = true
		for _, st := range r.Stops {
			e := cal.AddEvent(st.Assignment + "@" + string(v.Branch))
			event(e, v, fmt.Sprintf("%s %d: %s", r.Team, st.Seq, st.Case), st.ETA, time.Duration(st.ServiceS)*time.Second)
			e.SetDescription("Lawful from " + st.Window.From.UTC().Format(time.RFC3339) + " until " + st.Window.To.UTC().Format(time.RFC3339))
		}
		for i, b := range r.Breaks {
			event(cal.AddEvent(fmt.Sprintf("%s.break%d@%s", r.ID, i+1, v.Branch)), v, r.Team+": break", b.At, time.Duration(b.Minutes)*time.Minute)
		}
	}
	if !found {
		return nil, refuse(NotFound, "round.team", "team", "this team has no route in the round")
	}
	// RFC 5545 ends lines with CR LF.
	return []byte(cal.Serialize(ics.WithNewLineWindows)), nil
}

// event fills in what every event has. A later version of a round takes the place of the earlier one in a calendar.
func event(e *ics.VEvent, v View, title string, at time.Time, takes time.Duration) {
	e.SetSummary(title)
	e.SetDtStampTime(v.PlannedAt.UTC())
	e.SetStartAt(at.UTC())
	e.SetEndAt(at.Add(takes).UTC())
	e.SetSequence(v.Version)
	if v.Status == Replaced || v.Status == Failed {
		e.SetStatus(ics.ObjectStatusCancelled)
		return
	}
	e.SetStatus(ics.ObjectStatusConfirmed)
}
