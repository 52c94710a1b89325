package repayment

import "testing"

// Rules that are unknown, out of range or contradict each other are refused with the place.
func TestRulesOfALenderAreChecked(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	eur := func(r Rules) RulesFor { return RulesFor{Currency: "EUR", Rules: r} }
	for _, c := range []struct {
		name, want string
		rules      []RulesFor
	}{
		{"none", "", nil},
		{"good ones", "", []RulesFor{{}, {Product: "card"}, {Product: "card", Currency: "EUR"}, eur(Rules{
			Kinds: []string{"instalments", "settlement"}, AgentMaxTotalMinor: n(5), Guardrails: Guardrails{
				MinInstalmentMinor: n(0), MaxConcessionBP: n(1), AgentMaxConcessionBP: n(1), MaxTermMonths: n(9),
				AgentMaxTermMonths: n(9), MinAnswerDays: n(14)}})}},
		{"a currency that is none", "rules[0].currency", []RulesFor{{Currency: "ABC"}}},
		{"a product with a blank", "rules[0].product_type", []RulesFor{{Product: "a card"}}},
		{"the same twice", "rules[1]", []RulesFor{eur(Rules{}), eur(Rules{})}},
		{"an unknown kind", "rules[0].kinds[1]", []RulesFor{{Rules: Rules{Kinds: []string{"extension", "gift"}}}}},
		{"a kind twice", "rules[0].kinds[1]", []RulesFor{{Rules: Rules{Kinds: []string{"extension", "extension"}}}}},
		{"an unknown day", "rules[0].weekend[0]", []RulesFor{{Rules: Rules{Weekend: []string{"friday"}}}}},
		{"no working day", "rules[0].weekend", []RulesFor{{Rules: Rules{Weekend: weekdays[:]}}}},
		{"an unknown rule", "rules[0].holiday_rule", []RulesFor{{Rules: Rules{HolidayRule: "before"}}}},
		{"an amount without a currency", "rules[0].guardrails.min_instalment_minor",
			[]RulesFor{{Rules: Rules{Guardrails: Guardrails{MinInstalmentMinor: n(5)}}}}},
		{"a total without a currency", "rules[0].agent_max_total_minor",
			[]RulesFor{{Rules: Rules{AgentMaxTotalMinor: n(5)}}}},
		{"more than all", "rules[0].guardrails.max_concession_bp",
			[]RulesFor{{Rules: Rules{Guardrails: Guardrails{MaxConcessionBP: n(10_001)}}}}},
		{"less than the house", "rules[0].cooling_off_days", []RulesFor{{Rules: Rules{CoolingOffDays: n(2)}}}},
		{"an agent who may give up more", "rules[0].guardrails.agent_max_concession_bp",
			[]RulesFor{{Rules: Rules{Guardrails: Guardrails{MaxConcessionBP: n(5), AgentMaxConcessionBP: n(6)}}}}},
		{"an agent who may go on longer", "rules[0].guardrails.agent_max_term_months",
			[]RulesFor{{Rules: Rules{Guardrails: Guardrails{MaxTermMonths: n(5), AgentMaxTermMonths: n(6)}}}}},
		{"an agent with more instalments", "rules[0].agent_max_instalments", []RulesFor{{Rules: Rules{
			AgentMaxInstalments: n(6), Guardrails: Guardrails{MaxInstalments: n(5)}}}}},
		{"never broken", "rules[0].broken_after",
			[]RulesFor{{Rules: Rules{BrokenAfter: n(6), Guardrails: Guardrails{MaxInstalments: n(5)}}}}},
		{"no time to answer", "rules[0].guardrails.min_answer_days",
			[]RulesFor{{Rules: Rules{OfferDays: n(6), Guardrails: Guardrails{MinAnswerDays: n(7)}}}}},
		{"a settlement of nothing", "rules[0].guardrails.max_concession_bp", []RulesFor{{Rules: Rules{
			Kinds: []string{"settlement"}, Guardrails: Guardrails{MaxConcessionBP: n(0)}}}}},
		{"a holiday of nothing", "rules[0].guardrails.max_holiday_periods", []RulesFor{{Rules: Rules{
			Kinds: []string{"payment_holiday"}, Guardrails: Guardrails{MaxHolidayPeriods: n(0)}}}}},
	} {
		got := ""
		if bad := CheckRules(c.rules); bad != nil {
			if got = bad.Place; bad.Code() != "plan_rules.invalid" {
				t.Errorf("%s: the code is %s", c.name, bad.Code())
			}
		}
		if got != c.want {
			t.Errorf("%s: refused at %q, want %q", c.name, got, c.want)
		}
	}
}

// The rules that say most of a case go before the others.
func TestTheRulesOfAProductAndCurrency(t *testing.T) {
	mark := func(v int64) Rules { return Rules{GraceDays: &v} }
	all := []RulesFor{{Rules: mark(0)}, {Currency: "EUR", Rules: mark(1)}, {Product: "card", Rules: mark(2)},
		{Product: "card", Currency: "EUR", Rules: mark(3)}}
	for _, c := range []struct {
		product, currency string
		want              int64
	}{{"card", "EUR", 3}, {"card", "USD", 2}, {"loan", "EUR", 1}, {"loan", "USD", 0}, {"", "", 0}} {
		r, ok := RulesOf(all, c.product, c.currency)
		if !ok || r.Terms().GraceDays != c.want {
			t.Errorf("%s in %s: %v, %t, want %d", c.product, c.currency, r.Terms(), ok, c.want)
		}
	}
	r, ok := RulesOf(all[3:], "loan", "EUR")
	if ok || r.CoolingOff() != 3 || r.Offer() != 14 || r.Terms() != DefaultTerms {
		t.Errorf("a lender without rules for it: %+v, %t", r, ok)
	}
}
