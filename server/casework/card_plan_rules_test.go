package casework

import (
	"encoding/json"
	"fmt"
	"testing"

	"doorstep/auth"
	"doorstep/server/repayment"
)

// What the card says is what the server judges by: the plan that a phone computes from its card is the plan that the
// server computes, and what the card limits is what waits for approval.
func TestTheCardHasWhatPlansAreJudgedBy(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2", "product_type", "loan"))
	h.rules = planRules{version: 4, rules: []repayment.RulesFor{{Product: "card", Currency: "EUR", Rules: repayment.Rules{
		Kinds: []string{"instalments"}, HolidayRule: nextWorkingDay, Weekend: []string{"sat", "sun"}, GraceDays: whole(5),
		AgentMaxInstalments: whole(3), NextStep: "legal",
		Guardrails: repayment.Guardrails{MaxTermMonths: whole(24), MinInstalmentMinor: whole(1000)}}}}}
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2")
	ana := h.phone("ana", "d1")
	ana.pull()
	card := func(id string) (c CardPlanRules, text string) {
		t.Helper()
		raw, err := json.Marshal(ana.docs["cases"][id]["plan_rules"])
		ok(t, err)
		ok(t, json.Unmarshal(raw, &c))
		return c, string(raw)
	}
	got, text := card("north.c1")
	if got.Version != 4 || fmt.Sprint(got.Kinds) != "[instalments]" || got.AgentMaxInstalments != 3 ||
		got.GraceDays != 5 || got.AgentMaxDays != 200 || got.CoolingOffDays != 3 || got.OfferDays != 14 ||
		got.BrokenAfter != 1 || *got.Guardrails.MaxTermMonths != 24 || *got.Guardrails.AgentMaxConcessionBP != 0 {
		t.Errorf("the card has %s", text)
	}
	// What follows a broken plan is the lender's own affair.
	if other, text := card("north.c2"); other.Version != 0 || other.AgentMaxInstalments != 6 || len(other.Holidays) > 0 {
		t.Errorf("a case without rules has %s", text)
	}
	for n := int64(2); n <= 5; n++ {
		asked := members{"kind": "instalments", "start_on": "2026-12-12", "frequency": "weekly", "count": n}
		ask := members{"today": "2026-11-25", "currency": "EUR", "balance_minor": 60_000, "offered_by": "agent",
			"holiday_rule": got.HolidayRule, "weekend": got.Weekend, "guardrails": got.Guardrails}
		for name, v := range asked {
			ask[name] = v
		}
		question, err := json.Marshal(ask)
		ok(t, err)
		request, bad := repayment.Read(question)
		if bad != nil {
			t.Fatalf("the phone's question is refused: %v", bad)
		}
		plan, bad := request.Plan()
		if bad != nil {
			t.Fatalf("the phone has no plan: %v", bad)
		}
		id := fmt.Sprint("p", n)
		h.want("the plan", ana.put("plans", id, members{"case": "north.c1", "request": asked, "state": "accepted",
			"at": "2026-11-25T09:00:00Z"}), "applied")
		var instalments []members
		for _, in := range plan.Instalments {
			instalments = append(instalments, members{"n": in.N, "due_on": in.DueOn.String(), "amount_minor": in.AmountMinor})
		}
		stored := h.child("north.c1", "plans", id)
		want, err := json.Marshal(instalments)
		ok(t, err)
		var kept []struct {
			N      int64  `json:"n"`
			DueOn  string `json:"due_on"`
			Amount int64  `json:"amount_minor"`
		}
		raw, err := json.Marshal(stored["instalments"])
		ok(t, err)
		ok(t, json.Unmarshal(raw, &kept))
		var expect = kept[:0:0]
		ok(t, json.Unmarshal(want, &expect))
		if fmt.Sprint(kept) != fmt.Sprint(expect) || kept[0].DueOn != "2026-12-14" {
			t.Errorf("%d instalments: the server has %v, the phone %v", n, kept, expect)
		}
		if waits := stored["approval_state"] == "pending"; waits != (n > got.AgentMaxInstalments) {
			t.Errorf("%d instalments, of %d that the card allows: waits is %t", n, got.AgentMaxInstalments, waits)
		}
	}
	b := basisOf(repayment.Rules{})
	b.holidays = []string{"2026-11-24", "2026-11-25", "2026-12-08"}
	if days := fmt.Sprint(b.card("2026-11-25").Holidays); days != "[2026-11-25 2026-12-08]" {
		t.Errorf("the card has the holidays %s", days)
	}
}
