package casework

import (
	"context"
	"testing"

	"doorstep/auth"
	"doorstep/sync/offline"
)

// moved says in which branches agents worked before.
type moved struct{ away }

func (moved) Formerly(context.Context, auth.UserID) ([]auth.BranchID, error) {
	return []auth.BranchID{porto}, nil
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
	// What is new is about a case that the agent has left; what it required was applied.
	if h.want("the note", again[2], "revoked"); h.waiting("braga") != "n1" {
		t.Errorf("in quarantine: %q", h.waiting("braga"))
	}
	other := done
	other.Fields = write("visits", "v1", "put", 0, visit("north.c1", "2026-11-25T11:00:00Z")).Fields
	if r := ana.push(other)[0]; r.Status != offline.Rejected || r.Code != offline.CodeMidReused {
		t.Errorf("another payload under the mid: %s %s", r.Status, r.Code)
	}
}
