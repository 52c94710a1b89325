package casework

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

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

// Crew has every team work all day, with an agent of its own. The team t0 has no agent, and t9 does not exist.
func (works) Crew(ctx context.Context, r *journal.Reader, team, date string) (Crew, error) {
	if _, _, err := r.Doc(ctx, "teams", team); err != nil || team == "t9" {
		return Crew{}, err
	}
	c := Crew{There: true, Agents: []auth.UserID{auth.UserID("of-" + team)}, Items: []string{"badge"},
		From: instant(date + "T08:00:00Z"), To: instant(date + "T18:00:00Z")}
	if team == "t0" {
		c.Agents = nil
	}
	if date == "2026-11-30" {
		c.From, c.To = time.Time{}, time.Time{}
	}
	return c, nil
}

func TestReassigningTakesBackOnlyOtherTeams(t *testing.T) {
	h := newFixture(t)
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
		{"another team gets it", Reassign{Case: "north.c1", Team: ptr("t4")}, ""},
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
	h := newFixture(t)
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
	h := newFixture(t)
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

// A case that a supervisor gives to a team is on that team's phones at once, or the command says why it cannot be.
func TestGiveMeansGive(t *testing.T) {
	h := newFixture(t)
	h.svc.teams = works{}
	h.take(line("c1"), line("c2"), line("c3"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2")
	h.issue("r2", "t1", "2026-11-30", []auth.UserID{"ana"}, "north.c3")
	ana, eva := h.phone("ana", "d1"), h.phone("of-t2", "d2")
	ana.pull()
	h.want("declined by the other team", ana.push(write("assignments", "a-c1-2026-11-25-r1", "patch", 1,
		members{"agent_status": "declined"}))[0], "applied")
	give := func(c journal.CaseID, team string) (CaseReceipt, string) {
		body, err := h.do(Reassign{Case: c, Team: &team})
		var out CaseReceipt
		if err == nil {
			ok(t, json.Unmarshal(body, &out))
		}
		return out, code(err)
	}
	for _, c := range []struct {
		what, team string
		of         journal.CaseID
		want       string
	}{
		{"there is no such team", "t9", "north.c1", "team.not_found"},
		{"no agent can be sent out", "t0", "north.c1", "reassign.no_agent"},
		{"the team is off that day", "t2", "north.c3", "reassign.no_shift"},
	} {
		if _, got := give(c.of, c.team); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	if ana.pull(); len(ana.docs["assignments"]) != 3 {
		t.Errorf("what was refused left the phone with %s", ana.holds("assignments"))
	}
	r, got := give("north.c1", "t2")
	eva.pull()
	if got != "" || !r.Changed || r.TakenBack != 1 || eva.holds("assignments") != r.Assignment ||
		eva.holds("cases") != "north.c1" {
		t.Errorf("given: %q %+v; the phone holds %s of %s", got, r, eva.holds("assignments"), eva.holds("cases"))
	}
	if ana.pull(); ana.holds("cases") != "north.c2 north.c3" {
		t.Errorf("the other team's phone holds %s", ana.holds("cases"))
	}
	// Whoever is on the way is not called back.
	h.want("ana sets out", ana.push(write("assignments", "a-c2-2026-11-25-r1", "patch", 1,
		members{"agent_status": "en_route"}))[0], "applied")
	if _, got := give("north.c2", "t2"); got != "reassign.under_way" {
		t.Errorf("on the way: %q", got)
	}
	// At night the law forbids the visit. After the shift the team has no time for it.
	h.now = instant("2026-11-25T18:30:00Z")
	if _, got := give("north.c1", "t3"); got != "reassign.no_time" {
		t.Errorf("after the shift: %q", got)
	}
	// Given to who declined it, it is theirs again.
	h.now = instant("2026-11-26T08:30:00Z")
	h.issue("r3", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c2")
	var k record.Case
	if _, got := give("north.c1", "t1"); got != "" {
		t.Errorf("given to who declined it: %q", got)
	}
	if h.stored("cases", "north.c1", &k); k.DeclinedNow != 0 || k.Declined[0].EndedBy != "boss" || k.Team != "t1" {
		t.Errorf("the case remembers %+v and is of %s", k.Declined, k.Team)
	}
}
