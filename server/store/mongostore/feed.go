package mongostore

import (
	"context"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// feedRow is a journal.FeedEntry as it is stored.
type feedRow struct {
	Feed string `bson:"feed"`
	Type string `bson:"type"`
	ID   string `bson:"id"`
	Seq  int64  `bson:"seq"`
}

func (r feedRow) ref() journal.DocRef { return journal.DocRef{Type: r.Type, ID: r.ID} }

func feedKey(b auth.BranchID, gen uint64, feed journal.Feed, typ, id string) string {
	return rowKey(b, gen, string(feed), typ, id)
}

// putFeeds writes to a generation the rows that are newer than what is there.
func (s *Store) putFeeds(ctx context.Context, b auth.BranchID, gen uint64, rows []journal.FeedEntry) error {
	place := map[string]int{}
	var docs []versioned
	for _, f := range rows {
		d := versioned{id: feedKey(b, gen, f.Feed, f.Type, f.ID), n: int64(f.Seq)}
		d.doc = bson.D{{Key: "_id", Value: d.id}, {Key: "branch", Value: string(b)}, {Key: "gen", Value: int64(gen)},
			{Key: "feed", Value: string(f.Feed)},
			{Key: "type", Value: f.Type}, {Key: "id", Value: f.ID}, {Key: "seq", Value: d.n}}
		i, there := place[d.id]
		switch {
		case !there:
			place[d.id] = len(docs)
			docs = append(docs, d)
		case docs[i].n < d.n:
			docs[i] = d
		}
	}
	return newest{s: s, c: s.feeds, branch: b, by: "seq"}.put(ctx, nil, docs)
}

// feedBatch is the least number of rows one query asks for.
const feedBatch = 100

// Feed reads rows of several feeds merged by number, with their documents. The
// watermark is read first and all else causally after it (past):
// a row that moves on meanwhile moves above the watermark, and is met by the next pull.
func (s *Store) Feed(ctx context.Context, q journal.FeedQuery) (journal.FeedRead, error) {
	if len(q.Feeds) == 0 || q.Limit <= 0 {
		w, err := s.Watermark(ctx, q.Branch)
		return journal.FeedRead{W: w}, err
	}
	for {
		began := time.Now()
		gens, err := s.Generations(ctx, q.Branch)
		if err != nil {
			return journal.FeedRead{}, err
		}
		out, err := s.feed(ctx, q, gens)
		if err != nil || time.Since(began) < grace {
			return out, err
		}
		// It took long: the generations may have been removed meanwhile.
		if same, err := s.stillThere(ctx, q.Branch, gens); err != nil || same {
			return out, err
		}
	}
}

// feed reads from given generations.
func (s *Store) feed(ctx context.Context, q journal.FeedQuery, gens []journal.Generation) (journal.FeedRead, error) {
	out := journal.FeedRead{W: journal.LowestOf(gens)}
	if out.W == 0 {
		return out, nil
	}
	gen := readable(gens, journal.FeedsView)
	rows, err := s.feedRows(ctx, q, gen, int64(journal.SeqTop(0, out.W)))
	if err != nil {
		return journal.FeedRead{}, err
	}
	if len(rows) > q.Limit {
		out.More, rows = true, rows[:q.Limit]
	}
	refs := make([]journal.DocRef, len(rows))
	for i, r := range rows {
		refs[i] = r.ref()
	}
	docs, err := s.records(ctx, q.Branch, refs, func(typ string) uint64 {
		return readable(gens,
			journal.ViewOf(gens, typ))
	})
	if err != nil {
		return journal.FeedRead{}, err
	}
	for i, r := range rows {
		out.Rows = append(out.Rows, journal.FeedRecord{Record: docs[i],
			FeedEntry: journal.FeedEntry{Feed: journal.Feed(r.Feed), Seq: uint64(r.Seq), Type: r.Type, ID: r.ID}})
	}
	return out, nil
}

// feedRows reads more rows than the limit when there are so many: each record once, at its highest number up to top.
func (s *Store) feedRows(ctx context.Context, q journal.FeedQuery, gen uint64, top int64) ([]feedRow, error) {
	var out []feedRow
	after := int64(q.After)
	for {
		size := max(q.Limit+1-len(out), feedBatch)
		filter := bson.D{{Key: "branch", Value: string(q.Branch)}, {Key: "gen", Value: int64(gen)},
			{Key: "feed", Value: bson.D{{Key: "$in", Value: q.Feeds}}},
			{Key: "seq", Value: bson.D{{Key: "$gt", Value: after}, {Key: "$lte", Value: top}}}}
		if len(q.Types) > 0 {
			filter = append(filter, bson.E{Key: "type", Value: bson.D{{Key: "$in", Value: q.Types}}})
		}
		var batch []feedRow
		err := each(ctx, s, s.feeds, filter, options.Find().SetSort(bson.D{{Key: "seq", Value: 1}}).SetLimit(int64(size)),
			func(r feedRow) error {
				batch = append(batch, r)
				return nil
			})
		if err != nil {
			return nil, err
		}
		last, err := s.lastOf(ctx, q, gen, batch, top)
		if err != nil {
			return nil, err
		}
		for _, r := range batch {
			if r.Seq >= last[r.ref()] {
				out = append(out, r)
			}
		}
		if len(batch) < size || len(out) > q.Limit {
			return out, nil
		}
		after = batch[len(batch)-1].Seq
	}
}

// lastOf gives the highest number, up to top, at which any of the feeds asked names each row's record.
func (s *Store) lastOf(ctx context.Context, q journal.FeedQuery, gen uint64, rows []feedRow,
	top int64) (map[journal.DocRef]int64, error) {
	last := map[journal.DocRef]int64{}
	var ids []string
	for _, r := range rows {
		last[r.ref()] = max(last[r.ref()], r.Seq)
		for _, f := range q.Feeds {
			if string(f) != r.Feed {
				ids = append(ids, feedKey(q.Branch, gen, f, r.Type, r.ID))
			}
		}
	}
	for len(ids) > 0 {
		n := min(len(ids), manyDocs)
		err := each(ctx, s, s.feeds, among(q.Branch, ids[:n]), options.Find(), func(r feedRow) error {
			if r.Seq <= top {
				last[r.ref()] = max(last[r.ref()], r.Seq)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return last, nil
}
