package casework

import (
	"context"
	"fmt"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Reassign gives a case to a team, whatever its territory, or pins its territory. A case that is given is on the phones
// of that team when the command is done, if it was on those of another, or the command is refused with the reason.
// The same command takes the open assignments of teams that may not visit the case
// any more back from the phones; those of teams that still may stay.
type Reassign struct {
	Case journal.CaseID
	// Team and Territory are left alone when nil. An empty team goes back to the
	// territory's; an empty territory goes back to where the home lies.
	Team, Territory *string
}

func (c Reassign) refs() []journal.DocRef { return caseRef(c.Case) }

func (c Reassign) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, toRevoke)
	if err != nil {
		return nil, err
	}
	home := f.Case.Territory
	if c.Territory != nil && *c.Territory == "" && f.Case.TerritoryPinned {
		if home, err = t.homeTerritory(ctx, f); err != nil {
			return nil, err
		}
	}
	changed, err := c.apply(f, home)
	if err != nil {
		return nil, err
	}
	if c.Team != nil && *c.Team != "" && t.svc.teams != nil {
		d := t.draft("case.reassign")
		given, taken, err := t.give(ctx, f, d, *c.Team)
		if err != nil {
			return nil, err
		}
		changed = changed || taken > 0 || f.touched
		if changed {
			d.putCase(f)
		}
		d = d.answering(f, changed)
		d.reply = CaseReceipt{Case: f.Case.ID, Changed: changed, Assignment: given, TakenBack: taken}
		return d, nil
	}
	others, err := t.teamsOff(ctx, f)
	if err != nil {
		return nil, err
	}
	return decideReassign(f, t.draft("case.reassign"), changed, others), nil
}

// apply puts the case under the team or territory asked for and tells whether that changes
// it. home is the territory the home lies in.
func (c Reassign) apply(f *File, home string) (changed bool, err error) {
	if c.Team == nil && c.Territory == nil {
		return false, refuse(refusal.Invalid, "reassign.nothing", "", "name a team or a territory")
	}
	if f.Case.Status == record.StatusClosed {
		return false, refuse(refusal.Conflict, "case.closed", "case", "the case is closed; reopen it first")
	}
	team, territory, pinned := f.Case.Team, f.Case.Territory, f.Case.TerritoryPinned
	if c.Team != nil {
		f.Case.Team = *c.Team
	}
	if c.Territory != nil {
		f.Case.Territory, f.Case.TerritoryPinned = *c.Territory, *c.Territory != ""
		if *c.Territory == "" {
			f.Case.Territory = home
		}
	}
	return team != f.Case.Team || territory != f.Case.Territory || pinned != f.Case.TerritoryPinned, nil
}

// teamsOff tells of each open assignment of the case, by its id, whether its team may not
// visit the case as it stands now. The decision rests on those teams and their shifts.
func (t *turn) teamsOff(ctx context.Context, f *File) (map[string]bool, error) {
	off := map[string]bool{}
	for i := range f.Assignments {
		a := &f.Assignments[i]
		if a.State.Status != record.AssignmentOpen {
			continue
		}
		switch {
		case f.Case.Team != "":
			off[a.ID] = a.State.Team != f.Case.Team
		case t.svc.teams != nil:
			works, err := t.svc.teams.Works(ctx, t.r, a.State.Team, a.State.Date, f.Case.Territory)
			if err != nil {
				return nil, fmt.Errorf("read team %s: %w", a.State.Team, err)
			}
			off[a.ID] = !works
		}
	}
	return off, nil
}

// decideReassign drafts the case, if it has changed, and takes back the assignments of teams that are off it.
func decideReassign(f *File, d *draftBuilder, changed bool, off map[string]bool) *draftBuilder {
	revoked := endShown(f, d, func(a *Filed[record.Assignment]) bool {
		if a.State.Status != record.AssignmentOpen || !off[a.ID] {
			return false
		}
		a.State.Status, a.State.ClosedBy = record.AssignmentRevoked, "reassigned"
		return true
	})
	if changed && !revoked {
		d.putCase(f)
	}
	return d.answering(f, changed || revoked)
}

// Redraw puts a case into the territory its home lies in now. It leaves pinned territories alone.
type Redraw struct {
	Case journal.CaseID
}

func (c Redraw) refs() []journal.DocRef { return caseRef(c.Case) }

func (c Redraw) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	d := t.draft("case.redraw")
	if f.Case.TerritoryPinned {
		return d.answering(f, false), nil
	}
	home, err := t.homeTerritory(ctx, f)
	if err != nil {
		return nil, err
	}
	if home == f.Case.Territory {
		return d.answering(f, false), nil
	}
	f.Case.Territory = home
	d.putCase(f)
	return d.answering(f, true), nil
}

// RedrawAll puts every open case of a branch into the territory its home lies in
// now: what follows from a changed map. It says how many moved.
func (s *Service) RedrawAll(ctx context.Context, actor auth.Actor, branch auth.BranchID) (moved int, err error) {
	q := journal.Query{Branch: branch, Type: "cases", Index: CasesByStatus.Name, Eq: []any{record.StatusOpen},
		Limit: chunkLines}
	err = s.eachCase(ctx, q, func(cases []Filed[record.Case]) error {
		id := journal.NewID()
		reqs := make([]Request, len(cases))
		for i := range cases {
			reqs[i] = Request{ID: "redraw:" + id + ":" + cases[i].ID[:min(len(cases[i].ID), 64)],
				Cmd: Redraw{Case: cases[i].State.ID}}
		}
		receipts, err := s.Do(ctx, actor, branch, reqs)
		for _, r := range receipts {
			if r.N > 0 {
				moved++
			}
		}
		return err
	})
	return moved, err
}
