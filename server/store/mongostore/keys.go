package mongostore

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Debtors' keys stand in a collection of their own. MongoDB keeps earlier versions of
// a document for a while in its journal and its oplog: a destroyed key is gone for
// good when both have turned over. The key is wrapped, and the key-encryption key is
// never in the database.

// keyDoc is one debtor's key as it is stored.
type keyDoc struct {
	ID        string      `bson:"_id"`
	Wrapped   bson.Binary `bson:"wrapped"`
	Destroyed bool        `bson:"destroyed"`
}

// debtorKeys is the collection. Each key is a branch of its own, as a small document is.
func (s *Store) debtorKeys() *mongo.Collection { return s.db.Collection("debtorkeys") }

// Keys reads wrapped keys, in the order asked: nil where there is none, empty where it is destroyed.
func (s *Store) Keys(ctx context.Context, ids []string) ([][]byte, error) {
	out := make([][]byte, len(ids))
	at := make(map[string][]int, len(ids))
	for i, id := range ids {
		at[id] = append(at[id], i)
	}
	for len(ids) > 0 {
		n := min(len(ids), manyDocs)
		these := bson.D{{Key: "$in", Value: ids[:n]}}
		err := each(ctx, s, s.debtorKeys(), bson.D{{Key: "_id", Value: these}, {Key: "branch", Value: these}}, options.Find(),
			func(d keyDoc) error {
				wrapped := d.Wrapped.Data
				if d.Destroyed {
					wrapped = []byte{}
				}
				for _, i := range at[d.ID] {
					out[i] = wrapped
				}
				return nil
			})
		if err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return out, nil
}

// InsertKeys keeps the wrapped keys whose ids are new, in one durable write, and says
// which. An id whose key is destroyed is not new.
func (s *Store) InsertKeys(ctx context.Context, ids []string, wrapped [][]byte) ([]bool, error) {
	docs := make([]any, len(ids))
	inserted := make([]bool, len(ids))
	for i, id := range ids {
		docs[i] = bson.D{{Key: "_id", Value: id}, {Key: "branch", Value: id},
			{Key: "wrapped", Value: bson.Binary{Data: wrapped[i]}},
			{Key: "destroyed", Value: false}}
		inserted[i] = true
	}
	there, err := s.insert(ctx, s.debtorKeys(), docs)
	if err != nil {
		return nil, err
	}
	for _, i := range there {
		inserted[i] = false
	}
	return inserted, nil
}

// DestroyKey removes a wrapped key and leaves a marker; an id that has none gets the
// marker too, so that no key can be made for it. Durable when it returns nil.
func (s *Store) DestroyKey(ctx context.Context, id string) error {
	filter := bson.D{{Key: "_id", Value: id}, {Key: "branch", Value: id}}
	set := bson.D{{Key: "$set", Value: bson.D{{Key: "wrapped", Value: bson.Binary{Data: []byte{}}},
		{Key: "destroyed", Value: true}}}}
	err := s.call(ctx, "destroy a key", func(ctx context.Context) error {
		_, err := s.debtorKeys().UpdateOne(ctx, filter, set, options.UpdateOne().SetUpsert(true))
		return err
	})
	if mongo.IsDuplicateKeyError(err) { // a key was made meanwhile
		_, err = s.update(ctx, s.debtorKeys(), filter, set)
	}
	return err
}
