package casework

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// TestACorrectionOfANoteIsReviewed corrects a note from the phone and a consent by the office, and reviews both.
func TestACorrectionOfANoteIsReviewed(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	ana.pull()
	h.want("a note", ana.put("visit_notes", "n1", least["visit_notes"]), "applied")
	h.want("another", ana.put("visit_notes", "n2", least["visit_notes"].with("text", "a cat").with("supersedes", "n1")),
		"applied")
	h.want("a consent", ana.put("consents", "k1", least["consents"]), "applied")
	h.must(CorrectRecord{Case: "north.c1", Kind: "consents", Record: "k1", ID: "k2", Reason: "refused",
		Corrected: json.RawMessage(`{"status":"refused"}`)})
	// The note comes from the phone, the consent from the office; both wait, and who waits for them hears it.
	if got := h.inboxNow(); !strings.Contains(got,
		"corrections: north.c1/k2 boss 11-25T10:00, north.c1/n2 ana 11-25T10:00") {
		t.Errorf("before the reviews the inbox is\n%s", got)
	}
	end, err := h.store.Watermark(t.Context(), porto)
	ok(t, err)
	news, err := h.svc.News(t.Context(), porto, end-1)
	ok(t, err)
	if s := strings.Join(news.Changed, " "); s != "corrections inbox" {
		t.Errorf("after a correction of the office the stream says %s", s)
	}
	other := auth.Actor{User: "chief", Role: auth.RoleSupervisor, Branches: boss.Branches}
	n := 0
	review := func(by auth.Actor, c ReviewCorrection) string {
		t.Helper()
		n++
		_, err := h.svc.One(t.Context(), by, porto, Request{ID: fmt.Sprintf("r%d", n), Cmd: c})
		if err == nil {
			return ""
		}
		return code(err)
	}
	for _, c := range []struct {
		about string
		by    auth.Actor
		cmd   ReviewCorrection
		want  string
	}{
		{"a visit", boss, ReviewCorrection{"north.c1", "visits", "n2", "accepted", ""}, "record.type"},
		{"another case", boss, ReviewCorrection{"north.c2", "visit_notes", "n2", "accepted", ""}, "record.not_found"},
		{"what corrects none", boss, ReviewCorrection{"north.c1", "visit_notes", "n1", "accepted", ""},
			"record.not_corrected"},
		{"one's own", boss, ReviewCorrection{"north.c1", "consents", "k2", "accepted", ""}, "record.own"},
		{"no state", boss, ReviewCorrection{"north.c1", "visit_notes", "n2", "", ""}, "validation.state"},
		{"refused without a reason", boss, ReviewCorrection{"north.c1", "visit_notes", "n2", "invalid", ""},
			"validation.notes"},
		{"a note", boss, ReviewCorrection{"north.c1", "visit_notes", "n2", "questioned", "which animal?"}, ""},
		{"the office's", other, ReviewCorrection{"north.c1", "consents", "k2", "accepted", ""}, ""},
		{"a note again", other, ReviewCorrection{"north.c1", "visit_notes", "n2", "invalid", "it was a dog"}, ""},
	} {
		if got := review(c.by, c.cmd); got != c.want {
			t.Errorf("%s: %q, want %q", c.about, got, c.want)
		}
	}
	if got := h.inboxNow(); strings.Contains(got, "corrections") {
		t.Errorf("after the reviews the inbox is\n%s", got)
	}
	end, err = h.store.Watermark(t.Context(), porto)
	ok(t, err)
	news, err = h.svc.News(t.Context(), porto, end-1)
	ok(t, err)
	if s := strings.Join(news.Changed, " "); s != "corrections inbox" {
		t.Errorf("after a review the stream says %s", s)
	}
	if found, err := journal.Check(t.Context(), h.store, porto, nil, Views(h.vault)...); err != nil || len(found) > 0 {
		t.Errorf("the views are not what the journal says: %v, %v", found, err)
	}
	items, _, err := h.svc.Corrections(t.Context(), boss, CorrectionQuery{Branch: porto, Reviewed: ptr(true)})
	ok(t, err)
	var got []string
	for _, x := range items {
		got = append(got, x.Record+" "+x.Review.State+" by "+string(x.Review.By))
	}
	if s := strings.Join(got, ", "); !strings.Contains(s, "n2 invalid by chief") ||
		!strings.Contains(s, "k2 accepted by chief") || len(got) != 2 {
		t.Errorf("reviewed: %s", s)
	}
	if waiting, _, err := h.svc.Corrections(t.Context(), boss, CorrectionQuery{Branch: porto,
		Reviewed: ptr(false)}); err != nil || len(waiting) != 0 {
		t.Errorf("%d wait, %v", len(waiting), err)
	}
	beside, err := h.svc.BesideVisits(t.Context(), ExportQuery{Branch: porto})
	ok(t, err)
	got = nil
	for _, b := range beside {
		if b.Type == "correction_reviews" {
			got = append(got, b.ID+" "+b.State)
		}
	}
	if s := strings.Join(got, ", "); s != "consents/k2 accepted, visit_notes/n2 invalid" {
		t.Errorf("the export has %s", s)
	}
	if body := string(h.stored("correction_reviews", "visit_notes/n2", &struct{}{}).Body); strings.Contains(body, "dog") {
		t.Errorf("the notes are in the clear: %s", body)
	}
}
