package words

import "slices"

// splitSpaced cuts words whose letters were set apart (w e k n o w) into words that the files know: with as few letters
// as possible that are part of none, and of those ways the one with the fewest words.
func (b *book) splitSpaced(tokens []token) []token {
	var out []token
	for _, t := range tokens {
		if !t.spaced {
			out = append(out, t)
			continue
		}
		known, r := b.vocabulary(), []rune(t.text)
		cost, from := make([]int, len(r)+1), make([]int, len(r)+1)
		for n := 1; n <= len(r); n++ {
			cost[n], from[n] = cost[n-1]+unknownLetter, n-1
			for i := max(0, n-longestWord); i < n; i++ {
				if c := cost[i] + 1; c < cost[n] && known[string(r[i:n])] {
					cost[n], from[n] = c, i
				}
			}
		}
		var cuts []token
		for n := len(r); n > 0; n = from[n] {
			k := t
			k.text, k.others, k.spaced = string(r[from[n]:n]), nil, false
			cuts = append(cuts, k)
		}
		slices.Reverse(cuts)
		out = append(out, cuts...)
	}
	return out
}

const (
	unknownLetter = 4  // what a letter costs that is part of no known word, where a word costs 1
	longestWord   = 20 // letters
)

// vocabulary is the words that stand in patterns of any language.
func (b *book) vocabulary() map[string]bool {
	b.wordsOnce.Do(func() {
		b.words = map[string]bool{}
		var rows func(in [][]item)
		rows = func(in [][]item) {
			for _, row := range in {
				for _, it := range row {
					if rows(it.rows); it.kind == literal && !it.open && (len(it.text) > 1 || it.text == "i" || it.text == "a") {
						b.words[it.text] = true
					}
				}
			}
		}
		for _, l := range b.languages {
			for _, in := range l.lists {
				rows(in)
			}
		}
	})
	return b.words
}
