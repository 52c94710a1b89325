package casework

import (
	"context"
	"slices"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/sync/offline"
)

// moved says in which branches agents worked before, and until when: in porto.
type moved struct {
	away
	until time.Time
}

func (moved) Formerly(context.Context, auth.UserID) ([]auth.BranchID, error) {
	return []auth.BranchID{porto}, nil
}

func (m moved) WorkedIn(_ context.Context, _ auth.UserID, at []time.Time) ([]auth.BranchID, error) {
	out := make([]auth.BranchID, len(at))
	for i := range at {
		if out[i] = "braga"; at[i].Before(m.until) {
			out[i] = porto
		}
	}
	return out, nil
}

// Whatever an agent's phone had sent before the agent moved is answered as it was, though the answer was lost:
// nothing is decided twice, and nothing waits in quarantine for a supervisor.
func TestReceiptsFollowTheAgent(t *testing.T) {
	h := newFixture(t)
	h.svc.agents = moved{}
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	done := write("visits", "v1", "put", 0, visit("north.c1", "2026-11-25T10:00:00Z"))
	note := write("visit_notes", "n1", "put", 0, members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "text": "x"})
	note.Requires = []string{done.Mid}
	bad := write("visits", "v2", "put", 0, members{"case": "north.c1", "outcome": "x"})
	first := ana.push(done, bad)
	h.want("the visit", first[0], "applied")
	h.want("a bad one", first[1], "rejected validation.outcome")

	ana.caller.Branch, ana.caller.Actor.Branches = "braga", []auth.BranchID{"braga"}
	again := ana.push(done, bad, note)
	h.want("the visit again", again[0], "duplicate")
	h.want("the bad one again", again[1], "rejected validation.outcome")
	if first[1].Quarantine == "" || again[1].Quarantine != first[1].Quarantine {
		t.Errorf("the bad one waits as %q, then as %q", first[1].Quarantine, again[1].Quarantine)
	}
	// What is new is about the day that the agent was at work in the branch that was left: it is applied there.
	if h.want("the note", again[2], "applied"); h.waiting(braga) != "" || h.waiting(porto) != "v2" {
		t.Errorf("in quarantine: %q, and in the branch that was left %q", h.waiting(braga), h.waiting(porto))
	}
	other := done
	other.Fields = write("visits", "v1", "put", 0, visit("north.c1", "2026-11-25T11:00:00Z")).Fields
	if r := ana.push(other)[0]; r.Status != offline.Rejected || r.Code != offline.CodeMidReused {
		t.Errorf("another payload under the mid: %s %s", r.Status, r.Code)
	}
}

// What the phone of an agent who was moved sends late is about the branch that was left: it is decided and kept there,
// by the case or record it names, or else by when it was written, and the new branch sees nothing of it. What belongs
// to a day of the agent's is applied, and the phone drops it.
func TestWhatWasWrittenBeforeAMoveBelongsToTheOldBranch(t *testing.T) {
	h := newFixture(t)
	h.svc.agents = moved{until: instant("2026-11-26T06:00:00Z")}
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2")
	ana := h.phone("ana", "d1")
	ana.pull()
	h.now = instant("2026-11-26T06:00:00Z")
	h.retire("2026-11-26", "retire")
	ana.caller.Branch, ana.caller.Actor.Branches = braga, []auth.BranchID{braga}
	h.now = instant("2026-11-26T09:00:00Z")
	at := func(m offline.Mutation, when string) offline.Mutation {
		m.ClientTS = instant(when)
		return m
	}
	ms := []offline.Mutation{
		at(write("visits", "v1", "put", 0, visit("north.c1", "2026-11-25T10:00:00Z")), "2026-11-25T10:10:00Z"),
		at(write("payments_reported", "p1", "put", 0, members{"case": "north.c1", "at": "2026-11-25T10:00:00Z",
			"amount_minor": 500, "currency": "EUR"}), "2026-11-25T10:10:00Z"),
		at(write("assignments", "a-c2-2026-11-25-r1", "patch", 1, members{"agent_status": "declined"}),
			"2026-11-25T10:10:00Z"),
		at(write("visit_notes", "n1", "put", 0, members{"case": "north.c9", "at": "2026-11-25T10:00:00Z", "text": "x"}),
			"2026-11-25T10:10:00Z"),
		at(write("visit_notes", "n2", "put", 0, members{"case": "north.c9", "at": "2026-11-26T08:00:00Z", "text": "x"}),
			"2026-11-26T08:00:00Z"),
	}
	for _, try := range []string{"applied", "duplicate"} {
		rs := ana.push(ms...)
		for i, want := range []string{try, "revoked", "", "revoked", "revoked"} {
			if got := said(rs[i]); want != "" && got != want {
				t.Errorf("mutation %d is answered %s, want %s", i, got, want)
			}
		}
		if old, new := h.waiting(porto), h.waiting(braga); old != "n1 p1" || new != "n2" {
			t.Errorf("in quarantine: %q in the old branch, %q in the new one", old, new)
		}
	}
	if v := h.child("north.c1", "visits", "v1"); v["by"] != "ana" {
		t.Errorf("the visit is %v", v)
	}
	ana.cursor, ana.epoch = 0, ""
	if got := ana.pull(); !slices.Contains(got, "delete visits/v1") {
		t.Errorf("the phone hears %v", got)
	}
}
