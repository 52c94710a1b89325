package journal

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// NumberedType is the type of the documents that an audit is about, and the first of NumberedTypes. They never change.
const NumberedType = "visits"

// NumberedTypes are the types whose documents the committer numbers densely within a branch, each type for itself, so
// that an export of a whole branch shows no gap: visits, and what stands beside them. A document has its number in
// every state. Counts are in this order.
var NumberedTypes = [...]string{NumberedType, "quarantine", "visit_reviews", "visit_confirmations",
	"correction_reviews"}

// Counts says how many documents there are of each numbered type.
type Counts [len(NumberedTypes)]uint64

// Of is the count of a type; 0 of one that is not numbered.
func (c Counts) Of(typ string) uint64 {
	if i := slices.Index(NumberedTypes[:], typ); i >= 0 {
		return c[i]
	}
	return 0
}

// Plus is the sum of two counts.
func (c Counts) Plus(d Counts) Counts {
	for i := range c {
		c[i] += d[i]
	}
	return c
}

// minus is what c counts beyond d.
func (c Counts) minus(d Counts) Counts {
	for i := range c {
		c[i] -= d[i]
	}
	return c
}

// String lists the counts, such as "2 visits, 1 quarantine".
func (c Counts) String() string {
	var parts []string
	for i, n := range c {
		parts = append(parts, fmt.Sprint(n, " ", NumberedTypes[i]))
	}
	return strings.Join(parts, ", ")
}

func (c Counts) append(b []byte) []byte {
	for _, n := range c {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func (d *pageReader) counts() (c Counts) {
	for i := range c {
		c[i] = d.uint()
	}
	return c
}

// numberedAs is the place in NumberedTypes of a state that has a number: one of a document of a numbered type, but
// for a tombstone and the first state of a copy; -1 for others. The committer gives the number to the first state,
// and later ones repeat it, 0 if the first was a copy.
func numberedAs(d *Doc) int {
	if d.Deleted || d.Copy && d.Rev <= 1 {
		return -1
	}
	return slices.Index(NumberedTypes[:], d.Type)
}
