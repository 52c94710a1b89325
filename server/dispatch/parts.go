package dispatch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// maxPartBytes is about how large a document of a route may be: well below what one document may
// have (sync/journal/README.md, J15). A route of some 200 stops is one document.
const maxPartBytes = 48 << 10

// routePart is the state of a document of type "routes". Part is 0 for the first of a route, which has
// all but later stops; further ones count from 2, and have the stops that follow and what they are found by.
type routePart struct {
	Route
	Part int `json:"part,omitempty"`
}

// parts cuts a route into the documents it is kept as.
func (r *Route) parts() ([]routePart, error) {
	now := routePart{Route: *r}
	now.Stops = []Stop{}
	size, err := sizeOf(now)
	if err != nil {
		return nil, err
	}
	var out []routePart
	for _, st := range r.Stops {
		n, err := sizeOf(st)
		if err != nil {
			return nil, err
		}
		if size+n > maxPartBytes && len(now.Stops) > 0 {
			out = append(out, now)
			part := len(out) + 1
			now = routePart{Part: part, Route: Route{ID: fmt.Sprintf("%s.part%d", r.ID, part), Round: r.Round,
				Branch: r.Branch, Run: r.Run, Team: r.Team, Date: r.Date, Stops: []Stop{}}}
			size = 0
		}
		now.Stops = append(now.Stops, st)
		size += n + 1
	}
	return append(out, now), nil
}

func sizeOf(v any) (int, error) {
	b, err := json.Marshal(v)
	return len(b), err
}

// joined puts the parts of routes together, in order of team.
func joined(parts []routePart) []Route {
	slices.SortStableFunc(parts, func(a, b routePart) int { return cmp.Or(cmp.Compare(a.Team, b.Team), a.Part-b.Part) })
	out := []Route{}
	for _, p := range parts {
		if n := len(out); p.Part > 0 && n > 0 && out[n-1].Team == p.Team {
			out[n-1].Stops = append(out[n-1].Stops, p.Stops...)
			continue
		}
		out = append(out, p.Route)
	}
	return out
}
