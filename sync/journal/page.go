package journal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"doorstep/auth"

	"golang.org/x/mod/sumdb/tlog"
)

// Page is one group commit: what one durable write appends to a branch's
// journal. It is never modified once stored (J3).
type Page struct {
	Branch auth.BranchID
	First  uint64 // number of its first entry; with Branch the key it is stored under
	Last   uint64
	ID     string // random: tells our own page from another's after an unclear append (J2)
	Node   string // who wrote it
	// Root is the tree's root hash over the First-1 entries before the page.
	Root tlog.Hash
	// Edge is the right edge of the tree before the page: the stored hashes from
	// which the next leaves' hashes are made, so that an append reads nothing (J11).
	Edge []tlog.Hash
	// Numbered is how many documents of the numbered types precede the page,
	// so that the committer can go on counting without reading them.
	Numbered Counts
	// NumberedIn is how many the page itself creates: who cannot read an entry counts on.
	NumberedIn Counts
	// Leaves are the entries' record hashes, Entries their canonical bytes, in order.
	Leaves  []tlog.Hash
	Entries [][]byte
}

// pageMagic starts every encoded page; its last byte is the format's version.
var pageMagic = [4]byte{'D', 'S', 'P', 2}

// Encode gives the page's stored bytes (branch, first, last and id are within,
// and stores keep them beside as well).
func (p *Page) Encode() []byte {
	n := 64 + len(p.Branch) + len(p.ID) + len(p.Node) + 32*(1+len(p.Edge)+len(p.Leaves))
	for _, e := range p.Entries {
		n += len(e) + 4
	}
	b := make([]byte, 0, n)
	b = append(b, pageMagic[:]...)
	b = appendString(b, string(p.Branch))
	b = binary.AppendUvarint(b, p.First)
	b = binary.AppendUvarint(b, p.Last)
	b = appendString(b, p.ID)
	b = appendString(b, p.Node)
	b = append(b, p.Root[:]...)
	b = binary.AppendUvarint(b, uint64(len(p.Edge)))
	for _, h := range p.Edge {
		b = append(b, h[:]...)
	}
	b = p.NumberedIn.append(p.Numbered.append(b))
	b = binary.AppendUvarint(b, uint64(len(p.Entries)))
	for i, e := range p.Entries {
		b = append(b, p.Leaves[i][:]...)
		b = binary.AppendUvarint(b, uint64(len(e)))
		b = append(b, e...)
	}
	return b
}

// DecodePage reads what Encode wrote. The entries share the given bytes.
func DecodePage(b []byte) (*Page, error) {
	d := pageReader{b: b}
	if string(d.take(4)) != string(pageMagic[:]) {
		return nil, fmt.Errorf("decode page: not a page of this format")
	}
	p := &Page{}
	p.Branch = auth.BranchID(d.take(d.uint()))
	p.First, p.Last = d.uint(), d.uint()
	p.ID = string(d.take(d.uint()))
	p.Node = string(d.take(d.uint()))
	copy(p.Root[:], d.take(32))
	p.Edge = make([]tlog.Hash, d.count(32))
	for i := range p.Edge {
		copy(p.Edge[i][:], d.take(32))
	}
	p.Numbered, p.NumberedIn = d.counts(), d.counts()
	n := d.count(33)
	p.Leaves, p.Entries = make([]tlog.Hash, n), make([][]byte, n)
	for i := range n {
		copy(p.Leaves[i][:], d.take(32))
		p.Entries[i] = d.take(d.uint())
	}
	if d.bad || len(d.b) != 0 {
		return nil, fmt.Errorf("decode page: cut short or with bytes left over")
	}
	if uint64(n) != p.Last-p.First+1 {
		return nil, fmt.Errorf("decode page %s/%d: holds %d entries, says it ends at %d", p.Branch, p.First, n, p.Last)
	}
	return p, nil
}

// DamagedPage is the error of a page whose stored bytes cannot be read. Stores keep its
// place beside the bytes, so that the pages after it can be followed (J3).
type DamagedPage struct {
	Branch      auth.BranchID
	First, Last uint64
	Err         error
}

func (e *DamagedPage) Error() string {
	return fmt.Sprintf("page %s/%d to %d cannot be read: %v", e.Branch, e.First, e.Last, e.Err)
}

// Unwrap is what is wrong with it.
func (e *DamagedPage) Unwrap() error { return e.Err }

func isDamaged(err error) bool {
	var d *DamagedPage
	return errors.As(err, &d)
}

// ReadPage is for stores: it decodes the page kept at a place. The error is a
// *DamagedPage if it cannot be read, or says that it belongs elsewhere.
func ReadPage(b auth.BranchID, first, last uint64, body []byte) (*Page, error) {
	p, err := DecodePage(body)
	if err == nil && (p.Branch != b || p.First != first || p.Last != last) {
		err = fmt.Errorf("it says it is %s/%d to %d", p.Branch, p.First, p.Last)
	}
	if err != nil {
		return nil, &DamagedPage{Branch: b, First: first, Last: last, Err: err}
	}
	return p, nil
}

// Entry decodes entry n of the page, after its hash and its place are checked.
func (p *Page) Entry(n uint64) (Entry, error) {
	if n < p.First || n > p.Last || n-p.First >= uint64(len(p.Entries)) {
		return Entry{}, fmt.Errorf("page %s/%d holds no entry %d", p.Branch, p.First, n)
	}
	raw := p.Entries[n-p.First]
	if Leaf(raw) != p.Leaves[n-p.First] {
		return Entry{}, fmt.Errorf("page %s/%d: the bytes of entry %d are not those that were hashed", p.Branch, p.First, n)
	}
	e, err := DecodeEntry(raw)
	if err != nil {
		return Entry{}, fmt.Errorf("page %s/%d: %w", p.Branch, p.First, err)
	}
	if e.N != n || e.Branch != p.Branch {
		return Entry{}, fmt.Errorf("page %s/%d: entry %s/%d is out of place", p.Branch, p.First, e.Branch, e.N)
	}
	return e, nil
}

// Decode reads all entries of a page.
func (p *Page) Decode() ([]Entry, error) {
	out := make([]Entry, len(p.Entries))
	for i := range p.Entries {
		e, err := p.Entry(p.First + uint64(i))
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// pageReader takes bytes from the front; once something is missing it is bad for good.
type pageReader struct {
	b   []byte
	bad bool
}

func (d *pageReader) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

func (d *pageReader) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads a number of items of at least size bytes each: never more than the bytes left can hold.
func (d *pageReader) count(size int) int {
	n := d.uint()
	if n > uint64(len(d.b)/size) {
		d.bad = true
		return 0
	}
	return int(n)
}
