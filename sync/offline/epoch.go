package offline

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Epoch names one unbroken run of a branch's feed numbers. Cursors of another
// epoch are worthless: the phone starts again from 0.
type Epoch struct {
	Name string `json:"name"`
	Base uint64 `json:"base"`
}

// epochKind is the kind of the small documents that hold the epochs of branches.
const epochKind = "epoch"

// EpochOf names the unbroken run of a branch's numbers: a restore of a backup begins another.
func (s *Service) EpochOf(ctx context.Context, b auth.BranchID) (string, error) {
	e, err := s.epoch(ctx, b)
	return e.Name, err
}

// epoch reads the branch's epoch, and draws the first one when there is none.
func (s *Service) epoch(ctx context.Context, b auth.BranchID) (Epoch, error) {
	if e, ok := s.epochs.Load(b); ok {
		return e.(Epoch), nil
	}
	var e Epoch
	for {
		body, _, err := s.store.Small(ctx, epochKind, string(b))
		if errors.Is(err, journal.ErrNotFound) {
			base, err := s.firstBase(ctx)
			if err != nil {
				return Epoch{}, fmt.Errorf("draw epoch of %s: %w", b, err)
			}
			first, err := json.Marshal(Epoch{Name: newEpochName(), Base: base})
			if err != nil {
				return Epoch{}, err
			}
			if err := s.store.SwapSmall(ctx, epochKind, string(b), 0, first); err != nil && !errors.Is(err, journal.ErrRaced) {
				return Epoch{}, fmt.Errorf("draw epoch of %s: %w", b, err)
			}
			continue // read what was stored, by whichever node
		}
		if err != nil {
			return Epoch{}, fmt.Errorf("read epoch of %s: %w", b, err)
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return Epoch{}, fmt.Errorf("read epoch of %s: %w", b, err)
		}
		s.epochs.Store(b, e)
		return e, nil
	}
}

// firstBase is where the feeds of a branch begin that has no epoch yet. It may be one that a restore of an older backup
// has taken away, and phones know higher numbers: so it is where the organisation's would begin, which every restore
// raises.
func (s *Service) firstBase(ctx context.Context) (uint64, error) {
	body, _, err := s.store.Small(ctx, epochKind, string(auth.OrgBranch))
	if errors.Is(err, journal.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var e Epoch
	err = json.Unmarshal(body, &e)
	return e.Base, err
}

// epochStep is by how much the numbers of a restored branch's feeds begin higher: more than what any journal can have
// reached after the backup, at 1024 numbers an entry.
const epochStep = 1 << 40

// maxCursor is the first number that a cursor cannot have: JSON's readers keep whole numbers below it exactly.
const maxCursor = 1 << 53

// Next is the epoch of a branch after a restore of a backup in which its journal has w entries. Its numbers begin
// above all that were given in this one. A branch can be restored 8,191 times; then there are no numbers left below
// 2^53, and the error says so.
func (e Epoch) Next(name string, w uint64) (Epoch, error) {
	steps := 1 + journal.SeqTop(0, w)/epochStep
	if steps >= maxCursor/epochStep || e.Base > maxCursor-(steps+1)*epochStep {
		return Epoch{}, fmt.Errorf("its feeds begin at %d and have no numbers left for another epoch below 2^53", e.Base)
	}
	return Epoch{Name: name, Base: e.Base + steps*epochStep}, nil
}

// newEpochName draws the name of an epoch.
func newEpochName() string { return "e" + strings.ToLower(rand.Text()[:10]) }

// BeginEpoch begins another epoch of a branch's feeds after a restore (J13), and returns its name. It is for a store
// that no server has open: they remember epochs.
func BeginEpoch(ctx context.Context, store journal.Store, b auth.BranchID) (name string, err error) {
	var e Epoch
	body, version, err := store.Small(ctx, epochKind, string(b))
	if err == nil {
		err = json.Unmarshal(body, &e)
	} else if errors.Is(err, journal.ErrNotFound) {
		err = nil // no phone has pulled of it as far as the backup knows
	}
	if err != nil {
		return "", fmt.Errorf("read epoch of %s: %w", b, err)
	}
	w, err := store.Watermark(ctx, b)
	if err != nil {
		return "", err
	}
	next, err := e.Next(newEpochName(), w)
	if err != nil {
		return "", fmt.Errorf("branch %s: %w", b, err)
	}
	if body, err = json.Marshal(next); err != nil {
		return "", err
	}
	if err := store.SwapSmall(ctx, epochKind, string(b), version, body); err != nil {
		return "", fmt.Errorf("begin an epoch of %s: %w", b, err)
	}
	return next.Name, nil
}
