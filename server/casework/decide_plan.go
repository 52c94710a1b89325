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
	f, err := t.file(ctx, c.Plan.Case, withPlans|withAssignments)
	if err != nil {
		return nil, err
	}
	d := t.draft("plan.propose")
	p := *c.Plan
	if err := t.take(f, &p, &p.At, c.From); err != nil {
		return nil, err
	}
	if was != nil {
		p.Row = was.Row
	}
	p.Row = p.Row.Next(p.Device, rec.Rev, t.r.NextRev(rec.Rev))
	return decidePropose(f, d, c.ID, &p, was, t.svc.limits, t.day(f))
}

// decidePropose decides on a proposed plan. was is the plan as it stands, nil for a new one; today is the local date.
func decidePropose(f *File, d *draftBuilder, id string, p, was *record.Plan, limits PlanLimits,
	today string) (*draftBuilder, error) {
	if f.Case.Status != record.StatusOpen {
		return nil, refuse(refusal.Conflict, "case.closed", "case", "the case is closed; nothing is owed under it")
	}
	if was != nil {
		if was.Case != p.Case {
			return nil, refuse(refusal.Invalid, "validation.case", "case", "a plan stays with its case")
		}
		if was.State != record.PlanOffered && !(was.State == record.PlanAccepted &&
			was.ApprovalState == record.ApprovalPending) {
			return nil, refuse(refusal.Conflict, "plan.decided", "state",
				"the plan is %s; propose another instead of changing it", was.State)
		}
	}
	p.BalanceAsOf, p.PaidBeforeMinor = d.At, f.Case.PaidMinor
	p.Debtor, p.Branch, p.Lender, p.BalanceMinor = f.Case.Debtor, f.Case.Branch, f.Case.Lender, f.Case.AmountDueMinor
	if p.State != record.PlanOffered && p.State != record.PlanAccepted {
		return nil, refuse(refusal.Invalid, "validation.state", "state", "a plan is sent as offered or accepted")
	}
	agreed := p.At.Format(time.DateOnly)
	if agreed > today {
		agreed = today
	}
	if err := p.Check(f.Case.Currency, f.Case.AmountDueMinor, agreed); err != nil {
		return nil, err
	}
	for i := range p.Instalments {
		p.Instalments[i].N = i + 1
	}
	if p.Offered == nil {
		p.Offered = &record.PlanStep{By: p.By, At: p.At}
	}
	p.ApprovalState = ""
	if p.State == record.PlanAccepted {
		if p.Accepted == nil {
			p.Accepted = &record.PlanStep{By: p.By, At: p.At}
		}
		p.CoolingOff = p.Accepted.At.UTC().AddDate(0, 0, record.CoolingOffDays).Truncate(time.Second)
		if !limits.within(p, agreed) {
			p.ApprovalState = record.ApprovalPending
		}
	}
	return agree(f, d, id, p)
}

// agree stores a plan's new state, and suspends or resumes collection with it.
func agree(f *File, d *draftBuilder, id string, p *record.Plan) (*draftBuilder, error) {
	if p.Live() && f.Case.LivePlan != id {
		// A case has one live plan: the older one gives way.
		for i := range f.Plans {
			if old := &f.Plans[i]; old.ID == f.Case.LivePlan && old.State.Live() {
				old.State.State = record.PlanSuperseded
				d.putChild(f, "plans", old.ID, &old.State)
			}
		}
		f.Case.LivePlan = id
		d.putCase(f)
	}
	if !p.Live() && f.Case.LivePlan == id {
		f.Case.LivePlan = ""
		d.putCase(f)
	}
	d.putChild(f, "plans", id, p)
	d.reply = PlanReceipt{id, p.State, p.ApprovalState}
	return d, nil
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
	// Whoever proposed a plan does not approve it.
	if p.By == t.Actor.User {
		return nil, refuse(refusal.Forbidden, "plan.own", "plan", "somebody else must decide on a plan you proposed")
	}
	p.ApprovalState, p.ApprovedBy, p.ApprovedAt = want, t.Actor.User, t.At
	if !c.Approve {
		if c.Reason == "" || len(c.Reason) > 200 {
			return nil, refuse(refusal.Invalid, "plan.reason", "reason", "say in 1 to 200 bytes why it is rejected")
		}
		p.State, p.Reason = record.PlanRejected, seal.NewText(c.Reason)
	}
	return agree(f, d, c.Plan, p)
}

// WithdrawPlan ends a plan: the debtor withdrew, or the office cancels it.
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
	if p.State != record.PlanOffered && p.State != record.PlanAccepted {
		return nil, refuse(refusal.Conflict, "plan.decided", "plan", "the plan is %s already", p.State)
	}
	if len(c.Reason) > 200 {
		return nil, refuse(refusal.Invalid, "plan.reason", "reason", "at most 200 bytes")
	}
	p.State, p.Reason = record.PlanWithdrawn, seal.NewText(c.Reason)
	return agree(f, d, c.Plan, p)
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
	f, err := t.file(ctx, p.Case, withPlans|withAssignments)
	if err != nil {
		return nil, nil, refuse(refusal.NotFound, "plan.not_found", "plan", "there is no such plan here")
	}
	return p, f, nil
}

// within tells whether an agent may agree to the plan alone. day is the local date of the agreement.
func (l PlanLimits) within(p *record.Plan, day string) bool {
	if l.MaxInstalments > 0 && len(p.Instalments) > l.MaxInstalments {
		return false
	}
	if limit, ok := l.MaxTotalMinor[p.Currency]; ok && p.TotalMinor > limit {
		return false
	}
	// What is given up is the lender's money, so an agent may give up any alone only if there is a limit for the currency.
	if given := p.GivenUp(); given > 0 && given > l.MaxConcessionMinor[p.Currency] {
		return false
	}
	if p.TotalMinor > p.BalanceMinor {
		return false
	}
	if l.MaxDays > 0 {
		from, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return false
		}
		if p.Instalments[len(p.Instalments)-1].DueOn > from.AddDate(0, 0, l.MaxDays).Format(time.DateOnly) {
			return false
		}
	}
	return true
}
