package server

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// InProcess is what a simulation gives a server in place of the outside world.
type InProcess struct {
	// Store is what the server works on. The server does not close it.
	Store Store
	// Alone says that no other server works on Store.
	Alone bool
	// Clock is the server's clock.
	Clock func() time.Time
	// Steps bounds each search of a round, whatever its time limit; 0 does not.
	Steps int
}

// notClosed is a store that outlives its server.
type notClosed struct{ Store }

func (notClosed) Close() error { return nil }

// OpenInProcess is Open for a simulation: the server listens nowhere, and Handler answers requests in its place. Call
// Work, and then Close, in the place of Serve. Passwords are hashed too cheaply for anything real.
func OpenInProcess(ctx context.Context, cfg Config, in InProcess) (*Server, error) {
	cfg.store = func(context.Context, *Config) (store, error) { return notClosed{in.Store}, nil }
	cfg.alone, cfg.nowhere, cfg.now, cfg.steps = in.Alone, true, in.Clock, in.Steps
	cfg.hashing = auth.HashCost{KiB: 64, Passes: 1}
	return Open(ctx, cfg)
}

// Handler answers requests as the server does.
func (s *Server) Handler() http.Handler { return s.api }

// Work does the background work of Serve until ctx ends, and waits for its end.
func (s *Server) Work(ctx context.Context) {
	var background sync.WaitGroup
	s.begin(ctx, &background)
	background.Wait()
}

// RestoredInProcess is Restored for a simulation: it works on a store that no server has open.
func RestoredInProcess(ctx context.Context, o RestoreOptions, s Store) (RestoreReport, error) {
	if s == nil {
		return RestoreReport{}, errors.New("there is no store")
	}
	o.join = func() (journal.Store, error) { return notClosed{s}, nil }
	return Restored(ctx, o)
}
