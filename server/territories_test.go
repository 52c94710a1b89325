package server

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"
)

// proposed holds the members of a proposal that these tests read. To accept it they send back the whole answer.
type proposed struct {
	Features []struct {
		ID         string         `json:"id"`
		Properties map[string]any `json:"properties"`
		Proposal   struct {
			Cases     int      `json:"cases"`
			Minutes   float64  `json:"minutes"`
			Deviation float64  `json:"deviation"`
			Refs      []string `json:"case_ids"`
			New       bool     `json:"new"`
			Kept      bool     `json:"unchanged"`
		} `json:"-"`
	} `json:"features"`
	BasedOn string      `json:"based_on"`
	Removed []string    `json:"removed"`
	Teams   []movedTeam `json:"teams"`
	// Stranded are the cases that a supervisor placed in removed territories.
	Stranded []strandedCases `json:"stranded"`
	Summary  struct {
		Cases  int     `json:"cases"`
		Moved  int     `json:"cases_moved"`
		MaxOff float64 `json:"max_deviation"`
		WasOff float64 `json:"max_deviation_before"`
	} `json:"summary"`
}

type movedTeam struct {
	Team        string   `json:"team"`
	Removed     []string `json:"removed"`
	Territories []string `json:"territories"`
}

type strandedCases struct {
	Territory string   `json:"territory"`
	Refs      []string `json:"case_ids"`
}

func balanced(t *testing.T, day *play.Day, ask map[string]any) (proposed, json.RawMessage) {
	t.Helper()
	var raw json.RawMessage
	ask["branch"] = day.Branch
	ok(t, day.Admin.Do(context.Background(), http.MethodPost, "/v1/territories/balance", ask, &raw))
	var p proposed
	ok(t, json.Unmarshal(raw, &p))
	for i := range p.Features {
		part, err := json.Marshal(p.Features[i].Properties["proposal"])
		ok(t, err)
		ok(t, json.Unmarshal(part, &p.Features[i].Proposal))
	}
	return p, raw
}

type coverage struct {
	Cases       int     `json:"cases"`
	Outside     int     `json:"outside"`
	MaxOff      float64 `json:"max_deviation"`
	Territories []struct {
		ID      string  `json:"id"`
		Cases   int     `json:"cases"`
		Minutes float64 `json:"minutes"`
		Placed  int     `json:"placed_by_hand"`
		Gone    bool    `json:"gone"`
	} `json:"territories"`
	Overlaps []struct {
		A     string          `json:"a"`
		B     string          `json:"b"`
		Area  float64         `json:"area_m2"`
		Cases int             `json:"cases"`
		Shape json.RawMessage `json:"geometry"`
	} `json:"overlaps"`
	Clusters []struct {
		Cases   int    `json:"cases"`
		Nearest string `json:"nearest"`
	} `json:"clusters"`
}

func covered(t *testing.T, day *play.Day) (c coverage) {
	t.Helper()
	ok(t, day.Admin.Do(context.Background(), http.MethodGet, "/v1/territories/coverage?branch="+day.Branch, nil, &c))
	return c
}

// territoriesOf reads which territory each case is in.
func territoriesOf(t *testing.T, day *play.Day) map[string]string {
	t.Helper()
	var list struct {
		Items []struct {
			Case      string `json:"id"`
			Territory string `json:"territory"`
		} `json:"items"`
	}
	ok(t, day.Admin.Do(context.Background(), http.MethodGet, "/v1/cases?limit=500&branch="+day.Branch, nil, &list))
	out := map[string]string{}
	for _, c := range list.Items {
		out[c.Case] = c.Territory
	}
	return out
}

// TestASupervisorAcceptsABetterMap reads the report, asks for a proposal, accepts it, accepts it again, and
// accepts one that is out of date.
func TestASupervisorAcceptsABetterMap(t *testing.T) {
	_, day, _ := city(t, nil)
	ctx := context.Background()
	ok(t, day.MakeTeams(ctx))
	before := covered(t, day)
	sum, outside := 0, 0
	for _, l := range before.Territories {
		sum += l.Cases
	}
	for _, c := range before.Clusters {
		outside += c.Cases
	}
	if before.Cases != 150 || before.Outside != 3 || outside != 3 || sum != 147 || len(before.Overlaps) != 0 {
		t.Fatalf("the report says %+v, want 150 cases, 3 of them in clusters outside", before)
	}
	// A case that a supervisor placed stays, wherever the border runs, and its work counts.
	placed := "LND-B.RIB-0001"
	was := territoriesOf(t, day)
	other := map[string]string{"RIB-WEST": "RIB-EAST", "RIB-EAST": "RIB-WEST"}[was[placed]]
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+placed+"/reassign", map[string]any{"territory": other}, nil))

	p, raw := balanced(t, day, map[string]any{})
	seen := map[string]string{}
	for _, f := range p.Features {
		if len(f.Proposal.Refs) != f.Proposal.Cases {
			t.Errorf("%s has %d cases and names %d", f.ID, f.Proposal.Cases, len(f.Proposal.Refs))
		}
		for _, ref := range f.Proposal.Refs {
			if seen[ref] != "" {
				t.Errorf("%s is in %s and in %s", ref, seen[ref], f.ID)
			}
			seen[ref] = f.ID
		}
	}
	if len(p.Features) != 2 || len(p.Removed) != 0 || p.Summary.MaxOff > 0.05 || p.Summary.WasOff <= p.Summary.MaxOff ||
		seen[placed] != other {
		t.Fatalf("proposed %d territories without %v, %+v; the placed case in %s", len(p.Features), p.Removed, p.Summary,
			seen[placed])
	}
	var put struct {
		Updated, Unchanged, Removed int
		Moved                       int   `json:"cases_moved"`
		Overlaps                    []any `json:"overlaps"`
	}
	accept := func(body any) error {
		return day.Admin.Do(ctx, http.MethodPut, "/v1/territories?branch="+day.Branch, body, &put)
	}
	ok(t, accept(raw))
	if put.Updated != 2 || put.Moved != p.Summary.Moved || len(put.Overlaps) != 0 {
		t.Errorf("accepting did %+v, want 2 changed and %d cases moved", put, p.Summary.Moved)
	}
	now := territoriesOf(t, day)
	for ref, id := range seen {
		if now[ref] != id {
			t.Errorf("%s is in %q, proposed was %q", ref, now[ref], id)
		}
	}
	after := covered(t, day)
	if math.Abs(after.MaxOff-p.Summary.MaxOff) > 1e-3 {
		t.Errorf("the report says the work is off by %v, the proposal %v", after.MaxOff, p.Summary.MaxOff)
	}
	ok(t, accept(raw))
	if put.Updated != 0 || put.Unchanged != 2 || put.Moved != 0 {
		t.Errorf("accepting again did %+v", put)
	}
	var kept map[string]any
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/territories/RIB-WEST?branch="+day.Branch, nil, &kept))
	if props := kept["properties"].(map[string]any); props["proposal"] != nil || props["name"] != "West of the river" {
		t.Errorf("the territory keeps %v", props)
	}

	// A proposal of three territories, and a change of the map before it is accepted.
	three, raw3 := balanced(t, day, map[string]any{"k": 3})
	var fresh []string
	for _, f := range three.Features {
		if f.Proposal.New {
			fresh = append(fresh, f.ID)
		}
	}
	if len(three.Features) != 3 || !slices.Equal(fresh, []string{"RIBEIRA-T1"}) || three.Summary.MaxOff > 0.05 {
		t.Errorf("three territories: new %v, %+v", fresh, three.Summary)
	}
	west := map[string]any{"type": "Feature", "id": "RIB-WEST", "properties": map[string]any{"name": "Redrawn"},
		"geometry": kept["geometry"]}
	ok(t, day.Admin.Do(ctx, http.MethodPut, "/v1/territories/RIB-WEST?branch="+day.Branch, west, nil))
	if err := accept(raw3); play.CodeOf(err) != "territory.map_changed" {
		t.Errorf("a proposal from an older map: %v", err)
	}
	if again := territoriesOf(t, day); !maps.Equal(again, now) {
		t.Error("a refused map moved cases")
	}
}

// TestARemovedTerritoryMovesItsTeams accepts a proposal that removes a territory and says
// where its teams go. A map that does not say so is refused with all teams concerned.
func TestARemovedTerritoryMovesItsTeams(t *testing.T) {
	_, day, _ := city(t, nil)
	ctx := context.Background()
	ok(t, day.MakeTeams(ctx))
	const gone, stays = "RIB-WEST", "RIB-EAST"
	p, raw := balanced(t, day, map[string]any{"k": 1})
	if len(p.Features) != 1 || p.Features[0].ID != stays || !slices.Equal(p.Removed, []string{gone}) {
		t.Fatalf("one territory: %d are proposed, %v removed", len(p.Features), p.Removed)
	}
	want := fmt.Sprint([]movedTeam{{gone + "-team1", []string{gone}, []string{stays}},
		{gone + "-team2", []string{gone}, []string{stays}}})
	if got := fmt.Sprint(p.Teams); got != want {
		t.Fatalf("the proposal moves %s, want %s", got, want)
	}
	var put struct{ Updated, Removed int }
	accept := func(body any) error {
		return day.Admin.Do(ctx, http.MethodPut, "/v1/territories?branch="+day.Branch, body, &put)
	}
	// With only some of the teams it is refused, and the answer names the missing ones.
	edited := func(teams any) map[string]any {
		var m map[string]any
		ok(t, json.Unmarshal(raw, &m))
		m["teams"] = teams
		return m
	}
	for name, c := range map[string]struct {
		teams    any
		code, at string
		says     []string
	}{
		"no team moves": {[]any{}, "territory.in_use", "body.features body.features",
			[]string{gone + "-team1 (" + gone + "), " + gone + "-team2 (" + gone + ")", "PUT /v1/teams/{id}"}},
		"one moves": {[]any{map[string]any{"team": gone + "-team1", "territories": []string{stays}}},
			"territory.in_use", "body.features", []string{gone + "-team2 (" + gone + ")"}},
		"to nowhere": {[]any{map[string]any{"team": gone + "-team1", "territories": []string{stays, gone}}},
			"territory.not_found", "body.teams[0].territories[1]", nil},
		"without territories": {[]any{map[string]any{"team": gone + "-team1", "territories": []string{}}},
			"territory.team", "body.teams[0].territories", nil},
		"an unknown team": {[]any{map[string]any{"team": "NOPE", "territories": []string{stays}}},
			"territory.team", "body.teams[0].team", nil},
		"a team whose territories have changed": {[]any{map[string]any{"team": gone + "-team1",
			"works": []string{stays, gone}, "territories": []string{stays}}}, "territory.map_changed", "",
			[]string{gone + "-team1"}},
		"a team two times": {[]any{map[string]any{"team": stays + "-team1", "territories": []string{stays}},
			map[string]any{"team": stays + "-team1", "territories": []string{stays}}}, "territory.team",
			"body.teams[1].team", nil},
	} {
		err := accept(edited(c.teams))
		if play.CodeOf(err) != c.code || placesOf(err) != c.at {
			t.Errorf("%s: %v at %q, want %s at %q", name, err, placesOf(err), c.code, c.at)
		}
		for _, text := range c.says {
			if err != nil && !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v does not say %q", name, err, text)
			}
		}
	}
	if err := day.Admin.Do(ctx, http.MethodDelete, "/v1/territories/"+gone+"?branch="+day.Branch, nil,
		nil); play.CodeOf(err) != "territory.in_use" || placesOf(err) != "path.id path.id" {
		t.Errorf("removing what two teams work: %v at %q", err, placesOf(err))
	}
	works := func() map[string]string {
		t.Helper()
		var list struct {
			Items []struct {
				ID          string   `json:"id"`
				Agents      []string `json:"agents"`
				Territories []string `json:"territories"`
			} `json:"items"`
		}
		ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/teams?branch="+day.Branch, nil, &list))
		out := map[string]string{}
		for _, team := range list.Items {
			out[team.ID] = fmt.Sprint(team.Territories, len(team.Agents))
		}
		return out
	}
	before := works()
	if before[gone+"-team1"] != "["+gone+"] 2" {
		t.Fatalf("teams after refusals: %v", before)
	}
	// A supervisor moves a team by sending it back with other territories.
	var team map[string]any
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/teams/"+stays+"-team2?branch="+day.Branch, nil, &team))
	ok(t, day.Admin.Do(ctx, http.MethodPut, "/v1/teams/"+stays+"-team2", team, nil))
	if err := day.Admin.Do(ctx, http.MethodPut, "/v1/teams/"+stays+"-team1", team, nil); play.CodeOf(err) != "team.id" ||
		placesOf(err) != "body.id" {
		t.Errorf("a team as another: %v at %q", err, placesOf(err))
	}
	if now := works(); !maps.Equal(now, before) {
		t.Errorf("a team sent back as it was read left %v, before they were %v", now, before)
	}
	// The unchanged proposal is accepted; accepting it again changes nothing.
	ok(t, accept(raw))
	if now := works(); put.Removed != 1 || now[gone+"-team1"] != "["+stays+"] 2" ||
		now[gone+"-team2"] != "["+stays+"] 2" || now[stays+"-team1"] != before[stays+"-team1"] {
		t.Errorf("accepting did %+v; teams are %v", put, works())
	}
	ok(t, accept(edited([]any{map[string]any{"team": gone + "-team1", "territories": []string{stays}}})))
	if put.Removed+put.Updated != 0 {
		t.Errorf("accepting again did %+v", put)
	}
	// The round uses the new map.
	ok(t, day.Plan(ctx, nil))
	for _, r := range day.Round.Routes {
		if len(r.Stops) == 0 {
			t.Errorf("%s has no stops in the one territory", r.Team)
		}
	}
}

// TestPlacedCasesOfARemovedTerritoryAreListed: a proposal does not move cases that a
// supervisor placed by hand; it lists them, and the supervisor places each one again.
func TestPlacedCasesOfARemovedTerritoryAreListed(t *testing.T) {
	_, day, _ := city(t, nil)
	ctx := context.Background()
	ok(t, day.MakeTeams(ctx))
	const gone, stays = "RIB-WEST", "RIB-EAST"
	reassign := func(id string, body map[string]any) {
		t.Helper()
		ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+id+"/reassign", body, nil))
	}
	var there, here []string // by where their homes lie
	for id, of := range territoriesOf(t, day) {
		switch of {
		case gone:
			there = append(there, id)
		case stays:
			here = append(here, id)
		}
	}
	slices.Sort(there)
	slices.Sort(here)
	if p, raw := balanced(t, day, map[string]any{"k": 1}); len(p.Stranded) != 0 ||
		!strings.Contains(string(raw), `"stranded":[]`) {
		t.Errorf("before any is placed: %v", p.Stranded)
	}
	reassign(here[0], map[string]any{"territory": gone})
	reassign(here[1], map[string]any{"territory": gone})
	reassign(there[0], map[string]any{"territory": gone})
	reassign(there[1], map[string]any{"territory": stays})
	reassign(there[2], map[string]any{"territory": gone, "team": stays + "-team1"}) // that team's, whatever the territory
	c := covered(t, day)
	want := []string{here[0], here[1], there[0]}
	slices.Sort(want)
	p, raw := balanced(t, day, map[string]any{"k": 1})
	if got := fmt.Sprint(p.Stranded); got != fmt.Sprint([]strandedCases{{gone, want}}) {
		t.Errorf("stranded are %s, want %v", got, want)
	}
	if p.Summary.WasOff != c.MaxOff || c.MaxOff == 0 {
		t.Errorf("the map as it is is off by %v, coverage says %v", p.Summary.WasOff, c.MaxOff)
	}
	if p, _ := balanced(t, day, map[string]any{}); len(p.Stranded) != 0 {
		t.Errorf("nothing is removed, and %v are stranded", p.Stranded)
	}
	ok(t, day.Admin.Do(ctx, http.MethodPut, "/v1/territories?branch="+day.Branch, raw, nil))
	lost := func() int {
		t.Helper()
		for _, x := range covered(t, day).Territories {
			if x.Gone {
				return x.Cases
			}
		}
		return 0
	}
	if n := lost(); n != len(want) {
		t.Errorf("coverage has %d cases in what is gone, want %d", n, len(want))
	}
	reassign(want[0], map[string]any{"territory": ""})
	reassign(want[1], map[string]any{"territory": stays})
	reassign(want[2], map[string]any{"territory": ""})
	if of := territoriesOf(t, day); lost() != 0 || of[want[0]] != stays || of[want[1]] != stays || of[want[2]] != stays {
		t.Errorf("placed anew, %d are in what is gone: %s, %s, %s", lost(), of[want[0]], of[want[1]], of[want[2]])
	}
}

// A shift may name a territory that was removed later: its team gets no stops, and the report names it.
func TestAShiftInARemovedTerritory(t *testing.T) {
	_, day, _ := city(t, nil)
	ctx := context.Background()
	ok(t, day.MakeTeams(ctx))
	over := map[string]any{"type": "Feature", "geometry": map[string]any{"type": "Polygon",
		"coordinates": [][][]float64{{{-8.44, 41.54}, {-8.42, 41.54}, {-8.42, 41.56}, {-8.44, 41.56}, {-8.44, 41.54}}}}}
	ok(t, day.Admin.Do(ctx, http.MethodPut, "/v1/territories/MIDDLE?branch="+day.Branch, over, nil))
	ok(t, day.Admin.Do(ctx, http.MethodPut, "/v1/teams/RIB-WEST-team1/shifts/"+day.Date,
		map[string]any{"branch": day.Branch, "from": "08:30", "to": "18:00", "territories": []string{"MIDDLE"}}, nil))
	var s struct{ Unstaffed, Idle, Nowhere []string }
	read := func() string {
		t.Helper()
		ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/territories/staffing?branch="+day.Branch+"&date="+day.Date, nil, &s))
		return fmt.Sprint(s.Unstaffed, s.Idle, s.Nowhere)
	}
	if got := read(); got != "[] [] []" {
		t.Errorf("while it is there: %s", got)
	}
	ok(t, day.Admin.Do(ctx, http.MethodDelete, "/v1/territories/MIDDLE?branch="+day.Branch, nil, nil))
	if got := read(); got != "[] [] [RIB-WEST-team1]" {
		t.Errorf("when it is gone: %s", got)
	}
}

// placesOf lists the places a problem names.
func placesOf(err error) string {
	var p *play.Problem
	var out []string
	if errors.As(err, &p) {
		for _, e := range p.Errors {
			out = append(out, e.Location)
		}
	}
	return strings.Join(out, " ")
}

// Every problem says which part of the request is wrong: in its path, its query or its body.
func TestRequestsForAMapThatCannotBe(t *testing.T) {
	_, day, _ := city(t, nil)
	ctx := context.Background()
	square := func(x, y, d float64) map[string]any {
		return map[string]any{"type": "Polygon",
			"coordinates": [][][]float64{{{x, y}, {x + d, y}, {x + d, y + d}, {x, y + d}, {x, y}}}}
	}
	feature := func(id string, g any) map[string]any {
		return map[string]any{"type": "Feature", "id": id, "geometry": g}
	}
	for name, c := range map[string]struct {
		method, path string
		body         map[string]any
		code, at     string
	}{
		"into none":     {"POST", "/v1/territories/balance", map[string]any{"k": 0}, "validation", "body.k"},
		"into too many": {"POST", "/v1/territories/balance", map[string]any{"k": 101}, "validation", "body.k"},
		"fewer homes": {"POST", "/v1/territories/balance",
			map[string]any{"k": 50, "area": square(-8.44, 41.55, 0.005)}, "division.parts", "body.k"},
		"no homes there": {"POST", "/v1/territories/balance", map[string]any{"k": 2, "area": square(5, 5, 1)},
			"division.doors", "body.over"},
		"empty area": {"POST", "/v1/territories/balance", map[string]any{"k": 2, "area": map[string]any{}},
			"geo.json", "body.area.type"},
		"area without area": {"POST", "/v1/territories/balance", map[string]any{"k": 2, "area": square(5, 5, 0)},
			"geo.ring_short", "body.area.coordinates[0]"},
		"unknown territory": {"POST", "/v1/territories/balance", map[string]any{"territories": []string{"NOWHERE"}},
			"territory.not_found", "body.territories[0]"},
		"twice": {"POST", "/v1/territories/balance",
			map[string]any{"territories": []string{"RIB-WEST", "RIB-WEST"}}, "territory.balance.twice", "body.territories[1]"},
		"area and some": {"POST", "/v1/territories/balance",
			map[string]any{"territories": []string{"RIB-WEST"}, "over": "cases"}, "territory.balance.area", "body.territories"},
		"two areas": {"POST", "/v1/territories/balance",
			map[string]any{"area": square(-8.44, 41.55, 1), "over": "cases"}, "territory.balance.area", "body.area"},
		"speed": {"POST", "/v1/territories/balance", map[string]any{"speed_kmh": -3}, "territory.balance.speed",
			"body.speed_kmh"},
		"no speed": {"POST", "/v1/territories/balance", map[string]any{"speed_kmh": 0}, "territory.balance.speed",
			"body.speed_kmh"},
		"unknown branch": {"POST", "/v1/territories/balance", map[string]any{"branch": "NOWHERE"},
			"branch.not_found", ""},
		"balance, any branch": {"POST", "/v1/territories/balance", map[string]any{"branch": "", "k": 2}, "branch.required",
			"body.branch"},
		"round, any branch": {"POST", "/v1/rounds", map[string]any{"branch": "", "date": day.Date}, "branch.required",
			"body.branch"},
		"team, any branch": {"PUT", "/v1/teams/T", map[string]any{"branch": "", "agents": []string{"x"}},
			"branch.required", "body.branch"},
		"shift, any branch": {"PUT", "/v1/teams/T/shifts/2026-11-25",
			map[string]any{"branch": "", "from": "08:30", "to": "18:00"}, "branch.required", "body.branch"},
		"report, any branch": {"GET", "/v1/territories/coverage", nil, "branch.required", "query.branch"},
		"report, no branch":  {"GET", "/v1/territories/coverage?branch=NOWHERE", nil, "branch.not_found", ""},
		"staffing, no branch": {"GET", "/v1/territories/staffing?branch=NOWHERE&date=2026-11-25", nil,
			"branch.not_found", ""},
		"staffing, no date": {"GET", "/v1/territories/staffing?branch=RIBEIRA&date=2026-13-45", nil, "validation",
			"query.date"},
		"map, no branch": {"PUT", "/v1/territories?branch=NOWHERE",
			map[string]any{"type": "FeatureCollection", "features": []any{feature("a", square(0, 1, 1))}},
			"branch.not_found", ""},
		"empty map": {"PUT", "/v1/territories?branch=RIBEIRA",
			map[string]any{"type": "FeatureCollection", "features": []any{}}, "geo.empty", "body.features"},
		"same id": {"PUT", "/v1/territories?branch=RIBEIRA",
			map[string]any{"type": "FeatureCollection",
				"features": []any{feature("a", square(0, 1, 1)), feature("a", square(1, 1, 1))}}, "geo.duplicate_id",
			"body.features[1].id"},
		"one bad shape": {"PUT", "/v1/territories?branch=RIBEIRA",
			map[string]any{"type": "FeatureCollection",
				"features": []any{feature("a", square(0, 1, 1)), feature("b", square(1, 1, 0))}}, "geo.ring_short",
			"body.features[1].geometry.coordinates[0]"},
		"bad id": {"PUT", "/v1/territories?branch=RIBEIRA",
			map[string]any{"type": "FeatureCollection", "features": []any{feature("a b", square(0, 1, 1))}}, "territory.id",
			"body.features[0].id"},
		"second bad id": {"PUT", "/v1/territories?branch=RIBEIRA",
			map[string]any{"type": "FeatureCollection",
				"features": []any{feature("b", square(0, 1, 1)), feature("a b", square(1, 1, 1))}}, "territory.id",
			"body.features[1].id"},
		"another branch": {"PUT", "/v1/territories?branch=RIBEIRA",
			map[string]any{"type": "FeatureCollection",
				"features": []any{map[string]any{"type": "Feature", "id": "a", "geometry": square(0, 1, 1),
					"properties": map[string]any{"branch": "PORTO"}}}}, "territory.branch", "body.features[0].properties.branch"},
		"one shape": {"PUT", "/v1/territories/T?branch=RIBEIRA", feature("T", map[string]any{"type": "Point"}),
			"geo.geometry_type", "body.geometry.type"},
		"a shift on no day": {"PUT", "/v1/teams/T/shifts/2026-02-30", map[string]any{"from": "08:30", "to": "18:00"},
			"shift.date", "path.date"},
		"a team of no id": {"PUT", "/v1/teams/a%20b", map[string]any{"agents": []string{"x"}}, "team.id", "path.id"},
	} {
		if (c.method == "POST" || strings.HasPrefix(c.path, "/v1/teams")) && c.body["branch"] == nil {
			c.body["branch"] = day.Branch
		}
		var body any
		if c.body != nil {
			body = c.body
		}
		if err := day.Admin.Do(ctx, c.method, c.path, body, nil); play.CodeOf(err) != c.code || placesOf(err) != c.at {
			t.Errorf("%s: %v at %q, want %s at %s", name, err, placesOf(err), c.code, c.at)
		}
	}
	var list struct{ Features []any }
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/territories?branch="+day.Branch, nil, &list))
	if len(list.Features) != 2 {
		t.Errorf("a refused map left %d territories", len(list.Features))
	}
}

// TestOverlapsAreReportedWithTheirCases draws a third territory over the border of two.
func TestOverlapsAreReportedWithTheirCases(t *testing.T) {
	_, day, _ := city(t, nil)
	ctx := context.Background()
	over := map[string]any{"type": "Feature", "geometry": map[string]any{"type": "Polygon",
		"coordinates": [][][]float64{{{-8.44, 41.54}, {-8.42, 41.54}, {-8.42, 41.56}, {-8.44, 41.56}, {-8.44, 41.54}}}}}
	ok(t, day.Admin.Do(ctx, http.MethodPut, "/v1/territories/MIDDLE?branch="+day.Branch, over, nil))
	c := covered(t, day)
	if len(c.Overlaps) != 2 {
		t.Fatalf("overlaps are %+v, want that with each neighbour", c.Overlaps)
	}
	// 0.01 by 0.02 degrees at latitude 41.55, less nothing: some 1.85 km².
	sum := 0
	for i, b := range []string{"RIB-EAST", "RIB-WEST"} {
		o := c.Overlaps[i]
		if o.A != "MIDDLE" || o.B != b || math.Abs(o.Area-1.850e6) > 0.005e6 ||
			!strings.Contains(string(o.Shape), "Polygon") {
			t.Errorf("overlap %+v", o)
		}
		sum += o.Cases
	}
	for _, l := range c.Territories {
		if l.ID == "MIDDLE" && (l.Cases != sum || sum == 0) {
			t.Errorf("MIDDLE has %d cases, the overlaps %d", l.Cases, sum)
		}
	}
	if n := len(territoriesOf(t, day)); n != 150 {
		t.Errorf("%d cases", n)
	}
}

func TestWhoWorksWhereByDate(t *testing.T) {
	_, day, _ := city(t, nil)
	ctx := context.Background()
	ok(t, day.MakeTeams(ctx))
	var s struct {
		Territories []struct {
			ID    string `json:"id"`
			Teams []struct {
				Team string `json:"team"`
				Why  string `json:"why"`
			} `json:"teams"`
		} `json:"territories"`
		Unstaffed, Idle []string
	}
	read := func(date string) string {
		t.Helper()
		ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/territories/staffing?branch="+day.Branch+"&date="+date, nil, &s))
		var out []string
		for _, x := range s.Territories {
			for _, team := range x.Teams {
				out = append(out, x.ID+"<"+team.Team+":"+team.Why)
			}
		}
		return fmt.Sprint(out, s.Unstaffed, len(s.Idle))
	}
	want := "[RIB-EAST<RIB-EAST-team1:team RIB-EAST<RIB-EAST-team2:team RIB-WEST<RIB-WEST-team1:team RIB-WEST<RIB-WEST-team2:team] [] 0"
	if got := read(day.Date); got != want {
		t.Errorf("as teams say: %s", got)
	}
	if got := read("2026-11-28"); got != "[] [RIB-EAST RIB-WEST] 4" {
		t.Errorf("a day off: %s", got)
	}
	shift := func(team string, territories ...string) error {
		return day.Admin.Do(ctx, http.MethodPut, "/v1/teams/"+team+"/shifts/"+day.Date,
			map[string]any{"branch": day.Branch, "from": "08:30", "to": "18:00", "territories": territories}, nil)
	}
	if err := shift("RIB-WEST-team1", "NOWHERE"); play.CodeOf(err) != "shift.territory" {
		t.Errorf("a shift in no territory: %v", err)
	}
	ok(t, shift("RIB-WEST-team1", "RIB-EAST"))
	ok(t, shift("RIB-WEST-team2", "RIB-EAST"))
	want = "[RIB-EAST<RIB-EAST-team1:team RIB-EAST<RIB-EAST-team2:team RIB-EAST<RIB-WEST-team1:shift RIB-EAST<RIB-WEST-team2:shift] [RIB-WEST] 0"
	if got := read(day.Date); got != want {
		t.Errorf("as shifts say: %s", got)
	}
	// The round follows the shifts: no team visits the west.
	ok(t, day.Plan(ctx, nil))
	at := territoriesOf(t, day)
	for _, r := range day.Round.Routes {
		for _, stop := range r.Stops {
			if at[stop.Case] != "RIB-EAST" {
				t.Errorf("%s goes to %s in %s", r.Team, stop.Case, at[stop.Case])
			}
		}
	}
	for _, u := range day.Round.Unassigned {
		if at[u.Case] == "RIB-WEST" && u.Code == "NO_TIME" {
			t.Errorf("%s is left out as %s although no team works there", u.Case, u.Code)
		}
	}
}

// TestANeighbourComesWhereAllowedAndCheaper has a home just west of the border.
func TestANeighbourComesWhereAllowedAndCheaper(t *testing.T) {
	for name, c := range map[string]struct {
		allowed int
		metres  float64 // from the border to the home
		east    float64 // where the eastern team begins and ends
		pinned  bool
		want    string
	}{
		"not allowed":                    {0, 100, -8.4295, false, "WEST"},
		"allowed and cheaper":            {500, 100, -8.4295, false, "EAST"},
		"allowed, but the way is longer": {500, 100, -8.4005, false, "WEST"},
		"further than allowed":           {500, 700, -8.4295, false, "WEST"},
		"placed by a supervisor":         {500, 100, -8.4295, true, "WEST"},
	} {
		t.Run(name, func(t *testing.T) {
			day := borderTown(t, c.metres, c.east)
			ctx := context.Background()
			if c.pinned {
				ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/LND-B.RIB-0001/reassign",
					map[string]any{"territory": "RIB-WEST"}, nil))
			}
			ok(t, day.Admin.Do(ctx, http.MethodPut, "/v1/branches/"+day.Branch,
				map[string]any{"time_zone": day.Zone, "country": "PT", "neighbours_within_m": c.allowed}, nil))
			ok(t, day.Plan(ctx, nil))
			went := ""
			for _, r := range day.Round.Routes {
				for _, stop := range r.Stops {
					if stop.Case == "LND-B.RIB-0001" {
						went = r.Team
					}
				}
			}
			if went != c.want {
				t.Errorf("%q goes, want %s; left out %v", went, c.want, day.Round.Unassigned)
			}
		})
	}
}

// borderTown returns a day with a team on each side of a border, the western one far away, and one case the
// given distance in metres west of the border.
func borderTown(t *testing.T, metres, east float64) *play.Day {
	t.Helper()
	day, err := play.City(t.TempDir())
	ok(t, err)
	text, err := os.ReadFile(day.Cases)
	ok(t, err)
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	ok(t, err)
	head := rows[0]
	row := slices.Clone(rows[1])
	row[slices.Index(head, "lon")] = fmt.Sprintf("%.7f", -8.43-metres/83_200)
	row[slices.Index(head, "lat")] = "41.55"
	var out bytes.Buffer
	ok(t, csv.NewWriter(&out).WriteAll([][]string{head, row}))
	ok(t, os.WriteFile(day.Cases, out.Bytes(), 0o600))
	s := run(t, Config{Data: t.TempDir(), Now: time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)})
	day.Base, day.HTTP, day.Password = s.URL(), http.DefaultClient, adminPassword
	day.Date, day.TimeLimitS, day.Seed = "2026-11-25", 1, 1
	ctx := context.Background()
	ok(t, day.SetUp(ctx))
	for _, what := range [][2]string{{"territories", day.Territories}, {"cases", day.Cases}} {
		_, err := day.Import(ctx, what[0], what[1])
		ok(t, err)
	}
	for team, lon := range map[string]float64{"WEST": -8.459, "EAST": east} {
		agent := "agent-" + team
		ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/users", map[string]any{"id": agent, "login": agent, "name": agent,
			"password": "played-password-of-the-day", "keep_password": true,
			"role": "agent", "branches": []string{day.Branch}}, nil))
		ok(t, day.Admin.Do(ctx, http.MethodPut, "/v1/teams/"+team,
			map[string]any{"branch": day.Branch, "agents": []string{agent}, "territories": []string{"RIB-" + team},
				"items": []string{"badge", "authorisation_letter"}, "recording": true, "mode": "car",
				"start": []float64{lon, 41.55}, "end": []float64{lon, 41.55}}, nil))
		ok(t, day.Admin.Do(ctx, http.MethodPut, "/v1/teams/"+team+"/shifts/"+day.Date,
			map[string]any{"branch": day.Branch, "from": "08:30", "to": "18:00"}, nil))
	}
	return day
}
