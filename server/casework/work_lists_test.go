package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
)

// ids are the ids of a list, page by page, two at a time.
func ids(t *testing.T, page func(after string) (Page, error)) string {
	t.Helper()
	var out []string
	after := ""
	for range 50 {
		p, err := page(after)
		if err != nil {
			return code(err)
		}
		for _, item := range p.Items {
			out = append(out, object(t, item)["id"].(string))
		}
		if after = p.Next; after == "" {
			break
		}
	}
	return strings.Join(out, " ")
}

// twoDays is a fixture with two days of two teams: visits v1 to v4, of which v3 names eva too and v4 is flagged, and a
// correction of v1.
func twoDays(t *testing.T) *fixture {
	h, _ := erasing(t)
	h.take(line("c1"), line("c2"), line("c3"), line("c4"))
	h.issue("r1", "west", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.issue("r1", "east", "2026-11-25", []auth.UserID{"rui"}, "north.c2", "north.c3")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	ana.pull()
	rui.pull()
	h.now = instant("2026-11-25T12:00:00Z")
	h.want("v1", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "NOT_MET_NOBODY")),
		"applied")
	h.want("v2", rui.put("visits", "v2", visit("north.c2", "2026-11-25T10:10:00Z", "outcome", "ADDR_MOVED")), "applied")
	h.now = instant("2026-11-26T12:00:00Z")
	h.issue("r2", "east", "2026-11-26", []auth.UserID{"rui", "eva"}, "north.c4")
	rui.pull()
	h.want("v3", rui.put("visits", "v3", visit("north.c4", "2026-11-26T10:00:00Z", "agents",
		[]any{members{"agent_id": "eva"}, members{"agent_id": "rui"}})), "applied")
	h.want("v4", rui.put("visits", "v4", visit("north.c4", "2026-11-26T11:00:00Z")), "applied")
	return h
}

// Visits and assignments are found by what they are, newest day first.
func TestListsOfADaysWork(t *testing.T) {
	h := twoDays(t)
	ctx := context.Background()
	h.must(ReviewVisit{Case: "north.c2", Visit: "v2", State: "questioned"})
	for _, c := range []struct {
		q    VisitQuery
		want string
	}{
		{VisitQuery{}, "v4 v3 v2 v1"},
		{VisitQuery{Round: "r1"}, "v2 v1"},
		{VisitQuery{Team: "east"}, "v4 v3 v2"},
		{VisitQuery{Agent: "ana"}, "v1"},
		{VisitQuery{Agent: "eva"}, "v3"},
		{VisitQuery{Agent: "rui", Round: "r1"}, "v2"},
		{VisitQuery{Outcome: "ADDR_MOVED"}, "v2"},
		{VisitQuery{Outcome: "LOST"}, "list.outcome"},
		{VisitQuery{From: "2026-11-26"}, "v4 v3"},
		{VisitQuery{To: "2026-11-25"}, "v2 v1"},
		{VisitQuery{From: "2026-11-25", To: "2026-11-25", Team: "west"}, "v1"},
		{VisitQuery{From: "2026-11-27"}, ""},
		{VisitQuery{From: "2026-11-26", To: "2026-11-25"}, "list.date"},
		{VisitQuery{From: "yesterday"}, "list.date"},
		{VisitQuery{Flagged: true}, "v4"},
		{VisitQuery{Flagged: true, Agent: "rui"}, "v4"},
		{VisitQuery{Flagged: true, Agent: "eva"}, ""},
		{VisitQuery{Review: "questioned"}, "v2"},
		{VisitQuery{Review: ReviewNone}, "v4 v3 v1"},
		{VisitQuery{Review: "nice"}, "list.review"},
		{VisitQuery{Branch: "faro"}, "branch.not_found"},
	} {
		if got := ids(t, func(after string) (Page, error) {
			q := c.q
			q.Limit, q.After = 2, after
			if q.Branch == "" {
				q.Branch = porto
			}
			return h.svc.Visits(ctx, boss, q)
		}); got != c.want {
			t.Errorf("visits %+v: %s, want %s", c.q, got, c.want)
		}
	}
	for _, c := range []struct {
		q    AssignmentQuery
		want string
	}{
		{AssignmentQuery{Round: "r1"}, "a-c3-2026-11-25-r1 a-c2-2026-11-25-r1 a-c1-2026-11-25-r1"},
		{AssignmentQuery{Status: "open"}, "a-c3-2026-11-25-r1"},
		{AssignmentQuery{Team: "east", To: "2026-11-25"}, "a-c3-2026-11-25-r1 a-c2-2026-11-25-r1"},
		{AssignmentQuery{Agent: "eva"}, "a-c4-2026-11-26-r2"},
		{AssignmentQuery{Agent: "ana", Status: "open"}, ""},
		{AssignmentQuery{AgentStatus: "declined"}, ""},
		{AssignmentQuery{AgentStatus: AgentStatusNone, Status: "open"}, "a-c3-2026-11-25-r1"},
		{AssignmentQuery{Status: "lost"}, "list.status"},
		{AssignmentQuery{AgentStatus: "lost"}, "list.agent_status"},
		{AssignmentQuery{From: "2026-11-26"}, "a-c4-2026-11-26-r2"},
	} {
		if got := ids(t, func(after string) (Page, error) {
			q := c.q
			q.Branch, q.Limit, q.After = porto, 2, after
			return h.svc.Assignments(ctx, boss, q)
		}); got != c.want {
			t.Errorf("assignments %+v: %s, want %s", c.q, got, c.want)
		}
	}
	for _, role := range []auth.Role{auth.RoleAgent, auth.RoleLender, auth.RoleAuditor} {
		a := auth.Actor{User: "x", Role: role, Lender: "north", Branches: []auth.BranchID{porto}}
		_, err := h.svc.Visits(ctx, a, VisitQuery{Branch: porto})
		_, err2 := h.svc.Assignments(ctx, a, AssignmentQuery{Branch: porto})
		_, _, err3 := h.svc.Corrections(ctx, a, CorrectionQuery{Branch: porto})
		if code(err) != "auth.role" || code(err2) != "auth.role" || code(err3) != "auth.role" {
			t.Errorf("%s: %v, %v, %v", role, err, err2, err3)
		}
	}
	p, err := h.svc.Visits(ctx, boss, VisitQuery{Branch: porto, Round: "r2", Limit: 1})
	ok(t, err)
	if v := object(t, p.Items[0]); v["team"] != "east" || v["outcome_detail"] != nil || v["visit_no"] != 4.0 {
		t.Errorf("the item: %v", v)
	}
}

// An agent who leaves a stop is not found by it any more.
func TestAStopIsFoundByWhoHasIt(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "west", "2026-11-25", []auth.UserID{"ana", "eva"}, "north.c1")
	of := func(agent auth.UserID) string {
		return ids(t, func(after string) (Page, error) {
			return h.svc.Assignments(context.Background(), boss, AssignmentQuery{Branch: porto, Agent: agent, After: after})
		})
	}
	if of("ana") == "" || of("ana") != of("eva") {
		t.Errorf("ana has %q, eva %q", of("ana"), of("eva"))
	}
	h.issue("r1", "west", "2026-11-25", []auth.UserID{"eva"}, "north.c1")
	if of("ana") != "" || of("eva") == "" {
		t.Errorf("then ana has %q, eva %q", of("ana"), of("eva"))
	}
}

// Corrections are listed with what was and what is, who and when, and whether a supervisor has looked.
func TestCorrectionsShowBeforeAndAfter(t *testing.T) {
	h := twoDays(t)
	ctx := context.Background()
	list := func(q CorrectionQuery) string {
		t.Helper()
		q.Branch, q.Limit = porto, 1
		var out []string
		for range 50 {
			items, next, err := h.svc.Corrections(ctx, boss, q)
			if err != nil {
				return code(err)
			}
			for _, c := range items {
				var changed []string
				for _, m := range c.Changed {
					changed = append(changed, fmt.Sprintf("%s %s>%s", m.Member, m.Before, m.After))
				}
				text := fmt.Sprintf("%s %s by %s: %s", c.Kind, c.Record, c.By, strings.Join(changed, ", "))
				if c.Reviewed != nil {
					text += fmt.Sprintf(" reviewed:%t", *c.Reviewed)
				}
				if c.Erased {
					text += " erased"
				}
				out = append(out, text)
			}
			if q.After = next; q.After == "" {
				break
			}
		}
		return strings.Join(out, "; ")
	}
	if got := list(CorrectionQuery{}); got != "" {
		t.Errorf("nothing was corrected: %s", got)
	}
	name, city := "Rosa Nova", "Gaia"
	h.must(Correct{Case: "north.c3", DebtorName: &name})
	h.now = instant("2026-11-26T12:30:00Z")
	h.must(Correct{Case: "north.c3", City: &city})
	h.now = instant("2026-11-26T13:00:00Z")
	h.want("a correction", h.phone("ana", "d1").put("visits", "v1b", visit("north.c1", "2026-11-25T10:00:00Z", "outcome",
		"MET_REFUSED_TALK", "supersedes", "v1")), "applied")
	first := `cases north.c3 by boss: debtor_name "Test Debtor c3">"Rosa Nova"`
	second := `cases north.c3 by boss: city "Porto">"Gaia"`
	third := `visits v1b by ana: outcome "NOT_MET_NOBODY">"MET_REFUSED_TALK" reviewed:`
	for _, c := range []struct {
		q    CorrectionQuery
		want string
	}{
		{CorrectionQuery{}, third + "false; " + second + "; " + first},
		{CorrectionQuery{Kind: "visits"}, third + "false"},
		{CorrectionQuery{Kind: "beds"}, "list.kind"},
		{CorrectionQuery{Case: "north.c3"}, second + "; " + first},
		{CorrectionQuery{From: instant("2026-11-26T12:30:00Z"), Before: instant("2026-11-26T13:00:00Z")}, second},
		{CorrectionQuery{From: h.now, Before: h.now}, "list.date"},
		{CorrectionQuery{Reviewed: new(bool)}, third + "false"},
	} {
		if got := list(c.q); got != c.want {
			t.Errorf("%+v:\n%s\nwant\n%s", c.q, got, c.want)
		}
	}
	h.must(ReviewVisit{Case: "north.c1", Visit: "v1b", State: "accepted"})
	yes := true
	if got := list(CorrectionQuery{Reviewed: &yes}); got != third+"true" {
		t.Errorf("after the review: %s", got)
	}
	h.erase("north.Dc3")
	if got := list(CorrectionQuery{Case: "north.c3"}); strings.Contains(got, "Rosa") || !strings.Contains(got, "erased") ||
		strings.Contains(got, "Gaia") {
		t.Errorf("of an erased debtor: %s", got)
	}
}

// What the office corrected when it accepted it shows what was sent.
func TestWhatWasCorrectedOnAcceptanceIsListed(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "west", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	ana.pull()
	h.now = instant("2026-11-25T12:00:00Z")
	h.want("a bad visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "LOST")),
		"rejected validation.outcome")
	ctx := context.Background()
	page, err := h.svc.Quarantine(ctx, boss, porto, "", 0, "")
	ok(t, err)
	item := object(t, page.Items[0])["id"].(string)
	h.must(HandleQuarantine{ID: item, Accept: true, Corrected: json.RawMessage(`{"outcome":"NOT_MET_NOBODY"}`),
		Note: "a typing error"})
	got, _, err := h.svc.Corrections(ctx, boss, CorrectionQuery{Branch: porto})
	ok(t, err)
	if len(got) != 1 || got[0].By != "boss" || !got[0].Accepted || got[0].Item != item || got[0].Record != "v1" ||
		!slices.EqualFunc(got[0].Changed, []Change{{"outcome", json.RawMessage(`"LOST"`),
			json.RawMessage(`"NOT_MET_NOBODY"`)}}, func(a, b Change) bool {
			return a.Member == b.Member && string(a.Before) == string(b.Before) && string(a.After) == string(b.After)
		}) {
		t.Errorf("%+v", got)
	}
}
