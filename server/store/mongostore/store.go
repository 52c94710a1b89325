package mongostore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// Store is a journal.Store in one MongoDB database.
type Store struct {
	client   *mongo.Client
	db       *mongo.Database
	pages    *mongo.Collection
	views    *mongo.Collection // the generations of the views, with their watermarks
	feeds    *mongo.Collection
	receipts *mongo.Collection
	small    *mongo.Collection
	past     past
	indexes  map[string]journal.Index   // by "type/name"
	indexed  map[string]map[string]bool // the fields of a type that some index names
	// ends remembers, for each branch, the end of a page that is known to be stored,
	// so that a writer who goes on from its own page need not look.
	ends sync.Map // auth.BranchID → uint64
	// gens remembers each branch's generations for a moment; see pinned.
	mu   sync.Mutex
	gens map[auth.BranchID]remembered
}

var _ journal.Store = (*Store)(nil)

// DefaultDatabase is the database of a URI that names none.
const DefaultDatabase = "doorstep"

// schemaVersion is kept in the database's meta collection.
const schemaVersion = 2

// Open connects to the database a URI names and declares the indexes, one at a time.
// The URI's own write concern, read concern and read preference do not count: the
// journal's are fixed. Indexes that are declared no longer are left alone, since an
// older node may still need them; the operator drops them.
func Open(ctx context.Context, uri string, indexes []journal.Index) (*Store, error) {
	name, err := DatabaseOf(uri)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return open(ctx, options.Client().ApplyURI(uri), name, indexes)
}

// Join connects to a database that a server has made, beside it: no collection and no
// index is made or changed, and a database of another version is refused.
func Join(ctx context.Context, uri string, indexes []journal.Index) (*Store, error) {
	name, err := DatabaseOf(uri)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s, err := connect(options.Client().ApplyURI(uri), name)
	if err != nil {
		return nil, err
	}
	for _, ix := range indexes {
		if _, err := s.know(ix); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	version, err := s.version(ctx)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = errors.New("no server has used it yet")
	} else if err == nil && version != schemaVersion {
		err = fmt.Errorf("it was made by another version (schema %d, this one reads %d)", version, schemaVersion)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store, database %s: %w", name, err), s.Close())
	}
	return s, nil
}

func open(ctx context.Context, opts *options.ClientOptions, name string, indexes []journal.Index) (*Store, error) {
	s, err := connect(opts, name)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, indexes); err != nil {
		return nil, errors.Join(fmt.Errorf("open store, database %s: %w", name, err), s.Close())
	}
	return s, nil
}

func connect(opts *options.ClientOptions, name string) (*Store, error) {
	flushed := true
	opts.SetAppName("doorstep").
		SetWriteConcern(&writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &flushed}).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary())
	client, err := mongo.Connect(opts)
	if err != nil {
		// The driver's error may quote the URI, and with it the password.
		return nil, errors.New("open store: the MongoDB URI cannot be used: it looks like " +
			"mongodb://user:password@host1,host2/database?replicaSet=name, where special characters of the password are " +
			"percent-encoded and all options are those of the driver")
	}
	db := client.Database(name)
	return &Store{
		client: client, db: db,
		pages: db.Collection("pages"), views: db.Collection("views"), feeds: db.Collection("feeds"),
		receipts: db.Collection("receipts"), small: db.Collection("small"),
		indexes: map[string]journal.Index{}, indexed: map[string]map[string]bool{},
		gens: map[auth.BranchID]remembered{},
	}, nil
}

// DatabaseOf reads the database's name from a URI, which may list several hosts and
// is therefore no URL that net/url would take.
func DatabaseOf(uri string) (string, error) {
	_, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return "", errors.New("the MongoDB URI has no scheme")
	}
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest, "/")
	name, err := url.PathUnescape(path)
	if err != nil {
		return "", errors.New("the MongoDB URI's database name is not well escaped")
	}
	if name == "" {
		return DefaultDatabase, nil
	}
	return name, nil
}

func (s *Store) prepare(ctx context.Context, indexes []journal.Index) error {
	meta := s.db.Collection("meta")
	err := s.add(ctx, meta, bson.D{{Key: "_id", Value: "schema"}, {Key: "version", Value: int64(schemaVersion)}})
	if err != nil && !mongo.IsDuplicateKeyError(err) {
		return err
	}
	version, err := s.version(ctx)
	if err != nil {
		return err
	}
	if version != schemaVersion {
		return fmt.Errorf("the database was made by another version (schema %d, this one reads %d)", version, schemaVersion)
	}
	if err := index(ctx, s.feeds, "feeds_seq", "branch", "gen", "feed", "seq", "type"); err != nil {
		return err
	}
	for _, ix := range indexes {
		if err := s.declare(ctx, ix); err != nil {
			return fmt.Errorf("index %s of %s: %w", ix.Name, ix.Type, err)
		}
	}
	return nil
}

// version reads which version made the database.
func (s *Store) version(ctx context.Context) (int64, error) {
	var have struct {
		Version int64 `bson:"version"`
	}
	err := s.one(ctx, s.db.Collection("meta"), bson.D{{Key: "_id", Value: "schema"}}, &have)
	return have.Version, err
}

// declare makes an index of a type's collection. Its name says its fields, so that a
// changed declaration makes another index.
func (s *Store) declare(ctx context.Context, ix journal.Index) error {
	keys, err := s.know(ix)
	if err != nil {
		return err
	}
	return index(ctx, s.view(ix.Type), ix.Name+"("+strings.Join(ix.Fields, ",")+")", keys...)
}

// know notes an index and gives the fields that it is over.
func (s *Store) know(ix journal.Index) ([]string, error) {
	if ix.Type == "" || len(ix.Fields) == 0 {
		return nil, errors.New("an index has a type and at least one field")
	}
	keys := []string{"branch", "gen"}
	for _, f := range ix.Fields {
		if !nativeName(f) {
			return nil, fmt.Errorf("field %q has no native name", f)
		}
		keys = append(keys, "state."+f)
		if s.indexed[ix.Type] == nil {
			s.indexed[ix.Type] = map[string]bool{}
		}
		s.indexed[ix.Type][f] = true
	}
	s.indexes[ix.Type+"/"+ix.Name] = ix
	return append(keys, "_id"), nil
}

func index(ctx context.Context, c *mongo.Collection, name string, keys ...string) error {
	d := make(bson.D, len(keys))
	for i, k := range keys {
		d[i] = bson.E{Key: k, Value: int32(1)}
	}
	_, err := c.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: d, Options: options.Index().SetName(name)})
	return err
}

// Close ends all connections, waiting at most a second for what is under way.
func (s *Store) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return s.client.Disconnect(ctx)
}

// view is the collection of a type's documents.
func (s *Store) view(typ string) *mongo.Collection {
	return s.db.Collection("view." + url.PathEscape(typ))
}

// key joins the parts of an _id. All but the last are escaped, so that no two lists
// of as many parts have the same key and keys with the same beginning sort by their last part.
func key(parts ...string) string {
	last := len(parts) - 1
	var b strings.Builder
	for _, p := range parts[:last] {
		b.WriteString(url.PathEscape(p))
		b.WriteByte('/')
	}
	b.WriteString(parts[last])
	return b.String()
}

// beyond is the first string above all keys that begin with the given parts.
func beyond(parts ...string) string {
	k := key(append(parts, "")...)
	return k[:len(k)-1] + "0" // '0' follows '/'
}

// rowKey is the _id of a row of a view: it begins with the branch and the generation.
func rowKey(b auth.BranchID, gen uint64, parts ...string) string {
	return key(append([]string{string(b), strconv.FormatUint(gen, 10)}, parts...)...)
}

// beyondGen is the first string above all keys of a generation's rows.
func beyondGen(b auth.BranchID, gen uint64) string {
	return beyond(string(b), strconv.FormatUint(gen, 10))
}

// at is the filter for one document of a branch.
func at(b auth.BranchID, id string) bson.D {
	return bson.D{{Key: "_id", Value: id}, {Key: "branch", Value: string(b)}}
}

// among is the filter for several documents of a branch.
func among(b auth.BranchID, ids []string) bson.D {
	return bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}, {Key: "branch", Value: string(b)}}
}
