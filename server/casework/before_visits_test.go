package casework

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/ladder"
	"doorstep/server/record"
)

// lacksOn lists what planning finds missing of a case for a local date.
func (h *fixture) lacksOn(of, date string) (out []string, noticed *record.Window) {
	h.t.Helper()
	ok(h.t, h.svc.PlanningFiles(context.Background(), porto, PlanningDay{Policy: h.svc.policy.Load(), Date: date},
		func(f *PlanningFile) error {
			if string(f.Case.ID) == of {
				out, noticed = f.Lacks(date)
			}
			return nil
		}))
	return out, noticed
}

// A case whose lender wants its texts, a plan, a confirmed address and a notice before anybody is sent gets each in
// turn; a stop that lacks the notice is refused when it is to be issued, whatever was planned.
func TestACaseIsVisitedAfterAllThatItsLenderWants(t *testing.T) {
	h, o := texting(t)
	o.ladder.Steps = o.ladder.Steps[:2]
	o.ladder.Before = &ladder.Before{Delivered: true, PlanOffered: true, ConfirmedDays: 30, NoticeDays: 2}
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-20"), line("c2", "due_date", "2026-11-24",
		"phone", "+351912000002"))
	lacks := func(date string, want ...string) {
		t.Helper()
		if got, _ := h.lacksOn("north.c1", date); !slices.Equal(got, want) {
			t.Errorf("for %s the case lacks %q, want %q", date, got, want)
		}
	}
	const date = "2026-12-10"
	lacks(date, "overdue_reminder", "second_reminder", "plan_offered", "address_confirmed")
	if got := h.issue("r0", "t1", date, []auth.UserID{"ana"}, "north.c1"); got.Issued != 0 || len(got.Refused) != 1 ||
		got.Refused[0].Reason != LadderNotFinished || len(got.Refused[0].Missing) != 5 {
		t.Errorf("before all texts it is issued: %+v", got)
	}
	h.run(record.MessageSent)
	lacks(date, "overdue_reminder", "second_reminder", "plan_offered", "address_confirmed")
	for _, m := range h.messages("north.c1") {
		h.must(SettleText{ID: m.ID, State: record.MessageDelivered, Provider: "test", ProviderID: "p-" + m.ID, Receipt: true})
	}
	lacks(date, "second_reminder", "plan_offered", "address_confirmed")
	h.at("2026-12-03T10:00:00Z")
	h.run(record.MessageDelivered)
	lacks(date, "address_confirmed")

	h.must(ConfirmCase{Case: "north.c1", At: h.now, Method: "call", Address: "confirmed_by_debtor",
		Contact: record.ContactConfirmed})
	lacks(date)
	lacks("2026-12-04", "visit_notice") // there are not two days left

	eta := instant("2026-12-10T11:10:00Z")
	window := record.Window{From: instant("2026-12-10T08:00:00Z"), To: instant("2026-12-10T20:00:00Z")}
	announce := func() map[string]any {
		t.Helper()
		return h.must(AnnounceVisit{Case: "north.c1", Date: date, ETA: eta, Window: window})
	}
	if got := h.issue("r1", "t1", date, []auth.UserID{"ana"}, "north.c1"); got.Issued != 0 ||
		!slices.Equal(got.Refused[0].Missing, []string{"visit_notice"}) {
		t.Errorf("without its notice it is issued: %+v", got)
	}
	if got := announce(); got["message_id"] == "" {
		t.Errorf("announced: %v", got)
	}
	if got := announce(); got["not"] != NoticeThere {
		t.Errorf("announced twice: %v", got)
	}
	h.at("2026-12-07T10:00:00Z") // the house lets three days pass between two texts
	out := h.run(record.MessageSent)
	if len(out) != 1 || !strings.Contains(out[0].Text, "10:00-12:15") {
		t.Fatalf("the notice says %+v", out)
	}
	if got, noticed := h.lacksOn("north.c1", date); len(got) != 0 || noticed == nil ||
		!noticed.From.Equal(instant("2026-12-10T10:00:00Z")) {
		t.Errorf("with its notice it lacks %q; noticed %v", got, noticed)
	}
	lacks("2026-12-11") // another day needs another notice, for which there is time
	issue := func(round string, at time.Time) IssueReceipt {
		t.Helper()
		body, err := h.do(IssueRoute{Round: round, Route: round + ".t1", Team: "t1", Date: date, Agents: []auth.UserID{"ana"},
			Items: []string{"badge"}, Stops: []IssuedStop{{Case: "north.c1", Assignment: "a-" + round, Seq: 1, ETA: at,
				Window: window, ServiceS: 1200}}})
		ok(t, err)
		var got IssueReceipt
		ok(t, json.Unmarshal(body, &got))
		return got
	}
	if got := issue("r2", instant("2026-12-10T15:00:00Z")); got.Issued != 0 {
		t.Errorf("outside the announced span it is issued: %+v", got)
	}
	if got := issue("r3", eta); got.Issued != 1 {
		t.Errorf("with its notice it is not issued: %+v", got)
	}
	// A notice that did not arrive is none.
	h.must(SettleText{ID: out[0].ID, State: record.MessageFailed, Provider: "test", ProviderID: "p-" + out[0].ID,
		Receipt: true})
	if got := issue("r4", eta); got.Issued != 0 {
		t.Errorf("with a notice that failed it is issued: %+v", got)
	}
	// Too late to give notice.
	h.at("2026-12-09T00:00:00Z")
	if got := announce(); got["not"] != NoticeTooLate {
		t.Errorf("a day before the visit: %v", got)
	}
}

// What was found of an address and a number takes effect at once, and something older changes nothing.
func TestConfirmingAnAddressAndANumber(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2", "phone", ""))
	refused := func(want string, c ConfirmCase) {
		t.Helper()
		if _, err := h.do(c); code(err) != want {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
	now := h.now
	refused("confirm.method", ConfirmCase{Case: "north.c1", At: now, Method: "guess", Contact: "confirmed"})
	refused("confirm.address", ConfirmCase{Case: "north.c1", At: now, Method: "call", Address: "yes"})
	refused("confirm.contact", ConfirmCase{Case: "north.c1", At: now, Method: "call", Contact: "yes"})
	refused("confirm.nothing", ConfirmCase{Case: "north.c1", At: now, Method: "call"})
	refused("message.no_number", ConfirmCase{Case: "north.c2", At: now, Method: "call", Contact: "confirmed"})
	refused("validation.at", ConfirmCase{Case: "north.c1", At: now.Add(48 * time.Hour), Method: "call",
		Contact: "confirmed"})
	refused("case.not_found", ConfirmCase{Case: "north.c9", At: now, Method: "call", Contact: "confirmed"})

	h.issue("r1", "t1", now.Format(time.DateOnly), []auth.UserID{"ana"}, "north.c1")
	h.must(ConfirmCase{Case: "north.c1", At: now, Method: "call", Address: "wrong_address", Contact: "wrong_number"})
	k := h.openCase("north.c1")
	if k.AddressVerification != "wrong_address" || k.PhoneState != "wrong_number" || len(k.Agents) != 0 ||
		k.Confirmed.Method != "call" {
		t.Errorf("after a wrong address and number: %+v", k)
	}
	refused("confirm.late", ConfirmCase{Case: "north.c1", At: now.Add(-time.Hour), Method: "call",
		Address: "confirmed_by_debtor"})
	refused("message.no_number", ConfirmCase{Case: "north.c1", At: now, Method: "call", Contact: "confirmed"})
	h.must(ConfirmCase{Case: "north.c1", At: now, Method: "document", Address: "confirmed_by_document"})
	if k := h.openCase("north.c1"); k.AddressVerifiedOn != now.Format(time.DateOnly) {
		t.Errorf("a confirmed address: %+v", k)
	}
}
