package casework

import (
	"encoding/json"
	"testing"

	"doorstep/auth"
)

// A phone whose database was restored sends what it had sent before, under new
// mids: the effect is there once and the phone is told so.
func TestSameRecordUnderANewMidIsADuplicate(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	first := visit("north.c1", "2026-11-25T10:05:00Z", "outcome_detail", "nobody, but light", "observations",
		members{"distress_level": 0}, "colour", "red")
	h.want("the first", ana.put("visits", "v1", first), "applied")
	for what, f := range map[string]json.RawMessage{
		"the same again":         raw(first),
		"spelled in another way": json.RawMessage(`{"colour":"red","outcome_detail":"nobody, but\u0020light", "outcome":"NOT_MET_NOBODY","plan":null,"items":["badge"],"observations":{"distress_level":0,"weather":null},"case":"north.c1","at":"2026-11-25T10:05:00Z"}`),
	} {
		m := write("visits", "v1", "put", 0, nil)
		m.Fields = f
		r := ana.push(m)[0]
		h.want(what, r, "duplicate")
		if r.Rev != 1 || r.Quarantine != "" {
			t.Errorf("%s: revision %d, quarantine %q, want revision 1 and no quarantine", what, r.Rev, r.Quarantine)
		}
	}
	h.want("with another outcome", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:05:00Z", "outcome",
		"MET_PTP")), "rejected append_only")
	shorter := visit("north.c1", "2026-11-25T10:05:00Z", "observations", members{"distress_level": 0}, "colour", "red")
	h.want("with a member less", ana.put("visits", "v1", shorter), "rejected append_only")
	h.want("by a colleague who wrote the very same", rui.put("visits", "v1", first), "duplicate")

	// A client that sends whole documents back sends what it was shown.
	ana.pull()
	h.want("as it was shown", ana.put("visits", "v1", ana.docs["visits"]["v1"]), "duplicate")
	if _, leaks := ana.docs["visits"]["v1"]["said"]; leaks {
		t.Error("the phone is shown what is the server's alone")
	}

	// The visits stand once.
	if n := len(h.shown("north.c1")["visits"].([]any)); n != 1 {
		t.Errorf("%d visits are kept, want 1", n)
	}
	for typ, f := range map[string]members{
		"visit_notes":       {"case": "north.c1", "at": "2026-11-25T10:10:00Z", "text": "the bell is broken"},
		"consents":          {"case": "north.c1", "at": "2026-11-25T10:10:00Z", "scope": "visit_time", "status": "given"},
		"signatures":        {"case": "north.c1", "at": "2026-11-25T10:10:00Z", "signer_role": "debtor", "sha256": "ab"},
		"payments_reported": {"case": "north.c1", "at": "2026-11-25T10:10:00Z", "amount_minor": 500, "currency": "EUR"},
	} {
		h.want(typ, ana.put(typ, "x1", f), "applied")
		h.want(typ+" again", ana.put(typ, "x1", f), "duplicate")
	}
}

// M4: a phone whose answers were lost goes on with its own plan. What another phone or the office has
// written since is not overwritten.
func TestAPlanIsChangedAgainThoughItsAnswerWasLost(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	patch := func(p *phone, base uint64, f members) string {
		return said(p.push(write("plans", "p1", "patch", base, f))[0])
	}
	on := func(day string) members { return members{"request": promiseOn(day)} }
	ok := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	h.want("a plan", ana.put("plans", "p1", offered), "applied")
	ok("ana's next, on what she knows", patch(ana, 0, on("2026-12-21")), "applied")
	ok("and the next", patch(ana, 0, on("2026-12-22")), "applied")
	ok("rui's, on the first", patch(rui, 1, on("2026-12-23")), "conflict stale")
	ok("rui's, on the last", patch(rui, 3, on("2026-12-23")), "applied")
	ok("ana's, on her last", patch(ana, 3, on("2026-12-24")), "conflict stale")
	ok("rui's next", patch(rui, 3, members{"state": "accepted"}), "applied")
	p := h.child("north.c1", "plans", "p1")
	if dig(p, "request.start_on") != "2026-12-23" || p["state"] != "accepted" || p["rev"] != 5.0 {
		t.Errorf("the plan stands at %v", p)
	}
	h.must(WithdrawPlan{Plan: "p1", Reason: "cancelled"})
	ok("rui's, after the office's", patch(rui, 5, on("2026-12-25")), "conflict stale")
}

func raw(f members) json.RawMessage { return write("", "", "put", 0, f).Fields }

// A plan under a new mid is the same as long as nobody has ended it.
func TestSamePlanUnderANewMid(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	plan := members{"case": "north.c1", "request": members{"kind": "instalments", "start_on": "2026-12-20",
		"frequency": "monthly", "count": 2}, "state": "offered", "at": "2026-11-25T10:00:00Z",
		"instalments": []members{{"due_on": "2026-12-20", "amount_minor": 30000},
			{"due_on": "2027-01-20", "amount_minor": 30000}}}
	h.want("offered", ana.put("plans", "p1", plan), "applied")
	h.want("offered again", ana.put("plans", "p1", plan), "duplicate")
	// A patch changes what it names, and nothing else.
	r := ana.push(write("plans", "p1", "patch", 1, members{"state": "accepted"}))[0]
	h.want("accepted by a patch", r, "applied")
	p := h.child("north.c1", "plans", "p1")
	if p["state"] != "accepted" || len(p["instalments"].([]any)) != 2 || p["acceptance"] == nil || p["offer"] == nil {
		t.Errorf("the patched plan is %v", p)
	}
	h.want("accepted again", ana.push(write("plans", "p1", "patch", 1, members{"state": "accepted"}))[0], "duplicate")
	h.want("the offer again, which is no more", ana.put("plans", "p1", plan), "rejected plan.decided")
	h.must(WithdrawPlan{Plan: "p1", Reason: "asked to"})
	h.want("proposed once more after it was withdrawn", ana.push(write("plans", "p1", "put", 3, plan))[0],
		"rejected plan.decided")
	h.want("another offer", ana.put("plans", "p2", plan), "applied")
	h.must(WithdrawPlan{Plan: "p2", Reason: "asked to"})
	h.want("the offer that was withdrawn, once more", ana.push(write("plans", "p2", "put", 2, plan))[0],
		"rejected plan.decided")
}

// An app that was updated while a report waited may spell it otherwise: members that are empty are there or not, whole
// numbers have a fraction of nothing. It means the same, under the same mid and under another one.
func TestEmptyMembersAndWholeNumbersAreOneMeaning(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	at := `"case":"north.c1","at":"2026-11-25T10:00:00Z"`
	for typ, fields := range map[string][]string{
		"visits": {`{` + at + `,"outcome":"NOT_MET_NOBODY","recording":{"media":"audio","gaps_s":2}}`,
			`{` + at + `,"outcome":"NOT_MET_NOBODY","recording":{"media":"audio","gaps_s":2.0},"asked_to_leave":false,"photos":[]}`},
		"visit_notes": {`{` + at + `,"text":"rang"}`, `{` + at + `,"text":"rang","visit":"","supersedes":""}`},
		"consents": {`{` + at + `,"scope":"visit_time","status":"given","limits":{"max_uses":3}}`,
			`{` + at + `,"scope":"visit_time","status":"given","limits":{"max_uses":0.3e1,"days":[]},"sensitive":false}`},
		"payments_reported": {`{` + at + `,"amount_minor":1000,"currency":"EUR"}`,
			`{` + at + `,"amount_minor":1e3,"currency":"EUR","attachments":[],"reference":""}`},
	} {
		first := write(typ, "x1", "put", 0, nil)
		again, other := first, write(typ, "x1", "put", 0, nil)
		first.Fields = json.RawMessage(fields[0])
		again.Fields, other.Fields = json.RawMessage(fields[1]), json.RawMessage(fields[1])
		h.want(typ, ana.push(first)[0], "applied")
		h.want(typ+" under the same mid", ana.push(again)[0], "duplicate")
		h.want(typ+" under another mid", ana.push(other)[0], "duplicate")
		again.Fields = json.RawMessage(`{` + at + `,"outcome":"MET_PAID","text":"no","scope":"visit_time",` +
			`"status":"refused","amount_minor":1001,"currency":"EUR"}`)
		h.want(typ+" with another meaning", ana.push(again)[0], "rejected mid_reused")
	}
	patch := write("assignments", "a-c1-2026-11-25-r1", "patch", 1, nil)
	patch.Fields = json.RawMessage(`{"visit_order":3.0}`)
	h.want("a patch", ana.push(patch)[0], "applied")
}
