// Package office keeps who works where: users and their devices, branches,
// lenders, and in each branch its teams, shifts and territories; and which conduct
// packs are in force. Packs are texts here: package server, which composes the rooms, says whether
// they are a policy.
//
// Users, devices, branches, lenders and conduct packs are documents of the organisation's own
// journal; teams, shifts and territories of their branch's. Passwords and push
// tokens are secrets that change and must be forgettable, so they are small
// documents beside the journal, never in it.
//
// It reports how territories share out the work and proposes better ones
// (geo/division draws them); a proposal is not kept, it carries all that is needed
// to accept it.
//
// It does not decide about cases: when a territory changes, casework is told by
// package server.
package office
