package casework

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"doorstep/auth"
)

// A warning about an address is on the card until its date, and no lender ever sees it.
func TestAWarningAboutAnAddressEndsByItself(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	for name, c := range map[string]PutUnsafeNote{"no date": {Text: "dog"}, "yesterday": {Text: "dog",
		Until: "2026-11-24"}, "for ever": {Text: "dog", Until: "2028-11-25"}} {
		c.Case = "north.c1"
		if _, err := h.do(c); code(err) != "unsafe_note.until" {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.issue("r1", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c1")
	h.must(PutUnsafeNote{Case: "north.c1", Text: "a dog that bites", Until: "2026-11-26"})
	ana := h.phone("ana", "d1")
	ana.pull()
	got := string(jsonOf(t, ana.docs["cases"]))
	if !strings.Contains(got, "a dog that bites") || !strings.Contains(got, `"say":[{`) {
		t.Errorf("the card says %s", got)
	}
	lender := auth.Actor{User: "north-api", Role: auth.RoleLender, Lender: "north", Branches: []auth.BranchID{porto}}
	doc, err := h.svc.Case(context.Background(), lender, porto, "north.c1")
	ok(t, err)
	if text, err := json.Marshal(doc); err != nil || strings.Contains(string(text), "unsafe") {
		t.Errorf("the lender reads %s, %v", text, err)
	}
	h.at("2026-11-27T09:00:00Z")
	later := h.phone("ana", "d2")
	later.pull()
	if got := string(jsonOf(t, later.docs["cases"])); strings.Contains(got, "dog") {
		t.Errorf("the day after its end the card says %s", got)
	}
	h.at("2026-11-26T09:00:00Z")
	h.must(PutUnsafeNote{Case: "north.c1"})
	if k := h.openCase("north.c1"); !k.UnsafeNote.IsZero() {
		t.Errorf("it stands after it was taken away: %+v", k)
	}
}
