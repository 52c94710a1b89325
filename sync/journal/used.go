package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// KeepKeys is how long a caller's key is refused for another request in every branch. Within the branch where it was
// used first it is refused for ever, as the journal keeps it.
const KeepKeys = 30 * 24 * time.Hour

// keyKind is the kind of the small documents of callers' keys; their ids are those of the commands.
const keyKind = "key"

// usedKey is what a key was used for.
type usedKey struct {
	Payload []byte    `json:"payload"`
	At      time.Time `json:"at"`
}

// over tells whether a key may be forgotten.
func (k usedKey) over(now time.Time) bool { return now.After(k.At.Add(KeepKeys)) }

// ClaimKey has a command id stand for one request in all branches: by HTTPCommand, of a user and their Idempotency-Key.
// The same request may claim it again. A caller whose request was refused gives it back by release, which does nothing
// for who was not the first to claim it. Errors: ErrReused; the store's.
func ClaimKey(ctx context.Context, s Store, command string, payload [32]byte, now time.Time) (
	release func(context.Context) error, err error) {
	for {
		body, version, err := s.Small(ctx, keyKind, command)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("read a key: %w", err)
		}
		var was usedKey
		if err == nil {
			if err := json.Unmarshal(body, &was); err != nil {
				return nil, fmt.Errorf("read a key: %w", err)
			}
			if !was.over(now) && [32]byte(was.Payload) != payload {
				return nil, ErrReused
			}
			if !was.over(now) {
				return func(context.Context) error { return nil }, nil
			}
		}
		next, err := json.Marshal(usedKey{payload[:], now.UTC()})
		if err != nil {
			return nil, err
		}
		if err := s.SwapSmall(ctx, keyKind, command, version, next); errors.Is(err, ErrRaced) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("keep a key: %w", err)
		}
		return func(ctx context.Context) error {
			err := s.DeleteSmall(ctx, keyKind, command, version+1)
			if errors.Is(err, ErrRaced) || errors.Is(err, ErrNotFound) {
				return nil
			}
			return err
		}, nil
	}
}

// SweepKeys deletes the keys that may be forgotten.
func SweepKeys(ctx context.Context, s Store, now time.Time) error {
	return SweepSmall(ctx, s, keyKind, func(body []byte) bool {
		var k usedKey
		return json.Unmarshal(body, &k) == nil && k.over(now)
	})
}

// sweepPage is how many small documents are read at once.
const sweepPage = 500

// SweepSmall deletes the small documents of a kind that are over. One that another writer changes meanwhile stays.
func SweepSmall(ctx context.Context, s Store, kind string, over func(body []byte) bool) error {
	for after := ""; ; {
		ids, err := s.ListSmall(ctx, kind, "", after, sweepPage)
		if err != nil || len(ids) == 0 {
			return err
		}
		docs, err := s.Smalls(ctx, kind, ids)
		if err != nil {
			return err
		}
		for _, d := range docs {
			if d.Body == nil || !over(d.Body) {
				continue
			}
			err := s.DeleteSmall(ctx, kind, d.ID, d.Version)
			if err != nil && !errors.Is(err, ErrRaced) && !errors.Is(err, ErrNotFound) {
				return fmt.Errorf("sweep %s: %w", kind, err)
			}
		}
		after = ids[len(ids)-1]
	}
}
