package casework

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// indexReader reads a part of an index in its order: a decision's reader, or the store itself.
type indexReader interface {
	Some(ctx context.Context, ix journal.Index, part journal.Range, eq ...any) ([]journal.Record, error)
}

// finder is an indexReader that knows who is linked.
type finder interface {
	indexReader
	// linked lists the debtor and all who are linked.
	linked(ctx context.Context, id journal.DebtorID) ([]journal.DebtorID, error)
}

// Some reads for a decision, which rests on what is found.
func (t *turn) Some(ctx context.Context, ix journal.Index, part journal.Range, eq ...any) ([]journal.Record, error) {
	return t.r.Some(ctx, ix, part, eq...)
}

// stored is the finder of what is not a decision.
type stored struct {
	svc    *Service
	branch auth.BranchID
}

// Some reads from the store.
func (s stored) Some(ctx context.Context, ix journal.Index, part journal.Range, eq ...any) ([]journal.Record, error) {
	q := journal.Query{Branch: s.branch, Type: ix.Type, Index: ix.Name, Eq: eq, From: part.From, Limit: part.Most}
	var out []journal.Record
	for {
		found, err := s.svc.store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("find %s by %s: %w", ix.Type, ix.Name, err)
		}
		out = append(out, found.Records...)
		if found.Next == "" || part.Most > 0 {
			return out, nil
		}
		q.After = found.Next
	}
}

func (s stored) linked(ctx context.Context, id journal.DebtorID) ([]journal.DebtorID, error) {
	who, err := s.svc.personOf(ctx, s.branch, id)
	return who.debtors, err
}

// grounds loads into a case file what conduct decisions on visits to the case rest on: the consents and plans, and
// of the contacts of the debtor and all who are linked, however many there are, those since the first instant that is
// judged less the time for which the profiles look back, and the earliest that a rule counts for ever. Commands,
// planning and alerts all load it here, so that they judge by the same.
type grounds struct {
	find    finder
	file    *File
	look    conduct.Lookback
	reached map[string]int // Lookback.Reached, by party
	known   bool           // the profiles; a case with others cannot be judged, and Judge says so
}

// groundsOf prepares to judge visits to a case, whose document is loaded and open, by its profiles and some overlays.
// It loads all but the contacts. A caller that knows who is linked has said so in the file. parties are those whom
// visits reached or are planned to reach, besides the debtor.
func groundsOf(ctx context.Context, policy *conduct.Policy, find finder, f *File, overlays []string,
	parties ...string) (grounds, error) {
	g := grounds{find: find, file: f, reached: map[string]int{}}
	if err := fill(ctx, find, f, forConduct); err != nil {
		return g, err
	}
	if f.linked == nil {
		var err error
		if f.linked, err = find.linked(ctx, f.Case.Debtor); err != nil {
			return g, err
		}
	}
	for _, party := range append(parties, record.DebtorParty) {
		look, err := policy.Lookback(profiles(&f.Case, overlays), visitAct{party: party}.action(&f.Case))
		if err != nil {
			return g, nil
		}
		g.look = look // but for Reached it is the same for every party
		g.reached[cmpOr(party, record.DebtorParty)] = look.Reached
	}
	g.known = true
	return g, nil
}

// loadGrounds loads all that visits at or after an instant are judged by.
func loadGrounds(ctx context.Context, policy *conduct.Policy, find finder, f *File, overlays []string,
	first time.Time) error {
	g, err := groundsOf(ctx, policy, find, f, overlays)
	if err != nil {
		return err
	}
	if err := g.recent(ctx, first); err != nil {
		return err
	}
	return g.earliest(ctx, 0)
}

// recent loads the contacts that caps and cool-downs count, later ones included, and those
// that may have been made by the same knock on the door.
func (g grounds) recent(ctx context.Context, first time.Time) error {
	if !g.known {
		return nil
	}
	from := g.since(first)
	for _, id := range g.file.linked {
		if err := g.add(ctx, ContactsByDebtor, journal.Range{From: from}, string(id)); err != nil {
			return err
		}
	}
	return nil
}

// since is the first instant of the contacts that recent loads, as an index has it.
func (g grounds) since(first time.Time) string {
	since := first.Add(-max(g.look.Since, knockTime+time.Second))
	if uses := usesFrom(g.file.Consents); !uses.IsZero() && uses.Before(since) {
		since = uses
	}
	return since.UTC().Format(time.RFC3339)
}

// earliest loads the contacts that rules count for ever: as many as they need, and leftOut more, the number of
// contacts that the judge is told to leave out.
func (g grounds) earliest(ctx context.Context, leftOut int) error {
	for channel, need := range g.look.Tried {
		if err := g.add(ctx, contactsTried, journal.Range{Most: need + leftOut}, string(g.file.Case.ID),
			channel); err != nil {
			return err
		}
	}
	for party, need := range g.reached {
		if need == 0 {
			continue
		}
		for _, id := range g.file.linked {
			if err := g.add(ctx, contactsReached, journal.Range{Most: need + leftOut}, string(id), party); err != nil {
				return err
			}
		}
	}
	return nil
}

// add puts the contacts of an index into the file, each once and in order of time.
func (g grounds) add(ctx context.Context, ix journal.Index, part journal.Range, eq ...any) error {
	recs, err := g.find.Some(ctx, ix, part, eq...)
	if err != nil {
		return err
	}
	more, err := decodeAll[record.Contact](recs)
	if err != nil {
		return err
	}
	all := g.file.Contacts
	for i := range more {
		if !slices.ContainsFunc(all, func(x Filed[record.Contact]) bool { return x.ID == more[i].ID }) {
			g.file.Contacts = append(g.file.Contacts, more[i])
		}
	}
	slices.SortFunc(g.file.Contacts, func(a, b Filed[record.Contact]) int {
		return cmp.Or(a.State.At.Compare(b.State.At), cmp.Compare(a.ID, b.ID))
	})
	return nil
}

// loadGrounds loads all that visits at or after an instant are judged by, and makes the decision rest on it.
func (t *turn) loadGrounds(ctx context.Context, f *File, first time.Time, overlays []string) error {
	return loadGrounds(ctx, t.policy(), t, f, overlays, first)
}

// counted says in a contact's state for what it counts for ever, so that an index finds it.
func counted(c *record.Contact) {
	e := conduct.HistoryEntry{Result: c.Result, Excluded: c.Uncounted()}
	c.Tried, c.Reached = "", ""
	if e.Tried() {
		c.Tried = c.Channel
	}
	if e.Reached() {
		c.Reached = cmpOr(c.Party, record.DebtorParty)
	}
}
