package casework

import (
	"context"
	"fmt"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// RetireAssignments takes assignments of a case off the phones whose day is over:
// those that were visited are done, the others are cancelled, since no agent went
// and none will. What their agents recorded that day is still taken in when
// their phones come back (Assignment.DayOver).
type RetireAssignments struct {
	Case   journal.CaseID
	Before string // local date: assignments of earlier dates
}

func (c RetireAssignments) refs() []journal.DocRef { return caseRef(c.Case) }

func (c RetireAssignments) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, toRevoke)
	if err != nil {
		return nil, err
	}
	d := t.draft("assignment.retire")
	return d.answering(f, endShown(f, d, func(a *Filed[record.Assignment]) bool {
		if a.State.Date >= c.Before {
			return false
		}
		a.State.Expire()
		return true
	})), nil
}

// RetireBefore retires what phones of a branch still show of dates before one,
// and says of how many cases. command makes the command ids: the same again has
// no further effect.
func (s *Service) RetireBefore(ctx context.Context, branch auth.BranchID, date, command string) (cases int, err error) {
	var reqs []Request
	seen := map[journal.CaseID]bool{}
	if err := s.each(ctx, journal.Query{Branch: branch, Type: "assignments", Index: AssignmentsOnPhones.Name,
		Eq: []any{int64(1)}, To: date}, func(rec journal.Record) error {
		var a record.Assignment
		if err := decode(rec, &a); err != nil {
			return err
		}
		if !seen[a.Case] {
			seen[a.Case] = true
			id := command + ":" + string(a.Case)
			if len(id) > journal.MaxCommandBytes {
				id = journal.DerivedID("retire", command, string(a.Case))
			}
			reqs = append(reqs, Request{ID: id, Cmd: RetireAssignments{Case: a.Case, Before: date}})
		}
		return nil
	}); err != nil {
		return 0, err
	}
	for len(reqs) > 0 {
		n := min(len(reqs), 100)
		receipts, err := s.Do(ctx, auth.System(), branch, reqs[:n])
		if err != nil {
			return cases, err
		}
		for _, r := range receipts {
			if e, ok := refusal.Of(r.Err); ok && e.Code() == codeMoved {
				continue // its assignments were taken back
			}
			if r.Err != nil {
				return cases, fmt.Errorf("retire assignments: %w", r.Err)
			}
			if r.N > 0 {
				cases++
			}
		}
		reqs = reqs[n:]
	}
	return cases, nil
}
