package office

import (
	"context"
	"fmt"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// DeleteShift removes a team's shift of a date. It does not look at what is planned for it: see dispatch.RemoveShift.
// shift.not_found.
func (s *Service) DeleteShift(ctx context.Context, ask Ask, b auth.BranchID, team, date string) error {
	_, err := apply(ctx, s, ask, change[Shift]{branch: b, typ: "shifts", id: shiftID(team, date), action: "shift.delete",
		keys: []journal.Key{shiftsKey(date)},
		decide: func(_ context.Context, _ *journal.Reader, now *Shift) (*Shift, error) {
			if now == nil {
				return nil, notFound("shift.not_found", "the team has no shift that day")
			}
			return nil, nil
		}})
	return err
}

// farShifts is for how many days from a date on DeleteTeam looks for shifts.
const farShifts = 400

// DeleteTeam removes a team that has no shift on a date ("2006-01-02") or in the 400 days after it. It does not look at
// what is planned for the team: see dispatch.RemoveTeam. team.not_found, team.in_use.
func (s *Service) DeleteTeam(ctx context.Context, ask Ask, b auth.BranchID, id, from string) error {
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return invalid("shift.date", "date", DateFault(from))
	}
	_, err = apply(ctx, s, ask, change[Team]{branch: b, typ: "teams", id: id, action: "team.delete",
		keys: []journal.Key{groundKey},
		decide: func(ctx context.Context, r *journal.Reader, now *Team) (*Team, error) {
			if now == nil {
				return nil, notFound("team.not_found", "no such team in your branches")
			}
			refs := make([]journal.DocRef, farShifts)
			for i := range refs {
				refs[i] = journal.DocRef{Type: "shifts", ID: shiftID(id, first.AddDate(0, 0, i).Format(time.DateOnly))}
			}
			recs, err := r.Docs(ctx, refs...)
			if err != nil {
				return nil, err
			}
			var dates []string
			for i, rec := range recs {
				if rec.Type != "" && !rec.Deleted {
					dates = append(dates, first.AddDate(0, 0, i).Format(time.DateOnly))
				}
			}
			if len(dates) > 0 {
				return nil, conflict("team.in_use", fmt.Sprintf("the team has shifts on %s; remove these first",
					firstOf(dates, 5)))
			}
			return nil, nil
		}})
	return err
}

// firstOf lists the first of some words, and how many more there are.
func firstOf(words []string, most int) string {
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
}
