package words

import (
	"slices"
	"strings"
	"unicode"
)

type kind uint8

const (
	word kind = iota + 1
	number
	variable // {amount}
	link
	sign // an emoji or a currency sign
)

// token is a word, a Chinese character, a number, a variable, a link or an emoji of a text.
type token struct {
	kind     kind
	text     string   // folded
	others   []string // what else it may be read as
	from, to int      // in the original text, in characters
	sentence int      // which one it stands in
	comma    bool     // a comma stands before it
	han      bool     // a Chinese character
	spaced   bool     // its letters were set apart, so it may be several words
}

// piece is a part of a text: words as they stand, or a variable.
type piece struct {
	text string // the words, or the variable's name
	is   bool   // a variable
	at   int    // where it begins in the text, in characters
	to   int    // where it ends
}

// tokenize cuts a text into tokens. joined also takes points, stars and the like out of words (po.lice).
func tokenize(pieces []piece, joined bool) []token {
	t := tokenizer{}
	for _, p := range pieces {
		if p.is {
			t.add(token{kind: variable, text: "{" + p.text + "}", from: p.at, to: p.to})
			continue
		}
		f := foldText(p.text, p.at)
		if joined {
			f = dropInside(f)
		}
		t.f = f
		t.cut()
	}
	return t.out
}

type tokenizer struct {
	f        folded
	out      []token
	sentence int
	comma    bool
}

func (t *tokenizer) add(k token) {
	k.sentence, k.comma = t.sentence, t.comma
	t.comma = false
	t.out = append(t.out, k)
}

// end ends a sentence.
func (t *tokenizer) end() {
	if n := len(t.out); n > 0 && t.out[n-1].sentence == t.sentence {
		t.sentence++
	}
}

// places are where the folded characters from i to n stand in the original text.
func (t *tokenizer) places(i, n int) (from, to int) { return t.f.at[i], t.f.at[n-1] + 1 }

func (t *tokenizer) cut() {
	r := t.f.r
	for i := 0; i < len(r); {
		n := i + 1
		switch {
		case t.isLink(i):
			for n < len(r) && !unicode.IsSpace(r[n]) && !unicode.Is(unicode.Han, r[n]) {
				n++
			}
			for n > i+1 && strings.ContainsRune(".,;!?)", r[n-1]) {
				n--
			}
			from, to := t.places(i, n)
			t.add(token{kind: link, text: string(r[i:n]), from: from, to: to})
		case unicode.Is(unicode.Han, r[i]):
			from, to := t.places(i, n)
			t.add(token{kind: word, text: string(r[i]), from: from, to: to, han: true})
		case wordRune(r[i]):
			n = t.wordEnd(i)
			t.addWord(i, n)
		case strings.ContainsRune("!?;。！？।॥؟؛۔…\n\r", r[i]):
			t.end()
		case r[i] == '.':
			t.end()
		case strings.ContainsRune(",，、،", r[i]):
			t.comma = true
		case unicode.Is(unicode.Sc, r[i]), unicode.Is(unicode.So, r[i]), unicode.Is(unicode.Sk, r[i]) && r[i] > 0xffff:
			from, to := t.places(i, n)
			t.add(token{kind: sign, text: string(r[i]), from: from, to: to})
		}
		i = n
	}
}

// isLink tells whether a link or an address of a mailbox begins here.
func (t *tokenizer) isLink(i int) bool {
	r := t.f.r
	if !wordRune(r[i]) || i > 0 && wordRune(r[i-1]) {
		return false
	}
	n := i
	for n < len(r) && n-i < 80 && r[n] < unicode.MaxASCII && (wordRune(r[n]) || strings.ContainsRune(".-_@:/", r[n])) {
		n++
	}
	s := string(r[i:n])
	if strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "www.") {
		return true
	}
	before, _, slash := strings.Cut(s, "/")
	_, host, mail := strings.Cut(s, "@")
	dotted := func(h string) bool {
		d := strings.LastIndexByte(h, '.')
		return d > 0 && len(h)-d > 2 && strings.IndexFunc(h[d+1:], func(r rune) bool { return r < 'a' || r > 'z' }) < 0
	}
	return slash && dotted(before) || mail && dotted(strings.TrimRight(host, "."))
}

// wordEnd is where the word or number ends that begins at i.
func (t *tokenizer) wordEnd(i int) int {
	r := t.f.r
	digit := func(j int) bool { return j >= 0 && j < len(r) && r[j] >= '0' && r[j] <= '9' }
	letter := func(j int) bool {
		return j >= 0 && j < len(r) && wordRune(r[j]) && !digit(j) && !unicode.Is(unicode.Han, r[j])
	}
	n := i
	for n < len(r) {
		switch {
		case unicode.Is(unicode.Han, r[n]):
			return n
		case wordRune(r[n]):
		case (r[n] == '.' || r[n] == ',' || r[n] == '\'' || r[n] == ':') && digit(n-1) && digit(n+1):
		case (r[n] == '@' || r[n] == '$') && letter(n-1) && letter(n+1):
		case r[n] == '\'' && letter(n-1) && letter(n+1):
			if slices.Contains(elided, string(r[i:n])) {
				return n
			}
		default:
			return n
		}
		n++
	}
	return n
}

// elided are the words that French shortens before a vowel; the next word is one of its own.
var elided = []string{"c", "d", "j", "l", "m", "n", "s", "t", "qu", "jusqu", "lorsqu", "puisqu", "quelqu"}

// currencies are the words that stand at a number without a space.
var currencies = []string{"$", "r", "rs", "inr", "p", "php", "us", "usd", "eur", "euro", "euros", "e", "gbp", "zar",
	"hk", "hkd", "nt", "ntd", "twd", "cny", "rmb", "aud", "k", "kr", "brl", "mxn", "dollars", "pesos", "peso", "rand",
	"rands", "reais", "rupees", "lakh", "cr", "quid", "bucks"}

// addWord adds a word, or a number and the currency beside it.
func (t *tokenizer) addWord(i, n int) {
	r := t.f.r
	isDigit := func(x rune) bool { return x >= '0' && x <= '9' }
	one := func(i, n int) {
		k := token{kind: word, text: string(r[i:n])}
		if isDigit(r[i]) && slices.IndexFunc(r[i:n], unicode.IsLetter) < 0 {
			k.kind = number
		} else {
			k.others = otherReadings(k.text)
			if base, _, is := strings.Cut(k.text, "'"); is {
				k.others = append(k.others, strings.ReplaceAll(k.text, "'", ""))
				if strings.HasSuffix(k.text, "'s") {
					k.others = append(k.others, base)
				}
			}
		}
		k.from, k.to = t.places(i, n)
		k.spaced = slices.Contains(t.f.spaced, [2]int{i, n})
		t.add(k)
	}
	first := i
	for first < n && !isDigit(r[first]) {
		first++
	}
	last := n
	for last > i && !isDigit(r[last-1]) {
		last--
	}
	switch {
	case first == n || first == i && last == n: // no digits, or nothing but a number
	case last == n && slices.Contains(currencies, string(r[i:first])) && allNumber(r[first:n]):
		one(i, first)
		one(first, n)
		return
	case first == i && slices.Contains(currencies, string(r[last:n])) && allNumber(r[i:last]):
		one(i, last)
		one(last, n)
		return
	}
	one(i, n)
}

func allNumber(r []rune) bool { return slices.IndexFunc(r, unicode.IsLetter) < 0 }

// dropInside takes points, stars and the like out of words: po.lice, ar*rest.
func dropInside(f folded) folded {
	letter := func(i int) bool { return i >= 0 && i < len(f.r) && unicode.IsLetter(f.r[i]) }
	var out folded
	for i, r := range f.r {
		if strings.ContainsRune(".*_·•|~^-", r) && letter(i-1) && letter(i+1) {
			continue
		}
		out.add(r, f.at[i])
	}
	return out
}
