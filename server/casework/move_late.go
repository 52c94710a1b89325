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

// quarantineMoved is the state of an item that was handed on.
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
	items, err := s.openItems(ctx, branch)
	if err != nil {
		return err
	}
	for _, it := range items {
		m := it.move
		if m.To, err = s.DebtorBranch(ctx, it.debtor); err != nil {
			return err
		}
		parts, err := s.store.Records(ctx, branch, it.parts)
		if err != nil {
			return fmt.Errorf("read the parts of %s: %w", it.rec.ID, err)
		}
		for _, step := range []moveStep{s.moveBy(&m, m.To, "late:"+it.rec.ID, handIn{&relocation{Move: m}, it.rec, parts}),
			s.moveBy(&m, branch, "handed:"+it.rec.ID, handedOn{it.rec.ID})} {
			if err := step.take(ctx); err != nil {
				return fmt.Errorf("hand on %s of %s: %w", it.rec.ID, branch, err)
			}
		}
	}
	return nil
}

// lateItem is an open item of the quarantine about a debtor who is gone.
type lateItem struct {
	rec    journal.Record
	debtor journal.DebtorID
	move   record.Move
	parts  []journal.DocRef // of its payload
}

// openItems lists the open items of a branch's quarantine that are about debtors who are gone.
func (s *Service) openItems(ctx context.Context, branch auth.BranchID) ([]lateItem, error) {
	var open []lateItem
	var refs []journal.DocRef
	if err := s.each(ctx, journal.Query{Branch: branch, Type: "quarantine", Index: QuarantineByState.Name,
		Eq: []any{"open"}}, func(rec journal.Record) error {
		var q record.Quarantined
		if err := decode(rec, &q); err != nil {
			return err
		}
		open = append(open, lateItem{rec: rec, debtor: q.Debtor, parts: partRefs(rec.ID, &q)})
		refs = append(refs, journal.DocRef{Type: "moves", ID: string(q.Debtor)})
		return nil
	}); err != nil {
		return nil, err
	}
	moves, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		return nil, fmt.Errorf("read moves: %w", err)
	}
	var late []lateItem
	for i, rec := range moves {
		if rec.Type == "" || rec.Deleted {
			continue
		}
		if err := decode(rec, &open[i].move); err != nil {
			return nil, err
		}
		if open[i].move.State == record.MoveGone {
			late = append(late, open[i])
		}
	}
	return late, nil
}

// handIn takes an item of another branch's quarantine in.
type handIn struct {
	move  *relocation
	item  journal.Record
	parts []journal.Record // of its payload
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
	if err := c.handInParts(ctx, p, d, id); err != nil {
		return nil, err
	}
	record.MoveIn(q, record.Origin{Branch: c.item.Branch, ID: c.item.ID}, t.Branch)
	d.put("quarantine", id, q.Debtor, q)
	return d, nil
}

// handInParts takes the parts of the item's payload in.
func (c handIn) handInParts(ctx context.Context, p *placing, d *draftBuilder, id string) error {
	parts := make([]record.QuarantinePart, len(c.parts))
	for n, rec := range c.parts {
		state, err := p.open(ctx, rec)
		if err != nil {
			return err
		}
		parts[n] = *state.(*record.QuarantinePart)
		parts[n].Item = id
		if _, _, err := p.turn.r.Doc(ctx, "quarantine_parts", partID(id, n)); err != nil {
			return err
		}
	}
	d.putParts(id, parts)
	return nil
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
