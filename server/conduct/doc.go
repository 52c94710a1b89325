// Package conduct is the law at the doorstep: contact rules as data, and pure
// functions that say whether an act is allowed.
//
// A Policy is loaded from packs of profiles (YAML). Judge answers whether the
// profiles of a case allow one act at one time; Decide also says when the act would
// be allowed next; Windows gives the spans of a day in which it is. The same
// function is asked when a day is planned, when stops are published, at the door
// and when a visit is synchronised, so that nobody plans what the door would refuse.
//
// The default pack is a start for counsel to check. It is not legal advice.
//
// What the package does not do: it reads no clock, store or network, keeps no
// history, and never guesses. A word outside a closed list, a malformed flag or an
// unknown rule in a pack is an error, because silence would read as permission.
package conduct
