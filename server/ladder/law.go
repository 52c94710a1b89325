package ladder

import (
	"slices"
	"time"

	"doorstep/server/conduct"
)

// frequency are the reasons of rules on how often a person may be contacted.
var frequency = []string{"FREQ_CAP", "COOLDOWN"}

// CheckLaw refuses a gap after which a profile would forbid the text: each step is judged as if it were taken at the
// first day that the gaps allow, after all steps before it, within one month. The code is ladder.gap, the place the
// gap, and the message names the rule. A profile that the policy does not have is the error of Judge.
func (d Definition) CheckLaw(p *conduct.Policy, profiles []string) error {
	// The third day of a long month, so that the texts of a short ladder fall into one month of the calendar.
	day := time.Date(2026, 12, 3, 12, 0, 0, 0, time.UTC)
	late := 60
	var history []conduct.HistoryEntry
	for i, s := range d.Steps {
		if i > 0 {
			day = day.AddDate(0, 0, s.MinGapDays)
		}
		verdict, err := p.Judge(profiles, conduct.Action{Channel: "sms", At: conduct.At(day), TZ: []string{"UTC"},
			Case: "case", Debt: "debt", Number: "number"}, conduct.Case{PastDueDays: &late}, history)
		if err != nil {
			return err
		}
		for _, h := range verdict.All {
			if slices.Contains(frequency, h.Reason) {
				return refuse("ladder.gap", i, "min_gap_days", "rule %s (%s) forbids a text so soon after the ones before it",
					h.Rule, h.Reason)
			}
		}
		history = append(history, conduct.HistoryEntry{Channel: "sms", At: conduct.At(day), Result: "delivered",
			Case: "case", Debt: "debt", Number: "number"})
	}
	return nil
}
