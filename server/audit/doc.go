// Package audit proves what happened: signed checkpoints of each branch's
// Merkle tree, proofs, exports of visit records, and their verification offline.
//
// It reads the journal and writes nothing to it. The tree is RFC 6962's, over
// the canonical bytes of entries; checkpoints are signed notes in the form of
// C2SP tlog-checkpoint, with a line more for each type of records that is numbered: how many the tree holds, so that
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
// Beside the visits an export has what phones sent and was not applied (the items of the quarantine, in whatever
// state), reviews and confirmations: a line each in NDJSON, proved as visits are; the manifest counts them by kind
// and state. Items, reviews and confirmations have dense numbers, each type its own, in every state of theirs, and
// the checkpoint signs how many there are: Verify names the number that a complete export leaves out, and the visit
// or item where one was made of the other. Of what was refused of a draft, which is its agent's alone, an export
// shows that it was refused and why. Parts of large items have no numbers, since only exports with personal data hold
// them. The numbers do not show that a record stands in its newest state.
//
// The package imports sync/seal to check reveals, which needs a hash and no key.
//
// An export does not prove that what agents wrote is true, nor that the auditor was
// shown every branch.
package audit
