package mongostore

import (
	"context"
	"errors"
	"fmt"

	"doorstep/auth"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// place is a page without its bytes.
type place struct {
	Branch string `bson:"branch"`
	Last   int64  `bson:"last"`
	ID     string `bson:"id"`
}

// pageKey sorts as the numbers do.
func pageKey(b auth.BranchID, first uint64) string {
	return key(string(b), fmt.Sprintf("%020d", first))
}

// upTo is the filter for the pages of a branch that begin at an entry or before it.
func upTo(b auth.BranchID, first uint64) bson.D {
	return bson.D{{Key: "branch", Value: string(b)},
		{Key: "_id", Value: bson.D{{Key: "$gte", Value: pageKey(b, 0)}, {Key: "$lte", Value: pageKey(b, first)}}}}
}

// Commit stores a page, then its views, then raises the watermark.
func (s *Store) Commit(ctx context.Context, p *journal.Page, v journal.ViewWrites) error {
	if err := s.follows(ctx, p); err != nil {
		return err
	}
	if p.First == 1 {
		if err := s.begin(ctx, p.Branch); err != nil {
			return err
		}
	}
	k := pageKey(p.Branch, p.First)
	err := s.add(ctx, s.pages, bson.D{
		{Key: "_id", Value: k}, {Key: "branch", Value: string(p.Branch)}, {Key: "first", Value: int64(p.First)},
		{Key: "last", Value: int64(p.Last)}, {Key: "id", Value: p.ID}, {Key: "node", Value: p.Node},
		{Key: "body", Value: bson.Binary{Data: p.Encode()}},
	})
	if err != nil && !mongo.IsDuplicateKeyError(err) {
		return fmt.Errorf("store page %s/%d: %w", p.Branch, p.First, err)
	}
	if err != nil {
		var there place
		err := s.one(ctx, s.pages, at(p.Branch, k), &there,
			options.FindOne().SetProjection(bson.D{{Key: "body", Value: 0}}))
		if err != nil {
			// Not found: whatever page is there has not reached the majority, and may yet be undone.
			return fmt.Errorf("read the page at %s/%d: %w", p.Branch, p.First, err)
		}
		if there.ID != p.ID {
			return journal.ErrTaken
		}
	}
	s.ends.Store(p.Branch, p.Last)
	return s.show(ctx, p, v, true)
}

// follows checks that a page ends where the new one begins: insert-if-absent alone
// would let a page leave a gap, or lie within another.
func (s *Store) follows(ctx context.Context, p *journal.Page) error {
	if p.First <= 1 {
		return nil
	}
	if end, ok := s.ends.Load(p.Branch); ok && end == p.First-1 {
		return nil
	}
	var before place
	err := s.one(ctx, s.pages, upTo(p.Branch, p.First-1), &before, options.FindOne().
		SetSort(bson.D{{Key: "_id", Value: -1}}).SetProjection(bson.D{{Key: "body", Value: 0}}))
	switch {
	case err != nil && !errors.Is(err, mongo.ErrNoDocuments):
		return fmt.Errorf("read the page before %s/%d: %w", p.Branch, p.First, err)
	case uint64(before.Last) < p.First-1:
		return fmt.Errorf("page %s/%d would leave a gap after %d", p.Branch, p.First, before.Last)
	case uint64(before.Last) > p.First-1:
		return journal.ErrTaken
	}
	return nil
}

// Apply applies the views of a page that is stored.
func (s *Store) Apply(ctx context.Context, p *journal.Page, v journal.ViewWrites) error {
	return s.show(ctx, p, v, false)
}

func wrap(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// stored is a page's bytes and its place.
type stored struct {
	Branch string      `bson:"branch"`
	First  int64       `bson:"first"`
	Last   int64       `bson:"last"`
	Body   bson.Binary `bson:"body"`
}

// page decodes it. A *journal.DamagedPage.
func (s *stored) page() (*journal.Page, error) {
	return journal.ReadPage(auth.BranchID(s.Branch), uint64(s.First), uint64(s.Last), s.Body.Data)
}

var pageFields = bson.D{{Key: "branch", Value: 1}, {Key: "first", Value: 1}, {Key: "last", Value: 1},
	{Key: "body", Value: 1}}

// PageAt reads the page stored under (branch, first).
func (s *Store) PageAt(ctx context.Context, b auth.BranchID, first uint64) (*journal.Page, error) {
	return s.page(ctx, at(b, pageKey(b, first)))
}

// PageOf reads the page that holds entry n.
func (s *Store) PageOf(ctx context.Context, b auth.BranchID, n uint64) (*journal.Page, error) {
	p, err := s.page(ctx, upTo(b, n))
	var damaged *journal.DamagedPage
	if err == nil && p.Last < n || errors.As(err, &damaged) && damaged.Last < n {
		return nil, journal.ErrNotFound
	}
	return p, err
}

// Tail reads the last page of a branch.
func (s *Store) Tail(ctx context.Context, b auth.BranchID) (*journal.Page, error) {
	return s.page(ctx, upTo(b, 1<<63-1))
}

// page reads the last page that a filter finds.
func (s *Store) page(ctx context.Context, filter bson.D) (*journal.Page, error) {
	var found stored
	err := s.one(ctx, s.pages, filter, &found, options.FindOne().SetSort(bson.D{{Key: "_id", Value: -1}}).
		SetProjection(pageFields))
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, journal.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found.page()
}

// Pages reads pages whose Last is above a number, in order.
func (s *Store) Pages(ctx context.Context, b auth.BranchID, after uint64, limit int) ([]*journal.Page, error) {
	limit = max(limit, 1)
	filter := bson.D{{Key: "branch", Value: string(b)},
		{Key: "_id", Value: bson.D{{Key: "$gte", Value: pageKey(b, after+1)}, {Key: "$lt", Value: beyond(string(b))}}}}
	var out []*journal.Page
	err := each(ctx, s, s.pages, filter, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit)).
		SetProjection(pageFields), func(found stored) error {
		p, err := found.page()
		if err == nil {
			out = append(out, p)
		}
		return err
	})
	var damaged *journal.DamagedPage
	if err != nil && (len(out) == 0 || !errors.As(err, &damaged)) {
		return nil, err
	}
	if len(out) > 0 && out[0].First == after+1 {
		return out, nil
	}
	// No page begins there: one that began before may hold the entry.
	p, err := s.PageOf(ctx, b, after+1)
	switch {
	case err == nil:
		out = append([]*journal.Page{p}, out...)
	case !errors.Is(err, journal.ErrNotFound):
		return nil, err
	}
	return out[:min(len(out), limit)], nil
}
