package record

import (
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Plan is the state of a document of type "plans": a repayment plan, proposed at the
// door, by the office or by the debtor. Two versions are never merged, and proposals of
// several sides are kept side by side, each under its own id.
type Plan struct {
	PlanReport
	PlanFound
}

// PlanReport is what is proposed. What is due on which days follows from the request: server/repayment computes it.
type PlanReport struct {
	// Case must be given for a new plan. One that is changed stays with its case.
	Case    journal.CaseID `json:"case" is:"id" see:"all"`
	Visit   string         `json:"visit,omitempty" is:"id" see:"all"`
	Request *PlanRequest   `json:"request,omitempty" see:"all" need:"send the request of the plan: its kind, start_on, and what the kind needs"`
	// OfferedBy is the side that proposes: agent, also when it is absent, or debtor.
	OfferedBy string `json:"offered_by,omitempty" is:"plan_sides" see:"all"`
	// TotalMinor and Instalments are what the phone computed, and may be left out. They must be what the request gives.
	TotalMinor  int64         `json:"total_minor,omitempty" see:"all"`
	Instalments []Instalment  `json:"instalments,omitempty" most:"601" see:"all"`
	Debts       []DebtBalance `json:"debts,omitempty" see:"all"` // how the balance is divided; they add up to it
	Hardship    *Hardship     `json:"hardship,omitempty" see:"office,agent"`
	// State is sent as offered or accepted; the server makes it rejected, withdrawn, cancelled, superseded or
	// renegotiated.
	State    string    `json:"state" is:"server" see:"all" need:"a plan is sent as offered or accepted"`
	Offered  *PlanStep `json:"offer,omitempty" see:"office,agent"`
	Accepted *PlanStep `json:"acceptance,omitempty" see:"office,agent"`
	// Affordability is what the debtor has a month, in the order of the Standard Financial Statement.
	Affordability Personal[Affordability] `json:"affordability,omitzero" see:"office,agent"`
	Pressure      *Pressure               `json:"pressure_checks,omitempty" see:"office,agent"`
	Copy          *GivenCopy              `json:"copy,omitempty" see:"office,agent"`
	At            time.Time               `json:"at" see:"all"` // when it was agreed or offered, as the device says
}

// PlanFound is what the server adds to a plan.
type PlanFound struct {
	Taken
	Branch auth.BranchID `json:"branch" is:"server" see:"all"`
	Lender string        `json:"lender" is:"server" see:"all"`
	// Kind and Currency are those of the request.
	Kind       string      `json:"kind" is:"plan_kinds" see:"all"`
	Currency   string      `json:"currency" is:"currency" see:"all"`
	Concession *Concession `json:"concession,omitempty" see:"all"`
	// RemainingAfterMinor is what is owed after token payments.
	RemainingAfterMinor int64 `json:"remaining_after_minor,omitempty" see:"all"`
	BalanceMinor        int64 `json:"balance_minor" see:"all"` // of the case when the plan was judged
	// BalanceAsOf is when that was.
	BalanceAsOf time.Time `json:"balance_as_of,omitzero" see:"all"`
	// PaymentsBefore is how many payments the case had by then; NetOn is its Case.NetOn. Those that the balance
	// contained do not count for the plan.
	PaymentsBefore int    `json:"payments_before,omitempty" see:"none"`
	NetOn          string `json:"net_on,omitempty" is:"date" see:"none"`
	// Rules are the lender's that were in force when the plan was judged.
	Rules *PlanGuardrails `json:"rules,omitempty" see:"office,agent,lender"`
	Terms *Terms          `json:"default_terms,omitempty" see:"all"`
	// Advice is what whoever agrees must know.
	Advice []string `json:"advice,omitempty" is:"plan_advice" see:"office,agent"`
	// ApprovalState is "" within the agent's limit, else pending, approved or rejected; Needs says which limits it is
	// beyond.
	ApprovalState string      `json:"approval_state" is:"server" see:"all"`
	Needs         []string    `json:"needs_approval_for,omitempty" is:"plan_limits" see:"office,agent"`
	ApprovedBy    auth.UserID `json:"approved_by,omitempty" is:"server" see:"office,agent"`
	ApprovedAt    time.Time   `json:"approved_at,omitzero" see:"office,agent"`
	Reason        seal.Text   `json:"reason,omitzero" see:"office,agent"` // why rejected, withdrawn or cancelled
	// CancelledFor is a code of plan_cancel_reasons.
	CancelledFor string    `json:"cancelled_for,omitempty" is:"plan_cancel_reasons" see:"all"`
	CoolingOff   time.Time `json:"cooling_off_until,omitzero" see:"all"`
	// ReplacedBy is the plan that took its place.
	ReplacedBy string `json:"replaced_by,omitempty" is:"id" see:"all"`
	// Standing is what payments have made of the plan; nil unless it is or was in force.
	Standing *PlanStanding `json:"standing,omitempty" see:"all"`
	// Row is what one phone has written last without anybody between.
	Row PlanRow `json:"row,omitzero" see:"none"`
}

// PlanRequest is a request for a plan, as server/repayment/README.md has it.
type PlanRequest struct {
	PlanAsked
	PlanBasis
}

// PlanAsked is what whoever proposes a plan says of it. Amounts are minor units, days local dates of the debtor.
type PlanAsked struct {
	Kind      string `json:"kind" is:"plan_kinds" need:"say which kind of plan it is"`
	StartOn   string `json:"start_on" is:"date" need:"write the date from which all others are counted as 2006-01-02"`
	Frequency string `json:"frequency,omitempty" is:"plan_frequencies"`
	// Count is how many instalments, AmountMinor how much each: one of the two.
	Count       int64   `json:"count,omitempty"`
	AmountMinor int64   `json:"amount_minor,omitempty"`
	Weights     []int64 `json:"weights,omitempty" most:"600"`
	MonthEnd    string  `json:"month_end,omitempty" is:"plan_month_ends"`
	// DownPaymentOn is the day of the plan when it is absent.
	DownPaymentMinor    int64  `json:"down_payment_minor,omitempty"`
	DownPaymentOn       string `json:"down_payment_on,omitempty" is:"date"`
	ConcessionMinor     int64  `json:"concession_minor,omitempty"`
	FutureInterestMinor int64  `json:"future_interest_minor,omitempty"`
	HolidayPeriods      int64  `json:"holiday_periods,omitempty"`
	OriginalDueOn       string `json:"original_due_on,omitempty" is:"date"`
	ReviewOn            string `json:"review_on,omitempty" is:"date"`
}

// PlanBasis is what the server puts into a request, whatever was sent: it rests on the case and the lender.
type PlanBasis struct {
	// Today is the local date on which the plan was agreed or offered.
	Today        string `json:"today,omitempty" is:"date" from:"server"`
	Currency     string `json:"currency,omitempty" is:"currency" from:"server"`
	BalanceMinor int64  `json:"balance_minor,omitempty" from:"server"`
	OfferedBy    string `json:"offered_by,omitempty" is:"plan_sides" from:"server"`
	// HolidayRule and Weekend are the lender's. The holidays were those of the calendar of the case's profile.
	HolidayRule string   `json:"holiday_rule,omitempty" is:"plan_holiday_rules" from:"server"`
	Weekend     []string `json:"weekend,omitempty" is:"day" from:"server"`
}

// PlanGuardrails are the rules of a lender by which a plan was judged, for the product and currency of its case.
type PlanGuardrails struct {
	// Version is that of the lender's rules; 0: the lender had none, and the house's held.
	Version             uint64 `json:"version"`
	MinInstalmentMinor  *int64 `json:"min_instalment_minor,omitempty"`
	MaxInstalments      *int64 `json:"max_instalments,omitempty"`
	MaxTermMonths       *int64 `json:"max_term_months,omitempty"`
	MaxConcessionBP     *int64 `json:"max_concession_bp,omitempty"`
	MaxDownPaymentBP    *int64 `json:"max_down_payment_bp,omitempty"`
	MaxStartDays        *int64 `json:"max_start_days,omitempty"`
	MaxHolidayPeriods   *int64 `json:"max_holiday_periods,omitempty"`
	MaxExtensionDays    *int64 `json:"max_extension_days,omitempty"`
	MinAnswerDays       *int64 `json:"min_answer_days,omitempty"`
	AgentConcessionBP   *int64 `json:"agent_max_concession_bp,omitempty"`
	AgentMaxTermMonths  *int64 `json:"agent_max_term_months,omitempty"`
	AgentMaxInstalments *int64 `json:"agent_max_instalments,omitempty"`
	AgentMaxTotalMinor  *int64 `json:"agent_max_total_minor,omitempty"`
}

// PlanStanding is what payments have made of a plan so far. Days are local dates of the debtor.
type PlanStanding struct {
	// PaidMinor is what payments have brought for the plan, at most its total.
	PaidMinor int64 `json:"paid_minor"`
	// BreaksOn is the day on which the plan breaks, or broke, if nothing more is paid; BreaksAs is what it becomes.
	BreaksOn string `json:"breaks_on,omitempty" is:"date"`
	BreaksAs string `json:"breaks_as,omitempty" is:"server"`
	// KeptOn is the first day from which all is paid.
	KeptOn string `json:"kept_on,omitempty" is:"date"`
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

// Terms say when a plan counts as broken: the lender's, or the house's.
type Terms struct {
	GraceDays    int64 `json:"grace_days"`
	BrokenAfter  int64 `json:"broken_after"` // missed instalments
	PartlyFromBP int64 `json:"partly_from_bp,omitempty"`
	// NextStep is what the lender does then, as a code of its own.
	NextStep string `json:"next_step,omitempty" is:"id"`
}

// Pressure are the checks that nobody was pressed into a plan.
type Pressure struct {
	// SinglePayment says that all is one payment.
	SinglePayment         bool `json:"single_payment,omitempty" from:"server"`
	NewBorrowingSuggested bool `json:"new_borrowing_suggested,omitempty"`
	// DeadlineDays is how many days the debtor has to answer an offer.
	DeadlineDays int64 `json:"deadline_days,omitempty"`
}

// GivenCopy is the copy of a plan the person was given.
type GivenCopy struct {
	Via    string    `json:"via" is:"id"`
	At     time.Time `json:"at"`
	SHA256 string    `json:"sha256,omitempty" is:"id"`
}

// Instalment is one due part of a plan.
type Instalment struct {
	// N is its number: 0 is the down payment, the others count from 1 in the order of their dates.
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
	// Expires is when an offer ends.
	Expires time.Time `json:"expires_at,omitzero"`
}

func (p *PlanReport) past() []time.Time {
	var all []time.Time
	for _, step := range []*PlanStep{p.Offered, p.Accepted} {
		if step != nil {
			all = append(all, step.At)
		}
	}
	if p.Copy != nil {
		all = append(all, p.Copy.At)
	}
	return all
}

// check judges what a plan says without its case: casework judges the rest against case and lender.
func (p *PlanReport) check(time.Time) *refusal.Error {
	if p.TotalMinor < 0 || p.TotalMinor > MaxMinor {
		return invalid("validation.total_minor", "total_minor", "the total is above zero and at most %d", int64(MaxMinor))
	}
	for i, in := range p.Instalments {
		if in.AmountMinor < 0 || in.AmountMinor > MaxMinor {
			return invalid("validation.amount_minor", entry("instalments", i)+".amount_minor",
				"each instalment is above zero and at most %d", int64(MaxMinor))
		}
	}
	if a := p.Affordability.Plain(); !p.Affordability.IsZero() {
		return a.check("affordability")
	}
	return nil
}
