package memstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Op is one read or write of a Disk.
type Op struct {
	Name  string // what is done: "page", "record", "read feed", …
	On    string // the branch and the row, the kind and the id, or the key
	Write bool
}

// Guard is asked about every read and write. It calls do to have it done, and returns the error that the caller gets;
// it may return one after do, as an engine whose answer is lost, or without, as one that is gone.
type Guard func(op Op, do func()) error

// Store is one node's way to a Disk. It keeps the contract of journal.Store, and keeps debtors' keys and frames too.
// It is safe for concurrent use.
type Store struct {
	disk    *Disk
	indexes map[string][]journal.Index // by type
	guard   Guard
}

// Open opens a Disk with the declared indexes. A nil guard has everything done.
func Open(d *Disk, indexes []journal.Index, guard Guard) *Store {
	s := &Store{disk: d, indexes: map[string][]journal.Index{}, guard: guard}
	for _, ix := range indexes {
		s.indexes[ix.Type] = append(s.indexes[ix.Type], ix)
	}
	return s
}

// Close does nothing: the Disk stays.
func (s *Store) Close() error { return nil }

func (s *Store) do(op Op, f func()) error {
	locked := func() {
		s.disk.mu.Lock()
		defer s.disk.mu.Unlock()
		f()
	}
	if s.guard == nil {
		locked()
		return nil
	}
	return s.guard(op, locked)
}

func (s *Store) read(ctx context.Context, name, on string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var err error
	if e := s.do(Op{Name: name, On: on}, func() { err = f() }); e != nil {
		return e
	}
	return err
}

func (s *Store) write(ctx context.Context, name, on string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var err error
	if e := s.do(Op{Name: name, On: on, Write: true}, func() { err = f() }); e != nil {
		return e
	}
	return err
}

// Commit stores a page, then its views, then raises the watermarks.
func (s *Store) Commit(ctx context.Context, p *journal.Page, v journal.ViewWrites) error {
	b := p.Branch
	if p.First == 1 {
		for i, view := range journal.BuiltInViews() {
			g := journal.Generation{View: view, Gen: uint64(i + 1), State: journal.Live}
			if err := s.write(ctx, "generation", string(b)+"/"+view, func() error {
				if s.disk.generation(b, g.Gen) == nil {
					s.disk.gens[b] = append(s.disk.gens[b], g)
				}
				return nil
			}); err != nil {
				return err
			}
		}
	}
	body := p.Encode()
	err := s.write(ctx, "page", fmt.Sprintf("%s/%d", b, p.First), func() error {
		pages := s.disk.pages[b]
		var end uint64
		if len(pages) > 0 {
			end = pages[len(pages)-1].last
		}
		if there := s.disk.pageOf(b, p.First); there != nil {
			if there.id != p.ID {
				return journal.ErrTaken
			}
			return nil
		}
		if end != p.First-1 {
			return fmt.Errorf("page %s/%d would leave a gap after %d", b, p.First, end)
		}
		s.disk.pages[b] = append(pages, storedPage{p.First, p.Last, p.ID, body})
		return nil
	})
	if err != nil {
		return err
	}
	return s.show(ctx, p, v, true)
}

// Apply applies the views of a page that is stored.
func (s *Store) Apply(ctx context.Context, p *journal.Page, v journal.ViewWrites) error {
	return s.show(ctx, p, v, false)
}

// show writes a page's views to the generations that are read or keep step, and raises their watermarks, those that are
// filled first. With must it is an error if the page is not visible then.
func (s *Store) show(ctx context.Context, p *journal.Page, v journal.ViewWrites, must bool) error {
	b := p.Branch
	for {
		var into, raise []journal.Generation
		if err := s.read(ctx, "read generations", string(b), func() error {
			for _, g := range s.disk.gens[b] {
				step := g.W == p.First-1
				if !slices.Contains(journal.BuiltInViews(), g.View) ||
					g.State != journal.Live && (g.State != journal.Filling || !step) {
					continue
				}
				into = append(into, g)
				switch {
				case step && g.State == journal.Filling:
					raise = append([]journal.Generation{g}, raise...)
				case step:
					raise = append(raise, g)
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if len(into) == 0 {
			return fmt.Errorf("branch %s has a journal and no views", b)
		}
		for _, g := range into {
			if err := s.writeTo(ctx, b, g, v); err != nil {
				return err
			}
		}
		for _, g := range raise {
			if err := s.raise(ctx, b, g.Gen, p.First-1, p.Last); err != nil && !errors.Is(err, journal.ErrRaced) {
				return err
			}
		}
		w, err := s.Watermark(ctx, b)
		switch {
		case err != nil || w >= p.Last:
			return err
		case w < p.First-1 && must:
			return fmt.Errorf("page %s/%d is stored, but entries above %d are not visible yet", b, p.First, w)
		case w < p.First-1:
			return nil // a page ahead of a gap
		}
	}
}

// raise raises a watermark; ErrRaced when it does not stand at from, or the generation is not written any more.
func (s *Store) raise(ctx context.Context, b auth.BranchID, gen, from, to uint64) error {
	return s.write(ctx, "watermark", fmt.Sprintf("%s/%d", b, gen), func() error {
		g := s.disk.generation(b, gen)
		if g == nil || g.W != from || g.State != journal.Live && g.State != journal.Filling {
			return journal.ErrRaced
		}
		g.W = to
		return nil
	})
}

// writeTo writes to a generation what belongs to its view, a row at a time in the order of their keys, each if it is
// newer than what is there.
func (s *Store) writeTo(ctx context.Context, b auth.BranchID, g journal.Generation, v journal.ViewWrites) error {
	at := place{b, g.Gen}
	switch g.View {
	case journal.FeedsView:
		for _, f := range v.Feeds {
			on := fmt.Sprintf("%s/%s/%s/%s", b, f.Feed, f.Type, f.ID)
			if err := s.write(ctx, "feed", on, func() error {
				feeds := inner(s.disk.feeds, at)
				ref := feedRef{f.Feed, journal.DocRef{Type: f.Type, ID: f.ID}}
				if had, there := feeds[ref]; !there || had.Seq < f.Seq {
					feeds[ref] = f
				}
				return nil
			}); err != nil {
				return err
			}
		}
	case journal.ReceiptsView:
		for _, r := range v.Receipts {
			if err := s.write(ctx, "receipt", string(b)+"/"+r.Command, func() error {
				receipts := inner(s.disk.receipts, at)
				if _, there := receipts[r.Command]; !there {
					r.Said, r.Body = slices.Clone(r.Said), slices.Clone(r.Body)
					receipts[r.Command] = r
				}
				return nil
			}); err != nil {
				return err
			}
		}
	default:
		for _, r := range slices.SortedFunc(slices.Values(v.Records), func(a, b journal.Record) int {
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID), cmp.Compare(a.N, b.N))
		}) {
			if err := s.write(ctx, "record", fmt.Sprintf("%s/%s/%s", b, r.Type, r.ID), func() error {
				records := inner(s.disk.records, at)
				ref := journal.DocRef{Type: r.Type, ID: r.ID}
				if had, there := records[ref]; !there || had.N < r.N {
					records[ref] = s.row(b, r)
				}
				return nil
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// row makes a document's row.
func (s *Store) row(b auth.BranchID, r journal.Record) row {
	r.Branch = b
	if r.Body = slices.Clone(r.Body); r.Deleted || len(r.Body) == 0 {
		r.Body = nil
	}
	return row{r, s.found(r)}
}

// found gives a document's values in the declared indexes of its type.
func (s *Store) found(r journal.Record) map[string][]any {
	found := map[string][]any{}
	for _, ix := range s.indexes[r.Type] {
		if vals, ok := journal.TopFields(r.Body, ix.Fields); ok && !r.Deleted {
			found[ix.Name] = vals
		}
	}
	return found
}
