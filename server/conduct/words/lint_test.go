package words

import (
	"slices"
	"strings"
	"testing"
)

// bodies are lawful texts of each step, of which a test changes one thing.
var bodies = map[string]string{
	"pre_due": "{sender_name}: a message for you.\n{amount} falls due on {due_date}. Pay: {pay_link}. {opt_out}",
	"overdue_reminder": "{sender_name}: a message for you.\n{amount} was due on {due_date}. Pay: {pay_link}. " +
		"{opt_out}",
	"second_reminder": "{sender_name}: a message for you.\n{amount} was due on {due_date}. Pay: {pay_link} or in parts: " +
		"{plan_link}. {opt_out}",
	"collection_notice": "{sender_name}: a message for you.\n{amount} was due on {due_date}. {consequence.fee} Plan: " +
		"{plan_link}. Help: {hardship_link}. Complaints: {complaint_phone}. {opt_out}",
	"visit_notice": "{sender_name}: a message for you.\nWe would like to visit you on {visit_date}, {visit_window}. Who: " +
		"{who_link}. Complaints: {complaint_phone}. {opt_out}",
	"plan_offer": "{sender_name}: a message for you.\nYou may pay in parts: {plan_link}, answer by {answer_by}. {opt_out}",
	"plan_reminder": "{sender_name}: a message for you.\n{instalment_amount} is due on {instalment_due}: {pay_link}. " +
		"{opt_out}",
	"thank_you":    "{sender_name}: a message for you.\nWe received {paid_amount} on {paid_on}. Thank you. {opt_out}",
	"stop_confirm": "{sender_name}: we will send no more messages to this number.",
}

const neutral = "{sender_name}: a message for you. Please open {code_link}. {opt_out}"

var fee = Consequence{ID: "fee", Text: map[string]string{"en": "A late fee may be added."},
	Countries: []string{"GB", "US"}, Source: "agreement, clause 4"}

// asked is a request for a text of a step that would pass with the body of the step.
func asked(step, text string) Request {
	days := 3
	return Request{Language: "en", Country: "GB", Step: step, Recipient: "debtor", VerifiedDays: &days, Text: text,
		Products: []string{"QuickCash Plus"}, Consequences: []Consequence{fee,
			{ID: "bailiff", Text: map[string]string{"en": "Goods may be taken."}, Countries: []string{"GB"}},
			{ID: "schufa", Text: map[string]string{"en": "We may tell SCHUFA."}, Countries: []string{"DE"}, Source: "BDSG"}}}
}

func codes(a Answer) []string {
	out := []string{}
	for _, r := range a.Reasons {
		out = append(out, r.Reason)
	}
	return slices.Compact(out)
}

func TestTextsOfEachStepPassWithWhatTheyNeed(t *testing.T) {
	for _, step := range Steps() {
		if a := Lint(asked(step, bodies[step])); a.Verdict != Pass || len(a.Reasons) != 0 {
			t.Errorf("%s is refused: %v", step, a.Reasons)
		}
		for _, name := range Needed(step, true) {
			text := strings.ReplaceAll(bodies[step], "{"+name+"}", "it")
			want := MissingVariable
			switch name {
			case "sender_name":
				want = MissingSender
			case "opt_out":
				want = MissingOptOut
			case consequencePrefix:
				text = strings.ReplaceAll(bodies[step], "{consequence.fee}", "")
			}
			if a := Lint(asked(step, text)); !slices.Contains(codes(a), want) {
				t.Errorf("%s without %s gives %v, want %s", step, name, a.Reasons, want)
			}
		}
	}
}

func TestWhatIsWrongWithATextIsFound(t *testing.T) {
	reminder := bodies["overdue_reminder"]
	first := func(line string) string { return line + reminder[strings.IndexByte(reminder, '\n'):] }
	for _, c := range []struct {
		what, text string
		change     func(*Request)
		want       []string
	}{
		{"an unknown variable", reminder + " {first_name}", nil, []string{UnknownVariable}},
		{"a variable in capitals", reminder + " {Reference}", nil, []string{UnknownVariable}},
		{"a variable with spaces", reminder + " { reference }", nil, []string{UnknownVariable}},
		{"doubled braces", reminder + " {{reference}}", nil, []string{UnknownVariable}},
		{"a brace that is not closed", reminder + " {reference", nil, []string{UnknownVariable}},
		{"a brace that closes nothing", reminder + " reference}", nil, []string{UnknownVariable}},
		{"a consequence that is not on the list", reminder + " {consequence.extra}", nil, []string{UnknownVariable}},
		{"a consequence without an id", reminder + " {consequence.}", nil, []string{UnknownVariable}},
		{"a consequence without a source", reminder + " {consequence.bailiff}", nil, []string{FalseConsequence}},
		{"a consequence of another country", reminder + " {consequence.schufa}", nil, []string{FalseConsequence}},
		{"a consequence of the country", reminder + " {consequence.fee}", nil, []string{}},
		{"a consequence in a part of the country", reminder + " {consequence.fee}",
			func(q *Request) { q.Country = "US-NY" }, []string{}},
		{"all in one line", strings.ReplaceAll(reminder, "\n", " "), nil, []string{LockScreenLeak}},
		{"a debt on the first line", first("{sender_name}: about your loan"), nil, []string{LockScreenLeak}},
		{"an amount on the first line", first("{sender_name}: 240 dollars"), nil, []string{LockScreenLeak}},
		{"a date on the first line", first("{sender_name}: since 3 March"), nil, []string{LockScreenLeak}},
		{"a link to pay on the first line", first("{sender_name}: {pay_link}"), nil, []string{LockScreenLeak}},
		{"the sender below the first line",
			"A message for you.\n{sender_name}. " + reminder[strings.Index(reminder, "{amount"):], nil,
			[]string{LockScreenLeak}},
		{"a product on the first line", first("{sender_name}: your Quick-Cash plus"), nil, []string{LockScreenLeak}},
		{"a product below it", reminder + " QUICKCASH PLUS", nil, []string{Leak}},
		{"a product in a value", reminder,
			func(q *Request) { q.Vars = map[string]string{"pay_link": "QuickCash Plus"} }, []string{Leak}},
		{"a debt in the name of the sender", reminder,
			func(q *Request) { q.Vars = map[string]string{"sender_name": "Debt Recovery"} }, []string{LockScreenLeak}},
		{"the police in the name of the sender", reminder,
			func(q *Request) { q.Vars = map[string]string{"sender_name": "City Court"} }, []string{FakeAuthority}},
		{"180 days", reminder, func(q *Request) { *q.VerifiedDays = 180 }, []string{}},
		{"181 days", reminder, func(q *Request) { *q.VerifiedDays = 181 },
			[]string{MissingVariable, AmountToUnverified, Leak}},
		{"a number that was never verified", reminder, func(q *Request) { q.VerifiedDays = nil },
			[]string{MissingVariable, AmountToUnverified, Leak}},
		{"a neutral text", neutral, func(q *Request) { q.VerifiedDays = nil }, []string{}},
		{"an amount in figures to such a number", neutral + "\n$240", func(q *Request) { q.VerifiedDays = nil },
			[]string{AmountToUnverified}},
		{"a debt in words to such a number", neutral + "\nIt is overdue", func(q *Request) { q.VerifiedDays = nil },
			[]string{Leak}},
		{"a date to such a number", neutral + "\nSince 3/4/2026", func(q *Request) { q.VerifiedDays = nil }, []string{Leak}},
		{"a promise", reminder + " We will not call your employer.", nil, []string{}},
		{"a promise whatever happens", reminder + " Whether or not you pay, we will not call your employer.", nil,
			[]string{}},
		{"a promise that depends on payment", reminder + " We will not call your employer if you pay.", nil,
			[]string{Threat}},
		{"a denial that denies nothing", reminder + " Nothing will stop us from calling your employer.", nil,
			[]string{ThirdParty}},
		{"a condition that denies nothing", reminder + " If you do not pay, your employer will know.", nil,
			[]string{ThirdParty}},
		{"a denial before a turn", reminder + " We will not come, but your employer will hear of it.", nil,
			[]string{ThirdParty}},
		{"a guarantor", reminder, func(q *Request) { q.Recipient = "guarantor" }, []string{}},
		{"somebody else", reminder, func(q *Request) { q.Recipient = "other" }, []string{Leak, ThirdParty}},
		{"a language without a file", reminder, func(q *Request) { q.Language = "fi" }, []string{UnknownLanguage}},
		{"no such step", reminder, func(q *Request) { q.Step = "letter" }, []string{BadRequest}},
	} {
		q := asked("overdue_reminder", c.text)
		if c.change != nil {
			c.change(&q)
		}
		got := codes(Lint(q))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v; %v", c.what, got, c.want, Lint(q).Reasons)
		}
	}
	if a := Lint(asked("stop_confirm", bodies["stop_confirm"]+" {pay_link}")); !slices.Equal(codes(a),
		[]string{LockScreenLeak, AsksAfterStop}) {
		t.Errorf("a confirmation of stop that asks for payment: %v", a.Reasons)
	}
}

func TestReasonsSayWhereAndWhat(t *testing.T) {
	a := Lint(asked("overdue_reminder", bodies["overdue_reminder"]+" Wir: 🔪 we will call your b0ss"))
	want := []Reason{{Threat, "text[98:99]", "🔪"}, {ThirdParty, "text[118:122]", "b0ss"}}
	if !slices.Equal(a.Reasons, want) {
		t.Errorf("the reasons are %v, want %v", a.Reasons, want)
	}
}

func TestDisguisedWordsAreRead(t *testing.T) {
	for _, s := range []string{"police", "POLICE", "pólice", "p o l i c e", "p.o.l.i.c.e", "p-o-l-i-c-e", "p0l1ce",
		"po\u200blice", "роlice", "ｐｏｌｉｃｅ", "𝐩𝐨𝐥𝐢𝐜𝐞", "po.lice", "po*lice", "🅿🅾🅻🅸🅲🅴", "pooolice", "ⓟⓞⓛⓘⓒⓔ"} {
		a := Lint(asked("overdue_reminder", bodies["overdue_reminder"]+" We send the "+s+"."))
		if !slices.Contains(codes(a), Threat) {
			t.Errorf("%q is not read", s)
		}
	}
	for _, s := range []string{"We are here 24/7.", "Reference A4531.", "Call 0800 570 147.", "It is the 3rd message."} {
		if a := Lint(asked("overdue_reminder", bodies["overdue_reminder"]+" "+s)); a.Verdict != Pass {
			t.Errorf("%q is refused: %v", s, a.Reasons)
		}
	}
}

func TestMeasure(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	for _, c := range []struct {
		what, text, encoding string
		units, segments      int
	}{
		{"nothing", "", GSM7, 0, 0},
		{"one part", a(160), GSM7, 160, 1},
		{"two parts", a(161), GSM7, 161, 2},
		{"two full parts", a(306), GSM7, 306, 2},
		{"three parts", a(307), GSM7, 307, 3},
		{"an extension", a(158) + "€", GSM7, 160, 1},
		{"an extension too many", a(159) + "€", GSM7, 161, 2},
		{"an extension that would be cut", a(152) + "€" + a(152), GSM7, 306, 3},
		{"an extension at the end of a part", a(151) + "€" + a(153), GSM7, 306, 2},
		{"large Ç", "Ç", GSM7, 1, 1},
		{"small ç", "ç", UCS2, 1, 1},
		{"the table", gsmTable, GSM7, 127, 1},
		{"the extension", gsmExtension, GSM7, 20, 1},
		{"a full part of UCS-2", "ç" + a(69), UCS2, 70, 1},
		{"two parts of UCS-2", "ç" + a(70), UCS2, 71, 2},
		{"a pair that would be cut", a(66) + "😀" + a(66), UCS2, 134, 3},
		{"a pair at the end of a part", a(65) + "😀" + a(67), UCS2, 134, 2},
		{"a grave accent", "`", UCS2, 1, 1},
		{"not UTF-8", "\xff", UCS2, 1, 1},
	} {
		e, u, s := Measure(c.text)
		if e != c.encoding || u != c.units || s != c.segments {
			t.Errorf("%s: %s %d %d, want %s %d %d", c.what, e, u, s, c.encoding, c.units, c.segments)
		}
	}
}

func TestReleasedTextsPass(t *testing.T) {
	a := Lint(asked("overdue_reminder", bodies["overdue_reminder"]+" The police band plays at our fair. {first_name}"))
	if a = Released(a, []Release{{Reason: Threat, Text: "police"}, {Reason: UnknownVariable}}); a.Verdict != Refuse ||
		!slices.Equal(codes(a), []string{UnknownVariable}) {
		t.Errorf("what no person may release is gone: %v", a.Reasons)
	}
	a.Reasons = []Reason{{Shame, "text[1:2]", "pride"}}
	if b := Released(a, []Release{{Reason: Shame, Text: "proud"}}); b.Verdict != Refuse {
		t.Error("a release of another word passes the text")
	}
	if b := Released(a, []Release{{Reason: Shame}}); b.Verdict != Pass {
		t.Errorf("a released text is refused: %v", b.Reasons)
	}
}
