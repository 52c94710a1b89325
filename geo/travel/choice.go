package travel

import (
	"context"
	"errors"
	"fmt"
)

// Choice says where travel times come from. At most one of its fields may be set. If
// none is, travel times are guessed from straight lines.
type Choice struct {
	// Roads is a file of prepared roads, or an OpenStreetMap extract (.osm.pbf).
	Roads string
	// OSRM and Valhalla are addresses of routing servers; {mode} in OSRM's becomes the mode.
	OSRM, Valhalla string
}

// Check returns an error if several sources are set.
func (c Choice) Check() error {
	if c.Roads != "" && c.OSRM != "" || c.Roads != "" && c.Valhalla != "" || c.OSRM != "" && c.Valhalla != "" {
		return errors.New("travel times come from one place: give only one of roads, osrm and valhalla")
	}
	return nil
}

// Source opens the chosen source, with a cache in front of it. The error is that of
// Check, wraps a *refusal.Error, or is that of ctx if it ended while roads were loaded. A *refusal.Error
// with CodeService means that the address is not valid; no server was asked yet.
func (c Choice) Source(ctx context.Context) (Source, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	var (
		s   Source = CrowFly{}
		err error
	)
	switch {
	case c.Roads != "":
		if s, err = LoadRoads(ctx, c.Roads, nil); err != nil {
			return nil, fmt.Errorf("roads: %w", err)
		}
	case c.OSRM != "":
		s, err = NewOSRM(c.OSRM)
	case c.Valhalla != "":
		s, err = NewValhalla(c.Valhalla)
	}
	if err != nil {
		return nil, err
	}
	return NewCached(s, 0), nil
}
