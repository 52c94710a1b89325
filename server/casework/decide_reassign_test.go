package casework

import (
	"context"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// works is who works where: territories by team.
type works map[string][]string

func (w works) Works(ctx context.Context, r *journal.Reader, team, _, territory string) (bool, error) {
	if _, _, err := r.Doc(ctx, "teams", team); err != nil {
		return false, err
	}
	return slices.Contains(w[team], territory), nil
}

func TestReassigningTakesBackOnlyOtherTeams(t *testing.T) {
	h := newHouse(t)
	h.svc.teams = works{"t1": {"west"}, "t2": {"west", "east"}, "t3": {"east"}}
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.issue("r2", "t2", "2026-11-26", []auth.UserID{"rui"}, "north.c1")
	h.issue("r3", "t3", "2026-11-27", []auth.UserID{"eva"}, "north.c1")
	phones := map[string]*phone{"t1": h.phone("ana", "d1"), "t2": h.phone("rui", "d2"), "t3": h.phone("eva", "d3")}
	holding := func() string {
		var out []string
		for team, p := range phones {
			p.pull()
			if p.holds("assignments") != "" && p.holds("cases") != "" {
				out = append(out, team)
			} else if p.holds("assignments")+p.holds("cases") != "" {
				t.Errorf("half of it left the phone of %s", team)
			}
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	if got := holding(); got != "t1 t2 t3" {
		t.Fatalf("%s hold the case", got)
	}
	for _, c := range []struct {
		what string
		cmd  Reassign
		want string
	}{
		{"the territory it is in is pinned", Reassign{Case: "north.c1", Territory: ptr("east")}, "t2 t3"},
		{"one of the teams gets it", Reassign{Case: "north.c1", Team: ptr("t2")}, "t2"},
		{"the same team again", Reassign{Case: "north.c1", Team: ptr("t2")}, "t2"},
		{"another team gets it", Reassign{Case: "north.c1", Team: ptr("t9")}, ""},
	} {
		h.must(c.cmd)
		if got := holding(); got != c.want {
			t.Errorf("%s: %q hold the case, want %q", c.what, got, c.want)
		}
	}
	var a record.Assignment
	if h.stored("assignments", "a-c1-2026-11-25-r1", &a); a.Status != "revoked" || a.ClosedBy != "reassigned" {
		t.Errorf("the first team's stop is %s by %s", a.Status, a.ClosedBy)
	}
}

// TestReassigningIsOneCommand has it sent again under the longest of command ids: one
// entry holds all of it, and the second answer is the first.
func TestReassigningIsOneCommand(t *testing.T) {
	h := newHouse(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	q := Request{ID: strings.Repeat("k", journal.MaxCommandBytes), Cmd: Reassign{Case: "north.c1", Team: ptr("t2")}}
	first, err := h.svc.One(t.Context(), boss, porto, q)
	ok(t, err)
	w, err := h.store.Watermark(t.Context(), porto)
	ok(t, err)
	if first.N != w || first.Duplicate {
		t.Errorf("entry %d of %d, duplicate %t: want the last, new", first.N, w, first.Duplicate)
	}
	var a record.Assignment
	if h.stored("assignments", "a-c1-2026-11-25-r1", &a); a.Status != "revoked" || h.shown("north.c1")["team"] != "t2" {
		t.Errorf("the stop is %s and the team %v", a.Status, h.shown("north.c1")["team"])
	}
	again, err := h.svc.One(t.Context(), boss, porto, q)
	ok(t, err)
	if !again.Duplicate || again.N != first.N || string(again.Body) != string(first.Body) {
		t.Errorf("sent again it is answered %+v, want %+v", again, first)
	}
	// One byte more, and nothing of it is there.
	h.must(Reassign{Case: "north.c1", Team: ptr("t1")})
	h.issue("r2", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c1")
	q.ID += "k"
	if _, err := h.svc.One(t.Context(), boss, porto, q); err == nil {
		t.Error("a command id that is too long was taken")
	}
	if h.stored("assignments", "a-c1-2026-11-26-r2", &a); a.Status != "open" || h.shown("north.c1")["team"] != "t1" {
		t.Errorf("the stop is %s and the team %v", a.Status, h.shown("north.c1")["team"])
	}
}

// TestWhoIsOnTheWayIsSpared has a stop that a new plan has no room for taken back, unless the team has set out for it.
func TestWhoIsOnTheWayIsSpared(t *testing.T) {
	h := newHouse(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2")
	ana := h.phone("ana", "d1")
	out := write("assignments", "a-c1-2026-11-25-r1", "patch", 1, members{"agent_status": "en_route"})
	h.want("ana sets out", ana.push(out)[0], "applied")
	for _, c := range []journal.CaseID{"north.c1", "north.c2"} {
		h.must(RevokeAssignments{Case: c, Round: "r1", Reason: "round:replanned", SpareUnderWay: true})
	}
	if ana.pull(); ana.holds("assignments") != "a-c1-2026-11-25-r1" {
		t.Errorf("the phone holds %q, want the stop she is on her way to", ana.holds("assignments"))
	}
	h.must(RevokeAssignments{Case: "north.c1", Round: "r1", Reason: "round:replanned"})
	if ana.pull(); ana.holds("assignments") != "" {
		t.Errorf("the phone holds %q after her team dropped out", ana.holds("assignments"))
	}
}
