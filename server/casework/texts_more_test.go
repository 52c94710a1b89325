package casework

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/ladder"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Messages that cannot be judged keep no others back: who skips the first fifty is given the next.
func TestTheFirstMessagesKeepNoOthersBack(t *testing.T) {
	h, o := texting(t)
	o.templates["plan_offer/neutral"] = "{sender_name} {code_link} {opt_out}"
	const n = textPage + 5
	lines := make([][]string, n)
	for i := range lines {
		lines[i] = line(fmt.Sprintf("c%d", i), "phone", fmt.Sprintf("+35191200%04d", i))
	}
	h.take(lines...)
	for i := range n {
		h.must(QueueText{Case: journal.CaseID(fmt.Sprintf("north.c%d", i)), Kind: ladder.PlanOffer,
			Values: map[string]string{"answer_by": "2026-12-31"}})
	}
	first, err := h.svc.DueTexts(context.Background(), porto, h.now, nil)
	ok(t, err)
	next, err := h.svc.DueTexts(context.Background(), porto, h.now,
		func(id string) bool { return slices.Contains(first, id) })
	ok(t, err)
	if len(first) != textPage || len(next) != 5 || slices.Contains(first, next[0]) {
		t.Errorf("first %d, then %d", len(first), len(next))
	}
}

// Two cases of one debtor are not sent two texts on one day: the second waits for the next.
func TestADebtorIsSentOneTextADay(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "debtor_ref", "D1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-20"),
		line("c2", "debtor_ref", "D1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-20"),
		line("c3", "debtor_ref", "D3", "due_date", "2026-11-24", "phone", "+351912000003"))
	if out := h.run(record.MessageSent); len(out) != 2 {
		t.Fatalf("on the first day %d texts go out, want one to each debtor", len(out))
	}
	waiting := ""
	for _, c := range []string{"north.c1", "north.c2"} {
		if m := h.messages(c)[0]; m.State == record.MessageRefused {
			waiting = c
			if m.Decision.Rule != "house-one-text" || !m.NextAt.Equal(instant("2026-11-26T00:00:00Z")) {
				t.Errorf("it waits by %+v until %s", m.Decision, m.NextAt)
			}
		}
	}
	h.at("2026-11-26T10:00:00Z")
	if out := h.run(record.MessageSent); len(out) != 1 || waiting == "" {
		t.Errorf("on the next day go out %+v", out)
	}
}

// A stop from a number that no case has is kept, and no later case texts it; the journal does not have the number.
func TestAStopOfAnUnknownNumberIsKept(t *testing.T) {
	h, _ := texting(t)
	ctx := context.Background()
	if err := h.reply("r0", "call_me"); code(err) != "reply.unknown_number" {
		t.Fatalf("another reply of an unknown number: %v", err)
	}
	ok(t, h.reply("r1", "stop"))
	ok(t, h.reply("r1", "stop"))
	ok(t, h.reply("r2", "stop"))
	h.take(line("c1", "due_date", "2026-11-24"), line("c2", "due_date", "2026-11-24", "phone", "+351912000002"))
	if out := h.run(record.MessageSent); len(out) != 1 || out[0].Number != "+351912000002" {
		t.Errorf("sent: %+v", out)
	}
	if m := h.messages("north.c1")[0]; m.State != record.MessageCancelled || m.Reason != "opted_out" {
		t.Errorf("the message is %s %s", m.State, m.Reason)
	}
	pages, err := h.store.Pages(ctx, auth.OrgBranch, 0, 100)
	ok(t, err)
	if len(pages) != 1 || len(pages[0].Entries) != 1 {
		t.Fatalf("the organisation's journal has %d pages, want one with one entry", len(pages))
	}
	if text := string(pages[0].Entries[0]); strings.Contains(text, "912000001") || !strings.Contains(text, "number.stop") {
		t.Errorf("the entry is %s", text)
	}
}

// A payment is thanked for once, by text, if it is of these days and nothing holds the case.
func TestAPaymentIsThankedFor(t *testing.T) {
	h, o := texting(t)
	o.templates["thank_you"] = "{sender_name}\n{paid_amount} {paid_on} {opt_out}"
	o.ladder.Steps[0].DPDFrom = 300
	h.take(line("c1", "phone_verified_on", "2026-11-20", "due_date", "2026-11-24"),
		line("c2", "phone_verified_on", "2026-11-20", "due_date", "2026-11-24", "phone", "+351912000002"),
		line("c3", "due_date", "2026-11-24", "phone", "+351912000003"))
	pay := func(c journal.CaseID, ref, at string, reverses string) {
		t.Helper()
		h.must(RecordPayment{Case: c, Ref: ref, PaidAt: instant(at), AmountMinor: 5000, Currency: "EUR", Reverses: reverses})
	}
	h.must(OpenHold{Case: "north.c2", Kind: "dispute"})
	pay("north.c1", "p1", "2026-11-24T10:00:00Z", "")
	pay("north.c1", "p1", "2026-11-24T10:00:00Z", "")
	pay("north.c1", "p0", "2026-11-10T10:00:00Z", "")
	pay("north.c1", "p2", "2026-11-25T08:00:00Z", "p1")
	pay("north.c2", "p3", "2026-11-24T10:00:00Z", "")
	pay("north.c3", "p4", "2026-11-24T10:00:00Z", "")
	out := h.run(record.MessageSent)
	if len(out) != 1 || !strings.Contains(out[0].Text, "50,00 EUR") || out[0].Number != "+351912000001" {
		t.Errorf("thanked: %+v", out)
	}
}
