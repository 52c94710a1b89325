package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"doorstep/geo"
	"doorstep/geo/basemap"
	"doorstep/geo/extract/extracttest"
	"doorstep/server/play"
)

// townMap makes a map of one street through the made-up town.
func townMap(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	extract, out := filepath.Join(dir, "town.osm.pbf"), filepath.Join(dir, "town.mbtiles")
	ok(t, os.WriteFile(extract, extracttest.Packing{}.Write(t,
		extracttest.Object{Kind: 'n', ID: 1, At: geo.Point{Lon: -8.44, Lat: 41.54}},
		extracttest.Object{Kind: 'n', ID: 2, At: geo.Point{Lon: -8.42, Lat: 41.56}},
		extracttest.Object{Kind: 'w', ID: 3, Tags: "highway=residential name=Rua_Longa", Refs: []int64{1, 2}}), 0o600))
	_, err := basemap.Prepare(context.Background(), extract, out, nil)
	ok(t, err)
	return out
}

// A server with a map says where its tiles are, draws them in a style that names no other host, and lets lenders and
// auditors see neither. Without a map the style is plain ground.
func TestTheMapOfAServer(t *testing.T) {
	_, day, _ := cityOf(t, Config{Map: townMap(t)})
	ctx := context.Background()
	var is struct {
		Available                bool
		Hash, Tiles, Attribution string
		Bounds                   []float64
		MinZoom, MaxZoom         int
	}
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/map", nil, &is))
	if !is.Available || is.Tiles != "/tiles/"+is.Hash+"/{z}/{x}/{y}" || len(is.Bounds) != 4 || is.MaxZoom != 14 ||
		!strings.Contains(is.Attribution, "OpenStreetMap") {
		t.Errorf("the map is %+v", is)
	}
	read := func(query string) string {
		var b bytes.Buffer
		ok(t, day.Admin.Send(ctx, http.MethodGet, "/v1/map/style"+query, "", nil, &b))
		return b.String()
	}
	light, dark := read(""), read("?theme=dark&language=pt")
	if light == dark || !strings.Contains(dark, "name_pt") || !strings.Contains(light, is.Tiles) {
		t.Errorf("the styles: %s\n%s", light, dark)
	}
	for _, style := range []string{light, dark} {
		if other := regexp.MustCompile(`https?://[^"]*|"glyphs"|"sprite"`).FindString(style); other != "" {
			t.Errorf("the style asks for %s", other)
		}
	}
	for query, code := range map[string]string{"?theme=blue": basemap.CodeStyle, "?language=..%2F": basemap.CodeStyle} {
		err := day.Admin.Send(ctx, http.MethodGet, "/v1/map/style"+query, "", nil, io.Discard)
		if play.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", query, err, code)
		}
	}
	// A tile needs no sign-in: a renderer has no token.
	began := time.Now()
	r, err := http.Get(day.Base + strings.NewReplacer("{z}", "14", "{x}", "7808", "{y}", "6108").Replace(is.Tiles))
	ok(t, err)
	tile, err := io.ReadAll(r.Body)
	ok(t, err)
	_ = r.Body.Close()
	t.Logf("a tile of %d bytes came after %s", len(tile), time.Since(began))
	if r.StatusCode != http.StatusOK || len(tile) == 0 {
		t.Errorf("a tile: %s", r.Status)
	}
	for _, path := range []string{"/v1/map", "/v1/map/style"} {
		r, err := http.Get(day.Base + path)
		ok(t, err)
		_ = r.Body.Close()
		if r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a sign-in: %s", path, r.Status)
		}
	}
	_, plain, _ := city(t, nil)
	var none map[string]any
	ok(t, plain.Admin.Do(ctx, http.MethodGet, "/v1/map", nil, &none))
	var b bytes.Buffer
	ok(t, plain.Admin.Send(ctx, http.MethodGet, "/v1/map/style", "", nil, &b))
	var style struct{ Layers []map[string]any }
	ok(t, json.Unmarshal(b.Bytes(), &style))
	if none["available"] != false || len(none) > 2 || len(style.Layers) != 1 {
		t.Errorf("without a map: %v, %d layers", none, len(style.Layers))
	}
}
