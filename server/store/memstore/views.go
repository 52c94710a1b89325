package memstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Generations lists a branch's generations by number.
func (s *Store) Generations(ctx context.Context, b auth.BranchID) (out []journal.Generation, err error) {
	err = s.read(ctx, "read generations", string(b), func() error {
		out = slices.Clone(s.disk.gens[b])
		return nil
	})
	return out, err
}

// AddGeneration adds an empty generation under the next number.
func (s *Store) AddGeneration(
	ctx context.Context, b auth.BranchID, view string,
) (g journal.Generation, err error) {
	err = s.write(ctx, "generation", string(b)+"/"+view, func() error {
		gens := s.disk.gens[b]
		g = journal.Generation{View: view, Gen: 1, State: journal.Filling}
		if len(gens) > 0 {
			g.Gen = gens[len(gens)-1].Gen + 1
		}
		s.disk.gens[b] = append(gens, g)
		return nil
	})
	return g, err
}

// Fill writes to one generation, then raises its watermark.
func (s *Store) Fill(ctx context.Context, b auth.BranchID, gen, after, upTo uint64, v journal.ViewWrites) error {
	var g journal.Generation
	if err := s.read(ctx, "read generations", string(b), func() error {
		there := s.disk.generation(b, gen)
		if there == nil || there.W != after || there.State != journal.Filling && there.State != journal.Live {
			return journal.ErrRaced
		}
		g = *there
		return nil
	}); err != nil {
		return err
	}
	if err := s.writeTo(ctx, b, g, v); err != nil {
		return err
	}
	return s.raise(ctx, b, gen, after, upTo)
}

// Switch makes a filled generation the live one.
func (s *Store) Switch(ctx context.Context, b auth.BranchID, gen uint64) error {
	return s.write(ctx, "switch", fmt.Sprintf("%s/%d", b, gen), func() error {
		g := s.disk.generation(b, gen)
		if g == nil {
			return journal.ErrRaced
		}
		was, there := journal.Readable(s.disk.gens[b], g.View)
		if g.State != journal.Filling || there && (was.W > g.W || was.Gen > g.Gen) {
			return journal.ErrRaced
		}
		if there {
			s.disk.generation(b, was.Gen).State = journal.Old
		}
		g.State = journal.Live
		return nil
	})
}

// DropGeneration removes a generation's rows. Each read finds the generation that it reads at the moment that it reads.
func (s *Store) DropGeneration(ctx context.Context, b auth.BranchID, gen uint64) error {
	on := fmt.Sprintf("%s/%d", b, gen)
	for _, step := range []func(g *journal.Generation) error{
		func(g *journal.Generation) error {
			if g != nil && g.State == journal.Live {
				return journal.ErrRaced
			}
			if g != nil && g.State != journal.Gone {
				g.State = journal.Dropping
			}
			return nil
		},
		func(*journal.Generation) error {
			at := place{b, gen}
			delete(s.disk.records, at)
			delete(s.disk.feeds, at)
			delete(s.disk.receipts, at)
			return nil
		},
		func(g *journal.Generation) error {
			if g != nil {
				g.State = journal.Gone
			}
			return nil
		},
	} {
		if err := s.write(ctx, "drop", on, func() error { return step(s.disk.generation(b, gen)) }); err != nil {
			return err
		}
	}
	return nil
}

// RecordsOf reads documents of one generation, in the order asked.
func (s *Store) RecordsOf(
	ctx context.Context, b auth.BranchID, gen uint64, refs []journal.DocRef,
) (out []journal.Record, err error) {
	err = s.read(ctx, "read records of", fmt.Sprintf("%s/%d", b, gen), func() error {
		for _, ref := range refs {
			out = append(out, s.disk.records[place{b, gen}][ref].copied())
		}
		return nil
	})
	return out, err
}

// page gives the values of a map in order: at most limit of those after a key.
func page[K comparable, V any](m map[K]V, after K, limit int, order func(a, b K) int) []V {
	var keys []K
	for k := range m {
		if order(k, after) > 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, order)
	var out []V
	for _, k := range keys[:min(limit, len(keys))] {
		out = append(out, m[k])
	}
	return out
}

func byRef(a, b journal.DocRef) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
}

// ScanRecords lists a generation's documents by type and id.
func (s *Store) ScanRecords(
	ctx context.Context, b auth.BranchID, gen uint64, after journal.DocRef, limit int,
) (out []journal.Record, err error) {
	err = s.read(ctx, "scan records", fmt.Sprintf("%s/%d", b, gen), func() error {
		for _, r := range page(s.disk.records[place{b, gen}], after, limit, byRef) {
			out = append(out, r.copied())
		}
		return nil
	})
	return out, err
}

// ScanFeeds lists a generation's feed rows by feed, type and id.
func (s *Store) ScanFeeds(
	ctx context.Context, b auth.BranchID, gen uint64, after journal.FeedEntry, limit int,
) (out []journal.FeedEntry, err error) {
	err = s.read(ctx, "scan feeds", fmt.Sprintf("%s/%d", b, gen), func() error {
		from := feedRef{after.Feed, journal.DocRef{Type: after.Type, ID: after.ID}}
		out = page(s.disk.feeds[place{b, gen}], from, limit, func(a, b feedRef) int {
			return cmp.Or(cmp.Compare(a.feed, b.feed), byRef(a.DocRef, b.DocRef))
		})
		return nil
	})
	return out, err
}

// ScanReceipts lists a generation's receipts by command id.
func (s *Store) ScanReceipts(
	ctx context.Context, b auth.BranchID, gen uint64, after string, limit int,
) (out []journal.Receipt, err error) {
	err = s.read(ctx, "scan receipts", fmt.Sprintf("%s/%d", b, gen), func() error {
		out = page(s.disk.receipts[place{b, gen}], after, limit, cmp.Compare[string])
		return nil
	})
	return out, err
}

// CheckIndexes compares the values under which documents are found with the documents.
func (s *Store) CheckIndexes(
	ctx context.Context, b auth.BranchID, gen uint64, bad func(journal.DocRef, string),
) error {
	return s.read(ctx, "check indexes", fmt.Sprintf("%s/%d", b, gen), func() error {
		for _, r := range page(s.disk.records[place{b, gen}], journal.DocRef{}, len(s.disk.records[place{b, gen}]), byRef) {
			if !reflect.DeepEqual(s.found(r.Record), r.found) {
				bad(journal.DocRef{Type: r.Type, ID: r.ID}, "the values under which it is found are not its own")
			}
		}
		return nil
	})
}

// StrayGenerations finds numbers of rows that no generation has.
func (s *Store) StrayGenerations(ctx context.Context, b auth.BranchID) (out []uint64, err error) {
	err = s.read(ctx, "read stray generations", string(b), func() error {
		found := map[uint64]bool{}
		note := func(at place, rows int) {
			if at.branch == b && rows > 0 {
				found[at.gen] = true
			}
		}
		for at, m := range s.disk.records {
			note(at, len(m))
		}
		for at, m := range s.disk.feeds {
			note(at, len(m))
		}
		for at, m := range s.disk.receipts {
			note(at, len(m))
		}
		for _, g := range s.disk.gens[b] {
			if g.State != journal.Gone {
				delete(found, g.Gen)
			}
		}
		out = slices.Sorted(maps.Keys(found))
		return nil
	})
	return out, err
}

// Sweep removes old feed rows without a document, or with a tombstone, and then these tombstones.
func (s *Store) Sweep(ctx context.Context, b auth.BranchID, floor uint64) (removed int, err error) {
	err = s.write(ctx, "sweep feeds", string(b), func() error {
		docs := s.disk.records[s.disk.readable(b, journal.RecordsView)]
		feeds := s.disk.feeds[s.disk.readable(b, journal.FeedsView)]
		had := len(feeds)
		maps.DeleteFunc(feeds, func(ref feedRef, f journal.FeedEntry) bool {
			d, there := docs[ref.DocRef]
			return f.Seq <= journal.SeqTop(0, floor) && (!there || d.Deleted && d.N <= floor)
		})
		removed += had - len(feeds)
		return nil
	})
	if err != nil || floor == 0 {
		return removed, err
	}
	err = s.write(ctx, "sweep tombstones", string(b), func() error {
		docs := s.disk.records[s.disk.readable(b, journal.RecordsView)]
		had := len(docs)
		maps.DeleteFunc(docs, func(_ journal.DocRef, d row) bool { return d.Deleted && d.N <= floor })
		removed += had - len(docs)
		return nil
	})
	return removed, err
}
