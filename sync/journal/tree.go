package journal

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/bits"

	"doorstep/auth"

	"golang.org/x/mod/sumdb/tlog"
)

// Edge is the right edge of a Merkle tree (RFC 6962): the roots of its maximal
// complete subtrees from left to right, one for each set bit of the size. A leaf
// is added with nothing but the edge in hand.
type Edge struct {
	Size   uint64
	Hashes []tlog.Hash
}

// Add appends a leaf.
func (e *Edge) Add(leaf tlog.Hash) {
	e.Hashes = append(e.Hashes, leaf)
	// Every trailing one of the old size is a complete subtree the leaf closes.
	for range bits.TrailingZeros64(e.Size + 1) {
		last := len(e.Hashes) - 1
		e.Hashes[last-1] = tlog.NodeHash(e.Hashes[last-1], e.Hashes[last])
		e.Hashes = e.Hashes[:last]
	}
	e.Size++
}

// Root is the tree's root hash; the empty tree's is the hash of nothing.
func (e *Edge) Root() tlog.Hash {
	if len(e.Hashes) == 0 {
		root, _ := tlog.TreeHash(0, nil) // the empty tree reads no hashes
		return root
	}
	root := e.Hashes[len(e.Hashes)-1]
	for i := len(e.Hashes) - 2; i >= 0; i-- {
		root = tlog.NodeHash(e.Hashes[i], root)
	}
	return root
}

// Clone copies the edge, so that adding to one leaves the other.
func (e *Edge) Clone() Edge {
	return Edge{Size: e.Size, Hashes: append([]tlog.Hash(nil), e.Hashes...)}
}

// EdgeBefore is the tree's right edge before the page's first entry.
func (p *Page) EdgeBefore() Edge {
	return Edge{Size: p.First - 1, Hashes: append([]tlog.Hash(nil), p.Edge...)}
}

// EdgeAfter is the tree's right edge after the page's last entry.
func (p *Page) EdgeAfter() Edge {
	e := p.EdgeBefore()
	for _, l := range p.Leaves {
		e.Add(l)
	}
	return e
}

// Head is a branch's tree at its watermark.
type Head struct {
	Size uint64
	Root tlog.Hash
	// Numbered is how many documents of the numbered types the tree holds.
	Numbered Counts
}

// RootText is the root in base64.
func (h Head) RootText() string { return base64.StdEncoding.EncodeToString(h.Root[:]) }

// Head reads the head of a branch's tree at its watermark.
func (j *Journal) Head(ctx context.Context, b auth.BranchID) (Head, error) {
	w, err := j.store.Watermark(ctx, b)
	if err != nil {
		return Head{}, err
	}
	if w == 0 {
		return Head{Root: (&Edge{}).Root()}, nil
	}
	p, err := j.store.PageOf(ctx, b, w)
	if err != nil {
		return Head{}, fmt.Errorf("read page of entry %d: %w", w, err)
	}
	// A watermark is the end of a page.
	e := p.EdgeAfter()
	return Head{Size: e.Size, Root: e.Root(), Numbered: p.Numbered.Plus(p.NumberedIn)}, nil
}
