package ladder

import (
	"slices"
	"testing"
)

// What a lender wants before a visit is missing until it is done, each thing by its own code and in order.
func TestACaseLacksWhatItsLenderWantsBeforeAVisit(t *testing.T) {
	steps := []Step{{Kind: OverdueReminder, DPDFrom: 1}, {Kind: SecondReminder, DPDFrom: 7, MinGapDays: 6}}
	all := []string{OverdueReminder, SecondReminder}
	const day, today = "2026-12-10", "2026-12-01"
	for _, x := range []struct {
		name   string
		want   *Before
		behind Behind
		today  string
		issue  bool
		lacks  []string
	}{
		{name: "nothing is wanted", want: nil, today: today},
		{name: "no text yet", want: &Before{Delivered: true}, today: today, lacks: all},
		{name: "one text", want: &Before{Delivered: true}, behind: Behind{Delivered: all[:1]}, today: today,
			lacks: all[1:]},
		{name: "all texts, no plan", want: &Before{Delivered: true, PlanOffered: true}, behind: Behind{Delivered: all},
			today: today, lacks: []string{LacksPlan}},
		{name: "a plan too", want: &Before{Delivered: true, PlanOffered: true},
			behind: Behind{Delivered: all, PlanOffered: true}, today: today},
		{name: "confirmed on the last day that counts", want: &Before{ConfirmedDays: 30},
			behind: Behind{AddressOn: "2026-11-10", ContactOn: "2026-11-10"}, today: today},
		{name: "confirmed a day too early", want: &Before{ConfirmedDays: 30},
			behind: Behind{AddressOn: "2026-11-09", ContactOn: "2026-11-10"}, today: today, lacks: []string{LacksAddress}},
		{name: "never confirmed", want: &Before{ConfirmedDays: 30}, today: today,
			lacks: []string{LacksAddress, LacksContact}},
		{name: "a notice can still go out", want: &Before{NoticeDays: 3}, today: "2026-12-07"},
		{name: "a notice would come too late", want: &Before{NoticeDays: 3}, today: "2026-12-08",
			lacks: []string{LacksNotice}},
		{name: "a notice went out in time", want: &Before{NoticeDays: 3}, behind: Behind{NoticeOn: []string{"2026-12-07"}},
			today: "2026-12-09"},
		{name: "a notice went out too late", want: &Before{NoticeDays: 3},
			behind: Behind{NoticeOn: []string{"2026-12-08"}}, today: "2026-12-08", lacks: []string{LacksNotice}},
		{name: "issued without a notice", want: &Before{NoticeDays: 3}, today: "2026-12-01", issue: true,
			lacks: []string{LacksNotice}},
	} {
		d := Definition{Steps: steps, Before: x.want}
		if got := d.Lacks(x.behind, day, x.today, x.issue); !slices.Equal(got, x.lacks) {
			t.Errorf("%s: lacks %q, want %q", x.name, got, x.lacks)
		}
	}
}

// A ladder with numbers out of range is refused at the number.
func TestWhatIsWantedBeforeAVisitHasBounds(t *testing.T) {
	for place, b := range map[string]Before{"before_visits.confirmed_days": {ConfirmedDays: 366},
		"before_visits.notice_days": {NoticeDays: -1}, "": {ConfirmedDays: 365, NoticeDays: 30}} {
		d := Default()
		d.Before = &b
		bad := d.Check()
		if (bad == nil) != (place == "") || bad != nil && bad.Place != place {
			t.Errorf("%+v: %v, want a refusal at %q", b, bad, place)
		}
	}
}
