// Package audit proves what happened: signed checkpoints of each branch's
// Merkle tree, proofs, exports of visit records, and their verification offline.
//
// It reads the journal and writes nothing to it. The tree is RFC 6962's, over
// the canonical bytes of entries; checkpoints are signed notes in the form of
// C2SP tlog-checkpoint, with one line more: how many visits the tree holds, so that an
// export that leaves out the newest is found. Tiles of 256 hashes are a view of the
// journal (Tiles): a proof reads tiles, and pages only after the last full one.
//
// An export is one file whose last line is its manifest: what was asked, how
// many records, the hash of every line, the checkpoint it rests on, and a
// signature over all that. Verify needs the file and the public key, nothing
// else: no server, no network, and never a key from the file itself.
//
// An NDJSON line holds the journal's own entry with its proof, and Verify
// rebuilds the record from it; what was sealed is shown by its reveal, checked
// against the commitment in the entry. A CSV line holds the leaf and its proof:
// it proves that the file is as it was exported, and that the entry is in the
// tree, but not the cells against the entry.
//
// It imports sync/seal for the check of a reveal, a hash without any key.
//
// What it does not prove: that what agents wrote is true, or that a branch was
// not kept from the auditor altogether.
package audit
