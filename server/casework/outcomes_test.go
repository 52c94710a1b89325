package casework

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// inBoth are the contracts of north, with porto and braga.
var inBoth = contracted{"north": {porto, braga}, "south": {porto}}

// outcomes reads what became of north's cases since a cursor, as "kind id rev outcome-or-state".
func (h *fixture) outcomes(who auth.Actor, since string, limit int) ([]string, OutcomePage, error) {
	h.t.Helper()
	page, err := h.svc.Outcomes(h.t.Context(), who, OutcomeQuery{Lender: "north", Since: since, Limit: limit,
		Epoch: func(context.Context, auth.BranchID) (string, error) { return "e1", nil }})
	var out []string
	for _, x := range page.Items {
		out = append(out, strings.TrimSpace(fmt.Sprint(x.Kind, " ", x.ID, " ", x.Rev, " ", x.Outcome, x.State)))
	}
	return out, page, err
}

// Whatever is recorded after a cursor comes once after it, in whatever order it happened and however small the pages
// are; another lender's never does, and a debtor's move gives nothing twice.
func TestOutcomesNeitherMissNorDouble(t *testing.T) {
	h := newFixture(t)
	h.svc.lenders = inBoth
	lender := auth.Actor{User: "bank", Role: auth.RoleLender, Lender: "north", Branches: []auth.BranchID{porto, braga}}
	h.take(line("c1", "debtor_ref", "D1"), line("c2"), line("s1", "lender", "south"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2", "south.s1")
	ana := h.phone("ana", "d1")
	h.now = instant("2026-11-25T13:00:00Z")
	h.want("a later visit", ana.put("visits", "v2", visit("north.c2", "2026-11-25T12:00:00Z", "outcome",
		"MET_VULNERABLE_STOP", "vulnerability_flags", []any{members{"flag": "illness"}}, "outcome_detail", "she is ill")),
		"applied")
	h.want("another lender's", ana.put("visits", "v9", visit("south.s1", "2026-11-25T12:30:00Z")), "applied")
	first, page, err := h.outcomes(lender, "", 100)
	ok(t, err)
	if fmt.Sprint(first) != "[visit v2 1 ENDED_EARLY]" || page.More {
		t.Errorf("the first page has %v, more: %t", first, page.More)
	}
	if text := string(jsonOf(t, page.Items)); strings.Contains(text, "ill") || strings.Contains(text, "ana") {
		t.Errorf("a lender reads %s", text)
	}
	// An earlier visit comes late; a plan changes; money comes, and is taken back; the debtor moves.
	h.want("an earlier visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z")), "applied")
	h.want("a plan", ana.put("plans", "p1", members{"case": "north.c1", "request": promiseOn("2026-12-10"),
		"state": "offered", "at": "2026-11-25T10:10:00Z"}), "applied")
	h.must(WithdrawPlan{Plan: "p1", Reason: "does not want it"})
	h.must(RecordPayment{Case: "north.c1", Ref: "pay1", PaidAt: instant("2026-11-20T10:00:00Z"), AmountMinor: 100,
		Currency: "EUR"})
	h.must(RecordPayment{Case: "north.c1", Ref: "pay2", PaidAt: instant("2026-11-21T10:00:00Z"), AmountMinor: 100,
		Currency: "EUR", Reverses: "pay1"})
	h.move("north.D1", porto, braga)
	want := "visit v1 1 NOT_MET_NOBODY, plan p1 1 offered, plan p1 2 withdrawn, payment north.c1/pay1 1, " +
		"payment north.c1/pay1 2, payment north.c1/pay2 1"
	for _, limit := range []int{1, 2, 100} {
		var all []string
		since := page.Cursor
		for n := 0; ; n++ {
			some, next, err := h.outcomes(lender, since, limit)
			ok(t, err)
			all, since = append(all, some...), next.Cursor
			if !next.More {
				break
			}
			if n > 100 {
				t.Fatal("the reading does not end")
			}
		}
		if got := strings.Join(all, ", "); got != want {
			t.Errorf("in pages of %d:\n%s\nwant\n%s", limit, got, want)
		}
		if again, _, err := h.outcomes(lender, since, 100); err != nil || len(again) > 0 {
			t.Errorf("at the end there is %v, %v", again, err)
		}
	}
	_, err = h.inBraga(RecordPayment{Case: "north.c1", Ref: "pay3", PaidAt: instant("2026-11-22T10:00:00Z"),
		AmountMinor: 100, Currency: "EUR"})
	ok(t, err)
	if got, _, err := h.outcomes(lender, page.Cursor, 100); err != nil ||
		!strings.Contains(strings.Join(got, ", "), "payment north.c1/pay3 1") {
		t.Errorf("after the move there is %v, %v", got, err)
	}
}

// Who reads what: the lender its own, an administrator whose they name, no other role anything; a cursor is of one
// lender and of one run of the journal.
func TestWhoReadsOutcomes(t *testing.T) {
	h := newFixture(t)
	h.svc.lenders = inBoth
	h.take(line("c1"))
	lender := auth.Actor{User: "bank", Role: auth.RoleLender, Lender: "north", Branches: []auth.BranchID{porto}}
	_, page, err := h.outcomes(lender, "", 10)
	ok(t, err)
	epoch := func(name string) func(context.Context, auth.BranchID) (string, error) {
		return func(context.Context, auth.BranchID) (string, error) { return name, nil }
	}
	other := lender
	other.Lender = "south"
	for what, c := range map[string]struct {
		who  auth.Actor
		q    OutcomeQuery
		want string
	}{
		"its own":          {lender, OutcomeQuery{Lender: "north"}, ""},
		"another lender":   {other, OutcomeQuery{Lender: "north"}, "auth.role"},
		"a supervisor":     {boss, OutcomeQuery{Lender: "north"}, "auth.role"},
		"an auditor":       {auth.Actor{Role: auth.RoleAuditor}, OutcomeQuery{Lender: "north"}, "auth.role"},
		"an administrator": {auth.System(), OutcomeQuery{Lender: "north"}, ""},
		"no such lender":   {auth.System(), OutcomeQuery{Lender: "west"}, "lender.not_found"},
		"another branch":   {lender, OutcomeQuery{Lender: "north", Branch: braga}, "branch.not_found"},
		"a cursor":         {lender, OutcomeQuery{Lender: "north", Since: page.Cursor}, ""},
		"of another":       {other, OutcomeQuery{Lender: "south", Since: page.Cursor}, "outcomes.since"},
		"no cursor":        {lender, OutcomeQuery{Lender: "north", Since: "2026-11-25"}, "outcomes.since"},
		"a restored one": {lender, OutcomeQuery{Lender: "north", Since: page.Cursor, Epoch: epoch("e2")},
			"outcomes.expired"},
	} {
		c.q.Limit = 10
		if c.q.Epoch == nil {
			c.q.Epoch = epoch("e1")
		}
		if _, err := h.svc.Outcomes(t.Context(), c.who, c.q); code(err) != c.want {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

// Outcomes are made of members that lenders may see.
func TestOutcomesAreWhatLendersMaySee(t *testing.T) {
	of := reflect.TypeFor[outcomeState]()
	for i := range of.NumField() {
		name := of.Field(i).Tag.Get("json")
		for typ := range outcomeKinds {
			k, _ := record.KindOf(typ)
			for _, m := range k.Members() {
				if m.Name == name && (m.See&record.Lender == 0 || m.IsPersonal()) {
					t.Errorf("outcomes have %s of %s, which lenders may not see", name, typ)
				}
			}
		}
	}
	if got, err := outcomesOf(&journal.Entry{Action: "x", Docs: []journal.Doc{{Type: "visits", ID: "v1",
		State: []byte(`{"case":"north.c1","lender":"south"}`)}}}, "north"); err != nil || len(got) > 0 {
		t.Errorf("another lender's visit is given: %v, %v", got, err)
	}
}

// The case file tells a lender no more of a visit than the outcomes do: not that a person was vulnerable or unsafe, nor
// why they cannot pay.
func TestACaseFileTellsALenderNoReasons(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	h.want("a visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "MET_VULNERABLE_STOP",
		"overdue_reason", "001")), "applied")
	for who, want := range map[auth.Role]string{auth.RoleLender: "ENDED_EARLY <nil>",
		auth.RoleSupervisor: "MET_VULNERABLE_STOP 001"} {
		f, err := h.svc.Case(t.Context(), auth.Actor{User: "x", Role: who, Lender: "north",
			Branches: []auth.BranchID{porto}}, porto, "north.c1")
		ok(t, err)
		v := object(t, jsonOf(t, f))["visits"].([]any)[0].(map[string]any)
		if got := fmt.Sprint(v["outcome"], " ", v["overdue_reason"]); got != want {
			t.Errorf("a %s reads %s, want %s", who, got, want)
		}
	}
}
