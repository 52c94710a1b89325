package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// staff are a branch's teams and who of them works on a date.
type staff struct {
	teams  []office.Team
	shifts []office.Shift
	zone   *time.Location // of the branch
	// unable are the agents who cannot be sent out, with the reason.
	unable map[auth.UserID]string
	// closed is the branch's closed day; nil if it is open.
	closed *office.ClosedDay
}

// staffOf reads who works on a date, for a decision that rests on it, and who of them can be sent out. The zone was
// read before.
func (s *Service) staffOf(ctx context.Context, r *journal.Reader, date string, zone *time.Location) (staff, error) {
	st := staff{zone: zone}
	var err error
	if st.teams, st.shifts, err = s.opt.Office.Staff(ctx, r, date); err != nil {
		return staff{}, err
	}
	// Users are in another journal: no decision can rest on them. Issuing looks again.
	st.unable, err = s.opt.Office.UnableOn(ctx, r.Branch, date, st.agents())
	if err != nil {
		return staff{}, err
	}
	st.closed, err = s.closed(ctx, r.Branch, date)
	return st, err
}

// checkWork refuses the teams that have no shift on the date, each at its
// place in the list it is named in. An unknown one is not the same as one that is
// off: off says what that means where it was named. round.team.
func (st staff) checkWork(list string, named []string, off string) error {
	var wrong []refusal.Fault
	for i, id := range named {
		if slices.ContainsFunc(st.shifts, func(sh office.Shift) bool { return sh.Team == id }) {
			continue
		}
		p := refusal.Fault{Place: fmt.Sprintf("%s[%d]", list, i),
			Msg: "the branch has no such team; GET /v1/teams lists them"}
		if slices.ContainsFunc(st.teams, func(t office.Team) bool { return t.ID == id }) {
			p.Msg = "the team " + id + " " + off
		}
		wrong = append(wrong, p)
	}
	if len(wrong) == 0 {
		return nil
	}
	e := refuse(refusal.Invalid, "round.team", "", "")
	e.Faults = wrong
	for _, p := range wrong[:min(len(wrong), toldTeams)] {
		e.Msg += "; " + p.Place + ": " + p.Msg
	}
	e.Msg = strings.TrimPrefix(e.Msg, "; ")
	if more := len(wrong) - toldTeams; more > 0 {
		e.Msg += fmt.Sprintf("; and %d more", more)
	}
	return e
}

// toldTeams is how many teams a refusal's text is about; its faults are all.
const toldTeams = 5

// checkLeft refuses to plan a round's day anew, at a moment, that no team would go
// on with: every open visit would leave the phones, and no request asked for that.
// round.no_team_left.
func (st staff) checkLeft(r Round, without []string, at time.Time) error {
	for _, sh := range st.shifts {
		if len(r.Teams) > 0 && !slices.Contains(r.Teams, sh.Team) || slices.Contains(without, sh.Team) {
			continue
		}
		end, err := wall(r.Date, sh.To, st.zone)
		if err != nil {
			return err
		}
		if at.Before(end) {
			return nil
		}
	}
	e := refuse(refusal.Conflict, "round.no_team_left", "",
		"no team's shift is still running, so that every open visit would leave the phones")
	if len(without) > 0 {
		e = refuse(refusal.Invalid, "round.no_team_left", "without",
			"no team of the round would be left whose shift is still running, and every open visit would leave the "+
				"phones. Leave a team in")
	}
	e.Msg += ". Give a team a shift until later with PUT /v1/teams/{id}/shifts/{date}, and plan then. " +
		"When nobody goes out any more, do nothing: what is not visited leaves the phones at midnight and comes into " +
		"the next round; call appointments off at their cases"
	return e
}
