package casework

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/conduct"
	"doorstep/server/record"
)

// twoParts is a plan of 300 in two instalments.
func twoParts() *record.Plan {
	return &record.Plan{PlanFound: record.PlanFound{BalanceMinor: 60_000}, PlanReport: record.PlanReport{Case: "north.c1",
		Kind: "instalments", Currency: "EUR", TotalMinor: 30_000, State: record.PlanAccepted, At: instant(morning),
		Instalments: []record.Instalment{{N: 1, DueOn: "2026-12-10", AmountMinor: 10_000}, {N: 2, DueOn: "2027-01-10",
			AmountMinor: 20_000}}}}
}

func TestAPlanMustAddUp(t *testing.T) {
	for _, c := range []struct {
		name string
		code string
		with func(*record.Plan)
	}{
		{"it does", "", func(*record.Plan) {}},
		{"a cent is missing", "validation.sum", func(p *record.Plan) { p.Instalments[1].AmountMinor-- }},
		{"a cent too much", "validation.sum", func(p *record.Plan) { p.Instalments[0].AmountMinor++ }},
		{"more than is owed", "validation.total_minor", func(p *record.Plan) {
			p.TotalMinor,
				p.Instalments[0].AmountMinor = 60_001, 40_001
		}},
		{"nothing", "validation.total_minor", func(p *record.Plan) { p.TotalMinor = 0 }},
		{"sums that overflow", "validation.total_minor", func(p *record.Plan) { p.TotalMinor = 1 << 62 }},
		{"an instalment of nothing", "validation.amount_minor", func(p *record.Plan) { p.Instalments[0].AmountMinor = 0 }},
		{"no instalments", "validation.instalments", func(p *record.Plan) { p.Instalments = nil }},
		{"numbered wrongly", "validation.instalments", func(p *record.Plan) { p.Instalments[1].N = 3 }},
		{"two on one day", "validation.due_on", func(p *record.Plan) { p.Instalments[1].DueOn = "2026-12-10" }},
		{"due before it was agreed", "validation.due_on", func(p *record.Plan) { p.Instalments[0].DueOn = "2026-11-24" }},
		{"a day that is none", "validation.due_on", func(p *record.Plan) { p.Instalments[0].DueOn = "2026-11-31" }},
		{"another currency", "validation.currency", func(p *record.Plan) { p.Currency = "USD" }},
		{"a kind nobody knows", "validation.kind", func(p *record.Plan) { p.Kind = "gift" }},
		{"one promise in two parts", "validation.instalments", func(p *record.Plan) { p.Kind = "ptp_single" }},
		{"sent as approved", "validation.state", func(p *record.Plan) { p.State = "active" }},
		{"a name among the evidence", "validation.evidence", func(p *record.Plan) {
			p.Hardship = &record.Hardship{Reason: "006", Evidence: []string{"letter of Dr Silva"}}
		}},
	} {
		p := twoParts()
		c.with(p)
		_, err := decidePropose(aFile(), draftAt(morning, "ana"), "p1", p, nil, PlanLimits{}, "2026-11-25")
		if code(err) != c.code {
			t.Errorf("%s: %v, want %q", c.name, err, c.code)
		}
	}
}

// Within the agent's limit an accepted plan goes on; beyond it, it waits.
func TestTheAgentsLimit(t *testing.T) {
	limits := PlanLimits{MaxInstalments: 2, MaxDays: 60, MaxTotalMinor: map[string]int64{"EUR": 30_000},
		MaxConcessionMinor: map[string]int64{"EUR": 1000}}
	for _, c := range []struct {
		name string
		want string
		with func(*record.Plan)
	}{
		{"at the limit", "accepted ", func(*record.Plan) {}},
		{"offered only", "offered ", func(p *record.Plan) { p.State = record.PlanOffered }},
		{"a cent above", "accepted pending", func(p *record.Plan) {
			p.TotalMinor, p.Instalments[1].AmountMinor = 30_001,
				20_001
		}},
		{"an instalment more", "accepted pending", func(p *record.Plan) {
			p.Instalments = append(p.Instalments[:1], record.Instalment{DueOn: "2026-12-20", AmountMinor: 10_000},
				record.Instalment{DueOn: "2027-01-10", AmountMinor: 10_000})
		}},
		{"too far ahead", "accepted pending", func(p *record.Plan) { p.Instalments[1].DueOn = "2027-01-25" }},
		{"on the last day", "accepted ", func(p *record.Plan) { p.Instalments[1].DueOn = "2027-01-24" }},
		{"a concession within", "accepted ", func(p *record.Plan) {
			p.Concession = &record.Concession{Type: "fees",
				AmountMinor: 1000}
		}},
		{"a concession beyond", "accepted pending", func(p *record.Plan) {
			p.Concession = &record.Concession{Type: "fees",
				AmountMinor: 1001}
		}},
		{"a settlement gives up the rest", "accepted pending", func(p *record.Plan) { p.Kind = "settlement" }},
	} {
		p := twoParts()
		c.with(p)
		f := aFile()
		d, err := decidePropose(f, draftAt(morning, "ana"), "p1", p, nil, limits, "2026-11-25")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r := d.reply.(PlanReceipt)
		if got := r.State + " " + r.Approval; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if live := f.Case.LivePlan == "p1"; live != (c.want == "accepted ") {
			t.Errorf("%s: the plan is in force: %t", c.name, live)
		}
	}
}

// What time and payments make of a plan.
func TestThePlanAsTimePasses(t *testing.T) {
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	ok(t, err)
	for _, c := range []struct {
		at   string
		paid int64
		want string
		on   bool // visits are suspended
	}{
		{"2026-11-26T12:00:00Z", 0, record.PlanCoolingOff, true},
		{"2026-11-28T08:59:59Z", 0, record.PlanCoolingOff, true},
		{"2026-11-28T09:00:00Z", 0, record.PlanActive, true},
		{"2026-12-13T23:59:59Z", 0, record.PlanActive, true},
		{"2026-12-14T00:00:00Z", 0, record.PlanBroken, false},
		{"2026-12-14T00:00:00Z", 9_999, record.PlanBroken, false},
		{"2026-12-14T00:00:00Z", 10_000, record.PlanActive, true},
		{"2027-01-13T23:59:59Z", 10_000, record.PlanActive, true},
		{"2027-01-14T00:00:00Z", 10_000, record.PlanPartiallyKept, false},
		{"2027-01-14T00:00:00Z", 0, record.PlanBroken, false},
		{"2026-12-01T00:00:00Z", 30_000, record.PlanKept, false},
		{"2027-06-01T00:00:00Z", 30_000, record.PlanKept, false},
	} {
		p := twoParts()
		p.CoolingOff = instant("2026-11-28T09:00:00Z")
		at := instant(c.at)
		if got := p.StateAt(at, lisbon, c.paid); got != c.want {
			t.Errorf("%s with %d paid: %s, want %s", c.at, c.paid, got, c.want)
		}
		if got := p.Performing(at.In(lisbon).Format(time.DateOnly), c.paid); got != c.on {
			t.Errorf("%s with %d paid: visits are suspended: %t", c.at, c.paid, got)
		}
	}
	for _, state := range []string{record.PlanOffered, record.PlanRejected, record.PlanWithdrawn, record.PlanSuperseded} {
		p := twoParts()
		p.State = state
		if p.StateAt(instant("2027-06-01T00:00:00Z"), lisbon, 0) != state || p.Performing("2026-12-01", 0) {
			t.Errorf("a plan that is %s moves with time", state)
		}
	}
	p := twoParts()
	p.ApprovalState = record.ApprovalPending
	if p.Performing("2026-12-01", 0) {
		t.Error("a plan that waits for approval suspends visits")
	}
}

func TestPaymentsFillInstalmentsInOrder(t *testing.T) {
	p := twoParts()
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
			AmountMinor: 8000}}, "paid 10000 2026-12-02, partly_paid 2000 2026-12-02"},
		{"2027-02-01", []record.PaidPart{{Ref: "a", On: "2026-11-30", AmountMinor: 29_999}},
			"paid 10000 2026-11-30, overdue 19999 2026-11-30"},
		{"2027-02-01", []record.PaidPart{{Ref: "a", On: "2026-11-30", AmountMinor: 50_000}},
			"paid 10000 2026-11-30, paid 20000 2026-11-30"},
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
	plan := members{"case": "north.c1", "kind": "instalments", "state": "accepted", "currency": "EUR",
		"total_minor": 600000, "at": "2026-11-25T09:00:00Z",
		"debts": []members{{"debt_id": "D1", "balance_minor": 900000}}, "hardship": members{"reason": "006",
			"evidence": []string{"payslip"}, "review_on": "2027-01-01"},
		"affordability": members{"income": []int{100}, "surplus": 7,
			"method": "SFS"}, "pressure_checks": members{"single_payment": true, "deadline_days": 3},
		"default_terms": members{"grace_days": 5, "broken_after": 2, "next_step": "call"}, "copy": members{"via": "paper",
			"at": "2026-11-25T09:10:00Z", "sha256": "aa"},
		"offer": members{"at": "2026-11-25T08:50:00Z", "channel": "visit",
			"expires_at": "2026-12-01T00:00:00Z"}, "acceptance": members{"at": "2026-11-25T09:00:00Z", "consent": "k1",
			"method": "on_screen_signature"},
		"instalments": []members{{"due_on": "2026-12-10", "amount_minor": 300000},
			{"due_on": "2027-01-10", "amount_minor": 300000}}}
	h.want("beyond the limit", ana.put("plans", "p1", plan), "applied")
	got := h.child("north.c1", "plans", "p1")
	for name := range plan {
		if _, there := got[name]; !there {
			t.Errorf("%s is lost", name)
		}
	}
	if got["approval_state"] != "pending" || got["balance_minor"] != 900000.0 || got["state_now"] != "accepted" ||
		fmt.Sprint(dig(got, "affordability.surplus")) != "7" {
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
	h.must(RecordPayment{Case: "north.c1", Ref: "pay1", PaidAt: instant("2026-11-25T12:00:00Z"), AmountMinor: 300_000,
		Currency: "EUR"})
	if w := windows("2026-12-16"); w != "0 house-plan" {
		t.Errorf("after the payment: %s windows", w)
	}
	if got := h.child("north.c1", "plans", "p1")["instalments_now"]; !strings.Contains(fmt.Sprint(got),
		"ref:pay1 status:paid") {
		t.Errorf("the instalments are %v", got)
	}
	// Another plan takes its place.
	h.want("another", ana.put("plans", "p2", members{"case": "north.c1", "kind": "ptp_single", "state": "accepted",
		"currency": "EUR", "total_minor": 400000, "at": "2026-11-25T10:00:00Z",
		"instalments": []members{{"due_on": "2026-12-01", "amount_minor": 400000}}}), "applied")
	if a, b := h.child("north.c1", "plans", "p1")["state"], h.child("north.c1", "plans",
		"p2")["state"]; a != "superseded" || b != "accepted" {
		t.Errorf("the plans are %v and %v", a, b)
	}
	// What a visit agrees on does not make that visit unlawful.
	h.want("the visit it was agreed at", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome",
		"MET_PLAN_SIGNED")), "applied")
	if got := h.flags("v1"); got != "" {
		t.Errorf("flagged %q", got)
	}
}
