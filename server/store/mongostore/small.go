package mongostore

import (
	"context"
	"errors"
	"strings"

	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// smallDoc is a small document as it is stored.
type smallDoc struct {
	ID      string      `bson:"id"`
	Version int64       `bson:"version"`
	Body    bson.Binary `bson:"body"`
}

// smallKey names a small document. It belongs to no branch (a debtor's home must be
// unique over all of them), so each is a branch of its own: sharding by branch, as
// everywhere, spreads them, and keeps an _id unique since it is the shard key too.
func smallKey(kind, id string) bson.D {
	k := key(kind, id)
	return bson.D{{Key: "_id", Value: k}, {Key: "branch", Value: k}}
}

func firstSmall(kind, id string, body []byte) bson.D {
	return append(smallKey(kind, id), bson.D{{Key: "kind", Value: kind}, {Key: "id", Value: id},
		{Key: "version", Value: int64(1)}, {Key: "body", Value: bson.Binary{Data: body}}}...)
}

func smallAt(kind, id string, version uint64) bson.D {
	return append(smallKey(kind, id), bson.E{Key: "version", Value: int64(version)})
}

// Small reads a small document.
func (s *Store) Small(ctx context.Context, kind, id string) (body []byte, version uint64, err error) {
	var d smallDoc
	err = s.one(ctx, s.small, smallKey(kind, id), &d)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, 0, journal.ErrNotFound
	}
	return d.Body.Data, uint64(d.Version), err
}

// SwapSmall writes a small document if it is still at a version.
func (s *Store) SwapSmall(ctx context.Context, kind, id string, was uint64, body []byte) error {
	if was == 0 {
		err := s.add(ctx, s.small, firstSmall(kind, id, body))
		if mongo.IsDuplicateKeyError(err) {
			return journal.ErrRaced
		}
		return err
	}
	found, err := s.update(ctx, s.small, smallAt(kind, id, was), bson.D{{Key: "$set", Value: bson.D{
		{Key: "version", Value: int64(was + 1)}, {Key: "body", Value: bson.Binary{Data: body}}}}})
	if err == nil && !found {
		return journal.ErrRaced
	}
	return err
}

// DeleteSmall removes a small document if it is at a version.
func (s *Store) DeleteSmall(ctx context.Context, kind, id string, was uint64) error {
	deleted := false
	err := s.call(ctx, "delete from small", func(ctx context.Context) error {
		res, err := s.small.DeleteOne(ctx, smallAt(kind, id, was))
		deleted = err == nil && res.DeletedCount > 0
		return err
	})
	if err != nil || deleted {
		return err
	}
	if _, _, err := s.Small(ctx, kind, id); err != nil {
		return err
	}
	return journal.ErrRaced
}

// Smalls reads several small documents of a kind, in the order asked.
func (s *Store) Smalls(ctx context.Context, kind string, ids []string) ([]journal.SmallDoc, error) {
	out := make([]journal.SmallDoc, len(ids))
	wanted := make(map[string][]int, len(ids))
	var keys []string
	for i, id := range ids {
		out[i].ID = id
		if wanted[id] == nil {
			keys = append(keys, key(kind, id))
		}
		wanted[id] = append(wanted[id], i)
	}
	for len(keys) > 0 {
		n := min(len(keys), manyDocs)
		these := bson.D{{Key: "$in", Value: keys[:n]}}
		err := each(ctx, s, s.small, bson.D{{Key: "_id", Value: these}, {Key: "branch", Value: these}}, options.Find(),
			func(d smallDoc) error {
				for _, i := range wanted[d.ID] {
					out[i] = journal.SmallDoc{ID: d.ID, Version: uint64(d.Version), Body: d.Body.Data}
				}
				return nil
			})
		if err != nil {
			return nil, err
		}
		keys = keys[n:]
	}
	return out, nil
}

// InsertSmalls inserts those that are absent, in one write.
func (s *Store) InsertSmalls(ctx context.Context, kind string, ids []string, bodies [][]byte) ([]bool, error) {
	docs := make([]any, len(ids))
	inserted := make([]bool, len(ids))
	for i, id := range ids {
		docs[i] = firstSmall(kind, id, bodies[i])
		inserted[i] = true
	}
	there, err := s.insert(ctx, s.small, docs)
	if err != nil {
		return nil, err
	}
	for _, i := range there {
		inserted[i] = false
	}
	return inserted, nil
}

// ListSmall lists ids of a kind with a prefix, sorted. Ids with a prefix lie side by
// side, so that the first without it ends the list.
func (s *Store) ListSmall(ctx context.Context, kind, prefix, after string, limit int) ([]string, error) {
	if limit <= 0 {
		return nil, nil
	}
	span := bson.D{{Key: "$gte", Value: key(kind, prefix)}, {Key: "$gt", Value: key(kind, after)},
		{Key: "$lt", Value: beyond(kind)}}
	filter := bson.D{{Key: "_id", Value: span}, {Key: "branch", Value: span}}
	var out []string
	err := each(ctx, s, s.small, filter, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit)).
		SetProjection(bson.D{{Key: "id", Value: 1}}), func(d smallDoc) error {
		if strings.HasPrefix(d.ID, prefix) {
			out = append(out, d.ID)
		}
		return nil
	})
	return out, err
}
