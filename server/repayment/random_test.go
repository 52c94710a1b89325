package repayment

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// chooser makes random questions that lie densely round the edges of the rules.
type chooser struct{ *rand.Rand }

func choose(seed uint64) chooser { return chooser{rand.New(rand.NewPCG(2026, seed))} }

func pick[T any](c chooser, from ...T) T { return from[c.IntN(len(from))] }

// oneIn is true once in n times.
func (c chooser) oneIn(n int) bool { return c.IntN(n) == 0 }

// day is a date n days after another; dates of tests are computed by package time.
func day(from string, n int) string {
	t, err := time.Parse(time.DateOnly, from)
	if err != nil {
		panic(err)
	}
	return t.AddDate(0, 0, n).Format(time.DateOnly)
}

// amount is a random amount: small, ordinary, or close to the limit.
func (c chooser) amount() int64 {
	switch c.IntN(8) {
	case 0:
		return 1 + c.Int64N(12)
	case 1:
		return MaxMinor - c.Int64N(1000)
	case 2:
		return 1 + c.Int64N(MaxMinor)
	}
	return 1 + c.Int64N(500_000)
}

type fields map[string]any

func (f fields) marshal() ([]byte, error) { return json.Marshal(map[string]any(f)) }

// question makes a random question. Most of its requests give a plan; some are malformed.
func (c chooser) question() fields {
	kind := pick(c, single, instalments, instalments, instalments, reduced, frozen, extension, settlement, paymentHoliday,
		tokens)
	today := day(pick(c, "2026-11-29", "2027-01-30", "2028-02-27", "2100-02-26", "2199-10-30", "2000-01-01"), c.IntN(40))
	start := day(today, pick(c, 0, 1, 2, 7, 30, c.IntN(70), c.IntN(400)))
	if c.oneIn(4) {
		start = start[:8] + pick(c, "28", "27", "15", "01")
	}
	if d := start[:8] + pick(c, "31", "30", "29"); c.oneIn(3) && valid(d) {
		start = d
	}
	if start > "2199-12-31" {
		start = "2199-12-31"
	}
	r := fields{"kind": kind, "today": today, "currency": pick(c, "EUR", "EUR", "JPY", "KWD", "TWD", "CLF", "VND"),
		"balance_minor": c.amount(), "start_on": start}
	balance := r["balance_minor"].(int64)
	maybe := func(n int, name string, v any) {
		if c.oneIn(n) {
			r[name] = v
		}
	}
	maybe(3, "offered_by", pick(c, "agent", "debtor"))
	if kind != tokens && (kind == frozen || c.oneIn(5)) {
		r["future_interest_minor"] = pick(c, c.Int64N(2000), min(c.amount(), MaxMinor-balance+c.Int64N(3)-1), 0, 1)
	}
	frequency := pick(c, "weekly", "fortnightly", "every_4_weeks", "monthly", "monthly", "monthly")
	many := pick(c, 2, 3, 4, 6, 12, 1+c.IntN(24))
	if c.oneIn(30) {
		many = pick(c, 599, 600, 601, c.IntN(700))
	}
	switch kind {
	case extension:
		r["original_due_on"] = day(start, pick(c, 0, 1, -1, -10, -30, -c.IntN(100)))
	case tokens:
		r["frequency"], r["count"], r["amount_minor"] = frequency, many, pick(c, 1, 100, 1+balance/int64(many+1), c.amount())
		r["review_on"] = day(start, pick(c, many*7, many*31, 1+c.IntN(400), 20_000))
		if r["review_on"].(string) > "2199-12-31" {
			r["review_on"] = "2199-12-31"
		}
		maybe(3, "month_end", pick(c, "clamp", "last"))
	case single:
	default:
		r["frequency"] = frequency
		if c.oneIn(3) {
			r["amount_minor"] = pick(c, 1+balance/int64(many+1), 1+balance/2, 1+balance/3, balance, c.amount())
		} else {
			r["count"] = many
			if c.oneIn(3) {
				r["weights"] = c.weights(many)
			}
		}
		maybe(3, "month_end", pick(c, "clamp", "last", "last"))
		if c.oneIn(4) {
			r["down_payment_minor"] = pick(c, 1, balance/10+1, balance/2+1, balance, c.amount())
			maybe(2, "down_payment_on", day(today, pick(c, 0, 1, 2, c.IntN(60), -1)))
		}
	}
	if kind == reduced || kind == settlement {
		r["concession_minor"] = pick(c, 1, balance/10+1, balance/2+1, balance-1, balance, c.amount())
	}
	if kind == paymentHoliday {
		r["holiday_periods"] = pick(c, 1, 2, 3, 6, 1+c.IntN(600))
	}
	if c.oneIn(3) {
		r["holiday_rule"] = pick(c, "next_working_day", "next_working_day", "next_working_day", "none")
		r["holidays"] = c.holidays(start)
		maybe(3, "weekend", pick(c, []string{"fri", "sat"}, []string{}, []string{"sun"}, weekdays[:], []string{"sun", "sat"}))
	}
	if c.oneIn(3) {
		r["guardrails"] = c.guardrails(balance, many)
	}
	if c.oneIn(4) {
		r["affordability"] = fields{"surplus_minor": c.surplus(balance, many)}
	}
	if c.oneIn(5) {
		r["pressure"] = pick(c, fields{"new_borrowing_suggested": c.oneIn(3)}, fields{"deadline_days": c.IntN(14)}, fields{})
	}
	if c.oneIn(8) {
		c.spoil(r)
	}
	q := fields{"request": r}
	if c.oneIn(2) {
		c.follow(q, today, start, balance, many)
	}
	if c.oneIn(50) {
		c.spoilQuestion(q)
	}
	return q
}

// spoilQuestion makes a question malformed outside of its request, as a rule.
func (c chooser) spoilQuestion(q fields) {
	wrong := pick[any](c, nil, 5, "x", []any{}, []any{5}, fields{}, []any{fields{"as_of": "2026-02-30"}},
		[]any{fields{"as_of": "2026-02-03", "x": 1}}, fields{"grace_days": -1}, fields{"grace_days": nil},
		fields{"broken_after": 0}, fields{"partly_from_bp": 1.5},
		[]any{fields{"ref": "", "on": "2026-12-01", "amount_minor": 1}},
		[]any{fields{"ref": "a", "on": "2026-12-01", "amount_minor": 0}}, []any{
			fields{"ref": "a", "on": "2026-12-01", "amount_minor": MaxMinor},
			fields{"ref": "b", "on": "2026-12-01", "amount_minor": 1}},
		[]any{fields{"ref": "a", "on": "2026-12-01", "amount_minor": 5, "reversed_on": nil}})
	q[pick(c, "request", "default_terms", "payments", "checks", "checks_")] = wrong
}

func valid(date string) bool {
	_, err := time.Parse(time.DateOnly, date)
	return err == nil
}

func (c chooser) weights(many int) []int64 {
	out := make([]int64, many)
	for i := range out {
		out[i] = pick(c, 1, 1, 2, 3, 1+c.Int64N(9), 1+c.Int64N(mostWeight))
	}
	return out
}

// holidays are single days and long rows of days after a date.
func (c chooser) holidays(start string) []string {
	out := []string{}
	for range c.IntN(5) {
		from := c.IntN(100) - 5
		for i := range pick(c, 1, 1, 2, 3, 7, 15, 58, 59, 60, 61, 62) {
			if d := day(start, from+i); d <= "2199-12-31" {
				out = append(out, d)
			}
		}
	}
	return out
}

// surplus is a surplus close to what an instalment needs.
func (c chooser) surplus(balance int64, many int) int64 {
	each := balance / max(1, int64(many))
	return pick(c, -5, 0, each+c.Int64N(5)-2, max(1, each/12)*52+c.Int64N(3)-1, each*2, min(balance, MaxMinor/8)*5)
}

func (c chooser) guardrails(balance int64, many int) fields {
	g := fields{}
	maybe := func(name string, v any) {
		if c.oneIn(5) {
			g[name] = v
		}
	}
	each := balance / max(1, int64(many))
	maybe("min_instalment_minor", pick(c, 0, 1, each, each+1, max(0, each-1)))
	maybe("max_instalments", pick(c, many, many-1+2*c.IntN(2), 0, 12, 600, 1000))
	maybe("max_term_months", pick(c, 0, 1, 12, many, 1200))
	maybe("max_concession_bp", pick(c, 0, 1000, 4999, 5000, 5001, 10_000, 20_000))
	maybe("max_down_payment_bp", pick(c, 0, 999, 1000, 1001, 5000))
	maybe("max_start_days", pick(c, 0, 1, 30, 60, 365))
	maybe("max_holiday_periods", pick(c, 0, 1, 2, 3))
	maybe("max_extension_days", pick(c, 0, 1, 10, 30))
	maybe("min_answer_days", pick(c, 0, 7, 14))
	maybe("agent_max_concession_bp", pick(c, 0, 1000, 5000))
	maybe("agent_max_term_months", pick(c, 0, 1, 12, 24, many))
	if n, is := g["max_instalments"].(int); is && n < 0 {
		delete(g, "max_instalments")
	}
	return g
}

// spoil makes a request malformed, as a rule.
func (c chooser) spoil(r fields) {
	wrong := func() any {
		return pick[any](c, nil, true, "x", "", []any{}, fields{}, 1.5, -1, 0, json.Number("9007199254740992"),
			json.Number("-9007199254740992"), json.Number("123456789012345678901234567890"), "2026-02-30", "1999-12-31",
			"2200-01-01", "2026-2-3", "eur", "XXX", "EURO", []any{1}, []any{0}, []any{"mon", "x"}, []any{"2026-02-29"},
			601, 1201)
	}
	names := []string{}
	for name := range r {
		names = append(names, name)
	}
	slices.Sort(names) // so that one seed makes one question
	name := names[c.IntN(len(names))]
	switch c.IntN(6) {
	case 0:
		delete(r, name)
	case 1:
		r[pick(c, "constructor", "count_", "", "a b", "__proto__", "Kind", "é", strings.Repeat("n", 65))] = 1
	case 2:
		r[pick(c, "count", "amount_minor", "weights", "concession_minor", "review_on", "holiday_periods", "down_payment_on",
			"month_end", "frequency", "original_due_on", "down_payment_minor", "future_interest_minor")] = pick[any](c, 1, 2,
			"2027-01-01", "monthly", "last")
	case 3:
		inner := pick(c, "guardrails", "affordability", "pressure")
		r[inner] = fields{pick(c, "max_term_months", "min_instalment_minor", "surplus_minor", "deadline_days", "x y", "other",
			"new_borrowing_suggested", "agent_max_term_months", "max_instalments"): wrong()}
	default:
		r[name] = wrong()
	}
}

// follow adds terms, payments and dates to look at.
func (c chooser) follow(q fields, today, start string, balance int64, many int) {
	if !c.oneIn(6) {
		q["default_terms"] = fields{"grace_days": pick(c, 0, 1, 3, 10, 40), "broken_after": pick(c, 1, 1, 2, 3),
			"partly_from_bp": pick(c, 0, 1, 2500, 5000, 9999, 10_000, 12_000)}
	}
	date := func() string { return min(day(start, pick(c, c.IntN(40)-5, c.IntN(400)-30)), "2199-12-31") }
	payments, each := []fields{}, 1+balance/max(1, int64(many))
	room := int64(MaxMinor)
	for i := range c.IntN(8) {
		p := fields{"ref": fmt.Sprintf("p%d", i), "on": max(date(), "2000-01-01"),
			"amount_minor": pick(c, each, each, max(1, each-1), 1, balance, 1+c.Int64N(balance))}
		if c.oneIn(5) {
			p["reversed_on"] = max(date(), "2000-01-01")
		}
		if room -= p["amount_minor"].(int64); room < 0 {
			break
		}
		payments = append(payments, p)
		if c.oneIn(6) {
			payments = append(payments, p)
		}
	}
	c.Shuffle(len(payments), func(i, j int) { payments[i], payments[j] = payments[j], payments[i] })
	q["payments"] = payments
	checks := []fields{}
	for range c.IntN(6) {
		checks = append(checks, fields{"as_of": max(date(), "2000-01-01")})
	}
	q["checks"] = checks
}

func render(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
