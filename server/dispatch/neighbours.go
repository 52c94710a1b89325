package dispatch

import (
	"context"
	"slices"

	"doorstep/geo"
	"doorstep/server/office"
	"doorstep/server/record"
)

// vicinity is where a crew may go as a neighbour; nil: nowhere.
type vicinity struct {
	ground *geo.Index // the crew's own territories
	metres float64
}

// letNeighboursIn lets crews with territories of their own go a little beyond
// the border, where the branch allows it. Whether one does is for the solver: it
// compares the ways.
func (s *Service) letNeighboursIn(ctx context.Context, b office.Branch, crews []crew) error {
	if b.NeighboursWithinM == 0 {
		return nil
	}
	ts, err := s.opt.Office.Territories(ctx, b.ID)
	if err != nil {
		return err
	}
	for i := range crews {
		var areas []geo.Area
		for _, t := range ts {
			if !crews[i].works(t.ID, "") {
				continue
			}
			shape, err := t.Shape.Shape()
			if err != nil {
				return err
			}
			areas = append(areas, geo.Area{ID: t.ID, Shape: shape})
		}
		ground, err := geo.NewIndex(areas)
		if err != nil {
			return err
		}
		crews[i].vicinity = &vicinity{ground, float64(b.NeighboursWithinM)}
	}
	return nil
}

// neighbours tells whether a crew may go to a case as a neighbour. Where a
// supervisor chose the territory or the team, no other team goes; a case outside every
// territory has no neighbours.
func (c *crew) neighbours(k *record.Case, home geo.Point) bool {
	return c.vicinity != nil && k.Territory != "" && !k.TerritoryPinned && k.Team == "" &&
		len(c.vicinity.ground.Near(home.Lon, home.Lat, c.vicinity.metres)) > 0
}

// mayGo are the crews that may go to a case: those whose case it is, then neighbours.
func mayGo(crews []crew, k *record.Case, home geo.Point) []int {
	var own, near []int
	for i := range crews {
		switch c := &crews[i]; {
		case c.works(k.Territory, k.Team):
			own = append(own, i)
		case c.neighbours(k, home):
			near = append(near, i)
		}
	}
	return slices.Concat(own, near)
}
