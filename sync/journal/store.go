package journal

import (
	"context"
	"encoding/json"
	"errors"

	"doorstep/auth"
)

// Errors a Store returns; everything else from Commit means "outcome unknown" (J2).
var (
	// ErrTaken: another page is stored under (branch, first entry number), so this one is not.
	ErrTaken = errors.New("journal: the page's place is taken")
	// ErrNotFound: no such page, document or small document.
	ErrNotFound = errors.New("journal: not found")
	// ErrRaced: a small document is no longer at the version the caller read.
	ErrRaced = errors.New("journal: version raced")
	// ErrCursor: Query.After is not the Next of a page before.
	ErrCursor = errors.New("journal: not a cursor of this list")
)

// Record is one view document as a store keeps it.
type Record struct {
	Branch auth.BranchID
	Type   string
	ID     string
	N      uint64 // the entry that wrote this state
	Rev    uint64
	No     uint64 // Doc.No
	// Deleted marks a tombstone; Body is then nil.
	Deleted bool
	Body    json.RawMessage // Doc.State
}

// FeedEntry is one row of a feed as a store keeps it: at most one per (branch, feed, type, id), the newest.
type FeedEntry struct {
	Feed Feed
	Seq  uint64 // with base 0: the store knows nothing of epochs
	Type string
	ID   string
}

// Receipt is what is kept for ever about a command id.
type Receipt struct {
	Command string
	N       uint64 // the first entry of the command
	Said    []byte // Entry.Said; nil when it said nothing
	Body    json.RawMessage
}

// ViewWrites are the writes that make one page visible. All are put-if-newer:
// applying them twice, or after newer ones, changes nothing (J4).
type ViewWrites struct {
	Records  []Record
	Feeds    []FeedEntry
	Receipts []Receipt
}

// Index declares that documents of a type can be found by these top-level JSON
// fields of their state: equality on the leading ones, equality or a range on the last.
// Results are ordered by the last field, then by id. Field values are JSON
// strings or integers; a document without one of the fields is not in the index.
// Tombstones are in no index.
type Index struct {
	Type   string
	Name   string
	Fields []string
}

// Query asks for documents by a declared index. With Index "" it lists all
// documents of the type (no tombstones) by id; then Eq, From and To must be empty.
type Query struct {
	Branch auth.BranchID
	Type   string
	Index  string
	// values (string, int64 or int) of the leading fields: len(Fields), or len(Fields)-1 when the last is a range
	Eq    []any
	From  any // inclusive lower bound of the last field; nil: none
	To    any // exclusive upper bound of the last field; nil: none
	Desc  bool
	Limit int    // 0: 500
	After string // the Next of the page before
}

// Found is one page of a Query.
type Found struct {
	Records []Record
	Next    string // "" at the end
}

// FeedQuery asks for what a phone must hear, merged over several feeds by Seq.
type FeedQuery struct {
	Branch auth.BranchID
	Feeds  []Feed
	After  uint64   // rows with Seq > After, …
	Types  []string // … of these types; empty: all
	Limit  int
}

// FeedRead is a feed's rows and their documents, read in one snapshot (J6).
type FeedRead struct {
	// W is the watermark, read before the rows; no row is above it.
	W    uint64
	Rows []FeedRecord
	More bool // the limit was reached and further rows may follow
}

// FeedRecord is a feed row with the document it refers to, as of read time.
// A record named by several of the feeds is given once, at its highest Seq.
type FeedRecord struct {
	FeedEntry
	Record // zero Type when no such document exists
}

// Store keeps pages, the views made from them, and small documents. It decides nothing.
// All methods are safe for concurrent use. Engines: server/store/sqlitestore and
// server/store/mongostore; server/store/storetest is the contract as a test suite.
type Store interface {
	// Commit stores the page if its place (branch, first) is free, applies its view
	// writes to every generation of the built-in views that is read or keeps step, and
	// raises their watermarks to p.Last, in this order or at once, all durable when it
	// returns nil. From then on no read of this Store is of a generation that lacks the
	// page. ErrTaken: nothing was stored.
	// Any other error: the outcome is unknown; call again with the same page.
	// Committing a page whose place is taken by the same page id applies its views
	// again and returns nil.
	Commit(ctx context.Context, p *Page, v ViewWrites) error
	// Apply applies the view writes of a page some other node stored and raises the
	// watermark to p.Last if it is at p.First-1 (else leaves it). A document that no retry
	// can make it keep is an *Unfit, here and from Commit.
	Apply(ctx context.Context, p *Page, v ViewWrites) error
	// PageAt reads the page stored under (branch, first). ErrNotFound, *DamagedPage.
	PageAt(ctx context.Context, b auth.BranchID, first uint64) (*Page, error)
	// PageOf reads the page that holds entry n. ErrNotFound, *DamagedPage.
	PageOf(ctx context.Context, b auth.BranchID, n uint64) (*Page, error)
	// Pages reads, in order, pages whose Last > after: as many as fit limit (at least one if any).
	// If the first of them cannot be read it returns a *DamagedPage; before another such page it ends.
	Pages(ctx context.Context, b auth.BranchID, after uint64, limit int) ([]*Page, error)
	// Tail reads the last page of a branch. ErrNotFound when it has none, *DamagedPage.
	Tail(ctx context.Context, b auth.BranchID) (*Page, error)
	// Watermark is W: every entry up to it is in the built-in views. Zero for a new branch.
	Watermark(ctx context.Context, b auth.BranchID) (uint64, error)
	// Watermarks gives the watermarks of all branches that have a generation of a view,
	// sorted, in one read or a few: not one for each branch.
	Watermarks(ctx context.Context) ([]BranchMark, error)
	// Branches lists the branches that have a generation of a view, sorted: every branch
	// that has a page is among them. It reads no pages.
	Branches(ctx context.Context) ([]auth.BranchID, error)

	ViewStore

	// Records reads documents by (type, id), tombstones included, in the order asked; absent ones have Type "".
	Records(ctx context.Context, b auth.BranchID, keys []DocRef) ([]Record, error)
	// Receipts reads receipts by command id, in the order asked; absent ones have Command "".
	Receipts(ctx context.Context, b auth.BranchID, commands []string) ([]Receipt, error)
	// Find answers a query by a declared index. An undeclared one is an error, and so is a value that no index holds.
	Find(ctx context.Context, q Query) (Found, error)
	// FindEach answers a query by a declared index for each of several lists of leading values, in place of Query.Eq: all
	// that Find would give page by page, in its order. What it gives for one list is of one moment, not before the call.
	// The query has no Limit, After and Desc.
	FindEach(ctx context.Context, q Query, eqs [][]any) ([][]Record, error)
	// Feed reads feed rows in one snapshot, the watermark first.
	Feed(ctx context.Context, q FeedQuery) (FeedRead, error)

	// Small reads a small document and its version. ErrNotFound.
	Small(ctx context.Context, kind, id string) (body []byte, version uint64, err error)
	// SwapSmall writes a small document if it is still at version was (0: absent) and
	// returns nothing but ErrRaced or an error; the new version is was+1. Durable when nil.
	SwapSmall(ctx context.Context, kind, id string, was uint64, body []byte) error
	// DeleteSmall removes it if it is at version was. ErrRaced, ErrNotFound.
	DeleteSmall(ctx context.Context, kind, id string, was uint64) error
	// Smalls reads several small documents of a kind, in the order asked; absent ones have a nil Body.
	Smalls(ctx context.Context, kind string, ids []string) ([]SmallDoc, error)
	// InsertSmalls inserts those that are absent, at version 1, in as few durable
	// writes as the engine can, and says which it inserted; present ones are left alone.
	InsertSmalls(ctx context.Context, kind string, ids []string, bodies [][]byte) (inserted []bool, err error)
	// ListSmall lists the ids of a kind with a prefix, sorted, at most limit, after the given id.
	ListSmall(ctx context.Context, kind, prefix, after string, limit int) ([]string, error)

	Close() error
}

// BranchMark is how far the views of a branch are.
type BranchMark struct {
	Branch auth.BranchID
	W      uint64
}

// DocRef names a document.
type DocRef struct{ Type, ID string }

// SmallDoc is a small document: what is neither journal nor view (keys, claims, refresh families, leases).
type SmallDoc struct {
	ID      string
	Body    []byte
	Version uint64
}
