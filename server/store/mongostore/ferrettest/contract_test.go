package ferrettest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"doorstep/server/store/mongostore"
	"doorstep/server/store/storetest"
	"doorstep/sync/journal"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// peer is a server in this process; every store opened on it has a database of its own.
type peer struct {
	host   string
	opened atomic.Int64
	mu     sync.Mutex
	uris   map[journal.Store]string
}

func start(t *testing.T) *peer {
	t.Helper()
	f, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.DiscardHandler),
		Handler:   "sqlite",
		SQLiteURL: "file:" + t.TempDir() + "/", // the slash at the end is needed
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.Run(ctx) // returns the context's error
	}()
	t.Cleanup(func() { cancel(); <-done })
	return &peer{host: f.MongoDBURI(), uris: map[journal.Store]string{}}
}

// uri names a database that is not there yet, over one connection.
func (p *peer) uri() string {
	return fmt.Sprintf("%st%d?maxPoolSize=1", p.host, p.opened.Add(1))
}

func (p *peer) open(t *testing.T, uri string) journal.Store {
	t.Helper()
	s, err := mongostore.Open(context.Background(), uri, storetest.Indexes())
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uris[s] = uri
	return s
}

func (p *peer) reopen(t *testing.T, s journal.Store) journal.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return p.open(t, p.uris[s])
}

func TestContract(t *testing.T) {
	p := start(t)
	storetest.Run(t, storetest.Engine{
		Open:   func(t *testing.T) journal.Store { return p.open(t, p.uri()) },
		Reopen: p.reopen,
	})
}
