package casework

import (
	"context"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// A time that no entry can hold refuses its own mutation; what was sent is kept, the
// rest of the push is taken, and a journal that is opened anew reads all of it.
func TestAClaimedTimeBeyond9999RefusesItsMutationOnly(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	note := members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "text": "a dog"}
	late := write("visit_notes", "n1", "put", 0, note)
	late.ClientTS = time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600))
	got := ana.push(late, write("visit_notes", "n2", "put", 0, note.with("text", "a cat")))
	h.want("the year 10000", got[0], "rejected validation.client_ts")
	if got[0].Quarantine == "" {
		t.Error("what was sent is not kept")
	}
	h.want("the note after it", got[1], "applied")
	j := journal.Open(h.store, journal.Options{})
	defer func() { ok(t, j.Close(context.Background())) }()
	ok(t, j.Each(context.Background(), porto, 0, func(journal.Entry) error { return nil }))
}
