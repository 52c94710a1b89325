// Package conduct judges contacts with debtors: contact rules are data, and pure
// functions say whether an act is allowed.
//
// A Policy is loaded from packs of profiles (YAML). Judge answers whether the
// profiles of a case allow one act at one time; Decide also says when the act would
// be allowed next; Windows gives the spans of a day in which it is. The same
// rules judge a stop when the round is planned, when it is published, at the door and
// when the visit is synchronised, so a round never plans a visit that the phone refuses.
//
// # Packs
//
// A policy is read from packs, one after another: a profile, calendar or source of a
// later pack replaces the one of the same name as a whole. A pack may hold a calendar
// alone; at least one profile must name that calendar:
//
//	schema: conduct-policy/v1
//	calendars:
//	  GB: [2027-01-01, 2027-03-26, 2027-03-29]
//
// The policy's hash is "sha256:" and the SHA-256 of the packs' bytes, one after another.
//
// # What a phone gets
//
// A phone pulls records of type policy (sync/v1). All records but one are parts:
// {"kind":"part","sha256","text"}, where text is a small pack in JSON with one profile
// (id profile.cn), one calendar (calendar.CN), the list of reasons or all sources, or
// the zone offsets (id zones). A policy read from all parts but the offsets, in any
// order, gives the same decisions as the server's; a change of one profile changes one
// part. The record with the id conduct is the head:
//
//	{"kind":"head","policy_hash":"sha256:…","org":7,"dated":"2026-11-23","semantics":1,
//	 "hash_formula":"sha256-packs","parts":[{"name","sha256"},…],"signed":"…"}
//
// signed is a signed note: the lines
//
//	doorstep conduct policy
//	sha256:…
//	org 7
//	dated 2026-11-23
//	semantics 1
//	policy_hash sha256-packs
//
// and, for each part, its SHA-256 in hexadecimal, a space and its name; an empty line;
// and "— <name> <base64>", which is four bytes of key hash and an Ed25519 signature of
// the lines, the last line end included. The key is the audit key, which also signs
// checkpoints and exports and which auditors already have. An app fetches it once with
// GET /v1/conduct/key and keeps it. The ES256 keys of tokens do not sign policies: they
// are replaced often, and a policy must still verify after that.
//
// org is the number of the organisation's entry that put the policy in force. It never
// falls: a phone keeps the highest org, and the latest date of it, that it ever
// verified, and judges by no older bundle, because an older one may allow more.
// semantics is the version of what rules mean (Semantics). The hash is made as
// policy_hash says: sha256-packs is the SHA-256 of the bytes of the packs, one after
// another. A phone does not have the packs; what it can check are the parts.
//
// The zone offsets hold from 400 days before the date until 60 days after it, for all
// zones: {"schema":"conduct-zones/v1","from","to","tables":[[[from,offset],…],…],
// "zones":{"Europe/London":3,…}}, in Unix seconds and seconds east of UTC. They are the
// same for all branches, so that a case in another zone needs no new bundle. Each node
// looks whether a new week has begun (UTC, Monday) and then publishes the offsets and
// the head anew, so a phone that pulls has 53 days of offsets at least. A phone whose
// offsets do not reach an instant cannot tell.
//
// The phone verifies the note, takes from its lines which parts there must be, hashes
// the UTF-8 bytes of each part's text, and judges by them once it has all of them. The
// head comes after its parts. Until the phone has all parts it keeps the previous policy
// and judges by it. It stores policy_hash with every decision. What it judges about is on
// the case card, under door (record.Door). sync/clients/conduct does all this in TypeScript.
//
// The default pack is a start for counsel to check. It is not legal advice.
//
// The package reads no clock, store or network, keeps no history, and never guesses. A
// word outside a closed list, a malformed flag or an unknown rule in a pack is an error,
// because ignoring it could allow what must be denied.
package conduct
