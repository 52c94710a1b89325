package casework

import (
	"context"
	"encoding/json"
	"fmt"

	"doorstep/server/record"
	"doorstep/server/repayment"
)

// CardPlanRules are what a repayment plan for a case is judged by, as a case card shows it: with them a phone computes
// the plan that the server will compute (sync/clients/plan), and says at the door what needs approval. They are those
// in force when the phone reads the card; the server judges by those in force when it gets the plan.
type CardPlanRules struct {
	// Version is that of the lender's rules; 0 where the lender has none for the case.
	Version uint64 `json:"version"`
	// Kinds are the plan_kinds that the lender offers; absent: all.
	Kinds []string `json:"kinds,omitempty"`
	// HolidayRule says what becomes of a date on a closed day, as in POST /v1/plans/preview; absent: nothing.
	HolidayRule string `json:"holiday_rule,omitempty"`
	// Weekend lists the closed days of a week, mon to sun; absent: sat and sun.
	Weekend []string `json:"weekend,omitempty"`
	// Holidays are the dates of the country's public holidays from today on; absent where the rule needs none.
	Holidays []string `json:"holidays,omitempty"`
	// Guardrails are what POST /v1/plans/preview takes under this name.
	Guardrails repayment.Guardrails `json:"guardrails"`
	// AgentMaxInstalments is how many an agent may agree to alone; absent: no limit.
	AgentMaxInstalments int64 `json:"agent_max_instalments,omitempty"`
	// AgentMaxTotalMinor is how much an agent may agree to alone, in minor units; absent: no limit.
	AgentMaxTotalMinor int64 `json:"agent_max_total_minor,omitempty"`
	// AgentMaxDays is how far ahead the last date of what an agent agrees to alone may be; absent: no limit.
	AgentMaxDays int64 `json:"agent_max_days,omitempty"`
	// GraceDays are the days after its date on which an instalment that is paid is still in time.
	GraceDays int64 `json:"grace_days"`
	// BrokenAfter is how many missed instalments break the plan.
	BrokenAfter int64 `json:"broken_after"`
	// CoolingOffDays is how long the debtor may withdraw freely.
	CoolingOffDays int `json:"cooling_off_days"`
	// OfferDays is how long an offer stands.
	OfferDays int `json:"offer_days"`
}

// withPlanRules adds to the card of a case what its plans are judged by.
func (s *Service) withPlanRules(ctx context.Context, find *ahead, doc json.RawMessage, k *record.Case, today string) (
	json.RawMessage, error) {
	all, err := find.rulesOf(ctx, k.Lender)
	if err != nil {
		return nil, err
	}
	b := planBasis{limits: s.limits}
	var ok bool
	if b.rules, ok = repayment.RulesOf(all.rules, k.ProductType, k.Currency); ok {
		b.version = all.version
	}
	if b.rules.HolidayRule == nextWorkingDay {
		// A profile that is in no pack has no calendar.
		b.holidays, _ = s.policy.Load().Holidays(k.Profiles)
	}
	return withMembers(doc, "plan_rules", b.card(today)), nil
}

// card is the basis as a case card shows it from a local date on.
func (b planBasis) card(today string) CardPlanRules {
	r, terms := b.rules, b.rules.Terms()
	c := CardPlanRules{Version: b.version, Kinds: r.Kinds, HolidayRule: r.HolidayRule, Weekend: r.Weekend,
		Guardrails: agentGuardrails(r.Guardrails), AgentMaxInstalments: b.agentInstalments(),
		AgentMaxDays: b.agentDays(), GraceDays: terms.GraceDays, BrokenAfter: terms.BrokenAfter,
		CoolingOffDays: r.CoolingOff(), OfferDays: r.Offer()}
	if r.AgentMaxTotalMinor != nil {
		c.AgentMaxTotalMinor = *r.AgentMaxTotalMinor
	}
	for _, day := range b.holidays {
		if day >= today {
			c.Holidays = append(c.Holidays, day)
		}
	}
	return c
}

// lenderRules are the rules of a lender and their version.
type lenderRules struct {
	rules   []repayment.RulesFor
	version uint64
}

// rulesOf are the plan rules of a lender, read once for all cards of a page.
func (a *ahead) rulesOf(ctx context.Context, lender string) (lenderRules, error) {
	if known, ok := a.rules[lender]; ok || a.svc.planRules == nil {
		return known, nil
	}
	all, version, err := a.svc.planRules.PlanRules(ctx, lender)
	if err != nil {
		return lenderRules{}, fmt.Errorf("read the plan rules of %s: %w", lender, err)
	}
	a.rules[lender] = lenderRules{all, version}
	return a.rules[lender], nil
}
