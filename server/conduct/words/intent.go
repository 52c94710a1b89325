package words

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The intents of a reply, in the order in which the first is reported.
const (
	Stop        = "stop"
	WrongNumber = "wrong_number"
	Complaint   = "complaint"
	Dispute     = "dispute"
	PaidAlready = "paid_already"
	WantsPlan   = "wants_plan"
	CallMe      = "call_me"
	Abusive     = "abusive"
	Other       = "other"
)

// Intents lists the intents in the order in which the first is reported.
func Intents() []string {
	return []string{Stop, WrongNumber, Complaint, Dispute, PaidAlready, WantsPlan, CallMe, Abusive, Other}
}

// Wishes about channels, which a reply may hold besides its intents.
const (
	NoCalls  = "no_calls"
	NoVisits = "no_visits"
)

// vulnerable is the intent of the rules that raise it; it is reported as a flag.
const vulnerable = "vulnerable"

// Reply is what a reply asks for. All of it takes effect.
type Reply struct {
	Intent     string   `json:"intent" doc:"The first of the intents, in the order of the list of them."`
	Also       []string `json:"also" doc:"The other intents, in the same order. abusive is an intent only by itself."`
	Vulnerable bool     `json:"vulnerable" doc:"Illness, bereavement, hunger or a lost job is told: a person looks today."`
	Wishes     []string `json:"wishes,omitempty" doc:"no_calls, no_visits: channels that are not wanted. No intents."`
}

// Intent reads a reply. language is the one in which the debtor is written to; the reply may be in another, and stop
// words are known in all.
func Intent(language, text string) Reply {
	b := readFiles()
	found := map[string]bool{}
	for _, joined := range []bool{false, true} {
		tokens := tokenize([]piece{{text: text, to: utf8.RuneCountInString(text)}}, joined)
		b.intents(b.search(tokens, primary(language)), found)
		if b.stopsAlone(tokens) {
			found[Stop] = true
		}
	}
	if len(found) == 0 || len(found) == 1 && found[Abusive] {
		tokens := tokenize([]piece{{text: text, to: utf8.RuneCountInString(text)}}, false)
		b.intents(b.searchAll(tokens), found)
	}
	return replyOf(found)
}

func replyOf(found map[string]bool) Reply {
	r := Reply{Intent: Other, Also: []string{}, Vulnerable: found[vulnerable]}
	for _, intent := range Intents() {
		switch {
		case !found[intent], intent == Abusive && r.Intent != Other:
		case r.Intent == Other:
			r.Intent = intent
		default:
			r.Also = append(r.Also, intent)
		}
	}
	for _, w := range []string{NoCalls, NoVisits} {
		if found[w] {
			r.Wishes = append(r.Wishes, w)
		}
	}
	return r
}

// intents adds what the rules find.
func (b *book) intents(s *searched, found map[string]bool) {
	for i := range b.rules {
		r := &b.rules[i]
		if r.Intent == "" {
			continue
		}
		if hits, _ := s.hits(r); len(hits) > 0 {
			found[r.Intent] = true
		}
	}
	if len(found) == 0 || len(found) == 1 && found[Abusive] {
		if s.offersAlone() {
			found[WantsPlan] = true
		}
	}
}

// longestOffer is how many words may say nothing but a day or an amount.
const longestOffer = 5

// offersAlone tells whether a reply that says nothing else names a day or an amount.
func (s *searched) offersAlone() bool {
	said := 0
	for _, t := range s.tokens {
		if said += 2; t.han {
			said-- // a Chinese character is half a word
		}
	}
	if said > 2*longestOffer || s.anywhere([]string{"no_offer"}) {
		return false
	}
	if s.anywhere([]string{"day", "sum"}) || len(s.amounts()) > 0 || len(s.dates()) > 0 {
		return true
	}
	numbers, others := 0, 0
	for _, t := range s.tokens {
		switch {
		case t.kind == number && len(t.text) >= 2 && len(t.text) <= 7:
			numbers++
		case t.kind == word:
			others++
		}
	}
	return numbers == 1 && others <= 2
}

// stopsAlone tells whether a stop word stands alone in the reply, in a sentence of it or between commas: as it is, or
// with one slip. Words of courtesy beside it do not count.
func (b *book) stopsAlone(tokens []token) bool {
	var part []token
	for i, t := range tokens {
		if i > 0 && (t.comma || t.sentence != tokens[i-1].sentence) {
			if b.stopsPart(part) {
				return true
			}
			part = nil
		}
		part = append(part, t)
	}
	return b.stopsPart(part) || b.stopsPart(tokens)
}

func (b *book) stopsPart(part []token) bool {
	var said []token
	for _, t := range part {
		if t.kind == word || t.kind == number {
			said = append(said, t)
		}
	}
	if len(said) == 0 || len(said) > 24 {
		return false
	}
	if b.isStop(said) {
		return true
	}
	polite := b.search(said, "").everyLanguage(b, "courtesy")
	rest := slices.Clone(said)
	for i := range said {
		if slices.ContainsFunc(polite, func(s span) bool { return s.i <= i && i < s.n }) {
			rest[i].kind = 0
		}
	}
	rest = slices.DeleteFunc(rest, func(t token) bool { return t.kind == 0 })
	return len(rest) > 0 && len(rest) < len(said) && b.isStop(rest)
}

// everyLanguage finds a list of all languages.
func (s *searched) everyLanguage(b *book, list string) []span {
	return b.searchAll(s.tokens).find(list)
}

// isStop tells whether the words are a stop word of any language.
func (b *book) isStop(said []token) bool {
	readings := []string{joinTexts(said)}
	if len(said) == 1 {
		readings = append(readings, said[0].others...)
	}
	words := b.stopWords()
	for _, w := range readings {
		if words.stop[w] {
			return true
		}
	}
	for _, w := range readings {
		if words.not[w] || utf8.RuneCountInString(w) < 3 || utf8.RuneCountInString(w) > 20 {
			continue
		}
		for stop := range words.stop {
			if utf8.RuneCountInString(stop) >= 4 && oneSlip(w, stop) {
				return true
			}
		}
	}
	return false
}

// stopWords are the stop words of all languages, without spaces, and the words that are like one and are none.
type stopWords struct{ stop, not map[string]bool }

func (b *book) stopWords() stopWords {
	b.stopOnce.Do(func() {
		b.stops = stopWords{map[string]bool{}, map[string]bool{}}
		for _, l := range b.languages {
			for list, into := range map[string]map[string]bool{"stop_word": b.stops.stop, "no_stop_word": b.stops.not} {
				for _, row := range l.lists[list] {
					var w strings.Builder
					for _, it := range row {
						w.WriteString(it.text)
					}
					into[w.String()] = true
				}
			}
		}
	})
	return b.stops
}

// oneSlip tells whether two words differ by one letter that is missing, too many, another one, or changed places with
// its neighbour.
func oneSlip(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(y)-len(x) > 1 {
		return false
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	if len(x) < len(y) {
		return slices.Equal(x[i:], y[i+1:])
	}
	if i == len(x) || slices.Equal(x[i+1:], y[i+1:]) {
		return true
	}
	return i+1 < len(x) && x[i] == y[i+1] && x[i+1] == y[i] && slices.Equal(x[i+2:], y[i+2:])
}
