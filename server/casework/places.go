package casework

import (
	"context"
	"fmt"
	"math"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/geo/country"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// This file notices homes that are not where they should be: refused is what cannot be in the case's
// country, and warned of what lies off its land or far from the other cases of the branch.

const (
	// offLand is how far off the land of its country a home may be: the outlines are as rough.
	offLand = 3_000.0 // metres
	// farAway is how far a home may be from all others of its branch.
	farAway = 100_000.0 // metres
	// fewNear is how many homes have to be within farAway, and fewHomes how many there must be to tell.
	fewNear, fewHomes = 3, 10
	// groundHomes is how many of the homes that a branch has are looked at.
	groundHomes = 200
)

// warning says of something that was taken why it may be a mistake.
type warning struct{ column, code, message string }

// homeWarnings are the warnings about the position of a home and the debtor's zone.
func homeWarnings(k *record.Case, home geo.Point) []warning {
	var out []warning
	if k.HomeTimeZone != "" {
		out = append(out, warning{"time_zone", "import.home_zone", fmt.Sprintf("the home lies in %s, whose clock differs "+
			"from %s: visits are planned only when both clocks allow them", k.HomeTimeZone, k.TimeZone)})
	}
	if off := country.Off(k.Country, home); off > offLand {
		out = append(out, warning{"lon", "import.off_land", fmt.Sprintf("the home lies %s off the land of its country: "+
			"are lon and lat right?", kilometres(off))})
	}
	return out
}

func kilometres(metres float64) string { return fmt.Sprintf("%.0f km", math.Max(1, metres/1000)) }

// ground is where the homes of a branch lie, or a part of them.
type ground []geo.Point

// far says that a home lies far from the others; nil if not, or if there are too few to tell.
func (g ground) far(home geo.Point) *warning {
	others, near, nearest := 0, 0, math.Inf(1)
	for _, p := range g {
		if p == home {
			continue // cases at one door, or the case itself
		}
		others++
		d := home.DistanceTo(p)
		nearest = min(nearest, d)
		if d <= farAway {
			if near++; near == fewNear {
				return nil
			}
		}
	}
	if others < fewHomes {
		return nil
	}
	return &warning{"lon", "import.far", fmt.Sprintf("the home lies %s from the nearest other case of the branch: are "+
		"lon and lat right?", kilometres(nearest))}
}

// groundOf reads some homes of open cases of a branch, of those that the actor may know of.
func (s *Service) groundOf(ctx context.Context, a auth.Actor, branch auth.BranchID) (ground, error) {
	found, err := s.store.Find(ctx, journal.Query{Branch: branch, Type: "cases", Index: CasesByStatus.Name,
		Eq: []any{record.StatusOpen}, Limit: groundHomes})
	if err != nil {
		return nil, fmt.Errorf("find cases of the branch: %w", err)
	}
	cases, err := decodeAll[record.Case](found.Records)
	if err != nil {
		return nil, err
	}
	if err := s.openHomes(ctx, branch, cases); err != nil {
		return nil, err
	}
	var g ground
	for i := range cases {
		if home, ok := homeOf(&cases[i].State); ok && cases[i].State.OpenTo(a) {
			g = append(g, home)
		}
	}
	return g, nil
}

// warn notes on lines of cases what may be a mistake. Homes of the chunk count as the branch's, and those of the
// chunks before.
func (ci *caseImport) warn(ctx context.Context, lines []*importLine[caseLine]) error {
	if !ci.grounded {
		g, err := ci.groundOf(ctx, ci.actor, ci.branch)
		if err != nil {
			return err
		}
		ci.ground, ci.grounded = g, true
	}
	kept := len(ci.ground)
	for _, l := range lines {
		if l.val.Home != nil {
			ci.ground = append(ci.ground, l.val.Home.Point())
		}
	}
	at := ci.journal.Now()
	for _, l := range lines {
		if l.val.Home == nil {
			continue
		}
		home := l.val.Home.Point()
		k := record.Case{Country: l.val.Country, TimeZone: l.val.TimeZone}
		k.HomeTimeZone = homeZone(&ci.zones, k.Country, k.TimeZone, home, at)
		all := homeWarnings(&k, home)
		if w := ci.ground.far(home); w != nil {
			all = append(all, *w)
		}
		for _, w := range all {
			l.warn(w)
		}
	}
	if most := 2 * groundHomes; kept >= most {
		ci.ground = ci.ground[:kept] // enough is known
	}
	return nil
}
