package casework

import (
	"context"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/seal"
)

// Working days leave out Saturdays, Sundays and the holidays of the country's calendar, and the day of the complaint.
func TestAnAnswerIsDueInWorkingDays(t *testing.T) {
	p, err := conduct.Default()
	ok(t, err)
	within, err := p.AnswerTime([]string{"ie", "house-humane"})
	ok(t, err)
	if within.WorkingDays != 40 || within.Profile != "ie" || len(within.Cite) == 0 {
		t.Fatalf("Ireland answers within %+v", within)
	}
	// From Wednesday 25 November 2026: 8 weeks are Wednesday 20 January 2027. Friday 25 December, Monday 28 December (for
	// St Stephen's Day, a Saturday) if the calendar has it, and Friday 1 January are holidays.
	holidays, err := p.Holidays([]string{"ie"})
	ok(t, err)
	extra := 0
	for _, h := range holidays {
		day, err := time.Parse(time.DateOnly, h)
		ok(t, err)
		if h > "2026-11-25" && h <= "2027-01-20" && day.Weekday() != 0 && day.Weekday() != 6 {
			extra++
		}
	}
	if extra == 0 {
		t.Fatal("the calendar has no holidays in these weeks: this is no test")
	}
	want := map[int]string{1: "2027-01-21", 2: "2027-01-22", 3: "2027-01-25"}[extra]
	if got := within.Due("2026-11-25"); got != want {
		t.Errorf("due %s, want %s: %d holidays", got, want, extra)
	}
	both := conduct.AnswerTime{Days: 7, WorkingDays: 3}
	for day, due := range map[string]string{"2026-11-25": "2026-11-30", "2026-11-27": "2026-12-02", "soon": ""} {
		if got := both.Due(day); got != due {
			t.Errorf("of %s due %q, want %q", day, got, due)
		}
	}
}

// A complaint at the door is a complaint as every other: it has a date, is about the agents of the visit, is answered
// by one person and closed by another.
func TestAComplaintAtTheDoorIsAnsweredAndClosedByTwo(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2", "phone", "+351912000002"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana := h.phone("ana", "d1")
	h.want("a visit with a complaint", ana.put("visits", "v1", visit("north.c1", "2026-11-25T08:30:00Z", "outcome",
		"MET_COMPLAINT", "outcome_detail", "they shouted", "agents", []map[string]any{{"agent_id": "ana", "role": "lead"},
			{"agent_id": "rui", "role": "second"}})), "applied")
	id := complaintOf("v1")
	k := h.child("north.c1", "complaints", id)
	if k["state"] != "open" || k["channel"] != "visit" || k["answer_due"] != "2026-12-09" || k["due_by"] != "house" ||
		k["team"] != "t1" || len(k["agents"].([]any)) != 2 || k["text"] != "they shouted" || k["hold_id"] == nil {
		t.Fatalf("the complaint is %v", k)
	}
	// A correction of the visit is about the same complaint.
	h.want("a correction", ana.put("visits", "v2", visit("north.c1", "2026-11-25T08:30:00Z", "outcome", "MET_COMPLAINT",
		"supersedes", "v1")), "applied")
	if n := len(h.shown("north.c1")["complaints"].([]any)); n != 1 {
		t.Errorf("after a correction there are %d complaints", n)
	}
	closing := CloseComplaint{Case: "north.c1", Complaint: id}
	if _, err := h.do(closing); code(err) != "complaint.open" {
		t.Errorf("closed before it is answered: %v", err)
	}
	h.must(AnswerComplaint{Case: "north.c1", Complaint: id, Answer: record.ComplaintAnswer{At: h.now, Channel: "letter",
		Outcome: "upheld", Text: seal.NewText("we are sorry")}})
	if _, err := h.do(closing); code(err) != "complaint.own_answer" {
		t.Errorf("closed by who answered it: %v", err)
	}
	count := func(kind string) int {
		t.Helper()
		items, _, err := h.svc.Inbox(context.Background(), boss, porto, kind, 10, "")
		ok(t, err)
		return len(items)
	}
	if count("complaints") != 0 || count("complaints_to_close") != 1 || count("complaint_holds") != 1 {
		t.Error("the inbox does not have it waiting for its end")
	}
	other := boss
	other.User = "other-boss"
	if _, err := h.svc.One(context.Background(), other, porto, Request{ID: "http:other:1", Cmd: closing}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.svc.One(context.Background(), other, porto, Request{ID: "http:other:2", Cmd: closing}); code(err) !=
		"complaint.closed" {
		t.Errorf("closed twice: %v", err)
	}
	k = h.child("north.c1", "complaints", id)
	if k["state"] != "closed" || k["answer"].(map[string]any)["text"] != "we are sorry" ||
		count("complaints_to_close") != 0 {
		t.Errorf("closed: %v", k)
	}
	h.must(RecordComplaint{ID: "k9", Said: complained("north.c2"), AnswerDue: "2026-12-01"})
	h.at("2026-12-02T10:00:00Z")
	n, err := h.svc.CountComplaints(context.Background(), boss, porto, "2026-11-25", "2026-11-25")
	ok(t, err)
	if n.Total != (ComplaintCount{All: 2, Open: 1, Closed: 1, Late: 1, Upheld: 1}) || len(n.Agents) != 2 ||
		n.Agents[1] != (ComplaintCount{Agent: "rui", All: 1, Closed: 1, Upheld: 1}) || len(n.Teams) != 1 ||
		n.Teams[0].Team != "t1" {
		t.Errorf("counted %+v", n)
	}
	n, err = h.svc.CountComplaints(context.Background(), boss, porto, "2026-11-26", "")
	if err != nil || n.Total.All != 0 {
		t.Errorf("counted from the next day on: %+v, %v", n, err)
	}
}

// Signs of an illness at the door stop the case, whatever came of the visit; that somebody speaks another language
// does not.
func TestSignsOfVulnerabilityAtTheDoorStopACase(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2", "phone", "+351912000002"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2")
	ana := h.phone("ana", "d1")
	h.want("a visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T08:30:00Z", "outcome", "MET_PTP",
		"vulnerability_flags", []string{"language"})), "applied")
	h.want("a visit", ana.put("visits", "v2", visit("north.c2", "2026-11-25T08:50:00Z", "outcome", "MET_PTP",
		"vulnerability_flags", []string{"language", "illness"})), "applied")
	if n := len(h.openCase("north.c1").OpenHolds("2026-11-25")); n != 0 {
		t.Errorf("another language opens %d holds", n)
	}
	holds := h.openCase("north.c2").OpenHolds("2026-11-25")
	if len(holds) != 1 || holds[0].Kind != "vulnerable" || !holds[0].NeedsTwo() {
		t.Errorf("an illness opens %+v", holds)
	}
	items, _, err := h.svc.Inbox(context.Background(), boss, porto, "vulnerable_holds", 10, "")
	ok(t, err)
	if len(items) != 1 || items[0].Case != "north.c2" {
		t.Errorf("the inbox has %+v", items)
	}
}
