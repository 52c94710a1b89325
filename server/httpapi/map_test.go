package httpapi

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/geo"
	"doorstep/geo/basemap"
	"doorstep/geo/extract/extracttest"
)

// openTown makes a map of one street.
func openTown(t *testing.T) *basemap.Map {
	t.Helper()
	dir := t.TempDir()
	path, out := filepath.Join(dir, "town.osm.pbf"), filepath.Join(dir, "town.mbtiles")
	file := extracttest.Packing{}.Write(t,
		extracttest.Object{Kind: 'n', ID: 1, At: geo.Point{Lon: 7.41, Lat: 43.71}},
		extracttest.Object{Kind: 'n', ID: 2, At: geo.Point{Lon: 7.42, Lat: 43.72}},
		extracttest.Object{Kind: 'w', ID: 3, Tags: "highway=residential", Refs: []int64{1, 2}})
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := basemap.Prepare(context.Background(), path, out, nil); err != nil {
		t.Fatal(err)
	}
	m, err := basemap.Open(context.Background(), out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// TestTiles asks for tiles that are there, empty, and none, and expects that the log has no coordinates.
func TestTiles(t *testing.T) {
	m := openTown(t)
	hash := m.Info().Hash
	var log bytes.Buffer
	a := New(Options{Version: "1", Map: m, Ready: func(context.Context) error { return nil },
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	defer a.Close()
	for _, c := range []struct {
		path, accept string
		status       int
		encoding     string
	}{
		{hash + "/14/8529/5975", "gzip, deflate, br", 200, "gzip"},
		{hash + "/14/8529/5975", "", 200, ""},
		{hash + "/14/8529/5975", "gzip;q=0", 200, ""},
		{hash + "/14/1/1", "gzip", 204, ""},
		{hash + "/2/1/1", "gzip", 204, ""},
		{hash + "/22/1/1", "gzip", 204, ""},
		{strings.Repeat("0", 32) + "/14/8529/5975", "gzip", 404, ""},
		{hash[:31] + "/14/8529/5975", "gzip", 404, ""},
		{hash + "/23/1/1", "gzip", 404, ""}, {hash + "/14/16384/1", "gzip", 404, ""}, {hash + "/14/1/16384", "gzip", 404, ""},
		{hash + "/-1/0/0", "gzip", 404, ""}, {hash + "/14/08529/5975", "gzip", 404, ""}, {hash + "/14/+1/1", "gzip", 404, ""},
		{hash + "/14/1e3/1", "gzip", 404, ""}, {hash + "/14/99999999999999999999/1", "gzip", 404, ""},
		{hash + "/14/8529/5975.pbf", "gzip", 404, ""}, {hash + "/14/../../x", "gzip", 404, ""},
		{hash + "/14/%2e%2e/5975", "gzip", 404, ""},
	} {
		r := httptest.NewRequest("GET", "/tiles/"+c.path, nil)
		if c.accept != "" {
			r.Header.Set("Accept-Encoding", c.accept)
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != c.status || h.Get("Content-Encoding") != c.encoding {
			t.Errorf("%s (%s): %d %s, want %d %s", c.path, c.accept, w.Code, h.Get("Content-Encoding"), c.status, c.encoding)
		}
		if keeps := strings.Contains(h.Get("Cache-Control"), "immutable"); keeps != (c.status < 300) ||
			strings.Contains(h.Get("Cache-Control"), "public") || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: Cache-Control %s, Referrer-Policy %s", c.path, h.Get("Cache-Control"), h.Get("Referrer-Policy"))
		}
		body := w.Body.Bytes()
		if c.status == 200 && bytes.HasPrefix(body, []byte{0x1f, 0x8b}) != (c.encoding == "gzip") {
			t.Errorf("%s (%s): the body begins with %x", c.path, c.accept, body[:2])
		}
		if c.status == 404 && !strings.Contains(w.Body.String(), "not_found") {
			t.Errorf("%s: %s", c.path, w.Body.String())
		}
	}
	if text := log.String(); !strings.Contains(text, "/tiles/{hash}/{z}/{x}/{y}") || strings.Contains(text, "8529") ||
		strings.Contains(text, "5975") {
		t.Errorf("the log:\n%s", text)
	}
	w := httptest.NewRecorder()
	none := New(Options{Version: "1", Ready: func(context.Context) error { return nil }})
	defer none.Close()
	none.ServeHTTP(w, httptest.NewRequest("GET", "/tiles/"+hash+"/14/8529/5975", nil))
	if w.Code != 404 {
		t.Errorf("without a map: %d", w.Code)
	}
}
