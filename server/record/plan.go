package record

import (
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Plan is the state of a document of type "plans": a repayment plan, proposed at the
// door or by the office. Two versions are never merged.
type Plan struct {
	PlanReport
	PlanFound
}

// PlanReport is what is proposed.
type PlanReport struct {
	// Case must be given for a new plan. One that is changed stays with its case.
	Case        journal.CaseID `json:"case" is:"id" see:"all"`
	Visit       string         `json:"visit,omitempty" is:"id" see:"all"`
	Kind        string         `json:"kind" is:"plan_kinds" see:"all" need:"say which kind of plan it is"`
	Currency    string         `json:"currency" is:"currency" see:"all" need:"write the case's ISO 4217 code"`
	TotalMinor  int64          `json:"total_minor" see:"all" need:"a plan pays something: the total is above zero"`
	Debts       []DebtBalance  `json:"debts,omitempty" see:"all"` // how the phone saw the balance divided
	Instalments []Instalment   `json:"instalments" most:"120" see:"all" need:"a plan has 1 to 120 instalments"`
	Concession  *Concession    `json:"concession,omitempty" see:"all"`
	Hardship    *Hardship      `json:"hardship,omitempty" see:"office,agent"`
	// State is sent as offered or accepted; the server makes it rejected, cancelled, superseded or withdrawn.
	State    string    `json:"state" is:"server" see:"all" need:"a plan is sent as offered or accepted"`
	Offered  *PlanStep `json:"offer,omitempty" see:"office,agent"`
	Accepted *PlanStep `json:"acceptance,omitempty" see:"office,agent"`
	Terms    *Terms    `json:"default_terms,omitempty" see:"all"`
	// Affordability is an object {income, outgoings, surplus, method, as_of, verified}.
	Affordability seal.JSON  `json:"affordability,omitzero" most:"8000" see:"office,agent"`
	Pressure      *Pressure  `json:"pressure_checks,omitempty" see:"office,agent"`
	Copy          *GivenCopy `json:"copy,omitempty" see:"office,agent"`
	At            time.Time  `json:"at" see:"all"` // when it was agreed or offered, as the device says
}

// PlanFound is what the server adds to a plan.
type PlanFound struct {
	Taken
	Branch       auth.BranchID `json:"branch" is:"server" see:"all"`
	Lender       string        `json:"lender" is:"server" see:"all"`
	BalanceMinor int64         `json:"balance_minor" see:"all"` // of the case when it was proposed
	// BalanceAsOf is when that was, PaidBeforeMinor what payments had brought by then.
	BalanceAsOf     time.Time `json:"balance_as_of,omitzero" see:"all"`
	PaidBeforeMinor int64     `json:"paid_before_minor,omitempty" see:"all"`
	// ApprovalState is "" within the agent's limit, else pending, approved or rejected.
	ApprovalState string      `json:"approval_state" is:"server" see:"all"`
	ApprovedBy    auth.UserID `json:"approved_by,omitempty" is:"server" see:"office,agent"`
	ApprovedAt    time.Time   `json:"approved_at,omitzero" see:"office,agent"`
	Reason        seal.Text   `json:"reason,omitzero" see:"office,agent"` // why rejected
	CoolingOff    time.Time   `json:"cooling_off_until,omitzero" see:"all"`
	// Row is what one phone has written last without anybody between.
	Row PlanRow `json:"row,omitzero" see:"none"`
}

// PlanRow are revisions of a plan that one device wrote one after another: those after After, up to To. It ends when
// another writes the plan, whose revision is then above To.
type PlanRow struct {
	Device auth.DeviceID `json:"device" is:"id"`
	After  uint64        `json:"after"`
	To     uint64        `json:"to"`
}

// Next is the row once a device has written the revision rev of a plan that stood at was.
func (r PlanRow) Next(device auth.DeviceID, was, rev uint64) PlanRow {
	if r.Device != device || r.To != was {
		r = PlanRow{Device: device, After: was}
	}
	r.To = rev
	return r
}

// Base is the revision since which only the device has written a plan that stands at rev; rev for
// another device.
func (r PlanRow) Base(device auth.DeviceID, rev uint64) uint64 {
	if device == "" || r.Device != device || r.To != rev {
		return rev
	}
	return r.After
}

// DebtBalance is what is owed under one debt of a case.
type DebtBalance struct {
	Debt         string `json:"debt_id" is:"id"`
	BalanceMinor int64  `json:"balance_minor"`
}

// Terms say when a plan counts as broken and what follows.
type Terms struct {
	GraceDays   int    `json:"grace_days,omitempty" most:"90"`
	BrokenAfter int    `json:"broken_after,omitempty"` // missed instalments
	NextStep    string `json:"next_step,omitempty" is:"id"`
}

// Pressure are the checks that nobody was pressed into a plan.
type Pressure struct {
	SinglePayment         bool `json:"single_payment,omitempty"`
	NewBorrowingSuggested bool `json:"new_borrowing_suggested,omitempty"`
	DeadlineDays          int  `json:"deadline_days,omitempty"`
}

// GivenCopy is the copy of a plan the person was given.
type GivenCopy struct {
	Via    string    `json:"via" is:"id"`
	At     time.Time `json:"at"`
	SHA256 string    `json:"sha256,omitempty" is:"id"`
}

// Instalment is one due part of a plan.
type Instalment struct {
	// N is its number, from 1 in the order of due dates; the server fills it in where it is left out.
	N           int    `json:"n"`
	DueOn       string `json:"due_on" is:"date" need:"write a date of the calendar as 2006-01-02"` // local date
	AmountMinor int64  `json:"amount_minor" need:"each instalment is above zero and at most the total"`
}

// Concession is what the lender gives up in a plan.
type Concession struct {
	Type        string `json:"type" is:"concession_types"`
	AmountMinor int64  `json:"amount_minor"`
}

// Hardship is why the person cannot pay.
type Hardship struct {
	Reason   string   `json:"reason" is:"overdue_reasons"`
	Evidence []string `json:"evidence,omitempty" is:"id"`
	ReviewOn string   `json:"review_on,omitempty" is:"date"`
}

// PlanStep is an offer or an acceptance.
type PlanStep struct {
	By      auth.UserID `json:"by,omitempty" is:"id"`
	At      time.Time   `json:"at"`
	Channel string      `json:"channel,omitempty" is:"id"`
	Consent string      `json:"consent,omitempty" is:"id"`
	Method  string      `json:"method,omitempty" is:"id"`
	Expires time.Time   `json:"expires_at,omitzero"`
}

// check refuses nothing: a plan is judged against its case by Plan.Check.
func (p *PlanReport) check(time.Time) *refusal.Error { return nil }

// States of a plan. offered, accepted, rejected, withdrawn, cancelled and
// superseded are decided and stored; the others are what time and payments make
// of an accepted plan, computed by StateAt and never stored.
const (
	PlanOffered    = "offered"
	PlanAccepted   = "accepted"
	PlanRejected   = "rejected"
	PlanWithdrawn  = "withdrawn"
	planCancelled  = "cancelled"
	PlanSuperseded = "superseded"

	PlanCoolingOff    = "cooling_off"
	PlanActive        = "active"
	PlanKept          = "kept"
	PlanPartiallyKept = "partially_kept"
	PlanBroken        = "broken"
)

// Approval states of a plan; "" is a plan within the agent's limit.
const (
	ApprovalPending  = "pending"
	ApprovalApproved = "approved"
	ApprovalRejected = "rejected"
)

const (
	// coolingOffDays is how long the person may withdraw from a plan freely.
	CoolingOffDays = 3
	// defaultGraceDays is how long after its due date an instalment still counts as in time, unless the plan says
	// otherwise.
	defaultGraceDays = 3
)

// Live tells whether the plan is in force: it is accepted and nobody's
// approval is missing. A live plan stays live until a decision ends it; whether it
// is being kept is Performing's to say.
func (p *Plan) Live() bool {
	return p.State == PlanAccepted && p.ApprovalState != ApprovalPending && p.ApprovalState != ApprovalRejected
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
		return PlanKept
	case at.Before(p.CoolingOff):
		return PlanCoolingOff
	case paid >= due:
		return PlanActive
	case over && paid > 0:
		return PlanPartiallyKept
	}
	return PlanBroken
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
		if day <= last.AddDate(0, 0, p.GraceDays()).Format(time.DateOnly) {
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
type PaidPart struct {
	Ref         string
	On          string // local date
	AmountMinor int64
}

// instalmentsOn spreads payments since the plan was agreed, in order of time,
// over its instalments, the earliest first, and gives their status on a local date.
func (p *Plan) InstalmentsOn(day string, payments []PaidPart) []InstalmentNow {
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
				left = payments[which].AmountMinor
				continue
			}
			take := min(left, in.AmountMinor-out[i].PaidMinor)
			left -= take
			out[i].PaidMinor += take
			out[i].PaidOn, out[i].Ref = payments[which].On, payments[which].Ref
		}
		last, err := time.Parse(time.DateOnly, in.DueOn)
		switch {
		case out[i].PaidMinor == in.AmountMinor:
			out[i].Status = "paid"
		case err == nil && day > last.AddDate(0, 0, p.GraceDays()).Format(time.DateOnly):
			out[i].Status = "overdue"
		case out[i].PaidMinor > 0:
			out[i].Status = "partly_paid"
		}
	}
	return out
}

// GraceDays is how many days after its due date an instalment still counts as in time.
func (p *Plan) GraceDays() int {
	if p.Terms != nil && p.Terms.GraceDays > 0 {
		return p.Terms.GraceDays
	}
	return defaultGraceDays
}

// check refuses a plan that does not add up. balance is the case's, currency its
// currency, day the local date on which the plan was agreed.
func (p *Plan) Check(currency string, balance int64, day string) *refusal.Error {
	if bad := Check(&p.PlanReport); bad != nil {
		return bad
	}
	if p.Currency != currency {
		return invalid("validation.currency", "currency", "the case is in %s, so is its plan", currency)
	}
	if p.TotalMinor < 0 || p.TotalMinor > MaxMinor {
		return invalid("validation.total_minor", "total_minor",
			"a plan pays something: the total is above zero and at most %d", int64(MaxMinor))
	}
	// An extension may cost interest, which a supervisor must then approve; any other kind pays what is owed, or less.
	if p.TotalMinor > balance && p.Kind != "extension" {
		return invalid("validation.total_minor", "total_minor", "the total is above what is owed")
	}
	if p.Kind == "ptp_single" && len(p.Instalments) != 1 {
		return invalid("validation.instalments", "instalments", "a single promise to pay has one instalment")
	}
	var sum int64
	before := ""
	for i, in := range p.Instalments {
		if in.N != 0 && in.N != i+1 {
			return invalid("validation.instalments", "instalments.n", "instalments are numbered 1, 2, 3, … in their order")
		}
		if in.AmountMinor <= 0 || in.AmountMinor > p.TotalMinor {
			return invalid("validation.amount_minor", "instalments.amount_minor",
				"each instalment is above zero and at most the total")
		}
		if in.DueOn < day {
			return invalid("validation.due_on", "instalments.due_on", "an instalment cannot be due before the plan is agreed")
		}
		if in.DueOn <= before {
			return invalid("validation.due_on", "instalments.due_on", "due dates ascend, one instalment a day")
		}
		before = in.DueOn
		sum += in.AmountMinor
	}
	if sum != p.TotalMinor {
		return invalid("validation.sum", "instalments", "the instalments must add up to the total exactly, in minor units")
	}
	if c := p.Concession; c != nil {
		if c.AmountMinor < 0 || c.AmountMinor > balance {
			return invalid("validation.concession", "concession.amount_minor", "a concession is between zero and what is owed")
		}
	}
	return nil
}

// concession is what the lender gives up: what the plan says, or what a
// settlement leaves unpaid, whichever is more.
func (p *Plan) GivenUp() int64 {
	var amount int64
	if p.Concession != nil {
		amount = p.Concession.AmountMinor
	}
	if p.Kind == "settlement" {
		amount = max(amount, p.BalanceMinor-p.TotalMinor)
	}
	return amount
}
