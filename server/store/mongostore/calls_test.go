package mongostore

import (
	"context"
	"errors"
	"testing"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func TestErrorsOfTheServerMeanSomething(t *testing.T) {
	duplicate := mongo.WriteException{WriteErrors: []mongo.WriteError{{Code: 11000, Message: "E11000 duplicate key"}}}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want error
	}{
		{"no room", nil, mongo.CommandError{Code: 14031, Name: "OutOfDiskSpace", Message: "not enough"}, journal.ErrFull},
		{"no room, of the operating system", nil, mongo.WriteException{WriteErrors: []mongo.WriteError{{Code: 1,
			Message: "28: No space left on device"}}}, journal.ErrFull},
		{"no room, under PostgreSQL", nil, mongo.CommandError{Code: 1,
			Message: `could not extend file "base/5/1": wrote only 4096 of 8192 bytes`}, journal.ErrFull},
		{"no room, of Atlas", nil, mongo.CommandError{Code: 8000,
			Message: "you are over your space quota, using 513 MB of 512 MB"}, journal.ErrFull},
		{"writes blocked for want of room", nil, mongo.CommandError{Code: 371, Message: "User writes blocked: disk use"},
			journal.ErrFull},
		{"a deadline", nil, context.DeadlineExceeded, journal.ErrNoAnswer},
		{"a deadline at the server", nil, mongo.CommandError{Code: 50, Name: "MaxTimeMSExpired"}, journal.ErrNoAnswer},
		{"a broken connection", nil, mongo.CommandError{Labels: []string{"NetworkError"}}, journal.ErrNoAnswer},
		{"no primary", nil, mongo.CommandError{Code: 10107, Message: "not primary"}, journal.ErrNoAnswer},
		{"the caller has gone", gone, context.Canceled, context.Canceled},
		{"nothing there", nil, mongo.ErrNoDocuments, mongo.ErrNoDocuments},
	} {
		ctx := c.ctx
		if ctx == nil {
			ctx = context.Background()
		}
		err := meaning(ctx, "insert into pages", c.err)
		var no *refusal.Error
		if !errors.Is(err, c.want) || errors.As(err, &no) && no.RetryAfter == 0 {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if err := meaning(context.Background(), "insert", duplicate); !mongo.IsDuplicateKeyError(err) {
		t.Errorf("a duplicate key is %v", err)
	}
	if err := meaning(context.Background(), "insert", mongo.CommandError{Code: 13, Message: "unauthorized"}); err == nil ||
		errors.Is(err, journal.ErrNoAnswer) || errors.Is(err, journal.ErrFull) {
		t.Errorf("missing rights are %v", err)
	}
}

// A session begins after all that any session before it has seen.
func TestSessionsAreCausal(t *testing.T) {
	ctx := context.Background()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://127.0.0.1:1")) // it is never reached
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(ctx) }()
	var p past
	for _, c := range []struct{ saw, want uint32 }{{0, 0}, {7, 7}, {5, 7}, {9, 9}} {
		s, err := p.begin(client)
		if err != nil {
			t.Fatal(err)
		}
		if c.saw > 0 {
			if err := s.AdvanceOperationTime(&bson.Timestamp{T: c.saw}); err != nil {
				t.Fatal(err)
			}
		}
		p.saw(ctx, s)
		next, err := p.begin(client)
		if err != nil {
			t.Fatal(err)
		}
		if at := next.OperationTime(); c.want == 0 && at != nil || c.want > 0 && (at == nil || at.T != c.want) {
			t.Errorf("after %d: %v, want %d", c.saw, at, c.want)
		}
		next.EndSession(ctx)
	}
}
