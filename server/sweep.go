package server

import (
	"context"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// sweepEvery is how often small documents that are over are deleted.
const sweepEvery = 6 * time.Hour

// sweepSmall deletes, now and then, callers' keys and sessions that are over. Several nodes may do it at once.
func (s *Server) sweepSmall(ctx context.Context) error {
	for {
		now := s.journal.Now()
		if err := journal.SweepKeys(ctx, s.store, now); err != nil {
			s.cfg.Log.Warn("cannot sweep keys", "err", err)
		}
		if err := journal.SweepSmall(ctx, s.store, refreshKind, func(body []byte) bool {
			return auth.FamilyOver(body, now)
		}); err != nil {
			s.cfg.Log.Warn("cannot sweep sessions", "err", err)
		}
		if err := journal.Sleep(ctx, sweepEvery); err != nil {
			return nil
		}
	}
}
