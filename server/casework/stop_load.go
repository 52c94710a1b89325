package casework

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// loadHold is the kind of the hold of a case whose debtor was contacted as often as the lender allows.
const loadHold = "contact_load"

// OnlyLoadStops tells whether all of some holds are of cases whose debtor was contacted as often as the lender allows:
// a reason that may be told, since it says nothing of the person.
func OnlyLoadStops(holds []record.Hold) bool {
	return !slices.ContainsFunc(holds, func(h record.Hold) bool { return h.Kind != loadHold })
}

// stopLoads holds the cases of a debtor whose contacts have reached a lender's limit by what was drafted, until one
// more contact is within it. Contacts of all the debtor's cases count, and of all who are linked. Each case is held by
// its own lender's limit, when a contact comes in for a lender that has one. A contact is a fact, so that one above the
// limit is taken in all the same.
func (t *turn) stopLoads(ctx context.Context, d *draftBuilder) error {
	if t.svc.lenders == nil {
		return nil
	}
	for _, f := range d.contacted {
		if contacts, _, err := t.svc.lenders.ContactLimit(ctx, f.Case.Lender); err != nil {
			return fmt.Errorf("read a lender's limit of contacts: %w", err)
		} else if contacts == 0 {
			continue
		}
		cases, err := t.casesOfPerson(ctx, f)
		if err != nil {
			return err
		}
		for _, k := range cases {
			contacts, days, err := t.svc.lenders.ContactLimit(ctx, k.Case.Lender)
			if err != nil {
				return fmt.Errorf("read a lender's limit of contacts: %w", err)
			}
			if contacts == 0 || k.Case.Status != record.StatusOpen {
				continue
			}
			if err := t.stopLoad(ctx, d, k, contacts, days); err != nil {
				return err
			}
		}
	}
	return nil
}

// casesOfPerson are the case of a file and the open cases of the same debtor and of all who are linked.
func (t *turn) casesOfPerson(ctx context.Context, f *File) ([]*File, error) {
	out := []*File{f}
	if err := t.openCase(ctx, f); err != nil {
		return nil, err
	}
	// The hold protects the person, whoever brought the contact: a lender's import too holds what the lender may not see.
	any := *t
	any.Actor = auth.System()
	linked, err := t.linked(ctx, f.Case.Debtor)
	if err != nil {
		return nil, err
	}
	f.linked = linked
	for _, debtor := range linked {
		recs, err := t.r.Some(ctx, CasesByDebtor, journal.Range{}, string(debtor))
		if err != nil {
			return nil, err
		}
		for _, rec := range recs {
			var k record.Case
			if err := decode(rec, &k); err != nil {
				return nil, err
			}
			if k.ID == f.Case.ID || k.Status != record.StatusOpen {
				continue
			}
			other, err := any.file(ctx, k.ID, 0)
			if isRefusal(err) {
				continue // it has just left, or its debtor is erased
			}
			if err != nil {
				return nil, err
			}
			other.linked = linked
			out = append(out, other)
		}
	}
	return out, nil
}

// stopLoad holds a case if its debtor's contacts have reached a limit.
func (t *turn) stopLoad(ctx context.Context, d *draftBuilder, f *File, contacts, days int) error {
	zone, today := f.Case.TimeZone, t.day(f)
	first := dayAfter(today, 1-days)
	from := t.svc.zones.startOf(first, zone).UTC().Format(time.RFC3339)
	on := map[string]string{} // the day of each contact, by its id
	note := func(id string, c *record.Contact) {
		if day := t.svc.zones.dayAt(c.At, zone); c.Loads() && day >= first {
			on[id] = day
		} else {
			delete(on, id)
		}
	}
	for _, debtor := range f.linked {
		recs, err := t.r.Some(ctx, ContactsByDebtor, journal.Range{From: from}, string(debtor))
		if err != nil {
			return err
		}
		known, err := decodeAll[record.Contact](recs)
		if err != nil {
			return err
		}
		for i := range known {
			note(known[i].ID, &known[i].State)
		}
	}
	for _, p := range d.parts {
		for _, doc := range p.docs {
			if c, is := doc.state.(*record.Contact); is && slices.Contains(f.linked, c.Debtor) {
				note(doc.id, c)
			}
		}
	}
	if len(on) < contacts {
		return nil
	}
	latest := make([]string, 0, len(on))
	for _, day := range on {
		latest = append(latest, day)
	}
	slices.Sort(latest)
	// On the day after until, the contact that makes the limit full is too long ago to count.
	until := dayAfter(latest[len(latest)-contacts], days-1)
	if until < today || slices.ContainsFunc(f.Case.OpenHolds(today), func(h record.Hold) bool {
		return h.Kind == loadHold && h.Until >= until
	}) {
		return nil
	}
	if err := t.fill(ctx, f, toRevoke); err != nil {
		return err
	}
	d.next(record.ActionLoadStop)
	if _, added := addHold(f, d, record.Hold{Kind: loadHold, Since: today, Until: until, Source: "contact_limit"}); added {
		revokeOpen(f, d, record.AssignmentRevoked, "hold")
	}
	return nil
}

// heldFor reads the holds of a kind that may bind today.
func heldFor(kind string) func(*Service, *journal.Query, func(int) string) {
	return func(s *Service, q *journal.Query, day func(int) string) {
		q.Index, q.Eq = blindByHold.Name, []any{blinded(s.vault, q.Branch, "hold", sameHold(kind))}
		q.From = day(-1)
	}
}

// loadStop is a case that is left alone since its debtor was contacted often enough.
func (d *desk) loadStop(row journal.Record) (*InboxItem, error) {
	k, h, err := d.hold(row)
	if err != nil || h == nil || k.Status != record.StatusOpen || !h.OpenOn(d.today(k)) {
		return nil, err
	}
	return holdItem(k, h), nil
}
