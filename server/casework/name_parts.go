package casework

import (
	"slices"
	"strings"
	"unicode"
)

// A case is found by parts of its debtor's name: by the beginnings of its words, from three letters on. Each beginning
// has a row of its own in the blind view, since a keyed hash is found whole or not at all.
//
// Names in Han characters have no spaces, and two to four characters. Of these each two that stand together are a part.
// One alone is not: the commonest surnames would each list a twentieth of a branch, and each case must be opened.
//
// A name of three words of six letters has 12 rows, one of three Han characters two; no name has more than nameParts.
// They are written again with every change of the case.
const (
	partFrom  = 3  // letters of the shortest beginning; a word that is shorter is a part as it is
	partTo    = 10 // of the longest; longer words are told apart when the case is opened
	nameParts = 64
)

// partsOf lists the parts under which a name is found, sorted.
func partsOf(name string) []string {
	var out []string
	for _, w := range wordsOf(name) {
		r := []rune(w)
		switch {
		case isHan(w) && len(r) > 1:
			for i := range len(r) - 1 {
				out = append(out, string(r[i:i+2]))
			}
		case isHan(w) || len(r) <= partFrom:
			out = append(out, w)
		default:
			for n := partFrom; n <= min(len(r), partTo); n++ {
				out = append(out, string(r[:n]))
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), nameParts)]
}

// partAsked is the part by which a search reads the index: of the longest word that was asked for, since it tells most.
// It is "" for a text without words.
func partAsked(asked string) string {
	best := ""
	for _, w := range wordsOf(asked) {
		r := []rune(w)
		most := partTo
		if isHan(w) {
			most = 2
		}
		if part := string(r[:min(len(r), most)]); len(part) > len(best) {
			best = part
		}
	}
	return best
}

// hasName tells whether each word that was asked for is the beginning of a word of a name, each of another one: a word
// below three letters is a whole word, and of a name in Han characters any two that stand together will do.
func hasName(name, asked string) bool {
	words := wordsOf(name)
	asks := wordsOf(asked)
	slices.SortFunc(asks, func(x, y string) int { return len(y) - len(x) })
	for _, ask := range asks {
		i := slices.IndexFunc(words, func(w string) bool {
			switch n := len([]rune(ask)); {
			case isHan(ask) && n > 1:
				return strings.Contains(w, ask)
			case n < partFrom:
				return w == ask
			}
			return strings.HasPrefix(w, ask)
		})
		if i < 0 {
			return false
		}
		words = slices.Delete(words, i, i+1)
	}
	return len(asks) > 0
}

// wordsOf are the words of a name as sameName has them.
func wordsOf(name string) []string { return strings.Fields(sameName(name)) }

// isHan tells whether a word is written in Han characters alone.
func isHan(word string) bool {
	for _, r := range word {
		if !unicode.Is(unicode.Han, r) {
			return false
		}
	}
	return word != ""
}
