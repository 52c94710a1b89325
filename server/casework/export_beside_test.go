package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// beside lists what an export shows beside the visits, as "type id state by".
func (h *fixture) beside(q ExportQuery) string {
	h.t.Helper()
	q.Branch = porto
	found, err := h.svc.BesideVisits(context.Background(), q)
	ok(h.t, err)
	var out []string
	for _, b := range found {
		name := b.ID
		if b.Type == "quarantine" {
			var item record.Quarantined
			h.stored(b.Type, b.ID, &item)
			name = item.Record
		}
		out = append(out, strings.TrimSpace(fmt.Sprint(b.Type, " ", name, " ", b.State, " ", b.By)))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// Whatever a phone sent about a visit is somewhere in the export: refused, waiting, accepted,
// dismissed, with who decided; reviews and confirmations too.
func TestExportsHaveWhatWasRefusedAndReviewed(t *testing.T) {
	h, _ := erasing(t)
	h.take(line("c1"), line("c2", "lender", "south"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1", "south.c2")
	h.now = instant("2026-11-25T12:00:00Z")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	h.want("a visit of two", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "agents",
		[]members{{"agent_id": "ana"}, {"agent_id": "rui"}})), "applied")
	h.want("confirmed", rui.put("visit_confirmations", "k1", members{"case": "north.c1", "visit": "v1",
		"at": "2026-11-25T10:10:00Z"}), "applied")
	h.must(ReviewVisit{Case: "north.c1", Visit: "v1", State: "questioned", Notes: "why so short?"})
	refused := func(id string, f members) string {
		r := ana.put("visits", id, f)
		if r.Quarantine == "" {
			t.Fatalf("%s is %s", id, said(r))
		}
		return r.Quarantine
	}
	refused("waits", visit("north.c1", "2026-11-25T10:30:00Z", "outcome", "gone"))
	refused("south", visit("south.c2", "2026-11-25T10:30:00Z", "outcome", "gone"))
	refused("lost", visit("north.c77", "2026-11-25T10:30:00Z"))
	h.must(HandleQuarantine{ID: refused("out", visit("north.c1", "2026-11-25T10:40:00Z", "outcome", "x")), Note: "twice"})
	in := refused("in", visit("north.c1", "2300-01-01T10:00:00Z", "outcome_detail", "SECRET"))
	h.must(HandleQuarantine{ID: in, Accept: true, Corrected: raw(members{"at": "2026-11-25T11:00:00Z"}),
		Note: "her clock"})
	const always = "visit_confirmations k1  rui, visit_reviews v1 questioned boss"
	for name, c := range map[string]struct {
		q    ExportQuery
		want string
	}{
		"all": {ExportQuery{}, "quarantine in accepted boss, quarantine lost open, quarantine out dismissed boss, " +
			"quarantine south open, quarantine waits open, " + always},
		"a lender's":  {ExportQuery{Lender: "south"}, "quarantine south open, " + always},
		"another day": {ExportQuery{Dates: Dates{ReceivedFrom: "2026-11-26"}}, always},
		"the day": {ExportQuery{Lender: "north", Dates: Dates{From: "2026-11-25", To: "2026-11-25"}},
			"quarantine in accepted boss, quarantine out dismissed boss, quarantine waits open, " + always},
	} {
		if got := h.beside(c.q); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	// What is personal in an item is shown by its reveal, and dies with the debtor.
	state := func(id string) json.RawMessage {
		recs, err := h.store.Records(context.Background(), porto, []journal.DocRef{{Type: "quarantine", ID: id}})
		ok(t, err)
		return recs[0].Body
	}
	reveals, _, err := h.svc.RevealBeside(context.Background(), porto, "quarantine", in, state(in))
	ok(t, err)
	if text := string(jsonOf(t, reveals)); !strings.Contains(text, "SECRET") || !strings.Contains(text, "her clock") {
		t.Errorf("the item reveals %s", text)
	}
	h.erase("north.Dc1")
	reveals, erased, err := h.svc.RevealBeside(context.Background(), porto, "quarantine", in, state(in))
	if err != nil || len(reveals) > 0 || !erased.Equal(h.now) {
		t.Errorf("after the erasure: %s, erased %v, %v", jsonOf(t, reveals), erased, err)
	}
}

// An auditor reads of an item what is not personal.
func TestAuditorsReadItemsWithoutWhatIsPersonal(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	id := h.phone("ana", "d1").put("visits", "v1", visit("north.c1", "2026-11-25T09:00:00Z", "outcome",
		"SECRET")).Quarantine
	large := h.phone("ana", "d1").put("visit_notes", "n1", members{"case": "north.c1", "at": "2026-11-25T09:00:00Z",
		"text": strings.Repeat("SECRET", 20_000)}).Quarantine
	h.must(HandleQuarantine{ID: id, Note: "SECRET"})
	auditor := auth.Actor{User: "eva", Role: auth.RoleAuditor, Branches: []auth.BranchID{porto}}
	for _, q := range []string{id, large} {
		item, err := h.svc.QuarantineItem(context.Background(), auditor, porto, q)
		ok(t, err)
		x := object(t, item)
		if strings.Contains(string(item), "SECRET") || x["agent"] != "ana" || x["outcome"] != "rejected" ||
			q == id && x["handled_by"] != "boss" {
			t.Errorf("an auditor reads %.300s", item)
		}
	}
	auditor.Branches = []auth.BranchID{"braga"}
	if _, err := h.svc.QuarantineItem(context.Background(), auditor, porto, id); code(err) != "branch.not_found" {
		t.Errorf("another branch's auditor: %v", err)
	}
}
