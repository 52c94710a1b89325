package casework

import (
	"context"
	"fmt"
	"slices"

	"doorstep/server/record"
	"doorstep/sync/journal"
)

// ProfilesNamed gives those of some conduct profiles that a case names, in any branch, closed cases included. It
// reads every case, in pages; it is for the rare moment when a profile is to be taken away. The errors are the
// store's.
func (s *Service) ProfilesNamed(ctx context.Context, profiles []string) ([]string, error) {
	branches, err := s.store.Branches(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for cases that name a profile: %w", err)
	}
	var named []string
	for _, b := range branches {
		err := s.each(ctx, journal.Query{Branch: b, Type: "cases"}, func(rec journal.Record) error {
			var k record.Case
			if err := decode(rec, &k); err != nil {
				return err
			}
			for _, p := range profiles {
				if slices.Contains(k.Profiles, p) && !slices.Contains(named, p) {
					named = append(named, p)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(named)
	return named, nil
}
