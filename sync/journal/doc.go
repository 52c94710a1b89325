// Package journal is the heart: the ordered, hashed log of everything that
// happened in a branch, and the loop that appends to it.
//
// A change is decided by a pure function on documents that were read at a known
// watermark, checked against everything that came in between, numbered, hashed
// into the branch's Merkle tree and stored as one durable page by
// compare-and-append. Documents, feeds and receipts are views of the pages: they
// can be thrown away and made again. Nothing here needs transactions across
// documents, change streams or counters, so the same code runs on every engine
// that offers a unique key and range reads (Store).
//
// The package does not know what a case or a visit is. It knows entries, pages,
// documents with a type and an id, feeds, receipts and keys. Deciders are bound
// to it by casework, office and dispatch.
//
// Invariants, each with a test that fails without it:
//   - Entries of a branch are numbered densely from 1; whatever is visible is a prefix.
//   - Nobody is answered before their entry is durable.
//   - A command id has one effect and one receipt, for ever.
//   - A decision is appended only if nothing it rests on changed since it was read (J1).
package journal
