package casework

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
)

// An agent reads their own stops, visits and what was kept of theirs, and of a case they hold the day and outcome of
// earlier visits as the case card has them, whoever made them; never another agent's day, nor anything of a case that
// is not theirs any more.
func TestAnAgentsOwnDay(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"), line("c3"))
	h.issue("r0", "t2", "2026-11-20", []auth.UserID{"rui"}, "north.c1")
	rui := h.phone("rui", "d2")
	h.now = instant("2026-11-20T11:00:00Z")
	h.want("an earlier visit", rui.put("visits", "v0", visit("north.c1", "2026-11-20T10:00:00Z", "outcome_detail",
		"a story", "vulnerability_flags", []any{members{"flag": "language"}})), "applied")
	h.want("another", rui.put("visits", "v00", visit("north.c1", "2026-11-20T10:30:00Z", "outcome", "UNSAFE_ABORT")),
		"applied")
	h.now = instant(morning)
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "eva"}, "north.c1", "north.c2")
	h.issue("r2", "t2", "2026-11-25", []auth.UserID{"rui"}, "north.c3")
	ana := h.phone("ana", "d1")
	ana.pull()
	actor := func(id auth.UserID) auth.Actor {
		return auth.Actor{User: id, Role: auth.RoleAgent, Branches: []auth.BranchID{porto}}
	}
	day := func(id auth.UserID, date string) string {
		d, err := h.svc.DayOf(t.Context(), actor(id), porto, date, time.UTC)
		ok(t, err)
		var out []string
		for _, x := range d.Stops {
			out = append(out, fmt.Sprint("stop ", x.Case, " ", x.Status, " ", x.Agents, " ", x.Earlier))
		}
		for _, x := range d.Visits {
			out = append(out, fmt.Sprint("visit ", x.Visit, " ", x.Outcome))
		}
		for _, x := range d.Kept {
			out = append(out, fmt.Sprint("kept ", x.Record, " ", x.Code, " ", x.State))
		}
		return strings.Join(out, "\n")
	}
	want := "stop north.c1 open [ana eva] [{2026-11-20 ENDED_EARLY} {2026-11-20 NOT_MET_NOBODY}]\nstop north.c2 open [ana eva] []"
	if got := day("ana", "2026-11-25"); got != want {
		t.Errorf("in the morning:\n%s\nwant\n%s", got, want)
	}
	h.now = instant("2026-11-25T11:00:00Z")
	h.want("a visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z")), "applied")
	h.want("a bad note", ana.put("visit_notes", "n1", members{"case": "north.c1", "at": "2026-11-25T10:00:00Z",
		"text": 7}), "rejected validation.type")
	h.now = instant("2026-11-26T06:00:00Z")
	h.must(RevokeAssignments{Case: "north.c2", Reason: "round:cancelled"})
	got := day("ana", "2026-11-25")
	for _, part := range []string{"stop north.c1 done [ana eva]", "stop north.c2 revoked [ana eva] []",
		"visit v1 NOT_MET_NOBODY", "kept n1 validation.type open"} {
		if !strings.Contains(got, part) {
			t.Errorf("afterwards it lacks %q:\n%s", part, got)
		}
	}
	if got := day("eva", "2026-11-25"); strings.Contains(got, "visit ") || strings.Contains(got, "kept ") {
		t.Errorf("a colleague reads\n%s", got)
	}
	if got := day("rui", "2026-11-25"); got != "stop north.c3 open [rui] []" {
		t.Errorf("another team reads\n%s", got)
	}
	if got := day("rui", "2026-11-20"); !strings.Contains(got, "visit v0") || strings.Contains(got, "[{") ||
		!strings.Contains(got, "visit v00 ENDED_EARLY") {
		t.Errorf("the earlier agent reads\n%s", got)
	}
	if _, err := h.svc.DayOf(t.Context(), boss, porto, "2026-11-25", time.UTC); code(err) != "auth.role" {
		t.Errorf("a supervisor reads it: %v", err)
	}
	if _, err := h.svc.DayOf(t.Context(), actor("ana"), porto, "yesterday", time.UTC); code(err) != "list.date" {
		t.Errorf("of no date: %v", err)
	}
}
