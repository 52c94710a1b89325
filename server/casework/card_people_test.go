package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// A card names the colleagues who hold the case and says when it was visited, how and why that ended: no more, of no
// other case, and not to apps that do not know it.
func TestACardTellsOfColleaguesAndEarlierVisits(t *testing.T) {
	h := newFixture(t)
	h.svc.names = func(_ context.Context, ids []auth.UserID) (map[auth.UserID]string, error) {
		out := map[auth.UserID]string{}
		for _, id := range ids {
			if id != "gone" {
				out[id] = "Agent " + string(id)
			}
		}
		return out, nil
	}
	h.take(line("c1"), line("c2", "lender", "south", "debtor_ref", "Dc1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui", "gone"}, "north.c1", "south.c2")
	ana := h.phone("ana", "d1")
	ana.pull()
	h.now = instant("2026-11-25T16:00:00Z")
	for i, v := range []struct{ at, outcome, corrects string }{
		{"2026-11-25T10:00:00Z", "NOT_MET_NOBODY", ""}, {"2026-11-25T11:00:00Z", "UNSAFE_ABORT", ""},
		{"2026-11-25T12:00:00Z", "MET_VULNERABLE_STOP", ""}, {"2026-11-25T13:00:00Z", "NOT_MET_NOBODY", ""},
		{"2026-11-25T13:05:00Z", "MET_PTP", "v3"}} {
		more := []any{"outcome", v.outcome, "purpose", "negotiate"}
		if strings.HasPrefix(v.outcome, "MET") {
			more = append(more, "person_met", members{"relationship": "debtor", "identity_check": "document"})
		}
		if v.corrects != "" {
			more = append(more, "supersedes", v.corrects)
		}
		h.want(v.outcome, ana.put("visits", "v"+string(rune('0'+i)), visit("north.c1", v.at, more...)), "applied")
	}
	h.want("of another lender", ana.put("visits", "w", visit("south.c2", "2026-11-25T14:00:00Z")), "applied")
	card := func(schema int) (people, earlier string) {
		t.Helper()
		k := h.openCase("north.c1")
		recs, err := h.store.Records(t.Context(), porto, []journal.DocRef{{Type: "cases", ID: "north.c1"}})
		ok(t, err)
		doc, err := h.svc.card(t.Context(), newAhead(h.svc, porto), recs[0], k, h.now, schema)
		ok(t, err)
		var m map[string]json.RawMessage
		ok(t, json.Unmarshal(doc, &m))
		return string(m["people"]), string(m["earlier"])
	}
	people, earlier := card(cardSchema)
	if people != `[{"id":"ana","name":"Agent ana"},{"id":"rui","name":"Agent rui"}]` {
		t.Errorf("the card names %s", people)
	}
	if earlier != `[{"at":"2026-11-25T13:05:00Z","outcome":"MET_PTP","purpose":"negotiate"},`+
		`{"at":"2026-11-25T12:00:00Z","outcome":"ENDED_EARLY","purpose":"negotiate"},`+
		`{"at":"2026-11-25T11:00:00Z","outcome":"ENDED_EARLY","purpose":"negotiate"}]` {
		t.Errorf("the card tells of the visits %s", earlier)
	}
	if people, earlier = card(cardSchema - 1); people+earlier != "" {
		t.Errorf("an older app is shown %s %s", people, earlier)
	}
}

// The earlier visits and the names of a page's cards are read at once, however many cards it has; so are the earlier
// visits of an agent's day.
func TestTheVisitsOnCardsAreReadForAPageAtOnce(t *testing.T) {
	h := newFixture(t)
	asked := 0
	h.svc.names = func(_ context.Context, ids []auth.UserID) (map[auth.UserID]string, error) {
		asked++
		return map[auth.UserID]string{"ana": "Agent Ana"}, nil
	}
	var lines [][]string
	var cases []journal.CaseID
	for i := range 12 {
		lines, cases = append(lines, line(fmt.Sprint("c", i))), append(cases, journal.CaseID(fmt.Sprint("north.c", i)))
	}
	h.take(lines...)
	h.issue("r1", "t1", "2026-11-24", []auth.UserID{"ana"}, cases...)
	ana := h.phone("ana", "d1")
	for i, c := range cases {
		h.want("a visit", ana.put("visits", fmt.Sprint("v", i), visit(c, "2026-11-24T10:00:00Z")), "applied")
	}
	h.issue("r2", "t1", "2026-11-25", []auth.UserID{"ana"}, cases...)
	counted := &finds{Store: h.store, n: map[string]int{}}
	h.svc.store = counted
	ana.pull()
	for _, c := range cases {
		card := ana.docs["cases"][string(c)]
		if fmt.Sprint(card["people"], card["earlier"]) !=
			"[map[id:ana name:Agent Ana]] [map[at:2026-11-24T10:00:00Z outcome:NOT_MET_NOBODY]]" {
			t.Errorf("the card of %s has %v and %v", c, card["people"], card["earlier"])
		}
	}
	if counted.n["visits"] > 0 || asked > 1 {
		t.Errorf("the visits were read %d times one by one, names %d times", counted.n["visits"], asked)
	}
	counted.records = 0
	d, err := h.svc.DayOf(t.Context(), ana.caller.Actor, porto, "2026-11-25", time.UTC)
	ok(t, err)
	if len(d.Stops) != 12 || len(d.Stops[0].Earlier) != 1 || counted.n["visits"] > 0 || counted.records > 8 {
		t.Errorf("a day of %d stops: visits read %d times one by one, records %d times", len(d.Stops), counted.n["visits"],
			counted.records)
	}
}

// finds counts the queries of a store, by type, and its look-ups by id.
type finds struct {
	journal.Store
	n       map[string]int
	records int
}

func (f *finds) Find(ctx context.Context, q journal.Query) (journal.Found, error) {
	f.n[q.Type]++
	return f.Store.Find(ctx, q)
}

func (f *finds) Records(ctx context.Context, b auth.BranchID, refs []journal.DocRef) ([]journal.Record, error) {
	f.records++
	return f.Store.Records(ctx, b, refs)
}
