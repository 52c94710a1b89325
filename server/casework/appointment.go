package casework

import (
	"context"
	"fmt"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// MakeAppointment notes a time agreed with the debtor. It is an intention: one
// that the law forbids now is refused, with the rule.
type MakeAppointment struct {
	Case     journal.CaseID
	From, To time.Time
}

// AppointmentReceipt answers MakeAppointment and CancelAppointment.
type AppointmentReceipt struct {
	Case        journal.CaseID `json:"case"`
	Appointment string         `json:"appointment_id"`
}

func (c MakeAppointment) refs() []journal.DocRef { return caseRef(c.Case) }

func (c MakeAppointment) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, forConduct)
	if err != nil {
		return nil, err
	}
	if bad := checkAppointment(c.From, c.To, t.At); bad != nil {
		return nil, bad
	}
	if err := t.loadGrounds(ctx, f, c.From, nil); err != nil {
		return nil, err
	}
	lawful, err := t.lawfulWithin(f, c.From, c.To)
	if err != nil {
		return nil, err
	}
	if !lawful.Allowed() {
		return nil, refuse(refusal.Refused, "appointment.unlawful", "from", "no visit may begin in this span: %s (rule %s)",
			lawful.Reason, lawful.Rule)
	}
	return decideAppointment(f, t.draft("appointment.make"), c.From, c.To, "supervisor")
}

// checkAppointment refuses a span that is none, is over, or is too long or too far away.
func checkAppointment(from, to, now time.Time) *refusal.Error {
	switch {
	case !from.Before(to):
		return refuse(refusal.Invalid, "appointment.span", "to", "an appointment ends after it begins")
	case to.Sub(from) > record.MaxAppointmentSpan:
		return refuse(refusal.Invalid, "appointment.span", "to", "an appointment is a span of at most 12 hours")
	case !to.After(now):
		return refuse(refusal.Invalid, "appointment.past", "to", "this span is over; give one to come")
	case from.After(now.AddDate(0, 0, record.MaxAppointmentDays)):
		return refuse(refusal.Invalid, "appointment.far", "from", "this is more than %d days ahead",
			record.MaxAppointmentDays)
	}
	return nil
}

// lawfulWithin judges a visit by a well-equipped team at the instants of a span,
// five minutes apart, and gives the first verdict that allows it, or else the first of all.
// Who goes and with what is known only when the day is planned.
func (t *turn) lawfulWithin(f *File, from, to time.Time) (verdict, error) {
	act := WellEquipped().act(&f.Case)
	var first verdict
	for at := from; at.Before(to); at = at.Add(5 * time.Minute) {
		v, err := judgeVisit(t.policy(), &t.svc.zones, phasePlan, f, at, act)
		if err != nil {
			return verdict{}, refuse(refusal.Refused, "conduct.invalid", "", "the visit cannot be judged: %s", err)
		}
		if v.Allowed() {
			return v, nil
		}
		if first.Answer == "" {
			first = v
		}
	}
	return first, nil
}

// decideAppointment adds an appointment to a case. The same span again answers with the one that stands.
func decideAppointment(f *File, d *draftBuilder, from, to time.Time, source string) (*draftBuilder, error) {
	if f.Case.Status == record.StatusClosed {
		return nil, refuse(refusal.Conflict, "case.closed", "case", "the case is closed; reopen it first")
	}
	id, added, bad := addAppointment(f, d, record.Appointment{From: from.UTC(), To: to.UTC(), Source: source})
	if bad != nil {
		return nil, bad
	}
	d.reply = AppointmentReceipt{f.Case.ID, id}
	if !added {
		return d.nothing(), nil
	}
	return d, nil
}

// addAppointment drafts the case with an appointment more, unless it has it.
func addAppointment(f *File, d *draftBuilder, a record.Appointment) (id string, added bool, bad *refusal.Error) {
	standing := 0
	for _, there := range f.Case.AllAppointments() {
		if there.Cancelled == nil && there.From.Equal(a.From) && there.To.Equal(a.To) {
			return there.ID, false, nil
		}
		if there.Cancelled == nil && there.To.After(d.At) {
			standing++
		}
	}
	if standing >= record.MaxAppointments {
		return "", false, refuse(refusal.Conflict, "appointment.many", "case",
			"the case has %d appointments to come; cancel some first", standing)
	}
	// What is long over says nothing any more: the visits do.
	var kept []record.Appointment
	for _, there := range f.Case.AllAppointments() {
		if there.To.After(d.At.AddDate(0, 0, -30)) {
			kept = append(kept, there)
		}
	}
	a.ID = madeID("p", d.Command, fmt.Sprint(len(kept)))
	a.At, a.By = d.At, d.Actor.User
	f.Case.SetAppointments(append(kept, a))
	d.putCase(f)
	return a.ID, true, nil
}

// CancelAppointment calls an appointment off.
type CancelAppointment struct {
	Case        journal.CaseID
	Appointment string
	Reason      string // required; never personal data
}

func (c CancelAppointment) refs() []journal.DocRef { return caseRef(c.Case) }

func (c CancelAppointment) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	return decideCancelAppointment(f, t.draft("appointment.cancel"), c)
}

func decideCancelAppointment(f *File, d *draftBuilder, c CancelAppointment) (*draftBuilder, error) {
	if err := checkText("reason", c.Reason, 1, 200); err != nil {
		return nil, err
	}
	all := f.Case.AllAppointments()
	for i := range all {
		a := &all[i]
		if a.ID != c.Appointment {
			continue
		}
		d.reply = AppointmentReceipt{f.Case.ID, a.ID}
		if a.Cancelled != nil {
			return d.nothing(), nil
		}
		a.Cancelled = &record.Release{At: d.At, By: d.Actor.User, Reason: c.Reason}
		f.Case.SetAppointments(all)
		d.putCase(f)
		return d, nil
	}
	return nil, refuse(refusal.NotFound, "appointment.not_found", "appointment", "the case has no such appointment")
}
