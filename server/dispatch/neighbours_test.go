package dispatch

import (
	"fmt"
	"testing"

	"doorstep/geo"
	"doorstep/server/office"
	"doorstep/server/record"
)

func TestCrewsThatMayGo(t *testing.T) {
	areas := map[string]geo.Shape{}
	for i, id := range []string{"A", "B"} {
		x := float64(i) / 100
		s, err := geo.ParseShape(fmt.Appendf(nil,
			`{"type":"Polygon","coordinates":[[[%v,0],[%v,0],[%v,0.01],[%v,0.01],[%v,0]]]}`, x, x+0.01, x+0.01, x, x))
		if err != nil {
			t.Fatal(err)
		}
		areas[id] = s
	}
	of := func(team string, metres float64, territories, today []string) crew {
		c := crew{team: office.Team{ID: team, Territories: territories}, shift: office.Shift{Territories: today}}
		if metres > 0 {
			ground, err := geo.NewIndex([]geo.Area{{ID: territories[0], Shape: areas[territories[0]]}})
			if err != nil {
				t.Fatal(err)
			}
			c.vicinity = &vicinity{ground, metres}
		}
		return c
	}
	// The home lies in B, 100 m from A.
	home := geo.Point{Lon: 0.0109, Lat: 0.005}
	for name, c := range map[string]struct {
		crews []crew
		k     record.Case
		want  string
	}{
		"only its own": {[]crew{of("a", 0, []string{"A"}, nil), of("b", 0, []string{"B"}, nil)},
			record.Case{Territory: "B"}, "[1]"},
		"a neighbour, after them": {[]crew{of("a", 200, []string{"A"}, nil), of("b", 200, []string{"B"}, nil)},
			record.Case{Territory: "B"}, "[1 0]"},
		"too far": {[]crew{of("a", 90, []string{"A"}, nil), of("b", 90, []string{"B"}, nil)},
			record.Case{Territory: "B"}, "[1]"},
		"placed by hand": {[]crew{of("a", 200, []string{"A"}, nil), of("b", 200, []string{"B"}, nil)},
			record.Case{Territory: "B", TerritoryPinned: true}, "[1]"},
		"given to a team": {[]crew{of("a", 200, []string{"A"}, nil), of("b", 200, []string{"B"}, nil)},
			record.Case{Territory: "B", Team: "b"}, "[1]"},
		"outside every territory": {[]crew{of("a", 200, []string{"A"}, nil)}, record.Case{}, "[]"},
		"the shift's, not the team": {[]crew{of("a", 0, []string{"A"}, []string{"B"}), of("b", 0, []string{"B"},
			[]string{"A"})}, record.Case{Territory: "B"}, "[0]"},
		"teams without territories": {[]crew{of("all", 0, nil, nil)}, record.Case{Territory: "B"}, "[0]"},
	} {
		if got := fmt.Sprint(mayGo(c.crews, &c.k, home)); got != c.want {
			t.Errorf("%s: %v may go, want %s", name, got, c.want)
		}
	}
}
