package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
)

// A restore of a backup is itself an entry, the first that a branch's journal gets after it (J13). The tree goes on
// from the backup's, under another origin: a log that was put back without saying so, or that two servers continue,
// shows two trees under one origin.

// Restore is what a branch's journal says of one restore.
type Restore struct {
	At time.Time `json:"at"` // when the backup was restored, UTC
	// BackupAt is when the backup was made: what was acknowledged between then and At is lost, unless it is sent again.
	// Zero for a restore by MongoDB's own tools, which do not tell.
	BackupAt time.Time `json:"backup_at,omitzero"`
	// Epoch names what begins here, and Before what ended: FirstEpoch, or the Epoch of the restore before.
	Epoch  string `json:"epoch"`
	Before string `json:"before"`
	// Size, Root (base64) and Visits are the tree that the restored journal has: all entries before this one.
	Size   uint64 `json:"size"`
	Root   string `json:"root"`
	Visits uint64 `json:"visits"`
	// Checkpoint is the last known signed checkpoint under the origin that ended, as a signed note. It may be
	// of a larger tree: then entries are lost. "" if none is known.
	Checkpoint string `json:"checkpoint,omitempty"`
	// NoErasures says that the operator had no list of erased debtors and restored all the same: debtors who were erased
	// after the backup may have come back.
	NoErasures bool `json:"no_erasures,omitempty"`
}

// Restored is a Restore with the entry that holds it.
type Restored struct {
	Restore
	ID string // of its document
	N  uint64
}

const (
	// FirstEpoch names the time before a branch's first restore.
	FirstEpoch = "1"
	// RestoreType is the type of the documents that hold restores.
	RestoreType = "restores"
)

// Restores reads the restores of a branch, in their order; mostly there are none.
func Restores(ctx context.Context, s Store, b auth.BranchID) ([]Restored, error) {
	var out []Restored
	for after := ""; ; {
		found, err := s.Find(ctx, Query{Branch: b, Type: RestoreType, After: after})
		if err != nil {
			return nil, fmt.Errorf("read the restores of %s: %w", b, err)
		}
		for _, rec := range found.Records {
			r := Restored{ID: rec.ID, N: rec.N}
			if err := json.Unmarshal(rec.Body, &r.Restore); err != nil {
				return nil, fmt.Errorf("read the restore %s of %s: %w", rec.ID, b, err)
			}
			out = append(out, r)
		}
		if after = found.Next; after == "" {
			return out, nil
		}
	}
}

// RevsAbove is what the revisions of a branch are above that were given since its last restore, but for the first of a
// document; 0 if it was never restored. What a restore took away gave revisions too, which phones still name: they are
// all below, whatever was lost, and also where one backup is restored twice. A record cannot be written 2^20 times in
// a second.
func RevsAbove(restores []Restored) (rev uint64) {
	for _, r := range restores {
		rev = max(rev, r.revsAbove())
	}
	return rev
}

// maxRevsAbove keeps revisions below 2^53, which JSON's readers keep exactly.
const maxRevsAbove = 1 << 52

func (r *Restore) revsAbove() uint64 {
	return uint64(min(max(0, r.At.Unix()), maxRevsAbove>>20)) << 20
}

// nextRev is the revision after one, in a branch whose new revisions are above a number.
func nextRev(rev, above uint64) uint64 {
	if rev == 0 {
		return 1 // a document that is made again after a restore says what it said
	}
	return max(rev, above) + 1
}

// EpochAfter is the epoch that a branch is in after its restores.
func EpochAfter(restores []Restored) string {
	if len(restores) == 0 {
		return FirstEpoch
	}
	return restores[len(restores)-1].Epoch
}

// BeginEpoch appends a restore to a branch's journal, before anything else is. It fills in Before, Size, Root and
// Visits. command makes it one entry however often it is called.
func (j *Journal) BeginEpoch(ctx context.Context, b auth.BranchID, command string, r Restore) error {
	had, err := Restores(ctx, j.store, b)
	if err != nil {
		return err
	}
	h, err := j.Head(ctx, b)
	if err != nil {
		return err
	}
	r.Before, r.Size, r.Root, r.Visits = EpochAfter(had), h.Size, h.RootText(), h.Numbered.Of(NumberedType)
	state, err := json.Marshal(r)
	if err != nil {
		return err
	}
	id := fmt.Sprintf("%06d", len(had)+1)
	outs, err := j.Do(ctx, b, []Command{{ID: command, Actor: auth.System().User, Decide: func(ctx context.Context,
		read *Reader) (Draft, error) {
		if _, _, err := read.Doc(ctx, RestoreType, id); err != nil {
			return Draft{}, err
		}
		d := Draft{Action: "log.restored", Receipt: json.RawMessage(`{}`)}
		d.Put(RestoreType, id, state)
		return d, nil
	}}})
	if err != nil {
		return err
	}
	if outs[0].Err != nil {
		return outs[0].Err
	}
	c, err := j.committer(ctx, b)
	if err != nil {
		return err
	}
	return c.restores(ctx)
}
