package mongostore

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Hello is what a server says of itself.
type Hello struct {
	// Standalone says that the server is neither in a replica set nor a router of a sharded
	// cluster. It has no majority: what it acknowledged is gone with its disk.
	Standalone bool
	// Ahead is how far the clock of this process is ahead of the server's, negative if it is
	// behind; it is right to within Within.
	Ahead, Within time.Duration
}

// Hello asks the server.
func (s *Store) Hello(ctx context.Context) (Hello, error) {
	var told struct {
		Set   string    `bson:"setName"`
		Msg   string    `bson:"msg"`
		Local time.Time `bson:"localTime"`
	}
	var asked, answered time.Time
	err := s.call(ctx, "hello", func(ctx context.Context) error {
		asked = time.Now()
		err := s.db.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&told)
		answered = time.Now()
		return err
	})
	if err != nil {
		return Hello{}, err
	}
	h := Hello{Standalone: told.Set == "" && told.Msg != "isdbgrid", Within: answered.Sub(asked) / 2}
	if !told.Local.IsZero() {
		h.Ahead = asked.Add(h.Within).Sub(told.Local)
	}
	return h, nil
}
