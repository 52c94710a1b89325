package mongostore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// How long the server may take. Callers of the journal are told to come back after five
// seconds of trouble: a call that hangs must have become trouble by then.
const (
	callTime = 4 * time.Second
	perDoc   = 4 * time.Millisecond // more for each document of a write of many
)

// manyWrites is how many documents one write holds.
const manyWrites = 250

// past is the newest moment of the replica set that a store has seen. Every read asks for
// what there was then at least (afterClusterTime): a server that has lost an election, and
// does not know it, cannot answer, where it would answer with less than this store has read
// or written before. Servers that tell no such moments are asked without.
type past struct {
	mu        sync.Mutex
	operation *bson.Timestamp
	cluster   bson.Raw
}

// begin starts a session that is causally after everything seen.
func (p *past) begin(client *mongo.Client) (*mongo.Session, error) {
	session, err := client.StartSession(options.Session().SetCausalConsistency(true))
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cluster != nil {
		err = session.AdvanceClusterTime(p.cluster)
	}
	if p.operation != nil {
		err = errors.Join(err, session.AdvanceOperationTime(p.operation))
	}
	return session, err
}

// saw notes what a session has seen, and ends it.
func (p *past) saw(ctx context.Context, session *mongo.Session) {
	defer session.EndSession(ctx)
	t := session.OperationTime()
	p.mu.Lock()
	defer p.mu.Unlock()
	if t != nil && (p.operation == nil || t.After(*p.operation)) {
		p.operation, p.cluster = t, session.ClusterTime()
	}
}

// call runs one operation on the server, in a session after everything this store has
// seen. It gives up after callTime with journal.ErrNoAnswer; doing says what hung.
func (s *Store) call(ctx context.Context, doing string, fn func(ctx context.Context) error) error {
	return s.callMany(ctx, doing, 0, fn)
}

// callMany is call for a write of so many documents.
func (s *Store) callMany(ctx context.Context, doing string, docs int, fn func(ctx context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, callTime+time.Duration(docs)*perDoc)
	defer cancel()
	return s.within(ctx, limited, doing, fn)
}

// within runs an operation under a context of its own, which ends when the server takes too long.
func (s *Store) within(ctx, limited context.Context, doing string, fn func(ctx context.Context) error) error {
	session, err := s.past.begin(s.client)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer s.past.saw(context.WithoutCancel(ctx), session)
	return meaning(ctx, doing, fn(mongo.NewSessionContext(limited, session)))
}

// meaning makes an error of the driver one of the journal's, where there is one: no answer,
// or no room. What the contract reads from the error stays as it is. ctx is the caller's.
func meaning(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil || errors.Is(err, mongo.ErrNoDocuments) || mongo.IsDuplicateKeyError(err):
		return err
	case full(err):
		return journal.ErrFull.Because(fmt.Errorf("%s: %w", doing, err))
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	case unanswered(err):
		return journal.ErrNoAnswer.Because(fmt.Errorf("MongoDB: %s: %w", doing, err))
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Codes of server errors.
const (
	codeOutOfDiskSpace    = 14031
	codeAtlas             = 8000 // of MongoDB Atlas: its message says what it is about
	codeUserWritesBlocked = 371  // writes are blocked, by an operator or for want of space
)

// noRoom are phrases of messages that say that the disk is full: of the operating system, of
// PostgreSQL under a compatible server, of SQLite, of Atlas.
var noRoom = []string{"no space left on device", "could not extend file", "disk full", "disk is full",
	"database or disk is full", "disk quota exceeded", "space quota", "out of disk space"}

// full tells whether an error says that the server has no room left.
func full(err error) bool {
	var server mongo.ServerError
	if !errors.As(err, &server) {
		return false
	}
	if server.HasErrorCode(codeOutOfDiskSpace) {
		return true
	}
	text := strings.ToLower(err.Error())
	if server.HasErrorCode(codeUserWritesBlocked) && strings.Contains(text, "disk") {
		return true
	}
	for _, phrase := range noRoom {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}

// unanswered tells whether an error says that the server was not reached, did not answer in
// time, or is not the primary now: the same question may be answered a little later.
func unanswered(err error) bool {
	if mongo.IsTimeout(err) || mongo.IsNetworkError(err) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled) || errors.Is(err, errSlow) {
		return true
	}
	var server mongo.ServerError
	if !errors.As(err, &server) {
		return strings.Contains(err.Error(), "server selection error") // the driver has no type for it outside x/
	}
	if server.HasErrorLabel("RetryableWriteError") || server.HasErrorLabel("RetryableError") {
		return true
	}
	for _, code := range []int{6, 7, 64, 89, 91, 134, 189, 202, 262, 9001, 10058, 10107, 11600, 11602, 13388, 13435,
		13436} {
		if server.HasErrorCode(code) { // host unreachable, write concern, shutdown, stepped down, interrupted, …
			return true
		}
	}
	return false
}

// errSlow is why a query ends that gives nothing more for too long.
var errSlow = fmt.Errorf("no answer within %s", callTime)

// each decodes every document a query finds into a T of its own. The server may take
// callTime for the first of them, and as long from one to the next.
func each[T any](ctx context.Context, s *Store, c *mongo.Collection, filter any, opts *options.FindOptionsBuilder,
	fn func(T) error) error {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slow := time.AfterFunc(callTime, func() { cancel(errSlow) })
	defer slow.Stop()
	var ours error // fn's own error; the server did not cause it
	err := s.within(ctx, limited, "read "+c.Name(), func(ctx context.Context) (err error) {
		cur, err := c.Find(ctx, filter, opts)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, cur.Close(ctx)) }()
		for cur.Next(ctx) {
			slow.Reset(callTime)
			var v T
			if err := cur.Decode(&v); err != nil {
				return err
			}
			if ours = fn(v); ours != nil {
				return nil
			}
		}
		return cur.Err()
	})
	if cause := context.Cause(limited); err != nil && errors.Is(cause, errSlow) && ctx.Err() == nil {
		return journal.ErrNoAnswer.Because(fmt.Errorf("MongoDB: read %s: %w", c.Name(), errSlow))
	}
	if err == nil {
		err = ours
	}
	return err
}

// one decodes the one document that a query finds. mongo.ErrNoDocuments.
func (s *Store) one(ctx context.Context, c *mongo.Collection, filter any, into any,
	opts ...options.Lister[options.FindOneOptions]) error {
	return s.call(ctx, "read "+c.Name(), func(ctx context.Context) error {
		return c.FindOne(ctx, filter, opts...).Decode(into)
	})
}

// add inserts one document. A duplicate key is the driver's error.
func (s *Store) add(ctx context.Context, c *mongo.Collection, doc bson.D) error {
	return s.call(ctx, "insert into "+c.Name(), func(ctx context.Context) error {
		_, err := c.InsertOne(ctx, doc)
		return err
	})
}

// update changes one document, and tells whether the filter found it.
func (s *Store) update(ctx context.Context, c *mongo.Collection, filter, change bson.D) (found bool, err error) {
	err = s.call(ctx, "update "+c.Name(), func(ctx context.Context) error {
		res, err := c.UpdateOne(ctx, filter, change)
		if err == nil {
			found = res.MatchedCount > 0
		}
		return err
	})
	return found, err
}

// insert inserts documents in any order and says which were there already, by their
// position. Any other failure, of the write concern too, is an error.
func (s *Store) insert(ctx context.Context, c *mongo.Collection, docs []any) (there []int, err error) {
	for from := 0; from < len(docs); from += manyWrites {
		some := docs[from:min(from+manyWrites, len(docs))]
		var had []int
		err := s.callMany(ctx, "insert into "+c.Name(), len(some), func(ctx context.Context) (err error) {
			had, err = insert(ctx, c, some)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, i := range had {
			there = append(there, from+i)
		}
	}
	return there, nil
}

func insert(ctx context.Context, c *mongo.Collection, docs []any) (there []int, err error) {
	_, err = c.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
	var bulk mongo.BulkWriteException
	if !errors.As(err, &bulk) || bulk.WriteConcernError != nil || len(bulk.WriteErrors) == 0 {
		return nil, err
	}
	for _, w := range bulk.WriteErrors {
		if !mongo.IsDuplicateKeyError(w.WriteError) {
			return nil, w.WriteError // not bulk, which is also a duplicate key's error
		}
		there = append(there, w.Index)
	}
	return there, nil
}

// rows are a run of a collection's rows of one branch, in the order of their _id.
type rows struct {
	in       *mongo.Collection
	branch   string
	from, to string // both exclusive
}

// remove deletes those rows of a run that match says are to be deleted and that unmoved
// still finds then, and tells how many there were. It reads the run in short pieces, of
// which match sees the given fields.
func (s *Store) remove(ctx context.Context, r rows, fields bson.D, match func(bson.Raw) bool, unmoved ...bson.E) (
	removed int, err error) {
	for {
		n := 0
		var ids []string
		filter := bson.D{{Key: "branch", Value: r.branch},
			{Key: "_id", Value: bson.D{{Key: "$gt", Value: r.from}, {Key: "$lt", Value: r.to}}}}
		err := each(ctx, s, r.in, filter, byID(scanChunk).SetProjection(fields), func(d bson.Raw) error {
			n++
			r.from = d.Lookup("_id").StringValue()
			if match(d) {
				ids = append(ids, r.from)
			}
			return nil
		})
		if err != nil {
			return removed, err
		}
		deleted, err := s.removeThese(ctx, r.in, r.branch, ids, unmoved...)
		removed += deleted
		if err != nil || n < scanChunk {
			return removed, err
		}
	}
}

// removeThese deletes rows by their _id, those that a filter still finds.
func (s *Store) removeThese(ctx context.Context, c *mongo.Collection, branch string, ids []string, unmoved ...bson.E) (
	removed int, err error) {
	for ; len(ids) > 0; ids = ids[min(len(ids), manyWrites):] {
		some := ids[:min(len(ids), manyWrites)]
		filter := append(bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: some}}}, {Key: "branch", Value: branch}},
			unmoved...)
		err := s.callMany(ctx, "delete from "+c.Name(), len(some), func(ctx context.Context) error {
			res, err := c.DeleteMany(ctx, filter)
			if err == nil {
				removed += int(res.DeletedCount)
			}
			return err
		})
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}
