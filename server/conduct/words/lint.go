package words

import (
	"cmp"
	"slices"
	"strings"
)

// Request is a text to be judged, and for whom it is meant.
type Request struct {
	Language  string // BCP 47
	Country   string // ISO 3166-1, or ISO 3166-2 for a part of a country
	Step      string // one of Steps
	Recipient string // one of Recipients
	// VerifiedDays is for how many days the number has been verified; nil: it never was.
	VerifiedDays *int
	Text         string // the template, with its variables
	// Vars are values of variables, as the text is sent with them. They are judged too. A variable without a value stays
	// as it is.
	Vars map[string]string
	// Products are the names of the lender's products.
	Products []string
	// Consequences are those the lender may tell of.
	Consequences []Consequence
}

// Consequence is what a lender may say will follow, if it is true where the debtor lives.
type Consequence struct {
	ID        string            `json:"id" maxLength:"40" pattern:"^[a-z0-9_]+$" doc:"Texts name it as consequence.<id>."`
	Text      map[string]string `json:"text" doc:"By language, BCP 47."`
	Countries []string          `json:"countries" maxItems:"100" doc:"ISO 3166-1 or 3166-2: where it is true."`
	Source    string            `json:"source" maxLength:"500" doc:"The law or the clause that it rests on."`
}

// Holds tells whether the consequence is true in a country or a part of one.
func (c Consequence) Holds(country string) bool {
	return slices.ContainsFunc(c.Countries, func(in string) bool {
		in, at := countryCode(in), countryCode(country)
		return in != "" && (at == in || strings.HasPrefix(at, in+"-"))
	})
}

func countryCode(s string) string {
	if s = strings.ToUpper(s); s == "UK" {
		return "GB"
	}
	return s
}

// The verdicts.
const (
	Pass   = "pass"
	Refuse = "refuse"
)

// Answer is what is wrong with a text, and how long it is.
type Answer struct {
	Verdict  string   `json:"verdict" enum:"pass,refuse" doc:"refuse when there is a reason."`
	Reasons  []Reason `json:"reasons" doc:"None: the text may be sent. Ordered by reason, then by place."`
	Encoding string   `json:"encoding" enum:"gsm7,ucs2" doc:"gsm7 when all characters are in the table of GSM 03.38."`
	Units    int      `json:"units" doc:"Septets of gsm7 (characters of the extension take two), else UTF-16 units."`
	Segments int      `json:"segments" doc:"In how many parts it is sent."`
}

// Reason is one thing that is wrong with a text.
type Reason struct {
	Reason string `json:"reason" doc:"A code."`
	At     string `json:"at" doc:"text[12:25]: from character 12 to before 25, from 0. text: the whole. vars.amount: a value."`
	Text   string `json:"text" doc:"What stands there, or the variable that is missing."`
}

// The reasons, in the order in which they are given.
const (
	BadRequest         = "bad_request" // only of Lint: the request is one that Check refuses
	UnknownVariable    = "unknown_variable"
	MissingSender      = "missing_sender"
	MissingOptOut      = "missing_opt_out"
	MissingVariable    = "missing_variable"
	LockScreenLeak     = "lock_screen_leak"
	AmountToUnverified = "amount_to_unverified"
	Leak               = "leak"
	FalseConsequence   = "false_consequence"
	Threat             = "threat"
	Shame              = "shame"
	ThirdParty         = "third_party"
	FakeAuthority      = "fake_authority"
	Urgency            = "urgency"
	LumpSumPressure    = "lump_sum_pressure"
	AsksAfterStop      = "asks_after_stop"
	UnknownLanguage    = "unknown_language"
)

// Reasons lists the reasons in the order in which they are given.
func Reasons() []string {
	return []string{BadRequest, UnknownVariable, MissingSender, MissingOptOut, MissingVariable, LockScreenLeak,
		AmountToUnverified, Leak, FalseConsequence, Threat, Shame, ThirdParty, FakeAuthority, Urgency, LumpSumPressure,
		AsksAfterStop, UnknownLanguage}
}

// verifiedFor is for how many days a number counts as verified.
const verifiedFor = 180

// Lint judges a text. What it is to be judged by is in the request alone. It never fails: a request that Check refuses
// is answered with the reason bad_request.
func Lint(q Request) Answer {
	j := judged{Request: q, book: readFiles()}
	sent, _ := Render(q)
	var out Answer
	out.Encoding, out.Units, out.Segments = Measure(sent)
	if err := q.Check(); err != nil {
		out.Verdict, out.Reasons = Refuse, []Reason{{BadRequest, placeOf(err), ""}}
		return out
	}
	j.judge()
	out.Reasons = ordered(j.reasons)
	if out.Verdict = Pass; len(out.Reasons) > 0 {
		out.Verdict = Refuse
	}
	return out
}

// judged is a text while it is judged.
type judged struct {
	Request
	book     *book
	pieces   []piece
	runes    []rune
	readings []*searched
	reasons  []Reason
}

func (j *judged) judge() {
	j.runes = []rune(j.Text)
	j.pieces = j.variables()
	for _, joined := range []bool{false, true} {
		tokens := tokenize(j.pieces, joined)
		if joined && sameTokens(tokens, j.readings[0].tokens) {
			break
		}
		j.readings = append(j.readings, j.book.search(tokens, primary(j.Language)))
	}
	plain := j.readings[0].tokens
	if slices.ContainsFunc(plain, func(t token) bool { return t.spaced }) {
		j.readings = append(j.readings, j.book.search(j.book.splitSpaced(plain), primary(j.Language)))
	}
	j.required()
	j.consequences()
	j.firstLine()
	if !j.verified() {
		j.unverified()
	}
	if j.Recipient == other {
		j.toOthers()
	}
	j.products()
	j.meaning()
	j.values()
	if l := j.book.languages[primary(j.Language)]; l == nil || !l.judges {
		j.add(UnknownLanguage, "text", j.Language)
	}
}

func (j *judged) verified() bool { return j.VerifiedDays != nil && *j.VerifiedDays <= verifiedFor }

func sameTokens(a, b []token) bool {
	return slices.EqualFunc(a, b, func(a, b token) bool { return a.text == b.text && a.sentence == b.sentence })
}

func (j *judged) add(reason, at, text string) {
	j.reasons = append(j.reasons, Reason{reason, at, text})
}

// addPlace adds a reason for characters of the text.
func (j *judged) addPlace(reason string, from, to int) {
	to = min(to, len(j.runes))
	j.add(reason, inText(from, to), string(j.runes[min(from, to):to]))
}

// addSpan adds a reason for tokens of a reading.
func (j *judged) addSpan(reason string, tokens []token, s span) {
	n := min(max(s.n, s.i+1), len(tokens))
	j.addPlace(reason, tokens[s.i].from, tokens[n-1].to)
}

// ordered sorts reasons, and drops what is told twice: the same reason for a part of the same place.
func ordered(all []Reason) []Reason {
	rank := map[string]int{}
	for i, r := range Reasons() {
		rank[r] = i
	}
	slices.SortStableFunc(all, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(rank[a.Reason], rank[b.Reason]), comparePlaces(a.At, b.At), strings.Compare(a.Text, b.Text))
	})
	out := []Reason{}
	for _, r := range all {
		if n := len(out); n > 0 && out[n-1].Reason == r.Reason && (out[n-1] == r || covers(out[n-1].At, r.At)) {
			continue
		}
		out = append(out, r)
	}
	return out
}
