package audit

import (
	"context"
	"fmt"
	"sync"

	"doorstep/auth"
	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	tilesKept  = 512 // in memory: 16 KiB each
)

// tiles caches the hashes of all branches' trees in tiles of 256. It is safe for
// concurrent use.
type tiles struct {
	mu   sync.Mutex
	kept map[tileID]*tile
}

type tileID struct {
	branch auth.BranchID
	level  int    // 0: leaves, 1: roots of 256 leaves, …
	n      uint64 // from the left
}

func (id tileID) String() string { return fmt.Sprintf("%s/%d/%d", id.branch, id.level, id.n) }

// tile holds a row of hashes and the hashes above them: row i holds the roots of 2^i
// hashes each. A tile is never modified; as a tree grows, a longer tile replaces its last
// one.
type tile struct {
	rows [tileHeight + 1][]tlog.Hash
}

// newTile makes a tile of a row. If old is not nil, the row begins with the hashes of old's row.
func newTile(old *tile, row []tlog.Hash) *tile {
	t := &tile{}
	t.rows[0] = row
	for i := 1; i <= tileHeight; i++ {
		below := t.rows[i-1]
		up := make([]tlog.Hash, 0, len(below)/2)
		if old != nil {
			up = append(up, old.rows[i]...)
		}
		for n := len(up); n < len(below)/2; n++ {
			up = append(up, tlog.NodeHash(below[2*n], below[2*n+1]))
		}
		t.rows[i] = up
	}
	return t
}

func newTiles() *tiles { return &tiles{kept: map[tileID]*tile{}} }

func (t *tiles) find(id tileID) *tile {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept[id]
}

// keep caches a tile, unless the cache already holds a longer one.
func (t *tiles) keep(id tileID, x *tile) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, there := t.kept[id]
	if there && len(old.rows[0]) >= len(x.rows[0]) {
		return
	}
	if !there && len(t.kept) >= tilesKept {
		var out tileID
		for out = range t.kept {
			if out.level == 0 {
				break // the tiles of higher levels serve more proofs
			}
		}
		delete(t.kept, out)
	}
	t.kept[id] = x
}

// tree reads the tree of a branch as it was at a size. One request uses it at a time.
type tree struct {
	tiles  *tiles
	store  journal.Store
	branch auth.BranchID
	size   uint64
	pages  []*journal.Page // read last, in order
}

// pagesAhead is how many pages are read at once. A page has at most 2 MiB, usually a few kB.
const pagesAhead = 32

// tree returns a branch's tree at a size, after the view of tiles has been applied up to that size.
func (l *Log) tree(ctx context.Context, b auth.BranchID, size uint64) (*tree, error) {
	if err := l.views.CatchUp(ctx, b, tilesView); err != nil {
		return nil, err
	}
	return &tree{tiles: l.tiles, store: l.journal.Store(), branch: b, size: size}, nil
}

// reader returns the tree as a tlog.HashReader.
func (t *tree) reader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, x := range at {
			level, n := tlog.SplitStoredHashIndex(x)
			h, err := t.hash(ctx, level, uint64(n))
			if err != nil {
				return nil, err
			}
			out[i] = h
		}
		return out, nil
	})
}

// hash returns the root of the complete subtree number n over 2^level leaves.
func (t *tree) hash(ctx context.Context, level int, n uint64) (tlog.Hash, error) {
	if (n+1)<<level > t.size {
		return tlog.Hash{}, fmt.Errorf("audit: the tree of %d leaves has no complete subtree %d at level %d",
			t.size, n, level)
	}
	low := level % tileHeight
	id := tileID{t.branch, level / tileHeight, n << low >> tileHeight}
	x, err := t.tile(ctx, id)
	if err != nil {
		return tlog.Hash{}, err
	}
	row, at := x.rows[low], n&(tileWidth>>low-1)
	if at >= uint64(len(row)) {
		return tlog.Hash{}, fmt.Errorf("audit: tile %s holds %d hashes, too few", id, len(x.rows[0]))
	}
	return row[at], nil
}

// tile returns a tile from the cache, or else reads or makes it. It is at least as long as the tree's size needs.
func (t *tree) tile(ctx context.Context, id tileID) (*tile, error) {
	first := id.n << tileHeight
	to := min(first+tileWidth, t.size>>(tileHeight*id.level))
	had := t.tiles.find(id)
	if had != nil && first+uint64(len(had.rows[0])) >= to {
		return had, nil
	}
	var row []tlog.Hash
	var err error
	if id.level == 0 && to < first+tileWidth {
		row, err = t.lastLeaves(ctx, had, first, to)
	} else {
		row, err = t.read(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	if first+uint64(len(row)) < to {
		return nil, fmt.Errorf("tile %s has %d hashes, too few; run doorstep rebuild --view %s", id, len(row), tilesView)
	}
	x := newTile(had, row)
	t.tiles.keep(id, x)
	return x, nil
}

// read reads a tile's row from the view.
func (t *tree) read(ctx context.Context, id tileID) ([]tlog.Hash, error) {
	docs, err := t.store.Records(ctx, t.branch, []journal.DocRef{{Type: tilesView, ID: tileDoc(id.level, id.n)}})
	if err != nil {
		return nil, fmt.Errorf("read tile %s: %w", id, err)
	}
	if docs[0].Type == "" {
		return nil, fmt.Errorf("tile %s is missing; run doorstep rebuild --view %s", id, tilesView)
	}
	row, err := decodeTile(docs[0].Body)
	if err != nil {
		return nil, fmt.Errorf("tile %s: %w; run doorstep rebuild --view %s", id, err, tilesView)
	}
	return row, nil
}

// lastLeaves makes the row of the last tile of leaves, which is not full: its hashes are those numbered first to to-1.
func (t *tree) lastLeaves(ctx context.Context, had *tile, first, to uint64) ([]tlog.Hash, error) {
	row := make([]tlog.Hash, 0, to-first)
	if had != nil {
		row = append(row, had.rows[0]...)
	}
	for n := first + uint64(len(row)); n < to; n++ {
		leaf, err := t.leaf(ctx, n+1, to)
		if err != nil {
			return nil, err
		}
		row = append(row, leaf)
	}
	return row, nil
}

// leaf returns the record hash of entry n. The caller will ask for the entries up to to next.
func (t *tree) leaf(ctx context.Context, n, to uint64) (tlog.Hash, error) {
	p := t.held(n)
	if p == nil {
		limit := uint64(1)
		if len(t.pages) > 0 {
			// Estimate the number of pages from the size of the last one.
			last := t.pages[len(t.pages)-1]
			limit = min(pagesAhead, (to-n)/(last.Last-last.First+1)+1)
		}
		pages, err := t.store.Pages(ctx, t.branch, n-1, int(limit))
		if err != nil {
			return tlog.Hash{}, fmt.Errorf("read pages of %s: %w", t.branch, err)
		}
		t.pages = pages
		if p = t.held(n); p == nil {
			return tlog.Hash{}, fmt.Errorf("audit: the journal of %s holds no entry %d", t.branch, n)
		}
	}
	return p.Leaves[n-p.First], nil
}

// entry returns the canonical bytes of entry n.
func (t *tree) entry(ctx context.Context, n uint64) ([]byte, error) {
	p := t.held(n)
	if p == nil {
		var err error
		if p, err = t.store.PageOf(ctx, t.branch, n); err != nil {
			return nil, fmt.Errorf("read page of entry %d: %w", n, err)
		}
		t.pages = []*journal.Page{p}
	}
	raw := p.Entries[n-p.First]
	if journal.Leaf(raw) != p.Leaves[n-p.First] {
		return nil, fmt.Errorf("%w: the bytes of entry %d are not those that were hashed", errUnreadable, n)
	}
	return raw, nil
}

// held returns the page of an entry if it is among those read last, or nil.
func (t *tree) held(n uint64) *journal.Page {
	for _, p := range t.pages {
		if p.First <= n && n <= p.Last {
			return p
		}
	}
	return nil
}
