package casework

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"doorstep/server/record"
	"doorstep/server/repayment"
)

// What payments have made of a plan in force is part of its document, written anew with every payment, so that nobody
// who asks whether it suspends collection reads the payments.

// standingOf follows a plan by the payments of its case: nil for a plan that is not in force.
func standingOf(p *record.Plan, payments []Filed[record.Payment], zone *time.Location) *record.PlanStanding {
	if !p.Live() {
		return p.Standing
	}
	course := courseOf(p, payments, zone)
	if course == nil {
		return p.Standing
	}
	end := course.At(endOfTime)
	out := &record.PlanStanding{PaidMinor: end.PaidMinor}
	if on, as, breaks := course.Breaks(); breaks {
		out.BreaksOn, out.BreaksAs = on.String(), as
	} else if end.Next == nil {
		out.KeptOn = end.Since.String()
	}
	return out
}

// endOfTime is a day on which all that is known has happened.
var endOfTime = mustDate("2199-12-31")

func mustDate(text string) repayment.Date {
	d, ok := repayment.ParseDate(text)
	if !ok {
		panic("casework: " + text + " is no date")
	}
	return d
}

// courseOf is a plan with the payments that count for it; nil for one whose dates cannot be read.
func courseOf(p *record.Plan, payments []Filed[record.Payment], zone *time.Location) *repayment.Course {
	if p.Request == nil || p.Terms == nil {
		return nil
	}
	today, ok := repayment.ParseDate(p.Request.Today)
	if !ok {
		return nil
	}
	due := make([]repayment.Instalment, len(p.Instalments))
	for i, in := range p.Instalments {
		on, ok := repayment.ParseDate(in.DueOn)
		if !ok {
			return nil
		}
		due[i] = repayment.Instalment{N: in.N, DueOn: on, AmountMinor: in.AmountMinor}
	}
	terms := repayment.Terms{GraceDays: p.Terms.GraceDays, BrokenAfter: p.Terms.BrokenAfter,
		PartlyFromBP: p.Terms.PartlyFromBP}
	return repayment.Agreed(today, due).Follow(terms, countedFor(p, payments, zone))
}

// countedFor is what was paid for a plan, in the order of its days: what its balance did not contain. What was paid
// before the plan and recorded after it counts on the day of the plan, because the balance of the plan was without it.
// A payment that was taken back in part is two, of which one was reversed.
func countedFor(p *record.Plan, payments []Filed[record.Payment], zone *time.Location) []repayment.Payment {
	today := p.Request.Today
	day := func(m *record.Payment) string {
		return max(today, m.PaidAt.In(zone).Format(time.DateOnly))
	}
	var out []repayment.Payment
	for i := range payments {
		m := &payments[i].State
		paid := m.PaidAt.In(zone).Format(time.DateOnly)
		if m.Reverses != "" || m.No <= p.PaymentsBefore || p.NetOn != "" && paid < p.NetOn {
			continue
		}
		on, ok := repayment.ParseDate(day(m))
		if !ok {
			continue
		}
		ref, left := paymentRef(payments[i].ID, m), m.AmountMinor
		for _, back := range reversalsOf(ref, payments) {
			r := &back.State
			taken := min(left, r.AmountMinor-r.ReversedMinor)
			until, ok := repayment.ParseDate(day(r))
			if taken <= 0 || !ok {
				continue
			}
			left -= taken
			out = append(out, repayment.Payment{Ref: ref + "\x00" + back.ID, On: on, AmountMinor: taken,
				ReversedOn: max(on, until)})
		}
		if left > 0 {
			out = append(out, repayment.Payment{Ref: ref, On: on, AmountMinor: left})
		}
	}
	slices.SortStableFunc(out, func(a, b repayment.Payment) int { return cmp.Compare(a.On, b.On) })
	return out
}

// paymentRef is the payment_ref of a payment's document.
func paymentRef(id string, m *record.Payment) string {
	return strings.TrimPrefix(id, string(m.Case)+"/")
}

// reversalsOf are the reversals of a payment, in the order in which they were recorded.
func reversalsOf(ref string, payments []Filed[record.Payment]) []Filed[record.Payment] {
	var out []Filed[record.Payment]
	for _, x := range payments {
		if x.State.Reverses == ref {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b Filed[record.Payment]) int { return cmp.Compare(a.State.No, b.State.No) })
	return out
}

// putPayment writes a payment's state into the draft and the file. One that is new gets its number.
func putPayment(f *File, d *draftBuilder, id string, m *record.Payment) {
	if m.No == 0 {
		f.Case.PaymentCount++
		m.No = f.Case.PaymentCount
	}
	d.put("payments", id, "", m)
	i := slices.IndexFunc(f.Payments, func(x Filed[record.Payment]) bool { return x.ID == id })
	if i < 0 {
		f.Payments = append(f.Payments, Filed[record.Payment]{ID: id})
		i = len(f.Payments) - 1
	}
	f.Payments[i].State = *m
}

// loadToFollow loads what a change of payments needs to follow the plan in force.
func (t *turn) loadToFollow(ctx context.Context, f *File) error {
	if f.Case.LivePlan == "" {
		return nil
	}
	if err := t.fill(ctx, f, withPlans|withPayments); err != nil {
		return err
	}
	return t.loadToRevoke(ctx, f, len(f.Case.Agents) > 0)
}

// followPlan writes what payments have made of the plan in force. A plan that gives something up and was kept settles
// the case, and opens it again when a payment was taken back. It comes after settle.
func followPlan(f *File, d *draftBuilder, zone *time.Location) {
	for i := range f.Plans {
		x := &f.Plans[i]
		if x.ID != f.Case.LivePlan || !x.State.Live() {
			continue
		}
		now := standingOf(&x.State, f.Payments, zone)
		if was := x.State.Standing; was == nil || now == nil || *was != *now {
			x.State.Standing = now
			d.putChild(f, "plans", x.ID, &x.State)
		}
		gives := x.State.Concession != nil && f.Case.AmountDueMinor > 0 &&
			f.Case.AmountDueMinor <= x.State.Concession.AmountMinor
		kept := now != nil && now.KeptOn != ""
		switch {
		case f.Case.Status == record.StatusOpen && kept && gives:
			closeCase(f, d, settledReason)
		case f.Case.Status == record.StatusClosed && f.Case.Closed != nil && f.Case.Closed.Reason == settledReason &&
			!kept && f.Case.AmountDueMinor > 0:
			f.Case.Status, f.Case.Closed = record.StatusOpen, nil
			d.putCase(f)
		}
		return
	}
}

// settledReason is the closing reason of a case whose rest the lender gave up.
const settledReason = "settled"

// SuspendedBy names the plan that suspends collection, by visits and by messages, at an instant; "" if none does. It is
// pure; the file must have its plans. A plan that was agreed at or after the instant does not bind it.
func (f *File) SuspendedBy(at time.Time, zone *time.Location) string {
	day := at.In(zone).Format(time.DateOnly)
	for i := range f.Plans {
		if f.performing(&f.Plans[i].State, day, at) {
			return f.Plans[i].ID
		}
	}
	return ""
}
