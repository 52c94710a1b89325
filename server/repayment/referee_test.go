package repayment

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bojanz/currency"
)

// The referee computes plans once more, from the rules alone and by other means: package time for dates, math/big for
// amounts, and a walk through all days for states. It uses nothing of the package but the shapes of answers.

// takes are the members of requests by kind; one with ! is needed.
var takes = map[string]string{
	"":              "kind! today! currency! balance_minor! start_on! offered_by holiday_rule holidays weekend guardrails affordability pressure",
	"split":         "frequency! count amount_minor weights month_end down_payment_minor down_payment_on",
	single:          "future_interest_minor",
	instalments:     "split future_interest_minor",
	reduced:         "split future_interest_minor concession_minor!",
	frozen:          "split future_interest_minor!",
	extension:       "future_interest_minor original_due_on!",
	settlement:      "split future_interest_minor concession_minor!",
	paymentHoliday:  "split future_interest_minor holiday_periods!",
	tokens:          "frequency! count! amount_minor! review_on! month_end",
	"guardrails":    "min_instalment_minor max_instalments max_term_months max_concession_bp max_down_payment_bp max_start_days max_holiday_periods max_extension_days min_answer_days agent_max_concession_bp agent_max_term_months",
	"affordability": "surplus_minor!",
	"pressure":      "new_borrowing_suggested deadline_days",
}

var wordsOf = map[string]string{"offered_by": "agent debtor", "holiday_rule": "none next_working_day",
	"frequency": "weekly fortnightly every_4_weeks monthly", "month_end": "clamp last",
	"weekend": "mon tue wed thu fri sat sun"}

type referee struct {
	of       map[string]any
	bad, out map[string]bool // members that are malformed, and amounts out of range
}

func number(v any) *big.Int {
	n, is := v.(json.Number)
	if i, ok := new(big.Int).SetString(n.String(), 10); is && ok {
		return i
	}
	return nil
}

func isDate(v any) bool {
	s, is := v.(string)
	d, err := time.Parse(time.DateOnly, s)
	return is && err == nil && d.Year() >= 2000 && d.Year() < 2200
}

func isWord(name string) func(any) bool {
	return func(v any) bool {
		s, is := v.(string)
		return is && s != "" && slices.Contains(strings.Fields(wordsOf[name]), s)
	}
}

func every(v any, ok func(any) bool) bool {
	list, is := v.([]any)
	return is && !slices.ContainsFunc(list, func(x any) bool { return !ok(x) })
}

func inRange(v any, least, most int64) bool {
	n := number(v)
	return n != nil && n.Cmp(big.NewInt(least)) >= 0 && n.Cmp(big.NewInt(most)) <= 0
}

// look judges one member by itself.
func (r *referee) look(place, name string, v any) {
	ok := true
	switch {
	case strings.HasSuffix(name, "_minor"):
		least := int64(1)
		switch {
		case name == "surplus_minor":
			least = -9007199254740991
		case name == "min_instalment_minor", name == "future_interest_minor" && r.of["kind"] != frozen:
			least = 0
		}
		if ok = number(v) != nil; ok && !inRange(v, least, 9007199254740991) {
			r.out[place] = true
		}
	case name == "kind":
		s, _ := v.(string)
		ok = strings.Contains(" "+strings.Join([]string{single, instalments, reduced, frozen, extension, settlement,
			paymentHoliday, tokens}, " ")+" ", " "+s+" ") && s != ""
	case name == "currency":
		_, ok = v.(string)
	case name == "holidays":
		ok = every(v, isDate)
	case name == "weekend":
		ok = every(v, isWord(name))
	case wordsOf[name] != "":
		ok = isWord(name)(v)
	case strings.HasSuffix(name, "_on"), name == "today":
		ok = isDate(v)
	case takes[name] != "":
		inner, is := v.(map[string]any)
		if ok = is; is {
			r.lookAll(place+".", takes[name], inner)
		}
	case name == "count":
		ok = number(v) != nil
	case name == "weights":
		ok = every(v, func(x any) bool { return inRange(x, 1, 1_000_000) })
	case name == "holiday_periods":
		ok = inRange(v, 1, 600)
	case strings.HasSuffix(name, "max_term_months"):
		ok = inRange(v, 0, 1200)
	case name == "new_borrowing_suggested":
		_, ok = v.(bool)
	default:
		ok = inRange(v, 0, 9007199254740991)
	}
	if !ok {
		r.bad[place] = true
	}
}

func (r *referee) lookAll(prefix, names string, of map[string]any) {
	known := map[string]bool{}
	for _, name := range strings.Fields(names) {
		name, needed := strings.CutSuffix(name, "!")
		known[name] = true
		if v, there := of[name]; there {
			r.look(prefix+name, name, v)
		} else if needed {
			r.bad[prefix+name] = true
		}
	}
	for name := range of {
		if !known[name] {
			r.bad[prefix+name], r.bad[prefix+"…"] = true, true
		}
	}
}

func (r *referee) has(name string) bool { _, there := r.of[name]; return there }

// judgeShape finds all members that are malformed or out of range.
func (r *referee) judgeShape() {
	kind, _ := r.of["kind"].(string)
	names := takes[""] + " " + strings.ReplaceAll(takes[kind], "split", takes["split"])
	r.lookAll("", names, r.of)
	if !strings.HasPrefix(takes[kind], "split") {
		return
	}
	if r.has("count") == r.has("amount_minor") {
		r.bad["count"] = true
	}
	if r.has("weights") {
		list, _ := r.of["weights"].([]any)
		if n := number(r.of["count"]); n == nil || n.Cmp(big.NewInt(int64(len(list)))) != 0 {
			r.bad["weights"] = true
		}
	}
	if r.has("down_payment_on") && !r.has("down_payment_minor") {
		r.bad["down_payment_on"] = true
	}
}

// minor is an amount or another number, 0 if it is absent.
func (r *referee) minor(name string) *big.Int {
	if n := number(r.of[name]); n != nil {
		return n
	}
	return new(big.Int)
}

func (r *referee) date(name string) time.Time {
	s, _ := r.of[name].(string)
	d, _ := time.Parse(time.DateOnly, s)
	return d
}

// limit tells whether a guardrail is there and a number is above it.
func (r *referee) limit(n *big.Int, name string) bool {
	g, _ := r.of["guardrails"].(map[string]any)
	most := number(g[name])
	return most != nil && n.Cmp(most) > 0
}

// portion tells whether a part is above a guardrail in basis points of a whole.
func (r *referee) portion(part, whole *big.Int, name string) bool {
	g, _ := r.of["guardrails"].(map[string]any)
	bp := number(g[name])
	return bp != nil && new(big.Rat).SetFrac(part, whole).Cmp(new(big.Rat).SetFrac(bp, big.NewInt(10_000))) > 0
}

func days(from, to time.Time) *big.Int { return big.NewInt(int64(to.Sub(from).Hours()) / 24) }

// month is the day of the month n months later, or its last.
func month(d time.Time, n int, last bool) time.Time {
	end := time.Date(d.Year(), d.Month()+time.Month(n)+1, 0, 0, 0, 0, 0, time.UTC)
	if d.Day() > end.Day() || last && d.AddDate(0, 0, 1).Day() == 1 {
		return end
	}
	return time.Date(end.Year(), end.Month(), d.Day(), 0, 0, 0, 0, time.UTC)
}

func (r *referee) nominal(i int) time.Time {
	i += int(r.minor("holiday_periods").Int64())
	switch r.of["frequency"] {
	case "weekly", "fortnightly", "every_4_weeks":
		days := map[any]int{"weekly": 7, "fortnightly": 14, "every_4_weeks": 28}[r.of["frequency"]]
		return r.date("start_on").AddDate(0, 0, i*days)
	case "monthly":
		return month(r.date("start_on"), i, r.of["month_end"] == "last")
	}
	return r.date("start_on")
}

// term tells whether the last date is after so many months.
func (r *referee) term(last time.Time, name string) bool {
	g, _ := r.of["guardrails"].(map[string]any)
	n := number(g[name])
	return n != nil && last.After(month(r.date("today"), int(n.Int64()), false))
}

// largestRemainder divides as an election divides seats.
func largestRemainder(amount *big.Int, weights []*big.Int) []*big.Int {
	sum := new(big.Int)
	for _, w := range weights {
		sum.Add(sum, w)
	}
	left := new(big.Int).Set(amount)
	out, rests := make([]*big.Int, len(weights)), make([]*big.Rat, len(weights))
	for i, w := range weights {
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(amount, w), sum)
		out[i] = new(big.Int).Quo(exact.Num(), exact.Denom())
		rests[i] = exact.Sub(exact, new(big.Rat).SetInt(out[i]))
		left.Sub(left, out[i])
	}
	for ; left.Sign() > 0; left.Sub(left, big.NewInt(1)) {
		best := 0
		for i := range rests {
			if rests[i].Cmp(rests[best]) > 0 {
				best = i
			}
		}
		out[best].Add(out[best], big.NewInt(1))
		rests[best] = big.NewRat(-1, 1)
	}
	return out
}

// plan computes the plan of a request whose shape is right.
func (r *referee) plan() (Plan, *Refusal) {
	kind := r.of["kind"].(string)
	one := big.NewInt(1)
	isSingle, isToken := kind == single || kind == extension, kind == tokens
	at := "start_on"
	if r.has("amount_minor") {
		at = "amount_minor"
	}
	if r.has("count") {
		at = "count"
	}
	today, down := r.date("today"), r.minor("down_payment_minor")
	downOn := today
	if r.has("down_payment_on") {
		downOn = r.date("down_payment_on")
	}
	concession, concessionAt := r.minor("concession_minor"), "concession_minor"
	payable := new(big.Int).Add(r.minor("balance_minor"), r.minor("future_interest_minor"))
	if kind == frozen {
		concession, concessionAt = r.minor("future_interest_minor"), "future_interest_minor"
	}
	payable.Sub(payable, concession)
	rest := new(big.Int).Sub(payable, down)
	n := one
	switch {
	case r.has("count"):
		n = r.minor("count")
	case r.has("amount_minor"):
		n = new(big.Int).Div(new(big.Int).Add(rest, new(big.Int).Sub(r.minor("amount_minor"), one)), r.minor("amount_minor"))
	}
	var amounts []*big.Int
	build := func() {
		for i := int64(0); i < n.Int64(); i++ {
			switch {
			case isToken:
				amounts = append(amounts, r.minor("amount_minor"))
			case r.has("amount_minor"):
				amounts = append(amounts, r.minor("amount_minor"))
				if i == n.Int64()-1 {
					full := new(big.Int).Mul(r.minor("amount_minor"), big.NewInt(i))
					amounts[i] = new(big.Int).Sub(rest, full)
				}
			}
		}
		if amounts == nil {
			weights := slices.Repeat([]*big.Int{one}, int(n.Int64()))
			if list, is := r.of["weights"].([]any); is {
				for i := range list {
					weights[i] = number(list[i])
				}
			}
			amounts = largestRemainder(rest, weights)
		}
	}
	least := big.NewInt(2)
	if isSingle || kind == settlement {
		least = one
	}
	tooFewOf := func(of []*big.Int) bool {
		g, _ := r.of["guardrails"].(map[string]any)
		least := number(g["min_instalment_minor"])
		return least != nil && slices.ContainsFunc(of, func(a *big.Int) bool { return a.Cmp(least) < 0 })
	}
	last := func() time.Time { return r.nominal(len(amounts) - 1) }
	guards, _ := r.of["guardrails"].(map[string]any)
	pressure, _ := r.of["pressure"].(map[string]any)
	early := func() bool {
		have, need := number(pressure["deadline_days"]), number(guards["min_answer_days"])
		return have != nil && need != nil && have.Cmp(need) < 0
	}
	afford, _ := r.of["affordability"].(map[string]any)
	aloneSettled := kind == settlement && n.Cmp(one) == 0
	unaffordable := func() bool {
		surplus := number(afford["surplus_minor"])
		if surplus == nil || isToken {
			return false
		}
		largest := slices.MaxFunc(amounts, (*big.Int).Cmp)
		rate := map[any]*big.Rat{"weekly": big.NewRat(52, 12), "fortnightly": big.NewRat(26, 12),
			"every_4_weeks": big.NewRat(13, 12)}[r.of["frequency"]]
		if rate == nil || isSingle || aloneSettled {
			rate = big.NewRat(1, 1)
		}
		return rate.Mul(rate, new(big.Rat).SetInt(largest)).Cmp(new(big.Rat).SetInt(surplus)) > 0
	}
	byDebtor := r.of["offered_by"] == "debtor"
	var due []Instalment
	dates := func() bool {
		if down.Sign() > 0 {
			due = append(due, Instalment{0, refDate(downOn), down.Int64()})
		}
		for i, a := range amounts {
			due = append(due, Instalment{i + 1, refDate(r.nominal(i)), a.Int64()})
		}
		return r.of["holiday_rule"] == "next_working_day" && !r.movable(due)
	}
	extended := days(r.date("original_due_on"), r.date("start_on"))
	for _, rule := range []struct {
		applies    func() bool
		reason, at string
	}{
		{func() bool { return r.date("start_on").Before(today) }, "start_in_past", "start_on"},
		{func() bool { return downOn.Before(today) }, "start_in_past", "down_payment_on"},
		{func() bool { return payable.Sign() < 1 }, "concession_too_large", concessionAt},
		{func() bool { return r.portion(concession, r.minor("balance_minor"), "max_concession_bp") }, "concession_too_large",
			concessionAt},
		{func() bool { return rest.Sign() < 1 }, "down_payment_too_large", "down_payment_minor"},
		{func() bool { return r.portion(down, payable, "max_down_payment_bp") }, "down_payment_pressure",
			"down_payment_minor"},
		{func() bool { return down.Sign() > 0 && !downOn.Before(r.nominal(0)) }, "down_payment_late", "down_payment_on"},
		{func() bool { return n.Cmp(least) < 0 }, "too_few_instalments", at},
		{func() bool { return n.Cmp(big.NewInt(600)) > 0 || r.limit(n, "max_instalments") }, "too_many_instalments", at},
		{func() bool {
			return isToken && new(big.Int).Mul(n, r.minor("amount_minor")).Cmp(r.minor("balance_minor")) >= 0
		}, "not_a_token", at},
		{func() bool {
			build()
			return slices.ContainsFunc(amounts, func(a *big.Int) bool { return a.Sign() < 1 })
		}, "too_small_to_split", at},
		{func() bool {
			if isToken || isSingle || aloneSettled {
				return false
			}
			if r.has("amount_minor") {
				return tooFewOf(amounts[:len(amounts)-1])
			}
			return tooFewOf(amounts)
		}, "below_minimum", at},
		{func() bool { return kind == extension && extended.Sign() < 1 }, "extension_not_later", "start_on"},
		{func() bool { return kind == extension && r.limit(extended, "max_extension_days") }, "extension_too_long",
			"start_on"},
		{func() bool { return r.limit(r.minor("holiday_periods"), "max_holiday_periods") }, "holiday_too_long",
			"holiday_periods"},
		{func() bool { return isToken && !r.date("review_on").After(last()) }, "review_before_end", "review_on"},
		{func() bool { return r.limit(days(today, r.date("start_on")), "max_start_days") }, "start_too_late", "start_on"},
		{func() bool { return r.term(last(), "max_term_months") }, "term_too_long", at},
		{dates, "no_working_day", "holidays"},
		{func() bool { return pressure["new_borrowing_suggested"] == true }, "new_borrowing",
			"pressure.new_borrowing_suggested"},
		{early, "deadline_too_short", "pressure.deadline_days"},
		{func() bool { return !byDebtor && (isSingle || aloneSettled) && unaffordable() }, "lump_sum_pressure", "kind"},
		{func() bool { return !byDebtor && unaffordable() }, "above_surplus", at},
	} {
		if rule.applies() {
			return Plan{}, &Refusal{rule.reason, rule.at}
		}
	}
	p := Plan{ConcessionMinor: concession.Int64(), Advice: []string{}, Instalments: due, today: refDate(today),
		NeedsApproval: r.portion(concession, r.minor("balance_minor"), "agent_max_concession_bp") ||
			r.term(last(), "agent_max_term_months")}
	for _, in := range due {
		p.TotalMinor += in.AmountMinor
	}
	if isToken {
		p.RemainingAfterMinor = r.minor("balance_minor").Int64() - p.TotalMinor
	} else if p.TotalMinor != payable.Int64() {
		panic("the referee's own amounts do not add up")
	}
	if unaffordable() {
		p.Advice = []string{"above_surplus"}
	}
	digits, _ := currency.GetDigits(r.of["currency"].(string))
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	p.TotalPlain = new(big.Rat).SetFrac(big.NewInt(p.TotalMinor), unit).FloatString(int(digits))
	return p, nil
}

// refDate is a date of package time as a Date.
func refDate(d time.Time) Date { return Date(d.Unix() / 86400) }

// movable moves the dates of a plan, and tells whether each found a day.
func (r *referee) movable(due []Instalment) bool {
	weekend := "sat sun"
	if list, is := r.of["weekend"].([]any); is {
		weekend = ""
		for _, w := range list {
			weekend += w.(string) + " "
		}
	}
	list, _ := r.of["holidays"].([]any)
	closed := func(d Date) bool {
		t := time.Unix(int64(d)*86400, 0).UTC()
		return strings.Contains(weekend, strings.ToLower(t.Weekday().String()[:3])) ||
			slices.Contains(list, any(t.Format(time.DateOnly)))
	}
	for i := range due {
		found := false
		for moved := Date(0); moved <= 60 && !found; moved++ {
			d := due[i].DueOn + moved
			if !closed(d) && (i == 0 || d > due[i-1].DueOn) {
				due[i].DueOn, found = d, true
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// walk computes the states of a plan by looking at each day from its first to the day that is asked for.
func walk(p Plan, terms Terms, payments []Payment, asked Date) State {
	s := State{AsOf: asked, State: "active", Since: p.today}
	final := false
	seen := map[string]bool{}
	payments = slices.DeleteFunc(slices.Clone(payments), func(pay Payment) bool {
		twice := seen[pay.Ref]
		seen[pay.Ref] = true
		return twice || pay.On < p.today || asked < p.today // nothing was paid before there was a plan
	})
	var paid int64
	var open []int64
	for day := p.today; ; day++ {
		paid = 0
		for _, pay := range payments {
			if pay.On <= day && (pay.ReversedOn == 0 || day < pay.ReversedOn) {
				paid += pay.AmountMinor
			}
		}
		open = open[:0]
		missed, over, overSum, left, allOpen := int64(0), 0, int64(0), paid, int64(0)
		for _, in := range p.Instalments {
			part := min(left, in.AmountMinor)
			left -= part
			open = append(open, in.AmountMinor-part)
			allOpen += in.AmountMinor - part
			if day > in.DueOn+Date(terms.GraceDays) {
				over++
				overSum += in.AmountMinor
				if part < in.AmountMinor {
					missed++
				}
			}
		}
		if !final {
			was := s.State
			s.State = "active"
			switch {
			case missed >= terms.BrokenAfter || over == len(p.Instalments) && missed > 0:
				s.State, final = "broken", true
				ratio := new(big.Rat).SetFrac(big.NewInt(paid), big.NewInt(overSum))
				if paid > 0 && ratio.Cmp(big.NewRat(terms.PartlyFromBP, 10_000)) >= 0 {
					s.State = "partially_kept"
				}
			case allOpen == 0:
				s.State = "kept"
			}
			switch {
			case s.State == "active":
				s.Since = p.today
			case s.State != was:
				s.Since = day
			}
		}
		if day >= asked {
			break
		}
	}
	s.PaidMinor, s.ExcessMinor = min(paid, p.TotalMinor), max(0, paid-p.TotalMinor)
	for i, in := range p.Instalments {
		if open[i] > 0 && s.Next == nil {
			s.Next = &NextDue{in.N, in.DueOn, open[i]}
		}
		if in.DueOn < asked {
			s.ArrearsMinor += open[i]
		}
	}
	return s
}

// TestRefereeAgrees compares plans, refusals and states with those of the referee.
func TestRefereeAgrees(t *testing.T) {
	many := uint64(5000)
	if testing.Short() {
		many = 2000
	}
	reasons, states := map[string]int{}, map[string]int{}
	for i := range many {
		q := choose(1<<32 + i).question()
		text := render(t, q["request"])
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		r := &referee{bad: map[string]bool{}, out: map[string]bool{}}
		if d.Decode(&r.of) != nil || r.of == nil {
			continue // not an object: TestVectors
		}
		r.judgeShape()
		request, refused := Read(text)
		got := Plan{}
		if refused == nil {
			got, refused = request.Plan()
		}
		says := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("question %d: "+format+"\n%s", append(append([]any{i}, args...), text)...)
		}
		if refused != nil {
			reasons[refused.Reason]++
		}
		if _, known := currency.GetDigits(asText(r.of["currency"])); len(r.bad) > 0 || !known || len(r.out) > 0 {
			want := badRequest
			if len(r.bad) == 0 {
				if want = amountOutOfRange; !known {
					want = unknownCurrency
				}
			}
			if refused == nil || refused.Reason != want || want == badRequest && !r.bad[refused.At] ||
				want == amountOutOfRange && !r.out[refused.At] {
				says("%v, want %s: %v %v", refused, want, r.bad, r.out)
			}
			continue
		}
		if sum := new(big.Int).Add(r.minor("balance_minor"), r.minor("future_interest_minor")); sum.Cmp(
			big.NewInt(9007199254740991)) > 0 {
			if want := (Refusal{"amount_out_of_range", "future_interest_minor"}); refused == nil || *refused != want {
				says("%v, want %v", refused, want)
			}
			continue
		}
		want, wantRefused := r.plan()
		if !reflect.DeepEqual(refused, wantRefused) || !reflect.DeepEqual(got, want) {
			says("%v %+v, the referee: %v %+v", refused, got, wantRefused, want)
		}
		if refused != nil || q["payments"] == nil {
			continue
		}
		follow(t, i, render(t, q), want, states)
	}
	for _, reason := range Reasons() {
		if reasons[reason] == 0 {
			t.Errorf("no question was refused for %s", reason)
		}
	}
	for _, s := range States() {
		if states[s] < int(many)/500 {
			t.Errorf("%d plans were %s", states[s], s)
		}
	}
}

func asText(v any) string { s, _ := v.(string); return s }

// follow compares the states of a plan.
func follow(t *testing.T, i uint64, text []byte, p Plan, states map[string]int) {
	t.Helper()
	var q struct {
		DefaultTerms *struct {
			GraceDays    int64 `json:"grace_days"`
			BrokenAfter  int64 `json:"broken_after"`
			PartlyFromBP int64 `json:"partly_from_bp"`
		} `json:"default_terms"`
		Payments []struct {
			Ref         string
			On          string
			AmountMinor int64  `json:"amount_minor"`
			ReversedOn  string `json:"reversed_on"`
		}
		Checks []struct {
			AsOf string `json:"as_of"`
		}
	}
	answer, err := Answer(text)
	if err != nil || json.Unmarshal(text, &q) != nil {
		return // spoiled outside of the request: TestVectors
	}
	terms := DefaultTerms
	if q.DefaultTerms != nil {
		terms = Terms(*q.DefaultTerms)
	}
	at := func(s string) Date {
		d, _ := time.Parse(time.DateOnly, s)
		if s == "" {
			return 0
		}
		return refDate(d)
	}
	var payments []Payment
	for _, pay := range q.Payments {
		payments = append(payments, Payment{pay.Ref, at(pay.On), pay.AmountMinor, at(pay.ReversedOn)})
	}
	for k, check := range q.Checks {
		want := walk(p, terms, payments, at(check.AsOf))
		if !reflect.DeepEqual(answer.Checks[k], want) {
			t.Fatalf("question %d: %+v %+v, the referee: %+v %+v\n%s", i, answer.Checks[k], answer.Checks[k].Next, want,
				want.Next, text)
		}
		states[want.State]++
	}
}
