package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/office"
)

// checkTeams refuses the teams that have none of a date's shifts, each at its
// place in the list it is named in. An unknown one is not the same as one that is
// off: off says what that means where it was named. round.team.
func (s *Service) checkTeams(ctx context.Context, b auth.BranchID, shifts []office.Shift, list string, named []string, off string) error {
	var known []office.Team
	var wrong []Place
	for i, id := range named {
		if slices.ContainsFunc(shifts, func(sh office.Shift) bool { return sh.Team == id }) {
			continue
		}
		if known == nil {
			var err error
			if known, err = s.opt.Office.Teams(ctx, b); err != nil {
				return err
			}
		}
		p := Place{fmt.Sprintf("%s[%d]", list, i), "the branch has no such team; GET /v1/teams lists them"}
		if slices.ContainsFunc(known, func(t office.Team) bool { return t.ID == id }) {
			p.Msg = "the team " + id + " " + off
		}
		wrong = append(wrong, p)
	}
	if len(wrong) == 0 {
		return nil
	}
	e := refuse(Invalid, "round.team", "", "")
	e.Places = wrong
	for _, p := range wrong[:min(len(wrong), toldTeams)] {
		e.Msg += "; " + p.Field + ": " + p.Msg
	}
	e.Msg = strings.TrimPrefix(e.Msg, "; ")
	if more := len(wrong) - toldTeams; more > 0 {
		e.Msg += fmt.Sprintf("; and %d more", more)
	}
	return e
}

// toldTeams is how many teams a refusal's text is about; its places are all.
const toldTeams = 5

// checkTeamLeft refuses to plan a day anew that no team would go on with: every
// open visit would leave the phones, and nobody asked for that. round.no_team_left.
func (s *Service) checkTeamLeft(ctx context.Context, r Round, shifts []office.Shift, without []string) error {
	branch, err := s.opt.Office.Branch(ctx, r.Branch)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(branch.TimeZone)
	if err != nil {
		return refuse(Invalid, "round.branch", "branch", "the branch's time zone is unknown")
	}
	now := s.opt.Journal.Now()
	for _, sh := range shifts {
		if len(r.Teams) > 0 && !slices.Contains(r.Teams, sh.Team) || slices.Contains(without, sh.Team) {
			continue
		}
		end, err := wall(r.Date, sh.To, zone)
		if err != nil {
			return err
		}
		if now.Before(end) {
			return nil
		}
	}
	e := refuse(Conflict, "round.no_team_left", "", "no team's shift is still running, so that every open visit would leave the phones")
	if len(without) > 0 {
		e = refuse(Invalid, "round.no_team_left", "without", "no team of the round would be left whose shift is still running, and every open visit would leave the phones. Leave a team in")
	}
	e.Msg += ". Give a team a shift until later with PUT /v1/teams/{id}/shifts/{date}, and plan then. " +
		"When nobody goes out any more, do nothing: what is not visited leaves the phones at midnight and comes into the next round; call appointments off at their cases"
	return e
}
