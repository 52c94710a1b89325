package office

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/geo"
)

// Redrawn is what a map would do that nobody has sent yet.
type Redrawn struct {
	Coverage Coverage
	// Proposal compares it with the present map; none of its territories is Divided.
	Proposal Proposal
}

// Redraw says what a whole map would do in place of the branch's: how it shares out the open cases, which cases change
// hands, and which teams and cases it leaves behind. It changes nothing, and refuses the territories that
// ReplaceTerritories would refuse. territory.*.
func (s *Service) Redraw(ctx context.Context, b auth.BranchID, next []Territory, work []Work) (Redrawn, error) {
	l, err := s.landOf(ctx, b)
	if err != nil {
		return Redrawn{}, err
	}
	for i, t := range next {
		if err := cmp.Or(t.check(), l.wrongTerritory(t)); err != nil {
			return Redrawn{}, under(fmt.Sprintf("features[%d]", i), err)
		}
		if slices.ContainsFunc(next[:i], func(o Territory) bool { return o.ID == t.ID }) {
			return Redrawn{}, invalid("territory.twice", fmt.Sprintf("features[%d].id", i),
				"two territories have the same id; give each its own")
		}
	}
	now, err := s.Territories(ctx, b)
	if err != nil {
		return Redrawn{}, err
	}
	index, err := s.Index(ctx, b)
	if err != nil {
		return Redrawn{}, err
	}
	teams, err := s.Teams(ctx, b)
	if err != nil {
		return Redrawn{}, err
	}
	next = slices.SortedFunc(slices.Values(next), func(x, y Territory) int { return cmp.Compare(x.ID, y.ID) })
	then, err := mapIndex(next)
	if err != nil {
		return Redrawn{}, err
	}
	out := Redrawn{Proposal: Proposal{Territories: []Proposed{}}}
	p := &out.Proposal
	if p.BasedOn, err = MapHash(now); err != nil {
		return Redrawn{}, err
	}
	had := map[string]bool{}
	for _, t := range now {
		had[t.ID] = true
		if !slices.ContainsFunc(next, func(x Territory) bool { return x.ID == t.ID }) {
			p.Removed = append(p.Removed, t.ID)
		}
	}
	for _, t := range next {
		p.Territories = append(p.Territories, Proposed{Territory: t, New: !had[t.ID]})
	}
	if err := p.measure(now, index, work, expected(work, heldBy(then, geo.Shape{}), len(next), 0)); err != nil {
		return Redrawn{}, err
	}
	p.Stranded = stranded(p.Removed, work)
	p.Moves = p.handovers(teams)
	out.Coverage, err = coverageOf(next, then, work)
	return out, err
}

// mapIndex finds places in territories.
func mapIndex(ts []Territory) (*geo.Index, error) {
	areas := make([]geo.Area, len(ts))
	for i, t := range ts {
		shape, err := t.Shape.Shape()
		if err != nil {
			return nil, fmt.Errorf("territory %s: %w", t.ID, err)
		}
		areas[i] = geo.Area{ID: t.ID, Shape: shape}
	}
	return geo.NewIndex(areas)
}
