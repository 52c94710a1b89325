// Package conduct is the law at the doorstep: contact rules as data, and pure
// functions that say whether an act is allowed.
//
// A Policy is loaded from packs of profiles (YAML). Judge answers whether the
// profiles of a case allow one act at one time; Decide also says when the act would
// be allowed next; Windows gives the spans of a day in which it is. The same
// function is asked when a day is planned, when stops are published, at the door
// and when a visit is synchronised, so that nobody plans what the door would refuse.
//
// # Packs
//
// A policy is read from packs, one after another: a profile, calendar or source of a
// later pack replaces the one of that name as a whole. A pack may hold nothing but a
// calendar, which must be one that some profile names:
//
//	schema: conduct-policy/v1
//	calendars:
//	  GB: [2027-01-01, 2027-03-26, 2027-03-29]
//
// The policy's hash is "sha256:" and the SHA-256 of the packs' bytes, one after another.
//
// # What a phone gets
//
// A phone pulls records of type policy (sync/v1). Each but one is a part: {"kind":
// "part","sha256","text"}, where text is a small pack in JSON with one profile
// (id profile.cn), one calendar (calendar.CN), the list of reasons or all sources. All
// parts read as packs, in any order, judge as the policy does; a change of one profile
// costs one part. The record with the id conduct is the head:
//
//	{"kind":"head","policy_hash":"sha256:…","org":7,"parts":[{"name","sha256"},…],"signed":"…"}
//
// signed is a signed note: lines of text (doorstep conduct policy; the policy's hash;
// for each part its SHA-256 in hexadecimal, a space and its name), an empty line, and
// "— <name> <base64>", which is four bytes of key hash and an Ed25519 signature of the
// lines, the last line end included. The key is the one of checkpoints and exports,
// which the house has already and auditors hold: GET /v1/conduct/key, to be fetched once
// and kept. Tokens' ES256 keys are another matter: they are replaced often, and a policy
// must still verify when they are gone.
//
// The phone verifies the note, takes from its lines which parts there must be, hashes
// the UTF-8 bytes of each part's text, and judges by them once all are there. The head
// comes after its parts; until all are there the phone goes on with the policy before,
// so it keeps that one until then. It stores policy_hash with every decision.
//
// The default pack is a start for counsel to check. It is not legal advice.
//
// What the package does not do: it reads no clock, store or network, keeps no
// history, and never guesses. A word outside a closed list, a malformed flag or an
// unknown rule in a pack is an error, because silence would read as permission.
package conduct
