package repayment

import (
	"fmt"
	"slices"
	"strings"

	"doorstep/auth/refusal"

	"github.com/bojanz/currency"
)

// Rules are what a lender allows in the plans of a product and a currency. A member that is absent limits nothing,
// unless it says what holds then.
type Rules struct {
	// Kinds are the kinds of plans that are offered; none: all.
	Kinds      []string   `json:"kinds,omitempty" maxItems:"8" doc:"Codes of plan_kinds; absent: all."`
	Guardrails Guardrails `json:"guardrails,omitzero" doc:"Limits of the arithmetic, as POST /v1/plans/preview takes them."`
	// AgentMaxInstalments and AgentMaxTotalMinor are what an agent may agree alone, besides the guardrails of agents.
	AgentMaxInstalments *int64 `json:"agent_max_instalments,omitempty" minimum:"1" maximum:"600" doc:"Above it the plan needs approval."`
	AgentMaxTotalMinor  *int64 `json:"agent_max_total_minor,omitempty" minimum:"1" maximum:"9007199254740991" doc:"Above it the plan needs approval; in minor units, so the rules name a currency."`
	// HolidayRule and Weekend are those of a Request.
	HolidayRule string   `json:"holiday_rule,omitempty" enum:"none,next_working_day" doc:"What becomes of a date on a closed day; none when absent. The holidays are those of the calendar of the case's conduct profile."`
	Weekend     []string `json:"weekend,omitempty" maxItems:"6" doc:"mon to sun; sat and sun when absent."`
	// GraceDays, BrokenAfter and PartlyFromBP are Terms; 3, 1 and 0 when absent.
	GraceDays    *int64 `json:"grace_days,omitempty" minimum:"0" maximum:"90" doc:"An instalment that is paid so many days after its date is in time; 3 when absent."`
	BrokenAfter  *int64 `json:"broken_after,omitempty" minimum:"1" maximum:"600" doc:"The plan breaks with so many missed instalments; 1 when absent."`
	PartlyFromBP *int64 `json:"partly_from_bp,omitempty" minimum:"0" maximum:"10000" doc:"A plan that breaks is partially kept if something was paid, and at least so many basis points of what was past its grace; 0 when absent."`
	NextStep     string `json:"next_step,omitempty" maxLength:"64" pattern:"^[A-Za-z0-9_.-]*$" doc:"What follows when a plan breaks, as a code of the lender's own."`
	// CoolingOffDays is how long the debtor may withdraw freely, OfferDays how long an offer stands; 3 and 14 when absent.
	CoolingOffDays *int64 `json:"cooling_off_days,omitempty" minimum:"3" maximum:"60" doc:"How long the debtor may withdraw freely; 3 when absent."`
	OfferDays      *int64 `json:"offer_days,omitempty" minimum:"1" maximum:"365" doc:"How long an offer stands; 14 when absent."`
}

// Guardrails are the limits of a Request (server/repayment/README.md).
type Guardrails struct {
	MinInstalmentMinor   *int64 `json:"min_instalment_minor,omitempty" minimum:"0" maximum:"9007199254740991" doc:"Of each instalment but, by amount, the last; in minor units, so the rules name a currency."`
	MaxInstalments       *int64 `json:"max_instalments,omitempty" minimum:"1" maximum:"600"`
	MaxTermMonths        *int64 `json:"max_term_months,omitempty" minimum:"0" maximum:"1200" doc:"From today to the last date, before it moves."`
	MaxConcessionBP      *int64 `json:"max_concession_bp,omitempty" minimum:"0" maximum:"10000" doc:"Basis points of the balance."`
	MaxDownPaymentBP     *int64 `json:"max_down_payment_bp,omitempty" minimum:"0" maximum:"10000" doc:"Basis points of what is to be paid."`
	MaxStartDays         *int64 `json:"max_start_days,omitempty" minimum:"0" maximum:"3660" doc:"From today to the start."`
	MaxHolidayPeriods    *int64 `json:"max_holiday_periods,omitempty" minimum:"0" maximum:"600" doc:"How long a payment holiday may be."`
	MaxExtensionDays     *int64 `json:"max_extension_days,omitempty" minimum:"0" maximum:"3660" doc:"From the original date to the start."`
	MinAnswerDays        *int64 `json:"min_answer_days,omitempty" minimum:"0" maximum:"365" doc:"How long the debtor must have to answer."`
	AgentMaxConcessionBP *int64 `json:"agent_max_concession_bp,omitempty" minimum:"0" maximum:"10000" doc:"Above it the plan needs approval; 0 when absent."`
	AgentMaxTermMonths   *int64 `json:"agent_max_term_months,omitempty" minimum:"0" maximum:"1200" doc:"Above it the plan needs approval."`
}

// RulesFor are the rules of a lender for a product and a currency. An empty product or currency is any.
type RulesFor struct {
	Product  string `json:"product_type,omitempty" maxLength:"128" doc:"Of the cases; absent: any."`
	Currency string `json:"currency,omitempty" maxLength:"3" doc:"ISO 4217; absent: any."`
	Rules
}

// House values of what rules leave open.
const (
	coolingOffDays = 3
	offerDays      = 14
	mostRules      = 100
)

// The house's rules are never shorter than this in what protects the debtor.
const leastCoolingOff = coolingOffDays

// RulesOf finds the rules for a product and a currency: those that name both, else the product, else the currency, else
// neither. ok is false if there are none.
func RulesOf(all []RulesFor, product, currency string) (r Rules, ok bool) {
	for _, want := range [][2]string{{product, currency}, {product, ""}, {"", currency}, {"", ""}} {
		for _, x := range all {
			if x.Product == want[0] && x.Currency == want[1] {
				return x.Rules, true
			}
		}
	}
	return Rules{}, false
}

// Terms are the terms under which plans break.
func (r Rules) Terms() Terms {
	return Terms{GraceDays: orElse(r.GraceDays, DefaultTerms.GraceDays),
		BrokenAfter:  orElse(r.BrokenAfter, DefaultTerms.BrokenAfter),
		PartlyFromBP: orElse(r.PartlyFromBP, DefaultTerms.PartlyFromBP)}
}

// CoolingOff is how many days the debtor may withdraw freely.
func (r Rules) CoolingOff() int { return int(orElse(r.CoolingOffDays, coolingOffDays)) }

// Offer is how many days an offer stands.
func (r Rules) Offer() int { return int(orElse(r.OfferDays, offerDays)) }

// Allows tells whether the rules offer a kind of plan.
func (r Rules) Allows(kind string) bool { return len(r.Kinds) == 0 || slices.Contains(r.Kinds, kind) }

// CheckRules refuses rules of a lender that are unknown, out of range, or contradict each other, with the code
// plan_rules.invalid and the place, such as rules[1].guardrails.agent_max_term_months.
func CheckRules(all []RulesFor) *refusal.Error {
	if len(all) > mostRules {
		return badRules("rules", "at most %d", mostRules)
	}
	for i := range all {
		at := fmt.Sprintf("rules[%d]", i)
		r := &all[i]
		if r.Currency != "" {
			if _, known := currency.GetDigits(r.Currency); !known {
				return badRules(at+".currency", "write an ISO 4217 code in capitals, such as EUR")
			}
		}
		for k := range i {
			if all[k].Product == r.Product && all[k].Currency == r.Currency {
				return badRules(at, "rules[%d] are for the same product and currency; write them once", k)
			}
		}
		if bad := r.check(at); bad != nil {
			return bad
		}
	}
	return nil
}

const codeLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

func badRules(at, format string, args ...any) *refusal.Error {
	return refusal.New(refusal.Invalid, "plan_rules.invalid", at, format, args...)
}

func (r *RulesFor) check(at string) *refusal.Error {
	g := &r.Guardrails
	for i, kind := range r.Kinds {
		if _, known := kinds[kind]; !known {
			return badRules(fmt.Sprintf("%s.kinds[%d]", at, i), "this is no kind of plan; see plan_kinds of GET /v1/codes")
		}
		if slices.Contains(r.Kinds[:i], kind) {
			return badRules(fmt.Sprintf("%s.kinds[%d]", at, i), "this kind stands in the list twice")
		}
	}
	for i, day := range r.Weekend {
		if !slices.Contains(weekdays[:], day) || slices.Contains(r.Weekend[:i], day) {
			return badRules(fmt.Sprintf("%s.weekend[%d]", at, i), "write each of %s once", strings.Join(weekdays[:], ", "))
		}
	}
	if strings.Trim(r.NextStep, codeLetters) != "" || len(r.NextStep) > 64 {
		return badRules(at+".next_step", "a code has at most 64 letters A to Z, digits and any of _.-")
	}
	if strings.Trim(r.Product, codeLetters+":/@#+") != "" || len(r.Product) > 128 {
		return badRules(at+".product_type", "a product is a code as cases have it, of at most 128 letters and digits")
	}
	if len(r.Weekend) > 6 {
		return badRules(at+".weekend", "a week needs a working day")
	}
	if r.HolidayRule != "" && !slices.Contains(holidayRules, r.HolidayRule) {
		return badRules(at+".holiday_rule", "one of %s", strings.Join(holidayRules, ", "))
	}
	for _, x := range []struct {
		name        string
		v           *int64
		least, most int64
		money       bool
	}{
		{"guardrails.min_instalment_minor", g.MinInstalmentMinor, 0, MaxMinor, true},
		{"guardrails.max_instalments", g.MaxInstalments, 1, mostPayments, false},
		{"guardrails.max_term_months", g.MaxTermMonths, 0, mostMonths, false},
		{"guardrails.max_concession_bp", g.MaxConcessionBP, 0, 10_000, false},
		{"guardrails.max_down_payment_bp", g.MaxDownPaymentBP, 0, 10_000, false},
		{"guardrails.max_start_days", g.MaxStartDays, 0, 3660, false},
		{"guardrails.max_holiday_periods", g.MaxHolidayPeriods, 0, mostPause, false},
		{"guardrails.max_extension_days", g.MaxExtensionDays, 0, 3660, false},
		{"guardrails.min_answer_days", g.MinAnswerDays, 0, 365, false},
		{"guardrails.agent_max_concession_bp", g.AgentMaxConcessionBP, 0, 10_000, false},
		{"guardrails.agent_max_term_months", g.AgentMaxTermMonths, 0, mostMonths, false},
		{"agent_max_instalments", r.AgentMaxInstalments, 1, mostPayments, false},
		{"agent_max_total_minor", r.AgentMaxTotalMinor, 1, MaxMinor, true},
		{"grace_days", r.GraceDays, 0, 90, false},
		{"broken_after", r.BrokenAfter, 1, mostPayments, false},
		{"partly_from_bp", r.PartlyFromBP, 0, 10_000, false},
		{"cooling_off_days", r.CoolingOffDays, leastCoolingOff, 60, false},
		{"offer_days", r.OfferDays, 1, 365, false},
	} {
		switch {
		case x.v == nil:
		case *x.v < x.least || *x.v > x.most:
			return badRules(at+"."+x.name, "a whole number from %d to %d", x.least, x.most)
		case x.money && r.Currency == "":
			return badRules(at+"."+x.name, "an amount has a currency; name it in %s.currency", at)
		}
	}
	return r.contradicts(at)
}

// contradicts refuses members that cannot hold together.
func (r *RulesFor) contradicts(at string) *refusal.Error {
	g := &r.Guardrails
	above := func(v, most *int64) bool { return v != nil && most != nil && *v > *most }
	never := func(kind string, v *int64) bool { return slices.Contains(r.Kinds, kind) && v != nil && *v == 0 }
	offer := ptr(int64(r.Offer()))
	for _, x := range []struct {
		name  string
		wrong bool
		why   string
	}{
		{"guardrails.agent_max_concession_bp", above(g.AgentMaxConcessionBP, g.MaxConcessionBP),
			"an agent may agree to no more than guardrails.max_concession_bp allows"},
		{"guardrails.agent_max_term_months", above(g.AgentMaxTermMonths, g.MaxTermMonths),
			"an agent may agree to no more than guardrails.max_term_months allows"},
		{"agent_max_instalments", above(r.AgentMaxInstalments, g.MaxInstalments),
			"an agent may agree to no more than guardrails.max_instalments allows"},
		{"broken_after", above(r.BrokenAfter, g.MaxInstalments),
			"a plan of guardrails.max_instalments could miss them all and not break"},
		{"guardrails.min_answer_days", above(g.MinAnswerDays, offer),
			"an offer ends (offer_days) before the debtor had these days to answer"},
		{"guardrails.max_concession_bp", never(reduced, g.MaxConcessionBP) || never(settlement, g.MaxConcessionBP) ||
			never(frozen, g.MaxConcessionBP), "kinds has one that gives something up, and 0 allows none"},
		{"guardrails.max_holiday_periods", never(paymentHoliday, g.MaxHolidayPeriods),
			"kinds has payment_holiday, and 0 allows none"},
		{"guardrails.max_extension_days", never(extension, g.MaxExtensionDays),
			"kinds has extension, and 0 allows none"},
	} {
		if x.wrong {
			return badRules(at+"."+x.name, "%s", x.why)
		}
	}
	return nil
}
