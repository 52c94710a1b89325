package repayment

import (
	"cmp"
	"slices"
)

// Plan is a computed plan. Amounts are minor units of the request's currency.
type Plan struct {
	// TotalMinor is the sum of what is due, the down payment included.
	TotalMinor int64 `json:"total_minor" doc:"The sum of what is due, the down payment included."`
	// TotalPlain is the total in the currency's decimals.
	TotalPlain string `json:"total_plain" doc:"The total in the currency's decimals by ISO 4217, with a point and without grouping." example:"1234.56"`
	// ConcessionMinor is what the lender gives up.
	ConcessionMinor int64 `json:"concession_minor" doc:"What the lender gives up."`
	// RemainingAfterMinor is what is still owed after token payments; 0 for other kinds.
	RemainingAfterMinor int64 `json:"remaining_after_minor" doc:"What is still owed after token payments; 0 for other kinds."`
	// NeedsApproval tells that it is above what an agent may agree.
	NeedsApproval bool `json:"needs_approval" doc:"It is above what an agent may agree alone."`
	// Advice is what whoever agrees to it must know; never nil.
	Advice []string `json:"advice" doc:"What whoever agrees to it must know: above_surplus for a debtor's own offer that is above the surplus."`
	// Instalments are in the order of their dates, which are all different.
	Instalments []Instalment `json:"instalments" doc:"In the order of their dates, which are all different."`

	today Date
}

// Instalment is an amount that is due on a day. N is 0 for the down payment, and counts from 1 for the others.
type Instalment struct {
	N           int   `json:"n" doc:"0 is the down payment; the others count from 1."`
	DueOn       Date  `json:"due_on" doc:"A plain date, without a zone."`
	AmountMinor int64 `json:"amount_minor"`
}

// searchDays is how far behind its nominal date a payment may move to the next working day.
const searchDays = 60

// Plan computes the plan, or says why there is none.
func (r *Request) Plan() (Plan, *Refusal) {
	no := func(reason, at string) (Plan, *Refusal) { return Plan{}, &Refusal{reason, at} }
	if r.start < r.today {
		return no(startInPast, "start_on")
	}
	if r.down > 0 && r.downOn < r.today {
		return no(startInPast, "down_payment_on")
	}
	concession, payable := r.concession, r.balance+r.future-r.concession
	if r.kind == frozen {
		concession, payable = r.future, r.balance
	}
	if payable < 1 || above(concession, r.guard.maxConcessionBP, r.balance) {
		if r.kind == frozen {
			return no(concessionLarge, "future_interest_minor")
		}
		return no(concessionLarge, "concession_minor")
	}
	rest := payable - r.down
	if bad := r.judgeDownPayment(payable, rest); bad != nil {
		return Plan{}, bad
	}
	amounts, bad := r.amounts(rest)
	if bad != nil {
		return Plan{}, bad
	}
	last := r.nominal(int64(len(amounts)) - 1)
	if bad := r.judgeDates(last); bad != nil {
		return Plan{}, bad
	}
	p := Plan{ConcessionMinor: concession, Advice: []string{}, today: r.today}
	if r.down > 0 {
		p.Instalments = append(p.Instalments, Instalment{0, r.downOn, r.down})
	}
	for i, amount := range amounts {
		p.Instalments = append(p.Instalments, Instalment{i + 1, r.nominal(int64(i)), amount})
	}
	if r.moves && !r.move(p.Instalments) {
		return no(noWorkingDay, "holidays")
	}
	if bad := r.judgePressure(amounts, &p); bad != nil {
		return Plan{}, bad
	}
	for _, in := range p.Instalments {
		p.TotalMinor += in.AmountMinor
	}
	p.TotalPlain = plain(p.TotalMinor, r.currency)
	p.RemainingAfterMinor = payable - p.TotalMinor
	p.NeedsApproval = above(concession, r.guard.agentMaxConcessionBP, r.balance) ||
		r.after(last, r.guard.agentMaxTermMonths)
	return p, nil
}

// above tells whether a part is more than so many basis points of the whole; nil limits nothing.
func above(part int64, bp *int64, whole int64) bool {
	return bp != nil && compareProducts(part, 10_000, *bp, whole) > 0
}

// after tells whether a day is later than so many months after today; nil limits nothing.
func (r *Request) after(d Date, months *int64) bool {
	return months != nil && d > r.today.addMonths(int(*months), false)
}

// one tells whether the kind is one payment on the day of the start.
func (r *Request) one() bool { return r.kind == single || r.kind == extension }

// at is the member at fault where nothing else is.
func (r *Request) at() string {
	switch {
	case r.one():
		return "start_on"
	case r.count != nil:
		return "count"
	}
	return "amount_minor"
}

// judgeDownPayment judges the down payment. payable is what is to be paid, rest what of it the instalments must bring.
func (r *Request) judgeDownPayment(payable, rest int64) *Refusal {
	switch {
	case r.down == 0:
		return nil
	case rest < 1:
		return &Refusal{downTooLarge, "down_payment_minor"}
	case above(r.down, r.guard.maxDownPaymentBP, payable):
		return &Refusal{downPressure, "down_payment_minor"}
	case r.downOn >= r.nominal(0):
		return &Refusal{downLate, "down_payment_on"}
	}
	return nil
}

// amounts divides the rest among the instalments.
func (r *Request) amounts(rest int64) ([]int64, *Refusal) {
	no := func(reason string) ([]int64, *Refusal) { return nil, &Refusal{reason, r.at()} }
	n := int64(1)
	switch {
	case r.count != nil:
		n = *r.count
	case r.amount != nil:
		n = (rest-1) / *r.amount + 1
	}
	fewest := int64(2)
	if r.one() || r.kind == settlement {
		fewest = 1
	}
	switch most := min(orElse(r.guard.maxInstalments, mostPayments), mostPayments); {
	case n < fewest:
		return no(tooFew)
	case n > most:
		return no(tooMany)
	case r.kind == tokens && compareProducts(n, *r.amount, 1, rest) >= 0:
		return no(notAToken)
	}
	out := make([]int64, n)
	switch {
	case r.kind == tokens:
		for i := range out {
			out[i] = *r.amount
		}
		return out, nil
	case r.amount != nil:
		for i := range out {
			out[i] = min(*r.amount, rest)
			rest -= out[i]
		}
	default:
		divide(rest, r.weights, out)
	}
	if slices.Contains(out, 0) {
		return no(tooSmallToSplit)
	}
	if r.guard.minInstalment != nil && !r.one() && n > 1 {
		judged := out
		if r.amount != nil {
			judged = out[:n-1]
		}
		if slices.Min(judged) < *r.guard.minInstalment {
			return no(belowMinimum)
		}
	}
	return out, nil
}

func orElse(v *int64, absent int64) int64 {
	if v == nil {
		return absent
	}
	return *v
}

// divide fills out with the shares of an amount by weights, or with equal shares if there are none. Each gets its share
// rounded down. The units that are left go to those with the largest remainders, to the earlier of equal ones.
func divide(amount int64, weights, out []int64) {
	if len(weights) == 0 {
		weights = slices.Repeat([]int64{1}, len(out))
	}
	sum := int64(0)
	for _, w := range weights {
		sum += w
	}
	left := amount
	remainders, order := make([]int64, len(out)), make([]int, len(out))
	for i, w := range weights {
		out[i], remainders[i] = share(amount, w, sum)
		left -= out[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainders[b], remainders[a]) })
	for _, i := range order[:left] {
		out[i]++
	}
}

// nominal is the date of the instalment i, from 0, before it moves. It is counted from the start and never from the
// instalment before, so that a short month does not pull the later dates forward.
func (r *Request) nominal(i int64) Date {
	i += r.pause
	switch r.frequency {
	case "weekly":
		return r.start + Date(7*i)
	case "fortnightly":
		return r.start + Date(14*i)
	case "every_4_weeks":
		return r.start + Date(28*i)
	case "monthly":
		return r.start.addMonths(int(i), r.toMonthEnd)
	}
	return r.start
}

// judgeDates judges the days, of which the last is that of the last instalment.
func (r *Request) judgeDates(last Date) *Refusal {
	over := func(n int64, most *int64) bool { return most != nil && n > *most }
	switch {
	case r.kind == extension && r.start <= r.originalDue:
		return &Refusal{extensionNotLater, "start_on"}
	case r.kind == extension && over(int64(r.start-r.originalDue), r.guard.maxExtensionDays):
		return &Refusal{extensionTooLong, "start_on"}
	case over(r.pause, r.guard.maxHolidayPeriods):
		return &Refusal{holidayTooLong, "holiday_periods"}
	case r.kind == tokens && r.review <= last:
		return &Refusal{reviewBeforeEnd, "review_on"}
	case over(int64(r.start-r.today), r.guard.maxStartDays):
		return &Refusal{startTooLate, "start_on"}
	case r.after(last, r.guard.maxTermMonths):
		return &Refusal{termTooLong, r.at()}
	}
	return nil
}

// move moves each date to the first working day that is later than the date before it. It is false if one of them has
// none within searchDays.
func (r *Request) move(due []Instalment) bool {
	before := Date(-1)
	for i := range due {
		d := max(due[i].DueOn, before+1)
		for r.weekend[d.weekday()] || r.holidays[d] {
			d++
			if d > due[i].DueOn+searchDays {
				return false
			}
		}
		if d > due[i].DueOn+searchDays {
			return false
		}
		due[i].DueOn, before = d, d
	}
	return true
}

// perMonth says how many instalments of a frequency fall into a month, as a fraction: 52 weeks are 12 months.
var perMonth = map[string][2]int64{"weekly": {52, 12}, "fortnightly": {26, 12}, "every_4_weeks": {13, 12},
	"monthly": {1, 1}}

// judgePressure judges that the plan presses the debtor neither to pay more than they have left nor to decide in haste.
func (r *Request) judgePressure(amounts []int64, p *Plan) *Refusal {
	if r.borrowing {
		return &Refusal{newBorrowing, "pressure.new_borrowing_suggested"}
	}
	if r.answerDays != nil && r.guard.minAnswerDays != nil && *r.answerDays < *r.guard.minAnswerDays {
		return &Refusal{deadlineTooShort, "pressure.deadline_days"}
	}
	if r.surplus == nil || r.kind == tokens {
		return nil
	}
	reason, at, rate := aboveSurplus, r.at(), perMonth[r.frequency]
	if r.one() || r.kind == settlement && len(amounts) == 1 {
		reason, at, rate = lumpSumPressure, "kind", [2]int64{1, 1}
	}
	if *r.surplus >= 0 && compareProducts(slices.Max(amounts), rate[0], *r.surplus, rate[1]) <= 0 {
		return nil
	}
	if r.byDebtor {
		p.Advice = append(p.Advice, aboveSurplus)
		return nil
	}
	return &Refusal{reason, at}
}
