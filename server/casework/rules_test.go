package casework

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/sync/offline"

	"github.com/google/uuid"
)

// ruled is a fixture for the rules of sync/README.md: an agent with two phones, and a colleague, who hold a case.
func ruled(t *testing.T) (h *fixture, one, two, colleague *phone, stop string) {
	t.Helper()
	h = newFixture(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	one, two, colleague = h.phone("ana", "d1"), h.phone("ana", "d2"), h.phone("rui", "d3")
	for _, p := range []*phone{one, two, colleague} {
		p.pull()
	}
	return h, one, two, colleague, "a-c1-2026-11-25-r1"
}

var ruleNote = members{"case": "north.c1", "at": "2026-11-25T09:00:00Z", "text": "a dog"}

func TestP5ADevicesOwnWritesComeBack(t *testing.T) {
	h, one, _, _, _ := ruled(t)
	h.want("a note", one.put("visit_notes", "n1", ruleNote), "applied")
	if got := one.pull(); !slices.Equal(got, []string{"put visit_notes/n1"}) {
		t.Errorf("the phone heard %v", got)
	}
}

func TestM1AMidHasOneEffectAndOneAnswer(t *testing.T) {
	h, one, two, colleague, _ := ruled(t)
	m := write("visit_notes", "n1", "put", 0, ruleNote)
	h.want("first", one.push(m)[0], "applied")
	spelled := m
	spelled.Fields = []byte(`{ "text":"a\u0020dog", "at":"2026-11-25T10:00:00+01:00", "visit":null, "case":"north.c1" }`)
	h.want("the same in another spelling, from the other phone", two.push(spelled)[0], "duplicate")
	other := m
	other.Fields = raw(ruleNote.with("text", "a cat"))
	h.want("another meaning", one.push(other)[0], "rejected mid_reused")
	h.want("the same record under another mid", one.put("visit_notes", "n1", ruleNote), "duplicate")
	// A, B, A again: three writes, not two.
	for i, order := range []int{1, 2, 1} {
		h.want(fmt.Sprint("toggle ", i), colleague.push(write("assignments", "a-c1-2026-11-25-r1", "patch", 1,
			members{"visit_order": order}))[0], "applied")
	}
	if a := h.child("north.c1", "assignments", "a-c1-2026-11-25-r1"); a["visit_order"] != 1.0 {
		t.Errorf("after A, B, A the stop has %v", a["visit_order"])
	}
}

func TestM2WhatIsAnsweredIsDurableRefusalsToo(t *testing.T) {
	h, one, _, _, _ := ruled(t)
	ms := []offline.Mutation{write("visit_notes", "n1", "put", 0, ruleNote),
		write("visit_notes", "n2", "put", 0, ruleNote.with("text", 7)),
		write("cases", "north.c1", "patch", 1, members{"a": 1})}
	one.push(ms...)
	for i := range ms {
		receipts, err := h.store.Receipts(context.Background(), porto, []string{"m:ana:" + ms[i].Mid})
		ok(t, err)
		if receipts[0].Command == "" {
			t.Errorf("nothing durable is known of mutation %d", i)
		}
	}
}

func TestM3OneThatFailsDoesNotStopTheRest(t *testing.T) {
	h, one, _, _, stop := ruled(t)
	rs := one.push(write("visit_notes", "n1", "put", 0, ruleNote.with("text", 7)), write("visit_notes", "n2", "put", 0,
		ruleNote), write("assignments", stop, "patch", 1, members{"visit_order": 1}), write("assignments", stop, "patch", 1,
		members{"visit_order": 2}))
	for i, want := range []string{"rejected validation.type", "applied", "applied", "applied"} {
		h.want(fmt.Sprint(i), rs[i], want)
	}
	if a := h.child("north.c1", "assignments", stop); a["visit_order"] != 2.0 {
		t.Errorf("two edits of one record were applied in another order: %v", a["visit_order"])
	}
}

// M4: the first answer was lost, and the next edit was made on the same revision.
func TestM4ADeviceNeverConflictsWithItself(t *testing.T) {
	h, one, two, _, stop := ruled(t)
	less := offered.with("request", promiseOn("2026-12-22"))
	for _, c := range []struct {
		what, typ, id string
		first, next   offline.Mutation
	}{
		{"a stop", "assignments", stop, write("assignments", stop, "patch", 1, members{"agent_remark": "a"}),
			write("assignments", stop, "patch", 1, members{"agent_remark": "b"})},
		{"a plan", "plans", "p1", write("plans", "p1", "put", 0, offered), write("plans", "p1", "put", 0, less)},
		{"a draft", "drafts", "w1", write("drafts", "w1", "put", 0, draft(members{"a": 1})),
			write("drafts", "w1", "patch", 0, members{"a": 2})},
	} {
		h.want(c.what, one.push(c.first)[0], "applied")
		h.want(c.what+", edited again", one.push(c.next)[0], "applied")
		c.next.Mid = uuid.NewString()
		switch c.typ { // a third value
		case "assignments":
			c.next.Fields = raw(members{"agent_remark": "c"})
		case "plans":
			c.next.Fields = raw(offered.with("request", promiseOn("2026-12-23")))
		case "drafts":
			c.next.Fields = raw(members{"a": 3})
		}
		h.want(c.what+", from another phone on that revision", two.push(c.next)[0], "conflict stale")
	}
}

func TestM5FieldsAreMergedByTheRevisionThatWroteThem(t *testing.T) {
	h, one, two, colleague, stop := ruled(t)
	patch := func(p *phone, base uint64, f members) offline.Result {
		return p.push(write("assignments", stop, "patch", base, f))[0]
	}
	h.want("one", patch(one, 1, members{"visit_order": 3}), "applied")
	h.want("another field", patch(two, 1, members{"agent_remark": "x"}), "merged")
	h.want("an equal value", patch(colleague, 1, members{"visit_order": 3}), "applied")
	h.want("the same field", patch(colleague, 1, members{"visit_order": 4}), "conflict stale")
	h.want("the same field, seen", patch(colleague, 2, members{"visit_order": 4}), "merged")
	if a := h.child("north.c1", "assignments", stop); a["visit_order"] != 4.0 || a["agent_remark"] != "x" {
		t.Errorf("merged it is %v", a)
	}
}

func TestM6WhatIsNotAppliedComesBackAsItIs(t *testing.T) {
	h, one, _, colleague, stop := ruled(t)
	h.want("the colleague's", colleague.push(write("assignments", stop, "patch", 1, members{"visit_order": 3}))[0],
		"applied")
	one.pull()
	h.want("a conflict", one.push(write("assignments", stop, "patch", 1, members{"visit_order": 4}))[0], "conflict stale")
	h.want("a refused create", one.put("visit_notes", "n1", ruleNote.with("text", 7)), "rejected validation.type")
	h.want("another's id", one.put("visit_notes", "n2", ruleNote.with("case", "north.c2")), "revoked")
	if got := one.pull(); !slices.Contains(got, "put assignments/"+stop) ||
		!slices.Contains(got, "delete visit_notes/n1") {
		t.Errorf("the phone heard %v", got)
	}
	h.must(Reassign{Case: "north.c1", Team: new("t9")})
	one.pull()
	h.want("a stop that was taken back", one.push(write("assignments", stop, "patch", 2, members{"visit_order": 5}))[0],
		"revoked")
	if got := one.pull(); !slices.Equal(got, []string{"revoke assignments/" + stop}) {
		t.Errorf("of a stop that was taken back the phone heard %v", got)
	}
	eva := h.phone("eva", "d4")
	h.want("a stranger's stop", eva.push(write("assignments", stop, "patch", 2, members{"visit_order": 5}))[0], "revoked")
	if got := eva.pull(); len(got) > 0 {
		t.Errorf("of a stranger's stop the phone heard %v", got)
	}
}

func TestM7DeletingWhatIsNotThereIsDone(t *testing.T) {
	h, one, _, _, _ := ruled(t)
	for _, c := range []struct{ typ, id string }{{"visit_notes", "n9"}, {"cases", "north.c2"}, {"drafts", "w9"}} {
		h.want(c.typ, one.push(write(c.typ, c.id, "delete", 4, nil))[0], "applied")
	}
}

func TestM8AReplayIsAnsweredWithoutAnEntry(t *testing.T) {
	h, one, _, _, stop := ruled(t)
	ms := []offline.Mutation{write("visit_notes", "n1", "put", 0, ruleNote), write("visit_notes", "n2", "put", 0,
		ruleNote.with("text", 7)), write("assignments", stop, "patch", 1, members{"visit_order": 3}),
		write("wishes", "x1", "put", 0, members{"a": 1})}
	first := one.push(ms...)
	before, err := h.store.Watermark(context.Background(), porto)
	ok(t, err)
	for range 20 {
		for i, r := range one.push(ms...) {
			if strings.Replace(said(r), "duplicate", "applied", 1) != said(first[i]) || r.Quarantine != first[i].Quarantine {
				t.Fatalf("a replay of %d is answered %s %s, was %s %s", i, said(r), r.Quarantine, said(first[i]),
					first[i].Quarantine)
			}
		}
	}
	after, err := h.store.Watermark(context.Background(), porto)
	ok(t, err)
	if after != before {
		t.Errorf("20 replays made %d entries", after-before)
	}
}
