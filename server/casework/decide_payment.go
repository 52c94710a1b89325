package casework

import (
	"context"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// RecordPayment adds money that the lender says has arrived. It lowers the
// amount due; when nothing is due any more the case closes as paid. The same
// payment_ref again does nothing, and with other values is refused: a payment is a fact.
type RecordPayment struct {
	Case        journal.CaseID
	Ref         string // unique among the case's payments
	PaidAt      time.Time
	AmountMinor int64 // above zero
	Currency    string
	Method      string
}

func (c RecordPayment) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: "payments", ID: paymentID(c.Case, c.Ref)})
}

func (c RecordPayment) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	rec, there, err := t.r.Doc(ctx, "payments", paymentID(c.Case, c.Ref))
	if err != nil {
		return nil, err
	}
	var was *record.Payment
	if there {
		was = &record.Payment{}
		if err := decode(rec, was); err != nil {
			return nil, err
		}
	}
	// Only a case that is on a phone has assignments to revoke.
	if err := t.loadToRevoke(ctx, f, was == nil && len(f.Case.Agents) > 0 &&
		c.AmountMinor >= f.Case.AmountDueMinor); err != nil {
		return nil, err
	}
	return decidePayment(f, t.draft("payment.record"), c, was)
}

// PaymentReceipt answers RecordPayment.
type PaymentReceipt struct {
	Case    journal.CaseID `json:"case"`
	Payment string         `json:"payment_ref"`
	Change  string         `json:"change"` // accepted or unchanged
	Closed  bool           `json:"closed,omitempty"`
}

func decidePayment(f *File, d *draftBuilder, c RecordPayment, was *record.Payment) (*draftBuilder, error) {
	switch {
	case c.AmountMinor <= 0:
		return nil, refuse(refusal.Invalid, "payment.amount", "amount_minor",
			"a payment is above zero, in minor units such as cents")
	case c.Currency != f.Case.Currency:
		return nil, refuse(refusal.Invalid, "payment.currency", "currency", "the case is in %s; give the payment in it",
			f.Case.Currency)
	case c.PaidAt.IsZero():
		return nil, refuse(refusal.Invalid, "payment.paid_at", "paid_at", "say when it was paid")
	case c.PaidAt.After(d.At.Add(24 * time.Hour)):
		return nil, refuse(refusal.Invalid, "payment.paid_at", "paid_at",
			"this lies in the future; import a payment once it has arrived")
	}
	state := c.state(&f.Case)
	answer := PaymentReceipt{Case: f.Case.ID, Payment: c.Ref, Change: accepted}
	if was != nil {
		if !same(was, &state) {
			return nil, refuse(refusal.Conflict, "payment.changed", "payment_ref",
				"this payment was recorded with other values; send a payment_ref of its own for another payment")
		}
		answer.Change = unchanged
		d.reply = answer
		return d.nothing(), nil
	}
	d.put("payments", paymentID(f.Case.ID, c.Ref), "", &state)
	f.Case.PaidMinor += c.AmountMinor
	f.Case.AmountDueMinor = max(0, f.Case.AmountDueMinor-c.AmountMinor)
	d.putCase(f)
	settle(f, d)
	answer.Closed = f.Case.Status == record.StatusClosed
	d.reply = answer
	return d, nil
}

// state is the payment's document.
func (c RecordPayment) state(k *record.Case) record.Payment {
	return record.Payment{Case: k.ID, Debtor: k.Debtor, Lender: k.Lender, PaidAt: c.PaidAt.UTC().Truncate(time.Second),
		AmountMinor: c.AmountMinor, Currency: c.Currency, Method: c.Method}
}

// paymentID is the id of a payment's document. References that lenders give are unique within a case only.
func paymentID(c journal.CaseID, ref string) string { return string(c) + "/" + ref }
