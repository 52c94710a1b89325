package casework

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/offline"
)

// whole is the payload of an item, as a supervisor of a branch reads it.
func (h *fixture) whole(branch auth.BranchID, id string) (fields any, erased bool) {
	h.t.Helper()
	who := mayor
	item, err := h.svc.QuarantineItem(context.Background(), who, branch, id)
	ok(h.t, err)
	x := object(h.t, item)
	erased, _ = x["erased"].(bool)
	return x["fields"], erased
}

// What is refused is kept whole, however large: up to what a push holds.
func TestALargePayloadIsKeptWhole(t *testing.T) {
	h, _ := erasing(t)
	h.take(line("c1", "debtor_ref", "D1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	// Characters of two bytes, at odd places, so that a cut of bytes would cut one.
	long := func(n int) string { return "x" + strings.Repeat("é", n/2) }
	note := members{"case": "north.c1", "at": "2026-11-25T09:00:00Z", "text": "a dog"}
	first := write("visit_notes", "n0", "put", 0, note)
	h.want("a note", ana.push(first)[0], "applied")
	reused := first
	reused.Fields = raw(note.with("text", long(100_000)))
	latin := []byte(`{"mid":"01a22460-0000-7000-8000-000000000001","type":"visit_notes","id":"n9","fields":{"case":"north.c1",` +
		`"text":"` + strings.Repeat("\xe9", 700_000) + `"}}`)
	q, err := offline.ReadPush([]byte(`{"mutations":[` + string(latin) + `]}`))
	ok(t, err)
	for name, c := range map[string]struct {
		m    offline.Mutation
		want string
	}{
		"just a part": {write("visit_notes", "n1", "put", 0,
			note.with("text", long(mostPart-200))), "validation.text"},
		"just over a part": {write("visit_notes", "n2", "put", 0, note.with("text", long(mostPart))), "validation.text"},
		"two parts": {write("visit_notes", "n3", "put", 0,
			note.with("text", long(2*mostPart))), "record_too_large"},
		"all of a push": {write("visit_notes", "n4", "put", 0,
			note.with("text", long(offline.MaxPushBytes-400))), "record_too_large"},
		"members not known": {write("visit_notes", "n5", "put", 0,
			note.with("novel", long(300_000))), "record_too_large"},
		"what is no type":      {write("Novels", "n6", "put", 0, note.with("text", long(300_000))), "unknown_type"},
		"a mid used again":     {reused, "mid_reused"},
		"bytes that are Latin": {q.Mutations[0], "validation.mutation"},
		// Each member may be so large, all of them together may not.
		"too large a record": {write("visits", "v1", "put", 0, large(visit("north.c1", "2026-11-25T09:00:00Z"))),
			"record_too_large"},
	} {
		r := ana.push(c.m)[0]
		h.want(name, r, "rejected "+c.want)
		if r.Quarantine == "" {
			t.Errorf("%s: it is kept nowhere", name)
			continue
		}
		want := string(c.m.Fields)
		if c.m.Broken {
			want = "base64:" + base64.StdEncoding.EncodeToString(latin)
		}
		if got, _ := h.whole(porto, r.Quarantine); got != want {
			t.Errorf("%s: of %d bytes are kept %d", name, len(want), len(fmt.Sprint(got)))
		}
		h.want(name+" once more", ana.push(c.m)[0], said(r))
		var item record.Quarantined
		h.stored("quarantine", r.Quarantine, &item)
		if item.Debtor != "north.D1" && c.m.Type != "" && !c.m.Broken {
			t.Errorf("%s is sealed under %s", name, item.Debtor)
		}
	}
	page, err := h.svc.Quarantine(context.Background(), boss, porto, "", 0, "")
	ok(t, err)
	if len(page.Items) != 9 {
		t.Errorf("%d items wait", len(page.Items))
	}
	for _, text := range page.Items {
		if len(text) > mostPart+2000 {
			t.Errorf("an item of %d bytes is listed", len(text))
		}
	}
	// The supervisor shortens what they accept; the rest dies with the debtor.
	var id, other string
	for _, text := range page.Items {
		switch x := object(t, text); x["record"] {
		case "n4":
			id = x["id"].(string)
		case "n3":
			other = x["id"].(string)
		}
	}
	h.must(HandleQuarantine{ID: id, Accept: true, Corrected: raw(members{"text": "in short: a dog"}), Note: "too long"})
	if got := h.child("north.c1", "visit_notes", "n4")["text"]; got != "in short: a dog" {
		t.Errorf("accepted is %v", got)
	}
	h.erase("north.D1")
	for _, id := range []string{id, other} {
		if got, erased := h.whole(porto, id); got != nil || !erased {
			t.Errorf("after the erasure %s shows %d bytes, erased: %t", id, len(fmt.Sprint(got)), erased)
		}
	}
	if _, err := h.do(HandleQuarantine{ID: other, Accept: true}); code(err) != codeErased {
		t.Errorf("after the erasure it is accepted: %v", err)
	}
}

// large is a visit each member of which may be as large as it is.
func large(f members) members {
	word := func(i int) string { return fmt.Sprintf("%0128d", i) }
	var photos, attachments []members
	var words []string
	for i := range 100 {
		attachments = append(attachments, members{"id": word(i), "sha256": word(i), "kind": word(i), "bytes": 7})
	}
	for i := range 50 {
		photos = append(photos, members{"kind": "letter_left", "sha256": word(i), "necessity": word(i)})
		words = append(words, word(i))
	}
	return f.with("attachments", attachments).with("photos", photos).with("items", words).with("debt_ids", words)
}

// A large payload about a case that has moved is handed on whole; put into the file of a debtor, it
// is sealed under that debtor's key.
func TestALargePayloadIsHandedOnAndSettled(t *testing.T) {
	h := newFixture(t)
	ana := aFullFile(h)
	_, err := h.svc.moveSteps(context.Background(), h.leave("north.D1", porto, braga))
	ok(t, err)
	sent := large(visit("north.c1", "2026-11-25T11:00:00Z", "outcome_detail", "SECRET"))
	late := ana.put("visits", "late", sent)
	h.want("a late visit", late, "rejected record_too_large")
	ok(t, h.node().FinishMoves(context.Background()))
	if got, _ := h.whole(braga, late.Quarantine); got != string(raw(sent)) {
		t.Errorf("%d bytes were handed on", len(fmt.Sprint(got)))
	}
	_, err = h.inBraga(HandleQuarantine{ID: late.Quarantine, Accept: true,
		Corrected: json.RawMessage(`{"attachments":null}`), Note: "too long"})
	ok(t, err)

	h.take(line("c7"))
	h.issue("r7", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c7")
	lost := ana.put("visit_notes", "lost", members{"case": "north.c77", "at": "2026-11-25T11:00:00Z",
		"text": strings.Repeat("é", 100_000)})
	h.want("a case that is not there", lost, "rejected record_too_large")
	h.must(HandleQuarantine{ID: lost.Quarantine, Accept: true, Corrected: raw(members{"case": "north.c7", "text": "x"}),
		Note: "a slip"})
	var part record.QuarantinePart
	if h.stored("quarantine_parts", partID(lost.Quarantine, 3), &part); part.Debtor != "north.Dc7" {
		t.Errorf("a part is sealed under %s", part.Debtor)
	}
	if got, _ := h.whole(porto, lost.Quarantine); !strings.Contains(fmt.Sprint(got), "north.c77") ||
		len(fmt.Sprint(got)) < 200_000 {
		t.Errorf("after it was settled it shows %d bytes", len(fmt.Sprint(got)))
	}
}
