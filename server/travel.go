package server

import (
	"context"
	"fmt"
	"log/slog"

	"doorstep/geo/travel"
)

// travelTimes is where travel times come from: roads, a routing server, or
// straight lines where none is given.
func (c *Config) travelTimes(ctx context.Context) (travel.Source, error) {
	switch {
	case c.Roads != "":
		roads, err := travel.LoadRoads(ctx, c.Roads, nil)
		if err != nil {
			return nil, fmt.Errorf("roads: %w", err)
		}
		c.Log.Info("travel times by road", slog.String("extract", roads.Name()), slog.Any("modes", roads.Modes()), slog.String("country", roads.Country()))
		return travel.NewCached(roads, 0), nil
	case c.OSRM != "":
		s, err := travel.NewOSRM(c.OSRM)
		if err != nil {
			return nil, err
		}
		return travel.NewCached(s, 0), nil
	case c.Valhalla != "":
		s, err := travel.NewValhalla(c.Valhalla)
		if err != nil {
			return nil, err
		}
		return travel.NewCached(s, 0), nil
	}
	return travel.NewCached(travel.CrowFly{}, 0), nil
}
