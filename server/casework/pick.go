package casework

import (
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// decodeSome reads some members of a record's state, and leaves the others as they are: most of a state is sealed and
// long, and to look at who may see it takes few members.
func decodeSome(rec journal.Record, into any, members ...string) error {
	if body, ok := journal.Pick(rec.Body, members...); ok {
		rec.Body = body
	}
	return decode(rec, into)
}

// scopeOf reads of a case's state what says who holds it, and whether it is erased or in another branch: ID, Debtor,
// Agents, Status, Closed.
func scopeOf(rec journal.Record) (k record.Case, err error) {
	return k, decodeSome(rec, &k, "id", "debtor", "agents", "status", "closed")
}
