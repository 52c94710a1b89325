// Package seal keeps personal data unreadable at rest: names, phones, addresses,
// home coordinates and free text are sealed under a key of their debtor's own,
// in the journal as in the views. Destroying that key erases the debtor
// everywhere at once, and every hash over the sealed bytes still verifies.
//
// What is personal is said by type: a member of type Text, Point, JSON or Value,
// anywhere in a state, is found by Each and sealed; the state lists nothing. Such a
// member reads its plain value from outside (CheckOpen refuses anything else) and
// its sealed form from the store (CheckSealed). Marshal writes the form that is
// stored and fails while a part is unsealed; Show writes what people and phones read.
//
// A sealed part is bound to its place: branch, type, id and field are its
// associated data, so that it cannot be moved to another document. It carries a
// commitment, HMAC-SHA256 of its kind ("t" for a text, "p" for a position, "j" for
// a JSON value in canonical form) and its plaintext under a salt that is sealed
// with it: an export reveals salt and plaintext, and whoever holds the journal's
// entry can check that this is what was sealed, with nothing but a hash function.
// Erasure destroys the salt too, so the commitment says nothing afterwards.
//
// Debtors' keys are kept apart from the journal and its file (Keys), so that a
// destroyed one leaves no copy in a log or a page. They are wrapped by one
// key-encryption key, which stands in a folder of its own: a backup of the data that
// is lost or sold tells nothing personal, and one that is set back cannot bring an
// erased debtor's key to life where the erasure list says so. A destroyed key leaves a
// marker, so that ErrErased and ErrWrongKEK differ: a rebuild goes on past the first
// and stops at the second. An opened key is remembered for a minute at most.
//
// Parts redact themselves when printed or logged. This is tink's only home.
package seal
