package casework

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
)

// The outcome and reason codes are read by agents' phones, lenders' systems and
// auditors alike: exactly these names are taken.
func TestEveryOutcomeAndReasonIsTakenByItsName(t *testing.T) {
	outcomes := strings.Fields(`MET_PAID MET_PTP MET_PLAN_SIGNED MET_HARDSHIP MET_DISPUTE MET_COMPLAINT MET_REFUSED_TALK MET_ASKED_TO_LEAVE
		MET_ASKED_NO_VISITS MET_RESCHEDULE MET_REPRESENTED MET_VULNERABLE_STOP NOT_MET_NOBODY NOT_MET_THIRD_PARTY
		ADDR_WRONG ADDR_MOVED ADDR_NOT_FOUND
		DECEASED_REPORTED UNSAFE_ABORT WEATHER_ABORT BLOCKED_BY_POLICY CANCELLED_PAID CANCELLED_STOP RECORDING_FAILED_ABORT`)
	reasons := strings.Fields(`001 002 003 004 005 006 007 014 016 017 018 019 026 027 030 031
		forgot salary_delayed disaster technical_payment_failure scam_victim unwilling other`)
	// What each outcome does to the case: the hold it opens, what it says of the address.
	holds := map[string]string{"MET_DISPUTE": "dispute", "MET_COMPLAINT": "complaint",
		"MET_ASKED_NO_VISITS": "cease_visit", "MET_REPRESENTED": "represented",
		"MET_VULNERABLE_STOP": "vulnerable", "DECEASED_REPORTED": "deceased"}
	address := map[string]string{"ADDR_WRONG": "wrong_address", "ADDR_MOVED": "moved", "ADDR_NOT_FOUND": "not_found"}
	noDoor := strings.Fields("ADDR_NOT_FOUND UNSAFE_ABORT WEATHER_ABORT BLOCKED_BY_POLICY CANCELLED_PAID CANCELLED_STOP")
	visits, _ := record.KindOf("visits")
	// A new outcome needs its row here, because it does something to the case. A new reason does not.
	if len(record.Outcomes()) != len(outcomes) {
		t.Errorf("%d outcomes, want %d", len(record.Outcomes()), len(outcomes))
	}
	for i, outcome := range outcomes {
		reason := reasons[i%len(reasons)]
		state, bad := visits.Read(jsonOf(t, visit("north.c1", morning, "outcome", outcome, "overdue_reason", reason)),
			instant(morning))
		if bad != nil {
			t.Errorf("%s, %s: %v", outcome, reason, bad)
			continue
		}
		v := state.(*record.Visit)
		v.On, v.By = "2026-11-25", "ana"
		f, d := aFile(), draftAt(morning, "ana")
		decideVisitEffects(f, d, "v1", v, "c1/visit:v1", visitContact("v1", v), nil)
		got := ""
		if holds := f.Case.AllHolds(); len(holds) > 0 {
			got = holds[0].Kind
		}
		if got != holds[outcome] || f.Case.AddressVerification != address[outcome] {
			t.Errorf("%s opens the hold %q and says of the address %q", outcome, got, f.Case.AddressVerification)
		}
		if counted := len(f.Contacts) == 1; counted == slices.Contains(noDoor, outcome) {
			t.Errorf("%s counts as a contact: %t", outcome, counted)
		} else if counted && strings.HasPrefix(outcome, "MET_") != (f.Contacts[0].State.Result == "contact") &&
			outcome != "NOT_MET_THIRD_PARTY" {
			t.Errorf("%s is the contact %s", outcome, f.Contacts[0].State.Result)
		}
	}
	for _, bad := range []members{{"outcome": "met_paid"}, {"outcome": ""}, {"overdue_reason": "6"},
		{"purpose": "threaten"},
		{"observations": members{"distress_level": 4}}, {"person_met": members{"relationship": "friend"}}} {
		sent := visit("north.c1", morning)
		maps.Copy(sent, bad)
		if _, refused := visits.Read(jsonOf(t, sent), instant(morning)); refused == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// A visit with every member the trade names keeps all of it, and nothing personal in the clear.
func TestAVisitKeepsEveryMember(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana := h.phone("ana", "d1")
	fix := func(at string) members {
		return members{"at": at, "point": []float64{-8.6101, 41.1501}, "accuracy_m": 12, "provider": "gps",
			"mock_suspected": true}
	}
	sent := members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "debt_ids": []string{"D1", "D2"},
		"notice_ref": "n-1", "purpose": "negotiate", "place": "home", "address_id": "adr-1",
		"agents": []members{{"agent_id": "ana", "role": "lead", "badge_no": "B 1", "cert_no": "证 2",
			"cert_valid_to": "2027-01-01", "letter_no": "L/3"}, {"agent_id": "rui", "role": "second"}},
		"check_in": fix("2026-11-25T10:00:00Z"), "check_out": fix("2026-11-25T10:20:00Z"),
		"address_verification": "confirmed_on_site",
		"person_met": members{"relationship": "spouse", "identity_check": "document", "language": "pt",
			"name_hash": "ab12"}, "disclosure_made": true, "disclosed_to": "spouse",
		"announced_identity": true, "announced_at": "2026-11-25T10:01:00Z",
		"recording": members{"consent_id": "k1", "media": "audio", "started_at": "2026-11-25T10:00:00Z",
			"ended_at": "2026-11-25T10:20:00Z", "sha256": "aa", "gaps_s": 3, "device": "d1"},
		"photos":  []members{{"kind": "letter_left", "sha256": "bb", "redacted": true, "necessity": "proof_of_letter"}},
		"items":   []string{"badge"},
		"outcome": "MET_PTP", "outcome_detail": "SECRET-detail", "overdue_reason": "006", "plan": "p1",
		"payment_ref": "pay-1",
		"observations": members{"children_present": true, "distress_level": 2, "dispute_text": "SECRET-dispute",
			"complaint_made": false, "safety_incident": true, "weather": "rain"},
		"vulnerability_flags": []any{"illness", members{"flag": "age", "source": "said",
			"consent_id": "k2"}}, "left_when_asked": true, "left_at": "2026-11-25T10:20:00Z",
		"attachments": []members{{"id": "at1", "sha256": "cc", "bytes": 7, "kind": "audio"}},
		"door_decision": members{"at": "2026-11-25T09:59:00Z", "decision": "allow",
			"policy_hash": "sha256:77"}, "newer_member": "SECRET-newer"}
	h.now = instant("2026-11-25T10:30:00Z")
	h.want("the visit", ana.put("visits", "v1", sent), "applied")
	var v record.Visit
	body := string(h.stored("visits", "v1", &v).Body)
	for _, secret := range []string{"SECRET", "8.61", "41.15", "-86101", "411501"} {
		if strings.Contains(body, secret) {
			t.Errorf("%s stands in the clear in the journal", secret)
		}
	}
	got := h.child("north.c1", "visits", "v1")
	for name := range sent {
		if name == "newer_member" {
			continue // kept apart, under more
		}
		if _, there := got[name]; !there {
			t.Errorf("%s is lost", name)
		}
	}
	for path, want := range map[string]string{"check_in.point": "[-8.6101 41.1501]", "check_in.inside_fence": "true",
		"check_in.datum": "wgs84", "outcome_detail": "SECRET-detail",
		"observations.dispute_text": "SECRET-dispute", "more.newer_member": "SECRET-newer", "round": "r1", "route": "r1.t1",
		"stop_seq": "1", "territory": "west",
		"flags": "[disclosed_to_other mock_location unlawful]", "recording.gaps_s": "3",
		"vulnerability_flags": "[map[flag:illness] map[consent_id:k2 flag:age source:said]]"} {
		if x := fmt.Sprint(dig(got, path)); x != want {
			t.Errorf("%s is %s, want %s", path, x, want)
		}
	}
	var phases []string
	for _, d := range got["decisions"].([]any) {
		phases = append(phases, fmt.Sprint(d.(map[string]any)["phase"]))
	}
	if strings.Join(phases, " ") != "dispatch door sync" {
		t.Errorf("the decisions are of %v", phases)
	}
	// A name or an address has no room where things stand in the clear.
	for name, bad := range map[string]any{"observations": members{"weather": "rain, says Maria"},
		"items": []string{"Rua do Ouro 5"}, "payment_ref": "Maria Silva",
		"photos": []members{{"kind": "letter_left", "sha256": "b",
			"necessity": "the door of Maria"}}, "check_in": members{"provider": "Rua 5"}} {
		r := ana.put("visits", "bad-"+name, visit("north.c1", "2026-11-25T10:00:00Z", name, bad))
		if r.Status != "rejected" || r.Quarantine == "" || strings.Contains(r.Detail, "Maria") {
			t.Errorf("%s: %s, quarantine %q, %q", name, said(r), r.Quarantine, r.Detail)
		}
	}
}

// dig finds a member by its path.
func dig(m map[string]any, path string) any {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return m[name]
	}
	next, _ := m[name].(map[string]any)
	return dig(next, rest)
}

// What took place is kept, and flagged for a supervisor.
func TestFactsAreKeptAndFlagged(t *testing.T) {
	for _, c := range []struct {
		name  string
		f     members
		flags string
	}{
		{"a visit as planned", visit("north.c1", "2026-11-25T10:00:00Z"), ""},
		{"after hours", visit("north.c1", "2026-11-25T21:30:00Z"), "unlawful"},
		{"on a Sunday", visit("north.c1", "2026-11-22T10:00:00Z"), "no_assignment unlawful"},
		{"at the workplace, without consent", visit("north.c1", "2026-11-25T10:00:00Z", "place", "workplace"), "unlawful"},
		{"far from the door", visit("north.c1", "2026-11-25T10:00:00Z", "check_in", members{"at": "2026-11-25T10:00:00Z",
			"point": []float64{-8.60, 41.15}, "accuracy_m": 10}), "far_from_address"},
		{"asked to leave and stayed", visit("north.c1", "2026-11-25T10:00:00Z", "left_when_asked", false,
			"asked_to_leave", true), "stayed_when_asked"},
		{"asked to leave, by the outcome, and stayed", visit("north.c1", "2026-11-25T10:00:00Z", "left_when_asked", false,
			"outcome", "MET_ASKED_TO_LEAVE"), "stayed_when_asked"},
		{"stayed, and nobody asked", visit("north.c1", "2026-11-25T10:00:00Z", "left_when_asked", false), ""},
		{"asked to leave and left", visit("north.c1", "2026-11-25T10:00:00Z", "left_when_asked", true,
			"asked_to_leave", true), ""},
		{"a colleague who was not sent", visit("north.c1", "2026-11-25T10:00:00Z", "agents",
			[]members{{"agent_id": "ana"}, {"agent_id": "eva"}}), "unknown_agent"},
		{"the same agent twice", visit("north.c1", "2026-11-25T10:00:00Z", "agents",
			[]members{{"agent_id": "ana"}, {"agent_id": "ana"}}), "unknown_agent"},
		{"an assignment that never was", visit("north.c1", "2026-11-25T10:00:00Z", "assignment", "a0"), "no_assignment"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newFixture(t)
			h.take(line("c1"))
			h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
			if c.name == "on a Sunday" {
				c.f["assignment"] = "none"
			}
			h.want(c.name, h.phone("ana", "d1").put("visits", "v1", c.f), "applied")
			if got := h.flags("v1"); got != c.flags {
				t.Errorf("flagged %q, want %q", got, c.flags)
			}
		})
	}
}

// The first visit closes the assignment; a second is kept and flagged; a correction counts in its place.
func TestTheFirstVisitClosesTheAssignment(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	h.want("ana's", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "MET_PTP")), "applied")
	h.want("rui's", rui.put("visits", "v2", visit("north.c1", "2026-11-25T10:05:00Z")), "applied")
	a := h.child("north.c1", "assignments", "a-c1-2026-11-25-r1")
	if a["status"] != "done" || a["closed_by"] != "v1" || a["agent_status"] != "visited" {
		t.Errorf("the assignment is %v by %v, %v", a["status"], a["closed_by"], a["agent_status"])
	}
	if f1, f2 := h.flags("v1"), h.flags("v2"); f1 != "" || f2 != "second_visit unlawful" {
		t.Errorf("flagged %q and %q", f1, f2)
	}
	h.want("a correction", ana.put("visits", "v3", visit("north.c1", "2026-11-25T10:00:00Z", "supersedes", "v1",
		"outcome", "MET_HARDSHIP")), "applied")
	if got := h.flags("v3"); got != "correction" {
		t.Errorf("the correction is flagged %q", got)
	}
	counted := map[string]bool{}
	for _, x := range h.shown("north.c1")["contacts"].([]any) {
		m := x.(map[string]any)
		counted[m["visit"].(string)] = m["excluded"] != true
	}
	if counted["v1"] || !counted["v2"] || !counted["v3"] {
		t.Errorf("contacts count for %v; want the corrected one's no more", counted)
	}
	rui.pull()
	if rui.holds("visits") != "v1 v2 v3" || rui.docs["assignments"]["a-c1-2026-11-25-r1"]["status"] != "done" {
		t.Errorf("rui's phone holds visits %s", rui.holds("visits"))
	}
}

// A supervisor's word on a visit stands beside it.
func TestAReviewStandsBesideTheVisit(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "boss"}, "north.c1")
	h.want("a visit", h.phone("ana", "d1").put("visits", "v1", visit("north.c1", "2026-11-25T21:30:00Z")), "applied")
	h.want("the supervisor's own", h.phone("boss", "d2").put("visits", "v2", visit("north.c1", "2026-11-25T21:40:00Z")),
		"applied")
	for want, c := range map[string]ReviewVisit{"visit.not_found": {Case: "north.c2", Visit: "v1", State: "accepted"},
		"validation.state": {Case: "north.c1", Visit: "v1", State: "fine"},
		"visit.own":        {Case: "north.c1", Visit: "v2", State: "accepted"}, "case.not_found": {Case: "north.c9",
			Visit: "v1",
			State: "accepted"}} {
		if _, err := h.do(c); code(err) != want {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
	h.must(ReviewVisit{Case: "north.c1", Visit: "v1", State: "questioned", Notes: "SECRET why so late"})
	h.must(ReviewVisit{Case: "north.c1", Visit: "v1", State: "accepted", Notes: "SECRET asked for by phone"})
	r := h.child("north.c1", "visit_reviews", "v1")
	if r["state"] != "accepted" || r["by"] != "boss" || r["notes"] != "SECRET asked for by phone" || r["rev"] != 2.0 {
		t.Errorf("the review is %v", r)
	}
	var stored record.VisitReview
	if body := string(h.stored("visit_reviews", "v1", &stored).Body); strings.Contains(body, "SECRET") {
		t.Error("the notes stand in the clear")
	}
	var v record.Visit
	if rec := h.stored("visits", "v1", &v); rec.Rev != 1 {
		t.Errorf("the visit is at revision %d", rec.Rev)
	}
}
