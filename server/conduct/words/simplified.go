package words

import (
	_ "embed"
	"strings"
	"sync"
)

// simplifiedText has pairs of a traditional character and the simplified one that is written for it, from the field
// kSimplifiedVariant of the Unicode Han Database 15.0 (© Unicode, Inc., Unicode License v3), and a dozen more that are
// written for one another every day. A character that is itself in use in simplified text is not in it.
//
//go:embed simplified.txt
var simplifiedText string

var simplifiedTable = sync.OnceValue(func() map[rune]rune {
	return pairs(strings.ReplaceAll(simplifiedText, "\n", ""))
})

// simplified is the simplified form of a Chinese character.
func simplified(r rune) rune {
	if to, is := simplifiedTable()[r]; is {
		return to
	}
	return r
}
