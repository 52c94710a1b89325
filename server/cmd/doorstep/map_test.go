package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/geo"
	"doorstep/geo/extract/extracttest"
)

// street is an extract of one street with a name.
func street(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "town.osm.pbf")
	noError(t, os.WriteFile(path, extracttest.Packing{}.Write(t,
		extracttest.Object{Kind: 'n', ID: 1, At: geo.Point{Lon: 7.41, Lat: 43.71}},
		extracttest.Object{Kind: 'n', ID: 2, At: geo.Point{Lon: 7.42, Lat: 43.72}},
		extracttest.Object{Kind: 'w', ID: 3, Tags: "highway=residential name=Rue_Longue", Refs: []int64{1, 2}}), 0o600))
	return path
}

// A map is made beside its extract, and says what it is and whose data it shows.
func TestAMapIsMadeAndDescribed(t *testing.T) {
	extract := street(t)
	r := runs(t, "", "map", "prepare", extract)
	if r.status != 0 {
		t.Fatalf("%+v", r)
	}
	wants(t, r.out, `zooms 5 to 14`, `written to .*town\.mbtiles in`, `serve --map `)
	made := filepath.Join(filepath.Dir(extract), "town.mbtiles")
	info := runs(t, "", "map", "info", made)
	wants(t, info.out, `^town: \d+ tiles of zooms 5 to 14`, `area 7\.4`, `layers .*streets`,
		`© OpenStreetMap contributors`, `\nhash [0-9a-f]{32}\n`)
	// The same extract gives the same map, under another name too.
	again := runs(t, "", "map", "prepare", extract, "--out", made+".2")
	_, hash, _ := strings.Cut(info.out, "\nhash ")
	if again.status != 0 || !strings.Contains(again.out, strings.TrimSpace(hash)) {
		t.Errorf("made again: %+v, the hash was %s", again, hash)
	}
}

// What is no extract, or no map, is refused and leaves no file behind.
func TestMapsThatCannotBe(t *testing.T) {
	extract := street(t)
	dir := folder(t, map[string]string{"text.osm.pbf": "not even an extract", "text.mbtiles": "not a map",
		"empty.mbtiles": ""})
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no such extract":        {[]string{"prepare", dir + "/none.osm.pbf"}, "none.osm.pbf"},
		"a text":                 {[]string{"prepare", dir + "/text.osm.pbf"}, "text.osm.pbf"},
		"onto its extract":       {[]string{"prepare", extract, "--out", extract}, "is the extract itself"},
		"into a folder":          {[]string{"prepare", extract, "--out", dir}, "--out: "},
		"into no folder":         {[]string{"prepare", extract, "--out", dir + "/none/x.mbtiles"}, "--out: "},
		"info of a text":         {[]string{"info", dir + "/text.mbtiles"}, "text.mbtiles"},
		"info of nothing":        {[]string{"info", dir + "/empty.mbtiles"}, "empty.mbtiles"},
		"info of a missing file": {[]string{"info", dir + "/none.mbtiles"}, "none.mbtiles"},
		"info of an extract":     {[]string{"info", extract}, "town.osm.pbf"},
	} {
		r := runs(t, "", append([]string{"map"}, c.args...)...)
		if r.status != badInput || !strings.Contains(r.failure.Error(), c.says) {
			t.Errorf("%s: status %d, %v; want one that says %s", name, r.status, r.failure, c.says)
		}
	}
	if got := strings.Join(names(t, dir), " "); got != "empty.mbtiles text.mbtiles text.osm.pbf" {
		t.Errorf("left behind: %s", got)
	}
}
