package casework

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
)

// TestWhatAnAgentLostIsListed disables an agent, has one of the stops planned again, closes the case of another, and
// holds a third.
func TestWhatAnAgentLostIsListed(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"), line("c3"), line("c4"), line("c5"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2", "north.c3")
	h.issue("r1", "t2", "2026-11-25", []auth.UserID{"rui"}, "north.c4", "north.c5")
	h.must(OpenHold{Case: "north.c4", Kind: "stop"})
	h.now = h.now.Add(time.Minute)
	lost := h.now
	released, err := h.svc.ReleaseFrom(t.Context(), porto, "ana", Days{}, "disabled", "cause")
	ok(t, err)
	if released.Revoked != 3 {
		t.Fatalf("%d stops were taken back", released.Revoked)
	}
	h.now = h.now.Add(time.Minute)
	h.issue("r2", "t2", "2026-11-25", []auth.UserID{"rui"}, "north.c1")
	h.must(CloseCase{Case: "north.c2", Reason: "recalled"})
	list := func(q TakenBackQuery) string {
		t.Helper()
		q.Branch = porto
		items, _, err := h.svc.TakenBack(t.Context(), boss, q)
		ok(t, err)
		var out []string
		for _, x := range items {
			s := fmt.Sprintf("%s %s %s", strings.TrimPrefix(string(x.Case), "north."), x.Code, x.At.Format("15:04"))
			if x.Again != nil {
				s += " again by " + x.Again.Team
			}
			out = append(out, s)
		}
		return strings.Join(out, ", ")
	}
	for _, c := range []struct {
		about string
		q     TakenBackQuery
		want  string
	}{
		{"what agents lost", TakenBackQuery{Why: "agent"}, "c3 agent:disabled 09:01, c2 agent:disabled 09:01, " +
			"c1 agent:disabled 09:01 again by t2"},
		{"what needs somebody", TakenBackQuery{Unplanned: true}, "c3 agent:disabled 09:01, c4 hold 09:00"},
		{"of one agent", TakenBackQuery{Agent: "rui"}, "c4 hold 09:00"},
		{"since", TakenBackQuery{Since: lost, Unplanned: true}, "c3 agent:disabled 09:01"},
		{"before", TakenBackQuery{Before: lost}, "c4 hold 09:00"},
	} {
		if got := list(c.q); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.about, got, c.want)
		}
	}
	if _, _, err := h.svc.TakenBack(t.Context(), boss, TakenBackQuery{Branch: porto, Why: "none"}); code(err) !=
		"list.taken_back" {
		t.Errorf("another reason: %v", err)
	}
	lender := auth.Actor{User: "sys", Role: auth.RoleLender, Lender: "north", Branches: []auth.BranchID{porto}}
	if _, _, err := h.svc.TakenBack(t.Context(), lender, TakenBackQuery{Branch: porto}); code(err) != "auth.role" {
		t.Errorf("a lender: %v", err)
	}
}

// The reason of a stop that was taken back belongs to one of the groups that the list is asked by.
func TestEveryReasonIsInAGroup(t *testing.T) {
	for closedBy, want := range map[string]string{"agent:disabled": "agent", "agent:leave": "agent",
		"branch:closed": "branch", "case:closed": "case", "moved": "case", "moved:braga": "case", "hold": "hold",
		"law:OUTSIDE_HOURS": "law", "conduct:OUTSIDE_HOURS": "law",
		"reassigned": "reassigned", "round:r2": "round", "replan": "round", "": "round"} {
		if got := takenFor(closedBy); got != want {
			t.Errorf("%q is in %s, want %s", closedBy, got, want)
		}
		if !slices.Contains(TakenBackFor(), takenFor(closedBy)) {
			t.Errorf("%q: the list is not asked by its group", closedBy)
		}
	}
}

// A stop is taken back once: what happens to it later changes neither the reason nor the time. One that came with a
// debtor from another branch was lost there.
func TestAStopIsTakenBackOnce(t *testing.T) {
	revoked := func(by string) *record.Assignment {
		a := &record.Assignment{}
		a.Status, a.ClosedBy = record.AssignmentRevoked, by
		return a
	}
	first, later := instant("2026-11-25T10:00:00Z"), instant("2026-11-25T11:00:00Z")
	var open, was, now, here deskStop
	stays := revoked("")
	stays.Status = record.AssignmentOpen
	open.take(&deskStop{}, stays, first)
	was.take(&deskStop{}, revoked("agent:disabled"), first)
	now.take(&was, revoked("hold"), later)
	moved := revoked("hold")
	moved.Origin = &record.Origin{}
	here.take(&deskStop{}, moved, later)
	if open.Lost != 0 || here.Lost != 0 {
		t.Errorf("an open stop is lost: %d; one that was lost elsewhere: %d", open.Lost, here.Lost)
	}
	if now.Lost != 1 || now.Why != "agent" || now.TakenAt != second(first) {
		t.Errorf("taken for %s at %s, and then for %s at %s", was.Why, was.TakenAt, now.Why, now.TakenAt)
	}
}
