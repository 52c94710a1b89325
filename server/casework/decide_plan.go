package casework

import (
	"context"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// ProposePlan offers a repayment plan, or records one the debtor accepted. Within
// the agent's limit an accepted plan holds at once and suspends collection;
// beyond it, it waits for a supervisor. Revising a plan is the same command on
// the same id, against the exact revision in Base.
type ProposePlan struct {
	ID   string
	Base uint64 // 0 for a new plan
	Plan *record.Plan
	// From says who recorded it and how it came; of the office when it names no one.
	From record.Sent
}

// PlanReceipt answers the commands about plans.
type PlanReceipt struct {
	Plan     string `json:"plan_id"`
	State    string `json:"state"`
	Approval string `json:"approval_state"`
}

func (c ProposePlan) refs() []journal.DocRef {
	return append(caseRef(c.Plan.Case), journal.DocRef{Type: "plans", ID: c.ID})
}

func (c ProposePlan) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	rec, there, err := t.r.Doc(ctx, "plans", c.ID)
	if err != nil {
		return nil, err
	}
	var was *record.Plan
	if there {
		was = &record.Plan{}
		if err := decode(rec, was); err != nil {
			return nil, err
		}
		if rec.Rev != c.Base {
			return nil, refuse(refusal.Conflict, offline.CodeStale, "base",
				"the plan was changed meanwhile; both versions are kept and a supervisor decides")
		}
		if c.Plan.Case == "" {
			c.Plan.Case = was.Case
		}
	}
	if c.Plan.Case == "" {
		return nil, refuse(refusal.Invalid, "validation.case", "case", "say which case the plan is for")
	}
	f, err := t.file(ctx, c.Plan.Case, withPlans|withAssignments|withPayments)
	if err != nil {
		return nil, err
	}
	d := t.draft("plan.propose")
	p := *c.Plan
	if err := t.takePlan(f, &p, c.From); err != nil {
		return nil, err
	}
	if was != nil {
		p.Row = was.Row
	}
	p.Row = p.Row.Next(p.Device, rec.Rev, t.r.NextRev(rec.Rev))
	basis, err := t.planBasis(ctx, &f.Case, p.At)
	if err != nil {
		return nil, err
	}
	return decidePropose(f, d, c.ID, &p, was, basis)
}

// takePlan stamps how a plan came. The times of its offer and acceptance are of the same clock as its own, and neither
// lies after its receipt.
func (t *turn) takePlan(f *File, p *record.Plan, from record.Sent) *refusal.Error {
	claimed := p.At
	if bad := t.take(f, p, &p.At, from); bad != nil {
		return bad
	}
	moved := time.Duration(0)
	if !claimed.IsZero() {
		moved = p.At.Sub(record.WholeUTC(claimed))
	}
	for _, step := range []**record.PlanStep{&p.Offered, &p.Accepted} {
		if *step == nil {
			continue
		}
		s := **step
		s.By = p.By // whoever sends it says it, and not for another
		for _, at := range []*time.Time{&s.At, &s.Expires} {
			if !at.IsZero() {
				*at = record.WholeUTC(at.Add(moved))
			}
		}
		if s.At.IsZero() {
			s.At = p.At
		}
		if s.At.After(t.At) {
			s.At = t.At
		}
		*step = &s
	}
	return nil
}

// decidePropose decides on a proposed plan. was is the plan as it stands, nil for a new one.
func decidePropose(f *File, d *draftBuilder, id string, p, was *record.Plan, basis planBasis) (*draftBuilder, error) {
	if f.Case.Status != record.StatusOpen {
		return nil, refuse(refusal.Conflict, "case.closed", "case", "the case is closed; nothing is owed under it")
	}
	if was != nil {
		if was.Case != p.Case {
			return nil, refuse(refusal.Invalid, "validation.case", "case", "a plan stays with its case")
		}
		if !was.Open() {
			return nil, refuse(refusal.Conflict, "plan.decided", "state",
				"the plan is %s; propose another instead of changing it", was.State)
		}
	}
	if p.State != record.PlanOffered && p.State != record.PlanAccepted {
		return nil, refuse(refusal.Invalid, "validation.state", "state", "a plan is sent as offered or accepted")
	}
	if bad := planKind.Check(p, d.At); bad != nil {
		return nil, bad
	}
	p.BalanceAsOf, p.PaymentsBefore, p.NetOn = d.At, f.Case.PaymentCount, f.Case.NetOn
	p.Debtor, p.Branch, p.Lender, p.BalanceMinor = f.Case.Debtor, f.Case.Branch, f.Case.Lender, f.Case.AmountDueMinor
	if bad := judgePlan(&f.Case, p, basis); bad != nil {
		return nil, bad
	}
	if p.Offered == nil {
		p.Offered = &record.PlanStep{By: p.By, At: p.At}
	}
	p.ApprovalState = ""
	if len(p.Needs) > 0 {
		p.ApprovalState = record.ApprovalPending
	}
	if p.State == record.PlanAccepted {
		if p.Accepted == nil {
			p.Accepted = &record.PlanStep{By: p.By, At: p.At}
		}
		coolOff(p, basis.rules.CoolingOff())
	}
	return agree(f, d, id, p, basis.zone)
}

// reportedWithin is how long after a plan was accepted its report usually comes (our own value).
const reportedWithin = 24 * time.Hour

// coolOff gives the debtor so many days from the acceptance to withdraw freely. Of an acceptance that is reported late
// they are counted from its receipt: before that nobody could have taken the withdrawal in.
func coolOff(p *record.Plan, days int) {
	from := p.At
	if p.Accepted.At.After(from) {
		from = p.Accepted.At
	}
	if p.ReceivedAt.Sub(from) > reportedWithin {
		from = p.ReceivedAt
	}
	p.CoolingOff = from.UTC().AddDate(0, 0, days).Truncate(time.Second)
}

// planKind is the kind of plans.
var planKind = func() record.Kind {
	k, _ := record.KindOf("plans")
	return k
}()

// agree stores a plan's new state, and suspends or resumes collection with it. A plan that comes into force takes the
// place of all others of the case: one that was in force and not broken was renegotiated, and open offers are
// superseded.
func agree(f *File, d *draftBuilder, id string, p *record.Plan, zone *time.Location) (*draftBuilder, error) {
	if !p.Open() && !p.Live() && p.ApprovalState == record.ApprovalPending {
		p.ApprovalState = "" // the plan needs no approval any more
	}
	if p.Live() {
		p.Standing = standingOf(p, f.Payments, zone)
		today := d.At.In(zone).Format(time.DateOnly)
		for i := range f.Plans {
			if old := &f.Plans[i]; old.ID != id && replace(&old.State, id, today) {
				d.putChild(f, "plans", old.ID, &old.State)
			}
		}
		if f.Case.LivePlan != id {
			f.Case.LivePlan = id
			d.putCase(f)
		}
	}
	if !p.Live() && f.Case.LivePlan == id {
		f.Case.LivePlan = ""
		d.putCase(f)
	}
	d.putChild(f, "plans", id, p)
	d.reply = PlanReceipt{id, p.State, p.ApprovalState}
	return d, nil
}

// replace ends a plan because another came into force on a local date; false for one that is over already. One that is
// broken by then stays so.
func replace(old *record.Plan, by, today string) bool {
	switch {
	case old.Live() && old.BrokenOn(today):
	case old.Live():
		old.State = record.PlanRenegotiated
	case old.Open():
		old.State, old.ApprovalState = record.PlanSuperseded, ""
	default:
		return false
	}
	old.ReplacedBy = by
	return true
}

// DecidePlan approves or rejects a plan that waits for it.
type DecidePlan struct {
	Plan    string
	Approve bool
	Reason  string // required to reject; never personal data
}

func (c DecidePlan) refs() []journal.DocRef { return []journal.DocRef{{Type: "plans", ID: c.Plan}} }

func (c DecidePlan) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	p, f, err := t.plan(ctx, c.Plan)
	if err != nil {
		return nil, err
	}
	want := record.ApprovalRejected
	if c.Approve {
		want = record.ApprovalApproved
	}
	d := t.draft("plan." + want)
	if p.ApprovalState == want {
		d.reply = PlanReceipt{c.Plan, p.State, p.ApprovalState}
		return d.nothing(), nil
	}
	if p.ApprovalState != record.ApprovalPending {
		return nil, refuse(refusal.Conflict, "plan.not_pending", "plan", "the plan does not wait for an approval")
	}
	// Whoever proposed a plan, or accepted it for a side, does not approve it.
	if p.By == t.Actor.User || p.Accepted != nil && p.Accepted.By == t.Actor.User {
		return nil, refuse(refusal.Forbidden, "plan.own", "plan",
			"another person must decide on a plan that you proposed or accepted")
	}
	if p.ExpiredAt(t.At) && c.Approve {
		return nil, refuse(refusal.Conflict, "plan.expired", "plan", "the offer has ended; propose another")
	}
	p.ApprovalState, p.ApprovedBy, p.ApprovedAt = want, t.Actor.User, t.At
	if !c.Approve {
		if c.Reason == "" || len(c.Reason) > 200 {
			return nil, refuse(refusal.Invalid, "plan.reason", "reason", "say in 1 to 200 bytes why it is rejected")
		}
		p.State, p.Reason = record.PlanRejected, seal.NewText(c.Reason)
	}
	return agree(f, d, c.Plan, p, t.svc.zoneOf(&f.Case))
}

// WithdrawPlan ends an offer, or a plan within its cooling-off, because the debtor withdraws from it.
type WithdrawPlan struct {
	Plan   string
	Reason string
}

func (c WithdrawPlan) refs() []journal.DocRef { return []journal.DocRef{{Type: "plans", ID: c.Plan}} }

func (c WithdrawPlan) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	p, f, err := t.plan(ctx, c.Plan)
	if err != nil {
		return nil, err
	}
	d := t.draft("plan.withdraw")
	if p.State == record.PlanWithdrawn {
		d.reply = PlanReceipt{c.Plan, p.State, p.ApprovalState}
		return d.nothing(), nil
	}
	if bad := endable(p); bad != nil {
		return nil, bad
	}
	if p.State == record.PlanAccepted && !t.At.Before(p.CoolingOff) {
		return nil, refuse(refusal.Conflict, "plan.cooling_off", "plan",
			"the cooling-off ended; cancel the plan, and say why (POST /v1/plans/{id}/cancel)")
	}
	if len(c.Reason) > 200 {
		return nil, refuse(refusal.Invalid, "plan.reason", "reason", "at most 200 bytes")
	}
	p.State, p.Reason = record.PlanWithdrawn, seal.NewText(c.Reason)
	return agree(f, d, c.Plan, p, t.svc.zoneOf(&f.Case))
}

// endable refuses a plan that is over.
func endable(p *record.Plan) *refusal.Error {
	if !p.Open() && !p.Live() {
		return refuse(refusal.Conflict, "plan.decided", "plan", "the plan is %s already", p.State)
	}
	return nil
}

// CancelPlan ends an offer or a plan by the office: it was wrong, it broke, or the debtor's circumstances changed.
type CancelPlan struct {
	Plan string
	// For is a code of plan_cancel_reasons.
	For    string
	Reason string // in words; personal
}

func (c CancelPlan) refs() []journal.DocRef { return []journal.DocRef{{Type: "plans", ID: c.Plan}} }

func (c CancelPlan) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if c.For == "" {
		return nil, refuse(refusal.Invalid, "plan.cancelled_for", "cancelled_for",
			"say why, by a code of plan_cancel_reasons")
	}
	if bad := record.OneOf("plan.cancelled_for", "cancelled_for", c.For,
		record.CodesOf("plan_cancel_reasons")); bad != nil {
		return nil, bad
	}
	if len(c.Reason) > 200 {
		return nil, refuse(refusal.Invalid, "plan.reason", "reason", "at most 200 bytes")
	}
	p, f, err := t.plan(ctx, c.Plan)
	if err != nil {
		return nil, err
	}
	d := t.draft("plan.cancel")
	if p.State == record.PlanCancelled && p.CancelledFor == c.For {
		d.reply = PlanReceipt{c.Plan, p.State, p.ApprovalState}
		return d.nothing(), nil
	}
	if bad := endable(p); bad != nil {
		return nil, bad
	}
	p.State, p.CancelledFor, p.Reason = record.PlanCancelled, c.For, seal.NewText(c.Reason)
	return agree(f, d, c.Plan, p, t.svc.zoneOf(&f.Case))
}

// AcceptPlan records that the other side accepted an offer: the debtor one of the agent's, or the office one of the
// debtor's. It takes the place of all other plans of the case, once no approval is missing.
type AcceptPlan struct {
	Plan string
	// At is when it was accepted; zero: now.
	At      time.Time
	Channel string
	Method  string
	Consent string // the consent to the terms, of the same case; "" for none
}

func (c AcceptPlan) refs() []journal.DocRef { return []journal.DocRef{{Type: "plans", ID: c.Plan}} }

func (c AcceptPlan) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	p, f, err := t.plan(ctx, c.Plan)
	if err != nil {
		return nil, err
	}
	if c.Consent != "" {
		if bad, err := t.consentOf(ctx, f, c.Consent); bad != nil || err != nil {
			return nil, cmpErr(bad, err)
		}
	}
	basis, err := t.planBasis(ctx, &f.Case, t.At)
	if err != nil {
		return nil, err
	}
	return decideAccept(f, t.draft("plan.accept"), c, p, basis)
}

// consentOf refuses a consent that is not of the case.
func (t *turn) consentOf(ctx context.Context, f *File, id string) (*refusal.Error, error) {
	rec, there, err := t.r.Doc(ctx, "consents", id)
	if err != nil {
		return nil, err
	}
	var k record.Consent
	if there {
		if err := decode(rec, &k); err != nil {
			return nil, err
		}
	}
	if k.Case != f.Case.ID || k.Status != "given" {
		return refuse(refusal.Invalid, "plan.consent", "consent", "the case has no such consent that was given"), nil
	}
	return nil, nil
}

// cmpErr is the refusal, or else the error.
func cmpErr(bad *refusal.Error, err error) error {
	if err != nil {
		return err
	}
	return bad
}

func decideAccept(f *File, d *draftBuilder, c AcceptPlan, p *record.Plan, basis planBasis) (*draftBuilder, error) {
	today := d.At.In(basis.zone).Format(time.DateOnly)
	if c.At.IsZero() {
		c.At = d.At
	}
	switch {
	case p.State == record.PlanAccepted:
		d.reply = PlanReceipt{c.Plan, p.State, p.ApprovalState}
		return d.nothing(), nil
	case f.Case.Status != record.StatusOpen:
		return nil, caseClosed()
	case p.State != record.PlanOffered:
		return nil, refuse(refusal.Conflict, "plan.decided", "plan", "the plan is %s already", p.State)
	case c.At.After(d.At) || c.At.Before(p.At):
		return nil, refuse(refusal.Invalid, "validation.at", "at",
			"write when it was accepted: after the offer, and not later than now")
	case p.ExpiredAt(c.At):
		return nil, refuse(refusal.Conflict, "plan.expired", "plan", "the offer has ended; propose another")
	case p.Instalments[0].DueOn < today:
		return nil, refuse(refusal.Conflict, "plan.overdue", "instalments[0].due_on",
			"the first payment of the offer was due already; propose another")
	}
	p.State = record.PlanAccepted
	p.Accepted = &record.PlanStep{By: d.Actor.User, At: record.WholeUTC(c.At), Channel: c.Channel, Method: c.Method,
		Consent: c.Consent}
	coolOff(p, basis.rules.CoolingOff())
	return agree(f, d, c.Plan, p, basis.zone)
}

// plan loads a plan and its case.
func (t *turn) plan(ctx context.Context, id string) (*record.Plan, *File, error) {
	rec, there, err := t.r.Doc(ctx, "plans", id)
	if err != nil {
		return nil, nil, err
	}
	if !there {
		return nil, nil, refuse(refusal.NotFound, "plan.not_found", "plan", "there is no such plan here")
	}
	p := &record.Plan{}
	if err := decode(rec, p); err != nil {
		return nil, nil, err
	}
	f, err := t.file(ctx, p.Case, withPlans|withAssignments|withPayments)
	if err != nil {
		return nil, nil, refuse(refusal.NotFound, "plan.not_found", "plan", "there is no such plan here")
	}
	return p, f, nil
}
