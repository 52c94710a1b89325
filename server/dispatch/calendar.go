package dispatch

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/sync/journal"

	ics "github.com/arran4/golang-ical"
)

// CalendarParams say what a calendar holds.
type CalendarParams struct {
	Team string // its route only; "": all
	// Places adds where each stop is: LOCATION, the address, and GEO. Without it a
	// calendar names cases, never people or addresses: calendars end up on lock
	// screens and in clouds. With it, it is for those who may see the cases.
	Places bool
}

// Calendar writes a round as iCalendar (RFC 5545): an event for each stop from its
// expected time to its end, and one for each break, tentative until the round is
// published. It has no METHOD: it is a
// file to look at, and invites no one (RFC 5546 would want an ORGANIZER).
// Errors: round.not_found, round.branch, round.team.
func (s *Service) Calendar(ctx context.Context, a auth.Actor, id string, p CalendarParams) ([]byte, error) {
	v, err := s.Round(ctx, a, id)
	if err != nil {
		return nil, err
	}
	_, zone, err := s.branch(ctx, v.Branch)
	if err != nil {
		return nil, err
	}
	var routes []Route
	var cases []journal.CaseID
	for _, r := range v.Routes {
		if p.Team != "" && r.Team != p.Team {
			continue
		}
		routes = append(routes, r)
		for _, st := range r.Stops {
			cases = append(cases, st.Case)
		}
	}
	if p.Team != "" && len(routes) == 0 {
		return nil, refuse(refusal.NotFound, "round.team", "team", "this team has no route in the round")
	}
	var places map[journal.CaseID]casework.Place
	if p.Places {
		if places, err = s.opt.Casework.Places(ctx, v.Branch, cases); err != nil {
			return nil, err
		}
	}
	cal := ics.NewCalendarFor("Doorstep")
	cal.SetName("Round " + string(v.Branch) + " " + v.Date)
	for _, r := range routes {
		for _, st := range r.Stops {
			e := cal.AddEvent(st.Assignment + "@" + string(v.Branch))
			event(e, v, fmt.Sprintf("%s %d: %s", r.Team, st.Seq, st.Case), st.ETA, time.Duration(st.ServiceS)*time.Second)
			e.SetDescription(fmt.Sprintf("Lawful from %s until %s (%s)", clock(st.Window.From, v.Date, zone),
				clock(st.Window.To, v.Date, zone), zone))
			at := places[st.Case]
			if address := at.Address.Plain(); address != "" {
				e.SetLocation(oneLine(address))
			}
			if at.HasHome {
				e.SetGeo(fmt.Sprintf("%.6f", at.Home.Lat), fmt.Sprintf("%.6f", at.Home.Lon)) // RFC 5545 allows six digits
			}
		}
		for i, b := range r.Breaks {
			event(cal.AddEvent(fmt.Sprintf("%s.break%d@%s", r.ID, i+1, v.Branch)), v, r.Team+": break", b.At,
				time.Duration(b.Minutes)*time.Minute)
		}
	}
	// RFC 5545 ends lines with CR LF. The library folds them at 75 bytes, between
	// characters, and escapes what texts must not hold, but for a lone CR.
	return []byte(cal.Serialize(ics.WithNewLineWindows)), nil
}

// clock is an instant as a clock in the branch shows it, with its date where that
// is not the round's; the end of the round's day is 24:00.
func clock(t time.Time, date string, zone *time.Location) string {
	local := t.In(zone)
	midnight := local.Hour() == 0 && local.Minute() == 0 && local.Second() == 0
	switch {
	case local.Format(time.DateOnly) == date:
		return local.Format("15:04")
	case midnight && local.AddDate(0, 0, -1).Format(time.DateOnly) == date:
		return "24:00"
	}
	return local.Format("2006-01-02 15:04")
}

// oneLine makes spaces of what breaks lines or controls a terminal.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }),
		" ")
}

// event fills in what every event has. A later version of a round takes the place of the earlier one in a calendar.
func event(e *ics.VEvent, v View, title string, at time.Time, takes time.Duration) {
	e.SetSummary(title)
	e.SetDtStampTime(v.PlannedAt.UTC())
	e.SetStartAt(at.UTC())
	e.SetEndAt(at.Add(takes).UTC())
	e.SetSequence(v.Version)
	switch v.Status {
	case Published, Replanning:
		e.SetStatus(ics.ObjectStatusConfirmed)
	case Replaced, Failed, Cancelling, Cancelled:
		e.SetStatus(ics.ObjectStatusCancelled)
	default:
		e.SetStatus(ics.ObjectStatusTentative)
	}
}
