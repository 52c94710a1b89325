package repayment

import (
	"github.com/bojanz/currency"
)

// Request is what is asked: a request of which every member is present, in range and one that its kind takes. Read
// makes it.
type Request struct {
	kind        string
	today       Date
	currency    string
	balance     int64
	start       Date
	byDebtor    bool
	moves       bool // to the next working day
	holidays    map[Date]bool
	weekend     [7]bool
	guard       guardrails
	surplus     *int64 // a month
	borrowing   bool   // new borrowing was suggested
	answerDays  *int64 // how many days the debtor has to answer
	future      int64  // interest
	frequency   string
	count       *int64
	amount      *int64
	weights     []int64 // empty: all are 1
	toMonthEnd  bool
	down        int64 // 0: there is none
	downOn      Date
	concession  int64
	pause       int64 // how many periods of a payment holiday
	originalDue Date
	review      Date
}

// guardrails are the limits of a request; nil limits nothing.
type guardrails struct {
	minInstalment, maxInstalments, maxTermMonths, maxConcessionBP, maxDownPaymentBP, maxStartDays, maxHolidayPeriods,
	maxExtensionDays, minAnswerDays, agentMaxConcessionBP, agentMaxTermMonths *int64
}

// Refusal says why there is no plan: a reason of a closed list (Reasons), and the member at fault, with a point between
// an object and its member, such as guardrails.max_term_months.
type Refusal struct {
	Reason string `json:"reason"`
	At     string `json:"at"`
}

// The kinds of plans.
const (
	single         = "ptp_single"
	instalments    = "instalments"
	reduced        = "reduced_payment"
	frozen         = "interest_freeze"
	extension      = "extension"
	settlement     = "settlement"
	paymentHoliday = "payment_holiday"
	tokens         = "token_payment"
)

// members are what a kind takes beside the members of every kind.
type members struct {
	split  bool // frequency, and what divides an amount among instalments
	needed []string
	taken  []string
}

// kinds are the kinds with the members they take. Whether a member of a list is given is judged by Read.
var kinds = map[string]members{
	single:         {taken: []string{"future_interest_minor"}},
	extension:      {needed: []string{"original_due_on"}, taken: []string{"future_interest_minor"}},
	instalments:    {split: true, taken: []string{"future_interest_minor"}},
	reduced:        {split: true, needed: []string{"concession_minor"}, taken: []string{"future_interest_minor"}},
	settlement:     {split: true, needed: []string{"concession_minor"}, taken: []string{"future_interest_minor"}},
	frozen:         {split: true, needed: []string{"future_interest_minor"}},
	paymentHoliday: {split: true, needed: []string{"holiday_periods"}, taken: []string{"future_interest_minor"}},
	tokens: {needed: []string{"frequency", "count", "amount_minor", "review_on"},
		taken: []string{"month_end"}},
}

// The words of a request that are not kinds.
var (
	frequencies  = []string{"weekly", "fortnightly", "every_4_weeks", "monthly"}
	monthEnds    = []string{"clamp", "last"}
	offerers     = []string{"agent", "debtor"}
	holidayRules = []string{"none", "next_working_day"}
)

const (
	mostWeight   = 1_000_000
	mostPause    = 600 // periods of a payment holiday
	mostMonths   = 1200
	mostPayments = 600 // instalments of a plan
)

// Read reads a request, one JSON object. It refuses, in this order, what is malformed (bad_request), a currency that
// ISO 4217 does not have, and an amount out of range. Of several malformed members it names the first in the order in
// which the manual lists them; members that the kind does not take come last, in the order of their names.
func Read(text []byte) (*Request, *Refusal) {
	o, bad := readObject(text)
	if bad != nil {
		return nil, bad
	}
	r := &Request{}
	r.kind = o.need("kind").text()
	kind, known := kinds[r.kind]
	if !known {
		return nil, &Refusal{badRequest, "kind"}
	}
	r.common(o)
	member := func(name string) *value {
		for _, n := range kind.needed {
			if n == name {
				return o.need(name)
			}
		}
		for _, n := range kind.taken {
			if n == name {
				return o.take(name)
			}
		}
		return nil
	}
	least := int64(0)
	if r.kind == frozen {
		least = 1
	}
	r.future = member("future_interest_minor").minor(least)
	switch {
	case kind.split:
		r.frequency = o.need("frequency").word(frequencies)
		r.split(o)
	case r.kind == tokens:
		r.frequency = o.need("frequency").word(frequencies)
		r.count, r.amount = member("count").integer(), ptr(member("amount_minor").minor(1))
		r.toMonthEnd = member("month_end").word(monthEnds) == "last"
	}
	r.concession = member("concession_minor").minor(1)
	if n := member("holiday_periods").within(1, mostPause); n != nil {
		r.pause = *n
	}
	r.originalDue = member("original_due_on").date()
	r.review = member("review_on").date()
	if bad := o.refusal(); bad != nil {
		return nil, bad
	}
	if _, known := currency.GetDigits(r.currency); !known {
		return nil, &Refusal{unknownCurrency, "currency"}
	}
	if o.outOfRange == "" && r.balance+r.future > MaxMinor {
		o.outOfRange = "future_interest_minor"
	}
	if o.outOfRange != "" {
		return nil, &Refusal{amountOutOfRange, o.outOfRange}
	}
	return r, nil
}

func ptr[T any](v T) *T { return &v }

// common reads the members of every kind.
func (r *Request) common(o *object) {
	r.today = o.need("today").date()
	r.currency = o.need("currency").text()
	r.balance = o.need("balance_minor").minor(1)
	r.start = o.need("start_on").date()
	r.byDebtor = o.take("offered_by").word(offerers) == "debtor"
	r.moves = o.take("holiday_rule").word(holidayRules) == "next_working_day"
	r.holidays = map[Date]bool{}
	for _, v := range o.take("holidays").list() {
		r.holidays[v.date()] = true
	}
	if weekend := o.take("weekend"); weekend != nil {
		for _, v := range weekend.list() {
			for day, word := range weekdays {
				r.weekend[day] = r.weekend[day] || v.word(weekdays[:]) == word
			}
		}
	} else {
		r.weekend[0], r.weekend[6] = true, true
	}
	if g := o.take("guardrails").object(); g != nil {
		any := func(name string) *int64 { return g.take(name).within(0, MaxMinor) }
		if v := g.take("min_instalment_minor"); v != nil {
			r.guard.minInstalment = ptr(v.minor(0))
		}
		r.guard.maxInstalments = any("max_instalments")
		r.guard.maxTermMonths = g.take("max_term_months").within(0, mostMonths)
		r.guard.maxConcessionBP = any("max_concession_bp")
		r.guard.maxDownPaymentBP = any("max_down_payment_bp")
		r.guard.maxStartDays = any("max_start_days")
		r.guard.maxHolidayPeriods = any("max_holiday_periods")
		r.guard.maxExtensionDays = any("max_extension_days")
		r.guard.minAnswerDays = any("min_answer_days")
		r.guard.agentMaxConcessionBP = any("agent_max_concession_bp")
		r.guard.agentMaxTermMonths = g.take("agent_max_term_months").within(0, mostMonths)
		g.close()
	}
	if a := o.take("affordability").object(); a != nil {
		r.surplus = ptr(a.need("surplus_minor").minor(-MaxMinor))
		a.close()
	}
	if p := o.take("pressure").object(); p != nil {
		r.borrowing = p.take("new_borrowing_suggested").flag()
		r.answerDays = p.take("deadline_days").within(0, MaxMinor)
		p.close()
	}
}

// split reads how an amount is divided among instalments.
func (r *Request) split(o *object) {
	count, amount := o.take("count"), o.take("amount_minor")
	if (count == nil) == (amount == nil) {
		o.fail("count")
	}
	r.count = count.integer()
	if amount != nil {
		r.amount = ptr(amount.minor(1))
	}
	if weights := o.take("weights"); weights != nil {
		for _, v := range weights.list() {
			if n := v.within(1, mostWeight); n != nil {
				r.weights = append(r.weights, *n)
			}
		}
		if r.count == nil || int64(len(r.weights)) != *r.count {
			o.fail("weights")
		}
	}
	r.toMonthEnd = o.take("month_end").word(monthEnds) == "last"
	r.downOn = r.today
	down, on := o.take("down_payment_minor"), o.take("down_payment_on")
	r.down = down.minor(1)
	if on != nil {
		if r.downOn = on.date(); down == nil {
			o.fail("down_payment_on")
		}
	}
}
