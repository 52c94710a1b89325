package casework

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// limited are lenders with a limit of contacts.
type limited struct{ contacts, days int }

func (l limited) Contracts(context.Context, string) ([]auth.BranchID, bool, error) {
	return []auth.BranchID{porto}, true, nil
}

func (l limited) AddLender(context.Context, auth.UserID, string, auth.BranchID) error { return nil }

func (l limited) ContactLimit(_ context.Context, lender string) (int, int, error) {
	if lender != "north" {
		return 0, 0, nil
	}
	return l.contacts, l.days, nil
}

// loadHolds are the holds of a case for the load of contacts, as "from-until", and other kinds by their name.
func (h *fixture) loadHolds(c journal.CaseID) string {
	h.t.Helper()
	var out []string
	holds, _ := h.shown(c)["holds"].([]any)
	for _, x := range holds {
		hold := x.(map[string]any)
		if hold["kind"] != loadHold {
			out = append(out, fmt.Sprint(hold["kind"]))
			continue
		}
		out = append(out, fmt.Sprintf("%v-%v", hold["since"], hold["until"]))
	}
	return strings.Join(out, " ")
}

// A case is left alone once its debtor was contacted as often as the lender allows, in all cases of theirs, until one
// more contact is within the limit. What does not count does not stop it.
func TestTheLoadOfContactsStopsACase(t *testing.T) {
	h := newFixture(t)
	h.svc.lenders = limited{contacts: 3, days: 7}
	h.take(line("c1", "debtor_ref", "D1"), line("c2", "debtor_ref", "D1"), line("c3"),
		line("c4", "lender", "south", "debtor_ref", "D4"))
	h.issue("r1", "west-team", "2026-11-26", []auth.UserID{"ana"}, "north.c2")
	call := func(c journal.CaseID, id, at, result string) {
		t.Helper()
		h.must(RecordContact{Case: c, ID: id, Channel: "call", At: instant(at), Result: result})
	}
	call("north.c1", "old", "2026-11-18T09:00:00Z", "no_answer") // the day before the first of the seven
	call("north.c1", "failed", "2026-11-24T09:00:00Z", "failed")
	call("north.c1", "a", "2026-11-19T09:00:00Z", "no_answer")
	call("north.c2", "b", "2026-11-24T09:00:00Z", "answered")
	call("north.c2", "b", "2026-11-24T09:00:00Z", "answered") // it is the same one
	for _, c := range []journal.CaseID{"south.c4"} {
		for i := range 5 {
			call(c, fmt.Sprint(i), "2026-11-24T09:00:00Z", "no_answer")
		}
	}
	for _, c := range []journal.CaseID{"north.c1", "north.c2", "north.c3", "south.c4"} {
		if got := h.loadHolds(c); got != "" {
			t.Errorf("below the limit %s is held: %s", c, got)
		}
	}
	call("north.c1", "c", "2026-11-25T08:00:00Z", "no_answer")
	// On the 26th the contact of the 19th no longer counts.
	for c, want := range map[journal.CaseID]string{"north.c1": "2026-11-25-2026-11-25",
		"north.c2": "2026-11-25-2026-11-25", "north.c3": "", "south.c4": ""} {
		if got := h.loadHolds(c); got != want {
			t.Errorf("at the limit the holds of %s are %q, want %q", c, got, want)
		}
	}
	if got := h.inboxNow(); !strings.Contains(got, "load_stops: north.c1") || !strings.Contains(got, ", north.c2/h") {
		t.Errorf("the inbox shows %s", got)
	}
	// The stop of the other case has left the phones.
	recs, err := h.store.Records(context.Background(), porto,
		[]journal.DocRef{{Type: "assignments", ID: "a-c2-2026-11-26-r1"}})
	ok(t, err)
	if got := string(recs[0].Body); !strings.Contains(got, `"status":"revoked"`) {
		t.Errorf("the stop on the phones: %s", got)
	}
	// Another contact is a fact, and holds the case for longer.
	call("north.c1", "d", "2026-11-25T08:30:00Z", "no_answer")
	if got := h.loadHolds("north.c1"); got != "2026-11-25-2026-11-25 2026-11-25-2026-11-30" {
		t.Errorf("above the limit: %s", got)
	}
	h.now = instant("2026-12-01T09:00:00Z")
	if got := h.inboxNow(); strings.Contains(got, "load_stops") {
		t.Errorf("when it is over the inbox shows %s", got)
	}
	var f record.Case
	recs, err = h.store.Records(context.Background(), porto, []journal.DocRef{{Type: "cases", ID: "north.c1"}})
	ok(t, err)
	ok(t, decode(recs[0], &f))
	ok(t, h.vault.OpenDoc(context.Background(), f.Debtor, porto, "cases", "north.c1", &f))
	if open := f.OpenHolds("2026-12-01"); len(open) != 0 {
		t.Errorf("when it is over it is held: %v", open)
	}
	if !OnlyLoadStops(f.OpenHolds("2026-11-30")) || OnlyLoadStops([]record.Hold{{Kind: "stop"}}) {
		t.Error("the reason that may be told is not told, or another one is")
	}
}

// A visit counts as a contact, and its own effects stand beside the stop.
func TestAVisitMayFillTheLimit(t *testing.T) {
	h := newFixture(t)
	h.svc.lenders = limited{contacts: 1, days: 2}
	h.take(line("c1"))
	h.issue("r1", "west-team", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.must(RecordVisit{ID: "v1", Visit: &record.Visit{VisitReport: record.VisitReport{Case: "north.c1",
		At: instant("2026-11-25T08:30:00Z"), Outcome: "MET_DISPUTE"}}, From: record.Sent{By: "ana"}})
	if got := h.loadHolds("north.c1"); got != "dispute 2026-11-25-2026-11-26" {
		t.Errorf("after the visit: %s", got)
	}
	doc := h.shown("north.c1")
	if visits, _ := doc["visits"].([]any); len(visits) != 1 {
		t.Errorf("the file shows %v", doc["visits"])
	}
}
