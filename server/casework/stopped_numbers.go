package casework

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// stoppedNumbers is the type of the documents of the organisation's journal that say that somebody with a number wants
// no texts: no later case with the number is sent any. Their ids are keyed hashes of numbers: nobody can tell a
// number by them, and only the server that has the key finds them again.
const stoppedNumbers = "stopped_numbers"

type stoppedNumber struct {
	At time.Time `json:"at"`
}

func (s *Service) stoppedID(number string) string {
	h := s.vault.Hash("stopped_number", []byte(number))
	return hex.EncodeToString(h[:])
}

// stopped tells whether somebody with a number said stop. The error is the store's.
func (s *Service) stopped(ctx context.Context, number string) (bool, error) {
	recs, err := s.store.Records(ctx, auth.OrgBranch, []journal.DocRef{{Type: stoppedNumbers, ID: s.stoppedID(number)}})
	if err != nil {
		return false, fmt.Errorf("read whether a number said stop: %w", err)
	}
	return recs[0].Type != "" && !recs[0].Deleted, nil
}

// noteStopped keeps that a number said stop, so that no later case texts it. Saying it again changes nothing.
func (s *Service) noteStopped(ctx context.Context, in Incoming, number string, payload [32]byte) error {
	id := s.stoppedID(number)
	out, err := s.journal.Do(ctx, auth.OrgBranch, []journal.Command{{
		ID: "stopped:" + journal.DerivedID(in.Provider, in.ID), Actor: auth.System().User,
		Payload: payload,
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			if _, there, err := r.Doc(ctx, stoppedNumbers, id); err != nil || there {
				return journal.Draft{}, err
			}
			d := journal.Draft{Action: "number.stop"}
			state, err := json.Marshal(stoppedNumber{At: r.At.UTC().Truncate(time.Second)})
			if err != nil {
				return d, fmt.Errorf("encode a stopped number: %w", err)
			}
			d.Put(stoppedNumbers, id, state)
			return d, nil
		}}})
	if err != nil {
		return fmt.Errorf("note that a number said stop: %w", err)
	}
	return out[0].Err
}
