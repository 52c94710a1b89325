package casework

import (
	"context"
	"fmt"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// What phones send about a case that has moved waits in quarantine, sealed under its
// debtor's key. The new branch decides on it: an item is copied there and then marked as
// moved here, so that it is open in one of the two at any time.

// Handed on, an item of the quarantine has this state.
const quarantineMoved = "moved"

// handOn hands the open items of a branch's quarantine that are about debtors who are gone
// to the branches they are in now.
func (s *Service) handOn(ctx context.Context, branch auth.BranchID) error {
	gone, err := s.store.Find(ctx, journal.Query{Branch: branch, Type: "moves", Index: movesByState.Name,
		Eq: []any{record.MoveGone}, Limit: 1})
	if err != nil {
		return fmt.Errorf("look for moves: %w", err)
	}
	if len(gone.Records) == 0 {
		return nil
	}
	var items []journal.Record
	if err := s.each(ctx, journal.Query{Branch: branch, Type: "quarantine", Index: QuarantineByState.Name,
		Eq: []any{"open"}}, func(rec journal.Record) error {
		items = append(items, rec)
		return nil
	}); err != nil {
		return err
	}
	for _, rec := range items {
		var q record.Quarantined
		if err := decode(rec, &q); err != nil {
			return err
		}
		m, there, err := s.storedMove(ctx, branch, q.Debtor)
		if err != nil {
			return err
		}
		if !there || m.State != record.MoveGone {
			continue
		}
		if m.To, err = s.DebtorBranch(ctx, q.Debtor); err != nil {
			return err
		}
		for _, step := range []moveStep{s.moveBy(&m, m.To, "late:"+rec.ID, handIn{&luggage{Move: m}, rec}),
			s.moveBy(&m, branch, "handed:"+rec.ID, handedOn{rec.ID})} {
			if err := step.take(ctx); err != nil {
				return fmt.Errorf("hand on %s of %s: %w", rec.ID, branch, err)
			}
		}
	}
	return nil
}

// handIn takes an item of another branch's quarantine in.
type handIn struct {
	move *luggage
	item journal.Record
}

func (c handIn) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	p := &placing{turn: t, move: c.move}
	state, err := p.open(ctx, c.item)
	if err != nil {
		return nil, err
	}
	q := state.(*record.Quarantined)
	id := c.item.ID
	if q.Origin != nil && q.Origin.Branch == t.Branch {
		id = q.Origin.ID
	} else if id, err = p.place(ctx, "quarantine", id); err != nil {
		return nil, err
	}
	d := t.draft("quarantine.handed_in")
	rec, there, err := t.r.Doc(ctx, "quarantine", id)
	if err != nil {
		return nil, err
	}
	if there {
		var was record.Quarantined
		if err := decode(rec, &was); err != nil {
			return nil, err
		}
		if was.State != quarantineMoved {
			return d.nothing(), nil
		}
	}
	record.MoveIn(q, record.Origin{Branch: c.item.Branch, ID: c.item.ID}, t.Branch)
	d.put("quarantine", id, q.Debtor, q)
	return d, nil
}

// handedOn marks an item that another branch has taken in.
type handedOn struct{ item string }

func (c handedOn) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	rec, there, err := t.r.Doc(ctx, "quarantine", c.item)
	if err != nil || !there {
		return nil, err
	}
	var q record.Quarantined
	if err := decode(rec, &q); err != nil {
		return nil, err
	}
	d := t.draft("quarantine.handed_on")
	if q.State != "open" {
		return d.nothing(), nil
	}
	q.State = quarantineMoved
	d.put("quarantine", c.item, q.Debtor, &q)
	return d, nil
}
