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
	"doorstep/sync/journal"
)

// inboxNow is the inbox as "kind: id who since", one kind a line, without those of which nothing waits.
func (h *fixture) inboxNow() string {
	h.t.Helper()
	counts, err := h.svc.InboxCounts(context.Background(), boss, porto)
	ok(h.t, err)
	var lines []string
	for _, n := range counts {
		var items []string
		after := ""
		for {
			page, next, err := h.svc.Inbox(context.Background(), boss, porto, n.Kind, 1, after)
			ok(h.t, err)
			for _, x := range page {
				items = append(items, strings.TrimSpace(fmt.Sprintf("%s/%s %s %s", x.Case, x.ID, x.Who,
					second(x.Since)[5:16])))
			}
			if after = next; after == "" {
				break
			}
		}
		if len(items) != n.Count || n.More {
			h.t.Errorf("%s: %d are counted, %d listed", n.Kind, n.Count, len(items))
		}
		if len(items) > 0 {
			slices.Sort(items)
			lines = append(lines, n.Kind+": "+strings.Join(items, ", "))
		}
	}
	return strings.Join(lines, "\n")
}

// A day's inbox: each thing stands in it from when it happens until it is dealt with.
func TestTheInboxHoldsWhatWaits(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"), line("c3"), line("c4"), line("c5", "lat", "41.35"), line("c6"))
	if got := h.inboxNow(); got != "unassigned: north.c5/north.c5  11-25T09:00" {
		t.Errorf("in the morning:\n%s", got)
	}
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2", "north.c3")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	ana.pull()
	h.now = instant("2026-11-25T11:00:00Z")
	// A second visit of the day to the same door is flagged.
	h.want("a visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "MET_COMPLAINT",
		"person_met", members{"relationship": "debtor", "identity_check": "document"})), "applied")
	h.want("another", ana.put("visits", "v2", visit("north.c1", "2026-11-25T10:30:00Z")), "applied")
	h.want("what is none of theirs", rui.put("visits", "v3", visit("north.c4", "2026-11-25T10:00:00Z")), "revoked")
	big := twoParts()
	big.Case, big.Request = "north.c4", &record.PlanRequest{PlanAsked: record.PlanAsked{Kind: "ptp_single",
		StartOn: "2027-11-25"}}
	h.must(ProposePlan{ID: "p1", Plan: big, From: record.Sent{By: "ana", Received: h.now}})
	small := twoParts()
	small.Case = "north.c6"
	h.must(ProposePlan{ID: "p2", Plan: small, From: record.Sent{By: "ana", Received: h.now}})
	h.must(OpenHold{Case: "north.c2", Kind: "stop", Until: "2026-11-28"})
	h.must(RecordComplaint{ID: "k1", Said: complained("north.c3"), AnswerDue: "2026-12-09"})
	got := h.inboxNow()
	for _, want := range []string{"north.c3/k1 boss 11-25T08:00",
		"complaints: north.c1/" + complaintOf("v1") + " ana", "complaint_holds: north.c1/",
		"flagged_visits: ",
		"plans_to_approve: north.c4/p1 ana", "quarantine: ", "holds_ending: north.c2/"} {
		if !strings.Contains(got, want) {
			t.Errorf("at eleven %q is missing:\n%s", want, got)
		}
	}
	if strings.Contains(got, "broken_promises") || strings.Contains(got, "holds_ended") ||
		strings.Contains(got, "hold_releases") {
		t.Errorf("at eleven there is too much:\n%s", got)
	}

	h.must(ReviewVisit{Case: "north.c1", Visit: "v2", State: "accepted"})
	h.must(ReviewVisit{Case: "north.c1", Visit: "v1", State: "accepted"})
	h.must(DecidePlan{Plan: "p1", Approve: true})
	hold := h.openCase("north.c1").OpenHolds("2026-11-25")[0]
	h.must(ReleaseHold{Case: "north.c1", Hold: hold.ID, Reason: "answered"})
	items, err := h.svc.Quarantine(context.Background(), boss, porto, "", 0, "")
	ok(t, err)
	h.must(HandleQuarantine{ID: object(t, items.Items[0])["id"].(string), Note: "not theirs"})
	got = h.inboxNow()
	if strings.Contains(got, "flagged_visits") || strings.Contains(got, "plans_to_approve") ||
		strings.Contains(got, "quarantine") || !strings.Contains(got, "hold_releases: north.c1/"+hold.ID+" boss") {
		t.Errorf("after the answers:\n%s", got)
	}

	// Time brings the rest: the hold is over, and after its grace the first instalment is broken.
	h.now = instant("2026-11-30T12:00:00Z")
	if got = h.inboxNow(); !strings.Contains(got, "holds_ended: north.c2/") || strings.Contains(got, "holds_ending") {
		t.Errorf("after the hold:\n%s", got)
	}
	h.now = instant("2026-12-13T12:00:00Z")
	if got = h.inboxNow(); strings.Contains(got, "broken_promises") {
		t.Errorf("within the grace:\n%s", got)
	}
	h.now = instant("2026-12-14T12:00:00Z")
	if got = h.inboxNow(); !strings.Contains(got, "broken_promises: north.c6/p2 ana 12-14T00:00") {
		t.Errorf("after the grace:\n%s", got)
	}
	rep, err := h.svc.ImportPayments(context.Background(), boss, porto, "text/csv",
		strings.NewReader("payment_ref,case_ref,paid_at,amount_minor,currency\nm1,c6,2026-12-13,20000,EUR\n"), ImportOptions{})
	ok(t, err)
	if rep.Rejected > 0 {
		t.Fatalf("%+v", rep.Errors)
	}
	if got = h.inboxNow(); strings.Contains(got, "broken_promises") {
		t.Errorf("after the payment:\n%s", got)
	}
	if found, err := journal.Check(context.Background(), h.store, porto, nil, Views(h.vault)...); err != nil ||
		len(found) > 0 {
		t.Errorf("the views are not what the journal says: %v, %v", found, err)
	}
}

// The inbox is for supervisors of the branch, and its cursors are for one kind.
func TestWhoHasAnInbox(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1", "lat", "41.35"), line("c2", "lat", "41.35"))
	ctx := context.Background()
	_, next, err := h.svc.Inbox(ctx, boss, porto, todoUnassigned, 1, "")
	ok(t, err)
	if _, _, err := h.svc.Inbox(ctx, boss, porto, "declined", 1, next); next == "" || err == nil {
		t.Error("the cursor of one kind is taken for another")
	}
	for role, want := range map[auth.Role]string{auth.RoleLender: "auth.role", auth.RoleAgent: "auth.role",
		auth.RoleAuditor: "auth.role", auth.RoleSupervisor: "inbox.kind"} {
		a := auth.Actor{User: "x", Role: role, Branches: []auth.BranchID{porto}, Lender: "north"}
		if _, _, err := h.svc.Inbox(ctx, a, porto, "nothing", 1, ""); code(err) != want {
			t.Errorf("%s: %v, want %s", role, err, want)
		}
	}
	if _, err := h.svc.InboxCounts(ctx, boss, "faro"); code(err) != "branch.not_found" {
		t.Errorf("another branch: %v", err)
	}
}

// A count ends at its bound and says so.
func TestCountingTheInboxIsBounded(t *testing.T) {
	h := newFixture(t)
	var lines [][]string
	for i := range InboxCounted + 1 {
		lines = append(lines, line(fmt.Sprintf("c%03d", i), "lat", "41.35"))
	}
	h.take(lines...)
	counts, err := h.svc.InboxCounts(context.Background(), boss, porto)
	ok(t, err)
	for _, n := range counts {
		if n.Kind == todoUnassigned && (n.Count != InboxCounted || !n.More) {
			t.Errorf("%+v", n)
		}
	}
}

// News names the lists that an entry changes, and rounds, and nothing else.
func TestNewsNamesLists(t *testing.T) {
	entry := func(docs ...string) *journal.Entry {
		e := &journal.Entry{}
		for i := 0; i < len(docs); i += 2 {
			e.Docs = append(e.Docs, journal.Doc{Type: docs[i], ID: "id", State: json.RawMessage(docs[i+1])})
		}
		return e
	}
	for _, c := range []struct {
		e    *journal.Entry
		want string
	}{
		{entry("contacts", `{}`, "erasures", `{}`), "[] []"},
		{entry("cases", `{"case_ref":"secret"}`), "[cases inbox] []"},
		{entry("visits", `{"round":"r1"}`), "[visits inbox] [r1]"},
		{entry("assignments", `{"round":"r1"}`), "[rounds] [r1]"},
		{entry("rounds", `{}`), "[rounds] [id]"},
		{entry("alerts", `{"status":"sent"}`), "[] []"},
		{entry("alerts", `{"status":"dead"}`), "[inbox] []"},
		{entry("quarantine", `{}`), "[quarantine inbox] []"},
		{entry("plans", `{}`), "[plans inbox] []"},
	} {
		var n News
		ok(t, n.add(c.e))
		if got := fmt.Sprint(n.Changed, n.Rounds); got != c.want {
			t.Errorf("%s: %s, want %s", c.e.Docs[0].Type, got, c.want)
		}
	}
	h := newFixture(t)
	h.take(line("c1"))
	n, err := h.svc.News(context.Background(), porto, 0)
	ok(t, err)
	if n.Entry == 0 || !slices.Contains(n.Changed, "cases") {
		t.Errorf("all news: %+v", n)
	}
	if n, err = h.svc.News(context.Background(), porto, n.Entry); err != nil || len(n.Changed) > 0 {
		t.Errorf("no news: %+v, %v", n, err)
	}
}
