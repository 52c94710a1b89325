// Package audit proves what happened: signed checkpoints of each branch's
// Merkle tree, proofs, exports of visit records, and their verification offline.
//
// It reads the journal and writes nothing to it. The tree is RFC 6962's, over
// the canonical bytes of entries; checkpoints are signed notes in the form of
// C2SP tlog-checkpoint, with one more line: the number of visits in the tree, so that
// Verify detects an export without the newest visits. Tiles of 256 hashes are a view of
// the journal (Tiles): a proof reads tiles, and only those pages that follow the last
// full tile.
//
// An export is one file. Its last line is the manifest: the query, the number of
// visits, the hash of every line, the checkpoint, and a signature over all of these.
// Verify needs only the file and the public key: no server and no network. It never
// takes the key from the file.
//
// An NDJSON line holds the journal's own entry with its proof, and Verify
// rebuilds the record from it. A sealed part is shown by its reveal, which Verify checks
// against the commitment in the entry. A CSV line holds the leaf hash and its proof: it
// proves that the line is as it was exported and that the entry is in the tree, but it
// does not prove that the cells agree with the entry. A visit of an erased debtor has
// lost its sealed parts; its line says so and when, so that the reader does not take them
// for parts that were never there.
//
// A restore of a backup begins another log (restores.go): the manifest proves each restore, and Compare tells from two
// exports whether a log went on, was restored, or was rolled back.
//
// Beside the visits an export has what phones sent and was not applied (the items of the
// quarantine, in whatever state), reviews and confirmations: a line each in NDJSON, proved as
// visits are; the manifest counts them by kind and state. They have no dense numbers. What a
// complete export may not leave out is the item that a visit was accepted from, and the visit
// that an accepted item became: Verify misses either.
//
// The package imports sync/seal to check reveals, which needs a hash and no key.
//
// An export does not prove that what agents wrote is true, nor that the auditor was
// shown every branch.
package audit
