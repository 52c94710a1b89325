package mongostore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"doorstep/auth"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const viewPrefix = "view."

// viewCollections lists the types that have a collection, sorted.
func (s *Store) viewCollections(ctx context.Context) ([]string, error) {
	var names []string
	err := s.call(ctx, "list collections", func(ctx context.Context) (err error) {
		names, err = s.db.ListCollectionNames(ctx, bson.D{})
		return err
	})
	if err != nil {
		return nil, err
	}
	var types []string
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, viewPrefix); ok {
			typ, err := url.PathUnescape(rest)
			if err != nil {
				return nil, fmt.Errorf("collection %s: %w", name, err)
			}
			types = append(types, typ)
		}
	}
	slices.Sort(types)
	return types, nil
}

func (s *Store) collections(types []string) []*mongo.Collection {
	out := make([]*mongo.Collection, len(types))
	for i, t := range types {
		out[i] = s.view(t)
	}
	return out
}

// rowsAfter is the filter for a generation's rows above a key.
func rowsAfter(b auth.BranchID, gen uint64, after string) bson.D {
	return bson.D{{Key: "branch", Value: string(b)}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: after},
		{Key: "$lt", Value: beyondGen(b, gen)}}}}
}

func byID(limit int) *options.FindOptionsBuilder {
	return options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit))
}

// ScanRecords lists a generation's documents by type and id.
func (s *Store) ScanRecords(ctx context.Context, b auth.BranchID, gen uint64, after journal.DocRef,
	limit int) ([]journal.Record, error) {
	types, err := s.viewCollections(ctx)
	if err != nil {
		return nil, err
	}
	var out []journal.Record
	for _, typ := range types {
		if typ < after.Type || len(out) == limit {
			continue
		}
		from := ""
		if typ == after.Type {
			from = after.ID
		}
		err := each(ctx, s, s.view(typ), rowsAfter(b, gen, rowKey(b, gen, from)),
			byID(limit-len(out)).SetProjection(withoutNative()), func(d document) error {
				out = append(out, d.record(b, typ))
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ScanFeeds lists a generation's feed rows in the order of their keys.
func (s *Store) ScanFeeds(ctx context.Context, b auth.BranchID, gen uint64, after journal.FeedEntry,
	limit int) ([]journal.FeedEntry, error) {
	from := rowKey(b, gen, "")
	if after.Feed != "" {
		from = feedKey(b, gen, after.Feed, after.Type, after.ID)
	}
	var out []journal.FeedEntry
	err := each(ctx, s, s.feeds, rowsAfter(b, gen, from), byID(limit), func(r feedRow) error {
		out = append(out, journal.FeedEntry{Feed: journal.Feed(r.Feed), Seq: uint64(r.Seq), Type: r.Type, ID: r.ID})
		return nil
	})
	return out, err
}

// ScanReceipts lists a generation's receipts by command id.
func (s *Store) ScanReceipts(ctx context.Context, b auth.BranchID, gen uint64, after string,
	limit int) ([]journal.Receipt, error) {
	var out []journal.Receipt
	err := each(ctx, s, s.receipts, rowsAfter(b, gen, rowKey(b, gen, after)), byID(limit), func(d receipt) error {
		out = append(out, d.receipt())
		return nil
	})
	return out, err
}

// scanChunk is how many rows a check or a sweep holds at once.
const scanChunk = 500

// CheckIndexes compares the native fields, which the server's own indexes are over, with
// the JSON beside them.
func (s *Store) CheckIndexes(ctx context.Context, b auth.BranchID, gen uint64, bad func(journal.DocRef, string)) error {
	for _, typ := range slices.Sorted(maps.Keys(s.indexed)) {
		from := rowKey(b, gen, "")
		for {
			n := 0
			err := each(ctx, s, s.view(typ), rowsAfter(b, gen, from), byID(scanChunk), func(raw bson.Raw) error {
				n++
				from = raw.Lookup("_id").StringValue()
				var d document
				if err := bson.Unmarshal(raw, &d); err != nil {
					return err
				}
				var want []byte
				if !d.Deleted {
					var err error
					if want, err = bson.Marshal(native(untext(d.JSON), s.indexed[typ])); err != nil {
						return err
					}
				}
				if have, _ := raw.Lookup("state").DocumentOK(); !bytes.Equal(have, want) {
					bad(journal.DocRef{Type: typ, ID: d.ID}, "its native fields, which indexes are over, are not those of its JSON")
				}
				return nil
			})
			if err != nil {
				return err
			}
			if n < scanChunk {
				break
			}
		}
	}
	return nil
}

// StrayGenerations finds numbers of rows that no generation has. It leaps from one to the next.
func (s *Store) StrayGenerations(ctx context.Context, b auth.BranchID) ([]uint64, error) {
	types, err := s.viewCollections(ctx)
	if err != nil {
		return nil, err
	}
	// The rows first: a generation is there before it has any.
	found := map[uint64]bool{}
	for _, c := range append([]*mongo.Collection{s.feeds, s.receipts}, s.collections(types)...) {
		for from := key(string(b), ""); ; {
			filter := bson.D{{Key: "branch", Value: string(b)}, {Key: "_id", Value: bson.D{{Key: "$gte", Value: from},
				{Key: "$lt", Value: beyond(string(b))}}}}
			n := 0
			err := each(ctx, s, c, filter, byID(1).SetProjection(bson.D{{Key: "gen", Value: 1}}), func(d generation) error {
				n++
				found[uint64(d.Gen)] = true
				from = beyondGen(b, uint64(d.Gen))
				return nil
			})
			if err != nil {
				return nil, err
			}
			if n == 0 {
				break
			}
		}
	}
	gens, err := s.Generations(ctx, b)
	for _, g := range gens {
		if g.State != journal.Gone {
			delete(found, g.Gen)
		}
	}
	return slices.Sorted(maps.Keys(found)), err
}

// Sweep removes old tombstones and the feed rows that lead to them. Each row is removed
// only if it is still what was read: one that has moved on stays.
func (s *Store) Sweep(ctx context.Context, b auth.BranchID, floor uint64) (int, error) {
	gens, err := s.Generations(ctx, b)
	if err != nil {
		return 0, err
	}
	feeds, records := readable(gens, journal.FeedsView), readable(gens, journal.RecordsView)
	removed, top := 0, int64(journal.SeqTop(0, floor))
	var after journal.FeedEntry
	for {
		rows, err := s.ScanFeeds(ctx, b, feeds, after, scanChunk)
		if err != nil {
			return removed, err
		}
		var refs []journal.DocRef
		var keys []string
		for _, f := range rows {
			after = f
			if int64(f.Seq) <= top {
				refs = append(refs, journal.DocRef{Type: f.Type, ID: f.ID})
				keys = append(keys, feedKey(b, feeds, f.Feed, f.Type, f.ID))
			}
		}
		docs, err := s.RecordsOf(ctx, b, records, refs)
		if err != nil {
			return removed, err
		}
		var gone []string
		for i, d := range docs {
			if d.Type == "" || d.Deleted && d.N <= floor {
				gone = append(gone, keys[i])
			}
		}
		if len(gone) > 0 {
			unmoved := bson.E{Key: "seq", Value: bson.D{{Key: "$lte", Value: top}}}
			n, err := s.removeThese(ctx, s.feeds, string(b), gone, unmoved)
			removed += n
			if err != nil {
				return removed, err
			}
		}
		if len(rows) < scanChunk {
			break
		}
	}
	types, err := s.viewCollections(ctx)
	if err != nil {
		return removed, err
	}
	for _, typ := range types {
		run := rows{s.view(typ), string(b), rowKey(b, records, ""), beyondGen(b, records)}
		n, err := s.remove(ctx, run, bson.D{{Key: "deleted", Value: 1}, {Key: "n", Value: 1}}, func(d bson.Raw) bool {
			gone, _ := d.Lookup("deleted").BooleanOK()
			n, _ := d.Lookup("n").AsInt64OK()
			return gone && n <= int64(floor)
		}, bson.E{Key: "deleted", Value: true}, bson.E{Key: "n", Value: bson.D{{Key: "$lte", Value: int64(floor)}}})
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}
