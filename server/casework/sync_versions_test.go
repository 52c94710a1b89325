package casework

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
)

// An app of an older version pulls what it knows, and what it sends back erases nothing newer. Once it is updated it
// pulls to the end and then from 0, and has the members and kinds that its version brought.
func TestAnOldAppPullsWhatItKnowsAndErasesNothing(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	stop := "a-c1-2026-11-25-r1"
	now, old := h.phone("ana", "d1"), h.phone("ana", "d2")
	old.caller.Schema = 1
	plan := offered.with("hardship", members{"reason": "001"})
	for what, m := range map[string]any{
		"a note": now.put("visit_notes", "n1", least["visit_notes"].with("kind", "hardship")),
		"a plan": now.put("plans", "p1", plan), "a draft": now.put("drafts", "w1", draft(members{"a": 1})),
		"a stop": now.push(write("assignments", stop, "patch", 1, members{"agent_status": "declined",
			"decline_reason": "unwell"}))[0]} {
		if !strings.Contains(fmt.Sprintf("%+v", m), "Status:applied") {
			t.Fatalf("%s: %+v", what, m)
		}
	}
	got := old.pull()
	has := func(p *phone, typ, id, member string) any { return p.docs[typ][id][member] }
	if slices.Contains(got, "put drafts/w1") || has(old, "visit_notes", "n1", "kind") != "general" ||
		has(old, "plans", "p1", "hardship") != nil || has(old, "assignments", stop, "decline_reason") != nil {
		t.Errorf("version 1 pulls %v: %v", got, old.docs)
	}
	m, err := h.sync.Manifest(t.Context(), old.caller, "drafts")
	ok(t, err)
	if len(m.Records) > 0 {
		t.Errorf("version 1 is told of %v", m.Records)
	}

	back := func(typ, id string) members { return members(old.docs[typ][id]) }
	h.want("a note as it was pulled", old.put("visit_notes", "n1", back("visit_notes", "n1")), "duplicate")
	h.want("a plan as it was pulled", old.put("plans", "p1", back("plans", "p1")), "duplicate")
	changed := back("plans", "p1").with("instalments", []members{{"due_on": "2026-12-22", "amount_minor": 60000}})
	h.want("a plan with days that its request does not give", old.push(write("plans", "p1", "put", 1, changed))[0],
		"rejected plan.instalments")
	h.want("a new plan of an app that sends no request", old.put("plans", "p2", members{"case": "north.c1",
		"kind": "ptp_single", "currency": "EUR", "total_minor": 60000, "state": "offered", "at": "2026-11-25T10:00:00Z",
		"instalments": []members{{"due_on": "2026-12-22", "amount_minor": 60000}}}), "rejected validation.request")
	h.want("a changed plan", old.push(write("plans", "p1", "put", 1, back("plans", "p1").with("state", "accepted")))[0],
		"applied")
	p := h.child("north.c1", "plans", "p1")
	if hard, _ := p["hardship"].(map[string]any); hard["reason"] != "001" {
		t.Errorf("a plan that an older app changed says of the hardship %v", p["hardship"])
	}
	refused := old.put("visit_notes", "n1", back("visit_notes", "n1").with("text", "other"))
	h.want("evidence that was changed", refused, "rejected append_only")
	if got := string(refused.Doc); !strings.Contains(got, `"general"`) {
		t.Errorf("version 1 is answered %s", got)
	}
	old.caller.Schema = 2
	h.want("a stop with what was pulled", old.push(write("assignments", stop, "patch", 9,
		members{"decline_reason": "other", "agent_remark": "x"}))[0], "merged")
	if a := h.child("north.c1", "assignments", stop); a["decline_reason"] != "unwell" || a["agent_remark"] != "x" {
		t.Errorf("the stop says %v", a)
	}

	old.caller.Schema = record.Schema
	old.pull()
	old.cursor = 0
	old.pull()
	if has(old, "visit_notes", "n1", "kind") != "hardship" || old.content("w1") != "map[a:1]" ||
		has(old, "assignments", stop, "decline_reason") != "unwell" {
		t.Errorf("updated, the app has %v", old.docs)
	}
}
