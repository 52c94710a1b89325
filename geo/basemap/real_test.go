package basemap

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// extractPath is the path of a shared extract; a fresh clone does without, and says so.
func extractPath(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "osm", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("NOT TESTED on a real map: %v", err)
	}
	return path
}

// TestTheSeaOfMonaco fills the sea, though the coast ends inside the map, and leaves the town dry.
func TestTheSeaOfMonaco(t *testing.T) {
	monaco := extractPath(t, "monaco.osm.pbf")
	s, err := readFile(context.Background(), monaco, func(Progress) {})
	ok(t, err)
	if notes := s.notes(); len(notes) != 0 {
		t.Errorf("notes: %v", notes)
	}
	var sea []polygon
	for _, f := range s.features {
		if f.look.layer == ocean {
			sea = append(sea, polygon{f.paths[0], f.paths[1:]})
		}
	}
	wet := func(lon, lat float64) bool {
		at := project(lon, lat)
		return slices.ContainsFunc(sea, func(p polygon) bool {
			return inside(float64(at.x), float64(at.y), p.outer, s.at) &&
				!slices.ContainsFunc(p.holes, func(h path) bool { return inside(float64(at.x), float64(at.y), h, s.at) })
		})
	}
	for _, c := range []struct {
		name     string
		lon, lat float64
		want     bool
	}{
		{"the open sea", 7.435, 43.730, true}, {"the port", 7.4255, 43.7350, true}, {"the palace", 7.4200, 43.7314, false},
		{"the casino", 7.4281, 43.7392, false}, {"the station", 7.4193, 43.7385, false},
	} {
		if got := wet(c.lon, c.lat); got != c.want {
			t.Errorf("%s lies in the sea: %t", c.name, got)
		}
	}
}

// polygon is an outer ring with its holes.
type polygon struct {
	outer path
	holes []path
}

// TestRealAreasMeetAtTileBorders compares what tiles show of all areas with what was cut, in an extract with forests,
// lakes with islands and broken multipolygons.
func TestRealAreasMeetAtTileBorders(t *testing.T) {
	s, err := readFile(context.Background(), extractPath(t, "north-bayreuth.osm.pbf"), func(Progress) {})
	ok(t, err)
	for _, zoom := range []int{11, maxZoom} {
		g := s.grid(zoom)
		whole := map[string]float64{}
		for _, d := range s.drawAt(zoom) {
			if d.look.shape != area {
				continue
			}
			rings, hole := cutRings(&d, g.box)
			for i, r := range rings {
				a := math.Abs(shoelace(r))
				if hole[i] {
					a = -a
				}
				whole[layerNames[d.look.layer]] += a
			}
		}
		sum := map[string]float64{}
		ok(t, s.each1(zoom, func(tl tile) {
			for layer := range whole {
				for _, p := range polygonsOf(t, tl, layer) {
					sum[layer] += insideTile(t, p)
				}
			}
		}))
		if len(whole) < 2 {
			t.Errorf("zoom %d: only %d layers of areas", zoom, len(whole))
		}
		for layer, want := range whole {
			// Rounding moves the outlines of small houses by some percent at worst.
			if math.Abs(sum[layer]-want) > 0.01*want {
				t.Errorf("zoom %d: the tiles show %.0f square units of %s, want %.0f", zoom, sum[layer], layer, want)
			}
		}
	}
}

// The benchmarks are of one extract: DOORSTEP_BENCH_EXTRACT, or the shared one of Porto.

func benchExtract(b *testing.B) string {
	if path := os.Getenv("DOORSTEP_BENCH_EXTRACT"); path != "" {
		return path
	}
	return extractPath(b, "porto_portugal.osm.pbf")
}

func BenchmarkPrepare(b *testing.B) {
	out := filepath.Join(b.TempDir(), "bench.mbtiles")
	for b.Loop() {
		sum, err := Prepare(context.Background(), benchExtract(b), out, nil)
		ok(b, err)
		b.ReportMetric(float64(sum.Bytes)/1e6, "file-MB")
		b.ReportMetric(float64(sum.LargestBytes)/1e3, "largest-kB")
	}
}

// BenchmarkTile reads all tiles of a map in turn.
func BenchmarkTile(b *testing.B) {
	out := filepath.Join(b.TempDir(), "bench.mbtiles")
	_, err := Prepare(context.Background(), benchExtract(b), out, nil)
	ok(b, err)
	m, err := Open(context.Background(), out)
	ok(b, err)
	defer m.Close()
	s, err := readFile(context.Background(), benchExtract(b), func(Progress) {})
	ok(b, err)
	g := s.grid(maxZoom)
	wide, high, n := g.toX-g.fromX+1, g.toY-g.fromY+1, 0
	for b.Loop() {
		_, _, err := m.Tile(context.Background(), maxZoom, g.fromX+n%wide, g.fromY+n/wide%high)
		ok(b, err)
		n++
	}
}
