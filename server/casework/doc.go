// Package casework is the domain and the one door for changes: cases, contacts,
// holds, visits, notes, consents, repayment plans and assignments.
//
// Every change runs through Service.Do: load the case file, decide (a pure
// function: no clock, no I/O), append to the branch's journal, answer with a
// receipt. HTTP endpoints, sync and imports all call it, so a rule stands in one
// place. The same command id gets the same receipt, for ever.
//
// Facts and intentions differ. A visit that took place is never refused for
// being unlawful, late or out of scope in time: it is kept, flagged and shown to
// a supervisor. An intention (a planned stop, a message) is refused.
//
// Texts to debtors: decide_ladder.go takes the steps of a case's ladder, decide_text.go judges each text at the moment
// of sending and notes what becomes of it, decide_reply.go takes in what debtors answer. server/notify asks
// the carrier.
//
// Documents of this room, all in the branch's journal, each a full state in
// JSON with its personal parts sealed under the debtor's key: cases, contacts,
// visits, visit_reviews, correction_reviews, visit_notes, consents, signatures, plans, payments_reported,
// payments, imports, assignments, alerts, links, moves, erasures, quarantine, quarantine_parts, visit_confirmations,
// complaints, letters, messages, ladders, replies.
// server/record says what each holds.
package casework
