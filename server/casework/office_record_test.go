package casework

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// complained is a complaint about a case, made an hour before the test's clock.
func complained(of journal.CaseID) record.ComplaintSaid {
	return record.ComplaintSaid{Case: of, At: instant("2026-11-25T08:00:00Z"), Channel: "call",
		Subjects: []string{"contact_times"}, Text: seal.NewText("they came at night")}
}

// By when a complaint is answered: the law's date, or an earlier one of the office; never a later one, and never none.
func TestByWhenAComplaintIsAnswered(t *testing.T) {
	uk := conduct.AnswerTime{Days: 56, Profile: "uk"}
	for _, c := range []struct {
		said   string
		within conduct.AnswerTime
		want   string
	}{
		{"", uk, "2027-01-20 uk"},
		{"2026-12-01", uk, "2026-12-01 office"},
		{"2027-01-20", uk, "2027-01-20 office"},
		{"2027-01-21", uk, "complaint.answer_due"},
		{"2026-11-24", uk, "complaint.answer_due"},
		{"soon", uk, "complaint.answer_due"},
		{"", conduct.AnswerTime{}, "complaint.answer_due"},
		{"2027-06-30", conduct.AnswerTime{}, "2027-06-30 office"},
	} {
		due, by, bad := answerDue(c.said, "2026-11-25", c.within)
		got := due + " " + by
		if bad != nil {
			got = bad.Code()
		}
		if got != c.want {
			t.Errorf("%q within %v: %s, want %s", c.said, c.within, got, c.want)
		}
	}
	p, err := conduct.Default()
	ok(t, err)
	for profile, want := range map[string]int{"uk": 56, "in": 30, "au": 30, "house-visit": 0} {
		if got, err := p.AnswerTime([]string{profile, "house-humane"}); err != nil || got.Days != want {
			t.Errorf("%s answers within %v, %v; want %d days", profile, got, err, want)
		}
	}
}

// A complaint takes the case off the phones at once, waits by its date, is answered once, and its hold takes two.
func TestAComplaintStopsVisitsAndIsAnsweredOnce(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	ana.pull()
	r := h.must(RecordComplaint{ID: "k1", Said: complained("north.c1"), AnswerDue: "2026-12-09"})
	if r["answer_due"] != "2026-12-09" || r["state"] != "open" {
		t.Fatalf("the receipt is %v", r)
	}
	if ana.pull(); ana.holds("cases") != "" {
		t.Errorf("the phone still has %s", ana.holds("cases"))
	}
	k := h.openCase("north.c1")
	hold := k.AllHolds()[0]
	if hold.Kind != "complaint" || hold.ID != r["hold_id"] || hold.Source != "complaint:k1" || !hold.NeedsTwo() {
		t.Errorf("the hold is %+v", hold)
	}
	later := RecordComplaint{ID: "k2", Said: complained("north.c2"), AnswerDue: "2026-12-01"}
	h.must(later)
	list := func(state string) string {
		page, err := h.svc.Complaints(t.Context(), boss, porto, state, 10, "")
		ok(t, err)
		var ids []string
		for _, item := range page.Items {
			ids = append(ids, object(t, item)["id"].(string))
		}
		return strings.Join(ids, " ")
	}
	if got := list(""); got != "k2 k1" {
		t.Errorf("what waits, by its date: %s", got)
	}
	answer := AnswerComplaint{Case: "north.c1", Complaint: "k1", Answer: record.ComplaintAnswer{
		At: instant("2026-11-25T08:59:00Z"), Channel: "letter", Outcome: "upheld", Text: seal.NewText("we are sorry")}}
	early := answer
	early.Answer.At = instant("2026-11-25T07:59:59Z")
	for what, c := range map[string]struct {
		cmd  Cmd
		want string
	}{
		"before the complaint": {early, "validation.at"},
		"of another case": {AnswerComplaint{Case: "north.c2", Complaint: "k1", Answer: answer.Answer},
			"record.not_found"},
		"the id again": {RecordComplaint{ID: "k1", Said: complained("north.c1"), AnswerDue: "2026-12-09"},
			"append_only"},
		"in the future": {RecordComplaint{ID: "k3", AnswerDue: "2026-12-09", Said: func() record.ComplaintSaid {
			s := complained("north.c1")
			s.At = instant("2026-11-25T09:06:00Z")
			return s
		}()}, "validation.at"},
		"a visit that is not": {RecordComplaint{ID: "k3", AnswerDue: "2026-12-09", Said: func() record.ComplaintSaid {
			s := complained("north.c1")
			s.Visit = "v9"
			return s
		}()}, "validation.visit"},
	} {
		if _, err := h.do(c.cmd); code(err) != c.want {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
	h.must(answer)
	if _, err := h.do(answer); code(err) != "complaint.answered" {
		t.Errorf("answered twice: %v", err)
	}
	if got := list("") + "; " + list("answered"); got != "k2; k1" {
		t.Errorf("after the answer there wait %s", got)
	}
	shown := h.child("north.c1", "complaints", "k1")
	if a := shown["answer"].(map[string]any); a["late"] != nil || a["by"] != "boss" || a["text"] != "we are sorry" {
		t.Errorf("the answer is %v", a)
	}
	if left := h.openCase("north.c1").OpenHolds("2026-11-25"); len(left) != 1 {
		t.Errorf("an answer alone ends the hold: %v", left)
	}
	h.now = instant("2026-12-02T10:00:00Z")
	answer.Case, answer.Complaint, answer.Answer.At = "north.c2", "k2", h.now
	h.must(answer)
	if a := h.child("north.c2", "complaints", "k2")["answer"].(map[string]any); a["late"] != true {
		t.Errorf("an answer a day after its date is %v", a)
	}
}

// A letter counts as a contact; one that came back counts as failed, and a notice that came back is none.
func TestALetterCountsUntilItComesBack(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	sent := record.LetterSaid{Case: "north.c1", Kind: "visit_notice", SentAt: instant("2026-11-20T10:00:00Z"),
		Contents: []string{"date"}}
	r := h.must(RecordLetter{ID: "l1", Said: sent})
	contact := func() string {
		c := h.child("north.c1", "contacts", r["contact_id"].(string))
		return fmt.Sprint(c["channel"], " ", c["result"], " ", c["party"], " ", c["at"])
	}
	if got := contact(); got != "letter_delivery sent debtor 2026-11-20T10:00:00Z" {
		t.Errorf("the contact is %s", got)
	}
	if n := h.openCase("north.c1").Notice.Visit; n == nil || !n.SentAt.Equal(sent.SentAt) || n.Form != "letter" {
		t.Errorf("the notice is %+v", n)
	}
	older := sent
	older.SentAt = instant("2026-11-10T10:00:00Z")
	h.must(RecordLetter{ID: "l0", Said: older})
	if n := h.openCase("north.c1").Notice.Visit; !n.SentAt.Equal(sent.SentAt) {
		t.Errorf("an older letter that is noted later is the notice: %+v", n)
	}
	back := ReturnLetter{Case: "north.c1", Letter: "l1", At: instant("2026-11-24T10:00:00Z"), Reason: "moved"}
	early := back
	early.At = instant("2026-11-20T09:00:00Z")
	if _, err := h.do(early); code(err) != "validation.at" {
		t.Errorf("back before it was sent: %v", err)
	}
	if r := h.must(back); r["notice_lapsed"] != true || r["state"] != "returned" {
		t.Errorf("the receipt is %v", r)
	}
	if got := contact(); got != "letter_delivery failed debtor 2026-11-20T10:00:00Z" {
		t.Errorf("the contact of a returned letter is %s", got)
	}
	if n := h.openCase("north.c1").Notice.Visit; n != nil {
		t.Errorf("a notice that came back is in force: %+v", n)
	}
	h.must(back) // the same again
	back.Reason = "refused"
	if _, err := h.do(back); code(err) != "letter.returned" {
		t.Errorf("back for another reason: %v", err)
	}
}

// What the office writes down says so, needs its evidence, and is refused for a closed case.
func TestWhatTheOfficeWritesDown(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	note := func(of journal.CaseID) record.NoteReport {
		return record.NoteReport{About: record.About{Case: of, At: instant("2026-11-25T08:00:00Z")},
			Text: seal.NewText("rang the bell of the neighbour")}
	}
	h.must(RecordNote("n1", note("north.c1")))
	if got := h.child("north.c1", "visit_notes", "n1"); got["source"] != "office" || got["by"] != "boss" {
		t.Errorf("the note is %v", got)
	}
	k := given("visit_time", "2026-11-25T08:50:00Z").ConsentReport
	k.Case = "north.c1"
	for what, fn := range map[string]func(*record.ConsentReport){
		"without evidence":   func(c *record.ConsentReport) { c.Evidence = nil },
		"without its text":   func(c *record.ConsentReport) { c.TextSHA256 = "" },
		"without a method":   func(c *record.ConsentReport) { c.Method = "" },
		"evidence of others": func(c *record.ConsentReport) { c.Method = "paper_scan" },
	} {
		bad := k
		fn(&bad)
		if _, err := h.do(RecordConsent("k0", bad)); code(err) != "consent.unproven" {
			t.Errorf("%s: %v", what, err)
		}
	}
	h.must(RecordConsent("k1", k))
	if got := h.child("north.c1", "consents", "k1"); got["source"] != "office" || got["flags"] != nil {
		t.Errorf("the consent is %v", got)
	}
	off := k
	off.Status, off.Withdraws, off.Method, off.TextSHA256, off.Evidence = "withdrawn", "k1", "", "", nil
	h.must(RecordConsent("k2", off)) // a withdrawal needs none
	h.must(CloseCase{Case: "north.c2", Reason: "recalled"})
	kept := k
	kept.Case = "north.c2"
	for what, cmd := range map[string]Cmd{
		"a note":      RecordNote("n2", note("north.c2")),
		"a consent":   RecordConsent("k3", kept),
		"a complaint": RecordComplaint{ID: "x1", Said: complained("north.c2"), AnswerDue: "2026-12-09"},
		"a letter": RecordLetter{ID: "l1", Said: record.LetterSaid{Case: "north.c2", Kind: "reminder",
			SentAt: instant("2026-11-20T10:00:00Z")}},
		"a correction": CorrectRecord{Case: "north.c2", Kind: "visits", Record: "v1", ID: "v2",
			Corrected: json.RawMessage(`{"outcome":"MET_PTP"}`), Reason: "typed wrong"},
	} {
		if _, err := h.do(cmd); code(err) != "case.closed" {
			t.Errorf("%s of a closed case: %v", what, err)
		}
	}
}

// A supervisor's correction is a record of its own, by the agent who made the first: the law counts the agents who were
// there, not the supervisor; both say what they said; and another supervisor reviews it.
func TestASupervisorCorrectsAVisit(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana := h.phone("ana", "d1")
	ana.pull()
	h.now = instant("2026-11-25T10:30:00Z")
	h.want("a visit", ana.put("visits", "v1", members{"case": "north.c1", "at": "2026-11-25T10:00:00Z",
		"outcome": "NOT_MET_NOBODY", "agents": []members{{"agent_id": "ana"}, {"agent_id": "rui"}}}), "applied")
	fix := CorrectRecord{Case: "north.c1", Kind: "visits", Record: "v1", ID: "v2",
		Corrected: json.RawMessage(`{"outcome":"MET_REFUSED_TALK"}`), Reason: "the agent called it in"}
	said := func(text string) func(*CorrectRecord) {
		return func(c *CorrectRecord) { c.Corrected = json.RawMessage(text) }
	}
	for what, c := range map[string]struct {
		change func(*CorrectRecord)
		want   string
	}{
		"nothing":        {said(`{"outcome":"NOT_MET_NOBODY"}`), "record.same"},
		"another's":      {func(c *CorrectRecord) { c.Case = "north.c2" }, "record.not_found"},
		"its case":       {said(`{"case":"north.c2"}`), "record.member"},
		"the chain":      {said(`{"supersedes":"v0"}`), "record.member"},
		"the server's":   {said(`{"flags":[]}`), "quarantine.member"},
		"a bad code":     {said(`{"outcome":"WENT_WELL"}`), "validation.outcome"},
		"no reason":      {func(c *CorrectRecord) { c.Reason = "" }, "record.reason"},
		"a signature":    {func(c *CorrectRecord) { c.Kind = "signatures" }, "record.type"},
		"under an id":    {func(c *CorrectRecord) { c.ID = "v1" }, "append_only"},
		"of tomorrow":    {said(`{"at":"2026-11-26T10:00:00Z"}`), "validation.at"},
		"not an object":  {said(`[]`), "validation.type"},
		"no such record": {func(c *CorrectRecord) { c.Record = "v9" }, "record.not_found"},
	} {
		bad := fix
		c.change(&bad)
		if _, err := h.do(bad); code(err) != c.want {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
	h.must(fix)
	was, now := h.child("north.c1", "visits", "v1"), h.child("north.c1", "visits", "v2")
	if was["outcome"] != "NOT_MET_NOBODY" || now["outcome"] != "MET_REFUSED_TALK" || now["supersedes"] != "v1" ||
		now["by"] != "ana" || now["at"] != was["at"] {
		t.Errorf("the first is %v,\nthe correction %v", was, now)
	}
	by := now["admitted"].(map[string]any)
	if by["by"] != "boss" || fmt.Sprint(by["corrected"], by["sent"]) != "[outcome] map[outcome:NOT_MET_NOBODY]" ||
		by["reason"] != "the agent called it in" {
		t.Errorf("it says %v", by)
	}
	flags := fmt.Sprint(now["flags"])
	if !strings.Contains(flags, "corrected_by_office") || strings.Contains(flags, "unknown_agent") {
		t.Errorf("it has the flags %s", flags)
	}
	counted := 0
	for _, c := range h.shown("north.c1")["contacts"].([]any) {
		if m := c.(map[string]any); m["excluded"] == nil {
			counted++
		}
	}
	if counted != 1 {
		t.Errorf("%d contacts count for one knock", counted)
	}
	if _, err := h.do(ReviewVisit{Case: "north.c1", Visit: "v2", State: "accepted"}); code(err) != "visit.own" {
		t.Errorf("who corrected it reviews it: %v", err)
	}
	ana.pull()
	if got := ana.docs["visits"]["v2"]; got == nil || !slices.Contains(strings.Fields(ana.holds("visits")), "v2") {
		t.Errorf("the phone holds %s", ana.holds("visits"))
	}
}
