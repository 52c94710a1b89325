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
//   - a new field, command or outcome of a case: server/casework
//   - how a day is cut into problems and issued: server/dispatch
//   - which team goes where in which order: geo/routing; how long it takes: geo/travel
//   - territories of equal work: geo/division, asked by server/office
//   - what phones speak: sync/offline, and its endpoints in server/httpapi
//   - alerts: server/notify; proofs and exports: server/audit
//   - an endpoint, a status, a header: server/httpapi
//   - how a document is kept: server/store/*
//
// Imports go down only; arrows_test.go says no if they do not.
//
// # Words
//
// case: one debtor's overdue account with its contact history. contact: one
// attempt to reach the debtor. territory: an area a team works. branch: an
// office, the unit of partition. team: agents who visit together. shift: a
// team's working day. round: a branch's planned day. route: a team's ordered
// stops in it. stop: a planned visit. assignment: a stop issued to phones.
// visit: what happened at the door. plan: a repayment plan, nothing else.
// notice: an alert. entry: one accepted change. journal: a branch's entries in
// order. view: documents derived from them. cursor: where a phone is in its feed.
package server
