package ladder

import (
	"testing"

	"doorstep/auth/refusal"
	"doorstep/server/conduct"
)

func steps(of ...Step) Definition { return Definition{Steps: of} }

// The house's own ladder can be, and no profile forbids its gaps.
func TestTheHousesLadder(t *testing.T) {
	d := Default()
	if bad := d.Check(); bad != nil {
		t.Fatal(bad)
	}
	if d.Source == "" || len(d.Steps) != 3 || d.Steps[0].DPDFrom != 1 || d.Steps[1].DPDFrom != 7 ||
		d.Steps[2].DPDFrom != 30 {
		t.Errorf("it is %+v", d)
	}
	p, err := conduct.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range p.Profiles() {
		if err := d.CheckLaw(p, []string{id}); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// A ladder that cannot be is refused with the place at fault.
func TestLaddersThatCannotBe(t *testing.T) {
	first := Step{Kind: OverdueReminder, DPDFrom: 1}
	second := Step{Kind: SecondReminder, DPDFrom: 7, MinGapDays: 6, Needs: PreviousDelivered}
	notice := Step{Kind: CollectionNotice, DPDFrom: 30, MinGapDays: 14, Needs: PreviousDelivered}
	with := func(s Step, change func(*Step)) Step { change(&s); return s }
	for _, c := range []struct {
		d     Definition
		place string
	}{
		{steps(), "steps"},
		{steps(first, second, notice, notice, notice), "steps"},
		{steps(with(first, func(s *Step) { s.Kind = "greeting" })), "steps[0].kind"},
		{steps(with(first, func(s *Step) { s.Kind = ThankYou })), "steps[0].kind"},
		{steps(second), "steps[0].kind"},
		{steps(first, first), "steps[1].kind"},
		{steps(first, notice), "steps[1].kind"},
		{steps(first, second, with(second, func(s *Step) { s.Kind = OverdueReminder })), "steps[2].kind"},
		{steps(with(first, func(s *Step) { s.DPDFrom = 0 })), "steps[0].dpd_from"},
		{steps(first, with(second, func(s *Step) { s.DPDFrom = 4000 })), "steps[1].dpd_from"},
		{steps(with(first, func(s *Step) { s.DPDFrom = 8 }), second), "steps[1].dpd_from"},
		{steps(with(first, func(s *Step) { s.MinGapDays = 1 })), "steps[0].min_gap_days"},
		{steps(first, with(second, func(s *Step) { s.MinGapDays = 2 })), "steps[1].min_gap_days"},
		{steps(first, with(second, func(s *Step) { s.MinGapDays = -1 })), "steps[1].min_gap_days"},
		{steps(with(first, func(s *Step) { s.Needs = PreviousDelivered })), "steps[0].needs"},
		{steps(first, with(second, func(s *Step) { s.Needs = "luck" })), "steps[1].needs"},
		{steps(first, second, with(notice, func(s *Step) { s.Needs = "" })), "steps[2].needs"},
	} {
		if bad := c.d.Check(); bad == nil || bad.Place != c.place {
			t.Errorf("%+v: %v, want a refusal at %s", c.d, bad, c.place)
		}
	}
	if bad := steps(first, second, notice).Check(); bad != nil {
		t.Errorf("a good one is refused: %v", bad)
	}
}

// A gap that a profile forbids is refused with the rule: four texts within ten days are one too many for Ireland, which
// has three in a month.
func TestAGapThatTheLawForbids(t *testing.T) {
	p, err := conduct.Default()
	if err != nil {
		t.Fatal(err)
	}
	d := steps(Step{Kind: OverdueReminder, DPDFrom: 1}, Step{Kind: SecondReminder, DPDFrom: 4, MinGapDays: 3},
		Step{Kind: PlanOffer, DPDFrom: 7, MinGapDays: 3},
		Step{Kind: CollectionNotice, DPDFrom: 10, MinGapDays: 3, Needs: PreviousDelivered})
	if bad := d.Check(); bad != nil {
		t.Fatal(bad)
	}
	err = d.CheckLaw(p, []string{"ie"})
	if e, is := refusal.Of(err); !is || e.Code() != "ladder.gap" || e.Place != "steps[3].min_gap_days" {
		t.Errorf("Ireland: %v", err)
	}
	if err := d.CheckLaw(p, []string{"house-visit"}); err != nil {
		t.Errorf("where no rule counts texts: %v", err)
	}
}

// What comes next, by days late, gaps and what was delivered.
func TestWhatComesNext(t *testing.T) {
	sent := func(of ...string) (out []Sent) {
		states := map[byte]Delivery{'d': Delivered, 'o': OnItsWay, 'f': Failed}
		for _, s := range of {
			out = append(out, Sent{On: s[1:], State: states[s[0]]})
		}
		return out
	}
	for _, c := range []struct {
		about, today string
		sent         []Sent
		want         Next
	}{
		{"before it is late", "2026-11-01", nil, Next{-1, "2026-11-02", NotLate}},
		{"the first day late", "2026-11-02", nil, Next{0, "", ""}},
		{"far too late", "2027-11-02", nil, Next{0, "", ""}},
		{"after the first", "2026-11-03", sent("d2026-11-02"), Next{-1, "2026-11-08", NotLate}},
		{"seven days late", "2026-11-08", sent("d2026-11-02"), Next{1, "", ""}},
		{"within the gap", "2026-11-08", sent("d2026-11-05"), Next{-1, "2026-11-11", WithinGap}},
		{"not delivered", "2026-11-20", sent("o2026-11-02"), Next{-1, "", PreviousNotDelivered}},
		{"failed", "2026-11-04", sent("f2026-11-02"), Next{-1, "2026-11-05", WithinGap}},
		{"failed, days later", "2026-11-05", sent("f2026-11-02"), Next{0, "", ""}},
		{"the second failed", "2026-12-20", sent("d2026-11-02", "f2026-11-08"), Next{1, "", ""}},
		{"three in vain", "2026-12-20", sent("f2026-11-02", "f2026-11-05", "f2026-11-08"), Next{-1, "", Undeliverable}},
		{"thirty days late", "2026-12-01", sent("d2026-11-02", "d2026-11-08"), Next{2, "", ""}},
		{"imported late: the gap binds", "2026-12-31", sent("d2026-12-20", "d2026-12-26"),
			Next{-1, "2027-01-09", WithinGap}},
		{"all", "2027-12-01", sent("d2026-11-02", "d2026-11-08", "d2026-12-01"), Next{-1, "", Done}},
	} {
		if got := Default().Next("2026-11-01", c.today, c.sent); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.about, got, c.want)
		}
	}
}

// Amounts have the digits of their currency, and dates the order of their language.
func TestWordsForAmountsAndDates(t *testing.T) {
	for _, c := range [][2]string{
		{Amount(60000, "EUR", "pt"), "600,00 EUR"}, {Amount(60000, "USD", "es-US"), "600.00 USD"},
		{Amount(5, "EUR", "en"), "0.05 EUR"}, {Amount(60000, "JPY", "en"), "60000 JPY"},
		{Amount(1234567, "KWD", "en"), "1234.567 KWD"}, {Amount(-150, "EUR", "de"), "-1,50 EUR"},
		{Date("2026-11-02", "en-GB"), "2 November 2026"}, {Date("2026-11-02", "en-US"), "November 2, 2026"},
		{Date("2026-11-02", "pt-PT"), "02/11/2026"}, {Date("2026-11-02", "zh-CN"), "2026年11月2日"},
		{Date("2026-11-02", "ar"), "2026-11-02"}, {Date("soon", "en"), "soon"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
}

// A number counts for 180 days after it was verified, and not before.
func TestVerifiedNumbers(t *testing.T) {
	for on, want := range map[string]bool{"2026-11-25": true, "2026-05-29": true, "2026-05-28": false, "": false,
		"2026-11-26": false, "soon": false} {
		if got := Verified(on, "2026-11-25"); got != want {
			t.Errorf("verified on %q: %t", on, got)
		}
	}
}

// A value is put in as it is: braces in it are no variables.
func TestFilling(t *testing.T) {
	got, bad := Fill("a {x} {consequence.fee}", map[string]string{"x": "{y}", "consequence.fee": "z"})
	if got != "a {y} z" || bad != nil {
		t.Errorf("%q, %v", got, bad)
	}
	if _, bad := Fill("a {x} {y}", map[string]string{"x": "1"}); bad == nil || bad.Place != "y" {
		t.Errorf("without a value: %v", bad)
	}
}
