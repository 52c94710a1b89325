package casework

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// A day's promises follow the plans: by day and agent, kept as payments come, broken
// when the grace is over, gone when the plan is.
func TestPromisesOfADay(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take(line("c1"), line("c2"), line("c3"))
	propose := func(plan, c string, by auth.UserID, base uint64, with func(*record.Plan)) {
		t.Helper()
		p := twoParts()
		p.Case = journal.CaseID(c)
		with(p)
		h.must(ProposePlan{ID: plan, Base: base, Plan: p, From: record.Sent{By: by}})
	}
	same := func(*record.Plan) {}
	due := func(day string, agent auth.UserID) string {
		t.Helper()
		out := ""
		q := PromiseQuery{Branch: porto, Due: day, Agent: agent, Limit: 1}
		for {
			page, err := h.svc.Promises(ctx, boss, q)
			ok(t, err)
			for _, item := range page.Items {
				x := object(t, item)
				out += fmt.Sprintf("%v/%v %v %v %v; ", x["plan"], x["n"], x["agent"], x["amount_minor"], x["status"])
			}
			if q.After = page.Next; q.After == "" {
				return out
			}
		}
	}
	propose("p1", "north.c1", "ana", 0, same)
	propose("p2", "north.c2", "rui", 0, same)
	propose("p3", "north.c3", "ana", 0, func(p *record.Plan) { p.State = record.PlanOffered }) // not in force
	for _, c := range []struct {
		day   string
		agent auth.UserID
		want  string
	}{
		{"2026-12-10", "", "p1/1 ana 20000 open; p2/1 rui 20000 open; "},
		{"2026-12-10", "rui", "p2/1 rui 20000 open; "},
		{"2027-01-10", "ana", "p1/2 ana 40000 open; "},
		{"2026-12-11", "", ""},
	} {
		if got := due(c.day, c.agent); got != c.want {
			t.Errorf("due on %s under %q: %s, want %s", c.day, c.agent, got, c.want)
		}
	}
	// The offer is changed to one instalment and accepted; then the person withdraws from it.
	propose("p3", "north.c3", "ana", 1, func(p *record.Plan) {
		p.Request = &record.PlanRequest{PlanAsked: record.PlanAsked{Kind: "ptp_single", StartOn: "2026-12-10"}}
	})
	if got := due("2026-12-10", "ana"); got != "p1/1 ana 20000 open; p3/1 ana 60000 open; " {
		t.Errorf("with the plan that was accepted: %s", got)
	}
	h.must(WithdrawPlan{Plan: "p3", Reason: "asked"})
	if got := due("2026-12-10", "ana"); got != "p1/1 ana 20000 open; " {
		t.Errorf("after a plan was withdrawn: %s", got)
	}
	rep, err := h.svc.ImportPayments(ctx, boss, porto, "text/csv",
		strings.NewReader("payment_ref,case_ref,paid_at,amount_minor,currency,method\np1,c1,2026-11-26,20000,EUR,transfer\n"), ImportOptions{})
	ok(t, err)
	if rep.Rejected > 0 {
		t.Fatalf("%+v", rep.Errors)
	}
	h.now = instant("2026-12-13T12:00:00Z")
	if got := due("2026-12-10", ""); got != "p1/1 ana 20000 kept; p2/1 rui 20000 open; " {
		t.Errorf("within the grace: %s", got)
	}
	h.now = instant("2026-12-14T12:00:00Z")
	if got := due("2026-12-10", ""); got != "p1/1 ana 20000 kept; p2/1 rui 20000 broken; " {
		t.Errorf("after the grace: %s", got)
	}
	if found, err := journal.Check(ctx, h.store, porto, nil, Promises()); err != nil || len(found) > 0 {
		t.Errorf("the view is not what the journal says: %v, %v", found, err)
	}
	ok(t, journal.Rebuild(ctx, h.store, porto, Promises(), nil))
	if got := due("2026-12-10", ""); got != "p1/1 ana 20000 kept; p2/1 rui 20000 broken; " {
		t.Errorf("after a rebuild: %s", got)
	}
	if _, err := h.svc.Promises(ctx, boss, PromiseQuery{Branch: porto, Due: "tomorrow"}); code(err) != "list.due" {
		t.Errorf("a day that is none: %v", err)
	}
	if _, err := h.svc.Promises(ctx, boss, PromiseQuery{Branch: "elsewhere",
		Due: "2026-12-10"}); code(err) != "branch.not_found" {
		t.Errorf("another branch: %v", err)
	}
}
