package offline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// opPut is the Op of a record that the device may see.
const opPut = "put"

// knownFloor is a branch's floor as it was a moment ago.
type knownFloor struct {
	entry uint64
	at    time.Time
}

// floorFor is how long a floor is remembered. The sweeper removes nothing below a new
// floor for an hour (journal.Sweeper).
const floorFor = time.Minute

func (s *Service) floor(ctx context.Context, b auth.BranchID) (uint64, error) {
	if f, ok := s.floors.Load(b); ok && time.Since(f.(knownFloor).at) < floorFor {
		return f.(knownFloor).entry, nil
	}
	began := time.Now()
	entry, err := journal.Floor(ctx, s.store, b)
	if err != nil {
		return 0, err
	}
	s.floors.Store(b, knownFloor{entry, began})
	return entry, nil
}

// firstSync is a pull from 0, over all its pages: what was deleted or revoked before it
// began, the device has never had.
type firstSync struct {
	known bool
	W     uint64 // the watermark when it began; as the store counts, without the epoch's base
}

// covers tells whether a feed row was there when the first sync began.
func (f firstSync) covers(seq uint64) bool { return f.known && seq <= journal.SeqTop(0, f.W) }

// firstKind is the kind of the small documents that note devices' first syncs of more
// than one page. A cursor is a number and cannot say where it comes from.
const firstKind = "first_sync"

// firstNote is such a document.
type firstNote struct {
	Epoch string `json:"epoch"`
	W     uint64 `json:"w"`
}

func firstID(c Caller) string { return string(c.Branch) + "/" + string(c.Device) }

// session says whether a cursor belongs to a first sync, and refuses one that is below
// the floor otherwise: rows that it has not seen may be gone (P7). The pages of a first
// sync pass through old numbers, where the floor does not count.
func (s *Service) session(ctx context.Context, c Caller, e Epoch, after uint64) (firstSync, error) {
	// The cursor of a pull that came to its end is the highest number of an entry.
	if after == 0 || after < e.Base || (after-e.Base)%journal.MaxFeedRows == journal.MaxFeedRows-1 {
		return firstSync{}, s.aboveFloor(ctx, c, e, after, firstSync{})
	}
	body, _, err := s.store.Small(ctx, firstKind, firstID(c))
	if errors.Is(err, journal.ErrNotFound) {
		return firstSync{}, s.aboveFloor(ctx, c, e, after, firstSync{})
	}
	var n firstNote
	if err == nil {
		err = json.Unmarshal(body, &n)
	}
	if err != nil {
		return firstSync{}, fmt.Errorf("read the first sync of %s: %w", c.Device, err)
	}
	first := firstSync{known: n.Epoch == e.Name && after <= journal.SeqTop(e.Base, n.W), W: n.W}
	return first, s.aboveFloor(ctx, c, e, after, first)
}

func (s *Service) aboveFloor(ctx context.Context, c Caller, e Epoch, after uint64, first firstSync) error {
	if after == 0 {
		return nil
	}
	floor, err := s.floor(ctx, c.Branch)
	if err != nil || floor == 0 || after >= journal.SeqTop(e.Base, floor) || first.known && first.W >= floor {
		return err
	}
	return cursorGone(e.Name, "the cursor is older than what is kept of deleted records; pull again from 0")
}

// goesOn notes a first sync whose first page is not its last.
func (s *Service) goesOn(ctx context.Context, c Caller, e Epoch, after uint64, first firstSync) error {
	if after != 0 {
		return nil
	}
	body, err := json.Marshal(firstNote{Epoch: e.Name, W: first.W})
	if err != nil {
		return err
	}
	for {
		_, version, err := s.store.Small(ctx, firstKind, firstID(c))
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return err
		}
		if err := s.store.SwapSmall(ctx, firstKind, firstID(c), version, body); !errors.Is(err, journal.ErrRaced) {
			return err
		}
	}
}
