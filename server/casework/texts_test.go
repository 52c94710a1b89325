package casework

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/ladder"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// textOffice is what the office says of texts, in tests.
type textOffice struct {
	ladder    ladder.Definition
	templates map[string]string // by kind, with "/neutral" for unverified numbers
	links     map[string]string
	overlays  []string
}

func (o *textOffice) Ladder(context.Context, string, string) (ladder.Definition, error) {
	return o.ladder, nil
}

func (o *textOffice) Template(_ context.Context, _, kind, language, _ string, neutral bool) (TextTemplate, bool,
	error) {
	name := kind
	if neutral {
		name += "/neutral"
	}
	text, there := o.templates[name]
	return TextTemplate{ID: name, Version: 1, Language: language, Text: text}, there, nil
}

func (o *textOffice) Sender(context.Context, string) (TextSender, error) {
	return TextSender{Name: "North Bank", ComplaintPhone: "+351210000000", Links: o.links,
		Consequences: []ladder.Consequence{{ID: "fee", Text: map[string]string{"pt": "juros de mora"}, Source: "contract",
			Countries: []string{"PT"}}}}, nil
}

func (o *textOffice) Texting(context.Context) ([]string, error) { return []string{"north"}, nil }

func (o *textOffice) Overlays(context.Context, auth.BranchID) ([]string, error) {
	return o.overlays, nil
}

// texting gives a fixture a ladder and its texts, and what replies mean by their first letters.
func texting(t testing.TB) (*fixture, *textOffice) {
	h := newFixture(t)
	return h, h.texting()
}

func (h *fixture) texting() *textOffice {
	o := &textOffice{ladder: ladder.Default(), templates: map[string]string{
		"overdue_reminder":          "{sender_name}\n{amount} {due_date} {pay_link} {opt_out}",
		"second_reminder":           "{sender_name}\n{amount} {due_date} {pay_link} {plan_link} {opt_out}",
		"collection_notice":         "{sender_name}\n{amount} {due_date} {plan_link} {hardship_link} {complaint_phone} {consequence.fee} {opt_out}",
		"visit_notice":              "{sender_name}\n{visit_date} {visit_window} {who_link} {complaint_phone} {opt_out}",
		"stop_confirm":              "{sender_name}: no more texts.",
		"overdue_reminder/neutral":  "{sender_name}\n{code_link} {opt_out}",
		"second_reminder/neutral":   "{sender_name}\n{code_link} {opt_out}",
		"collection_notice/neutral": "{sender_name}\n{code_link} {opt_out}",
		"stop_confirm/neutral":      "{sender_name}: no more texts.",
	}, links: map[string]string{"pay_link": "https://x.example/p", "plan_link": "https://x.example/l",
		"hardship_link": "https://x.example/h", "code_link": "https://x.example/c", "who_link": "https://x.example/w"}}
	h.svc.texting.Texts = o
	h.svc.texting.Intent = func(_, text string) ladder.Answer {
		var all []string
		for _, intent := range record.CodesOf("reply_intents") {
			if strings.Contains(text, intent) {
				all = append(all, intent)
			}
		}
		if len(all) == 0 {
			all = []string{record.IntentOther}
		}
		return ladder.Answer{Intent: all[0], Also: all[1:], Vulnerable: strings.Contains(text, "ill")}
	}
	return o
}

// texted is a message as the office sees it.
type texted struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	State    string          `json:"state"`
	Reason   string          `json:"reason"`
	Text     string          `json:"text"`
	Neutral  bool            `json:"neutral"`
	NextAt   time.Time       `json:"next_at"`
	Decision *record.Verdict `json:"decision"`
	Faults   []record.WordFault
	Contact  string `json:"contact_id"`
	Step     int    `json:"step"`
}

func (h *fixture) messages(of string) []texted {
	h.t.Helper()
	p, err := h.svc.Messages(context.Background(), boss, MessageQuery{Branch: porto, Case: journal.CaseID(of), Limit: 100})
	ok(h.t, err)
	out := make([]texted, len(p.Items))
	for i, item := range p.Items {
		ok(h.t, json.Unmarshal(item, &out[len(p.Items)-1-i])) // oldest first
	}
	return out
}

// run takes the steps that are due and starts what is to be sent; each started text is settled as the state says; ""
// settles none, as if the process had died.
func (h *fixture) run(settle string) (started []Outgoing) {
	h.t.Helper()
	ctx := context.Background()
	for range 5 {
		_, err := h.svc.StepLadders(ctx, porto, h.now)
		ok(h.t, err)
		due, err := h.svc.DueTexts(ctx, porto, h.now, nil)
		ok(h.t, err)
		if len(due) == 0 {
			return started
		}
		for _, id := range due {
			out, is, err := h.svc.StartText(ctx, porto, id)
			ok(h.t, err)
			if !is {
				continue
			}
			started = append(started, out)
			if settle != "" {
				h.must(SettleText{ID: id, State: settle, Provider: "test", ProviderID: "p-" + id})
			}
		}
	}
	return started
}

func (h *fixture) at(s string) { h.now = instant(s) }

func (h *fixture) ladder(of string) (l record.Ladder) {
	h.t.Helper()
	recs, err := h.store.Records(context.Background(), porto, []journal.DocRef{{Type: "ladders", ID: of}})
	ok(h.t, err)
	if recs[0].Body != nil {
		ok(h.t, json.Unmarshal(recs[0].Body, &l))
	}
	return l
}

func (h *fixture) reply(id, text string) error {
	return h.svc.Reply(context.Background(), Incoming{Provider: "test", ID: id, Number: "+351912000001", Text: text},
		[]auth.BranchID{porto})
}

// A case gets its three texts by days late and gaps, each once the one before was delivered; then the ladder is over.
func TestALadderOfThreeTexts(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	first := h.run(record.MessageSent)
	if len(first) != 1 || !strings.Contains(first[0].Text, "600,00 EUR") || first[0].Number != "+351912000001" {
		t.Fatalf("on the first day late went out %+v", first)
	}
	if again := h.run(record.MessageSent); len(again) != 0 {
		t.Fatalf("the same day went out again %+v", again)
	}
	h.at("2026-12-03T10:00:00Z")
	if out := h.run(record.MessageSent); len(out) != 0 || h.ladder("north.c1").Reason != ladder.PreviousNotDelivered {
		t.Fatalf("though the first was not delivered went out %+v; the ladder is %+v", out, h.ladder("north.c1"))
	}
	h.must(SettleText{ID: first[0].ID, State: record.MessageDelivered, Provider: "test", ProviderID: "p-" + first[0].ID,
		Receipt: true})
	second := h.run(record.MessageDelivered)
	if len(second) != 1 || !strings.Contains(second[0].Text, "https://x.example/l") {
		t.Fatalf("after the receipt went out %+v", second)
	}
	h.at("2026-12-23T10:00:00Z")
	if out := h.run(record.MessageDelivered); len(out) != 0 {
		t.Fatalf("29 days late went out %+v", out)
	}
	h.at("2026-12-24T10:00:00Z")
	third := h.run(record.MessageDelivered)
	if len(third) != 1 || !strings.Contains(third[0].Text, "juros de mora") {
		t.Fatalf("30 days late went out %+v", third)
	}
	if l := h.ladder("north.c1"); l.State != record.LadderCompleted || l.Step != 3 || len(l.Texts) != 3 {
		t.Errorf("the ladder is %+v", l)
	}
	var file struct {
		Contacts []record.Contact
	}
	ok(t, json.Unmarshal(jsonOf(t, h.shown("north.c1")), &file))
	if len(file.Contacts) != 3 || file.Contacts[0].Channel != "sms" || file.Contacts[0].Result != "delivered" {
		t.Errorf("the contacts are %+v", file.Contacts)
	}
}

// A text outside the lawful hours is refused with the rule, kept, and goes out when the rule allows it.
func TestATextOutsideTheHoursWaits(t *testing.T) {
	h, _ := texting(t)
	h.at("2026-11-25T21:00:00Z")
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	if out := h.run(record.MessageSent); len(out) != 0 {
		t.Fatalf("at night went out %+v", out)
	}
	m := h.messages("north.c1")
	if len(m) != 1 || m[0].State != record.MessageRefused || m[0].Reason != "OUTSIDE_HOURS" ||
		m[0].Decision.Rule != "hv-hours" || m[0].Decision.Policy == "" ||
		!m[0].NextAt.Equal(instant("2026-11-26T08:00:00Z")) {
		t.Fatalf("the message is %+v", m)
	}
	h.at("2026-11-26T07:59:00Z")
	if out := h.run(record.MessageSent); len(out) != 0 {
		t.Fatalf("before the hours went out %+v", out)
	}
	h.at("2026-11-26T08:00:00Z")
	if out := h.run(record.MessageSent); len(out) != 1 || out[0].ID != m[0].ID {
		t.Fatalf("in the hours went out %+v", out)
	}
}

// What a crash left at sending is unknown: it counts as a contact and is never sent again, whatever comes later.
func TestATextInterruptedIsNeverSentAgain(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	out := h.run("")
	if len(out) != 1 {
		t.Fatalf("went out %+v", out)
	}
	stuck, err := h.svc.StuckTexts(context.Background(), porto)
	ok(t, err)
	if !slices.Equal(stuck, []string{out[0].ID}) {
		t.Fatalf("stuck are %v", stuck)
	}
	h.must(SettleText{ID: out[0].ID, State: record.MessageUnknown, Provider: "test", Reason: "interrupted"})
	for _, at := range []string{"2026-11-25T12:00:00Z", "2026-11-30T12:00:00Z", "2027-02-01T12:00:00Z"} {
		h.at(at)
		if again := h.run(record.MessageSent); len(again) != 0 {
			t.Fatalf("at %s went out %+v", at, again)
		}
	}
	if _, err := h.do(SettleText{ID: out[0].ID, State: record.MessageQueued, Provider: "test"}); err != nil {
		t.Fatal(err)
	}
	m := h.messages("north.c1")
	if len(m) != 1 || m[0].State != record.MessageUnknown {
		t.Fatalf("the messages are %+v", m)
	}
	if c := h.contact(m[0].Contact); c.Result != "sent" || c.Excluded {
		t.Errorf("it counts as %+v", c)
	}
}

func (h *fixture) contact(id string) (c record.Contact) {
	h.t.Helper()
	recs, err := h.store.Records(context.Background(), porto, []journal.DocRef{{Type: "contacts", ID: id}})
	ok(h.t, err)
	ok(h.t, json.Unmarshal(recs[0].Body, &c))
	return c
}

// A text that a provider has certainly not taken counts for nothing and is tried again; one that failed counts as an
// attempt, and after three in vain the ladder ends.
func TestATextThatWasNotTakenIsTriedAgain(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	out := h.run("")
	h.must(SettleText{ID: out[0].ID, State: record.MessageQueued, Provider: "test", Reason: "quota",
		After: h.now.Add(time.Hour)})
	id := h.messages("north.c1")[0].Contact
	if c := h.contact(id); !c.Excluded {
		t.Errorf("a text that was not taken counts: %+v", c)
	}
	if again := h.run("sent"); len(again) != 0 {
		t.Fatalf("before its time went out %+v", again)
	}
	h.now = h.now.Add(time.Hour)
	again := h.run(record.MessageFailed)
	if len(again) != 1 || again[0].ID != out[0].ID || again[0].Attempts != 2 {
		t.Fatalf("an hour later went out %+v", again)
	}
	if c := h.contact(id); c.Excluded || c.Result != "failed" {
		t.Errorf("a text that failed counts as %+v", c)
	}
	for range 2 {
		h.now = h.now.AddDate(0, 0, 3)
		if out := h.run(record.MessageFailed); len(out) != 1 {
			t.Fatalf("at %s went out %+v", h.now, out)
		}
	}
	h.now = h.now.AddDate(0, 0, 30)
	if out := h.run(record.MessageFailed); len(out) != 0 {
		t.Fatalf("after three in vain went out %+v", out)
	}
	if l := h.ladder("north.c1"); l.State != record.LadderStopped || l.Reason != ladder.Undeliverable {
		t.Errorf("the ladder is %+v", l)
	}
}

// The amount goes to a number that was verified within 180 days only; what is said to have been verified in the future
// was not.
func TestTheAmountGoesToVerifiedNumbersOnly(t *testing.T) {
	for verified, neutral := range map[string]bool{"2026-11-25": false, "2026-05-29": false, "2026-05-28": true, "": true,
		"2026-11-26": true} {
		h, _ := texting(t)
		h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", verified))
		out := h.run(record.MessageSent)
		if len(out) != 1 || strings.Contains(out[0].Text, "600") == neutral || h.messages("north.c1")[0].Neutral != neutral {
			t.Errorf("verified on %q: went out %+v", verified, out)
		}
	}
}

// A stop ends the texts to the number at once, in every case that has it, and is confirmed once, by a text that
// asks for nothing. A later import of the same number does not undo it.
func TestAStopEndsTheTexts(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"),
		line("c2", "due_date", "2026-11-30", "phone_verified_on", "2026-11-01"))
	h.run(record.MessageDelivered)
	ok(t, h.reply("r1", "stop"))
	ok(t, h.reply("r1", "stop")) // told twice
	out := h.run(record.MessageSent)
	if len(out) != 1 || out[0].Text != "North Bank: no more texts." {
		t.Fatalf("after the stop went out %+v", out)
	}
	h.at("2026-12-10T10:00:00Z")
	if out := h.run(record.MessageSent); len(out) != 0 {
		t.Fatalf("after the stop went out %+v", out)
	}
	for _, id := range []string{"north.c1", "north.c2"} {
		if l := h.ladder(id); l.State != record.LadderPaused || l.Reason != ladderNoNumber {
			t.Errorf("the ladder of %s is %+v", id, l)
		}
	}
	_, err := h.do(QueueText{Case: "north.c2", Kind: ladder.PlanOffer, Values: map[string]string{"answer_by": "x"}})
	if !refusedBy(err, "message.opted_out") {
		t.Errorf("another text is queued: %v", err)
	}
	// Another number, and then the old one again.
	h.take(line("c1", "due_date", "2026-11-24", "phone", "+351912000002"))
	h.take(line("c1", "due_date", "2026-11-24", "phone", "+351912000001"))
	if out := h.run(record.MessageSent); len(out) != 0 {
		t.Errorf("after another import went out %+v", out)
	}
}

func refusedBy(err error, code string) bool {
	e, is := refusal.Of(err)
	return is && e.Code() == code
}

// A text that waits when the stop comes is not sent any more.
func TestAStopCatchesATextThatWaits(t *testing.T) {
	h, _ := texting(t)
	h.at("2026-11-25T21:00:00Z")
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	h.run(record.MessageSent)
	ok(t, h.reply("r1", "stop"))
	h.at("2026-11-26T08:00:00Z")
	if out := h.run(record.MessageSent); len(out) != 0 {
		t.Fatalf("went out %+v", out)
	}
	if m := h.messages("north.c1"); len(m) != 1 || m[0].State != record.MessageCancelled || m[0].Reason != "opted_out" {
		t.Errorf("the messages are %+v", m)
	}
}

// All that a reply means takes effect, and a person finds it in the inbox; the ladder waits until it was dealt with.
func TestAllThatAReplyMeansTakesEffect(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	h.run(record.MessageDelivered)
	ok(t, h.reply("r1", "complaint dispute wants_plan, I am ill"))
	ok(t, h.reply("r1", "complaint dispute wants_plan, I am ill"))
	var file struct {
		Holds []struct {
			Kind   string
			Source string
		}
		Complaints []struct {
			Channel, Text string
			AnswerDue     string `json:"answer_due"`
		}
		Replies []struct {
			ID, Intent, Text, State string
			Also, Did               []string
		}
	}
	ok(t, json.Unmarshal(jsonOf(t, h.shown("north.c1")), &file))
	var kinds []string
	for _, x := range file.Holds {
		kinds = append(kinds, x.Kind)
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, []string{"complaint", "dispute", "vulnerable"}) {
		t.Errorf("the holds are %v", kinds)
	}
	if len(file.Complaints) != 1 || file.Complaints[0].Channel != "sms" || file.Complaints[0].AnswerDue != "2026-12-09" {
		t.Errorf("the complaints are %+v", file.Complaints)
	}
	if len(file.Replies) != 1 || file.Replies[0].Intent != "complaint" ||
		!slices.Equal(file.Replies[0].Did, []string{"complaint", "dispute", "vulnerable"}) {
		t.Fatalf("the replies are %+v", file.Replies)
	}
	items, _, err := h.svc.Inbox(context.Background(), boss, porto, "vulnerable_replies", 10, "")
	ok(t, err)
	if len(items) != 1 || items[0].Until != "2026-11-25" || !slices.Contains(items[0].Codes, "wants_plan") {
		t.Errorf("the inbox has %+v", items)
	}
	h.must(HandleReply{ID: file.Replies[0].ID, Note: "called back"})
	if _, err := h.do(HandleReply{ID: file.Replies[0].ID, Note: "called back"}); !refusedBy(err, "reply.handled") {
		t.Errorf("dealt with twice: %v", err)
	}
}

// While a wish waits for a person no further text goes out; afterwards the ladder goes on.
func TestTheLadderWaitsForAnAnswer(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	h.run(record.MessageDelivered)
	ok(t, h.reply("r1", "wants_plan"))
	h.at("2026-12-03T10:00:00Z")
	if out := h.run(record.MessageSent); len(out) != 0 || h.ladder("north.c1").Reason != ladderReply {
		t.Fatalf("while the wish waits went out %+v; %+v", out, h.ladder("north.c1"))
	}
	p, err := h.svc.Replies(context.Background(), boss, porto, "", 10, "")
	ok(t, err)
	var r struct{ ID string }
	ok(t, json.Unmarshal(p.Items[0], &r))
	h.must(HandleReply{ID: r.ID, Note: "no plan could be agreed"})
	if out := h.run(record.MessageSent); len(out) != 1 {
		t.Errorf("afterwards went out %+v", out)
	}
}

// A number that answers "wrong" is frozen, for the debtor's other cases too: no text goes there, and no confirmation.
func TestAWrongNumberIsFrozen(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	h.run(record.MessageDelivered)
	ok(t, h.reply("r1", "wrong_number stop"))
	h.at("2026-12-10T10:00:00Z")
	if out := h.run(record.MessageSent); len(out) != 0 {
		t.Fatalf("went out %+v", out)
	}
	if k := h.shown("north.c1"); k["phone_state"] != "wrong_number" {
		t.Errorf("the phone is %v", k["phone_state"])
	}
	items, _, err := h.svc.Inbox(context.Background(), boss, porto, "replies", 10, "")
	ok(t, err)
	if len(items) != 1 || !slices.Contains(items[0].Codes, "wrong_number") {
		t.Errorf("the inbox has %+v", items)
	}
}

// What comes in is refused where it is no text of a known number, and another text under a known id changes nothing.
func TestRepliesThatAreRefused(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24"))
	ok(t, h.reply("r1", "hello"))
	if err := h.reply("r1", "stop"); !errors.Is(err, journal.ErrReused) {
		t.Errorf("another text under the same id: %v", err)
	}
	if l := h.shown("north.c1"); l["number_stops"] != nil {
		t.Errorf("it took effect: %v", l["number_stops"])
	}
	if stopped, err := h.svc.stopped(context.Background(), "+351912000001"); err != nil || stopped {
		t.Errorf("the number is stopped for later cases: %v, %v", stopped, err)
	}
	for what, in := range map[string]Incoming{
		"reply.unknown_number": {Provider: "test", ID: "r2", Number: "+351912999999", Text: "hello"},
		"reply.invalid":        {Provider: "test", ID: "r 3", Number: "+351912000001", Text: "stop"},
	} {
		if err := h.svc.Reply(context.Background(), in, []auth.BranchID{porto}); !refusedBy(err, what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, in := range []Incoming{{Provider: "test", ID: "r2", Number: "912", Text: "stop"},
		{Provider: "test", ID: "r2", Number: "+351912000001", Text: " "},
		{Provider: "test", ID: "r2", Number: "+351912000001", Text: strings.Repeat("x", maxReply+1)}} {
		if err := h.svc.Reply(context.Background(), in, []auth.BranchID{porto}); !refusedBy(err, "reply.invalid") {
			t.Errorf("taken: %v", err)
		}
	}
}

// A receipt changes a message that its own provider carried; told again, or late, it changes nothing.
func TestReceipts(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	out := h.run(record.MessageSent)
	receipt := func(state, provider, id string) error {
		_, err := h.do(SettleText{ID: out[0].ID, State: state, Provider: provider, ProviderID: id, Receipt: true})
		return err
	}
	if err := receipt("delivered", "other", "p-"+out[0].ID); !refusedBy(err, "message.not_found") {
		t.Errorf("another provider's receipt: %v", err)
	}
	if err := receipt("delivered", "test", "p-forged"); !refusedBy(err, "message.not_found") {
		t.Errorf("a receipt for another text: %v", err)
	}
	ok(t, receipt("delivered", "test", "p-"+out[0].ID))
	ok(t, receipt("failed", "test", "p-"+out[0].ID)) // later than what is known
	if m := h.messages("north.c1"); m[0].State != record.MessageDelivered {
		t.Errorf("the message is %+v", m)
	}
	h.at("2026-11-25T21:30:00Z")
	h.take(line("c2", "due_date", "2026-11-24", "phone", "+351912000002"))
	h.run(record.MessageSent)
	waits := h.messages("north.c2")[0].ID
	if _, err := h.do(SettleText{ID: waits, State: "delivered", Provider: "test", ProviderID: "x",
		Receipt: true}); !refusedBy(err, "message.state") {
		t.Errorf("a receipt for a text that was not sent: %v", err)
	}
}

// Holds, plans and closed cases keep texts back; a hold that ends lets the ladder go on the next day.
func TestHoldsKeepTextsBack(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	h.must(OpenHold{Case: "north.c1", Kind: "breathing_space", Until: "2026-11-26"})
	if out := h.run(record.MessageSent); len(out) != 0 || h.ladder("north.c1").Reason != ladderHold {
		t.Fatalf("on hold went out %+v, %+v", out, h.ladder("north.c1"))
	}
	h.at("2026-11-27T09:00:00Z")
	if out := h.run(record.MessageSent); len(out) != 1 {
		t.Fatalf("after the hold went out %+v", out)
	}
	h.must(CloseCase{Case: "north.c1", Reason: "recalled"})
	h.at("2026-12-27T09:00:00Z")
	if out := h.run(record.MessageSent); len(out) != 0 {
		t.Fatalf("of a closed case went out %+v", out)
	}
}

// A hold that comes between the queueing and the sending keeps the text back: what counts is the moment of sending.
func TestTheLawIsAskedAtTheMomentOfSending(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	_, err := h.svc.StepLadders(context.Background(), porto, h.now)
	ok(t, err)
	h.must(OpenHold{Case: "north.c1", Kind: "stop"})
	if out := h.run(record.MessageSent); len(out) != 0 {
		t.Fatalf("went out %+v", out)
	}
	m := h.messages("north.c1")
	if len(m) != 1 || m[0].State != record.MessageRefused || m[0].Decision.Rule != ruleHold {
		t.Errorf("the messages are %+v", m)
	}
}

// Without a text in force, or a value for one of its variables, nothing goes out, and the message says what is missing.
func TestAMessageWithoutWordsWaits(t *testing.T) {
	h, o := texting(t)
	delete(o.templates, "overdue_reminder")
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	h.run(record.MessageSent)
	if m := h.messages("north.c1"); len(m) != 1 || m[0].Reason != reasonNoTemplate {
		t.Fatalf("the messages are %+v", m)
	}
	o.templates["overdue_reminder"] = "{sender_name}\n{amount} {due_date} {pay_link} {opt_out}"
	delete(o.links, "pay_link")
	h.at("2026-11-26T09:00:00Z")
	h.run(record.MessageSent)
	if m := h.messages("north.c1"); len(m) != 1 || m[0].Reason != reasonNoValue || m[0].Faults[0].At != "pay_link" {
		t.Fatalf("the messages are %+v", m)
	}
	o.links["pay_link"] = "https://x.example/p"
	h.svc.texting.Lint = func(ladder.Text) []ladder.Fault { return []ladder.Fault{{Reason: "threat", At: "text"}} }
	h.at("2026-11-27T09:00:00Z")
	h.run(record.MessageSent)
	if m := h.messages("north.c1"); len(m) != 1 || m[0].Reason != reasonWords || m[0].Faults[0].Reason != "threat" {
		t.Fatalf("the messages are %+v", m)
	}
}

// Lenders see that a text was sent and when, never what it said or to which number.
func TestLendersSeeNoWords(t *testing.T) {
	h, _ := texting(t)
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	h.run(record.MessageSent)
	doc, err := h.svc.Case(context.Background(), auth.Actor{User: "bank", Role: auth.RoleLender, Lender: "north",
		Branches: []auth.BranchID{porto}}, porto, "north.c1")
	ok(t, err)
	text := string(jsonOf(t, doc))
	if !strings.Contains(text, "overdue_reminder") || strings.Contains(text, "x.example") {
		t.Errorf("the lender sees %s", text)
	}
	var of struct{ Messages []map[string]any }
	ok(t, json.Unmarshal([]byte(text), &of))
	if of.Messages[0]["number"] != nil || of.Messages[0]["text"] != nil {
		t.Errorf("the lender sees %v", of.Messages[0])
	}
}

// A notice of a visit by text is the notice that the law asks for, until it turns out that it did not arrive.
func TestATextCanBeTheNoticeOfAVisit(t *testing.T) {
	h, o := texting(t)
	o.templates["visit_notice"] = "{sender_name}\n{visit_date} {visit_window} {who_link} {complaint_phone} {opt_out}"
	h.take(line("c1", "due_date", "2026-11-24", "phone_verified_on", "2026-11-01"))
	if _, err := h.do(QueueText{Case: "north.c1", Kind: "visit_notice",
		Values: map[string]string{"visit_date": "1"}}); !refusedBy(err, "message.value") {
		t.Errorf("without the window: %v", err)
	}
	h.must(QueueText{Case: "north.c1", Kind: "visit_notice", Values: map[string]string{"visit_date": "1 December",
		"visit_window": "9 to 12"}})
	due, err := h.svc.DueTexts(context.Background(), porto, h.now, nil)
	ok(t, err)
	out, is, err := h.svc.StartText(context.Background(), porto, due[0])
	ok(t, err)
	if !is || !strings.Contains(out.Text, "1 December 9 to 12") {
		t.Fatalf("went out %+v", out)
	}
	h.must(SettleText{ID: out.ID, State: "sent", Provider: "test", ProviderID: "p1"})
	notice := func() any { n, _ := h.shown("north.c1")["notice"].(map[string]any); return n["visit"] }
	if notice() == nil {
		t.Error("it is no notice")
	}
	h.must(SettleText{ID: out.ID, State: "failed", Provider: "test", ProviderID: "p1", Receipt: true})
	if notice() != nil {
		t.Errorf("it did not arrive and is a notice still: %v", notice())
	}
}
