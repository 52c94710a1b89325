package audit

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"doorstep/auth"
	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// pageStore is a store that holds pages of several sizes and the view of their tiles, and
// counts which pages are read. It has only the methods that tiles need.
type pageStore struct {
	journal.Store
	pages []*journal.Page
	tiles map[string]journal.Record
	gen   []journal.Generation
	reads map[uint64]int // of each page, by its first entry
	docs  int            // tiles read
}

func newPageStore(leaves int, per ...int) *pageStore {
	s := &pageStore{tiles: map[string]journal.Record{}, reads: map[uint64]int{}}
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

func (s *pageStore) Watermark(context.Context, auth.BranchID) (uint64, error) {
	return s.pages[len(s.pages)-1].Last, nil
}

func (s *pageStore) Generations(context.Context, auth.BranchID) ([]journal.Generation, error) {
	return slices.Clone(s.gen), nil
}

func (s *pageStore) AddGeneration(_ context.Context, _ auth.BranchID, view string) (journal.Generation, error) {
	s.gen = []journal.Generation{{View: view, Gen: 1, State: journal.Filling}}
	return s.gen[0], nil
}

func (s *pageStore) Switch(context.Context, auth.BranchID, uint64) error {
	s.gen[0].State = journal.Live
	return nil
}

func (s *pageStore) Fill(_ context.Context, _ auth.BranchID, _, _, upTo uint64, v journal.ViewWrites) error {
	for _, r := range v.Records {
		s.tiles[r.ID] = r
	}
	s.gen[0].W = upTo
	return nil
}

func (s *pageStore) Records(_ context.Context, _ auth.BranchID, refs []journal.DocRef) ([]journal.Record, error) {
	out := make([]journal.Record, len(refs))
	s.docs += len(refs)
	for i, ref := range refs {
		out[i] = s.tiles[ref.ID]
	}
	return out, nil
}

func (s *pageStore) RecordsOf(
	ctx context.Context, b auth.BranchID, _ uint64, refs []journal.DocRef,
) ([]journal.Record, error) {
	return s.Records(ctx, b, refs)
}

// keep applies the view up to the end of the journal.
func (s *pageStore) keep(t *testing.T) {
	t.Helper()
	if err := journal.NewViews(journal.Open(s, journal.Options{}), Tiles()).CatchUp(context.Background(), "b",
		tilesView); err != nil {
		t.Fatal(err)
	}
}

// most returns the highest number of reads of one page.
func (s *pageStore) most() (most int) {
	for _, n := range s.reads {
		most = max(most, n)
	}
	clear(s.reads)
	return most
}

// stored is the tree in tlog's own layout, hash after hash.
type stored []tlog.Hash

func (s stored) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		out[i] = s[x]
	}
	return out, nil
}

// TestTilesOfThreeLevels compares subtrees of a tree of more than 256 × 256 leaves with those that tlog makes.
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
	store.keep(t)
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
	}
	// 259 full tiles of leaves have two tiles above them, one full and one of three hashes, and those have one.
	if n := len(store.tiles); n != 259+2+1 {
		t.Errorf("%d tiles are stored, want 262", n)
	}
	if len(known.kept) > tilesKept {
		t.Errorf("%d tiles in memory, at most %d may be", len(known.kept), tilesKept)
	}
}

// TestTilesOfANodeThatIsBehind applies entries again that another node has applied already, and went on.
func TestTilesOfANodeThatIsBehind(t *testing.T) {
	store := newPageStore(256*5, 300)
	store.keep(t)
	want := maps.Clone(store.tiles)
	store.gen[0].W = 256 * 2
	store.keep(t)
	if !reflect.DeepEqual(store.tiles, want) {
		t.Error("tiles that are applied again are others")
	}
}

// TestProofsReadTilesAndTheLastPages checks that a proof of any entry reads only those
// pages of the journal that follow the last full tile, and one tile of each level, even the first proof after a start.
func TestProofsReadTilesAndTheLastPages(t *testing.T) {
	for _, per := range []int{2000, 200, 7, 1} {
		ctx := context.Background()
		const size = 256*40 + 100
		store := newPageStore(size, per)
		store.keep(t)
		clear(store.reads)
		for n := uint64(40); n <= size; n += 400 {
			tr := &tree{tiles: newTiles(), store: store, branch: "b", size: size}
			store.docs = 0
			if _, err := tr.include(ctx, n); err != nil {
				t.Fatal(err)
			}
			if store.docs > 3 {
				t.Errorf("pages of %d entries: the proof of entry %d reads %d tiles", per, n, store.docs)
			}
		}
		if len(store.reads) == 0 {
			t.Fatal("no page was read: the count is not at work")
		}
		for first := range store.reads {
			if p, err := store.PageOf(ctx, "b", first); err != nil || p.Last <= 256*40 {
				t.Errorf("pages of %d entries: the page of entries %d to %d was read", per, p.First, p.Last)
			}
		}
	}
}

// TestTheEntriesOfAnExportAreReadOnce checks that an export reads each page once for its entries, and once
// more those after the last full tile.
func TestTheEntriesOfAnExportAreReadOnce(t *testing.T) {
	ctx := context.Background()
	for _, per := range []int{2000, 200, 7, 1} {
		store := newPageStore(5000, per)
		store.keep(t)
		clear(store.reads)
		tr := &tree{tiles: newTiles(), store: store, branch: "b", size: 5000}
		for n := uint64(40); n <= 5000; n += 40 {
			if raw, err := tr.entry(ctx, n); err != nil || string(raw) != fmt.Sprintf("entry %d", n) {
				t.Fatalf("entry %d: %q, %v", n, raw, err)
			}
			if _, err := tr.include(ctx, n); err != nil {
				t.Fatal(err)
			}
		}
		if most := store.most(); most > 3 {
			t.Errorf("pages of %d entries: an export read one %d times", per, most)
		}
	}
}
