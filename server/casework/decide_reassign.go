package casework

import (
	"context"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Reassign gives a case to a team, whatever its territory, or pins its territory.
// Open assignments stay as they are: revoking them is a command of its own.
type Reassign struct {
	Case journal.CaseID
	// Team and Territory are left alone when nil. An empty team goes back to the
	// territory's; an empty territory goes back to where the home lies.
	Team, Territory *string
}

func (c Reassign) refs() []journal.DocRef { return caseRef(c.Case) }

func (c Reassign) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	home := f.Case.Territory
	if c.Territory != nil && *c.Territory == "" && f.Case.TerritoryPinned {
		if home, err = t.homeTerritory(ctx, f); err != nil {
			return nil, err
		}
	}
	return decideReassign(f, t.draft("case.reassign"), c, home)
}

// decideReassign is told the territory the home lies in.
func decideReassign(f *File, d *draftBuilder, c Reassign, home string) (*draftBuilder, error) {
	if c.Team == nil && c.Territory == nil {
		return nil, refuse(refusal.Invalid, "reassign.nothing", "", "name a team or a territory")
	}
	if f.Case.Status == record.StatusClosed {
		return nil, refuse(refusal.Conflict, "case.closed", "case", "the case is closed; reopen it first")
	}
	was := f.Case.Team + "\x00" + f.Case.Territory
	pinned := f.Case.TerritoryPinned
	if c.Team != nil {
		f.Case.Team = *c.Team
	}
	if c.Territory != nil {
		f.Case.Territory, f.Case.TerritoryPinned = *c.Territory, *c.Territory != ""
		if *c.Territory == "" {
			f.Case.Territory = home
		}
	}
	if was == f.Case.Team+"\x00"+f.Case.Territory && pinned == f.Case.TerritoryPinned {
		return d.answering(f, false), nil
	}
	d.putCase(f)
	return d.answering(f, true), nil
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
	err = s.eachCase(ctx, journal.Query{Branch: branch, Type: "cases", Index: CasesByStatus.Name, Eq: []any{record.StatusOpen}, Limit: chunkLines}, func(cases []Filed[record.Case]) error {
		id := journal.NewID()
		reqs := make([]Request, len(cases))
		for i := range cases {
			reqs[i] = Request{ID: "redraw:" + id + ":" + cases[i].ID[:min(len(cases[i].ID), 64)], Cmd: Redraw{Case: cases[i].State.CaseRef}}
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
