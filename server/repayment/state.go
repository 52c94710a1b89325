package repayment

import (
	"slices"
	"sort"
)

// Terms say when a plan is broken.
type Terms struct {
	GraceDays   int64 // an instalment that is paid so many days after its date is in time
	BrokenAfter int64 // the plan breaks when so many instalments are missed; at least 1
	// PartlyFromBP is how much of what was due must have been paid, in basis points, for a plan to be partially kept
	// instead of broken.
	PartlyFromBP int64
}

// DefaultTerms are the terms where a question has none: three days of grace, as for plans of phones; one missed
// instalment breaks a plan; and whatever was paid makes it partially kept.
var DefaultTerms = Terms{GraceDays: 3, BrokenAfter: 1}

// Payment is what came in on a day. It counts until the day before it was reversed.
type Payment struct {
	Ref         string // two payments of one ref are one
	On          Date
	AmountMinor int64
	ReversedOn  Date // 0: never
}

// The states of a plan at a date.
const (
	active        = "active"
	kept          = "kept"
	partiallyKept = "partially_kept"
	broken        = "broken"
)

// States returns the closed list of states of a plan at a date.
func States() []string { return []string{active, kept, partiallyKept, broken} }

// State is what payments have made of a plan by the evening of a day.
type State struct {
	AsOf  Date   `json:"as_of" doc:"The day; in the evening of it."`
	State string `json:"state" doc:"A plan that is broken or partially kept stays so, whatever is paid later."`
	// Since is the day on which it broke; the first of the days on which it has been full without interruption; or, of
	// an active plan, its today.
	Since       Date  `json:"since" doc:"The day on which it broke; the first day from which it has been fully paid; of an active plan its today."`
	PaidMinor   int64 `json:"paid_minor" doc:"What was paid, at most the total."`
	ExcessMinor int64 `json:"excess_minor" doc:"What was paid above the total."`
	// ArrearsMinor is what is open of the instalments that were due before the day.
	ArrearsMinor int64 `json:"arrears_minor" doc:"What is open of the instalments that were due before the day."`
	// Next is the first instalment that is not full; nil if all are.
	Next *NextDue `json:"next" doc:"The first instalment that is not full; null if all are."`
}

// NextDue is the first instalment of a plan that is not fully paid.
type NextDue struct {
	N         int   `json:"n" doc:"Its number; 0 is the down payment."`
	DueOn     Date  `json:"due_on" doc:"When it is due, or was."`
	OpenMinor int64 `json:"open_minor" doc:"What of it is not paid."`
}

// Course is a plan with what was paid on it, for all days.
type Course struct {
	plan  Plan
	terms Terms
	// upTo is the sum of the first instalments: of all before i, at i.
	upTo []int64
	// steps are the days on which the paid sum changes, in order.
	steps []step
	// brokeOn is the day on which the plan breaks, and brokeAs what it becomes; "" if it does not break.
	brokeOn Date
	brokeAs string
}

// step is the paid sum from a day on.
type step struct {
	from Date
	paid int64
}

// Follow returns the course of the plan under the payments, in whatever order they are. Of payments with one ref the
// first counts, until the earliest day on which one of them was reversed. The sum of the payments must not be above
// MaxMinor: see CheckPayments.
func (p Plan) Follow(terms Terms, payments []Payment) *Course {
	c := &Course{plan: p, terms: terms, upTo: []int64{0}}
	for i, in := range p.Instalments {
		c.upTo = append(c.upTo, c.upTo[i]+in.AmountMinor)
	}
	changes := map[Date]int64{}
	for _, pay := range distinct(payments) {
		if pay.On < p.today || pay.ReversedOn != 0 && pay.ReversedOn <= pay.On {
			continue
		}
		changes[pay.On] += pay.AmountMinor
		if pay.ReversedOn != 0 {
			changes[pay.ReversedOn] -= pay.AmountMinor
		}
	}
	days := make([]Date, 0, len(changes)+len(p.Instalments))
	for day := range changes {
		days = append(days, day)
	}
	slices.Sort(days)
	sum := int64(0)
	for _, day := range days {
		sum += changes[day]
		c.steps = append(c.steps, step{day, sum})
	}
	// What is missed changes only on these days and on the days after a grace.
	for _, in := range p.Instalments {
		days = append(days, in.DueOn+Date(terms.GraceDays)+1)
	}
	slices.Sort(days)
	for _, day := range slices.Compact(days) {
		if c.breaks(day) {
			break
		}
	}
	return c
}

// distinct is the payments without those that are told again.
func distinct(payments []Payment) []Payment {
	at := map[string]int{}
	out := make([]Payment, 0, len(payments))
	for _, pay := range payments {
		i, twice := at[pay.Ref]
		if !twice {
			at[pay.Ref] = len(out)
			out = append(out, pay)
			continue
		}
		if first := &out[i].ReversedOn; pay.ReversedOn != 0 && (*first == 0 || pay.ReversedOn < *first) {
			*first = pay.ReversedOn
		}
	}
	return out
}

// paid is what was paid by the evening of a day.
func (c *Course) paid(on Date) int64 {
	i := sort.Search(len(c.steps), func(i int) bool { return c.steps[i].from > on })
	if i == 0 {
		return 0
	}
	return c.steps[i-1].paid
}

// full is how many instalments a paid sum fills. It fills them in their order.
func (c *Course) full(paid int64) int {
	return sort.Search(len(c.plan.Instalments), func(i int) bool { return c.upTo[i+1] > paid })
}

// before is how many instalments are due before a day.
func (c *Course) before(day Date) int {
	return sort.Search(len(c.plan.Instalments), func(i int) bool { return c.plan.Instalments[i].DueOn >= day })
}

// breaks tells whether the plan is broken in the evening of a day, and notes it.
func (c *Course) breaks(day Date) bool {
	paid := c.paid(day)
	late := c.before(day - Date(c.terms.GraceDays)) // the first instalments are those whose grace is over
	missed := late - c.full(paid)
	if missed < 1 || int64(missed) < c.terms.BrokenAfter && late < len(c.plan.Instalments) {
		return false
	}
	c.brokeOn, c.brokeAs = day, broken
	if paid > 0 && compareProducts(paid, 10_000, c.terms.PartlyFromBP, c.upTo[late]) >= 0 {
		c.brokeAs = partiallyKept
	}
	return true
}

// At is the state in the evening of a day.
func (c *Course) At(day Date) State {
	paid, total := c.paid(day), c.plan.TotalMinor
	s := State{AsOf: day, State: active, Since: c.plan.today, PaidMinor: min(paid, total), ExcessMinor: max(0, paid-total)}
	full := c.full(paid)
	if full < len(c.plan.Instalments) {
		in := c.plan.Instalments[full]
		s.Next = &NextDue{in.N, in.DueOn, c.upTo[full+1] - paid}
	}
	s.ArrearsMinor = max(0, c.upTo[c.before(day)]-paid)
	switch {
	case c.brokeAs != "" && c.brokeOn <= day:
		s.State, s.Since = c.brokeAs, c.brokeOn
	case s.Next == nil:
		s.State, s.Since = kept, c.fullSince(day)
	}
	return s
}

// fullSince is the first day from which all is paid without interruption, until a day on which all is paid.
func (c *Course) fullSince(day Date) Date {
	since := day
	for i := len(c.steps) - 1; i >= 0; i-- {
		switch s := c.steps[i]; {
		case s.from > day:
		case s.paid < c.plan.TotalMinor:
			return since
		default:
			since = s.from
		}
	}
	return since
}

// Agreed is the plan of instalments that were agreed on a day, to be followed. They are in the order of their dates.
func Agreed(today Date, instalments []Instalment) Plan {
	p := Plan{Instalments: instalments, today: today}
	for _, in := range instalments {
		p.TotalMinor += in.AmountMinor
	}
	return p
}

// Breaks is the first day on which the plan is broken or partially kept if nothing more is paid, and which of the two;
// ok is false if it does not break.
func (c *Course) Breaks() (on Date, as string, ok bool) { return c.brokeOn, c.brokeAs, c.brokeAs != "" }
