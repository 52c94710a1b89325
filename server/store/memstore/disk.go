package memstore

import (
	"maps"
	"slices"
	"sync"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Disk is what is durable. Several Stores may work on one Disk, as nodes on one database. It is safe for concurrent
// use.
type Disk struct {
	mu       sync.Mutex
	pages    map[auth.BranchID][]storedPage
	gens     map[auth.BranchID][]journal.Generation
	records  map[place]map[journal.DocRef]row
	feeds    map[place]map[feedRef]journal.FeedEntry
	receipts map[place]map[string]journal.Receipt
	smalls   map[string]map[string]journal.SmallDoc
	keys     map[string][]byte // empty and not nil: destroyed
	frames   map[string][][]byte
}

// place names a generation of a view.
type place struct {
	branch auth.BranchID
	gen    uint64
}

// row is a document, and its values in each declared index that holds it.
type row struct {
	journal.Record
	found map[string][]any
}

type feedRef struct {
	feed journal.Feed
	journal.DocRef
}

// storedPage is a page's bytes and what is kept beside them.
type storedPage struct {
	first, last uint64
	id          string
	body        []byte
}

func (p *storedPage) read(b auth.BranchID) (*journal.Page, error) {
	return journal.ReadPage(b, p.first, p.last, slices.Clone(p.body))
}

// NewDisk makes an empty one.
func NewDisk() *Disk {
	return &Disk{pages: map[auth.BranchID][]storedPage{}, gens: map[auth.BranchID][]journal.Generation{},
		records: map[place]map[journal.DocRef]row{}, feeds: map[place]map[feedRef]journal.FeedEntry{},
		receipts: map[place]map[string]journal.Receipt{}, smalls: map[string]map[string]journal.SmallDoc{},
		keys: map[string][]byte{}, frames: map[string][][]byte{}}
}

// Copy copies all that is durable at one moment, as a backup does.
func (d *Disk) Copy() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := NewDisk()
	for b, pages := range d.pages {
		c.pages[b] = slices.Clone(pages)
	}
	for b, gens := range d.gens {
		c.gens[b] = slices.Clone(gens)
	}
	copyMaps(c.records, d.records)
	copyMaps(c.feeds, d.feeds)
	copyMaps(c.receipts, d.receipts)
	copyMaps(c.smalls, d.smalls)
	maps.Copy(c.keys, d.keys)
	for blob, frames := range d.frames {
		c.frames[blob] = slices.Clone(frames)
	}
	return c
}

func copyMaps[K, L comparable, V any](to, from map[K]map[L]V) {
	for k, m := range from {
		to[k] = maps.Clone(m)
	}
}

// inner gives the map of a key, and makes it if it is not there.
func inner[K, L comparable, V any](m map[K]map[L]V, k K) map[L]V {
	if m[k] == nil {
		m[k] = map[L]V{}
	}
	return m[k]
}

// readable is the place that a view is read from; no row is kept at it when there is none.
func (d *Disk) readable(b auth.BranchID, view string) place {
	g, _ := journal.Readable(d.gens[b], view)
	return place{b, g.Gen}
}

// generation finds a generation by its number; nil when it is not there.
func (d *Disk) generation(b auth.BranchID, gen uint64) *journal.Generation {
	for i := range d.gens[b] {
		if d.gens[b][i].Gen == gen {
			return &d.gens[b][i]
		}
	}
	return nil
}

// pageOf finds the page that holds an entry; nil when there is none.
func (d *Disk) pageOf(b auth.BranchID, n uint64) *storedPage {
	pages := d.pages[b]
	i, _ := slices.BinarySearchFunc(pages, n, func(p storedPage, n uint64) int {
		switch {
		case p.last < n:
			return -1
		case p.first > n:
			return 1
		}
		return 0
	})
	if i < len(pages) && pages[i].first <= n && n <= pages[i].last {
		return &pages[i]
	}
	return nil
}
