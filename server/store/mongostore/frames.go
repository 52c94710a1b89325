package mongostore

import (
	"context"
	"errors"
	"fmt"

	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Frames of blobs are documents of a collection of their own. GridFS is not used: an upload stream of GridFS cannot be
// resumed by another process, and what it has taken in is not seen before its end, while every node must see how far an
// upload has come.

// frameDoc is one frame as it is stored.
type frameDoc struct {
	N    int32       `bson:"n"`
	Data bson.Binary `bson:"data"`
}

// frameDocs is the collection. Each blob is a branch of its own, as a small document is.
func (s *Store) frameDocs() *mongo.Collection { return s.db.Collection("frames") }

func frameKey(blob string, n int) string { return key(blob, fmt.Sprintf("%08d", n)) }

// ofBlob is the filter for all frames of a blob.
func ofBlob(blob string) bson.D {
	return bson.D{{Key: "branch", Value: blob},
		{Key: "_id", Value: bson.D{{Key: "$gte", Value: frameKey(blob, 0)}, {Key: "$lt", Value: beyond(blob)}}}}
}

// AddFrame keeps frame n of a blob; the first one makes the blob. It is durable when AddFrame returns nil.
// journal.ErrRaced: there is a frame n already, or none before it.
func (s *Store) AddFrame(ctx context.Context, blob string, n int, frame []byte) error {
	if n > 1 {
		var before frameDoc
		err := s.one(ctx, s.frameDocs(), bson.D{{Key: "_id", Value: frameKey(blob, n-1)}, {Key: "branch", Value: blob}},
			&before, options.FindOne().SetProjection(bson.D{{Key: "n", Value: 1}}))
		if errors.Is(err, mongo.ErrNoDocuments) {
			return journal.ErrRaced
		}
		if err != nil {
			return err
		}
	}
	err := s.add(ctx, s.frameDocs(), bson.D{{Key: "_id", Value: frameKey(blob, n)}, {Key: "branch", Value: blob},
		{Key: "n", Value: int32(n)}, {Key: "data", Value: bson.Binary{Data: frame}}})
	if mongo.IsDuplicateKeyError(err) {
		return journal.ErrRaced
	}
	return err
}

// LastFrame reads the last frame of a blob and tells how many it has; 0 for one that is not there.
func (s *Store) LastFrame(ctx context.Context, blob string) (n int, frame []byte, err error) {
	var last frameDoc
	err = s.one(ctx, s.frameDocs(), ofBlob(blob), &last, options.FindOne().SetSort(bson.D{{Key: "_id", Value: -1}}))
	if errors.Is(err, mongo.ErrNoDocuments) {
		return 0, nil, nil
	}
	return int(last.N), last.Data.Data, err
}

// EachFrame calls fn for the frames of a blob in order, until fn returns an error. It reads one frame at a time: who
// sends them on may be slow.
func (s *Store) EachFrame(ctx context.Context, blob string, fn func(n int, frame []byte) error) error {
	for n := 1; ; n++ {
		var f frameDoc
		err := s.one(ctx, s.frameDocs(), bson.D{{Key: "_id", Value: frameKey(blob, n)}, {Key: "branch", Value: blob}}, &f)
		if errors.Is(err, mongo.ErrNoDocuments) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fn(n, f.Data.Data); err != nil {
			return err
		}
	}
}

// DropFrames removes a blob. Doing it again does nothing.
func (s *Store) DropFrames(ctx context.Context, blob string) error {
	return s.call(ctx, "delete from frames", func(ctx context.Context) error {
		_, err := s.frameDocs().DeleteMany(ctx, ofBlob(blob))
		return err
	})
}
