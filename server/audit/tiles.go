package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"doorstep/auth"
	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	tileKind   = "tile"
	tilesKept  = 512 // in memory: 8 KiB each
)

// tiles reads the hashes of a branch's tree, 256 at a time.
type tiles struct {
	store journal.Store
	mu    sync.Mutex
	kept  map[tileID][]tlog.Hash
}

type tileID struct {
	branch auth.BranchID
	level  int    // 0: leaves, 1: roots of 256 leaves, …
	n      uint64 // from the left
}

func newTiles(s journal.Store) *tiles { return &tiles{store: s, kept: map[tileID][]tlog.Hash{}} }

// reader gives tlog what it asks for, from the tree of a size.
func (t *tiles) reader(ctx context.Context, b auth.BranchID, size uint64) tlog.HashReader {
	return tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, x := range at {
			level, n := tlog.SplitStoredHashIndex(x)
			h, err := t.hash(ctx, b, size, level, uint64(n))
			if err != nil {
				return nil, err
			}
			out[i] = h
		}
		return out, nil
	})
}

// hash is the root of the complete subtree number n over 2^level leaves.
func (t *tiles) hash(ctx context.Context, b auth.BranchID, size uint64, level int, n uint64) (tlog.Hash, error) {
	if (n+1)<<level > size {
		return tlog.Hash{}, fmt.Errorf("audit: the tree of %d leaves has no complete subtree %d at level %d", size, n, level)
	}
	low := level % tileHeight
	id := tileID{b, level / tileHeight, n << low >> tileHeight}
	tile, err := t.tile(ctx, size, id)
	if err != nil {
		return tlog.Hash{}, err
	}
	from := n << low & (tileWidth - 1)
	if from+1<<low > uint64(len(tile)) {
		return tlog.Hash{}, fmt.Errorf("audit: tile %d/%d of %s holds %d hashes, too few", id.level, id.n, b, len(tile))
	}
	return subtree(tile[from : from+1<<low]), nil
}

// subtree is the root over a power of two of hashes.
func subtree(h []tlog.Hash) tlog.Hash {
	if len(h) == 1 {
		return h[0]
	}
	return tlog.NodeHash(subtree(h[:len(h)/2]), subtree(h[len(h)/2:]))
}

// tile reads a tile, or makes it. Only full ones are kept.
func (t *tiles) tile(ctx context.Context, size uint64, id tileID) ([]tlog.Hash, error) {
	t.mu.Lock()
	had := t.kept[id]
	t.mu.Unlock()
	if had != nil {
		return had, nil
	}
	key := fmt.Sprintf("%s/%d/%d", id.branch, id.level, id.n)
	full := (id.n+1)<<(tileHeight*(id.level+1)) <= size
	if full {
		body, _, err := t.store.Small(ctx, tileKind, key)
		if err == nil && len(body) == tileWidth*tlog.HashSize {
			tile := make([]tlog.Hash, tileWidth)
			for i := range tile {
				copy(tile[i][:], body[i*tlog.HashSize:])
			}
			t.keep(id, tile)
			return tile, nil
		}
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return nil, err
		}
	}
	tile, err := t.make(ctx, size, id)
	if err != nil || !full {
		return tile, err
	}
	body := make([]byte, 0, tileWidth*tlog.HashSize)
	for _, h := range tile {
		body = append(body, h[:]...)
	}
	if _, err := t.store.InsertSmalls(ctx, tileKind, []string{key}, [][]byte{body}); err != nil {
		return nil, fmt.Errorf("keep tile %s: %w", key, err)
	}
	t.keep(id, tile)
	return tile, nil
}

func (t *tiles) keep(id tileID, tile []tlog.Hash) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for other := range t.kept {
		if len(t.kept) < tilesKept {
			break
		}
		delete(t.kept, other)
	}
	t.kept[id] = tile
}

// make computes a tile as far as the size reaches.
func (t *tiles) make(ctx context.Context, size uint64, id tileID) ([]tlog.Hash, error) {
	first := id.n << tileHeight
	if id.level == 0 {
		return t.leaves(ctx, id.branch, first, min(first+tileWidth, size))
	}
	var tile []tlog.Hash
	level := id.level * tileHeight
	for n := first; n < first+tileWidth && (n+1)<<level <= size; n++ {
		below, err := t.tile(ctx, size, tileID{id.branch, id.level - 1, n})
		if err != nil {
			return nil, err
		}
		tile = append(tile, subtree(below))
	}
	return tile, nil
}

// leaves reads the record hashes of entries from+1 to to.
func (t *tiles) leaves(ctx context.Context, b auth.BranchID, from, to uint64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for next := from; next < to; {
		pages, err := t.store.Pages(ctx, b, next, 8)
		if err != nil {
			return nil, err
		}
		if len(pages) == 0 {
			return nil, fmt.Errorf("audit: the journal of %s ends at %d, before %d", b, next, to)
		}
		for _, p := range pages {
			for i, leaf := range p.Leaves {
				if n := p.First + uint64(i); n > next && n <= to {
					out = append(out, leaf)
				}
			}
			if next = min(p.Last, to); next == to {
				break
			}
		}
	}
	return out, nil
}
