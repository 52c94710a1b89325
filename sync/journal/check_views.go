package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"doorstep/auth"
)

// digest is half a SHA-256: what a check remembers of a name or of a document.
type digest [16]byte

// digestOf hashes parts; where one ends and the next begins counts.
func digestOf(parts ...[]byte) digest {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	return digest(h.Sum(nil)[:16])
}

func refDigest(typ, id string) digest { return digestOf([]byte(typ), []byte(id)) }

func recordDigest(r *Record) digest {
	var n [24]byte
	binary.BigEndian.PutUint64(n[:], r.N)
	binary.BigEndian.PutUint64(n[8:], r.Rev)
	if r.Deleted {
		n[16] = 1
	}
	return digestOf(n[:], r.Body)
}

func receiptDigest(r *Receipt) digest {
	return digestOf(binary.BigEndian.AppendUint64(nil, r.N), r.Said, r.Body)
}

// sum is what must be kept of one document or receipt.
type sum struct {
	n       uint64
	digest  digest
	deleted bool
}

// revision is where the history of a document is.
type revision struct {
	rev       uint64
	deletedAt int64 // unix seconds of journal time; 0 when it exists
}

// expected is what the built-in views must hold.
type expected struct {
	docs     map[digest]sum
	revs     map[digest]revision
	feeds    map[digest]feedWant
	receipts map[digest]sum
	floor    uint64
	above    uint64 // RevsAbove of the restores so far
}

type feedWant struct {
	seq uint64
	doc digest
}

func newExpected(floor uint64) *expected {
	return &expected{docs: map[digest]sum{}, revs: map[digest]revision{}, feeds: map[digest]feedWant{},
		receipts: map[digest]sum{}, floor: floor}
}

// revisions checks that the revisions of the entry's documents follow. A document whose
// tombstone may have been swept begins again at 1. After entries that could not be read
// (gap) a revision may be skipped.
func (x *expected) revisions(e *Entry, gap bool, bad func(uint64, string, ...any)) {
	at := e.Received.Unix()
	for _, d := range e.Docs {
		ref := refDigest(d.Type, d.ID)
		was := x.revs[ref]
		again := d.Rev == 1 && was.deletedAt != 0 && at-was.deletedAt >= int64(KeepTombstones.Seconds())
		if d.Type == RestoreType {
			var r Restore
			if json.Unmarshal(d.State, &r) == nil {
				x.above = max(x.above, r.revsAbove())
			}
		}
		if d.Rev != nextRev(was.rev, x.above) && !again && (!gap || d.Rev <= was.rev) {
			bad(e.N, "%s/%s goes from revision %d to %d", d.Type, d.ID, was.rev, d.Rev)
		}
		now := revision{rev: d.Rev}
		if d.Deleted {
			now.deletedAt = max(at, 1)
		}
		x.revs[ref] = now
	}
}

// entry adds what an entry makes visible.
func (x *expected) entry(e *Entry) {
	v := Project([]Entry{*e})
	for i := range v.Records {
		r := &v.Records[i]
		x.docs[refDigest(r.Type, r.ID)] = sum{r.N, recordDigest(r), r.Deleted}
	}
	for _, f := range v.Feeds {
		x.feeds[feedDigest(f)] = feedWant{f.Seq, refDigest(f.Type, f.ID)}
	}
	for i := range v.Receipts {
		id := digestOf([]byte(v.Receipts[i].Command))
		if _, there := x.receipts[id]; !there {
			x.receipts[id] = sum{n: v.Receipts[i].N, digest: receiptDigest(&v.Receipts[i])}
		}
	}
}

func feedDigest(f FeedEntry) digest { return digestOf([]byte(f.Feed), []byte(f.Type), []byte(f.ID)) }

// feeds compares the rows of a generation with what is expected, and takes these out.
func (c *checker) feeds(ctx context.Context, gen uint64, want *expected) error {
	var after FeedEntry
	top := SeqTop(0, c.w)
	for {
		rows, err := c.store.ScanFeeds(ctx, c.branch, gen, after, checkRows)
		if err != nil {
			return err
		}
		for _, f := range rows {
			after = f
			id := feedDigest(f)
			w, there := want.feeds[id]
			delete(want.feeds, id)
			switch {
			case c.unread.has(f.Seq / MaxFeedRows):
			case f.Seq > top: // newer than what was read of the journal
				e, ok, err := c.entry(ctx, f.Seq/MaxFeedRows)
				if err != nil {
					return err
				}
				i := f.Seq % MaxFeedRows
				if !ok || i >= uint64(len(e.Feeds)) || e.Feeds[i] != (FeedRow{f.Feed, f.Type, f.ID}) {
					c.bad(f.Seq/MaxFeedRows, "feed %s has a row for %s/%s that the entry does not give", f.Feed, f.Type, f.ID)
				}
			case !there:
				c.bad(f.Seq/MaxFeedRows, "feed %s has a foreign row for %s/%s: no entry names it", f.Feed, f.Type, f.ID)
			case w.seq != f.Seq:
				c.bad(w.seq/MaxFeedRows, "feed %s has %s/%s at %d, must be at %d", f.Feed, f.Type, f.ID, f.Seq, w.seq)
			}
		}
		if len(rows) < checkRows {
			break
		}
	}
	for _, w := range want.feeds {
		doc, there := want.docs[w.doc]
		if n := w.seq / MaxFeedRows; n <= c.floor && (!there || doc.deleted && doc.n <= c.floor) {
			continue // swept
		}
		e, ok, err := c.entry(ctx, w.seq/MaxFeedRows)
		if err != nil {
			return err
		}
		name := ""
		if i := w.seq % MaxFeedRows; ok && i < uint64(len(e.Feeds)) {
			name = fmt.Sprintf(" %s the row for %s/%s", e.Feeds[i].Feed, e.Feeds[i].Type, e.Feeds[i].ID)
		}
		c.bad(w.seq/MaxFeedRows, "a row is missing: the feed%s", name)
	}
	return nil
}

// receipts compares the receipts of a generation with what is expected.
func (c *checker) receipts(ctx context.Context, gen uint64, want map[digest]sum) error {
	after := ""
	for {
		rows, err := c.store.ScanReceipts(ctx, c.branch, gen, after, checkRows)
		if err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			after = r.Command
			id := digestOf([]byte(r.Command))
			w, there := want[id]
			delete(want, id)
			if c.unread.has(r.N) {
				continue
			}
			if r.N > c.w {
				e, ok, err := c.entry(ctx, r.N)
				if err != nil {
					return err
				}
				there = ok && e.Command == r.Command
				w.digest = receiptDigest(&Receipt{N: e.N, Said: e.Said, Body: e.Receipt})
			}
			switch {
			case !there:
				c.bad(r.N, "the receipt of command %s is foreign: no entry gave it", r.Command)
			case w.digest != receiptDigest(r):
				c.bad(max(w.n, r.N), "the receipt of its command is not the one that was given")
			}
		}
		if len(rows) < checkRows {
			break
		}
	}
	for _, w := range want {
		c.bad(w.n, "the receipt of its command is missing")
	}
	return nil
}

// records compares the documents of a generation with what is expected up to an entry.
// view is "" for the records themselves.
func (c *checker) records(ctx context.Context, g Generation, view string, want map[digest]sum, w uint64) error {
	var after DocRef
	for {
		rows, err := c.store.ScanRecords(ctx, c.branch, g.Gen, after, checkRows)
		if err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			after = DocRef{r.Type, r.ID}
			ref := refDigest(r.Type, r.ID)
			x, there := want[ref]
			delete(want, ref)
			switch {
			case c.unread.has(r.N):
			case r.N > w && view == "":
				if err := c.newer(ctx, r); err != nil {
					return err
				}
			case r.N > w:
				// A view has gone on; the next check sees it.
			case !there && r.Deleted && view != "":
				// What a view took away again is as if it had never been there. The fold does not give it where the row came
				// from what was sealed under a key that is destroyed since.
			case !there:
				c.bad(r.N, "%s holds a foreign document %s/%s: no entry gives it", g.View, r.Type, r.ID)
			case x.digest != recordDigest(r):
				c.bad(x.n, "the view of %s/%s is not what the journal says", r.Type, r.ID)
			}
		}
		if len(rows) < checkRows {
			break
		}
	}
	for ref, x := range want {
		if x.deleted && (x.n <= c.floor || view != "") {
			continue // swept; a view may leave out what is deleted
		}
		name := "a document"
		if view == "" {
			e, ok, err := c.entry(ctx, x.n)
			if err != nil {
				return err
			}
			for i := range e.Docs {
				if ok && refDigest(e.Docs[i].Type, e.Docs[i].ID) == ref {
					name = e.Docs[i].Type + "/" + e.Docs[i].ID
				}
			}
		}
		c.bad(x.n, "the view %s lacks %s", g.View, name)
	}
	return nil
}

// newer checks a document that was written after the journal was read, against its entry.
func (c *checker) newer(ctx context.Context, r *Record) error {
	e, ok, err := c.entry(ctx, r.N)
	if err != nil {
		return err
	}
	for i := len(e.Docs) - 1; ok && i >= 0; i-- {
		d := &e.Docs[i]
		if d.Type == r.Type && d.ID == r.ID {
			if d.Rev != r.Rev || d.Deleted != r.Deleted || !bytes.Equal(d.State, r.Body) {
				c.bad(r.N, "the view of %s/%s is not what the journal says", r.Type, r.ID)
			}
			return nil
		}
	}
	c.bad(r.N, "records holds a foreign document %s/%s: its entry does not give it", r.Type, r.ID)
	return nil
}

// view compares a view that Views keeps: it is applied again, to nothing but memory.
func (c *checker) view(ctx context.Context, v View, g Generation) error {
	sh := &shadow{Store: c.store, view: v, gen: g.Gen, want: map[digest]sum{}, bodies: map[string]Record{}}
	from := Generation{View: v.Name, Gen: g.Gen, State: Filling}
	if err := fill(ctx, sh, c.branch, from, v.Step, v.writes(sh, c.branch, g.Gen), g.W, nil); err != nil {
		return fmt.Errorf("apply view %s again: %w", v.Name, err)
	}
	if err := c.records(ctx, g, v.Name, sh.want, g.W); err != nil {
		return err
	}
	if g.W+max(v.Step, 1) <= c.w {
		c.note("view %s is at entry %d of %d; a running server goes on with it", v.Name, g.W, c.w)
	}
	return c.indexes(ctx, g.Gen)
}

// shadow is a store that remembers digests of what a view writes, and reads pages from a true one.
type shadow struct {
	Store
	view   View
	gen    uint64
	want   map[digest]sum
	bodies map[string]Record // of a view that folds
}

// Fill remembers what a run writes.
func (s *shadow) Fill(_ context.Context, _ auth.BranchID, _, _, _ uint64, v ViewWrites) error {
	for i := range v.Records {
		r := &v.Records[i]
		s.want[refDigest(r.Type, r.ID)] = sum{r.N, recordDigest(r), r.Deleted}
		if s.view.Folds {
			s.bodies[r.ID] = *r
		}
	}
	return nil
}

// RecordsOf reads what a run builds on: what was remembered, or, where documents are
// final once written, the documents themselves.
func (s *shadow) RecordsOf(ctx context.Context, b auth.BranchID, gen uint64, refs []DocRef) ([]Record, error) {
	if !s.view.Folds {
		return s.Store.RecordsOf(ctx, b, gen, refs)
	}
	out := make([]Record, len(refs))
	for i, ref := range refs {
		out[i] = s.bodies[ref.ID]
	}
	return out, nil
}

// SwapSmall notes nothing: what is parked was noted when it was.
func (s *shadow) SwapSmall(context.Context, string, string, uint64, []byte) error { return nil }
