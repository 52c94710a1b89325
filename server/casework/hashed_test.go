package casework

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// eachEntry calls fn with the bytes of every entry of the branch, as they are hashed.
func (h *fixture) eachEntry(fn func(text string, e journal.Entry)) {
	h.t.Helper()
	ctx := context.Background()
	last, err := h.store.Watermark(ctx, porto)
	ok(h.t, err)
	for n := uint64(1); n <= last; {
		page, err := h.store.PageOf(ctx, porto, n)
		ok(h.t, err)
		entries, err := page.Decode()
		ok(h.t, err)
		for i, e := range entries {
			fn(string(page.Entries[i]), e)
		}
		n = entries[len(entries)-1].N + 1
	}
}

// Every personal input of a day is marked; no mark stands in the bytes that are hashed
// for ever, and nothing there lets anybody check a guess of a payload.
func TestNothingPersonalStandsInHashedBytes(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1", "debtor_name", "MARKname", "phone", "+351912345678", "address", "MARKstreet 5", "postal_code",
		"4099-777", "city", "MARKcity",
		"lon", "-8.6177", "lat", "41.1533", "flags", "represented"), line("c2"), line("c3"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c2", "north.c3")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	at := "2026-11-25T10:00:00Z"
	note := write("visit_notes", "n1", "put", 0, members{"case": "north.c2", "at": at, "text": "MARKnote"})
	for _, m := range []offline.Mutation{
		write("visits", "v1", "put", 0, visit("north.c2", at, "outcome", "MET_PTP", "outcome_detail", "MARKdetail",
			"observations",
			members{"dispute_text": "MARKdispute", "children_present": true, "distress_level": 2, "weather": "hailstorm",
				"complaint_made": true},
			"vulnerability_flags", []any{"bereavement"}, "check_in", members{"at": at, "point": []float64{-8.6177, 41.1533}},
			"agents", []members{{"agent_id": "ana", "badge_no": "MARK 1", "cert_no": "MARK 2", "letter_no": "MARK 3"}},
			"person_met", members{"relationship": "debtor", "name_hash": "MARKhash"}, "MARK newer member", "MARKnewer")),
		note,
		write("consents", "k1", "put", 0, members{"case": "north.c2", "at": at, "scope": "visit_time", "status": "given",
			"controller": "MARKbank", "processor": "MARKfirm"}),
		write("plans", "p1", "put", 0, offered.with("case", "north.c2").with("affordability",
			members{"income": []members{{"kind": "salary", "amount_minor": 90000, "employer": "MARKemployer"}},
				"income_minor":  90000,
				"surplus_minor": 90000, "method": "SFS", "note": "MARKincome"})),
	} {
		h.want(m.Type, ana.push(m)[0], "applied")
	}
	// Refused, in every way that a phone may put words into.
	assignment := "a-c3-2026-11-25-r1"
	h.want("a remark", ana.push(write("assignments", assignment, "patch", 1, members{"agent_remark": "MARKremark"}))[0],
		"applied")
	for _, m := range []offline.Mutation{
		write("MARK of a type", "w1", "put", 0, members{"case": "north.c2", "text": "MARKwish"}),
		write("assignments", assignment, "patch", 2, members{"MARK of a name": "MARKvalue"}),
		write("visit_notes", "n2", "put", 0, members{"case": "MARK case", "at": at, "text": "MARKstrange"}),
		write("visit_notes", "n3", "put", 0, members{"case": "north.c2", "at": at, "text": "MARKtext", "kind": "MARK kind"}),
		write("visits", "v1", "put", 0, visit("north.c2", at, "outcome_detail", "MARKother")),
		{Mid: note.Mid, Type: "visit_notes", ID: "n1", Op: "put",
			Fields: json.RawMessage(`{"case":"north.c2","text":"MARKreused"}`)},
	} {
		r := rui.push(m)[0]
		if m.Mid == note.Mid {
			r = ana.push(m)[0]
		}
		if r.Quarantine == "" || strings.Contains(r.Detail, "MARK") {
			t.Errorf("%s %s: %s, quarantine %q, %q", m.Type, m.ID, said(r), r.Quarantine, r.Detail)
		}
	}
	// The office's words.
	h.must(OpenHold{Case: "north.c3", Kind: "mental_health_crisis_moratorium"})
	hold := h.openCase("north.c3").AllHolds()[0].ID
	h.must(ReleaseHold{Case: "north.c3", Hold: hold, Reason: "MARKrelease"})
	h.must(ReviewVisit{Case: "north.c2", Visit: "v1", State: "questioned", Notes: "MARKreview"})
	h.must(RecordContact{Case: "north.c2", Channel: "call", Result: "answered", At: h.now.Add(-time.Hour),
		Number: "+351912345678"})
	h.issue("r2", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c3")
	if _, err := h.do(RevokeAssignments{Case: "north.c3", Reason: "MARK why not"}); err == nil {
		t.Error("a sentence is taken as why an assignment was revoked")
	}
	marks := []string{"MARK", "+351912345678", "912345678", "4099-777", "-8.6177", "41.1533", "86177", "411533",
		"bereavement", "hailstorm", "represented",
		"mental_health", "complaint_open", "Test Debtor", "Rua de Teste"}
	entries := 0
	h.eachEntry(func(text string, e journal.Entry) {
		entries++
		for _, m := range marks {
			if strings.Contains(text, m) {
				t.Errorf("entry %d, %s: %s stands in hashed bytes\n%.2000s", e.N, e.Action, m, text)
			}
		}
		if len(e.Said) == 0 {
			return
		}
		var was struct {
			Hash struct{ K, S, C string }
		}
		if json.Unmarshal(e.Said, &was) != nil || was.Hash.S == "" || was.Hash.K == "" {
			t.Errorf("entry %d says of its payload %q, in the clear", e.N, e.Said)
		}
	})
	if entries < 15 {
		t.Errorf("only %d entries were looked at", entries)
	}
}

// A command id stands for one payload; what it asked dies with the debtor, and then a
// repeat is answered as the first time, whatever it asks.
func TestWhatWasAskedDiesWithTheDebtor(t *testing.T) {
	h, _ := erasing(t)
	h.take(line("c1", "debtor_ref", "D1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2")
	ana := h.phone("ana", "d1")
	fields := func(c, text string) members { return members{"case": c, "at": "2026-11-25T10:00:00Z", "text": text} }
	first, other := write("visit_notes", "n1", "put", 0, fields("north.c1", "ill")), write("visit_notes", "n2", "put", 0,
		fields("north.c2", "well"))
	again := func(m offline.Mutation, text json.RawMessage) offline.Mutation { m.Fields = text; return m }
	h.want("a note", ana.push(first)[0], "applied")
	h.want("another debtor's", ana.push(other)[0], "applied")
	h.want("the same in another order and zone",
		ana.push(again(first,
			json.RawMessage(`{"text":"ill","gone":null,"at":"2026-11-25T11:00:00+01:00","case":"north.c1"}`)))[0], "duplicate")
	kept := map[string]bool{}
	for _, text := range []string{"a", "b", "a", "b"} {
		r := ana.push(again(first, jsonOf(t, fields("north.c1", text))))[0]
		h.want("the mid used again for "+text, r, "rejected mid_reused")
		kept[r.Quarantine] = true
	}
	if len(kept) != 2 || kept[""] {
		t.Errorf("two other payloads are kept as %v", kept)
	}
	hold := func(payload string) error {
		_, err := h.svc.One(context.Background(), boss, porto, Request{ID: "http:boss:key",
			Payload: sha256.Sum256([]byte(payload)),
			Cmd:     OpenHold{Case: "north.c1", Kind: "dispute"}})
		return err
	}
	ok(t, hold("x"))
	ok(t, hold("x"))
	if code(hold("y")) != "command.reused" {
		t.Errorf("the key used again: %v", hold("y"))
	}
	h.erase("north.D1")
	h.now = h.now.Add(2 * time.Minute)
	for _, m := range []offline.Mutation{first, again(first, jsonOf(t, fields("north.c1", "c")))} {
		if r := ana.push(m)[0]; r.Status != offline.Duplicate {
			t.Errorf("after erasing: %s", said(r))
		}
	}
	ok(t, hold("y"))
	h.want("another debtor's mid used again", ana.push(again(other, jsonOf(t, fields("north.c2", "c"))))[0],
		"rejected mid_reused")
}

// A phone that names what is the server's changes nothing of it, through the whole way.
func TestAPhoneCannotReviewItsOwnVisit(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	spoof := members{"flags": []string{"approved"}, "review": members{"state": "accepted"}, "visit_no": 7, "skew_s": 9,
		"debtor": "north.D9", "by": "boss",
		"branch": "braga", "decisions": []members{{"decision": "allow"}}, "approval_state": "approved",
		"approved_by": "boss", "said": "x"}
	f := visit("north.c1", "2026-11-25T10:00:00Z", "check_in", members{"at": "2026-11-25T10:00:00Z",
		"point": []float64{-8.60, 41.15}, "inside_fence": true, "distance_m": 1})
	plan := offered
	for name, value := range spoof {
		f[name], plan = value, plan.with(name, value)
	}
	h.want("a visit", ana.put("visits", "v1", f), "applied")
	h.want("a plan", ana.put("plans", "p1", plan), "applied")
	got := h.child("north.c1", "visits", "v1")
	if got["flags"].([]any)[0] != "far_from_address" || dig(got, "check_in.inside_fence") != false || got["by"] != "ana" ||
		got["branch"] != "porto" ||
		got["debtor"] != "north.Dc1" || len(got["decisions"].([]any)) != 2 {
		t.Errorf("the server's members are %v", got)
	}
	more, _ := got["more"].(map[string]any)
	delete(more, "review") // a member that no visit of ours has: a newer app's
	delete(more, "approval_state")
	delete(more, "approved_by")
	if len(more) > 0 {
		t.Errorf("kept beside the visit: %v", more)
	}
	var p record.Plan
	h.stored("plans", "p1", &p)
	if p.ApprovalState != "" || p.ApprovedBy != "" || p.Branch != porto || p.By != "ana" {
		t.Errorf("the plan is %+v", p.PlanFound)
	}
}
