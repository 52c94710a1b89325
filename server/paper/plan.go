package paper

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Plan is what the paper says of a repayment plan. Dates are local dates of the debtor, "2006-01-02".
type Plan struct {
	// Language is BCP 47; one that there are no words for is written in English.
	Language string
	Lender   string // its name
	Phone    string // the line for questions and complaints; "" for none
	CaseRef  string
	Debtor   string // the name; "" is left out
	ID       string // of the plan
	// Offer says that the plan is offered and not agreed yet; Expires is its last day then, "" for none.
	Offer    bool
	Expires  string
	AgreedOn string // or offered on
	// WithdrawUntil is the last day on which the person may withdraw without a reason; "" for none.
	WithdrawUntil string
	Currency      string
	BalanceMinor  int64
	TotalMinor    int64
	// ConcessionMinor is what the lender gives up, RemainingMinor what is owed after the plan.
	ConcessionMinor, RemainingMinor int64
	// GraceDays is how many days after its date an instalment is paid in time; BrokenAfter is how many missed ones end
	// the plan.
	GraceDays, BrokenAfter int64
	Instalments            []Instalment
}

// Instalment is one due part; N is 0 for a down payment.
type Instalment struct {
	N           int
	DueOn       string
	AmountMinor int64
}

//go:embed words/*.json
var wordFiles embed.FS

var languages = readWords()

const fallback = "en"

func readWords() map[string]map[string]string {
	out := map[string]map[string]string{}
	entries, err := wordFiles.ReadDir("words")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		text, err := wordFiles.ReadFile("words/" + e.Name())
		words := map[string]string{}
		if err == nil {
			err = json.Unmarshal(text, &words)
		}
		if err != nil {
			panic(fmt.Sprintf("paper: words/%s: %v", e.Name(), err))
		}
		out[strings.TrimSuffix(e.Name(), ".json")] = words
	}
	return out
}

// Written is the language in which a paper for a person of a language is written.
func Written(language string) string {
	base, _, _ := strings.Cut(language, "-")
	if languages[base] != nil {
		return base
	}
	return fallback
}

// Writer writes amounts and dates for a person.
type Writer struct {
	Amount func(minor int64, currency, language string) string
	Date   func(date, language string) string
}

// Render writes the plan as a PDF. The same plan gives the same pages.
func Render(p Plan, w Writer) ([]byte, error) {
	lang := Written(p.Language)
	if lang == fallback && !strings.HasPrefix(p.Language, fallback) {
		p.Language = fallback
	}
	words := languages[lang]
	page, err := newSheet(words["page"])
	if err != nil {
		return nil, err
	}
	amount := func(minor int64) string { return w.Amount(minor, p.Currency, p.Language) }
	date := func(day string) string { return w.Date(day, p.Language) }
	// say writes a paragraph; what stands in braces stays whole on its line.
	say := func(key string, values ...string) { page.paragraph(sentence(words[key], values...)) }
	fact := func(key, value string) { page.fact(words[key], value) }

	title, intro := "title", "intro"
	if p.Offer {
		title, intro = "title_offer", "intro_offer"
	}
	page.title(words[title])
	say(intro, "lender", p.Lender, "date", date(p.AgreedOn))
	fact("reference", p.CaseRef)
	if p.Debtor != "" && page.has(p.Debtor) {
		fact("name", p.Debtor)
	}
	fact("plan_id", p.ID)
	fact("balance", amount(p.BalanceMinor))
	if p.ConcessionMinor > 0 {
		fact("concession", amount(p.ConcessionMinor))
	}
	fact("total", amount(p.TotalMinor))
	if p.RemainingMinor > 0 {
		fact("remaining", amount(p.RemainingMinor))
	}
	page.heading(words["what_is_due"])
	page.row(words["number"], words["due_on"], words["amount"], true)
	for _, in := range p.Instalments {
		n := strconv.Itoa(in.N)
		if in.N == 0 {
			n = words["down_payment"]
		}
		page.row(n, date(in.DueOn), amount(in.AmountMinor), false)
	}
	page.space()
	say("pay_more")
	page.heading(words["your_rights"])
	switch {
	case p.Offer && p.Expires != "":
		say("right_to_answer", "date", date(p.Expires))
	case p.Offer:
		say("right_to_answer_any")
	case p.WithdrawUntil != "":
		say("right_to_withdraw", "date", date(p.WithdrawUntil))
	}
	say("right_not_pressed")
	say("right_no_contact")
	page.heading(words["if_you_cannot"])
	say("tell_us")
	say("grace", "days", strconv.FormatInt(p.GraceDays, 10))
	say("broken", "count", strconv.FormatInt(p.BrokenAfter, 10))
	say("never")
	page.heading(words["questions"])
	if p.Phone != "" {
		say("call", "lender", p.Lender, "phone", p.Phone)
	} else {
		say("ask", "lender", p.Lender)
	}
	say("advice")
	return page.bytes()
}

// piece is a part of a sentence; one that is whole is never broken.
type piece struct {
	text  string
	whole bool
}

// sentence puts values, a name and a text and so on, in the place of {name}.
func sentence(template string, values ...string) []piece {
	var out []piece
	for template != "" {
		before, rest, found := strings.Cut(template, "{")
		if before != "" {
			out = append(out, piece{before, false})
		}
		if !found {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		for i := 0; i+1 < len(values); i += 2 {
			if values[i] == name {
				out = append(out, piece{values[i+1], name != "lender"})
			}
		}
		template = after
	}
	return out
}
