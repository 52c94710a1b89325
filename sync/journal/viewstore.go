package journal

import (
	"context"

	"doorstep/auth"
)

// The built-in views. Commit and Apply write them; every other view is written by
// Views, through Fill, and has the documents of the one type that is named as it is.
const (
	RecordsView  = "records"  // the entries' documents and the declared indexes over them
	FeedsView    = "feeds"    // what each feed must hear
	ReceiptsView = "receipts" // what each command was answered
)

// BuiltInViews lists the built-in views.
func BuiltInViews() []string { return []string{RecordsView, FeedsView, ReceiptsView} }

// GenState says what a generation of a view is there for.
type GenState string

// The states of a generation. It goes forward only.
const (
	Filling  GenState = "filling"  // written, not read
	Live     GenState = "live"     // written and read
	Old      GenState = "old"      // not written; read until a newer one is live
	Dropping GenState = "dropping" // neither; its rows are being removed
	Gone     GenState = "gone"     // its rows are removed; its number is never given again
)

// Generation is one generation of a view of a branch: the document that says what is
// applied to it (J3). Numbers are unique within a branch, over all its views.
type Generation struct {
	View  string
	Gen   uint64
	W     uint64 // every entry up to it is applied
	State GenState
}

// Readable finds the generation of a view that readers use: the newest that is live
// or, between the two writes of a switch, old. ok is false when there is none.
func Readable(gens []Generation, view string) (g Generation, ok bool) {
	for _, x := range gens {
		if x.View == view && (x.State == Live || x.State == Old) && (!ok || x.Gen > g.Gen) {
			g, ok = x, true
		}
	}
	return g, ok
}

// LowestOf is the watermark of a branch with such generations: the lowest of the built-in
// views that are read; 0 while one of them cannot be read.
func LowestOf(gens []Generation) uint64 {
	var w uint64
	for i, view := range BuiltInViews() {
		g, ok := Readable(gens, view)
		if !ok {
			return 0
		}
		if i == 0 || g.W < w {
			w = g.W
		}
	}
	return w
}

// ViewOf names the view that holds the documents of a type: the view of that name if
// the branch has one, else the records.
func ViewOf(gens []Generation, typ string) string {
	for _, g := range gens {
		if g.View == typ {
			return typ
		}
	}
	return RecordsView
}

// ViewStore is the part of a Store that knows generations of views.
type ViewStore interface {
	// Generations lists a branch's generations, those that are gone included, by number.
	Generations(ctx context.Context, b auth.BranchID) ([]Generation, error)
	// AddGeneration adds an empty generation, Filling, under a new number.
	AddGeneration(ctx context.Context, b auth.BranchID, view string) (Generation, error)
	// Fill writes to one generation what the entries after+1 to upTo make visible, and
	// raises its watermark from after to upTo. It takes only the writes to the
	// generation's view. ErrRaced when the watermark is not at after, or the
	// generation is neither filling nor live; the writes may have been applied.
	Fill(ctx context.Context, b auth.BranchID, gen, after, upTo uint64, v ViewWrites) error
	// Switch makes a filling generation the live one, and the live one old. ErrRaced when
	// its watermark is below the live one's (fill on and ask again), its number is lower,
	// or it is not filling.
	// A switch that was cut short is ended by the next writer.
	Switch(ctx context.Context, b auth.BranchID, gen uint64) error
	// DropGeneration removes the rows of a generation that is filling or old, once no
	// reader of any node can be reading it any more, and then says that it is gone. It
	// may be called again after it was cut short, and for a stray number. ErrRaced when
	// the generation is live.
	DropGeneration(ctx context.Context, b auth.BranchID, gen uint64) error

	// RecordsOf reads documents of one generation, live or not, in the order asked; absent ones have Type "".
	RecordsOf(ctx context.Context, b auth.BranchID, gen uint64, refs []DocRef) ([]Record, error)
	// ScanRecords lists a generation's documents by (type, id), tombstones included: at
	// most limit after the given one.
	ScanRecords(ctx context.Context, b auth.BranchID, gen uint64, after DocRef, limit int) ([]Record, error)
	// ScanFeeds lists a generation's feed rows by (feed, type, id).
	ScanFeeds(ctx context.Context, b auth.BranchID, gen uint64, after FeedEntry, limit int) ([]FeedEntry, error)
	// ScanReceipts lists a generation's receipts by command id.
	ScanReceipts(ctx context.Context, b auth.BranchID, gen uint64, after string, limit int) ([]Receipt, error)
	// CheckIndexes compares what the declared indexes of a generation say with its
	// documents, and calls bad for each difference.
	CheckIndexes(ctx context.Context, b auth.BranchID, gen uint64, bad func(ref DocRef, what string)) error
	// StrayGenerations lists numbers under which rows are kept though no generation that
	// is there has that number.
	StrayGenerations(ctx context.Context, b auth.BranchID) ([]uint64, error)
	// Sweep removes from the live built-in views the feed rows up to an entry whose
	// document is absent or a tombstone of no later entry, and then these tombstones.
	Sweep(ctx context.Context, b auth.BranchID, floor uint64) (removed int, err error)
}
