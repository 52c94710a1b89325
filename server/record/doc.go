// Package record is the home of what is kept and of what phones send: the kinds
// of records, their members and states, the closed lists of codes, the checks,
// and who may see which member. It has no clock and does no I/O.
//
// A kind that phones write is made of two parts. Its Report is exactly what the
// phone says: the JSON of the Report is the wire form, and its schema is what
// openapi.yaml shows. Its Found is what the server adds. Both are embedded, so
// that the stored JSON is one flat object. A phone cannot write a member of
// Found: Kind.Read leaves it out.
//
// # Tags
//
// Every member carries what must be known of it:
//
//	json  its name, as everywhere
//	is    what a string must be: id, date, zone, …, or the name of a list of codes
//	      (check.go); personal texts are seal.Text, seal.Point, seal.JSON or
//	      seal.Value instead, and need no tag
//	see   who may see it: office, agent, lender, auditor, or all (see.go). A role
//	      that is not named sees nothing; a member of an inner struct without the
//	      tag is seen by whoever sees the outer one
//	most  how many entries a list may have, or how many bytes a personal text
//	need  that a report without the member is refused, and in which words: Check
//	      refuses it, and openapi.yaml lists it as required. What only some
//	      reports need is a rule of the record's own check. On an embedded
//	      struct it is a member's name, a colon, and the words
//
// A test fails for a string in the clear without is, and for a top-level member
// without see.
//
// # Adding to it
//
//   - a code of a list (an overdue reason, an outcome): one line in codes.go
//   - a member of a record: one line in its file, a rule in its check if it needs
//     one, a column in server/audit's CSV where it belongs there
//   - a kind: a file with its state, and one row in Kinds
//   - a role: one line in see.go, and its name in the see tags
package record
