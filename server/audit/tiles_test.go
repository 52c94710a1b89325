package audit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"doorstep/auth"
	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// pageStore is a journal of nothing but leaves, in pages of a few sizes, that
// counts what is read. What it does not have, the tiles do not need.
type pageStore struct {
	journal.Store
	pages  []*journal.Page
	small  map[string][]byte
	reads  map[uint64]int // of each page, by its first entry
	writes int            // calls
}

func newPageStore(leaves int, per ...int) *pageStore {
	s := &pageStore{small: map[string][]byte{}, reads: map[uint64]int{}}
	for n := 1; n <= leaves; {
		p := &journal.Page{First: uint64(n)}
		for range min(per[len(s.pages)%len(per)], leaves-n+1) {
			raw := fmt.Appendf(nil, "entry %d", n)
			p.Entries, p.Leaves = append(p.Entries, raw), append(p.Leaves, tlog.RecordHash(raw))
			n++
		}
		p.Last = uint64(n - 1)
		s.pages = append(s.pages, p)
	}
	return s
}

func (s *pageStore) Pages(_ context.Context, _ auth.BranchID, after uint64, limit int) (out []*journal.Page, _ error) {
	for _, p := range s.pages {
		if p.Last > after && len(out) < limit {
			out = append(out, p)
			s.reads[p.First]++
		}
	}
	return out, nil
}

func (s *pageStore) PageOf(_ context.Context, _ auth.BranchID, n uint64) (*journal.Page, error) {
	for _, p := range s.pages {
		if p.First <= n && n <= p.Last {
			s.reads[p.First]++
			return p, nil
		}
	}
	return nil, journal.ErrNotFound
}

func (s *pageStore) Small(_ context.Context, _, id string) ([]byte, uint64, error) {
	if b, ok := s.small[id]; ok {
		return b, 1, nil
	}
	return nil, 0, journal.ErrNotFound
}

func (s *pageStore) InsertSmalls(_ context.Context, _ string, ids []string, bodies [][]byte) ([]bool, error) {
	s.writes++
	for i, id := range ids {
		s.small[id] = bodies[i]
	}
	return make([]bool, len(ids)), nil
}

// most is how often the page that was read most often was read.
func (s *pageStore) most() (most int) {
	for _, n := range s.reads {
		most = max(most, n)
	}
	clear(s.reads)
	return most
}

// stored is the tree as tlog keeps it, hash after hash.
type stored []tlog.Hash

func (s stored) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		out[i] = s[x]
	}
	return out, nil
}

// TestTilesOfThreeLevels compares every kind of subtree of a tree of more than 256 × 256 leaves with the one tlog makes.
func TestTilesOfThreeLevels(t *testing.T) {
	const leaves = 256*256 + 256*3 + 77
	ctx := context.Background()
	store := newPageStore(leaves, 2000, 1, 300)
	var all stored
	for _, p := range store.pages {
		for i, leaf := range p.Leaves {
			add, err := tlog.StoredHashesForRecordHash(int64(p.First)-1+int64(i), leaf, all)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, add...)
		}
	}
	known := newTiles()
	for round, size := range []uint64{100, 256, 60_000, 65_536, leaves} {
		tr := &tree{tiles: known, store: store, branch: "b", size: size}
		for range 3000 {
			level := rand.IntN(18)
			if size>>level == 0 {
				continue
			}
			n := rand.Uint64N(size >> level)
			got, err := tr.hash(ctx, level, n)
			if err != nil {
				t.Fatal(err)
			}
			if want := all[tlog.StoredHashIndex(level, int64(n))]; got != want {
				t.Fatalf("round %d: subtree %d at level %d of %d leaves is %v, want %v", round, n, level, size, got, want)
			}
		}
		for level := range 18 {
			if _, err := tr.hash(ctx, level, size>>level); err == nil {
				t.Fatalf("the tree of %d leaves gives a subtree %d at level %d that it does not have", size, size>>level, level)
			}
		}
		if err := tr.flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(store.small); n != 256+3+1 {
		t.Errorf("%d tiles are stored, want the 260 full ones", n)
	}
	if len(known.kept) > tilesKept {
		t.Errorf("%d tiles in memory, at most %d may be", len(known.kept), tilesKept)
	}
}

// TestAPageIsReadOnce: proving and showing many entries of a large journal reads
// each page once for the tiles, the first time, and once for the entries.
func TestAPageIsReadOnce(t *testing.T) {
	for _, per := range []int{2000, 200, 7, 1} {
		ctx := context.Background()
		store := newPageStore(5000, per)
		known := newTiles()
		export := func() {
			tr := &tree{tiles: known, store: store, branch: "b", size: 5000}
			for n := uint64(40); n <= 5000; n += 40 {
				if raw, err := tr.entry(ctx, n); err != nil || string(raw) != fmt.Sprintf("entry %d", n) {
					t.Fatalf("entry %d: %q, %v", n, raw, err)
				}
				if _, err := tr.include(ctx, n); err != nil {
					t.Fatal(err)
				}
			}
			if err := tr.flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
		export()
		if most := store.most(); most > 3 || store.writes != 1 {
			t.Errorf("pages of %d entries: the first export read one %d times, and stored tiles %d times", per, most, store.writes)
		}
		export()
		if most := store.most(); most > 1 || store.writes != 1 {
			t.Errorf("pages of %d entries: the second export read one %d times, and stored tiles %d times", per, most, store.writes)
		}
		known = newTiles()
		export()
		if most := store.most(); most > 2 || store.writes != 1 {
			t.Errorf("pages of %d entries: the export after a restart read one %d times, and stored tiles %d times", per, most, store.writes)
		}
	}
}
