package basemap

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/auth/refusal"
)

// wholeMetadata is that of a set of vector tiles made elsewhere.
func wholeMetadata() map[string]string {
	return map[string]string{"format": "pbf", "bounds": "7.4,43.7,7.45,43.76", "minzoom": "0", "maxzoom": "14",
		"name": "Elsewhere <b>1</b>", "attribution": `<a href="https://example.org">&copy; OpenStreetMap</a>`,
		"json": `{"vector_layers":[{"id":"streets"},{"id":"land"}]}`}
}

// writeForeign writes a file of tiles.
func writeForeign(t *testing.T, about map[string]string, tiles ...tile) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "else where?.mbtiles")
	var pairs [][2]string
	for name, value := range about {
		pairs = append(pairs, [2]string{name, value})
	}
	ok(t, writeFile(context.Background(), path, pairs, func(put func(tile) error) error {
		for _, tl := range tiles {
			if err := put(tl); err != nil {
				return err
			}
		}
		return nil
	}))
	return path
}

func TestTilesMadeElsewhereAreServed(t *testing.T) {
	packed, plainTile := []byte{0x1f, 0x8b, 1}, []byte{0x1a, 2}
	path := writeForeign(t, wholeMetadata(), tile{z: 1, x: 0, y: 1, data: packed}, tile{z: 14, x: 8529, y: 5974,
		data: plainTile})
	m, err := Open(context.Background(), path)
	ok(t, err)
	defer m.Close()
	if i := m.Info(); i.Name != "Elsewhere 1" || i.Attribution != "© OpenStreetMap" || i.MaxZoom != 14 || i.Tiles != 2 ||
		len(i.Hash) != 32 {
		t.Errorf("%+v", i)
	}
	for _, c := range []struct {
		z, x, y int
		want    []byte
		packed  bool
	}{
		{1, 0, 1, packed, true}, {14, 8529, 5974, plainTile, false}, {1, 0, 0, nil, false}, {1, 1, 1, nil, false},
		{15, 0, 0, nil, false}, {1, -1, 1, nil, false}, {1, 0, 2, nil, false}, {-1, 0, 0, nil, false}, {99, 0, 0, nil, false},
	} {
		got, isPacked, err := m.Tile(context.Background(), c.z, c.x, c.y)
		if err != nil || !bytes.Equal(got, c.want) || isPacked != c.packed {
			t.Errorf("%d/%d/%d: %x packed %t, %v", c.z, c.x, c.y, got, isPacked, err)
		}
	}
}

func TestFilesThatCannotBeDrawnSayWhy(t *testing.T) {
	one := tile{z: 1, x: 0, y: 1, data: []byte{0x1f, 0x8b}}
	with := func(name, value string) string {
		about := wholeMetadata()
		about[name] = value
		return writeForeign(t, about, one)
	}
	whole, err := os.ReadFile(writeForeign(t, wholeMetadata(), one))
	ok(t, err)
	file := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "x.mbtiles")
		ok(t, os.WriteFile(path, content, 0o600))
		return path
	}
	for name, c := range map[string]struct{ path, says string }{
		"missing":         {filepath.Join(t.TempDir(), "none"), "no such file"},
		"empty":           {file(nil), "is empty"},
		"text":            {file([]byte("case_ref,lender,product_type")), "not an MBTiles file"},
		"PMTiles":         {file([]byte("PMTiles\x03aaaaaaaaaaaaaaaa")), "PMTiles"},
		"cut short":       {file(whole[:len(whole)/3]), "not a whole MBTiles file"},
		"raster":          {with("format", "png"), "raster tiles (png)"},
		"no format":       {with("format", ""), "format pbf"},
		"brotli":          {with("compression", "br"), "use gzip"},
		"another schema":  {with("json", `{"vector_layers":[{"id":"transportation"}]}`), "no layer streets"},
		"no layers":       {with("json", ""), "does not name its layers"},
		"no zooms":        {with("maxzoom", "x"), "which zooms"},
		"zooms in hiding": {with("maxzoom", "99"), "which zooms"},
		"no bounds":       {with("bounds", "1,2,3"), "which area"},
		"bounds turned":   {with("bounds", "7.5,43,7.4,44"), "which area"},
		"bounds NaN":      {with("bounds", "NaN,43,7.4,44"), "which area"},
		"no tiles":        {writeForeign(t, wholeMetadata()), "has no tiles"},
	} {
		m, err := Open(context.Background(), c.path)
		if err == nil {
			_ = m.Close()
			t.Errorf("%s: it is opened", name)
			continue
		}
		if r, is := refusal.Of(err); !is || r.Code() != CodeFile || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.says)
		}
	}
}

func TestAMapThatCannotBeWrittenLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "town.mbtiles")
	ok(t, os.WriteFile(path, []byte("of yesterday"), 0o600))
	full := errors.New("no space left on device")
	err := writeFile(context.Background(), path, nil, func(put func(tile) error) error {
		ok(t, put(tile{z: 1, data: make([]byte, 100_000)}))
		return full
	})
	if !errors.Is(err, full) {
		t.Error(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := writeFile(ctx, path, nil, func(func(tile) error) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	list, err := os.ReadDir(filepath.Dir(path))
	ok(t, err)
	if text, _ := os.ReadFile(path); len(list) != 1 || string(text) != "of yesterday" {
		t.Errorf("left behind: %v, with %q", list, text)
	}
}

func TestExtractsThatGiveNoMapSayWhy(t *testing.T) {
	dir := t.TempDir()
	good := town(t)
	lacking := draw(t, "A")
	lacking.node['Z'] = 99
	lacking.way("ZZ", "highway=service")
	for name, c := range map[string]struct {
		file []byte
		says string
	}{
		"empty":        {nil, "town.osm.pbf is empty"},
		"cut":          {good[:len(good)-9], "cut short"},
		"no PBF":       {[]byte("case_ref,lender,product_type"), "geofabrik"},
		"a map":        {[]byte("SQLite format 3\x00 and more"), "a database"},
		"no ways":      {draw(t, "A.B").file(), "nothing to draw"},
		"nodes absent": {lacking.file(), "nothing"},
	} {
		path := filepath.Join(dir, "town.osm.pbf")
		ok(t, os.WriteFile(path, c.file, 0o600))
		_, err := Prepare(context.Background(), path, filepath.Join(dir, "out"), nil)
		if r, is := refusal.Of(err); !is || r.Code() != CodeExtract || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.says)
		}
		if list, _ := os.ReadDir(dir); len(list) != 1 {
			t.Errorf("%s: left behind: %v", name, list)
		}
	}
}
