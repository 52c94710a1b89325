package casework

import (
	"context"
	"time"

	"doorstep/server/record"
	"doorstep/sync/journal"
)

// undoContact strikes a contact that an import brought, or gives it the state that it had before.
type undoContact struct {
	undoOf
	since         time.Time       // when the import wrote it
	before, after *record.Contact // before is nil where the import brought it
}

func (c undoContact) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, kept, err := c.file(ctx, t, 0)
	if kept != nil || err != nil {
		return kept, err
	}
	rec, there, err := t.r.Doc(ctx, "contacts", c.line.Record)
	if err != nil {
		return nil, err
	}
	if !there {
		return c.kept(t, keptGone), nil
	}
	now := &record.Contact{}
	if err := decode(rec, now); err != nil {
		return nil, err
	}
	if err := t.open(ctx, "contacts", c.line.Record, f.Case.Debtor, now); err != nil {
		return nil, err
	}
	switch {
	case now.Struck != nil:
		return c.kept(t, keptUndone), nil
	case now.Import == nil:
		return c.kept(t, keptChanged), nil
	case now.Import.ID != c.imp:
		return c.kept(t, keptImported), nil
	}
	if !now.Uncounted() {
		if c.line.Counted, err = t.judgedSince(ctx, f.Case.Debtor, c.since); err != nil {
			return nil, err
		}
	}
	d := t.draft("import.undo")
	if c.before == nil || c.before.Struck != nil {
		now.Struck = &record.Striking{By: t.Actor.User, At: t.At, Import: c.imp}
		c.line.Became = becameStruck
	} else {
		now, c.line.Became = c.before, becameRestored
	}
	d.putContact(f, c.line.Record, now)
	d.reply = c.line
	return d, nil
}

// judgedSince counts the visits and stops of a debtor that were judged since an instant.
func (t *turn) judgedSince(ctx context.Context, debtor journal.DebtorID, since time.Time) (int, error) {
	var cases []Filed[record.Case]
	if err := allInto(ctx, t.r, &cases, CasesByDebtor, string(debtor)); err != nil {
		return 0, err
	}
	n := 0
	for _, k := range cases {
		var visits []Filed[record.Visit]
		var stops []Filed[record.Assignment]
		if err := allInto(ctx, t.r, &visits, VisitsByCase, k.ID); err != nil {
			return 0, err
		}
		if err := allInto(ctx, t.r, &stops, AssignmentsByCase, k.ID); err != nil {
			return 0, err
		}
		for _, v := range visits {
			if !v.State.ReceivedAt.Before(since.Truncate(time.Second)) {
				n++
			}
		}
		for _, a := range stops {
			if !a.State.IssuedAt.Before(since.Truncate(time.Second)) {
				n++
			}
		}
	}
	return n, nil
}

// undoPayment takes back a payment, or a reversal, that an import brought: by a payment of its own that names it.
type undoPayment struct {
	undoOf
	ref string
}

func (c undoPayment) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, kept, err := c.undoOf.file(ctx, t, 0)
	if kept != nil || err != nil {
		return kept, err
	}
	p, err := t.payment(ctx, f.Case.ID, c.ref)
	if err != nil {
		return nil, err
	}
	switch {
	case p == nil:
		return c.kept(t, keptGone), nil
	case p.Import == nil || p.Import.ID != c.imp:
		return c.kept(t, keptImported), nil
	case p.UndoneBy != "":
		return c.kept(t, keptUndone), nil
	}
	var original *record.Payment
	if p.Reverses != "" {
		if original, err = t.payment(ctx, f.Case.ID, p.Reverses); err != nil {
			return nil, err
		}
	}
	by := madeID("undo", c.imp, string(f.Case.ID), c.ref)
	if there, err := t.payment(ctx, f.Case.ID, by); err != nil {
		return nil, err
	} else if there != nil {
		return c.kept(t, keptUndone), nil
	}
	// What was reversed counts again, and may close the case.
	if err := t.loadToRevoke(ctx, f, original != nil && len(f.Case.Agents) > 0); err != nil {
		return nil, err
	}
	if err := t.loadToFollow(ctx, f); err != nil {
		return nil, err
	}
	d := t.draft("import.undo")
	if !decideUndoPayment(f, d, p, original, c.ref, by, t.svc.zones.dayAt(p.PaidAt, f.Case.TimeZone)) {
		return c.kept(t, keptReversed), nil
	}
	followPlan(f, d, t.svc.zoneOf(&f.Case))
	c.line.Became = becameReversed
	d.reply = c.line
	return d, nil
}

// decideUndoPayment reverses what was not yet reversed of a payment p, whose payment_ref is ref, by a payment with the
// payment_ref by. on is the debtor's local date of p. original is the payment that p itself reverses, or nil. It
// returns false if nothing is left to reverse.
func decideUndoPayment(f *File, d *draftBuilder, p, original *record.Payment, ref, by, on string) bool {
	k := &f.Case
	amount := p.AmountMinor - p.ReversedMinor
	if amount <= 0 {
		return false
	}
	undo := record.Payment{Case: p.Case, Debtor: p.Debtor, Lender: p.Lender, PaidAt: d.At, AmountMinor: amount,
		Currency: p.Currency, Method: p.Method, Reverses: ref}
	if p.PaidAt.After(undo.PaidAt) {
		undo.PaidAt = p.PaidAt
	}
	// An amount due that the lender gave later does not rest on the payment as it was counted here.
	undo.InAmount = p.InAmount || k.NetOn != "" && on < k.NetOn
	p.UndoneBy = by
	if original == nil {
		takeBack(k, p, &undo, amount)
	} else {
		p.ReversedMinor += amount
		original.ReversedMinor -= amount
		k.PaidMinor += amount
		if !undo.InAmount {
			undo.DueMinor = min(k.AmountDueMinor, p.DueMinor)
			k.AmountDueMinor -= undo.DueMinor
			original.DueMinor += undo.DueMinor
		}
		putPayment(f, d, paymentID(k.ID, p.Reverses), original)
	}
	putPayment(f, d, paymentID(k.ID, ref), p)
	putPayment(f, d, paymentID(k.ID, by), &undo)
	d.putCase(f)
	settle(f, d)
	return true
}
