package dispatch

import (
	"context"
	"maps"
	"slices"

	"doorstep/auth"
)

// poke has Run look at a branch.
func (s *Service) poke(branches ...auth.BranchID) {
	s.mu.Lock()
	for _, b := range branches {
		s.dirty[b] = true
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// pokeAll has Run look at all branches.
func (s *Service) pokeAll(ctx context.Context) error {
	branches, err := s.store.Branches(ctx)
	if err != nil {
		return err
	}
	s.poke(slices.DeleteFunc(branches, func(b auth.BranchID) bool { return b == auth.OrgBranch })...)
	return nil
}

// poked takes the branches to look at.
func (s *Service) poked() []auth.BranchID {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Sorted(maps.Keys(s.dirty))
	clear(s.dirty)
	return out
}
