package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doorstep/auth"
)

// KeepTombstones is how long, in journal time, a tombstone and the feed row that leads
// to it are kept (J5): the time between the entry that wrote it and the journal's tail.
const KeepTombstones = 180 * 24 * time.Hour

// floorKind is the kind of the small documents that hold branches' floors.
const floorKind = "floor"

// floor is how far a branch is swept.
type floor struct {
	// Entry: a cursor below it may have missed what is swept.
	Entry uint64 `json:"entry"`
	// At is the journal time up to which entries are below the floor.
	At time.Time `json:"at"`
}

// Floor is the number of the entry up to which tombstones may be gone; 0 for none. A
// phone whose cursor is below it starts again from 0.
func Floor(ctx context.Context, s Store, b auth.BranchID) (uint64, error) {
	f, _, err := readFloor(ctx, s, b)
	return f.Entry, err
}

func readFloor(ctx context.Context, s Store, b auth.BranchID) (f floor, version uint64, err error) {
	body, version, err := s.Small(ctx, floorKind, string(b))
	if errors.Is(err, ErrNotFound) {
		return floor{}, 0, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &f)
	}
	if err != nil {
		return floor{}, 0, fmt.Errorf("read floor of %s: %w", b, err)
	}
	return f, version, nil
}

// raised is where a floor may go: not within KeepTombstones of the tail, and no further
// than real time has passed. A clock that jumps makes the journal's time jump with it,
// for ever; the floor takes as long for the years in between as they would have taken.
func raised(at, tail time.Time, passed time.Duration) time.Time {
	to := tail.Add(-KeepTombstones)
	if most := at.Add(passed); to.After(most) {
		to = most
	}
	if to.Before(at) {
		return at
	}
	return to
}

// Sweeper raises the floors of branches and removes what is below them. It is made once
// for a process and is not safe for concurrent use.
type Sweeper struct {
	store Store
	seen  map[auth.BranchID]sighting
}

// sighting is a floor as this process saw it last.
type sighting struct {
	version uint64
	entry   uint64
	at      time.Time // when this version was seen first, on the monotonic clock
}

// NewSweeper makes a sweeper.
func NewSweeper(s Store) *Sweeper {
	return &Sweeper{store: s, seen: map[auth.BranchID]sighting{}}
}

// Sweep removes what is below the floor that it saw at its last call, then raises the
// floor by at most the real time since this process last saw it move. A pull that knows
// the floor of the last call therefore loses nothing. now must come from time.Now, whose
// monotonic part no clock change touches.
func (w *Sweeper) Sweep(ctx context.Context, b auth.BranchID, now time.Time) (removed int, err error) {
	f, version, err := readFloor(ctx, w.store, b)
	if err != nil {
		return 0, err
	}
	seen, ok := w.seen[b]
	if seen.entry > 0 {
		if removed, err = w.store.Sweep(ctx, b, seen.entry); err != nil {
			return removed, fmt.Errorf("sweep %s: %w", b, err)
		}
	}
	if !ok || seen.version != version {
		// First seen, or another node has raised it: its real time is not ours to count again.
		seen.version, seen.at = version, now
	}
	seen.entry = f.Entry
	w.seen[b] = seen
	tail, err := w.store.Tail(ctx, b)
	if errors.Is(err, ErrNotFound) {
		return removed, nil
	}
	if err != nil {
		return removed, err
	}
	end, err := receivedAt(tail, tail.Last)
	if err != nil {
		return removed, err
	}
	if version == 0 {
		// The floor begins where the journal does.
		first, err := w.store.PageOf(ctx, b, 1)
		if err != nil {
			return removed, err
		}
		if f.At, err = receivedAt(first, 1); err != nil {
			return removed, err
		}
	}
	to := raised(f.At, end, now.Sub(seen.at))
	if version > 0 && !to.After(f.At) {
		return removed, nil
	}
	f.At = to
	if f.Entry, err = lastBefore(ctx, w.store, b, f.Entry, tail.Last, to); err != nil {
		return removed, err
	}
	body, err := json.Marshal(f)
	if err != nil {
		return removed, err
	}
	err = w.store.SwapSmall(ctx, floorKind, string(b), version, body)
	raced := errors.Is(err, ErrRaced)
	if err != nil && !raced {
		return removed, fmt.Errorf("raise floor of %s: %w", b, err)
	}
	// What time has passed is used up, whether this process or another raised it.
	w.seen[b] = sighting{version + 1, seen.entry, now}
	if !raced {
		w.seen[b] = sighting{version + 1, f.Entry, now}
	}
	return removed, nil
}

// lastBefore finds the last entry that was received before a time, of those above from and up to last.
func lastBefore(ctx context.Context, s Store, b auth.BranchID, from, last uint64, at time.Time) (uint64, error) {
	for from < last {
		mid := last - (last-from)/2
		p, err := s.PageOf(ctx, b, mid)
		if err != nil {
			return 0, err
		}
		got, err := receivedAt(p, mid)
		if err != nil {
			return 0, err
		}
		if got.Before(at) {
			from = mid
		} else {
			last = mid - 1
		}
	}
	return from, nil
}

// receivedAt is when an entry of a page was received.
func receivedAt(p *Page, n uint64) (time.Time, error) {
	var e struct {
		Received time.Time `json:"received"`
	}
	err := json.Unmarshal(p.Entries[n-p.First], &e)
	return e.Received, err
}

// sweepEvery is how often a process sweeps.
const sweepEvery = time.Hour

// Run sweeps all branches once an hour until the context ends.
func (w *Sweeper) Run(ctx context.Context, failed func(b auth.BranchID, err error)) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		branches, err := w.store.Branches(ctx)
		if err != nil {
			failed("", err)
		}
		for _, b := range branches {
			if _, err := w.Sweep(ctx, b, time.Now()); err != nil && ctx.Err() == nil {
				failed(b, err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
