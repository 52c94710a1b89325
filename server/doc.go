// Package server composes the rooms: it opens the store, makes the services,
// starts what runs in the background, and stops it all in order.
//
// # Where does it go?
//
// Everything that happens is an entry in a branch's journal (sync/journal);
// everything else is a view of it. A change is decided by a pure function in
// casework (cases and all that belongs to them), office (who works where) or
// dispatch (a planned day), and appended. Then:
//
//   - a rule of contact law: server/conduct, and its packs; which packs are in force: server/lawbook
//   - what a text to a debtor must hold and what a reply means: server/conduct/words, and its word lists
//   - the arithmetic of repayment plans and the rules of lenders: server/repayment; for phones and pages
//     sync/clients/plan
//   - a kind of record, its members, codes and checks, and who may see them: server/record
//   - which JSON is taken at all: auth/strictjson; no other package scans it
//   - a command on a case: server/casework; how a CSV or NDJSON file is read: server/casework/rows
//   - how a day is cut into problems and issued: server/dispatch
//   - which team goes where in which order: geo/routing; how long it takes: geo/travel
//   - territories of equal work: geo/division, asked by server/office
//   - what phones speak: sync/offline, and its endpoints in server/httpapi
//   - who read what: server/access
//   - the ladder of texts to debtors as data, and how a template becomes a text: server/ladder; which ladder and texts
//     a lender has: server/office; when one is sent, and what a reply changes: server/casework; who carries it:
//     server/notify/sms
//   - a figure of how people are treated: server/figures
//   - a plan as a PDF: server/paper
//   - alerts: server/notify; proofs and exports: server/audit
//   - what the person who is visited reads: server/doorway
//   - an endpoint, a status, a header: server/httpapi
//   - how a document is kept: server/store/*
//   - whether all of it holds while phones, networks, servers and stores fail: server/simulation
//   - what a file of a backup is: server/backup; making and restoring one: backups.go, restore.go, epochs.go
//
// Imports go down only; arrows_test.go fails if they do not.
//
// # What to touch
//
// After each of these go test ./server/httpapi -run TestDescriptionFileIsInStep -update writes
// openapi.yaml anew; a test fails until it is in step.
//
// An overdue reason, a reason for declining a stop, or another code: one line in its list, server/record/codes.go.
// The checks, GET /v1/codes and openapi.yaml read the list. A line in brought, server/record/versions.go, says what
// apps of older versions are shown instead, and go test ./server/record -run Shapes -update pins it. A code that the
// console shows has a sentence in each file of server/console/web/words.
//
// A member of a visit: one line in VisitReport (what the phone says) or VisitFound (what
// the server adds), server/record/visit.go, with the tags of record's doc.go; a rule in
// VisitReport.check if the tags do not say all; a column in server/audit/csv.go, or the
// reason why not in csv_test.go; the list in sync/README.md by the command that
// stands there; and its way in brought, as for a code. Sealing, showing, reading,
// comparing and sending back follow the tags.
//
// What phones may patch of an assignment: a member of AssignmentReport, server/record/assignment.go.
//
// A role: its row in roleRules, auth/role.go, which says what it sees and which cases it opens; and the lists of
// roles in server/httpapi/endpoint.go that it is to be in. Until then it calls only what every user may.
//
// A kind of record: a file with its Report and Found in server/record, a row in Kinds,
// and a sample in read_test.go. If phones write it: a play in server/play; if it needs
// more than being recorded (recordEvidence): a command in server/casework, named in
// sync_command.go; the reason why exports of visits do not hold it in server/audit's
// csv_test.go. If it stands in the case file: its list in File, server/casework/file.go.
//
// # What is a view
//
// doorstep rebuild makes a view again from the journal, and doorstep fsck compares them:
//
//   - records: all documents and the declared indexes over them. The outbox is one of
//     these indexes: alerts that are pending or sending, by time. Whether an alert was
//     sent is an entry, so a rebuild sends nothing a second time.
//   - feeds and receipts
//   - tiles: the hashes from which proofs are made (server/audit)
//   - promises: what is due under plans (server/casework)
//   - desk: what the office's lists and its inbox look for (server/casework)
//   - blind: keyed hashes of phones, names, kinds of holds and tokens of links, by which
//     cases are found (server/casework). It is made of what is sealed, with the key-encryption key.
//   - access: who read what (server/access)
//   - figures: what the figures count, a row for each record that has a part in one (server/figures)
//
// No count is kept beside the journal. A visit's number is part of its entry, a page says
// how many visits lie before it, the caps of the law are counted from the contacts when a
// decision needs them, and what was paid is part of the case's state. So there is no view
// of counts.
//
// These are no views, and no rebuild brings them back: the debtors' keys; who signs in, by
// which password, session and push token; which branch was first to claim a case or debtor;
// epochs, floors and what was parked; leases of the outbox; the marks of nodes that wait to append; the
// keys' fingerprints; and each node's erasure list, whose lines are in the journal too and are added at the start.
//
// # Words
//
// Each has one meaning.
//
// case: one debtor's overdue account with its contact history. contact: one
// attempt to reach the debtor. territory: an area a team works. branch: an
// office, the unit of partition. team: agents who visit together. shift: a
// team's working day. round: a branch's planned day. route: a team's ordered
// stops in it. stop: a planned visit. assignment: a stop issued to phones.
// visit: what happened at the door. review: what a supervisor makes of a visit.
// plan: a repayment plan, nothing else; a day is planned as a round. notice: what a
// debtor is sent. alert: what wakes a phone. hold: a reason to leave a case alone.
// consent: what a person allowed or refused. text: a message to a debtor's phone by SMS. ladder: the texts that a case
// is sent by days late. template: what texts are made of. carrier: who brings a text to the phone. reply: a text that a
// debtor sends back. kind: a type of record. report: what a phone
// says of a record; the rest is what the server found. verdict: a conduct decision as it
// is kept. entry: one accepted change. journal: a branch's entries in order. view:
// documents derived from them. feed: what a phone is to pull, in order. cursor: where a
// phone is in its feed. quarantine: what a phone sent that was not applied. seal: encrypt
// under a debtor's own key. erase: destroy that key.
package server
