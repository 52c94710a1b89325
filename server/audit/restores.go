package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// A restore of a backup ends a branch's log and begins another, whose origin has another epoch. The tree goes on: its
// next leaf is the entry that says so, with the head of the tree in the backup and the last known checkpoint.
// So what was proved before the backup is proved after the restore as well, and what was lost between the two is said
// to be lost: a log that was put back without a word has the old origin, and its tree is shorter or another.

// ProvedRestore is a restore as a manifest holds it.
type ProvedRestore struct {
	ID      string          `json:"id"`
	EntryNo uint64          `json:"entry_no"`
	Entry   json.RawMessage `json:"entry"` // the journal's canonical bytes
	Proof   []string        `json:"proof"` // of inclusion in the checkpoint's tree, base64
	// Consistency proves that the tree of the backup is a prefix of the checkpoint's; none if that was empty.
	Consistency []string `json:"consistency,omitempty"`
}

// restores adds the restores of the branch to the manifest.
func (x *export) restores(ctx context.Context) error {
	all, err := journal.Restores(ctx, x.tree.store, x.query.Branch)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.N > x.tree.size {
			break
		}
		raw, err := x.tree.entry(ctx, r.N)
		if err != nil {
			return fmt.Errorf("export the restore %s: %w", r.ID, err)
		}
		proof, err := x.tree.include(ctx, r.N)
		if err != nil {
			return fmt.Errorf("export the restore %s: %w", r.ID, err)
		}
		p := ProvedRestore{ID: r.ID, EntryNo: r.N, Entry: raw, Proof: proof.Hashes}
		if r.Size > 0 {
			same, err := tlog.ProveTree(int64(x.tree.size), int64(r.Size), x.tree.reader(ctx))
			if err != nil {
				return fmt.Errorf("export the restore %s: %w", r.ID, err)
			}
			p.Consistency = hashStrings(same)
		}
		x.manifest.Restores = append(x.manifest.Restores, p)
	}
	return nil
}

// checkRestores checks that the restores of a manifest are in the checkpoint's tree, that they lead without a gap from
// the first epoch to the checkpoint's, and that each begins where its backup's tree ended.
func checkRestores(m Manifest, h SignedHead) ([]RestoreNote, error) {
	broken := func(format string, args ...any) ([]RestoreNote, error) {
		return nil, &Broken{0, fmt.Sprintf(format, args...)}
	}
	epoch, before := journal.FirstEpoch, uint64(0)
	var out []RestoreNote
	for _, p := range m.Restores {
		e, err := journal.DecodeEntry(p.Entry)
		if err != nil || e.N != p.EntryNo || e.Branch != m.Branch {
			return broken("the restore %s in the manifest is not an entry of this branch", p.ID)
		}
		state, _, err := docOf(p.Entry, journal.RestoreType, p.ID)
		if err != nil {
			return broken("the restore %s in the manifest: %v", p.ID, err)
		}
		r := RestoreNote{Entry: e.N}
		if err := json.Unmarshal(state, &r.Restore); err != nil {
			return broken("the restore %s in the manifest cannot be read", p.ID)
		}
		if err := included(p.Proof, h.Size, h.Root, e.N, journal.Leaf(p.Entry)); err != nil {
			return broken("the restore %s in the manifest: %v", p.ID, err)
		}
		if r.Before != epoch || e.N <= before || r.Size != e.N-1 {
			return broken("the restore %s in the manifest does not follow on the one before", p.ID)
		}
		if err := consistent(p.Consistency, h.Size, h.Root, r.Size, r.Root); err != nil {
			return broken("the restore %s in the manifest: %v", p.ID, err)
		}
		epoch, before = r.Epoch, e.N
		out = append(out, r)
	}
	if !strings.HasSuffix(h.Origin, "/"+string(m.Branch)+"/"+epoch) {
		return broken("the checkpoint in the manifest is of the log %s, and the restores there lead to the epoch %s",
			h.Origin, epoch)
	}
	return out, nil
}

// consistent checks that a tree of size old is a prefix of a tree.
func consistent(proof []string, size uint64, root tlog.Hash, old uint64, oldRoot string) error {
	if old == 0 {
		return nil
	}
	p := make(tlog.TreeProof, len(proof))
	for i, h := range proof {
		var err error
		if p[i], err = tlog.ParseHash(h); err != nil {
			return errors.New("the proof is malformed")
		}
	}
	was, err := tlog.ParseHash(oldRoot)
	if err != nil || old > size || tlog.CheckTree(p, int64(size), root, int64(old), was) != nil {
		return errors.New("the tree of the backup is not a prefix of the tree that the checkpoint signs")
	}
	return nil
}

// Relation says how a newer look at a branch's log stands to an older one.
type Relation struct {
	// Kind is one of the constants below.
	Kind string
	// Restore is the restore that ended the older log, for KindRestored and KindLost.
	Restore RestoreNote
	// Lost is how many entries of the older log's tree the restored one does not have.
	Lost uint64
}

// The kinds of relations. All but the last two are in order.
const (
	KindGrown    = "grown"    // the same log, grown or equal
	KindRestored = "restored" // a backup was restored since, and the older tree is all there
	KindLost     = "lost"     // a backup was restored since that lacks the newest entries of the older tree
	// KindRolledBack is the same log, shorter or with another root: entries were taken away and nothing says so.
	KindRolledBack = "rolled back"
	KindOther      = "other" // not the same branch's log
)

// Compare tells from two reports of exports of one key how the newer stands to the older. That a log which has grown
// begins with the older tree is proved by GET /v1/audit/proof, not here.
func Compare(older, newer Report) Relation {
	o, n := older.Head, newer.Head
	if o.Branch != n.Branch {
		return Relation{Kind: KindOther}
	}
	if o.Origin == n.Origin {
		if n.Size < o.Size || n.Size == o.Size && n.Root != o.Root {
			return Relation{Kind: KindRolledBack}
		}
		return Relation{Kind: KindGrown}
	}
	for _, r := range newer.Restores {
		if !strings.HasSuffix(o.Origin, "/"+string(o.Branch)+"/"+r.Before) {
			continue
		}
		if o.Size > r.Size {
			return Relation{Kind: KindLost, Restore: r, Lost: o.Size - r.Size}
		}
		return Relation{Kind: KindRestored, Restore: r}
	}
	// The older look knows of a restore that the newer log does not have: an older backup was put back.
	return Relation{Kind: KindRolledBack}
}
