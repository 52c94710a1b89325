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
)

// item is an item of the quarantine as a supervisor reads it.
func (h *fixture) item(state, id string) map[string]any {
	h.t.Helper()
	page, err := h.svc.Quarantine(context.Background(), boss, porto, state, 0, "")
	ok(h.t, err)
	for _, text := range page.Items {
		if x := object(h.t, text); x["id"] == id {
			return x
		}
	}
	h.t.Fatalf("there is no %s item %s", state, id)
	return nil
}

// A clock of the year 2300 spoiled a visit: the supervisor says when it was, and the case file
// shows what was sent, what was corrected, by whom and why.
func TestASupervisorCorrectsWhatTheyAccept(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	spoiled := visit("north.c1", "2300-01-01T10:00:00Z", "check_in", members{"at": "2026-11-25T09:00:00Z"},
		"outcome_detail", "the bell is broken")
	h.now = instant("2026-11-25T12:00:00Z")
	r := ana.put("visits", "v1", spoiled)
	h.want("a clock of 2300", r, "rejected validation.at")
	h.now = instant("2026-11-26T09:00:00Z")
	accept := func(corrected, note string) string {
		_, err := h.do(HandleQuarantine{ID: r.Quarantine, Accept: true, Corrected: json.RawMessage(corrected), Note: note})
		return code(err)
	}
	for corrected, want := range map[string]string{
		``:                                       "validation.at",
		`{}`:                                     "validation.at",
		`{"at":"2026-11-25T12:00:01Z"}`:          "validation.at", // after it came
		`{"at":"2026-11-25"}`:                    "validation.type",
		`{"at":null,"outcome":"gone"}`:           "validation.outcome",
		`{"at":"2026-11-25T10:00:00Z","by":"x"}`: "quarantine.member",
		`{"at":"2026-11-25T10:00:00Z","case":"north.c2"}`: "quarantine.case",
	} {
		if got := accept(corrected, "her clock was wrong"); got != want {
			t.Errorf("%s is answered %q, want %s", corrected, got, want)
		}
	}
	if got := accept(`{"at":"2026-11-25T10:00:00Z"}`, ""); got != "quarantine.note" {
		t.Errorf("without a reason: %s", got)
	}
	const right = `{"at":"2026-11-25T10:00:00Z"}`
	for range 2 {
		if got := accept(right, "her clock was wrong"); got != "" {
			t.Fatalf("refused: %s", got)
		}
	}
	if got := accept(`{"at":"2026-11-25T11:00:00Z"}`, "no"); got != "quarantine.handled" {
		t.Errorf("another correction is answered %q", got)
	}
	v := h.child("north.c1", "visits", "v1")
	if v["at"] != "2026-11-25T10:00:00Z" || v["on"] != "2026-11-25" || v["received_at"] != "2026-11-25T12:00:00Z" ||
		v["by"] != "ana" || v["device"] != "d1" || v["assignment"] != "a-c1-2026-11-25-r1" {
		t.Errorf("the visit is %v", v)
	}
	want := fmt.Sprintf(`{"at":"2026-11-26T09:00:00Z","by":"boss","corrected":["at"],"item":%q,`+
		`"reason":"her clock was wrong","sent":{"at":"2300-01-01T10:00:00Z"}}`, r.Quarantine)
	if got := string(jsonOf(t, v["admitted"])); got != want {
		t.Errorf("admitted is %s, want %s", got, want)
	}
	if got := h.flags("v1"); got != "corrected_by_office from_quarantine" {
		t.Errorf("flagged %s", got)
	}
	x := h.item("accepted", r.Quarantine)
	var sent map[string]any
	ok(t, json.Unmarshal([]byte(x["fields"].(string)), &sent))
	if sent["at"] != "2300-01-01T10:00:00Z" || string(jsonOf(t, x["corrected"])) != right || x["handled_by"] != "boss" ||
		x["handled_at"] != "2026-11-26T09:00:00Z" || x["recorded_as"] != "v1" || x["note"] != "her clock was wrong" {
		t.Errorf("the item is %v", x)
	}
	var a record.Assignment
	if h.stored("assignments", "a-c1-2026-11-25-r1", &a); a.Status != record.AssignmentDone {
		t.Errorf("the stop is %s", a.Status)
	}
	h.want("the phone sends it again", ana.put("visits", "v1", spoiled), "duplicate")
	if ana.pull(); !strings.Contains(fmt.Sprint(ana.docs["visits"]["v1"]["admitted"]), "boss") {
		t.Errorf("the agent is not told: %v", ana.docs["visits"]["v1"])
	}
	// What was personal in the payload dies with the debtor's key, in the item and beside the record.
	var kept record.Visit
	if rec := h.stored("visits", "v1", &kept); strings.Contains(string(rec.Body), "2300-01-01") ||
		strings.Contains(string(rec.Body), "clock was wrong") {
		t.Errorf("what was corrected stands in the clear: %s", rec.Body)
	}
}

// A visit to a case whose id was misspelt is about no case we have; put right, it shares the erasure
// of the debtor it is about.
func TestACorrectedCaseSealsTheItemAnew(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.now = instant("2026-11-25T12:00:00Z")
	r := h.phone("ana", "d1").put("visits", "v1", visit("north.c11", "2026-11-25T10:00:00Z"))
	h.want("a case that is not there", r, "revoked")
	h.must(HandleQuarantine{ID: r.Quarantine, Accept: true, Corrected: raw(members{"case": "north.c1"}), Note: "a slip"})
	var q record.Quarantined
	h.stored("quarantine", r.Quarantine, &q)
	if q.Debtor != "north.Dc1" || q.Case != "north.c1" {
		t.Errorf("the item is sealed under %s, of case %s", q.Debtor, q.Case)
	}
	if x := h.item("accepted", r.Quarantine); !strings.Contains(x["fields"].(string), "north.c11") {
		t.Errorf("the item shows %v", x)
	}
	if got := h.child("north.c1", "visits", "v1")["by"]; got != "ana" {
		t.Errorf("the visit is %v's", got)
	}
}

// Whoever sent something does not accept it, and what stands under the id of another record is
// recorded under an id of its own.
func TestAcceptingTouchesNoOtherRecord(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "boss"}, "north.c1")
	note := members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "text": "a dog"}
	h.want("a note", h.phone("ana", "d1").put("visit_notes", "n1", note), "applied")
	own := h.phone("boss", "d2").put("visit_notes", "n1", note.with("text", "two dogs"))
	h.want("another under its id", own, "rejected append_only")
	if _, err := h.do(HandleQuarantine{ID: own.Quarantine, Accept: true}); code(err) != "quarantine.own" {
		t.Errorf("accepting one's own: %v", err)
	}
	h.must(HandleQuarantine{ID: own.Quarantine})
	other := h.phone("ana", "d1").put("visit_notes", "n1", note.with("text", "three dogs"))
	h.want("a third", other, "rejected append_only")
	h.must(HandleQuarantine{ID: other.Quarantine, Accept: true, Corrected: raw(members{"supersedes": "n1"}), Note: "ok"})
	var texts []string
	for _, n := range h.shown("north.c1")["visit_notes"].([]any) {
		texts = append(texts, n.(map[string]any)["text"].(string))
	}
	if !slices.Equal(texts, []string{"a dog", "three dogs"}) {
		t.Errorf("the notes are %v", texts)
	}
	if id := h.item("accepted", other.Quarantine)["recorded_as"]; id == "n1" || id == nil {
		t.Errorf("it was recorded as %v", id)
	}
}
