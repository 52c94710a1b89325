package casework

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// found pages through what a query finds, two at a time, and gives the references in their order.
func (h *fixture) found(a auth.Actor, q CaseQuery) string {
	h.t.Helper()
	q.Branch = porto
	if q.Limit == 0 {
		q.Limit = 2
	}
	var out []string
	for pages := 0; ; pages++ {
		page, err := h.svc.Cases(context.Background(), a, q)
		if err != nil {
			return code(err)
		}
		if len(page.Items) > q.Limit {
			h.t.Errorf("%d items on a page of %d", len(page.Items), q.Limit)
		}
		for _, item := range page.Items {
			out = append(out, object(h.t, item)["case_ref"].(string))
		}
		if q.After = page.Next; q.After == "" || pages > 50 {
			return strings.Join(out, " ")
		}
	}
}

func theLender(id string) auth.Actor {
	return auth.Actor{User: "bank", Role: auth.RoleLender, Lender: id, Branches: []auth.BranchID{porto}}
}

// searched is a fixture with five cases: c4 is another lender's, c5 lies outside every territory.
func searched(t *testing.T) *fixture {
	h, _ := erasing(t)
	h.take(line("c1", "debtor_name", "Ana-María O'Neill", "phone", "+351912000011", "due_date", "2026-11-01"),
		line("c2", "debtor_name", "Rui Sá", "phone", "+351912000012", "due_date", "2026-11-20", "lon", "-8.59"),
		line("c3", "debtor_name", "rui sa", "phone", "+351912000011", "due_date", "2026-10-01"),
		line("c4", "lender", "south", "debtor_name", "Rui Sá", "phone", "+351912000012", "due_date", "2026-11-20"),
		line("c5", "debtor_name", "Zé Ninguém", "lat", "41.35", "due_date", "2026-07-01"))
	return h
}

// Every filter finds what it says, in pages that hold nothing twice, also together with others.
func TestCasesAreFoundByWhatIsKnownOfThem(t *testing.T) {
	h := searched(t)
	h.must(OpenHold{Case: "north.c1", Kind: "complaint"})
	h.must(OpenHold{Case: "north.c1", Kind: "vulnerable", Until: "2026-11-30"})
	h.must(OpenHold{Case: "north.c2", Kind: "dispute", Since: "2026-12-01"}) // binds later
	h.must(OpenHold{Case: "north.c3", Kind: "complaint_open"})
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c2", "north.c5")
	h.now = instant("2026-11-25T12:00:00Z")
	ana := h.phone("ana", "d1")
	h.want("a visit", ana.put("visits", "v1", visit("north.c2", "2026-11-25T10:00:00Z")), "applied")
	h.must(CloseCase{Case: "north.c5", Reason: "recalled"})
	west, none, n := "west", "", func(n int) *int { return &n }
	for _, c := range []struct {
		q    CaseQuery
		want string
	}{
		{CaseQuery{}, "c1 c2 c3 c5 c4"},
		{CaseQuery{Status: "open"}, "c1 c2 c3 c4"},
		{CaseQuery{Status: "closed"}, "c5"},
		{CaseQuery{Ref: "c4"}, "c4"},
		{CaseQuery{Ref: "C4"}, ""},
		{CaseQuery{Phone: "+351 912-000 011"}, "c1 c3"},
		{CaseQuery{Phone: "00351912000012"}, "c2 c4"},
		{CaseQuery{Phone: "912 000 012", Region: "PT"}, "c2 c4"},
		{CaseQuery{Phone: "912 000 012"}, "list.phone"},
		{CaseQuery{Phone: "maria"}, "list.phone"},
		{CaseQuery{Phone: "+351912000099"}, ""},
		{CaseQuery{Name: "SÁ, Rui"}, "c2 c3 c4"},
		{CaseQuery{Name: "oneill ana maria"}, "c1"},
		{CaseQuery{Name: "Ana"}, "c1"},
		{CaseQuery{Name: "onei"}, "c1"},
		{CaseQuery{Name: "an"}, ""},
		{CaseQuery{Name: "ning Z"}, ""},
		{CaseQuery{Name: "ning zé"}, "c5"},
		{CaseQuery{Name: "Ruis"}, ""},
		{CaseQuery{Name: "..."}, "list.name"},
		{CaseQuery{Name: "rui sa", Phone: "+351912000012"}, "c2 c4"},
		{CaseQuery{Name: "rui sa", Lender: "south"}, "c4"},
		{CaseQuery{Lender: "south"}, "c4"},
		{CaseQuery{Lender: "sou"}, ""},
		{CaseQuery{Territory: &west}, "c1 c3 c4"},
		{CaseQuery{Territory: &none}, "c5"},
		{CaseQuery{Hold: HoldAny}, "c1 c3"},
		{CaseQuery{Hold: HoldAny, Limit: 1}, "c1 c3"},
		{CaseQuery{Hold: "complaint"}, "c1 c3"},
		{CaseQuery{Hold: "vulnerable"}, "c1"},
		{CaseQuery{Hold: "dispute"}, ""},
		{CaseQuery{Hold: HoldNone, Status: "open"}, "c2 c4"},
		{CaseQuery{Hold: "unlucky"}, "list.hold"},
		{CaseQuery{DaysLateMin: n(24)}, "c5 c3 c1"},
		{CaseQuery{DaysLateMin: n(25)}, "c5 c3"},
		{CaseQuery{DaysLateMax: n(24)}, "c1 c2 c4"},
		{CaseQuery{DaysLateMin: n(6), DaysLateMax: n(24)}, "c1"},
		{CaseQuery{DaysLateMin: n(25), DaysLateMax: n(24)}, "list.days_late"},
		{CaseQuery{NeverVisited: true, Status: "open"}, "c1 c3 c4"},
		{CaseQuery{VisitedFrom: instant("2026-11-25T10:00:00Z")}, "c2"},
		{CaseQuery{VisitedFrom: instant("2026-11-25T10:00:01Z")}, ""},
		{CaseQuery{VisitedBefore: instant("2026-11-25T10:00:00Z")}, ""},
		{CaseQuery{VisitedBefore: instant("2026-11-25T10:00:00.5Z")}, "c2"},
		{CaseQuery{VisitedBefore: h.now, NeverVisited: true}, "list.last_visit"},
		{CaseQuery{VisitedBefore: h.now, VisitedFrom: h.now}, "list.last_visit"},
		{CaseQuery{Ref: "no such"}, "list.ref"},
	} {
		if got := h.found(boss, c.q); got != c.want {
			t.Errorf("%+v finds %q, want %q", c.q, got, c.want)
		}
	}
	page, err := h.svc.Cases(context.Background(), boss, CaseQuery{Branch: porto, Ref: "c2"})
	ok(t, err)
	if c := object(t, page.Items[0]); c["days_late"] != 5.0 || c["last_visit_at"] != "2026-11-25T10:00:00Z" ||
		c["debtor_name"] != nil || c["holds"] != nil {
		t.Errorf("the item: %v", c)
	}
	if _, err := h.svc.Cases(context.Background(), boss, CaseQuery{Branch: porto, After: "visits.on~"}); err == nil {
		t.Error("the cursor of another list is taken")
	}
	views := Views(h.vault)
	if found, err := journal.Check(context.Background(), h.store, porto, nil, views...); err != nil || len(found) > 0 {
		t.Errorf("the views are not what the journal says: %v, %v", found, err)
	}
}

// A lender finds its own cases and may not ask by what it may not see.
func TestALenderFindsItsOwnCasesOnly(t *testing.T) {
	h := searched(t)
	north, south, west := theLender("north"), theLender("south"), "west"
	for _, c := range []struct {
		a    auth.Actor
		q    CaseQuery
		want string
	}{
		{north, CaseQuery{}, "c1 c2 c3 c5"},
		{north, CaseQuery{Name: "rui sa"}, "c2 c3"},
		{south, CaseQuery{Name: "rui sa"}, "c4"},
		{south, CaseQuery{Phone: "+351912000011"}, ""},
		{south, CaseQuery{Ref: "c1"}, ""},
		{south, CaseQuery{Lender: "north"}, ""},
		{south, CaseQuery{NeverVisited: true}, "c4"},
		{north, CaseQuery{Territory: &west}, "list.filter"},
		{north, CaseQuery{Hold: "complaint"}, "list.filter"},
		{north, CaseQuery{Declined: true}, "list.filter"},
		{auth.Actor{User: "ana", Role: auth.RoleAgent, Branches: []auth.BranchID{porto}}, CaseQuery{Phone: "+351912000011"},
			"auth.role"},
		{auth.Actor{User: "x", Role: auth.RoleSupervisor, Branches: []auth.BranchID{"faro"}}, CaseQuery{},
			"branch.not_found"},
	} {
		if got := h.found(c.a, c.q); got != c.want {
			t.Errorf("%s %+v finds %q, want %q", c.a.User, c.q, got, c.want)
		}
	}
}

// Rows by which a person is found follow corrections, and are gone from the store when the debtor is erased; the
// journal never has them.
func TestWhatAPersonIsFoundByFollowsThem(t *testing.T) {
	h := searched(t)
	ctx := context.Background()
	phone, name := "+351912000077", "Rosa Nova"
	hashes := func(p, n string) []string {
		return []string{blinded(h.vault, porto, "phone", p), blinded(h.vault, porto, "name", sameName(n)[:4]),
			blinded(h.vault, porto, "hold", sameHold("stop"))}
	}
	h.must(Correct{Case: "north.c1", Phone: &phone, DebtorName: &name})
	h.must(OpenHold{Case: "north.c1", Kind: "stop"})
	for q, want := range map[*CaseQuery]string{{Phone: "+351912000011"}: "c3", {Phone: phone}: "c1", {Name: name}: "c1",
		{Name: "ana maria oneill"}: "", {Hold: "stop"}: "c1"} {
		if got := h.found(boss, *q); got != want {
			t.Errorf("%+v finds %q, want %q", *q, got, want)
		}
	}
	rows := func() string {
		t.Helper()
		gens, err := h.store.Generations(ctx, porto)
		ok(t, err)
		g, _ := journal.Readable(gens, blindView)
		recs, err := h.store.ScanRecords(ctx, porto, g.Gen, journal.DocRef{}, 1e6)
		ok(t, err)
		var b strings.Builder
		for _, r := range recs {
			if strings.HasPrefix(r.ID, "north.c1") {
				fmt.Fprintf(&b, "%s %t %s\n", r.ID, r.Deleted, r.Body)
			}
		}
		return b.String()
	}
	before := rows()
	for _, hash := range hashes(phone, name) {
		if !strings.Contains(before, hash) {
			t.Errorf("the view has no %s: %s", hash, before)
		}
	}
	for e, err := range journal.Entries(ctx, h.store, porto, 0, 1<<40) {
		if err != nil {
			break
		}
		for _, d := range e.Docs {
			for _, hash := range hashes(phone, name) {
				if strings.Contains(string(d.State), hash) {
					t.Errorf("entry %d holds a blind hash", e.N)
				}
			}
		}
	}
	h.erase("north.Dc1")
	for _, q := range []CaseQuery{{Phone: phone}, {Name: name}, {Hold: "stop"}} {
		if got := h.found(boss, q); got != "" {
			t.Errorf("%+v finds the erased %q", q, got)
		}
	}
	after := rows()
	for _, hash := range hashes(phone, name) {
		if strings.Contains(after, hash) {
			t.Errorf("the view still has %s: %s", hash, after)
		}
	}
	ok(t, journal.Rebuild(ctx, h.store, porto, Blind(h.vault), nil))
	if again := rows(); strings.Contains(again, "phone") || strings.Contains(again, "held") {
		t.Errorf("a rebuild brings back %s", again)
	}
}

// The last visit of a case is the latest one, and follows what corrects it.
func TestTheLastVisitFollowsCorrections(t *testing.T) {
	var k deskCase
	for i, step := range []struct{ id, at, corrects, want string }{
		{"v1", "2026-11-25T10:00:00Z", "", "2026-11-25T10:00:00Z"},
		{"v2", "2026-11-24T10:00:00Z", "", "2026-11-25T10:00:00Z"},
		{"v3", "2026-11-23T10:00:00Z", "v1", "2026-11-24T10:00:00Z"},
		{"v4", "2026-11-26T10:00:00Z", "", "2026-11-26T10:00:00Z"},
		{"v5", "2026-11-26T09:00:00Z", "v4", "2026-11-26T09:00:00Z"},
		{"v5", "2026-11-26T09:00:00Z", "v4", "2026-11-26T09:00:00Z"},
	} {
		if k.visit(step.id, step.at, step.corrects); k.Visited != step.want {
			t.Errorf("after step %d the last visit is %s, want %s", i+1, k.Visited, step.want)
		}
	}
}

// A case with several holds stands in a list once, at its first row of the index.
func TestTheFirstRowOfACaseWithHolds(t *testing.T) {
	k := record.Case{ID: "north.c1"}
	k.SetHolds([]record.Hold{{ID: "h1", Kind: "stop"}, {ID: "h2", Kind: "dispute", Until: "2026-12-01"},
		{ID: "h3", Kind: "dispute", Until: "2026-11-01"},
		{ID: "h4", Kind: "dispute", Until: "2026-11-26", Released: &record.Release{At: time.Unix(0, 0)}}})
	for kind, want := range map[string]string{HoldAny: "north.c1/h2", "dispute": "north.c1/h2", "stop": "north.c1/h1",
		"complaint": ""} {
		if got := firstHeld(&k, kind, "2026-11-25"); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}
