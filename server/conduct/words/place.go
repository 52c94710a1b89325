package words

import (
	"cmp"
	"fmt"
	"strings"
)

// inText is the place of characters of the text.
func inText(from, to int) string { return fmt.Sprintf("text[%d:%d]", from, to) }

func readPlace(at string) (from, to int, ok bool) {
	n, err := fmt.Sscanf(at, "text[%d:%d]", &from, &to)
	return from, to, n == 2 && err == nil
}

// comparePlaces orders places: the whole text first, then by where they begin, the longer one first, then values.
func comparePlaces(a, b string) int {
	af, at, aIn := readPlace(a)
	bf, bt, bIn := readPlace(b)
	if aIn && bIn {
		return cmp.Or(cmp.Compare(af, bf), cmp.Compare(bt, at))
	}
	return cmp.Or(cmp.Compare(placeKind(a), placeKind(b)), strings.Compare(a, b))
}

func placeKind(at string) int {
	switch {
	case at == "text":
		return 0
	case strings.HasPrefix(at, "text["):
		return 1
	}
	return 2
}

// covers tells whether place a has all of place b.
func covers(a, b string) bool {
	af, at, aIn := readPlace(a)
	bf, bt, bIn := readPlace(b)
	return aIn && bIn && af <= bf && bt <= at
}
