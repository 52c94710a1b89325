package casework

import (
	"time"
)

// States of a plan. offered, accepted, rejected, withdrawn, cancelled and
// superseded are decided and stored; the others are what time and payments make
// of an accepted plan, computed by StateAt and never stored.
const (
	planOffered    = "offered"
	planAccepted   = "accepted"
	planRejected   = "rejected"
	planWithdrawn  = "withdrawn"
	planCancelled  = "cancelled"
	planSuperseded = "superseded"

	planCoolingOff    = "cooling_off"
	planActive        = "active"
	planKept          = "kept"
	planPartiallyKept = "partially_kept"
	planBroken        = "broken"
)

// Approval states of a plan; "" is a plan within the agent's limit.
const (
	approvalPending  = "pending"
	approvalApproved = "approved"
	approvalRejected = "rejected"
)

const (
	// coolingOffDays is how long the person may withdraw from a plan freely.
	coolingOffDays = 3
	// maxInstalments bounds a plan, whoever agrees to it: ten years of months.
	maxInstalments = 120
	// defaultGraceDays is how long after its due date an instalment still counts as in time, unless the plan says otherwise.
	defaultGraceDays = 3
	// maxMinor keeps sums far from overflow and inside what JSON numbers carry exactly.
	maxMinor = 1 << 50
)

// Live tells whether the plan is in force: it is accepted and nobody's
// approval is missing. A live plan stays live until a decision ends it; whether it
// is being kept is Performing's to say.
func (p *Plan) Live() bool {
	return p.State == planAccepted && p.ApprovalState != approvalPending && p.ApprovalState != approvalRejected
}

// StateAt is the plan's state at an instant. zone is the debtor's; paid is what
// payments have brought, in minor units, since the plan was agreed.
func (p *Plan) StateAt(at time.Time, zone *time.Location, paid int64) string {
	if !p.Live() {
		return p.State
	}
	due, over := p.dueBy(at.In(zone).Format(time.DateOnly))
	switch {
	case paid >= p.TotalMinor:
		return planKept
	case at.Before(p.CoolingOff):
		return planCoolingOff
	case paid >= due:
		return planActive
	case over && paid > 0:
		return planPartiallyKept
	}
	return planBroken
}

// Performing tells whether the plan is being kept on a local date of the debtor:
// nothing that is due by now is missing and something is still to come. It
// suspends visits; a breach, once its grace is over, lets them resume.
func (p *Plan) Performing(day string, paid int64) bool {
	if !p.Live() || paid >= p.TotalMinor {
		return false
	}
	due, _ := p.dueBy(day)
	return paid >= due
}

// dueBy is what must have been paid by a local date, grace included, and whether that is all.
func (p *Plan) dueBy(day string) (due int64, over bool) {
	for _, in := range p.Instalments {
		last, err := time.Parse(time.DateOnly, in.DueOn)
		if err != nil {
			continue // checked when it was proposed
		}
		if day <= last.AddDate(0, 0, p.graceDays()).Format(time.DateOnly) {
			return due, false
		}
		due += in.AmountMinor
	}
	return due, true
}

// InstalmentNow is what payments have made of one instalment.
type InstalmentNow struct {
	N         int    `json:"n"`
	Status    string `json:"status"` // paid, partly_paid, overdue (its grace is over), open
	PaidMinor int64  `json:"paid_minor,omitempty"`
	// PaidOn is the local date, and Ref the payment, that brought the last of it.
	PaidOn string `json:"paid_on,omitempty"`
	Ref    string `json:"ref,omitempty"`
}

// paidPart is a payment as the plan sees it.
type paidPart struct {
	ref    string
	on     string // local date
	amount int64
}

// instalmentsOn spreads payments since the plan was agreed, in order of time,
// over its instalments, the earliest first, and gives their status on a local date.
func (p *Plan) instalmentsOn(day string, payments []paidPart) []InstalmentNow {
	out := make([]InstalmentNow, len(p.Instalments))
	left, which := int64(0), -1
	for i, in := range p.Instalments {
		out[i] = InstalmentNow{N: in.N, Status: "open"}
		for out[i].PaidMinor < in.AmountMinor {
			if left == 0 {
				if which+1 == len(payments) {
					break
				}
				which++
				left = payments[which].amount
				continue
			}
			take := min(left, in.AmountMinor-out[i].PaidMinor)
			left -= take
			out[i].PaidMinor += take
			out[i].PaidOn, out[i].Ref = payments[which].on, payments[which].ref
		}
		last, err := time.Parse(time.DateOnly, in.DueOn)
		switch {
		case out[i].PaidMinor == in.AmountMinor:
			out[i].Status = "paid"
		case err == nil && day > last.AddDate(0, 0, p.graceDays()).Format(time.DateOnly):
			out[i].Status = "overdue"
		case out[i].PaidMinor > 0:
			out[i].Status = "partly_paid"
		}
	}
	return out
}

func (p *Plan) graceDays() int {
	if p.Terms != nil && p.Terms.GraceDays > 0 {
		return p.Terms.GraceDays
	}
	return defaultGraceDays
}

// check refuses a plan that does not add up. balance is the case's, currency its
// currency, day the local date on which the plan was agreed.
func (p *Plan) check(currency string, balance int64, day string) *Error {
	if err := listed("kind", p.Kind, planKinds[:]); err != nil {
		return err
	}
	if p.Kind == "" {
		return refuse(Invalid, "validation.kind", "kind", "say which kind of plan it is")
	}
	if p.Currency != currency {
		return refuse(Invalid, "validation.currency", "currency", "the case is in %s, so is its plan", currency)
	}
	if p.TotalMinor <= 0 || p.TotalMinor > maxMinor {
		return refuse(Invalid, "validation.total_minor", "total_minor", "a plan pays something: the total is above zero and at most %d", int64(maxMinor))
	}
	// An extension may cost interest, which a supervisor must then approve; any other kind pays what is owed, or less.
	if p.TotalMinor > balance && p.Kind != "extension" {
		return refuse(Invalid, "validation.total_minor", "total_minor", "the total is above what is owed")
	}
	if len(p.Instalments) == 0 || len(p.Instalments) > maxInstalments {
		return refuse(Invalid, "validation.instalments", "instalments", "a plan has 1 to %d instalments", maxInstalments)
	}
	if p.Kind == "ptp_single" && len(p.Instalments) != 1 {
		return refuse(Invalid, "validation.instalments", "instalments", "a single promise to pay has one instalment")
	}
	var sum int64
	before := ""
	for i, in := range p.Instalments {
		if in.N != 0 && in.N != i+1 {
			return refuse(Invalid, "validation.instalments", "instalments.n", "instalments are numbered 1, 2, 3, … in their order")
		}
		if in.AmountMinor <= 0 || in.AmountMinor > p.TotalMinor {
			return refuse(Invalid, "validation.amount_minor", "instalments.amount_minor", "each instalment is above zero and at most the total")
		}
		if !isDate(in.DueOn) {
			return refuse(Invalid, "validation.due_on", "instalments.due_on", "write a date of the calendar as 2006-01-02")
		}
		if in.DueOn < day {
			return refuse(Invalid, "validation.due_on", "instalments.due_on", "an instalment cannot be due before the plan is agreed")
		}
		if in.DueOn <= before {
			return refuse(Invalid, "validation.due_on", "instalments.due_on", "due dates ascend, one instalment a day")
		}
		before = in.DueOn
		sum += in.AmountMinor
	}
	if sum != p.TotalMinor {
		return refuse(Invalid, "validation.sum", "instalments", "the instalments must add up to the total exactly, in minor units")
	}
	if len(p.Debts) > 50 {
		return refuse(Invalid, "validation.too_many", "debts", "at most 50 debts")
	}
	if err := p.checkWords(); err != nil {
		return err
	}
	if c := p.Concession; c != nil {
		if err := listed("concession.type", c.Type, concessionTypes[:]); err != nil {
			return err
		}
		if c.AmountMinor < 0 || c.AmountMinor > balance {
			return refuse(Invalid, "validation.concession", "concession.amount_minor", "a concession is between zero and what is owed")
		}
	}
	if h := p.Hardship; h != nil {
		if err := listed("hardship.reason", h.Reason, overdueReasons[:]); err != nil {
			return err
		}
		if h.ReviewOn != "" && !isDate(h.ReviewOn) {
			return refuse(Invalid, "validation.review_on", "hardship.review_on", "write a date of the calendar as 2006-01-02")
		}
	}
	if t := p.Terms; t != nil && (t.GraceDays < 0 || t.GraceDays > 90) {
		return refuse(Invalid, "validation.grace_days", "default_terms.grace_days", "between 0 and 90 days")
	}
	return nil
}

// concession is what the lender gives up: what the plan says, or what a
// settlement leaves unpaid, whichever is more.
func (p *Plan) concession() int64 {
	var amount int64
	if p.Concession != nil {
		amount = p.Concession.AmountMinor
	}
	if p.Kind == "settlement" {
		amount = max(amount, p.BalanceMinor-p.TotalMinor)
	}
	return amount
}

// within tells whether an agent may agree to the plan alone. day is the local date of the agreement.
func (l PlanLimits) within(p *Plan, day string) bool {
	if l.MaxInstalments > 0 && len(p.Instalments) > l.MaxInstalments {
		return false
	}
	if limit, ok := l.MaxTotalMinor[p.Currency]; ok && p.TotalMinor > limit {
		return false
	}
	// What is given up is somebody else's money: without a limit for the currency nobody may give any alone.
	if given := p.concession(); given > 0 && given > l.MaxConcessionMinor[p.Currency] {
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
