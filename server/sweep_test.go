package server

import (
	"context"
	"errors"
	"testing"
	"time"

	"doorstep/sync/journal"
)

// A key is another request's until KeepKeys have passed, and is swept then; only who claimed it first gives it back.
func TestKeysAreKeptForAMonth(t *testing.T) {
	ctx, s := context.Background(), emptyStore(t)
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	claim := func(key string, payload byte, now time.Time) (func(context.Context) error, error) {
		return journal.ClaimKey(ctx, s, key, [32]byte{payload}, now)
	}
	first, err := claim("a", 1, at)
	ok(t, err)
	again, err := claim("a", 1, at.Add(time.Hour))
	ok(t, err)
	ok(t, again(ctx))
	if _, err := claim("a", 2, at); !errors.Is(err, journal.ErrReused) {
		t.Errorf("another request: %v", err)
	}
	ok(t, first(ctx))
	second, err := claim("a", 2, at)
	ok(t, err)
	if _, err := claim("a", 3, at.Add(journal.KeepKeys)); !errors.Is(err, journal.ErrReused) {
		t.Errorf("after a month less a moment: %v", err)
	}
	_, err = claim("b", 1, at.Add(time.Hour))
	ok(t, err)
	_, err = claim("a", 3, at.Add(journal.KeepKeys+time.Second))
	ok(t, err)
	ok(t, second(ctx)) // it is another's now
	ok(t, journal.SweepKeys(ctx, s, at.Add(journal.KeepKeys+2*time.Hour)))
	ids, err := s.ListSmall(ctx, "key", "", "", 10)
	if ok(t, err); len(ids) != 1 || ids[0] != "a" {
		t.Errorf("after the sweep there are %v", ids)
	}
}
