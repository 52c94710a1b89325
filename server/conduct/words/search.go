package words

import "unicode"

// searched is a text with the languages it is read in. A file's lists are looked for in the whole text.
type searched struct {
	tokens   []token
	readings []*reading
	lists    map[string][]span
	clause   []int // of each token
}

// search reads tokens in the given language, in those whose words stand in the text, and in the file for all.
func (b *book) search(tokens []token, declared string) *searched {
	s := &searched{tokens: tokens, lists: map[string][]span{}}
	add := func(l *language) {
		s.readings = append(s.readings, &reading{tokens: tokens, lang: l, found: map[string][]span{}})
	}
	add(b.languages[everywhere])
	for _, code := range b.codes {
		l := b.languages[code]
		r := &reading{tokens: tokens, lang: l, found: map[string][]span{}}
		if code == declared || r.told() {
			s.readings = append(s.readings, r)
		}
	}
	s.clause = s.clauses()
	return s
}

// searchAll reads tokens in every language.
func (b *book) searchAll(tokens []token) *searched {
	s := &searched{tokens: tokens, lists: map[string][]span{}}
	for _, l := range b.languages {
		s.readings = append(s.readings, &reading{tokens: tokens, lang: l, found: map[string][]span{}})
	}
	s.clause = s.clauses()
	return s
}

// told tells whether a text is in part in the language: two of its commonest words stand there, each a different one,
// or two characters of its script.
func (r *reading) told() bool {
	seen := map[string]bool{}
	for _, s := range r.find("tell") {
		seen[r.tokens[s.i].text] = true
	}
	if len(seen) >= 2 {
		return true
	}
	script, n := scriptOf[r.lang.code], 0
	if script == nil {
		return false
	}
	for i := range r.tokens {
		for _, c := range r.tokens[i].text {
			if unicode.Is(script, c) {
				n++
			}
		}
	}
	return n >= 2
}

// scriptOf are the scripts that tell a language.
var scriptOf = map[string]*unicode.RangeTable{"zh": unicode.Han, "hi": unicode.Devanagari, "mr": unicode.Devanagari,
	"ar": unicode.Arabic, "ur": unicode.Arabic, "bn": unicode.Bengali, "ta": unicode.Tamil, "te": unicode.Telugu,
	"gu": unicode.Gujarati, "kn": unicode.Kannada, "ml": unicode.Malayalam, "pa": unicode.Gurmukhi}

// find returns where a list matches in any of the languages.
func (s *searched) find(name string) []span {
	if out, done := s.lists[name]; done {
		return out
	}
	var out []span
	for _, r := range s.readings {
		out = append(out, r.find(name)...)
	}
	s.lists[name] = out
	return out
}

// clauses numbers the parts in which a denial holds: a sentence, or its part up to a word that turns it ("but").
func (s *searched) clauses() []int {
	turns := map[int]bool{}
	for _, t := range s.find("turn") {
		turns[t.i] = true
	}
	out, n := make([]int, len(s.tokens)), 0
	for i := range s.tokens {
		if i > 0 && (s.tokens[i].sentence != s.tokens[i-1].sentence || turns[i]) {
			n++
		}
		out[i] = n
	}
	return out
}

func (a span) overlaps(b span) bool { return a.i < b.n && b.i < a.n }

// within tells whether one of the lists is found in the sentence of a span.
func (s *searched) within(at span, lists []string) bool {
	if len(s.tokens) == 0 || at.i >= len(s.tokens) {
		return false
	}
	sentence := s.tokens[at.i].sentence
	for _, name := range lists {
		for _, f := range s.find(name) {
			if f.i < len(s.tokens) && s.tokens[f.i].sentence == sentence {
				return true
			}
		}
	}
	return false
}

// masked tells whether a span overlaps with one of the lists.
func (s *searched) masked(at span, lists []string) bool {
	for _, name := range lists {
		for _, f := range s.find(name) {
			if f.overlaps(at) {
				return true
			}
		}
	}
	return false
}

func (s *searched) anywhere(lists []string) bool {
	for _, name := range lists {
		if len(s.find(name)) > 0 {
			return true
		}
	}
	return false
}

// denied tells whether what stands at a span is denied in its clause. A negation that is part of "if you do not pay",
// or that denies nothing ("not only", "nothing will stop us"), is none.
func (s *searched) denied(at span) bool {
	for _, no := range s.find("not") {
		if s.clause[no.i] == s.clause[at.i] && !s.masked(no, []string{"not_not", "not_paid"}) {
			return true
		}
	}
	return false
}

// tied tells whether the sentence of a span depends on payment.
func (s *searched) tied(at span) bool {
	return s.within(at, []string{"tied"}) && !s.within(at, []string{"regardless"})
}

// hits returns where a rule holds, and whether it is a denial that is tied to payment.
func (s *searched) hits(r *rule) (out []span, tied []span) {
	if s.anywhere(r.UnlessAnywhere) {
		return nil, nil
	}
	for _, list := range r.Find {
		for _, at := range s.find(list) {
			if at.i >= len(s.tokens) {
				continue
			}
			switch {
			case s.masked(at, r.Mask), len(r.Near) > 0 && !s.within(at, r.Near):
			case r.Denied && s.denied(at):
				if r.Promise && s.tied(at) {
					tied = append(tied, at)
				}
			case s.within(at, r.Unless):
			default:
				out = append(out, at)
			}
		}
	}
	return out, tied
}
