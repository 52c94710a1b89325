package dispatch

import (
	"context"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// Stop ends the search of a round that is being planned: the best plan found so far is its result. A round that waits
// is planned with hardly any search. For one whose plan is made nothing is left to stop, and it is answered as it is.
// Errors: round.not_found, round.branch, round.state for a round that has failed or was called off or replaced.
func (s *Service) Stop(ctx context.Context, ask Ask, id string) (Round, error) {
	r, err := s.find(ctx, ask.Actor, id)
	if err != nil {
		return Round{}, err
	}
	if err := s.change(ctx, r.Branch, ask, id, "round.stop", func(_ *journal.Reader, now *Round) error {
		switch now.Status {
		case Queued, Replanning:
			now.StoppedBy = ask.Actor.User
		case Planned, Publishing, Published:
		default:
			return refuse(refusal.Conflict, "round.state", "", "a round that is "+now.Status+" is not being planned")
		}
		return nil
	}); err != nil {
		return Round{}, err
	}
	s.mu.Lock()
	stop := s.stops[id]
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	return s.load(ctx, r.Branch, id)
}

// untilStopped gives a context that ends when a user stops the search of a round, on this node or another; release must
// be called when the search is over. A proposal is not stopped: its request is.
func (s *Service) untilStopped(ctx context.Context, r Round) (stopped context.Context,
	release context.CancelFunc) {
	stopped, stop := context.WithCancel(ctx)
	if r.Replan != nil && r.Replan.Proposal != "" {
		return stopped, stop
	}
	s.mu.Lock()
	s.stops[r.ID] = stop
	s.mu.Unlock()
	// A request that came before this, or to another node, stands in the header.
	asked := func() bool {
		now, err := s.load(stopped, r.Branch, r.ID)
		return err == nil && now.StoppedBy != ""
	}
	if asked() {
		stop()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for s.opt.Shared && journal.Sleep(stopped, s.second) == nil {
			if asked() {
				stop()
			}
		}
	}()
	return stopped, func() {
		s.mu.Lock()
		delete(s.stops, r.ID)
		s.mu.Unlock()
		stop()
		<-ended
	}
}
