package mongostore

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/server/store/storetest"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// databases counts the databases of this run.
type databases struct {
	uri   string
	run   string
	count atomic.Int64
	mu    sync.Mutex
	names map[journal.Store]string
}

// server gives the server that the environment names, and skips the test where it names none.
func server(t *testing.T) *databases {
	t.Helper()
	uri := os.Getenv("DOORSTEP_TEST_MONGODB_URI")
	if uri == "" {
		t.Skip("NOT TESTED against MongoDB: set DOORSTEP_TEST_MONGODB_URI to a replica set where databases doorstep_test_* may be made and dropped")
	}
	return &databases{uri: uri, run: fmt.Sprintf("doorstep_test_%d", time.Now().UnixNano()),
		names: map[journal.Store]string{}}
}

// fresh names a database that is dropped when the test ends.
func (d *databases) fresh(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("%s_%d", d.run, d.count.Add(1))
	t.Cleanup(func() {
		client, err := mongo.Connect(options.Client().ApplyURI(d.uri))
		if err != nil {
			t.Error(err)
			return
		}
		ctx := context.Background()
		if err := client.Database(name).Drop(ctx); err != nil {
			t.Error(err)
		}
		_ = client.Disconnect(ctx)
	})
	return name
}

func (d *databases) open(t *testing.T, name string, monitor *event.CommandMonitor) journal.Store {
	t.Helper()
	s, err := open(context.Background(), options.Client().ApplyURI(d.uri).SetMonitor(monitor), name, storetest.Indexes())
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[s] = name
	return s
}

func TestContract(t *testing.T) {
	d := server(t)
	storetest.Run(t, storetest.Engine{
		Concurrent: true,
		Open:       func(t *testing.T) journal.Store { return d.open(t, d.fresh(t), nil) },
		Reopen: func(t *testing.T, s journal.Store) journal.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return d.open(t, d.names[s], nil)
		},
	})
}

func TestDatabaseIsNamedByTheURI(t *testing.T) {
	for _, c := range []struct{ uri, want string }{
		{"mongodb://localhost", DefaultDatabase},
		{"mongodb://localhost/", DefaultDatabase},
		{"mongodb://localhost/?maxPoolSize=1", DefaultDatabase},
		{"mongodb://localhost?authSource=a/b", DefaultDatabase},
		{"mongodb://u:p@one:1,two:2/field?replicaSet=r", "field"},
		{"mongodb+srv://cluster.example/a%2Db", "a-b"},
	} {
		got, err := DatabaseOf(c.uri)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.uri, got, err, c.want)
		}
	}
	for _, bad := range []string{"localhost/db", "mongodb://localhost/%zz"} {
		if _, err := DatabaseOf(bad); err == nil {
			t.Errorf("%s is no URI", bad)
		}
	}
}

func TestKeysOfDifferentPartsDiffer(t *testing.T) {
	seen := map[string][]string{}
	for _, parts := range [][]string{{"a", "b", "c"}, {"a", "b/c", "d"}, {"a/b", "c", "d"}, {"a", "b", "c/d"},
		{"a%2Fb", "c", "d"}, {"a", "b%2Fc", "d"}, {"a", "", "b/c"}, {"", "a", "b/c"}} {
		k := key(parts...)
		if other, taken := seen[k]; taken {
			t.Errorf("%q and %q have the same key %s", parts, other, k)
		}
		seen[k] = parts
	}
	// A branch whose name begins with another's is not within its keys.
	for _, other := range []string{"b1x", "b1/x", "b1.", "b10", "b"} {
		if k := key(other, "id"); key("b1", "") <= k && k < beyond("b1") {
			t.Errorf("%s lies among the keys of b1", k)
		}
	}
}
