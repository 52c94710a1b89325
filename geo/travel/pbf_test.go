package travel

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"doorstep/geo"
	"doorstep/geo/extract"
	"doorstep/geo/extract/extracttest"
)

// hamlet is a street of four nodes with a barrier, a side street, a forbidden turn, and a building.
func hamlet() []extracttest.Object {
	return []extracttest.Object{
		{Kind: 'n', ID: 1, At: geo.Point{Lon: 11, Lat: 49}}, {Kind: 'n', ID: 2, At: geo.Point{Lon: 11.01, Lat: 49}},
		{Kind: 'n', ID: 3, At: geo.Point{Lon: 11.02, Lat: 49}, Tags: "barrier=bollard"},
		{Kind: 'n', ID: 4, At: geo.Point{Lon: 11.02, Lat: 49.01}}, {Kind: 'n', ID: -5, At: geo.Point{Lon: -11, Lat: -49}},
		{Kind: 'w', ID: 10, Tags: "highway=residential", Refs: []int64{1, 2, 3}},
		{Kind: 'w', ID: 11, Tags: "highway=service", Refs: []int64{2, 4}},
		{Kind: 'w', ID: 12, Tags: "building=yes", Refs: []int64{1, 2, 4, 1}},
		{Kind: 'w', ID: 13, Tags: "highway=footway", Refs: []int64{4, -5}},
		{Kind: 'r', ID: 20, Tags: "type=restriction restriction=no_left_turn", Refs: []int64{10, 2, 11},
			Roles: []string{"w:from", "n:via", "w:to"}},
	}
}

func networkOf(t *testing.T, file []byte) *network {
	t.Helper()
	n, err := readNetwork(context.Background(), extract.File{Reader: bytes.NewReader(file)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAnExtractIsTheSameHoweverItIsPacked(t *testing.T) {
	want := networkOf(t, extracttest.Packing{}.Write(t, hamlet()...))
	if len(want.ways) != 3 || len(want.ids) != 5 || want.blocked[3] == 0 || len(want.rules) != 1 ||
		want.at[0] != (geo.E7{Lon: -110_000_000, Lat: -490_000_000}) {
		t.Fatalf("%+v", want)
	}
	for _, p := range []extracttest.Packing{{Plain: true}, {Method: "raw"}, {Method: "zstd"},
		{Plain: true, Method: "zstd"}, {Loose: true}, {Plain: true, Loose: true, Method: "raw"},
		{Features: []string{"HistoricalInformation"}}} {
		if got := networkOf(t, p.Write(t, hamlet()...)); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: %+v, want %+v", p, got, want)
		}
	}
}

// TestAHistoryFileIsReadAsOfToday has older versions and deletions of every kind of object.
func TestAHistoryFileIsReadAsOfToday(t *testing.T) {
	a, b, c := geo.Point{Lon: 11, Lat: 49}, geo.Point{Lon: 11.01, Lat: 49}, geo.Point{Lon: 11.02, Lat: 49}
	turn := []string{"w:from", "n:via", "w:to"}
	history := []extracttest.Object{
		{Kind: 'n', ID: 1, At: b, Tags: "barrier=bollard", Version: 1}, {Kind: 'n', ID: 1, At: a, Version: 2},
		{Kind: 'n', ID: 2, At: b, Version: 1},
		{Kind: 'n', ID: 3, At: c, Version: 1}, {Kind: 'n', ID: 3, Version: 2, Deleted: true},
		{Kind: 'n', ID: 3, At: c, Version: 3},
		{Kind: 'n', ID: 4, At: c, Version: 1}, {Kind: 'n', ID: 4, Version: 2, Deleted: true},
		{Kind: 'w', ID: 10, Tags: "highway=residential oneway=yes", Refs: []int64{1, 3}, Version: 1},
		{Kind: 'w', ID: 10, Tags: "highway=residential", Refs: []int64{1, 2, 3}, Version: 2},
		{Kind: 'w', ID: 11, Tags: "highway=primary", Refs: []int64{1, 3}, Version: 1},
		{Kind: 'w', ID: 11, Version: 2, Deleted: true},
		{Kind: 'w', ID: 12, Tags: "highway=primary", Refs: []int64{1, 3}, Version: 1},
		{Kind: 'w', ID: 12, Tags: "landuse=forest", Refs: []int64{1, 3}, Version: 2},
		{Kind: 'w', ID: 13, Tags: "highway=residential", Refs: []int64{2, 3}, Version: 1},
		{Kind: 'r', ID: 20, Tags: "type=restriction restriction=no_left_turn", Refs: []int64{10, 2, 13}, Roles: turn,
			Version: 1},
		{Kind: 'r', ID: 20, Version: 2, Deleted: true},
		{Kind: 'r', ID: 21, Tags: "type=restriction restriction=no_left_turn", Refs: []int64{10, 2, 13}, Roles: turn,
			Version: 1},
		{Kind: 'r', ID: 21, Tags: "type=route", Refs: []int64{10}, Roles: []string{"w:"}, Version: 2},
		{Kind: 'r', ID: 22, Tags: "type=restriction restriction=no_u_turn", Refs: []int64{10, 2, 13}, Roles: turn,
			Version: 1},
	}
	now := []extracttest.Object{{Kind: 'n', ID: 1, At: a}, {Kind: 'n', ID: 2, At: b}, {Kind: 'n', ID: 3, At: c},
		{Kind: 'w', ID: 10, Tags: "highway=residential", Refs: []int64{1, 2, 3}},
		{Kind: 'w', ID: 13, Tags: "highway=residential", Refs: []int64{2, 3}},
		{Kind: 'r', ID: 22, Tags: "type=restriction restriction=no_u_turn", Refs: []int64{10, 2, 13}, Roles: turn}}
	want := networkOf(t, extracttest.Packing{}.Write(t, now...))
	for _, p := range []extracttest.Packing{{}, {Plain: true}} {
		p.Features = []string{"HistoricalInformation"}
		if got := networkOf(t, p.Write(t, history...)); !reflect.DeepEqual(got, want) {
			t.Errorf("plain %t: %+v, want %+v", p.Plain, got, want)
		}
	}
	// A file of changes may say that an object is deleted without being a history file.
	gone := append(now[:len(now):len(now)], extracttest.Object{Kind: 'r', ID: 23, Tags: now[5].Tags,
		Refs: now[5].Refs, Roles: turn, Deleted: true})
	if got := networkOf(t, extracttest.Packing{}.Write(t, gone...)); !reflect.DeepEqual(got, want) {
		t.Errorf("with a deletion: %+v, want %+v", got, want)
	}
}

func TestExtractsThatCannotBeReadNameTheCure(t *testing.T) {
	good := extracttest.Packing{}.Write(t, hamlet()...)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(good)
	z.Close()
	flipped := bytes.Clone(good)
	flipped[len(flipped)-20] ^= 0x40
	for name, c := range map[string]struct {
		file []byte
		says string
	}{
		"XML":                {[]byte("<?xml version='1.0'?>\n<osm/>"), "osmium cat"},
		"XML with a mark":    {[]byte("\xef\xbb\xbf <osm version='0.6'>"), "osmium cat"},
		"a web page":         {[]byte("<!DOCTYPE html><html>"), "web page"},
		"gzip":               {zipped.Bytes(), "unpack"},
		"bzip2":              {[]byte("BZh91AY&SY........."), "unpack"},
		"o5m":                {[]byte("\xff\xe0\x04o5m2........"), "osmium cat"},
		"prepared roads":     {[]byte("doorstep roads 1\n.........."), "prepared"},
		"a pointer":          {[]byte("version https://git-lfs.github.com/spec/v1"), "git lfs pull"},
		"text":               {[]byte("case_ref,lender,product_type"), "geofabrik"},
		"three bytes":        {good[:3], "cut short"},
		"half a header":      {good[:30], "cut short"},
		"half a block":       {good[:len(good)-5], "cut short"},
		"a flipped bit":      {flipped, "download it again"},
		"two files":          {append(bytes.Clone(good), good...), "osmium merge"},
		"lzma":               {extracttest.Packing{Method: "lzma"}.Write(t, hamlet()...), "osmium cat"},
		"lz4":                {extracttest.Packing{Method: "lz4"}.Write(t, hamlet()...), "osmium cat"},
		"an unknown feature": {extracttest.Packing{Features: []string{"Quantum"}}.Write(t, hamlet()...), "Quantum"},
		"no nodes":           {extracttest.Packing{}.Write(t, hamlet()[5:]...), "osmium extract"},
		"no roads":           {extracttest.Packing{}.Write(t, hamlet()[:5]...), "no road"},
	} {
		path := filepath.Join(t.TempDir(), "map.osm.pbf")
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := PrepareRoads(context.Background(), path, Modes(), nil)
		if code(err) != CodeExtract || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "map.osm") {
			t.Errorf("%s: %v, want it to say %q", name, err, c.says)
		}
	}
}

// FuzzExtract expects that any bytes give a network or an error.
func FuzzExtract(f *testing.F) {
	t := &testing.T{}
	for _, p := range []extracttest.Packing{{}, {Plain: true, Method: "raw"}, {Method: "zstd"}, {Method: "raw"},
		{Method: "raw", Features: []string{"HistoricalInformation"}}} {
		f.Add(p.Write(t, hamlet()...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if n, err := readNetwork(context.Background(), extract.File{Reader: bytes.NewReader(file)}); err == nil {
			for m := range Modes() {
				if _, _, err := n.graph(context.Background(), m, nil); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
