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
			first, err := json.Marshal(Epoch{Name: "e" + strings.ToLower(rand.Text()[:10])})
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
