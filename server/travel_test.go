package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/geo"
	"doorstep/geo/travel"
)

func TestTravelTimesComeFromOnePlace(t *testing.T) {
	for _, cfg := range []travel.Choice{{Roads: "a", OSRM: "b"}, {OSRM: "b", Valhalla: "c"}, {Roads: "a", Valhalla: "c"}} {
		if _, err := Open(context.Background(), Config{Data: t.TempDir(), Travel: cfg}); err == nil ||
			!strings.Contains(err.Error(), "only one of roads, osrm and valhalla") {
			t.Errorf("%q %q %q: %v", cfg.Roads, cfg.OSRM, cfg.Valhalla, err)
		}
	}
}

func TestBadRoadsStopTheStart(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.roads")
	if err := os.WriteFile(bad, []byte("no roads"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []travel.Choice{{Roads: bad}, {Roads: bad + ".osm.pbf"}, {OSRM: "localhost"},
		{Valhalla: "localhost"}} {
		if s, err := Open(context.Background(), Config{Data: t.TempDir(), Travel: cfg}); err == nil {
			t.Errorf("%q %q %q started: %v", cfg.Roads, cfg.OSRM, cfg.Valhalla, s.URL())
		}
	}
}

// TestRoundIsDrawnAlongRoads plans with a routing server whose roads all begin east or
// west, and checks that the drawn routes have the corners.
func TestRoundIsDrawnAlongRoads(t *testing.T) {
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.URL.Path, "/") // "", mode, service, v1, profile, coordinates
		var points []geo.Point
		for _, text := range strings.Split(parts[5], ";") {
			var p geo.Point
			if _, err := fmt.Sscanf(text, "%f,%f", &p.Lon, &p.Lat); err != nil {
				t.Errorf("%q: %v", text, err)
			}
			points = append(points, p)
		}
		if parts[2] == "route" {
			var legs []any
			for i := 1; i < len(points); i++ {
				corner := geo.Point{Lon: points[i].Lon, Lat: points[i-1].Lat}
				legs = append(legs, map[string]any{"duration": 60, "distance": 100,
					"steps": []any{map[string]any{"geometry": map[string]any{
						"type": "LineString", "coordinates": []geo.Point{points[i-1], corner, points[i]}}}}})
			}
			json.NewEncoder(w).Encode(map[string]any{"code": "Ok", "routes": []any{map[string]any{"legs": legs}}})
			return
		}
		rows := make([][]int, strings.Count(r.URL.Query().Get("sources"), ";")+1)
		for i := range rows {
			rows[i] = make([]int, strings.Count(r.URL.Query().Get("destinations"), ";")+1)
			for j := range rows[i] {
				rows[i][j] = 60
			}
		}
		json.NewEncoder(w).Encode(map[string]any{"code": "Ok", "durations": rows, "distances": rows})
	}))
	defer peer.Close()
	_, day, _ := cityOf(t, Config{Travel: travel.Choice{OSRM: peer.URL + "/{mode}"}})
	ctx := context.Background()
	ok(t, day.MakeTeams(ctx))
	ok(t, day.Plan(ctx, nil))
	if want := "osrm:" + strings.TrimPrefix(peer.URL, "http://"); day.Round.Travel != want {
		t.Errorf("travel times come from %q, want %q", day.Round.Travel, want)
	}
	token, err := day.Admin.Token(ctx)
	ok(t, err)
	request, err := http.NewRequest(http.MethodGet, day.Base+"/v1/rounds/"+day.Round.ID+".geojson", nil)
	ok(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := day.HTTP.Do(request)
	ok(t, err)
	defer answer.Body.Close()
	var drawing struct {
		Features []struct {
			Geometry struct {
				Type        string
				Coordinates json.RawMessage
			}
		}
	}
	ok(t, json.NewDecoder(answer.Body).Decode(&drawing))
	lines := 0
	for _, f := range drawing.Features {
		if f.Geometry.Type != "LineString" {
			continue
		}
		lines++
		var line []geo.Point
		ok(t, json.Unmarshal(f.Geometry.Coordinates, &line))
		const near = 2e-6 // the server is asked to six decimals
		for i := 1; i < len(line); i++ {
			if dx, dy := line[i].Lon-line[i-1].Lon, line[i].Lat-line[i-1].Lat; max(dx, -dx) > near && max(dy, -dy) > near {
				t.Errorf("a line goes straight from %v to %v", line[i-1], line[i])
			}
		}
	}
	if lines == 0 {
		t.Error("no line is drawn")
	}
}
