package casework

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Where the law asks for two agents, two are who the stop was issued to; a name that was
// typed is kept, and proves nothing. A missing list is the sender alone.
func TestAgentsAreThoseWhoWereSent(t *testing.T) {
	sent := Filed[record.Assignment]{ID: "a1", State: record.Assignment{AssignmentFound: record.AssignmentFound{
		Agents: []auth.UserID{"ana", "rui"}, Date: "2026-11-25"}}}
	for name, c := range map[string]struct {
		assignment string
		named      []auth.UserID
		present    []auth.UserID
		strangers  bool
	}{
		"both":                 {"a1", []auth.UserID{"ana", "rui"}, []auth.UserID{"ana", "rui"}, false},
		"only the other named": {"a1", []auth.UserID{"rui"}, []auth.UserID{"ana", "rui"}, false},
		"an invented name":     {"a1", []auth.UserID{"ana", "zhang"}, []auth.UserID{"ana"}, true},
		"the same twice":       {"a1", []auth.UserID{"ana", "ana"}, []auth.UserID{"ana"}, true},
		"one":                  {"a1", []auth.UserID{"ana"}, []auth.UserID{"ana"}, false},
		"no list":              {"a1", nil, []auth.UserID{"ana"}, false},
		"no assignment":        {"", []auth.UserID{"ana", "rui"}, []auth.UserID{"ana"}, true},
	} {
		f := &File{Assignments: []Filed[record.Assignment]{sent}}
		if c.assignment == "" {
			f.Assignments = nil
		}
		v := &record.Visit{VisitReport: record.VisitReport{Assignment: c.assignment},
			VisitFound: record.VisitFound{Taken: record.Taken{By: "ana"}, On: "2026-11-25"}}
		for _, id := range c.named {
			v.Agents = append(v.Agents, record.VisitAgent{Agent: id})
		}
		if got := present(f, v, nil); !slices.Equal(got, c.present) {
			t.Errorf("%s: %v count, want %v", name, got, c.present)
		}
		if got := present(f, v, []auth.UserID{"rui"}); !slices.Equal(got, []auth.UserID{"ana"}) {
			t.Errorf("%s: without rui %v count", name, got)
		}
		if got := len(agentFlags(f, v, nil)) > 0; got != c.strangers {
			t.Errorf("%s: strangers: %t", name, got)
		}
	}
}

// away says who could not work until when.
type away map[auth.UserID]time.Time

func (a away) Absent(_ context.Context, _ auth.BranchID, users []auth.UserID, at time.Time) ([]auth.UserID, error) {
	var out []auth.UserID
	for _, u := range users {
		if since, ok := a[u]; ok && !at.Before(since) {
			out = append(out, u)
		}
	}
	return out, nil
}

func (a away) Formerly(context.Context, auth.UserID) ([]auth.BranchID, error) { return nil, nil }

func (a away) WorkedIn(_ context.Context, _ auth.UserID, at []time.Time) ([]auth.BranchID, error) {
	return make([]auth.BranchID, len(at)), nil
}

// An agent who was disabled or elsewhere when the visit was made does not count, though the stop had
// been issued to them; who left afterwards does, however late the visit comes.
func TestAgentsWhoCouldNotWorkDoNotCount(t *testing.T) {
	for name, c := range map[string]struct {
		since string
		flags string
	}{
		"before the visit": {"2026-11-25T10:00:00Z", "agent_not_active"},
		"after it":         {"2026-11-25T10:00:01Z", ""},
	} {
		h := newFixture(t)
		h.svc.agents = away{"rui": instant(c.since), "ana": instant("2026-11-25T00:00:00Z")}
		h.take(line("c1"))
		h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
		h.now = instant("2026-11-25T13:00:00Z")
		h.want(name, h.phone("ana", "d1").put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "agents",
			[]members{{"agent_id": "ana"}, {"agent_id": "rui"}})), "applied")
		if got := h.flags("v1"); got != c.flags {
			t.Errorf("%s: flagged %q, want %q", name, got, c.flags)
		}
	}
}

// The second agent says from their own phone that they were there, and no other agent can.
func TestTheSecondAgentConfirms(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui", "eva"}, "north.c1", "north.c2")
	ana, rui, eva := h.phone("ana", "d1"), h.phone("rui", "d2"), h.phone("eva", "d3")
	confirm := func(c, visit string) members {
		return members{"case": c, "visit": visit, "at": "2026-11-25T10:30:00Z"}
	}
	h.want("before the visit came", rui.put("visit_confirmations", "k0", confirm("north.c1", "v1")),
		"rejected confirmation.visit")
	h.want("the visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "agents",
		[]members{{"agent_id": "ana"}, {"agent_id": "rui"}})), "applied")
	h.want("its author", ana.put("visit_confirmations", "k1", confirm("north.c1", "v1")), "rejected confirmation.visit")
	h.want("who is not named", eva.put("visit_confirmations", "k2", confirm("north.c1", "v1")),
		"rejected confirmation.visit")
	h.want("another case", rui.put("visit_confirmations", "k3", confirm("north.c2", "v1")), "rejected confirmation.visit")
	h.want("no visit", rui.put("visit_confirmations", "k4", members{"case": "north.c1", "at": "2026-11-25T10:30:00Z"}),
		"rejected validation.visit")
	confirmed := h.child("north.c1", "visits", "v1")
	if got := string(jsonOf(t, []any{confirmed["confirmed_by"], confirmed["unconfirmed_agents"]})); got !=
		`[[],["rui"]]` {
		t.Errorf("before that it is shown as %s", got)
	}
	h.want("the second", rui.put("visit_confirmations", "k5", confirm("north.c1", "v1")), "applied")
	if by := h.child("north.c1", "visit_confirmations", "k5")["by"]; by != "rui" {
		t.Errorf("confirmed by %v", by)
	}
	confirmed = h.child("north.c1", "visits", "v1")
	if got := string(jsonOf(t, []any{confirmed["confirmed_by"], confirmed["unconfirmed_agents"]})); got !=
		`[[{"at":"2026-11-25T10:30:00Z","by":"rui"}],[]]` {
		t.Errorf("the visit is shown as %s", got)
	}
	if ana.pull(); ana.holds("visit_confirmations") != "k5" {
		t.Errorf("ana's phone holds %s", ana.holds("visit_confirmations"))
	}
}

// Where the law asks for two agents, a visit is flagged until the second one confirms it from their own phone. What the
// office, the lists, the inbox and the phones show is what holds then; what is stored does not change.
func TestAVisitIsFlaggedUntilTheSecondAgentConfirms(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1", "profile", "cn", "country", "CN", "time_zone", "", "currency", "CNY", "lon", "114.06",
		"lat", "22.55"), line("c2"))
	route := IssueRoute{Round: "r1", Route: "r1.t1", Team: "t1", Date: "2026-11-25", Agents: []auth.UserID{"ana", "rui"},
		Items: []string{"badge", "authorisation_letter"}, Recording: true}
	for i, c := range []journal.CaseID{"north.c1", "north.c2"} {
		route.Stops = append(route.Stops, IssuedStop{Case: c, Assignment: "a" + string(c), Seq: i + 1,
			ETA: instant("2026-11-25T10:00:00Z"), ServiceS: 1200})
	}
	if got := h.must(route); got["new"] != 2.0 {
		t.Fatalf("issued: %v", got)
	}
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	both := []members{{"agent_id": "ana"}, {"agent_id": "rui"}}
	h.now = instant("2026-11-25T11:00:00Z")
	h.want("a visit by two", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "agents", both, "items",
		[]string{"badge", "authorisation_letter"}, "recording", members{"media": "audio"})), "applied")
	h.want("one where one would do", ana.put("visits", "v2", visit("north.c2", "2026-11-25T10:30:00Z", "agents", both)),
		"applied")
	if got := h.flags("v1") + "," + h.flags("v2"); got != "agent_unconfirmed," {
		t.Fatalf("flagged %s", got)
	}
	shown := func() string {
		t.Helper()
		var out []string
		for _, flagged := range []bool{false, true} {
			p, err := h.svc.Visits(t.Context(), boss, VisitQuery{Branch: porto, Flagged: flagged})
			ok(t, err)
			out = append(out, list(t, p, "id"), list(t, p, "flags"))
		}
		counts, err := h.svc.InboxCounts(t.Context(), boss, porto)
		ok(t, err)
		for _, c := range counts {
			if c.Kind == todoVisit {
				out = append(out, fmt.Sprint(c.Count))
			}
		}
		for _, p := range []*phone{ana, rui} {
			p.pull()
			out = append(out, fmt.Sprint(p.docs["visits"]["v1"]["flags"]))
		}
		return strings.Join(append(out, fmt.Sprint(h.child("north.c1", "visits", "v1")["flags"])), " | ")
	}
	const before = "v2 v1 | <nil> [agent_unconfirmed] | v1 | [agent_unconfirmed] | 1 | [agent_unconfirmed] | " +
		"[agent_unconfirmed] | [agent_unconfirmed]"
	if got := shown(); got != before {
		t.Errorf("before: %s\nwant    %s", got, before)
	}
	h.want("the second", rui.put("visit_confirmations", "k1", members{"case": "north.c1", "visit": "v1",
		"at": "2026-11-25T10:40:00Z"}), "applied")
	const after = "v2 v1 | <nil> <nil> |  |  | 0 | <nil> | <nil> | <nil>"
	if got := shown(); got != after {
		t.Errorf("after: %s\nwant   %s", got, after)
	}
	if got := h.flags("v1"); got != "agent_unconfirmed" {
		t.Errorf("stored is %q", got)
	}
}

// A stop takes only the steps of the table; two phones telling of one stop make no task.
func TestTheStepsOfAStop(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	status := func(p *phone, to any) string {
		rev := h.stored("assignments", "a-c1-2026-11-25-r1", &record.Assignment{}).Rev
		r := p.push(write("assignments", "a-c1-2026-11-25-r1", "patch", rev, members{"agent_status": to}))[0]
		return said(r)
	}
	for i, step := range []struct {
		p    *phone
		to   any
		want string
	}{
		{ana, "accepted", "applied"}, {rui, "accepted", "applied"}, {ana, "declined", "applied"},
		{ana, "at_door", "rejected assignment.step"}, {ana, nil, "rejected assignment.step"},
		{ana, "accepted", "applied"}, {ana, "at_door", "applied"}, {ana, "en_route", "applied"},
		{ana, "visited", "applied"}, {rui, "at_door", "rejected assignment.step"},
		{rui, "accepted", "rejected assignment.step"}, {rui, "declined", "rejected assignment.step"},
	} {
		if got := status(step.p, step.to); got != step.want {
			t.Errorf("%d: %v: %s, want %s", i, step.to, got, step.want)
		}
	}
	if a := h.child("north.c1", "assignments", "a-c1-2026-11-25-r1"); a["agent_status"] != "visited" {
		t.Errorf("the stop is %v", a["agent_status"])
	}
	if got := h.quarantined(); got != "" {
		t.Errorf("a supervisor is to look at %s", got)
	}
}
