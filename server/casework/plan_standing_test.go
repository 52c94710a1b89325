package casework

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/server/repayment"
)

// day counts days from the morning of the tests.
func dayOn(n int) string { return dayAfter("2026-11-25", n) }

// modelled is what a plan became by the evening of a day, day by day and without the arithmetic of repayment.
func modelled(p *record.Plan, counted func(day string) int64, day string) string {
	broken := ""
	for d := p.Request.Today; d <= day; d = dayAfter(d, 1) {
		paid := counted(d)
		var due, sum int64
		missed, over := 0, 0
		for _, in := range p.Instalments {
			sum += in.AmountMinor
			if dayAfter(in.DueOn, int(p.Terms.GraceDays)) < d {
				due += in.AmountMinor
				over++
				if paid < sum {
					missed++
				}
			}
		}
		if broken == "" && (missed >= int(p.Terms.BrokenAfter) || missed > 0 && over == len(p.Instalments)) {
			broken = record.PlanBroken
			if paid > 0 && paid*10_000 >= p.Terms.PartlyFromBP*due {
				broken = record.PlanPartiallyKept
			}
		}
	}
	switch {
	case broken != "":
		return broken
	case counted(day) >= p.TotalMinor:
		return record.PlanKept
	}
	return record.PlanActive
}

// TestThePlanFollowsItsPayments plays payments, reversals in whole and in part, late and early, and compares what is
// stored with the plan after each of them with a plain model of it, on every day.
func TestThePlanFollowsItsPayments(t *testing.T) {
	type entry struct {
		ref, day string
		amount   int64
		back     []struct {
			day    string
			amount int64
		}
	}
	states := map[string]int{}
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 7))
		f := aFile()
		f.Case.NetOn = []string{"", "2026-11-20"}[r.IntN(2)]
		d := draftAt(morning, "ana")
		pay := func(n int, day, reverses string, amount int64) {
			t.Helper()
			d = draftAt(morning, "ana")
			c := RecordPayment{Case: f.Case.ID, Ref: fmt.Sprint("m", n), PaidAt: instant(day + "T12:00:00Z"),
				AmountMinor: amount, Currency: "EUR", Reverses: reverses}
			d.At = instant("2027-12-01T00:00:00Z")
			find := func(ref string) *record.Payment {
				for _, x := range f.Payments {
					if ref != "" && paymentRef(x.ID, &x.State) == ref {
						return &x.State
					}
				}
				return nil
			}
			var original *record.Payment
			if o := find(reverses); o != nil {
				copied := *o
				original = &copied
			}
			_, err := decidePayment(f, d, c, nil, original, nil, day)
			ok(t, err)
			followPlan(f, d, time.UTC)
		}
		// What came before the plan, and what the lender's amount contained already, does not count.
		if r.IntN(2) == 0 {
			pay(100, dayOn(-3), "", 1000)
		}
		p := twoParts()
		if r.IntN(2) == 0 {
			p.Request.Count, p.Request.Weights, p.Request.Frequency = 1+r.Int64N(5)+1, nil, "weekly"
		}
		p.Request.StartOn = dayOn(r.IntN(6))
		rules := repayment.Rules{GraceDays: whole(r.Int64N(4)), BrokenAfter: whole(1 + r.Int64N(2)),
			PartlyFromBP: whole(5000 * r.Int64N(3))}
		_, err := decidePropose(f, draftAt(morning, "ana"), "p1", p, nil, basisOf(rules))
		ok(t, err)
		f.Plans = []Filed[record.Plan]{{ID: "p1", State: *p}}
		if r.IntN(3) == 0 {
			pay(101, dayOn(-10), "", 2000) // in the lender's amount where that is of the 20th
		}
		var all []entry
		if f.Case.NetOn == "" && f.Case.PaymentCount > f.Plans[0].State.PaymentsBefore {
			all = append(all, entry{ref: "m101", day: dayOn(0), amount: 2000})
		}
		for n := range 1 + r.IntN(8) {
			stored := func() *record.Plan { return &f.Plans[0].State }
			if n > 0 && len(all) > 0 && r.IntN(3) == 0 {
				e := &all[r.IntN(len(all))]
				left := e.amount
				for _, b := range e.back {
					left -= b.amount
				}
				if left > 0 && e.ref != "m101" {
					amount, day := 1+r.Int64N(left), max(e.day, dayOn(r.IntN(60)))
					if r.IntN(2) == 0 {
						amount = left
					}
					pay(n, day, e.ref, amount)
					e.back = append(e.back, struct {
						day    string
						amount int64
					}{day, amount})
				}
			} else {
				amount := []int64{1, 9_999, 10_000, 20_000, 30_000, 60_000}[r.IntN(6)]
				e := entry{ref: fmt.Sprint("m", n), day: dayOn(r.IntN(60)), amount: amount}
				pay(n, e.day, "", amount)
				all = append(all, e)
			}
			counted := func(day string) (sum int64) {
				for _, e := range all {
					if e.day <= day {
						sum += e.amount
						for _, b := range e.back {
							if b.day <= day {
								sum -= b.amount
							}
						}
					}
				}
				return sum
			}
			var got, want []string
			for i := range 70 {
				day := dayOn(i)
				at := instant(day + "T23:00:00Z")
				now := *stored()
				now.CoolingOff = time.Time{}
				state, model := now.StateOn(at, day), modelled(&now, counted, day)
				// That a plan was kept for a while before money went back is known of the course alone.
				if model == record.PlanKept && state == record.PlanActive && day < max(now.Standing.KeptOn, now.Standing.BreaksOn) {
					model = state
				}
				states[model]++
				got, want = append(got, state), append(want, model)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d after %d: stored %+v of %+v under %+v\n%s\nwant\n%s\npaid %+v", seed, n, stored().Standing,
					stored().Instalments, stored().Terms, runs(got), runs(want), all)
			}
		}
	}
	for _, state := range []string{record.PlanActive, record.PlanKept, record.PlanBroken, record.PlanPartiallyKept} {
		if states[state] < 200 {
			t.Errorf("the plans were %s on %d days only", state, states[state])
		}
	}
}

// runs writes equal states once, with the first day of each.
func runs(states []string) string {
	var out []string
	for i, s := range states {
		if i == 0 || states[i-1] != s {
			out = append(out, dayOn(i)+" "+s)
		}
	}
	return strings.Join(out, ", ")
}

// Proposals of two sides stand side by side; the one that is accepted takes the place of the others, and a plan in
// force is renegotiated. What is broken stays broken, stands in the inbox once and on its day, and lets visits resume.
func TestProposalsStandSideBySide(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	propose := func(id, side, state, start string) {
		t.Helper()
		p := twoParts()
		p.State, p.OfferedBy, p.At, p.Request.StartOn = state, side, h.now, start
		h.must(ProposePlan{ID: id, Plan: p, From: record.Sent{By: "ana", Received: h.now}})
	}
	states := func() string {
		t.Helper()
		items, err := h.svc.CasePlans(t.Context(), boss, porto, "north.c1")
		ok(t, err)
		var out []string
		for _, item := range items {
			p := object(t, item)
			s := fmt.Sprint(p["id"], " ", p["state_now"])
			if by := p["replaced_by"]; by != nil {
				s += fmt.Sprint(" by ", by)
			}
			out = append(out, s)
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	propose("p1", record.SideAgent, record.PlanOffered, "2026-12-10")
	propose("p2", record.SideDebtor, record.PlanOffered, "2026-12-15")
	check("two offers", states(), "p1 offered, p2 offered")
	if _, err := h.do(AcceptPlan{Plan: "p2", Consent: "k9"}); code(err) != "plan.consent" {
		t.Errorf("with a consent that is not: %v", err)
	}
	if _, err := h.do(AcceptPlan{Plan: "p2", At: h.now.Add(time.Hour)}); code(err) != "validation.at" {
		t.Errorf("accepted tomorrow: %v", err)
	}
	h.must(AcceptPlan{Plan: "p2", Channel: "call"})
	h.must(AcceptPlan{Plan: "p2", Channel: "call"}) // the same again
	check("one is accepted", states(), "p1 superseded by p2, p2 cooling_off")
	if _, err := h.do(AcceptPlan{Plan: "p1"}); code(err) != "plan.decided" {
		t.Errorf("accepting what was superseded: %v", err)
	}
	h.now = instant("2026-11-29T09:00:00Z")
	if _, err := h.do(WithdrawPlan{Plan: "p2"}); code(err) != "plan.cooling_off" {
		t.Errorf("withdrawing after the cooling-off: %v", err)
	}
	propose("p3", record.SideAgent, record.PlanAccepted, "2026-12-01")
	check("another in its place", states(), "p1 superseded by p2, p2 renegotiated by p3, p3 cooling_off")
	propose("p4", record.SideAgent, record.PlanOffered, "2027-01-10")
	h.now = instant("2026-12-04T23:59:59Z")
	check("the last second of the grace", fmt.Sprint(strings.Contains(h.inboxNow(), "broken_promises")), "false")
	h.now = instant("2026-12-05T00:00:00Z")
	check("the day after", states(), "p1 superseded by p2, p2 renegotiated by p3, p3 broken, p4 offered")
	check("in the inbox", fmt.Sprint(strings.Count(h.inboxNow(), "p3 ana 12-05T00:00")), "1")
	h.now = instant("2026-12-06T09:00:00Z")
	h.must(RecordPayment{Case: "north.c1", Ref: "late", PaidAt: h.now, AmountMinor: 20_000, Currency: "EUR"})
	check("paid too late", fmt.Sprint(strings.Count(h.inboxNow(), "p3 ana 12-05T00:00")), "1")
	h.must(RecordPayment{Case: "north.c1", Ref: "bank", PaidAt: instant("2026-12-03T09:00:00Z"), AmountMinor: 20_000,
		Currency: "EUR"})
	check("paid in time, and known late", states(), "p1 superseded by p2, p2 renegotiated by p3, p3 active, p4 offered")
	h.must(RecordPayment{Case: "north.c1", Ref: "back", PaidAt: h.now, AmountMinor: 20_000, Currency: "EUR",
		Reverses: "bank"})
	h.must(RecordPayment{Case: "north.c1", Ref: "back2", PaidAt: h.now, AmountMinor: 20_000, Currency: "EUR",
		Reverses: "late"})
	check("and taken back", states(), "p1 superseded by p2, p2 renegotiated by p3, p3 broken, p4 offered")
	h.now = instant("2026-12-20T09:00:00Z")
	check("an offer ends", states(), "p1 superseded by p2, p2 renegotiated by p3, p3 broken, p4 expired")
	if _, err := h.do(AcceptPlan{Plan: "p4"}); code(err) != "plan.expired" {
		t.Errorf("accepting what has ended: %v", err)
	}
	propose("p5", record.SideAgent, record.PlanAccepted, "2027-01-10")
	check("a plan after the breach", states(), "p1 superseded by p2, p2 renegotiated by p3, p3 broken by p5, "+
		"p4 superseded by p5, p5 cooling_off")
	check("out of the inbox", fmt.Sprint(strings.Contains(h.inboxNow(), "broken_promises")), "false")
	if _, err := h.do(CancelPlan{Plan: "p5", For: "whim"}); code(err) != "plan.cancelled_for" {
		t.Errorf("cancelled for no reason of the list: %v", err)
	}
	h.must(CancelPlan{Plan: "p5", For: "circumstances_changed"})
	if k := h.openCase("north.c1"); k.LivePlan != "" {
		t.Errorf("the case has the plan %s in force", k.LivePlan)
	}
	if _, err := h.do(WithdrawPlan{Plan: "p5"}); code(err) != "plan.decided" {
		t.Errorf("withdrawing what was cancelled: %v", err)
	}
}

// A settlement that was kept settles the case, and opens it again when the money goes back.
func TestAKeptSettlementSettlesTheCase(t *testing.T) {
	h := newFixture(t)
	h.rules = planRules{version: 1, rules: []repayment.RulesFor{{Rules: repayment.Rules{
		Guardrails: repayment.Guardrails{AgentMaxConcessionBP: whole(5000)}}}}}
	h.take(line("c1"))
	p := twoParts()
	p.Request = &record.PlanRequest{PlanAsked: record.PlanAsked{Kind: "settlement", StartOn: "2026-12-10",
		Frequency: "monthly", Count: 1, ConcessionMinor: 20_000}}
	h.must(ProposePlan{ID: "p1", Plan: p})
	h.must(RecordPayment{Case: "north.c1", Ref: "m1", PaidAt: h.now, AmountMinor: 39_999, Currency: "EUR"})
	if k := h.openCase("north.c1"); k.Status != record.StatusOpen {
		t.Errorf("a cent too little: the case is %s", k.Status)
	}
	h.must(RecordPayment{Case: "north.c1", Ref: "m2", PaidAt: h.now, AmountMinor: 1, Currency: "EUR"})
	if k := h.openCase("north.c1"); k.Status != record.StatusClosed || k.Closed.Reason != "settled" {
		t.Errorf("the settlement was paid: the case is %s for %+v", k.Status, k.Closed)
	}
	h.must(RecordPayment{Case: "north.c1", Ref: "m3", PaidAt: h.now, AmountMinor: 1, Currency: "EUR", Reverses: "m2"})
	if k := h.openCase("north.c1"); k.Status != record.StatusOpen {
		t.Errorf("a cent went back: the case is %s", k.Status)
	}
}

// The debtor has the days of the cooling-off from when the server knows of the plan, if it is reported late.
func TestALateReportTakesNoCoolingOffAway(t *testing.T) {
	for at, until := range map[string]string{
		"2026-11-25T10:00:00Z": "2026-11-28T10:00:00Z", // an hour before it came
		"2026-11-23T10:00:00Z": "2026-11-28T11:00:00Z",
		"2026-11-10T10:00:00Z": "2026-11-28T11:00:00Z",
		"2001-01-01T10:00:00Z": "2026-11-28T11:00:00Z",
	} {
		h := newFixture(t)
		h.take(line("c1"))
		h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
		h.now = instant("2026-11-25T11:00:00Z")
		h.want("a plan of "+at, h.phone("ana", "d1").pushAt(write("plans", "p1", "put", 0, members{"case": "north.c1",
			"request": promiseOn("2026-12-10"), "state": "accepted", "at": at}))[0], "applied")
		var p record.Plan
		h.stored("plans", "p1", &p)
		if !p.CoolingOff.Equal(instant(until)) {
			t.Errorf("a plan of %s cools off until %v, want %s", at, p.CoolingOff, until)
		}
	}
}
