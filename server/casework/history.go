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

// finder reads a part of an index in its order: a decision's reader, or the store itself.
type finder interface {
	Some(ctx context.Context, ix journal.Index, part journal.Range, eq ...any) ([]journal.Record, error)
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

// history loads, of the contacts of the debtor and all who are linked, what judging visits to a case rests on, however
// many there are: those since the first instant that is judged less the time for which the
// profiles look back, and the earliest that a rule counts for ever.
type history struct {
	find  finder
	file  *File
	look  conduct.Lookback
	known bool // the profiles; a case with others cannot be judged, and Judge says so
}

// historyOf prepares to load the contacts of a case file, to judge visits by its profiles and some overlays.
func historyOf(policy *conduct.Policy, find finder, f *File, overlays []string) history {
	act := visitAct{}.action(&f.Case)
	look, err := policy.Lookback(profiles(&f.Case, overlays), act)
	return history{find: find, file: f, look: look, known: err == nil}
}

// load loads what visits at or after an instant are judged by.
func (h history) load(ctx context.Context, first time.Time) error {
	if err := h.recent(ctx, first); err != nil {
		return err
	}
	return h.earliest(ctx, 0)
}

// recent loads the contacts that caps and cool-downs count, later ones included, and those
// that may have been made by the same knock on the door.
func (h history) recent(ctx context.Context, first time.Time) error {
	if !h.known {
		return nil
	}
	since := first.Add(-max(h.look.Since, knockTime+time.Second))
	if uses := usesFrom(h.file.Consents); !uses.IsZero() && uses.Before(since) {
		since = uses
	}
	from := since.UTC().Format(time.RFC3339)
	for _, id := range h.file.person() {
		if err := h.add(ctx, ContactsByDebtor, journal.Range{From: from}, string(id)); err != nil {
			return err
		}
	}
	return nil
}

// earliest loads the contacts that rules count for ever: as many as they need, and so many
// more as the judge is told to leave out.
func (h history) earliest(ctx context.Context, leftOut int) error {
	for channel, need := range h.look.Tried {
		if err := h.add(ctx, contactsTried, journal.Range{Most: need + leftOut}, string(h.file.Case.ID),
			channel); err != nil {
			return err
		}
	}
	if h.look.Reached == 0 {
		return nil
	}
	for _, id := range h.file.person() {
		if err := h.add(ctx, contactsReached, journal.Range{Most: h.look.Reached + leftOut}, string(id),
			record.DebtorParty); err != nil {
			return err
		}
	}
	return nil
}

// person lists the debtor and all who are linked.
func (f *File) person() []journal.DebtorID {
	if len(f.linked) == 0 {
		return []journal.DebtorID{f.Case.Debtor}
	}
	return f.linked
}

// add puts the contacts of an index into the file, each once and in order of time.
func (h history) add(ctx context.Context, ix journal.Index, part journal.Range, eq ...any) error {
	recs, err := h.find.Some(ctx, ix, part, eq...)
	if err != nil {
		return err
	}
	more, err := decodeAll[record.Contact](recs)
	if err != nil {
		return err
	}
	all := h.file.Contacts
	for i := range more {
		if !slices.ContainsFunc(all, func(x Filed[record.Contact]) bool { return x.ID == more[i].ID }) {
			h.file.Contacts = append(h.file.Contacts, more[i])
		}
	}
	slices.SortFunc(h.file.Contacts, func(a, b Filed[record.Contact]) int {
		return cmp.Or(a.State.At.Compare(b.State.At), cmp.Compare(a.ID, b.ID))
	})
	return nil
}

// history loads what visits at or after an instant are judged by, and makes the decision rest on it.
func (t *turn) history(ctx context.Context, f *File, first time.Time, overlays []string) error {
	var err error
	if f.linked, err = t.linked(ctx, f.Case.Debtor); err != nil {
		return err
	}
	return historyOf(t.policy(), t.r, f, overlays).load(ctx, first)
}

// counted says in a contact's state for what it counts for ever, so that an index finds it.
func counted(c *record.Contact) {
	e := conduct.HistoryEntry{Result: c.Result, Excluded: c.Excluded}
	c.Tried, c.Reached = "", ""
	if e.Tried() {
		c.Tried = c.Channel
	}
	if e.Reached() {
		c.Reached = cmpOr(c.Party, record.DebtorParty)
	}
}
