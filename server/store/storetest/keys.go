package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"doorstep/sync/journal"
)

// keyStore is what an engine keeps debtors' keys by (seal.Keys).
type keyStore interface {
	Keys(ctx context.Context, ids []string) ([][]byte, error)
	InsertKeys(ctx context.Context, ids []string, wrapped [][]byte) ([]bool, error)
	DestroyKey(ctx context.Context, id string) error
}

func keysOf(t *testing.T, s journal.Store) keyStore {
	t.Helper()
	k, ok := s.(keyStore)
	if !ok {
		t.Fatalf("%T keeps no keys", s)
	}
	return k
}

func debtorsKeys(t *testing.T, s journal.Store) {
	ctx, k := context.Background(), keysOf(t, s)
	var ids []string
	var wrapped [][]byte
	for i := range 1203 {
		ids = append(ids, fmt.Sprintf("%04d", i*7%1203))
		wrapped = append(wrapped, fmt.Appendf(nil, "wrapped %d", i))
	}
	inserted, err := k.InsertKeys(ctx, ids[:3], [][]byte{[]byte("mine 0"), []byte("mine 1"), []byte("mine 2")})
	check(t, err)
	equal(t, "three new ones", fmt.Sprint(inserted), "[true true true]")
	check(t, k.DestroyKey(ctx, ids[1]))
	check(t, k.DestroyKey(ctx, "never made"))
	check(t, k.DestroyKey(ctx, ids[1])) // again is harmless
	inserted, err = k.InsertKeys(ctx, append([]string{"never made"}, ids...), append([][]byte{[]byte("x")}, wrapped...))
	check(t, err)
	for i, ok := range inserted {
		equal(t, fmt.Sprintf("inserted %d", i), ok, i > 3)
	}
	got, err := k.Keys(ctx, append([]string{"absent", "never made", ids[2], ids[2]}, ids...))
	check(t, err)
	equal(t, "an absent one", got[0] == nil, true)
	equal(t, "one destroyed before it was made", got[1] != nil && len(got[1]) == 0, true)
	equal(t, "asked twice", string(got[2])+string(got[3]), "mine 2mine 2")
	equal(t, "left alone", string(got[4]), "mine 0")
	equal(t, "a destroyed one", got[5] != nil && len(got[5]) == 0, true)
	equal(t, "the last", string(got[len(got)-1]), "wrapped 1202")
}

// aDestroyedKeyStaysDestroyed lets makers and a destroyer of one key race.
func aDestroyedKeyStaysDestroyed(t *testing.T, s journal.Store) {
	ctx, k := context.Background(), keysOf(t, s)
	for round := range 20 {
		id := fmt.Sprintf("raced %d", round)
		var all sync.WaitGroup
		for maker := range 3 {
			all.Go(func() {
				if _, err := k.InsertKeys(ctx, []string{id}, [][]byte{fmt.Appendf(nil, "of maker %d", maker)}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Go(func() {
			if err := k.DestroyKey(ctx, id); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		if got, err := k.Keys(ctx, []string{id}); err != nil || got[0] == nil || len(got[0]) > 0 {
			t.Fatalf("round %d: the destroyed key reads %q, %v", round, got, err)
		}
	}
}
