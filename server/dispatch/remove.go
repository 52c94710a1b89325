package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/office"
)

// RemoveShift takes a team's shift of a day that is not over away. What is planned for it and not published stays out
// of what is issued (NO_TEAM). Errors: shift.not_found, shift.past, and shift.in_use while stops of the team are to be
// made that day. A stop that is issued in the same moment stays on the phones.
func (s *Service) RemoveShift(ctx context.Context, ask Ask, b auth.BranchID, team, date string) error {
	if fault := office.DateFault(date); fault != "" {
		return refuse(refusal.Invalid, "shift.date", "date", fault)
	}
	today, err := s.today(ctx, b)
	if err != nil {
		return err
	}
	if date < today {
		return refuse(refusal.Conflict, "shift.past", "date", "the day is over: what was worked then is kept")
	}
	open, err := s.toMake(ctx, b, team, date, date)
	if err != nil {
		return err
	}
	if open != "" {
		return refuse(refusal.Conflict, "shift.in_use", "date", open+"; plan the day anew without the team "+
			"(POST /v1/rounds/{id}/replan), or cancel the round, first")
	}
	return s.opt.Office.DeleteShift(ctx, ask.office(), b, team, date)
}

// RemoveTeam takes a team away that has no shift to come. Errors: team.not_found, and team.in_use while it has shifts,
// stops that are to be made, or cases that a supervisor gave to it.
func (s *Service) RemoveTeam(ctx context.Context, ask Ask, b auth.BranchID, team string) error {
	today, err := s.today(ctx, b)
	if err != nil {
		return err
	}
	open, err := s.toMake(ctx, b, team, today, "")
	if err != nil {
		return err
	}
	if open != "" {
		return refuse(refusal.Conflict, "team.in_use", "id", open+"; plan these days anew without the team "+
			"(POST /v1/rounds/{id}/replan), or cancel the rounds, first")
	}
	cases, err := s.opt.Casework.OpenCases(ctx, b)
	if err != nil {
		return err
	}
	var given []string
	for _, c := range cases {
		if c.Team == team {
			given = append(given, string(c.Case))
		}
	}
	if len(given) > 0 {
		return refuse(refusal.Conflict, "team.in_use", "id", fmt.Sprintf("%d cases are given to the team, %s among them: "+
			"give them to another one (POST /v1/cases/{id}/reassign) first", len(given), given[0]))
	}
	return s.opt.Office.DeleteTeam(ctx, ask.office(), b, team, today)
}

// toMake says which stops of a team are still to be made on the dates from one to another ("": all), in words; "" if
// there are none.
func (s *Service) toMake(ctx context.Context, b auth.BranchID, team, from, to string) (string, error) {
	all, err := s.opt.Casework.OnPhones(ctx, b, from)
	if err != nil {
		return "", err
	}
	count := map[string]int{}
	for _, a := range all {
		if a.Team == team && a.Open() && (to == "" || a.Date <= to) {
			count[a.Date+" in round "+a.Round]++
		}
	}
	var told []string
	for day, n := range count {
		told = append(told, fmt.Sprintf("stops to be made on %s: %d", day, n))
	}
	slices.Sort(told)
	return strings.Join(told, ", "), nil
}

// office is the same as office asks.
func (a Ask) office() office.Ask {
	return office.Ask{By: a.Actor.User, Command: a.Command, Payload: a.Payload}
}
