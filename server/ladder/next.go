package ladder

import "time"

// Sent is a text of the ladder that was sent.
type Sent struct {
	Kind string
	// On is the debtor's local date on which it was sent, "2006-01-02".
	On    string
	State Delivery
}

// Delivery is what is known of a text that was sent.
type Delivery int

// What is known of a text.
const (
	// OnItsWay is a text that a provider has, or may have: nothing more is known.
	OnItsWay Delivery = iota
	Delivered
	// Failed is a text that certainly did not arrive.
	Failed
)

// Next is what a ladder asks for.
type Next struct {
	// Step is the step to take now, by its index; -1 for none.
	Step int
	// Until is the first local date on which it is worth looking again; "" where only something new changes it.
	Until string
	// Why is the code of why no step is taken: not_late, gap, previous_not_delivered, undeliverable or done.
	Why string
}

// Why no step is taken.
const (
	NotLate              = "not_late"
	WithinGap            = "gap"
	PreviousNotDelivered = "previous_not_delivered"
	Undeliverable        = "undeliverable"
	Done                 = "done"
)

// mostTries is how often one step is sent in vain before the ladder ends.
const mostTries = 3

// Next tells what comes next on a local date, for a case that is overdue since the date due and the texts that were
// sent, in order. A text that failed is sent again after the gap of its step, at most three times in all.
func (d Definition) Next(due, today string, sent []Sent) Next {
	reached, tries := 0, 0
	var last *Sent
	for i := range sent {
		s := &sent[i]
		last = s
		if s.State == Failed {
			tries++
			continue
		}
		reached, tries = reached+1, 0
	}
	if reached >= len(d.Steps) {
		return Next{Step: -1, Why: Done}
	}
	if tries >= mostTries {
		return Next{Step: -1, Why: Undeliverable}
	}
	step := d.Steps[reached]
	if from := addDays(due, step.DPDFrom); today < from {
		return Next{Step: -1, Until: from, Why: NotLate}
	}
	if last == nil {
		return Next{Step: reached}
	}
	gap := max(step.MinGapDays, houseGap)
	if from := addDays(last.On, gap); today < from {
		return Next{Step: -1, Until: from, Why: WithinGap}
	}
	if step.Needs == PreviousDelivered && last.State == OnItsWay {
		return Next{Step: -1, Why: PreviousNotDelivered}
	}
	return Next{Step: reached}
}

// addDays is a local date some days later; a date that cannot be read stays as it is.
func addDays(date string, days int) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return at.AddDate(0, 0, days).Format(time.DateOnly)
}

// DaysLate are the days from the due date to a local date; 0 before it and for dates that cannot be read.
func DaysLate(due, today string) int {
	from, err := time.Parse(time.DateOnly, due)
	if err != nil {
		return 0
	}
	to, err := time.Parse(time.DateOnly, today)
	if err != nil {
		return 0
	}
	return max(0, int(to.Sub(from)/(24*time.Hour)))
}

// verifiedFor is for how many days a number counts as the debtor's after it was verified.
const verifiedFor = 180

// VerifiedDays is how many days ago a number was verified; ok is false for one that never was, or is said to have been
// verified in the future. Verified tells whether it still counts.
func VerifiedDays(verifiedOn, today string) (days int, ok bool) {
	if verifiedOn == "" || verifiedOn > today {
		return 0, false
	}
	if _, err := time.Parse(time.DateOnly, verifiedOn); err != nil {
		return 0, false
	}
	return DaysLate(verifiedOn, today), true
}

// Verified tells whether a number that was verified on a local date may be sent an amount on another.
func Verified(verifiedOn, today string) bool {
	days, ok := VerifiedDays(verifiedOn, today)
	return ok && days <= verifiedFor
}
