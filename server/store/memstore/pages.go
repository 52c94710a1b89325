package memstore

import (
	"context"
	"maps"
	"slices"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// PageAt reads the page stored under (branch, first).
func (s *Store) PageAt(ctx context.Context, b auth.BranchID, first uint64) (p *journal.Page, err error) {
	err = s.read(ctx, "read page", string(b), func() (err error) {
		if there := s.disk.pageOf(b, first); there != nil && there.first == first {
			p, err = there.read(b)
			return err
		}
		return journal.ErrNotFound
	})
	return p, err
}

// PageOf reads the page that holds entry n.
func (s *Store) PageOf(ctx context.Context, b auth.BranchID, n uint64) (p *journal.Page, err error) {
	err = s.read(ctx, "read page", string(b), func() (err error) {
		if there := s.disk.pageOf(b, n); there != nil {
			p, err = there.read(b)
			return err
		}
		return journal.ErrNotFound
	})
	return p, err
}

// Pages reads pages whose Last is above a number, in order.
func (s *Store) Pages(ctx context.Context, b auth.BranchID, after uint64, limit int) (out []*journal.Page, err error) {
	err = s.read(ctx, "read pages", string(b), func() error {
		pages := s.disk.pages[b]
		for i := range pages {
			if pages[i].last <= after {
				continue
			}
			p, err := pages[i].read(b)
			if err != nil {
				if len(out) > 0 {
					return nil
				}
				return err
			}
			if out = append(out, p); len(out) >= max(limit, 1) {
				return nil
			}
		}
		return nil
	})
	return out, err
}

// Tail reads the last page of a branch.
func (s *Store) Tail(ctx context.Context, b auth.BranchID) (p *journal.Page, err error) {
	err = s.read(ctx, "read tail", string(b), func() (err error) {
		pages := s.disk.pages[b]
		if len(pages) == 0 {
			return journal.ErrNotFound
		}
		p, err = pages[len(pages)-1].read(b)
		return err
	})
	return p, err
}

// Watermark is W of a branch.
func (s *Store) Watermark(ctx context.Context, b auth.BranchID) (w uint64, err error) {
	err = s.read(ctx, "read watermark", string(b), func() error {
		w = journal.LowestOf(s.disk.gens[b])
		return nil
	})
	return w, err
}

// Watermarks gives the watermarks of all branches.
func (s *Store) Watermarks(ctx context.Context) (out []journal.BranchMark, err error) {
	err = s.read(ctx, "read watermarks", "", func() error {
		for _, b := range slices.Sorted(maps.Keys(s.disk.gens)) {
			out = append(out, journal.BranchMark{Branch: b, W: journal.LowestOf(s.disk.gens[b])})
		}
		return nil
	})
	return out, err
}

// Branches lists the branches that have a generation of a view.
func (s *Store) Branches(ctx context.Context) (out []auth.BranchID, err error) {
	err = s.read(ctx, "read branches", "", func() error {
		out = slices.Sorted(maps.Keys(s.disk.gens))
		return nil
	})
	return out, err
}

// Records reads documents by (type, id), in the order asked.
func (s *Store) Records(
	ctx context.Context, b auth.BranchID, refs []journal.DocRef,
) (out []journal.Record, err error) {
	on := string(b)
	if len(refs) > 0 {
		on += "/" + refs[0].Type
	}
	err = s.read(ctx, "read records", on, func() error {
		out = s.recordsIn(b, refs)
		return nil
	})
	return out, err
}

// recordsIn reads documents from the generations that are read. The disk is locked.
func (s *Store) recordsIn(b auth.BranchID, refs []journal.DocRef) []journal.Record {
	out := make([]journal.Record, len(refs))
	for i, ref := range refs {
		out[i] = s.disk.records[s.disk.readable(b, journal.ViewOf(s.disk.gens[b], ref.Type))][ref].copied()
	}
	return out
}

// copied is a document that its reader may change.
func (r row) copied() journal.Record {
	r.Body = slices.Clone(r.Body)
	return r.Record
}

// Receipts reads receipts by command id, in the order asked.
func (s *Store) Receipts(
	ctx context.Context, b auth.BranchID, commands []string,
) (out []journal.Receipt, err error) {
	err = s.read(ctx, "read receipts", string(b), func() error {
		at := s.disk.readable(b, journal.ReceiptsView)
		for _, c := range commands {
			out = append(out, s.disk.receipts[at][c])
		}
		return nil
	})
	return out, err
}

// Feed reads rows of several feeds merged by number, with their documents, in one snapshot.
func (s *Store) Feed(ctx context.Context, q journal.FeedQuery) (out journal.FeedRead, err error) {
	err = s.read(ctx, "read feed", string(q.Branch), func() error {
		out.W = journal.LowestOf(s.disk.gens[q.Branch])
		if len(q.Feeds) == 0 || q.Limit <= 0 {
			return nil
		}
		top := journal.SeqTop(0, out.W)
		newest := map[journal.DocRef]journal.FeedEntry{}
		for ref, f := range s.disk.feeds[s.disk.readable(q.Branch, journal.FeedsView)] {
			if slices.Contains(q.Feeds, ref.feed) && f.Seq <= top && f.Seq > newest[ref.DocRef].Seq {
				newest[ref.DocRef] = f
			}
		}
		var rows []journal.FeedEntry
		for ref, f := range newest {
			if f.Seq > q.After && (len(q.Types) == 0 || slices.Contains(q.Types, ref.Type)) {
				rows = append(rows, f)
			}
		}
		slices.SortFunc(rows, func(a, b journal.FeedEntry) int { return int(int64(a.Seq) - int64(b.Seq)) })
		if len(rows) > q.Limit {
			rows, out.More = rows[:q.Limit], true
		}
		for _, f := range rows {
			docs := s.recordsIn(q.Branch, []journal.DocRef{{Type: f.Type, ID: f.ID}})
			out.Rows = append(out.Rows, journal.FeedRecord{FeedEntry: f, Record: docs[0]})
		}
		return nil
	})
	return out, err
}
