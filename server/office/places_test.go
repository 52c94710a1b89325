package office

import (
	"context"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/geo"
)

// around is a territory of about 2 km around a point.
func around(b auth.BranchID, id string, p geo.Point) Territory {
	at := func(lon, lat float64) geo.E7 { return geo.Point{Lon: p.Lon + lon, Lat: p.Lat + lat}.E7() }
	return Territory{ID: id, Branch: b, Shape: geo.ShapeE7{{{at(-.01, -.01), at(.01, -.01), at(.01, .01), at(-.01, .01),
		at(-.01, -.01)}}}}
}

// Ends of a team's day and territories lie in the branch's country.
func TestPlacesOfABranchLieInItsCountry(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.agent("ana", porto)
	h.agent("eva", "faro")
	_, err := h.PutBranch(ctx, h.ask(), Branch{ID: porto, TimeZone: "Europe/Lisbon", Country: "PT"})
	ok(t, err)
	_, err = h.PutTerritory(ctx, h.ask(), around(porto, "centre", geo.Point{Lon: -8.61, Lat: 41.15}))
	ok(t, err)
	for _, c := range []struct {
		what   string
		branch auth.BranchID
		p      geo.Point
		refuse string // part of the refusal, "" when taken
		warn   string
	}{
		{"in Porto", porto, geo.Point{Lon: -8.6, Lat: 41.15}, "", ""},
		{"swapped", porto, geo.Point{Lon: 41.15, Lat: -8.6}, "are they swapped?", ""},
		{"without its minus", porto, geo.Point{Lon: 8.6, Lat: 41.15}, "west and south are negative", ""},
		{"in Berlin", porto, geo.Point{Lon: 13.4, Lat: 52.5}, "outside the country", ""},
		{"at sea", porto, geo.Point{Lon: -9.2, Lat: 41.15}, "", "start lies 40 km off the land"},
		{"in Faro", porto, geo.Point{Lon: -7.93, Lat: 37.02}, "", "km from the nearest territory"},
		// A branch that does not name its country may begin across a border.
		{"in Vigo", "faro", geo.Point{Lon: -8.72, Lat: 42.23}, "", ""},
		{"swapped, by the zone", "faro", geo.Point{Lon: 37.02, Lat: -7.93}, "are they swapped?", ""},
	} {
		agent := map[auth.BranchID]auth.UserID{porto: "ana", "faro": "eva"}[c.branch]
		at := c.p.E7()
		for _, team := range []Team{{Start: &at}, {End: &at}} {
			team.ID, team.Branch, team.Agents = "t-"+string(c.branch), c.branch, []auth.UserID{agent}
			_, err := h.PutTeam(ctx, h.ask(), team)
			if c.refuse != "" {
				refused(t, c.what, err, "team.place")
				if !strings.Contains(err.Error(), c.refuse) {
					t.Errorf("%s: %v", c.what, err)
				}
				continue
			}
			ok(t, err)
			warnings, err := h.TeamWarnings(ctx, team)
			ok(t, err)
			says := strings.ReplaceAll(strings.Join(warnings, " "), "end lies", "start lies")
			if (c.warn == "") != (says == "") || !strings.Contains(says, c.warn) {
				t.Errorf("%s: the warnings are %q, want %q", c.what, says, c.warn)
			}
		}
		if c.warn != "" {
			continue
		}
		territory := around(c.branch, "x", c.p)
		want := map[bool]string{true: "territory.place"}[strings.Contains(c.refuse, "swapped")]
		_, err := h.PutTerritory(ctx, h.ask(), territory)
		refused(t, c.what, err, want)
		_, err = h.ReplaceTerritories(ctx, h.ask(), c.branch, "", []Territory{around(c.branch, "centre",
			geo.Point{Lon: -8.61, Lat: 41.15}), territory}, nil)
		refused(t, c.what, err, want)
	}
}

func TestABranchHasAZoneOfItsCountry(t *testing.T) {
	h := newFixture(t)
	for _, c := range []struct{ country, zone, want string }{
		{"PT", "Europe/Lisbon", ""}, {"PT", "Atlantic/Azores", ""}, {"PT", "UTC", "branch.time_zone"},
		{"DE", "Etc/GMT+1", "branch.time_zone"}, {"US", "Europe/Paris", "branch.time_zone"}, {"", "UTC", ""},
	} {
		_, err := h.PutBranch(context.Background(), h.ask(), Branch{ID: porto, Country: c.country, TimeZone: c.zone})
		refused(t, c.country+" "+c.zone, err, c.want)
	}
}
