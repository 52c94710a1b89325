package words

import (
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
)

func keysOf[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// lineBreaks end a line.
const lineBreaks = "\n\r\v\f\u0085\u2028\u2029"

// firstLine tells what a locked phone would show and must not, and whether it shows who is writing.
func (j *judged) firstLine() {
	end := slices.IndexFunc(j.runes, func(r rune) bool { return strings.ContainsRune(lineBreaks, r) })
	if end < 0 {
		end = len(j.runes)
	}
	sender, anySender := false, false
	for _, p := range j.pieces {
		if !p.is {
			continue
		}
		anySender = anySender || p.text == "sender_name"
		if p.at >= end {
			continue
		}
		sender = sender || p.text == "sender_name"
		if tellsOfDebt(p.text) {
			j.addPlace(LockScreenLeak, p.at, p.to)
		}
		if v := j.Vars[p.text]; p.text == "sender_name" && v != "" {
			s := j.book.search(tokenize([]piece{{text: v, to: len(v)}}, false), primary(j.Language))
			if len(s.find("debt")) > 0 || strings.ContainsAny(v, lineBreaks) {
				j.add(LockScreenLeak, "vars."+p.text, v)
			}
		}
	}
	if anySender && !sender {
		j.addPlace(LockScreenLeak, 0, end)
	}
	for _, s := range j.readings {
		spans := slices.Concat(s.find("debt"), s.amounts())
		if j.Step != visitNotice {
			spans = append(spans, s.dates()...)
		}
		for i, t := range s.tokens {
			if t.kind == link {
				spans = append(spans, span{i, i + 1})
			}
		}
		for _, at := range spans {
			if s.tokens[at.i].from < end {
				j.addSpan(LockScreenLeak, s.tokens, at)
			}
		}
	}
}

// unverified tells what a number that is not verified must not get.
func (j *judged) unverified() {
	for _, p := range j.pieces {
		switch {
		case !p.is:
		case slices.Contains(amounts, p.text):
			j.addPlace(AmountToUnverified, p.at, p.to)
		case tellsOfDebt(p.text), slices.Contains(ofVisits, p.text):
			j.addPlace(Leak, p.at, p.to)
		}
	}
	for _, s := range j.readings {
		for _, at := range s.amounts() {
			j.addSpan(AmountToUnverified, s.tokens, at)
		}
		for _, at := range slices.Concat(s.find("debt"), s.dates()) {
			j.addSpan(Leak, s.tokens, at)
		}
	}
}

// toOthers tells what tells somebody else of the debt.
func (j *judged) toOthers() {
	both := func(from, to int) {
		j.addPlace(ThirdParty, from, to)
		j.addPlace(Leak, from, to)
	}
	for _, p := range j.pieces {
		if p.is && (tellsOfDebt(p.text) || slices.Contains(ofVisits, p.text)) {
			both(p.at, p.to)
		}
	}
	for _, s := range j.readings {
		for _, at := range slices.Concat(s.find("debt"), s.amounts()) {
			both(s.tokens[at.i].from, s.tokens[max(at.n-1, at.i)].to)
		}
	}
}

// products tells where the text, or a value, names a product of the lender.
func (j *judged) products() {
	end := slices.IndexFunc(j.runes, func(r rune) bool { return strings.ContainsRune(lineBreaks, r) })
	first := func(at int) string {
		if end < 0 || at < end {
			return LockScreenLeak
		}
		return Leak
	}
	for _, name := range j.Products {
		want := joinTexts(tokenize([]piece{{text: name, to: len(name)}}, false))
		if want == "" {
			continue
		}
		for _, s := range j.readings {
			for _, at := range namesIn(s.tokens, want) {
				j.addSpan(first(s.tokens[at.i].from), s.tokens, at)
			}
		}
		for _, p := range j.pieces {
			v, has := j.value(p.text)
			if p.is && has && len(namesIn(tokenize([]piece{{text: v, to: len(v)}}, false), want)) > 0 {
				j.add(first(p.at), "vars."+p.text, v)
			}
		}
	}
}

func joinTexts(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.text)
	}
	return b.String()
}

// namesIn finds a name, however it is cut into words.
func namesIn(tokens []token, name string) []span {
	var out []span
	for i := range tokens {
		for n := i + 1; n <= len(tokens); n++ {
			s := joinTexts(tokens[i:n])
			if s == name {
				out = append(out, span{i, n})
			}
			if len(s) >= len(name) {
				break
			}
		}
	}
	return out
}

var (
	decimals = regexp.MustCompile(`^[0-9]{1,3}([.,' ]?[0-9]{3})*[.,][0-9]{2}$`)
	dateText = regexp.MustCompile(`^([0-9]{1,2}[.][0-9]{1,2}[.]([0-9]{2}|[0-9]{4})|[0-9]{4}[.][0-9]{1,2}[.][0-9]{1,2})$`)
	yearText = regexp.MustCompile(`^20[0-9]{2}$`)
	smallNo  = regexp.MustCompile(`^[0-9]{1,2}$`)
)

// amounts finds amounts of money in figures or words.
func (s *searched) amounts() []span {
	out := slices.Clone(s.find("amount"))
	for i, t := range s.tokens {
		if t.kind == number && decimals.MatchString(t.text) {
			out = append(out, span{i, i + 1})
		}
	}
	return out
}

// dates finds dates in figures or words.
func (s *searched) dates() []span {
	out := slices.Clone(s.find("date"))
	for i, t := range s.tokens {
		if t.kind != number {
			continue
		}
		if dateText.MatchString(t.text) {
			out = append(out, span{i, i + 1})
		}
		if i+2 < len(s.tokens) && s.tokens[i+1].kind == number && s.tokens[i+2].kind == number {
			a, b, c := t.text, s.tokens[i+1].text, s.tokens[i+2].text
			if smallNo.MatchString(b) && (yearText.MatchString(a) && smallNo.MatchString(c) ||
				smallNo.MatchString(a) && yearText.MatchString(c)) {
				out = append(out, span{i, i + 3})
			}
		}
	}
	return out
}
