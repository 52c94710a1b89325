package casework

import (
	"context"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Appointment is a time agreed with the debtor. On its local date a round visits
// the case within it or not at all, and before anything else that may be left out.
type Appointment struct {
	ID string `json:"appointment_id"`
	// From and To are instants in UTC: the visit begins at From or later, and before To.
	From   time.Time   `json:"from"`
	To     time.Time   `json:"to"`
	By     auth.UserID `json:"by,omitempty"`
	At     time.Time   `json:"at"`
	Source string      `json:"source"` // supervisor, visit:<id>
	// Cancelled says why it was called off; nil while it stands.
	Cancelled *Release `json:"cancelled,omitempty"`
}

// Limits of an appointment.
const (
	maxAppointmentSpan = 12 * time.Hour
	maxAppointmentDays = 366
	maxAppointments    = 20 // that still stand, of one case
)

// AppointmentsOn are the appointments that stand on a local date of the debtor, in the order they were made.
func (c *Case) AppointmentsOn(date string) []Appointment {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	var out []Appointment
	for _, a := range c.Appointments {
		if a.Cancelled == nil && a.From.In(zone).Format(time.DateOnly) == date {
			out = append(out, a)
		}
	}
	return out
}

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
	lawful, err := t.lawfulWithin(f, c.From, c.To)
	if err != nil {
		return nil, err
	}
	if !lawful.allowed() {
		return nil, refuse(Refused, "appointment.unlawful", "from", "no visit may begin in this span: %s (rule %s)", lawful.Reason, lawful.Rule)
	}
	return decideAppointment(f, t.draft("appointment.make"), c.From, c.To, "supervisor")
}

// checkAppointment refuses a span that is none, is over, or is too long or too far away.
func checkAppointment(from, to, now time.Time) *Error {
	switch {
	case !from.Before(to):
		return refuse(Invalid, "appointment.span", "to", "an appointment ends after it begins")
	case to.Sub(from) > maxAppointmentSpan:
		return refuse(Invalid, "appointment.span", "to", "an appointment is a span of at most 12 hours")
	case !to.After(now):
		return refuse(Invalid, "appointment.past", "to", "this span is over; give one to come")
	case from.After(now.AddDate(0, 0, maxAppointmentDays)):
		return refuse(Invalid, "appointment.far", "from", "this is more than %d days ahead", maxAppointmentDays)
	}
	return nil
}

// lawfulWithin judges a visit by a well-equipped team at the instants of a span,
// five minutes apart, and gives the first verdict that allows it, or else the first of all.
// Who goes and with what is known only when the day is planned.
func (t *turn) lawfulWithin(f *File, from, to time.Time) (verdict, error) {
	team := WellEquipped()
	act := visitAct{agents: team.Agents, items: team.Items, recording: team.Recording, minutes: f.Case.ServiceMin}
	var first verdict
	for at := from; at.Before(to); at = at.Add(5 * time.Minute) {
		v, err := judgeVisit(t.policy(), &t.svc.zones, phasePlan, f, at, act)
		if err != nil {
			return verdict{}, refuse(Refused, "conduct.invalid", "", "the visit cannot be judged: %s", err)
		}
		if v.allowed() {
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
	if f.Case.Status == statusClosed {
		return nil, refuse(Conflict, "case.closed", "case", "the case is closed; reopen it first")
	}
	id, added, bad := addAppointment(f, d, Appointment{From: from.UTC(), To: to.UTC(), Source: source})
	if bad != nil {
		return nil, bad
	}
	d.reply = AppointmentReceipt{f.Case.CaseRef, id}
	if !added {
		return d.nothing(), nil
	}
	return d, nil
}

// addAppointment drafts the case with an appointment more, unless it has it.
func addAppointment(f *File, d *draftBuilder, a Appointment) (id string, added bool, bad *Error) {
	standing := 0
	for _, there := range f.Case.Appointments {
		if there.Cancelled == nil && there.From.Equal(a.From) && there.To.Equal(a.To) {
			return there.ID, false, nil
		}
		if there.Cancelled == nil && there.To.After(d.At) {
			standing++
		}
	}
	if standing >= maxAppointments {
		return "", false, refuse(Conflict, "appointment.many", "case", "the case has %d appointments to come; cancel some first", standing)
	}
	// What is long over says nothing any more: the visits do.
	kept := f.Case.Appointments[:0]
	for _, there := range f.Case.Appointments {
		if there.To.After(d.At.AddDate(0, 0, -30)) {
			kept = append(kept, there)
		}
	}
	f.Case.Appointments = kept
	a.ID = madeID("p", d.Command, a.From.Format(time.RFC3339), fmt.Sprint(len(kept)))
	a.At, a.By = d.At, d.Actor.User
	f.Case.Appointments = append(f.Case.Appointments, a)
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
	for i := range f.Case.Appointments {
		a := &f.Case.Appointments[i]
		if a.ID != c.Appointment {
			continue
		}
		d.reply = AppointmentReceipt{f.Case.CaseRef, a.ID}
		if a.Cancelled != nil {
			return d.nothing(), nil
		}
		a.Cancelled = &Release{At: d.At, By: d.Actor.User, Reason: c.Reason}
		d.putCase(f)
		return d, nil
	}
	return nil, refuse(NotFound, "appointment.not_found", "appointment", "the case has no such appointment")
}
