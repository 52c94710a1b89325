package casework

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/server/repayment"
	"doorstep/sync/seal"
)

// planRules are the rules of all lenders of a test.
type planRules struct {
	rules   []repayment.RulesFor
	version uint64
}

func (r *planRules) PlanRules(context.Context, string) ([]repayment.RulesFor, uint64, error) {
	return r.rules, r.version, nil
}

// twoParts is a plan of the 600 that are due in two instalments: 200 on 10 December, 400 on 10 January.
func twoParts() *record.Plan {
	return &record.Plan{PlanReport: record.PlanReport{Case: "north.c1", State: record.PlanAccepted,
		At: instant(morning), Request: &record.PlanRequest{PlanAsked: record.PlanAsked{Kind: "instalments",
			StartOn: "2026-12-10", Frequency: "monthly", Count: 2, Weights: []int64{1, 2}}}}}
}

// basisOf is what plans are judged by on the morning of the tests.
func basisOf(rules repayment.Rules) planBasis {
	return planBasis{today: "2026-11-25", zone: time.UTC, rules: rules, version: 7,
		limits: PlanLimits{MaxInstalments: 6, MaxDays: 200}}
}

func whole(n int64) *int64 { return &n }

// What a plan says is what its request gives, by what is due under the case, or the plan is refused with the place.
func TestAPlanIsWhatItsRequestGives(t *testing.T) {
	rules := repayment.Rules{Kinds: []string{"instalments", "ptp_single", "settlement", "extension"},
		Guardrails: repayment.Guardrails{MinInstalmentMinor: whole(10_000), MaxTermMonths: whole(12),
			MaxConcessionBP: whole(2000), MinAnswerDays: whole(7)}}
	for _, c := range []struct {
		name string
		want string // code and place
		with func(*record.Plan)
	}{
		{"it does", "", func(*record.Plan) {}},
		{"with what it gives", "", func(p *record.Plan) {
			p.TotalMinor = 60_000
			p.Instalments = []record.Instalment{{DueOn: "2026-12-10", AmountMinor: 20_000},
				{DueOn: "2027-01-10", AmountMinor: 40_000}}
		}},
		{"a cent less", "plan.instalments instalments[1].amount_minor", func(p *record.Plan) {
			p.Instalments = []record.Instalment{{DueOn: "2026-12-10", AmountMinor: 20_000},
				{DueOn: "2027-01-10", AmountMinor: 39_999}}
		}},
		{"a day later", "plan.instalments instalments[0].due_on", func(p *record.Plan) {
			p.Instalments = []record.Instalment{{DueOn: "2026-12-11", AmountMinor: 20_000},
				{DueOn: "2027-01-10", AmountMinor: 40_000}}
		}},
		{"one too few", "plan.instalments instalments", func(p *record.Plan) {
			p.Instalments = []record.Instalment{{DueOn: "2026-12-10", AmountMinor: 60_000}}
		}},
		{"numbered wrongly", "plan.instalments instalments[0].n", func(p *record.Plan) {
			p.Instalments = []record.Instalment{{N: 2, DueOn: "2026-12-10", AmountMinor: 20_000},
				{N: 1, DueOn: "2027-01-10", AmountMinor: 40_000}}
		}},
		{"another total", "plan.total total_minor", func(p *record.Plan) { p.TotalMinor = 59_999 }},
		{"no request", "validation.request request", func(p *record.Plan) { p.Request = nil }},
		{"no kind", "validation.kind request.kind", func(p *record.Plan) { p.Request.Kind = "" }},
		{"a kind nobody knows", "validation.kind request.kind", func(p *record.Plan) { p.Request.Kind = "gift" }},
		{"a kind that the lender does not offer", "plan.kind_not_offered request.kind", func(p *record.Plan) {
			p.Request.Kind = "payment_holiday"
		}},
		{"a member that the kind does not take", "plan.bad_request request.review_on", func(p *record.Plan) {
			p.Request.ReviewOn = "2027-06-01"
		}},
		{"count and amount", "plan.bad_request request.count", func(p *record.Plan) { p.Request.AmountMinor = 5 }},
		{"a member of a newer app", "plan.bad_request request", func(p *record.Plan) {
			p.More, _ = seal.NewJSON([]byte(`{"request":{"rounding":"up"}}`))
		}},
		{"a day that is none", "validation.start_on request.start_on", func(p *record.Plan) {
			p.Request.StartOn = "2026-11-31"
		}},
		{"due before it was agreed", "plan.start_in_past request.start_on", func(p *record.Plan) {
			p.Request.StartOn = "2026-11-24"
		}},
		{"below the minimum", "plan.below_minimum request.count", func(p *record.Plan) {
			p.Request.Weights[1] = 6
		}},
		{"too long", "plan.term_too_long request.count", func(p *record.Plan) { p.Request.StartOn = "2027-11-01" }},
		{"more given up than allowed", "plan.concession_too_large request.concession_minor", func(p *record.Plan) {
			p.Request.Kind, p.Request.ConcessionMinor = "settlement", 12_001
		}},
		{"debts that are not what is due", "plan.debts debts", func(p *record.Plan) {
			p.Debts = []record.DebtBalance{{Debt: "D1", BalanceMinor: 59_999}}
		}},
		{"above what is left", "plan.above_surplus request.count", func(p *record.Plan) {
			p.Affordability = left(39_999)
		}},
		{"just what is left", "", func(p *record.Plan) { p.Affordability = left(40_000) }},
		{"all at once above what is left", "plan.lump_sum_pressure request.kind", func(p *record.Plan) {
			p.Request = &record.PlanRequest{PlanAsked: record.PlanAsked{Kind: "ptp_single", StartOn: "2026-12-10"}}
			p.Affordability = left(59_999)
		}},
		{"new borrowing", "plan.new_borrowing pressure_checks.new_borrowing_suggested", func(p *record.Plan) {
			p.Pressure = &record.Pressure{NewBorrowingSuggested: true}
		}},
		{"too few days to answer", "plan.deadline_too_short pressure_checks.deadline_days", func(p *record.Plan) {
			p.State, p.Pressure = record.PlanOffered, &record.Pressure{DeadlineDays: 6}
		}},
		{"an offer that ends before the days to answer", "plan.deadline pressure_checks.deadline_days",
			func(p *record.Plan) {
				p.State, p.Pressure = record.PlanOffered, &record.Pressure{DeadlineDays: 10}
				p.Offered = &record.PlanStep{Expires: instant("2026-12-01T00:00:00Z")}
			}},
		{"an offer that stands too long", "plan.offer_days offer.expires_at", func(p *record.Plan) {
			p.State, p.Offered = record.PlanOffered, &record.PlanStep{Expires: instant("2026-12-11T00:00:00Z")}
		}},
		{"as long as it may", "", func(p *record.Plan) {
			p.State, p.Offered = record.PlanOffered, &record.PlanStep{Expires: instant("2026-12-10T00:00:00Z")}
		}},
		{"sums that do not add up", "validation.sum affordability.surplus_minor", func(p *record.Plan) {
			a := left(50_000).Plain()
			a.SurplusMinor++
			p.Affordability = record.NewPersonal(a)
		}},
		{"lines out of order", "validation.kind affordability.outgoings[1].kind", func(p *record.Plan) {
			a := left(50_000).Plain()
			a.Outgoings[0], a.Outgoings[1] = a.Outgoings[1], a.Outgoings[0]
			p.Affordability = record.NewPersonal(a)
		}},
		{"sent as approved", "validation.state state", func(p *record.Plan) { p.State = "active" }},
		{"a name among the evidence", "validation.evidence hardship.evidence[0]", func(p *record.Plan) {
			p.Hardship = &record.Hardship{Reason: "006", Evidence: []string{"letter of Dr Silva"}}
		}},
	} {
		p := twoParts()
		c.with(p)
		_, err := decidePropose(aFile(), draftAt(morning, "ana"), "p1", p, nil, basisOf(rules))
		got := ""
		if e, is := refusal.Of(err); is {
			got = e.Code() + " " + e.Place
		} else if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

// left is a statement of what a month leaves.
func left(minor int64) record.Personal[record.Affordability] {
	return record.NewPersonal(record.Affordability{Method: "SFS", AsOf: "2026-11-01", IncomeMinor: minor + 3,
		Income: []record.MonthlyIncome{{Kind: "salary", AmountMinor: minor + 3}}, OutgoingsMinor: 3, SurplusMinor: minor,
		Outgoings: []record.MonthlyOutgoing{{Kind: "gas", AmountMinor: 2}, {Kind: "water", AmountMinor: 1}}})
}

// Nothing of what a plan rests on is believed: balance, day, currency and guardrails are the case's and the lender's.
func TestAPlanRestsOnTheCaseAndTheLender(t *testing.T) {
	f := aFile()
	f.Case.NetOn, f.Case.PaymentCount = "2026-11-01", 3
	p := twoParts()
	p.Request.PlanBasis = record.PlanBasis{Today: "2026-01-01", Currency: "USD", BalanceMinor: 10,
		HolidayRule: "next_working_day", Weekend: []string{"mon"}}
	p.PaymentsBefore, p.Rules, p.Terms = 99, &record.PlanGuardrails{Version: 99}, &record.Terms{GraceDays: 80}
	_, err := decidePropose(f, draftAt(morning, "ana"), "p1", p, nil,
		basisOf(repayment.Rules{GraceDays: whole(5), Guardrails: repayment.Guardrails{MaxTermMonths: whole(24)}}))
	ok(t, err)
	r := p.Request
	if r.Today != "2026-11-25" || r.Currency != "EUR" || r.BalanceMinor != 60_000 || r.HolidayRule != "" ||
		r.Weekend != nil || p.Kind != "instalments" || p.Currency != "EUR" || p.TotalMinor != 60_000 ||
		p.PaymentsBefore != 3 || p.NetOn != "2026-11-01" || p.Rules.Version != 7 || *p.Rules.MaxTermMonths != 24 ||
		p.Terms.GraceDays != 5 || p.Terms.BrokenAfter != 1 {
		t.Errorf("the plan is %+v of %+v by %+v under %+v", p, r, p.Rules, p.Terms)
	}
	if got := fmt.Sprint(p.Instalments); got != "[{1 2026-12-10 20000} {2 2027-01-10 40000}]" {
		t.Errorf("the instalments are %s", got)
	}
	// With the holidays of the country, a day that is closed moves.
	b := basisOf(repayment.Rules{HolidayRule: "next_working_day"})
	b.holidays = []string{"2026-12-10", "2026-12-11"}
	p = twoParts()
	_, err = decidePropose(aFile(), draftAt(morning, "ana"), "p1", p, nil, b)
	ok(t, err)
	if got := fmt.Sprint(p.Instalments); got != "[{1 2026-12-14 20000} {2 2027-01-11 40000}]" {
		t.Errorf("with holidays the instalments are %s", got)
	}
}

// Within the agent's limit an accepted plan goes on; beyond it, it waits, and says for what.
func TestTheAgentsLimit(t *testing.T) {
	none := repayment.Rules{}
	lender := repayment.Rules{AgentMaxInstalments: whole(3), AgentMaxTotalMinor: whole(59_999),
		Guardrails: repayment.Guardrails{AgentMaxConcessionBP: whole(100), AgentMaxTermMonths: whole(2)}}
	weeksFrom := func(day string, n int64) func(*record.Plan) {
		return func(p *record.Plan) {
			p.Request.StartOn, p.Request.Frequency, p.Request.Count, p.Request.Weights = day, "fortnightly", n, nil
		}
	}
	settle := func(minor int64) func(*record.Plan) {
		return func(p *record.Plan) { p.Request.Kind, p.Request.ConcessionMinor = "settlement", minor }
	}
	for _, c := range []struct {
		name  string
		rules repayment.Rules
		want  string
		with  func(*record.Plan)
	}{
		{"at the limit", none, "accepted  []", func(*record.Plan) {}},
		{"offered only", none, "offered  []", func(p *record.Plan) { p.State = record.PlanOffered }},
		{"on the last day", none, "accepted  []", weeksFrom("2027-05-30", 2)},
		{"too far ahead", none, "accepted pending [days]", weeksFrom("2027-05-31", 2)},
		{"more instalments", none, "accepted pending [instalments]", weeksFrom("2026-12-10", 7)},
		{"a cent given up", none, "accepted pending [concession]", settle(1)},
		{"the lender's limit of what is given up", lender, "accepted  []", settle(600)},
		{"above it", lender, "accepted pending [concession]", settle(601)},
		{"above the lender's total", lender, "accepted pending [total]", func(*record.Plan) {}},
		{"within the lender's instalments", lender, "accepted pending [term]", func(p *record.Plan) {
			settle(600)(p)
			p.Request.Count, p.Request.Weights = 3, nil
		}},
		{"offered beyond it", none, "offered pending [instalments]", func(p *record.Plan) {
			p.State = record.PlanOffered
			weeksFrom("2026-12-10", 7)(p)
		}},
		{"what the debtor offers above the surplus", none, "accepted pending [above_surplus]", func(p *record.Plan) {
			p.OfferedBy, p.Affordability = record.SideDebtor, left(100)
		}},
		{"interest above what is due", none, "accepted pending [future_interest]", func(p *record.Plan) {
			p.Request.FutureInterestMinor = 1
		}},
	} {
		p := twoParts()
		c.with(p)
		f := aFile()
		d, err := decidePropose(f, draftAt(morning, "ana"), "p1", p, nil, basisOf(c.rules))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r := d.reply.(PlanReceipt)
		if got := fmt.Sprint(r.State, " ", r.Approval, " ", p.Needs); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if live := f.Case.LivePlan == "p1"; live != (r.State == "accepted" && r.Approval == "") {
			t.Errorf("%s: the plan is in force: %t", c.name, live)
		}
	}
}

// What time and payments make of a plan.
func TestThePlanAsTimePasses(t *testing.T) {
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	ok(t, err)
	paid := func(minor int64) []Filed[record.Payment] {
		if minor == 0 {
			return nil
		}
		return []Filed[record.Payment]{{ID: "north.c1/m1", State: record.Payment{Case: "north.c1", No: 1,
			PaidAt: instant("2026-11-26T08:00:00Z"), AmountMinor: minor}}}
	}
	for _, c := range []struct {
		at   string
		paid int64
		want string
		on   bool // collection is suspended
	}{
		{"2026-11-26T12:00:00Z", 0, record.PlanCoolingOff, true},
		{"2026-11-28T08:59:59Z", 0, record.PlanCoolingOff, true},
		{"2026-11-28T09:00:00Z", 0, record.PlanActive, true},
		{"2026-12-13T23:59:59Z", 0, record.PlanActive, true},
		{"2026-12-14T00:00:00Z", 0, record.PlanBroken, false},
		{"2026-12-14T00:00:00Z", 19_999, record.PlanPartiallyKept, false},
		{"2026-12-14T00:00:00Z", 20_000, record.PlanActive, true},
		{"2027-01-13T23:59:59Z", 20_000, record.PlanActive, true},
		{"2027-01-14T00:00:00Z", 20_000, record.PlanPartiallyKept, false},
		{"2026-12-01T00:00:00Z", 60_000, record.PlanKept, false},
		{"2027-06-01T00:00:00Z", 60_000, record.PlanKept, false},
	} {
		p := twoParts()
		f := aFile()
		_, err := decidePropose(f, draftAt(morning, "ana"), "p1", p, nil, basisOf(repayment.Rules{}))
		ok(t, err)
		p.Standing = standingOf(p, paid(c.paid), lisbon)
		at := instant(c.at)
		day := at.In(lisbon).Format(time.DateOnly)
		if got := p.StateOn(at, day); got != c.want {
			t.Errorf("%s with %d paid: %s, want %s", c.at, c.paid, got, c.want)
		}
		f.Plans = []Filed[record.Plan]{{ID: "p1", State: *p}}
		if got := f.SuspendedBy(at, lisbon) == "p1"; got != c.on {
			t.Errorf("%s with %d paid: collection is suspended: %t", c.at, c.paid, got)
		}
	}
	for _, state := range []string{record.PlanOffered, record.PlanRejected, record.PlanWithdrawn, record.PlanSuperseded} {
		p := twoParts()
		p.State = state
		if p.StateOn(instant("2027-06-01T00:00:00Z"), "2027-06-01") != state || p.Suspends("2026-12-01") {
			t.Errorf("a plan that is %s moves with time", state)
		}
	}
	p := twoParts()
	p.ApprovalState = record.ApprovalPending
	if p.Suspends("2026-12-01") {
		t.Error("a plan that waits for approval suspends collection")
	}
	p = twoParts()
	p.State, p.Offered = record.PlanOffered, &record.PlanStep{Expires: instant("2026-12-10T00:00:00Z")}
	if p.StateOn(instant("2026-12-09T23:59:59Z"), "2026-12-09") != record.PlanOffered ||
		p.StateOn(instant("2026-12-10T00:00:00Z"), "2026-12-10") != record.PlanExpired {
		t.Error("an offer does not end when it says")
	}
}

func TestPaymentsFillInstalmentsInOrder(t *testing.T) {
	p := twoParts()
	_, err := decidePropose(aFile(), draftAt(morning, "ana"), "p1", p, nil, basisOf(repayment.Rules{}))
	ok(t, err)
	for _, c := range []struct {
		day      string
		payments []record.PaidPart
		want     string
	}{
		{"2026-12-01", nil, "open 0 , open 0 "},
		{"2026-12-14", nil, "overdue 0 , open 0 "},
		{"2026-12-01", []record.PaidPart{{Ref: "a", On: "2026-11-30", AmountMinor: 4000}},
			"partly_paid 4000 2026-11-30, open 0 "},
		{"2026-12-20", []record.PaidPart{{Ref: "a", On: "2026-11-30", AmountMinor: 4000}, {Ref: "b", On: "2026-12-02",
			AmountMinor: 18_000}}, "paid 20000 2026-12-02, partly_paid 2000 2026-12-02"},
		{"2027-02-01", []record.PaidPart{{Ref: "a", On: "2026-11-30", AmountMinor: 59_999}},
			"paid 20000 2026-11-30, overdue 39999 2026-11-30"},
		{"2027-02-01", []record.PaidPart{{Ref: "a", On: "2026-11-30", AmountMinor: 70_000}},
			"paid 20000 2026-11-30, paid 40000 2026-11-30"},
	} {
		var got []string
		for _, x := range p.InstalmentsOn(c.day, c.payments) {
			got = append(got, fmt.Sprintf("%s %d %s", x.Status, x.PaidMinor, x.PaidOn))
		}
		if g := strings.Join(got, ", "); g != c.want {
			t.Errorf("%s after %v: %s, want %s", c.day, c.payments, g, c.want)
		}
	}
}

// A plan over its life: pending, approved by somebody else, suspending visits, and
// giving way to another.
func TestAPlanNeedsAnotherPersonsApproval(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1", "amount_due_minor", "900000"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	h.rules = planRules{version: 3, rules: []repayment.RulesFor{{Product: "card", Rules: repayment.Rules{
		GraceDays: whole(5), AgentMaxInstalments: whole(1)}}}}
	plan := members{"case": "north.c1", "request": members{"kind": "instalments", "start_on": "2026-12-10",
		"frequency": "monthly", "count": 2}, "state": "accepted", "total_minor": 900000, "at": "2026-11-25T09:00:00Z",
		"debts": []members{{"debt_id": "D1", "balance_minor": 900000}}, "hardship": members{"reason": "006",
			"evidence": []string{"payslip"}, "review_on": "2027-01-01"},
		"affordability": members{"income": []members{{"kind": "salary", "amount_minor": 500007}},
			"outgoings": []members{{"kind": "gas", "amount_minor": 7}}, "income_minor": 500007, "outgoings_minor": 7,
			"surplus_minor": 500000, "method": "SFS"}, "pressure_checks": members{"deadline_days": 3},
		"copy": members{"via": "paper",
			"at": "2026-11-25T09:10:00Z", "sha256": "aa"},
		"offer": members{"at": "2026-11-25T08:50:00Z", "channel": "visit",
			"expires_at": "2026-12-01T00:00:00Z"}, "acceptance": members{"at": "2026-11-25T09:00:00Z", "consent": "k1",
			"method": "on_screen_signature"},
		"instalments": []members{{"due_on": "2026-12-10", "amount_minor": 450000},
			{"due_on": "2027-01-10", "amount_minor": 450000}}}
	h.want("beyond the limit", ana.put("plans", "p1", plan), "applied")
	got := h.child("north.c1", "plans", "p1")
	for name := range plan {
		if _, there := got[name]; !there {
			t.Errorf("%s is lost", name)
		}
	}
	if got["approval_state"] != "pending" || got["balance_minor"] != 900000.0 || got["state_now"] != "accepted" ||
		fmt.Sprint(dig(got, "affordability.surplus_minor")) != "500000" {
		t.Errorf("the plan is %v", got)
	}
	var stored record.Plan
	if body := string(h.stored("plans", "p1", &stored).Body); strings.Contains(body, "surplus") {
		t.Error("what a person can afford stands in the clear")
	}
	if r := h.issue("r2", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c1"); r.Issued != 1 {
		t.Errorf("a plan that waits suspends visits: %+v", r)
	}
	mine := auth.Actor{User: "ana", Role: auth.RoleSupervisor, Branches: []auth.BranchID{porto}}
	_, err := h.svc.One(t.Context(), mine, porto, Request{ID: "x1", Cmd: DecidePlan{Plan: "p1", Approve: true}})
	if code(err) != "plan.own" {
		t.Errorf("approving one's own plan: %v", err)
	}
	if _, err := h.do(DecidePlan{Plan: "p1"}); code(err) != "plan.reason" {
		t.Errorf("rejecting without a reason: %v", err)
	}
	h.must(DecidePlan{Plan: "p1", Approve: true})
	if _, err := h.do(DecidePlan{Plan: "p1", Reason: "no"}); code(err) != "plan.not_pending" {
		t.Errorf("rejecting what is approved: %v", err)
	}
	r := h.issue("r3", "t1", "2026-11-27", []auth.UserID{"ana"}, "north.c1")
	if r.Issued != 0 || len(r.Refused) != 1 || r.Refused[0].Reason != "PLAN_PERFORMING" ||
		r.Refused[0].Rule != "house-plan" {
		t.Errorf("a plan that is kept: %+v, want the stop refused by house-plan", r)
	}
	policy, err := conduct.Default()
	ok(t, err)
	windows := func(day string) string {
		var out string
		ok(t, h.svc.PlanningFiles(t.Context(), porto, PlanningDay{Policy: policy, Date: day}, func(f *PlanningFile) error {
			ws, hits, err := WindowsOf(t.Context(), policy, f, day, VisitPlan{Agents: 2})
			if out = fmt.Sprint(len(ws)); len(hits) > 0 {
				out += " " + hits[0].Rule
			}
			return err
		}))
		return out
	}
	if w := windows("2026-12-15"); w != "0 house-plan" {
		t.Errorf("within the grace: %s windows", w)
	}
	if w := windows("2026-12-16"); w != "1" {
		t.Errorf("after the breach: %s windows, want visits resumed", w)
	}
	// The lender's payment keeps it.
	h.must(RecordPayment{Case: "north.c1", Ref: "pay1", PaidAt: instant("2026-11-25T12:00:00Z"), AmountMinor: 450_000,
		Currency: "EUR"})
	if w := windows("2026-12-16"); w != "0 house-plan" {
		t.Errorf("after the payment: %s windows", w)
	}
	if got := h.child("north.c1", "plans", "p1")["instalments_now"]; !strings.Contains(fmt.Sprint(got),
		"ref:pay1 status:paid") {
		t.Errorf("the instalments are %v", got)
	}
	// Another plan takes its place.
	h.want("another", ana.put("plans", "p2", members{"case": "north.c1", "request": promiseOn("2026-12-01"),
		"state": "accepted", "at": "2026-11-25T10:00:00Z"}), "applied")
	if a, b := h.child("north.c1", "plans", "p1")["state"], h.child("north.c1", "plans",
		"p2")["state"]; a != "renegotiated" || b != "accepted" {
		t.Errorf("the plans are %v and %v", a, b)
	}
	// What a visit agrees on does not make that visit unlawful.
	h.want("the visit it was agreed at", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome",
		"MET_PLAN_SIGNED")), "applied")
	if got := h.flags("v1"); got != "" {
		t.Errorf("flagged %q", got)
	}
}
