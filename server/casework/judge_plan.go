package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/server/repayment"
)

// PlanRules keeps the rules of lenders for repayment plans.
type PlanRules interface {
	// PlanRules gives all rules of a lender and their version; none and 0 for a lender without rules. The error is the
	// store's.
	PlanRules(ctx context.Context, lender string) (rules []repayment.RulesFor, version uint64, err error)
}

// PlanLimits are what an agent may agree to at the door where the lender's rules say nothing of it; anything beyond
// waits for a supervisor's approval. Zero fields do not limit. An agent gives up nothing of what is owed unless the
// lender's rules allow it: it is the lender's money.
type PlanLimits struct {
	MaxInstalments int
	// MaxDays is how far in the future the last instalment may be due.
	MaxDays int
}

// planBasis is what a plan is judged by, besides its case.
type planBasis struct {
	today    string // the local date on which it was agreed or offered
	rules    repayment.Rules
	version  uint64
	holidays []string
	limits   PlanLimits
	zone     *time.Location
}

// planBasis finds what a plan that was agreed or offered at an instant is judged by.
func (t *turn) planBasis(ctx context.Context, k *record.Case, at time.Time) (planBasis, error) {
	b := planBasis{limits: t.svc.limits, zone: t.svc.zoneOf(k)}
	// What comes later than a phone may be out of coverage is judged as if it was agreed when it came.
	if t.At.Sub(at) > record.LateWindow {
		at = t.At
	}
	b.today = at.In(b.zone).Format(time.DateOnly)
	if t.svc.planRules == nil {
		return b, nil
	}
	all, version, err := t.svc.planRules.PlanRules(ctx, k.Lender)
	if err != nil {
		return b, fmt.Errorf("read the plan rules of %s: %w", k.Lender, err)
	}
	var ok bool
	if b.rules, ok = repayment.RulesOf(all, k.ProductType, k.Currency); ok {
		b.version = version
	}
	if b.rules.HolidayRule == nextWorkingDay {
		// A profile that is in no pack has no calendar.
		b.holidays, _ = t.policy().Holidays(k.Profiles)
	}
	return b, nil
}

// nextWorkingDay is the holiday rule that needs a calendar.
const nextWorkingDay = "next_working_day"

// agentGuardrails are the lender's guardrails with what holds for agents where they say nothing: they give up nothing.
func agentGuardrails(g repayment.Guardrails) repayment.Guardrails {
	if g.AgentMaxConcessionBP == nil {
		g.AgentMaxConcessionBP = new(int64)
	}
	return g
}

// agentInstalments is how many instalments an agent may agree to alone; 0 is no limit.
func (b planBasis) agentInstalments() int64 {
	if b.rules.AgentMaxInstalments != nil {
		return *b.rules.AgentMaxInstalments
	}
	return int64(b.limits.MaxInstalments)
}

// agentDays is how many days ahead the last date of a plan may be that an agent agrees to alone; 0 is no limit.
func (b planBasis) agentDays() int64 {
	if b.rules.Guardrails.AgentMaxTermMonths != nil {
		return 0
	}
	return int64(b.limits.MaxDays)
}

// zoneOf is the debtor's zone; UTC where it is not known.
func (s *Service) zoneOf(k *record.Case) *time.Location {
	if zone := s.zones.find(k.TimeZone); zone != nil {
		return zone
	}
	return time.UTC
}

// planQuestion is a request as repayment reads it.
type planQuestion struct {
	record.PlanRequest
	Holidays      []string             `json:"holidays,omitempty"`
	Guardrails    repayment.Guardrails `json:"guardrails,omitzero"`
	Affordability *monthlySurplus      `json:"affordability,omitempty"`
	Pressure      *pressure            `json:"pressure,omitempty"`
}

type pressure struct {
	NewBorrowingSuggested bool  `json:"new_borrowing_suggested,omitempty"`
	DeadlineDays          int64 `json:"deadline_days,omitempty"`
}

type monthlySurplus struct {
	SurplusMinor int64 `json:"surplus_minor"`
}

// judgePlan computes a plan from its request, by the case and the lender's rules, and fills it in. It refuses a request
// that gives no plan, and amounts, dates and sums that are not those of the request, with their place. Its personal
// parts are open.
func judgePlan(k *record.Case, p *record.Plan, b planBasis) *refusal.Error {
	if bad := unknownOfRequest(p); bad != nil {
		return bad
	}
	if bad := fillBasis(k, p, b); bad != nil {
		return bad
	}
	q := planQuestion{PlanRequest: *p.Request, Holidays: b.holidays, Guardrails: agentGuardrails(b.rules.Guardrails)}
	if p.Pressure != nil {
		q.Pressure = &pressure{p.Pressure.NewBorrowingSuggested, p.Pressure.DeadlineDays}
	}
	if !p.Affordability.IsZero() {
		q.Affordability = &monthlySurplus{p.Affordability.Plain().SurplusMinor}
	}
	plan, bad := planOf(q)
	if bad != nil {
		return bad
	}
	if bad := samePlan(p, &plan); bad != nil {
		return bad
	}
	fillPlan(k, p, b, &plan)
	p.Needs = b.needs(p, q, &plan)
	return nil
}

// planOf computes a plan by its arithmetic.
func planOf(q planQuestion) (repayment.Plan, *refusal.Error) {
	text, err := json.Marshal(q)
	if err != nil {
		panic("casework: a request of a plan does not encode: " + err.Error()) // of our own types
	}
	request, no := repayment.Read(text)
	if no != nil {
		return repayment.Plan{}, refusePlan(no)
	}
	plan, no := request.Plan()
	if no != nil {
		return repayment.Plan{}, refusePlan(no)
	}
	return plan, nil
}

// unknownOfRequest refuses a request with a member of a newer app: what it changes of the plan is not known here.
func unknownOfRequest(p *record.Plan) *refusal.Error {
	var more struct {
		Request map[string]json.RawMessage `json:"request"`
	}
	if text := p.More.Plain(); len(text) > 0 && json.Unmarshal(text, &more) == nil && len(more.Request) > 0 {
		return refuse(refusal.Invalid, "plan.bad_request", "request",
			"the request has a member that is not known here, so that the plan cannot be computed; see GET /openapi.yaml")
	}
	return nil
}

// fillBasis puts into a plan's request what rests on the case and the lender, and completes the offer.
func fillBasis(k *record.Case, p *record.Plan, b planBasis) *refusal.Error {
	if k.AmountDueMinor < 1 {
		return refuse(refusal.Conflict, "plan.nothing_due", "case", "nothing is due under the case")
	}
	if p.OfferedBy == "" {
		p.OfferedBy = record.SideAgent
	}
	r := *p.Request
	r.PlanBasis = record.PlanBasis{Today: b.today, Currency: k.Currency, BalanceMinor: k.AmountDueMinor,
		OfferedBy: p.OfferedBy, HolidayRule: b.rules.HolidayRule, Weekend: b.rules.Weekend}
	if r.DownPaymentMinor > 0 && r.DownPaymentOn == "" {
		r.DownPaymentOn = b.today
	}
	p.Request = &r
	if !b.rules.Allows(r.Kind) {
		return refuse(refusal.Refused, "plan.kind_not_offered", "request.kind", "the lender offers of plans only %s",
			strings.Join(b.rules.Kinds, ", "))
	}
	if len(p.Debts) > 0 {
		var sum int64
		for i, debt := range p.Debts {
			if debt.BalanceMinor < 0 || debt.BalanceMinor > k.AmountDueMinor {
				return refuse(refusal.Invalid, "plan.debts", fmt.Sprintf("debts[%d].balance_minor", i),
					"each is from 0 to what is due")
			}
			sum += debt.BalanceMinor
		}
		if sum != k.AmountDueMinor {
			return refuse(refusal.Invalid, "plan.debts", "debts",
				"they must add up to what is due under the case, %d in minor units", k.AmountDueMinor)
		}
	}
	return fillOffer(p, b)
}

// fillOffer says until when an offer stands, and how long the debtor has to answer.
func fillOffer(p *record.Plan, b planBasis) *refusal.Error {
	if p.State != record.PlanOffered {
		return nil
	}
	offer, pressure := record.PlanStep{By: p.By, At: p.At}, record.Pressure{DeadlineDays: int64(b.rules.Offer())}
	if p.Offered != nil {
		offer = *p.Offered
	}
	if p.Pressure != nil {
		pressure.NewBorrowingSuggested = p.Pressure.NewBorrowingSuggested
		if p.Pressure.DeadlineDays > 0 {
			pressure.DeadlineDays = p.Pressure.DeadlineDays
		}
	}
	today, err := time.ParseInLocation(time.DateOnly, b.today, b.zone)
	if err != nil {
		return refuse(refusal.Invalid, "validation.at", "at", "this is no day on which a plan can be made")
	}
	if offer.Expires.IsZero() {
		pressure.DeadlineDays = min(pressure.DeadlineDays, int64(b.rules.Offer()))
		offer.Expires = today.AddDate(0, 0, int(pressure.DeadlineDays)+1).UTC()
	} else {
		days := 0
		for days <= b.rules.Offer() && today.AddDate(0, 0, days+1).Before(offer.Expires) {
			days++
		}
		switch {
		case days > b.rules.Offer():
			return refuse(refusal.Invalid, "plan.offer_days", "offer.expires_at", "an offer stands for at most %d days",
				b.rules.Offer())
		case p.Pressure != nil && p.Pressure.DeadlineDays > int64(days):
			return refuse(refusal.Invalid, "plan.deadline", "pressure_checks.deadline_days",
				"the offer ends before the debtor had these days to answer")
		}
		pressure.DeadlineDays = int64(days)
	}
	p.Offered, p.Pressure = &offer, &pressure
	return nil
}

// samePlan refuses amounts and dates of a phone that are not those that its request gives, at the first that differs.
func samePlan(p *record.Plan, plan *repayment.Plan) *refusal.Error {
	if p.TotalMinor != 0 && p.TotalMinor != plan.TotalMinor {
		return refuse(refusal.Invalid, "plan.total", "total_minor", "the request gives %d in minor units, of %d that are due",
			plan.TotalMinor, p.Request.BalanceMinor)
	}
	if len(p.Instalments) == 0 {
		return nil
	}
	if len(p.Instalments) != len(plan.Instalments) {
		return refuse(refusal.Invalid, "plan.instalments", "instalments", "the request gives %d instalments",
			len(plan.Instalments))
	}
	numbered := slices.ContainsFunc(p.Instalments, func(in record.Instalment) bool { return in.N != 0 })
	for i, in := range plan.Instalments {
		said, at := p.Instalments[i], fmt.Sprintf("instalments[%d].", i)
		switch {
		case numbered && said.N != in.N:
			return refuse(refusal.Invalid, "plan.instalments", at+"n", "the request gives %d: 0 is the down payment", in.N)
		case said.DueOn != in.DueOn.String():
			return refuse(refusal.Invalid, "plan.instalments", at+"due_on", "the request gives %s", in.DueOn)
		case said.AmountMinor != in.AmountMinor:
			return refuse(refusal.Invalid, "plan.instalments", at+"amount_minor",
				"the request gives %d in minor units; %d are due under the case", in.AmountMinor, p.Request.BalanceMinor)
		}
	}
	return nil
}

// fillPlan puts what was computed into a plan.
func fillPlan(k *record.Case, p *record.Plan, b planBasis, plan *repayment.Plan) {
	p.Kind, p.Currency, p.TotalMinor = p.Request.Kind, k.Currency, plan.TotalMinor
	p.RemainingAfterMinor, p.Advice = plan.RemainingAfterMinor, nil
	if len(plan.Advice) > 0 {
		p.Advice = plan.Advice
	}
	p.Instalments = make([]record.Instalment, len(plan.Instalments))
	for i, in := range plan.Instalments {
		p.Instalments[i] = record.Instalment{N: in.N, DueOn: in.DueOn.String(), AmountMinor: in.AmountMinor}
	}
	p.Concession = nil
	if plan.ConcessionMinor > 0 {
		p.Concession = &record.Concession{Type: "principal", AmountMinor: plan.ConcessionMinor}
		if p.Kind == "interest_freeze" {
			p.Concession.Type = "interest"
		}
	}
	terms := b.rules.Terms()
	p.Terms = &record.Terms{GraceDays: terms.GraceDays, BrokenAfter: terms.BrokenAfter,
		PartlyFromBP: terms.PartlyFromBP, NextStep: b.rules.NextStep}
	if p.Pressure != nil {
		p.Pressure.SinglePayment = len(p.Instalments) == 1
	}
	g := b.rules.Guardrails
	p.Rules = &record.PlanGuardrails{Version: b.version, MinInstalmentMinor: g.MinInstalmentMinor,
		MaxInstalments: g.MaxInstalments, MaxTermMonths: g.MaxTermMonths, MaxConcessionBP: g.MaxConcessionBP,
		MaxDownPaymentBP: g.MaxDownPaymentBP, MaxStartDays: g.MaxStartDays, MaxHolidayPeriods: g.MaxHolidayPeriods,
		MaxExtensionDays: g.MaxExtensionDays, MinAnswerDays: g.MinAnswerDays, AgentConcessionBP: g.AgentMaxConcessionBP,
		AgentMaxTermMonths: g.AgentMaxTermMonths, AgentMaxInstalments: b.rules.AgentMaxInstalments,
		AgentMaxTotalMinor: b.rules.AgentMaxTotalMinor}
}

// needs lists the limits of what an agent may agree alone that a plan is beyond, as codes of plan_limits.
func (b planBasis) needs(p *record.Plan, q planQuestion, plan *repayment.Plan) []string {
	var out []string
	over := func(code string, is bool) {
		if is {
			out = append(out, code)
		}
	}
	// What the debtor is said to have offered at the door is not known to be theirs.
	over("above_surplus", len(plan.Advice) > 0)
	free := q
	free.Guardrails.AgentMaxTermMonths = nil
	byConcession, bad := planOf(free)
	over("concession", bad == nil && byConcession.NeedsApproval)
	last := p.Instalments[len(p.Instalments)-1].DueOn
	if days := b.agentDays(); days > 0 {
		over("days", last > dayAfter(b.today, int(days)))
	}
	over("future_interest", p.TotalMinor > p.Request.BalanceMinor)
	most := b.agentInstalments()
	over("instalments", most > 0 && int64(len(p.Instalments)) > most)
	free = q
	free.Guardrails.AgentMaxConcessionBP = nil
	byTerm, bad := planOf(free)
	over("term", bad == nil && byTerm.NeedsApproval)
	over("total", b.rules.AgentMaxTotalMinor != nil && p.TotalMinor > *b.rules.AgentMaxTotalMinor)
	return out
}

// refusePlan is a refusal of the arithmetic: its reason is the end of the code, and the place is that in a plan.
func refusePlan(no *repayment.Refusal) *refusal.Error {
	place, kind := "request."+no.At, refusal.Invalid
	switch {
	case no.At == "":
		place = "request"
	case no.At == "affordability.surplus_minor":
		place = no.At
	case strings.HasPrefix(no.At, "pressure."):
		place = "pressure_checks." + strings.TrimPrefix(no.At, "pressure.")
	case no.At == "holidays":
		place = "request.start_on"
	}
	msg, known := planRefusals[no.Reason]
	if !known {
		msg = "this gives no plan; server/repayment/README.md has the rules"
	}
	return refuse(kind, "plan."+no.Reason, place, "%s", msg)
}

// planRefusals say how to mend what the arithmetic refuses, by its reason.
var planRefusals = map[string]string{
	"bad_request":            "the kind needs this member, does not take it, or takes another value (GET /openapi.yaml)",
	"unknown_currency":       "ISO 4217 does not have the currency of the case",
	"amount_out_of_range":    "an amount is a whole number of minor units from 1 to 9007199254740991",
	"start_in_past":          "this day lies before the day of the plan",
	"concession_too_large":   "this gives up more than the lender allows, or leaves nothing to be paid",
	"down_payment_too_large": "the down payment leaves nothing for instalments",
	"down_payment_pressure":  "the down payment is a larger part than the lender allows",
	"down_payment_late":      "the down payment is due before the first instalment",
	"too_few_instalments":    "this gives one payment; ptp_single is the kind for that",
	"too_many_instalments":   "these are more instalments than the lender allows",
	"not_a_token":            "the token payments pay all that is due; they would be instalments",
	"too_small_to_split":     "an instalment would be nothing; take fewer",
	"below_minimum":          "an instalment is below the lender's minimum; take fewer or larger ones",
	"extension_not_later":    "the new day must lie after the one on which it was due",
	"extension_too_long":     "the lender does not extend that far",
	"holiday_too_long":       "the lender does not allow a payment holiday of so many periods",
	"review_before_end":      "the review comes after the last token payment",
	"start_too_late":         "the lender wants the plan to begin earlier",
	"term_too_long":          "the plan takes longer than the lender allows",
	"no_working_day":         "no working day is near enough to one of the days",
	"new_borrowing":          "a person in debt must not be told to borrow more",
	"deadline_too_short":     "the debtor must have more days to answer",
	"lump_sum_pressure":      "one payment above what is left a month presses the debtor; offer instalments",
	"above_surplus":          "the instalments are above what is left a month; offer smaller ones",
}
