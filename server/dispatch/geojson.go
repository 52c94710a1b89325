package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/geo/travel"
	"doorstep/sync/journal"
)

// GeoJSON draws a round (RFC 7946): a line per route and a point per stop and
// per left-out case. It shows where people live: it is for those who may see the cases.
func (s *Service) GeoJSON(ctx context.Context, a auth.Actor, id string) (json.RawMessage, error) {
	v, err := s.Round(ctx, a, id)
	if err != nil {
		return nil, err
	}
	var cases []journal.CaseID
	for _, r := range v.Routes {
		for _, st := range r.Stops {
			cases = append(cases, st.Case)
		}
	}
	for _, l := range v.LeftOut {
		cases = append(cases, l.Case)
	}
	homes, err := s.opt.Casework.Homes(ctx, v.Branch, cases)
	if err != nil {
		return nil, err
	}
	var d geo.Drawing
	within, stop := context.WithTimeout(ctx, drawTimeout)
	defer stop()
	for _, r := range v.Routes {
		s.drawRoute(within, &d, r, homes)
	}
	for _, l := range v.LeftOut {
		home, ok := homes[l.Case]
		if !ok {
			continue
		}
		about := map[string]any{"kind": "left_out", "case": string(l.Case), "code": l.Code}
		if l.Rule != "" {
			about["rule"] = l.Rule
		}
		d.Point("", home, about)
	}
	out, err := d.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("draw round %s: %w", id, err)
	}
	return out, nil
}

// drawTimeout is how long lines along roads are waited for; then they are straight.
const drawTimeout = 10 * time.Second

// drawRoute draws a route's line, along roads where they are known, and its
// stops. A home that was erased meanwhile is left out.
func (s *Service) drawRoute(ctx context.Context, d *geo.Drawing, r Route, homes map[journal.CaseID]geo.Point) {
	var line []geo.Point
	if r.Start != nil {
		line = append(line, r.Start.Point())
	}
	for _, st := range r.Stops {
		if home, ok := homes[st.Case]; ok {
			line = append(line, home)
		}
	}
	if r.End != nil {
		line = append(line, r.End.Point())
	}
	way, err := travel.WayOf(ctx, s.opt.Travel, travel.Mode(r.Mode), line)
	if err == nil {
		line = way.Line
	}
	d.Line(r.ID, line, map[string]any{"kind": "route", "team": r.Team, "stops": len(r.Stops), "leaves": r.Leaves,
		"returns":  r.Returns,
		"travel_s": r.TravelS, "distance_m": r.DistanceM})
	for _, st := range r.Stops {
		if home, ok := homes[st.Case]; ok {
			d.Point(st.Assignment, home, map[string]any{"kind": "stop", "team": r.Team, "seq": st.Seq, "case": string(st.Case),
				"eta":         st.ETA,
				"window_from": st.Window.From, "window_to": st.Window.To, "service_s": st.ServiceS})
		}
	}
}
