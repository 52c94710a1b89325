package casework

import (
	"context"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/ladder"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// RecordPayment adds money that the lender says has arrived, or takes back a payment that
// was recorded. A payment lowers the amount due unless that contains it already; when nothing
// is due any more the case closes as paid. A reversal raises it, and opens a case that was
// closed as paid. The same payment_ref again does nothing, and with other values is refused: a
// payment is a fact.
type RecordPayment struct {
	Case        journal.CaseID
	Ref         string // unique among the case's payments
	PaidAt      time.Time
	AmountMinor int64 // above zero
	Currency    string
	Method      string
	Reverses    string // the payment_ref of the payment that this takes back; "" for money that came in
	Import      string // the import that brings it; "" for none
}

func (c RecordPayment) refs() []journal.DocRef {
	refs := append(append(caseRef(c.Case), importRefs(c.Import)...),
		journal.DocRef{Type: "payments", ID: paymentID(c.Case, c.Ref)})
	if c.Reverses != "" {
		refs = append(refs, journal.DocRef{Type: "payments", ID: paymentID(c.Case, c.Reverses)})
	}
	return refs
}

func (c RecordPayment) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := t.stillImporting(ctx, c.Import); err != nil {
		return nil, err
	}
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	was, err := t.payment(ctx, c.Case, c.Ref)
	if err != nil {
		return nil, err
	}
	var original, undone *record.Payment
	if was != nil && was.UndoneBy != "" {
		if undone, err = t.payment(ctx, c.Case, was.UndoneBy); err != nil {
			return nil, err
		}
	}
	if c.Reverses != "" {
		if original, err = t.payment(ctx, c.Case, c.Reverses); err != nil {
			return nil, err
		}
	}
	// Only a case that is on a phone has assignments to revoke.
	if err := t.loadToRevoke(ctx, f, (was == nil || undone != nil) && len(f.Case.Agents) > 0 && c.Reverses == "" &&
		c.AmountMinor >= f.Case.AmountDueMinor); err != nil {
		return nil, err
	}
	if err := t.loadToFollow(ctx, f); err != nil {
		return nil, err
	}
	d, err := decidePayment(f, t.draft("payment.record"), c, was, original, undone,
		t.svc.zones.dayAt(c.PaidAt, f.Case.TimeZone))
	if err == nil && f.touched {
		followPlan(f, d, t.svc.zoneOf(&f.Case))
	}
	if err == nil {
		err = t.thank(ctx, f, d, c)
	}
	return d, err
}

// thankWithin is for how long after a payment the person is thanked. Our own value: a file of old payments thanks
// nobody.
const thankWithin = 7 * 24 * time.Hour

// thank queues the text that thanks for a payment that was taken in now: to a number that was verified lately, if the
// lender has such a text in force, and nothing holds the case. Each payment is thanked for once.
func (t *turn) thank(ctx context.Context, f *File, d *draftBuilder, c RecordPayment) error {
	k := &f.Case
	answer, is := d.reply.(PaymentReceipt)
	if !is || answer.Change != accepted || c.Reverses != "" || t.svc.texting.Texts == nil ||
		t.At.Sub(c.PaidAt) > thankWithin || canText(k) != nil || len(k.OpenHolds(t.day(f))) > 0 ||
		!ladder.Verified(k.PhoneVerifiedOn, t.day(f)) {
		return nil
	}
	text, there, err := t.svc.texting.Texts.Template(ctx, k.Lender, ladder.ThankYou, k.Language, k.Country, false)
	if err != nil || !there {
		return err
	}
	id := madeID("m", "thanks", paymentID(k.ID, c.Ref))
	if _, there, err := t.r.Doc(ctx, "messages", id); err != nil || there {
		return err
	}
	putMessage(f, d, id, &record.Message{Kind: ladder.ThankYou, State: record.MessageQueued, QueuedAt: t.At, NextAt: t.At,
		Expires: t.At.Add(queuedFor), Given: record.NewPersonal([]record.GivenValue{
			{Name: "paid_amount", Value: ladder.Amount(c.AmountMinor, c.Currency, text.Language)},
			{Name: "paid_on", Value: ladder.Date(t.svc.zones.dayAt(c.PaidAt, k.TimeZone), text.Language)}})})
	return nil
}

// payment reads a payment of a case; nil if there is none.
func (t *turn) payment(ctx context.Context, id journal.CaseID, ref string) (*record.Payment, error) {
	rec, there, err := t.r.Doc(ctx, "payments", paymentID(id, ref))
	if err != nil || !there {
		return nil, err
	}
	p := &record.Payment{}
	return p, decode(rec, p)
}

// PaymentReceipt answers RecordPayment.
type PaymentReceipt struct {
	Case    journal.CaseID `json:"case"`
	Payment string         `json:"payment_ref"`
	Change  string         `json:"change"` // accepted or unchanged
	Closed  bool           `json:"closed,omitempty"`
}

// decidePayment decides on a payment; was is the payment of the same payment_ref, original the
// one that it reverses, on the debtor's local date of it. undone is the payment that took was back when its import was
// undone: was counts again then.
func decidePayment(f *File, d *draftBuilder, c RecordPayment, was, original, undone *record.Payment,
	on string) (*draftBuilder, error) {
	if err := c.check(&f.Case, d.At); err != nil {
		return nil, err
	}
	state := c.state(&f.Case)
	answer := PaymentReceipt{Case: f.Case.ID, Payment: c.Ref, Change: accepted}
	if was != nil {
		if !samePayment(was, &state) {
			return nil, refuse(refusal.Conflict, "payment.changed", "payment_ref",
				"this payment was recorded with other values; send a payment_ref of its own for another payment")
		}
		if undone == nil {
			answer.Change = unchanged
			d.reply = answer
			return d.nothing(), nil
		}
		undone.ReversedMinor = undone.AmountMinor
		putPayment(f, d, paymentID(f.Case.ID, was.UndoneBy), undone)
		state.No, state.ReversedMinor = was.No, was.ReversedMinor-undone.AmountMinor
	}
	if c.Import != "" {
		state.Import = &record.Imported{ID: c.Import}
	}
	state.InAmount = f.Case.NetOn != "" && on < f.Case.NetOn
	if c.Reverses != "" {
		if err := c.checkReversal(original); err != nil {
			return nil, err
		}
		takeBack(&f.Case, original, &state, c.AmountMinor)
		putPayment(f, d, paymentID(f.Case.ID, c.Reverses), original)
	} else {
		bring(&f.Case, &state, state.Brought())
	}
	putPayment(f, d, paymentID(f.Case.ID, c.Ref), &state)
	d.putCase(f)
	settle(f, d)
	answer.Closed = f.Case.Status == record.StatusClosed
	d.reply = answer
	return d, nil
}

// bring counts an amount of a payment for a case.
func bring(k *record.Case, p *record.Payment, amount int64) {
	k.PaidMinor += amount
	if !p.InAmount {
		lowered := min(max(0, k.AmountDueMinor), amount)
		k.AmountDueMinor -= lowered
		p.DueMinor += lowered
	}
}

// takeBack counts an amount of a payment no more: by is the reversal. What was paid above what was due goes back first.
func takeBack(k *record.Case, p, by *record.Payment, amount int64) {
	p.ReversedMinor += amount
	k.PaidMinor -= amount
	raise := amount
	if !p.InAmount {
		stays := min(p.DueMinor, p.AmountMinor-p.ReversedMinor)
		raise, p.DueMinor = p.DueMinor-stays, stays
	}
	if !by.InAmount {
		was := k.AmountDueMinor
		k.AmountDueMinor = min(was+raise, record.MaxMinor)
		by.DueMinor = k.AmountDueMinor - was
	}
}

// check refuses a payment that cannot be one of the case.
func (c RecordPayment) check(k *record.Case, now time.Time) error {
	switch {
	case c.AmountMinor <= 0:
		return refuse(refusal.Invalid, "payment.amount", "amount_minor",
			"a payment is above zero, in minor units such as cents; to take one back, name it in reverses")
	case c.Currency != k.Currency:
		return refuse(refusal.Invalid, "payment.currency", "currency", "the case is in %s; give the payment in it",
			k.Currency)
	case c.AmountMinor > record.MaxMinor-max(0, k.PaidMinor):
		return refuse(refusal.Invalid, "payment.amount", "amount_minor",
			"the payments of a case add up to at most %d in minor units", int64(record.MaxMinor))
	case c.PaidAt.IsZero():
		return refuse(refusal.Invalid, "payment.paid_at", "paid_at", "say when it was paid")
	case c.PaidAt.After(now.Add(24 * time.Hour)):
		return refuse(refusal.Invalid, "payment.paid_at", "paid_at",
			"this lies in the future; import a payment once it has arrived")
	}
	return nil
}

// checkReversal refuses to take back what was not paid; original is the payment named, nil if there is none.
func (c RecordPayment) checkReversal(original *record.Payment) error {
	switch {
	case original == nil:
		return refuse(refusal.Invalid, "payment.reverses", "reverses",
			"the case has no such payment; import it before its reversal")
	case original.Reverses != "":
		return refuse(refusal.Invalid, "payment.reverses", "reverses",
			"this is a reversal itself; import the payment anew if it came in after all")
	case c.PaidAt.Before(original.PaidAt):
		return refuse(refusal.Invalid, "payment.paid_at", "paid_at", "a payment is not reversed before it was made")
	case c.AmountMinor > original.Brought():
		return refuse(refusal.Invalid, "payment.amount", "amount_minor",
			"%d of this payment are left to take back, in minor units", original.Brought())
	}
	return nil
}

// state is the payment's document.
func (c RecordPayment) state(k *record.Case) record.Payment {
	return record.Payment{Case: k.ID, Debtor: k.Debtor, Lender: k.Lender, PaidAt: c.PaidAt.UTC().Truncate(time.Second),
		AmountMinor: c.AmountMinor, Currency: c.Currency, Method: c.Method, Reverses: c.Reverses}
}

// samePayment tells whether a payment was recorded with the values that are sent now.
func samePayment(was, sent *record.Payment) bool {
	s := *sent
	s.ReversedMinor, s.InAmount, s.DueMinor = was.ReversedMinor, was.InAmount, was.DueMinor
	s.UndoneBy, s.Import, s.No = was.UndoneBy, was.Import, was.No
	return same(was, &s)
}

// paymentID is the id of a payment's document. References that lenders give are unique within a case only.
func paymentID(c journal.CaseID, ref string) string { return string(c) + "/" + ref }
