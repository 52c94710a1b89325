package casework

import (
	"context"
	"slices"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
)

// retire ends the days before a date, as dispatch does.
func (h *fixture) retire(before, command string) int {
	h.t.Helper()
	n, err := h.svc.RetireBefore(context.Background(), porto, before, command)
	ok(h.t, err)
	return n
}

func TestADayThatIsOverLeavesThePhones(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"), line("c3"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1", "north.c2")
	h.issue("r1", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c3")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	ana.pull()
	rui.pull()
	h.want("a visit on the day", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:05:00Z")), "applied")
	ana.pull()

	h.now = instant("2026-11-26T00:00:30Z")
	if n := h.retire("2026-11-26", "day:2026-11-26"); n != 2 {
		t.Errorf("%d cases left the phones, want 2", n)
	}
	if n := h.retire("2026-11-26", "day:2026-11-26"); n != 0 {
		t.Errorf("asked again, %d cases left the phones", n)
	}
	got := ana.pull()
	for _, gone := range []string{"revoke assignments/a-c1-2026-11-25-r1", "revoke assignments/a-c2-2026-11-25-r1",
		"revoke cases/north.c1", "revoke cases/north.c2", "revoke visits/v1"} {
		if !slices.Contains(got, gone) {
			t.Errorf("the phone did not hear %s; it heard %v", gone, got)
		}
	}
	if as, cs := ana.holds("assignments"), ana.holds("cases"); as != "a-c3-2026-11-26-r1" || cs != "north.c3" {
		t.Errorf("the phone holds %s and %s, want what is of today and later only", as, cs)
	}
	m, err := h.sync.Manifest(context.Background(), ana.caller, "assignments")
	ok(t, err)
	if len(m.Records) != 1 || m.Records[0][0] != "a-c3-2026-11-26-r1" {
		t.Errorf("the manifest lists %v", m.Records)
	}
	for id, want := range map[string]string{"a-c1-2026-11-25-r1": "done v1", "a-c2-2026-11-25-r1": "cancelled day:over",
		"a-c3-2026-11-26-r1": "open "} {
		var a record.Assignment
		h.stored("assignments", id, &a)
		if got := a.Status + " " + a.ClosedBy; got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}

	// Rui was offline all day: what he recorded is a fact.
	p := h.phone("rui", "d2")
	rs := p.push(write("visits", "v2", "put", 0, visit("north.c2", "2026-11-25T15:00:00Z", "outcome", "MET_PTP")),
		write("visit_notes", "n2", "put", 0, members{"case": "north.c2", "visit": "v2", "at": "2026-11-25T15:10:00Z",
			"text": "pays on Friday"}),
		write("assignments", "a-c2-2026-11-25-r1", "patch", 1, members{"agent_status": "visited"}))
	for i, what := range []string{"his visit", "its note", "his patch"} {
		h.want(what, rs[i], "applied")
	}
	if got := h.flags("v2"); got != "after_day" {
		t.Errorf("the visit is flagged %q, want after_day", got)
	}
	var a record.Assignment
	h.stored("assignments", "a-c2-2026-11-25-r1", &a)
	if a.Status != "done" || a.ClosedBy != "v2" || a.Shown() {
		t.Errorf("the assignment is %s by %s, shown %t; want done by v2 and on no phone", a.Status, a.ClosedBy, a.Shown())
	}
	// What the server has, the phone keeps no longer.
	if got := p.pull(); !slices.Contains(got, "revoke visits/v2") || p.holds("visits") != "" || p.holds("cases") != "" {
		t.Errorf("after the push the phone heard %v and holds visits %q, cases %q", got, p.holds("visits"), p.holds("cases"))
	}
	// Going by a list of yesterday is another matter.
	h.now = instant("2026-11-26T12:00:00Z")
	after := p.put("visits", "v3", visit("north.c2", "2026-11-26T11:00:00Z", "assignment", "a-c2-2026-11-25-r1"))
	h.want("a visit on the day after", after, "revoked")
	h.must(HandleQuarantine{ID: after.Quarantine, Accept: true})
	if got := h.flags("v3"); got != "from_quarantine late_stop unlawful" {
		t.Errorf("the visit of the day after is flagged %q, want late_stop and unlawful (one contact in seven days)", got)
	}
	// A stranger to the case gains nothing by it.
	h.want("a visit by another agent", h.phone("eva", "d3").put("visits", "v4", visit("north.c2", "2026-11-25T15:00:00Z")),
		"revoked")
}

// What somebody took back is not a day that is over: the new owner decides.
func TestAfterARevocationRecordsWaitForTheNewOwner(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.issue("r2", "t2", "2026-11-25", []auth.UserID{"rui"}, "north.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	if ana.pull(); ana.holds("assignments") != "" || ana.holds("cases") != "" {
		t.Errorf("ana holds %q", ana.holds("assignments"))
	}
	if rui.pull(); rui.holds("assignments") != "a-c1-2026-11-25-r2" || rui.holds("cases") != "north.c1" {
		t.Errorf("rui holds %q", rui.holds("assignments"))
	}
	r := ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:05:00Z"))
	h.want("a visit to a case that is another's", r, "revoked")
	// Accepted for her, it closes nobody else's stop.
	h.must(HandleQuarantine{ID: r.Quarantine, Accept: true})
	if got := h.flags("v1"); got != "after_revocation from_quarantine" {
		t.Errorf("the visit is flagged %q", got)
	}
	var a record.Assignment
	if h.stored("assignments", "a-c1-2026-11-25-r2", &a); a.ClosedBy == "v1" {
		t.Error("ana's visit closed rui's assignment")
	}
	h.retire("2026-11-26", "day:2026-11-26")
	h.want("another a day later", ana.put("visits", "v2", visit("north.c1", "2026-11-25T11:05:00Z")), "revoked")
}

// Tomorrow's round is published while today's agents are out.
func TestTomorrowsStopLeavesTodaysAlone(t *testing.T) {
	h := newFixture(t)
	h.now = instant("2026-11-25T16:00:00Z")
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2")
	h.issue("r2", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c1", "north.c2")
	ana := h.phone("ana", "d1")
	if ana.pull(); ana.holds("assignments") != "a-c1-2026-11-25-r1 a-c1-2026-11-26-r2 a-c2-2026-11-25-r1 "+
		"a-c2-2026-11-26-r2" {
		t.Errorf("the phone holds %s, want both days", ana.holds("assignments"))
	}
	h.retire("2026-11-26", "test")
	h.retire("2026-11-25", "test2")
	if ana.pull(); ana.holds("assignments") != "a-c1-2026-11-26-r2 a-c2-2026-11-26-r2" {
		t.Errorf("without today the phone holds %s", ana.holds("assignments"))
	}
}

func TestAVisitTakesBackALaterStopThatItMakesUnlawful(t *testing.T) {
	h := newFixture(t)
	h.now = instant("2026-11-25T16:00:00Z")
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2")
	h.issue("r2", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c1", "north.c2")
	ana := h.phone("ana", "d1")
	// Whom today's visit met may not be visited again tomorrow; nobody at home, and tomorrow's stop stays.
	h.want("met", ana.put("visits", "v1", visit("north.c1", "2026-11-25T15:30:00Z", "outcome", "MET_PTP")), "applied")
	h.want("not met", ana.put("visits", "v2", visit("north.c2", "2026-11-25T15:50:00Z")), "applied")
	if ana.pull(); ana.holds("assignments") != "a-c1-2026-11-25-r1 a-c2-2026-11-25-r1 a-c2-2026-11-26-r2" {
		t.Errorf("the phone holds %s, want tomorrow's stop at c1 taken back", ana.holds("assignments"))
	}
	var a record.Assignment
	if h.stored("assignments", "a-c1-2026-11-26-r2", &a); a.Status != "revoked" || a.ClosedBy != "law:FREQ_CAP" {
		t.Errorf("tomorrow's stop is %s by %s", a.Status, a.ClosedBy)
	}
	// Taking one round back leaves the assignments of others.
	h.must(RevokeAssignments{Case: "north.c2", Round: "r0", Reason: "round:replaced"})
	if ana.pull(); ana.holds("assignments") != "a-c1-2026-11-25-r1 a-c2-2026-11-25-r1 a-c2-2026-11-26-r2" {
		t.Errorf("the phone holds %s", ana.holds("assignments"))
	}
	h.must(RevokeAssignments{Case: "north.c2", Round: "r2", Reason: "round:replaced"})
	if ana.pull(); ana.holds("assignments") != "a-c1-2026-11-25-r1 a-c2-2026-11-25-r1" {
		t.Errorf("the phone holds %s", ana.holds("assignments"))
	}
	// Issuing the case again after days ends the old day.
	h.now = instant("2026-11-28T07:00:00Z")
	h.issue("r3", "t2", "2026-11-28", []auth.UserID{"rui"}, "north.c2")
	if ana.pull(); ana.holds("assignments") != "a-c1-2026-11-25-r1" {
		t.Errorf("the phone holds %s", ana.holds("assignments"))
	}
}
