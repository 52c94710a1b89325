package server

import (
	"context"
	"time"

	"doorstep/sync/journal"
)

// checkinEvery is how often the timers of agents are looked at.
const checkinEvery = 10 * time.Second

// watchCheckins alerts supervisors when the timers of agents run out. Several nodes may do it at once.
func (s *Server) watchCheckins(ctx context.Context) error {
	for {
		branches, err := s.office.Branches(ctx)
		for _, b := range branches {
			if _, bad := s.office.RunOutCheckins(ctx, b.ID, s.journal.Now()); bad != nil {
				err = bad
			}
		}
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("timers of agents: will look again", "err", err)
		}
		if journal.Sleep(ctx, checkinEvery) != nil {
			return nil
		}
	}
}
