package casework

import (
	"context"
	"fmt"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/offline"
)

// without is record.KindOf as of a server that does not know a kind yet, and with the kind as of one that was updated.
func (h *fixture) without(name string) {
	h.svc.kindOf = func(n string) (record.Kind, bool) {
		if n == name {
			return record.Kind{}, false
		}
		return record.KindOf(n)
	}
}

func (h *fixture) updated(name string) {
	h.svc.kindOf = func(n string) (record.Kind, bool) {
		k, known := record.KindOf(n)
		if n == name {
			k.Since = 2
		}
		return k, known
	}
}

// waits is the state of a copy.
func (h *fixture) waits(r offline.Result) string {
	h.t.Helper()
	var q record.Quarantined
	h.stored("quarantine", r.Quarantine, &q)
	return q.State
}

// not_yet: what a newer app sends is kept by the phone, and by the server beside it; the same mid is decided once the
// server knows the type.
func TestNotYetIsDecidedOnceTheServerKnowsTheType(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	note := members{"case": "north.c1", "at": "2026-11-25T09:00:00Z", "text": "a dog"}
	h.without("visit_notes")
	first, lost := write("visit_notes", "n1", "put", 0, note), write("visit_notes", "n2", "put", 0, note)
	child := write("consents", "k1", "put", 0, members{"case": "north.c1", "at": "2026-11-25T09:00:00Z",
		"scope": "home_entry", "status": "refused"})
	child.Requires = []string{first.Mid}
	rs := ana.push(first, lost, child)
	for i, r := range rs {
		h.want(fmt.Sprint("a type that is not known, and what requires it: ", i), r, "not_yet unknown_type")
		if r.Quarantine == "" || h.waits(r) != "waiting" {
			t.Fatalf("no copy of %d waits", i)
		}
	}
	again := ana.push(first)[0]
	h.want("offered again", again, "not_yet unknown_type")
	if again.Quarantine != rs[0].Quarantine {
		t.Errorf("offered again there are two copies: %s and %s", rs[0].Quarantine, again.Quarantine)
	}
	h.want("what requires it, in a later push", ana.push(child)[0], "not_yet unknown_type")
	if got := h.quarantined(); got != "" {
		t.Errorf("a supervisor is asked about %s", got)
	}
	if _, err := h.do(HandleQuarantine{ID: rs[1].Quarantine, Accept: true}); code(err) != "quarantine.not_applicable" {
		t.Errorf("accepted without knowing the type: %v", err)
	}

	h.updated("visit_notes")
	h.want("offered to the updated server", ana.push(first)[0], "applied")
	h.want("once more", ana.push(first)[0], "duplicate")
	h.want("what requires it", ana.push(child)[0], "applied")
	if got := h.waits(rs[0]) + " " + h.waits(rs[2]); got != "settled settled" {
		t.Errorf("the copies of what was applied are %s", got)
	}
	if got := h.child("north.c1", "visit_notes", "n1")["text"]; got != "a dog" {
		t.Errorf("applied is %v", got)
	}
	// The phone was lost: a supervisor accepts the copy.
	h.must(HandleQuarantine{ID: rs[1].Quarantine, Accept: true})
	if got := h.child("north.c1", "visit_notes", "n2")["by"]; got != "ana" {
		t.Errorf("the accepted copy is of %v", got)
	}
	h.want("and the phone was found again", ana.push(lost)[0], "duplicate")
}

// Copies are bounded: beyond the bound the phone alone has what it sent, and is told to keep it all the same.
func TestCopiesOfWhatWaitsAreBounded(t *testing.T) {
	h := newFixture(t)
	ana := h.phone("ana", "d1")
	var last offline.Result
	for sent := 0; sent < mostWaiting+1; sent += 167 {
		var ms []offline.Mutation
		for i := range 167 {
			ms = append(ms, write("wishes", fmt.Sprint("w", sent+i), "put", 0, members{"n": i}))
		}
		rs := ana.push(ms...)
		h.want("the first of a push", rs[0], "not_yet unknown_type")
		last = rs[166]
		h.want("the last of a push", last, "not_yet unknown_type")
	}
	if last.Quarantine != "" {
		t.Errorf("more than %d copies are kept", mostWaiting)
	}
	if r := h.phone("rui", "d2").put("wishes", "w1", members{}); r.Quarantine == "" {
		t.Error("the bound of one agent is that of another")
	}
	page, err := h.svc.Quarantine(context.Background(), boss, porto, "waiting", 0, "")
	ok(t, err)
	if len(page.Items) == 0 {
		t.Error("the copies are not listed")
	}
}
