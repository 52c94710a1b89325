package words

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// folded is a text as it is judged: without case, accents, invisible characters and look-alikes. at has the place of
// each of its characters in the original, in characters.
type folded struct {
	r  []rune
	at []int
	// spaced are where letters were set apart: from, and before which.
	spaced [][2]int
}

func (f *folded) add(r rune, at int) {
	f.r, f.at = append(f.r, r), append(f.at, at)
}

// foldText folds a text. Places count from start.
func foldText(s string, start int) folded {
	var f folded
	var it norm.Iter
	it.InitString(norm.NFKC, s)
	place, bytes := start, 0
	for !it.Done() {
		part := it.Next()
		for _, r := range string(part) {
			foldRune(&f, r, place)
		}
		place += len([]rune(s[bytes:it.Pos()]))
		bytes = it.Pos()
	}
	f = flagsToLetters(f)
	return joinLetters(f)
}

// foldRune adds what is left of a character.
func foldRune(f *folded, r rune, at int) {
	if invisible(r) {
		return
	}
	if to, is := lookAlikes[r]; is {
		r = to
	}
	r = unicode.ToLower(r)
	if to, is := spelled[r]; is {
		for _, x := range to {
			f.add(x, at)
		}
		return
	}
	if to, is := sameLetter[r]; is {
		r = to
	}
	switch {
	case r < unicode.MaxASCII:
	case r < 0x250 || 0x1e00 <= r && r < 0x2000:
		for _, x := range norm.NFD.String(string(r)) {
			if !unicode.Is(unicode.Mn, x) {
				if to, is := lookAlikes[x]; is {
					x = unicode.ToLower(to)
				}
				f.add(x, at)
			}
		}
		return
	case unicode.Is(unicode.Nd, r):
		r = '0' + digitOf(r)
	case unicode.Is(unicode.Han, r):
		r = simplified(r)
	}
	f.add(r, at)
}

// invisible tells whether a character shows nothing of its own: joiners, directions, variation selectors, accents that
// stand alone, vowel marks of Arabic.
func invisible(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || r == '\r':
		return false
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Cc, r), unicode.Is(unicode.Variation_Selector, r):
		return true
	case unicode.Is(unicode.Mn, r) && unicode.Is(unicode.Inherited, r):
		return true
	}
	return strings.ContainsRune("\u093c\u0640\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u0670", r) ||
		0x1f3fb <= r && r <= 0x1f3ff // skin tones
}

// digitOf is the value of a decimal digit of any script. Each script has its ten in a row.
func digitOf(r rune) rune {
	d := rune(0)
	for d < 9 && unicode.Is(unicode.Nd, r-d-1) {
		d++
	}
	return d
}

// flagsToLetters makes letters of three or more regional indicators in a row, which spell a word; two are a flag.
func flagsToLetters(f folded) folded {
	isFlag := func(r rune) bool { return 0x1f1e6 <= r && r <= 0x1f1ff }
	for i := 0; i < len(f.r); i++ {
		n := i
		for n < len(f.r) && isFlag(f.r[n]) {
			n++
		}
		if n-i >= 3 {
			for j := i; j < n; j++ {
				f.r[j] += 'a' - 0x1f1e6
			}
		}
		i = max(i, n-1)
	}
	return f
}

// separates tells whether a character can set the letters of a word apart.
func separates(r rune) bool { return strings.ContainsRune(" .-_*·•|~+/,'\u00a0", r) }

// joinLetters puts letters together that are set apart by one space or point each (p o l i c e), from three letters on,
// and Chinese characters that are set apart by anything but the end of a sentence.
func joinLetters(f folded) folded {
	single := func(i int) bool { // a letter with no letter or digit beside it
		return i < len(f.r) && unicode.IsLetter(f.r[i]) && !unicode.Is(unicode.Han, f.r[i]) &&
			(i == 0 || !wordRune(f.r[i-1])) && (i+1 == len(f.r) || !wordRune(f.r[i+1]))
	}
	var out folded
	for i := 0; i < len(f.r); i++ {
		if i > 0 && i+1 < len(f.r) && separates(f.r[i]) && f.r[i] != ',' && unicode.Is(unicode.Han, f.r[i-1]) &&
			unicode.Is(unicode.Han, f.r[i+1]) {
			continue
		}
		n := i
		for single(n) && n+2 < len(f.r) && separates(f.r[n+1]) && single(n+2) && (n == i || f.r[n+1] == f.r[i+1]) {
			n += 2
		}
		if n-i < 4 { // fewer than three letters
			out.add(f.r[i], f.at[i])
			continue
		}
		for j := i; j <= n; j += 2 {
			out.add(f.r[j], f.at[j])
		}
		out.spaced = append(out.spaced, [2]int{len(out.r) - (n-i)/2 - 1, len(out.r)})
		i = n
	}
	return out
}

// wordRune tells whether a character can be part of a word.
func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.Is(unicode.M, r) || unicode.Is(unicode.Nd, r)
}

// leet are the letters that digits and signs stand for inside a word.
var leet = map[rune]rune{'4': 'a', '3': 'e', '1': 'i', '0': 'o', '5': 's', '7': 't', '@': 'a', '$': 's'}

// otherReadings are the words that a word may stand for: with letters for its digits, and with letters that are
// repeated three times or more written once and twice.
func otherReadings(w string) []string {
	var out []string
	add := func(s string) {
		if s != w {
			out = append(out, s)
		}
	}
	letters := 0
	for _, r := range w {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	if letters > 0 && strings.ContainsAny(w, "0134579@$") {
		decode := func(one rune) string {
			return strings.Map(func(r rune) rune {
				if r == '1' {
					return one
				}
				if to, is := leet[r]; is {
					return to
				}
				return r
			}, w)
		}
		add(decode('i'))
		if strings.ContainsRune(w, '1') {
			add(decode('l'))
		}
	}
	for _, keep := range []int{1, 2} {
		if s := squeeze(w, keep); s != w {
			add(s)
		}
	}
	return out
}

// squeeze writes runs of three or more of one letter keep times.
func squeeze(w string, keep int) string {
	r := []rune(w)
	var out []rune
	for i := 0; i < len(r); {
		n := i
		for n < len(r) && r[n] == r[i] {
			n++
		}
		k := n - i
		if k >= 3 {
			k = keep
		}
		for range k {
			out = append(out, r[i])
		}
		i = n
	}
	return string(out)
}
