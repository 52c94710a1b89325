package casework

import (
	"context"
	"encoding/json"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
)

// as runs a command as another user and gives its receipt.
func (h *fixture) as(who auth.Actor, cmd Cmd) (map[string]any, error) {
	h.t.Helper()
	h.n++
	r, err := h.svc.One(context.Background(), who, porto, Request{ID: madeID("test", string(who.User), string(rune(h.n))),
		Cmd: cmd})
	out := map[string]any{}
	if err == nil && r.Body != nil {
		ok(h.t, json.Unmarshal(r.Body, &out))
	}
	return out, err
}

// TestWhatTheDebtorAskedForEndsBySecondPerson asks for the end of holds and agrees to it.
func TestWhatTheDebtorAskedForEndsBySecondPerson(t *testing.T) {
	second := auth.Actor{User: "second", Role: auth.RoleSupervisor, Branches: []auth.BranchID{porto}}
	for _, c := range []struct {
		kind, source string
		two          bool
	}{
		{"cease_visit", "", true}, {"complaint", "", true}, {"dispute", "", true}, {"represented", "", true},
		{"stop", "", false}, {"vulnerable", "", false}, {"vulnerable", "visit:v1", true}, {"stop", "consent:x", true},
	} {
		t.Run(c.kind+" "+c.source, func(t *testing.T) {
			h := newFixture(t)
			h.take(line("c1"))
			id := h.must(OpenHold{Case: "north.c1", Kind: c.kind, Source: c.source})["hold_id"].(string)
			release := ReleaseHold{Case: "north.c1", Hold: id, Reason: "looked into"}
			binds := func() bool {
				k := h.openCase("north.c1")
				return len(k.OpenHolds("2026-11-25")) > 0
			}
			first := h.must(release)
			if !c.two {
				if first["state"] != record.HoldReleased || binds() {
					t.Fatalf("one person is answered %v; binds: %t", first, binds())
				}
				return
			}
			again := h.must(release) // the same person does not count as the second
			if first["state"] != record.HoldEnding || again["state"] != record.HoldEnding || !binds() {
				t.Fatalf("one person is answered %v, then %v; binds: %t", first, again, binds())
			}
			if r := h.must(KeepHold{Case: "north.c1", Hold: id}); r["state"] != record.HoldOpen {
				t.Errorf("taken back: %v", r)
			}
			if r, err := h.as(second, release); err != nil || r["state"] != record.HoldEnding || !binds() {
				t.Errorf("after it was taken back, the next is the first to ask: %v, %v", r, err)
			}
			if r := h.must(release); r["state"] != record.HoldReleased || binds() {
				t.Errorf("two people are answered %v; binds: %t", r, binds())
			}
			if got := h.openCase("north.c1").AllHolds()[0].Released; got.By != "boss" || got.AskedBy != "second" {
				t.Errorf("it was released by %q, asked for by %q", got.By, got.AskedBy)
			}
			if _, err := h.do(KeepHold{Case: "north.c1", Hold: id}); code(err) != "hold.released" {
				t.Errorf("an ended hold is kept: %v", err)
			}
			if _, err := h.do(KeepHold{Case: "north.c1", Hold: "h-none"}); code(err) != "hold.not_found" {
				t.Errorf("a hold that is none is kept: %v", err)
			}
		})
	}
}
