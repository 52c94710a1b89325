package server

import (
	"context"
	"fmt"
	"time"

	"doorstep/server/store/mongostore"
	"doorstep/sync/journal"
)

// clockEvery is how often a node compares its clock with the database server's.
const clockEvery = 10 * time.Minute

// watchServer warns, at the start and from time to time, of what is wrong with the database
// server or with this node's clock. It returns at once where the store is no MongoDB.
func (s *Server) watchServer(ctx context.Context) error {
	db, ok := s.store.(interface {
		Hello(context.Context) (mongostore.Hello, error)
	})
	if !ok {
		return nil
	}
	for first := true; ; first = false {
		if h, err := db.Hello(ctx); err == nil {
			for _, w := range warnings(h, first) {
				s.cfg.Log.Warn(w)
			}
		}
		if err := journal.Sleep(ctx, clockEvery); err != nil {
			return err
		}
	}
}

// warnings says what is wrong with a server, or with the clock of this node beside it.
func warnings(h mongostore.Hello, first bool) []string {
	var out []string
	if h.Standalone && first {
		out = append(out, "MongoDB is not a replica set: what it acknowledges is lost with its disk, and it has no "+
			"moments for reads to wait for; see server/store/mongostore/README.md")
	}
	ahead, word := h.Ahead, "ahead of"
	if ahead < 0 {
		ahead, word = -ahead, "behind"
	}
	if ahead-h.Within > time.Second {
		out = append(out, fmt.Sprintf("this node's clock is %s %s MongoDB's: set both by NTP; no entry is lost or "+
			"reordered, but times of receipt, lives of tokens and the flags of late visits are off by as much",
			ahead.Round(100*time.Millisecond), word))
	}
	return out
}
