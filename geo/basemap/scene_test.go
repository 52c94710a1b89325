package basemap

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"doorstep/geo"
	"doorstep/geo/extract"
	"doorstep/geo/extract/extracttest"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
)

// sketch is a small map: nodes are letters on a grid.
type sketch struct {
	t       testing.TB
	objects []extracttest.Object
	node    map[rune]int64
	box     [4]float64
}

// draw reads a picture in which each letter is a node.
func draw(t testing.TB, picture string) *sketch {
	s := &sketch{t: t, node: map[rune]int64{}}
	for row, text := range strings.Split(strings.Trim(picture, "\n"), "\n") {
		for column, letter := range text {
			if letter != ' ' && letter != '\t' && letter != '.' {
				s.at(letter, float64(column), float64(-row))
			}
		}
	}
	return s
}

// step is one of the grid, in degrees: some 400 m to the east and 550 m to the north.
const step = 0.005

// at puts a node on the grid.
func (s *sketch) at(letter rune, x, y float64) {
	s.node[letter] = int64(letter)
	s.objects = append(s.objects, extracttest.Object{Kind: 'n', ID: int64(letter),
		At: geo.Point{Lon: 7.4 + x*step, Lat: 43.7 + y*step}})
}

// way adds a way over letters and returns its id.
func (s *sketch) way(letters, tags string) int64 {
	o := extracttest.Object{Kind: 'w', ID: int64(1000 + len(s.objects)), Tags: tags}
	for _, letter := range letters {
		o.Refs = append(o.Refs, s.node[letter])
	}
	s.objects = append(s.objects, o)
	return o.ID
}

// area adds a multipolygon of ways.
func (s *sketch) area(tags string, ways ...int64) {
	o := extracttest.Object{Kind: 'r', ID: int64(9000 + len(s.objects)), Tags: "type=multipolygon " + tags, Refs: ways}
	for range ways {
		o.Roles = append(o.Roles, "w:outer") // wrong for holes, as it often is
	}
	s.objects = append(s.objects, o)
}

func (s *sketch) file() []byte {
	order := "nwr"
	slices.SortStableFunc(s.objects, func(a, b extracttest.Object) int {
		return strings.IndexByte(order, a.Kind) - strings.IndexByte(order, b.Kind)
	})
	return extracttest.Packing{Box: s.box}.Write(s.t, s.objects...)
}

func (s *sketch) scene() *scene {
	s.t.Helper()
	got, err := readScene(context.Background(), extract.File{Reader: bytes.NewReader(s.file())})
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// cells is how much the areas of a layer cover, in squares of the grid. It fails if a ring has the wrong direction for
// its place, so it is the signed area that counts once the rings are turned.
func (s *scene) cells(layer int) float64 {
	sum := 0.0
	for _, f := range s.features {
		if f.look.layer != layer || f.look.shape != area {
			continue
		}
		for i, p := range f.paths {
			a := math.Abs(areaOf(p, s.at))
			if f.hole != nil && f.hole[i] {
				a = -a
			}
			sum += a
		}
	}
	const unitsPerDegree = worldSize / 360.0
	return sum / (step * unitsPerDegree) / (step * unitsPerDegree / math.Cos(43.7*math.Pi/180))
}

const lake = `
A.......B
.E.FI.J..
.........
.H.GL.K..
D.......C`

func TestMultipolygons(t *testing.T) {
	for name, c := range map[string]struct {
		add    func(s *sketch)
		want   float64
		broken int
	}{
		"a closed way":           {func(s *sketch) { s.way("ABCDA", "natural=water") }, 32, 0},
		"an open way is no area": {func(s *sketch) { s.way("ABCD", "natural=water") }, 0, 0},
		"a hole": {func(s *sketch) {
			s.area("natural=water", s.way("ABCDA", ""), s.way("EFGHE", ""))
		}, 28, 0},
		"two holes": {func(s *sketch) {
			s.area("natural=water", s.way("ABCDA", ""), s.way("EFGHE", ""), s.way("IJKLI", ""))
		}, 24, 0},
		"an outer ring of pieces": {func(s *sketch) {
			s.area("natural=water", s.way("ABC", ""), s.way("ADC", ""), s.way("EFGHE", ""))
		}, 28, 0},
		"pieces the wrong way round": {func(s *sketch) {
			s.area("natural=water", s.way("CB", ""), s.way("AB", ""), s.way("CD", ""), s.way("AD", ""))
		}, 32, 0},
		"the outer way has the same tags": {func(s *sketch) {
			s.area("natural=water", s.way("ABCDA", "natural=water"), s.way("EFGHE", ""))
		}, 28, 0},
		"the hole is drawn itself": {func(s *sketch) {
			s.area("natural=water", s.way("ABCDA", ""), s.way("EFGHE", "natural=water"))
		}, 28, 0}, // the same tags on both are a mistake, and the hole holds
		"an island in the hole": {func(s *sketch) {
			s.at('a', 1.5, -1.5)
			s.at('b', 2.5, -1.5)
			s.at('c', 2.5, -2.5)
			s.at('d', 1.5, -2.5)
			s.area("natural=water", s.way("ABCDA", ""), s.way("EFGHE", ""), s.way("abcda", ""))
		}, 29, 0},
		"a way is missing": {func(s *sketch) {
			s.area("natural=water", s.way("EFGHE", ""), s.way("ABC", ""), 77)
		}, 4, 1},
		"a way does not close": {func(s *sketch) {
			s.area("natural=water", s.way("EFGHE", ""), s.way("ABC", ""))
		}, 4, 1},
		"a spur hangs on the ring": {func(s *sketch) {
			s.area("natural=water", s.way("AB", ""), s.way("BE", ""), s.way("BCDA", ""))
		}, 32, 1},
		"a way is there twice": {func(s *sketch) {
			w := s.way("ABCDA", "")
			s.area("natural=water", w, w)
		}, 32, 0},
		"two rings that touch in a node": {func(s *sketch) {
			s.area("natural=water", s.way("EFG", ""), s.way("GHE", ""), s.way("GLK", ""), s.way("KCG", ""))
		}, 4 + 2.5 - 0.5, 0},
		"a node is missing": {func(s *sketch) {
			s.node['Z'] = 99
			s.way("ABZDA", "natural=water")
		}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := draw(t, lake)
			c.add(s)
			got := s.scene()
			if name == "two rings that touch in a node" {
				c.want = 4 + math.Abs(ringCells(got, s, "GLKC"))
			}
			if cells := got.cells(waterPolygons); math.Abs(cells-c.want) > 0.1 || got.broken != c.broken {
				t.Errorf("%.2f squares are covered, want %.2f; %d are broken, want %d", cells, c.want, got.broken, c.broken)
			}
		})
	}
}

// ringCells is the area of a ring of letters in squares.
func ringCells(got *scene, s *sketch, letters string) float64 {
	at := map[rune][2]float64{}
	for row, text := range strings.Split(strings.Trim(lake, "\n"), "\n") {
		for column, letter := range text {
			at[letter] = [2]float64{float64(column), float64(row)}
		}
	}
	sum, all := 0.0, []rune(letters)
	for i := range all {
		a, b := at[all[i]], at[all[(i+1)%len(all)]]
		sum += a[0]*b[1] - b[0]*a[1]
	}
	return sum / 2
}

// coastMap has a street and a coast from west to east, north of which is land.
const coastMap = `
a...............b
.....S.....T.....
W...............E
.....IJ.......P..
.....LK..........
c...............d`

func TestTheSea(t *testing.T) {
	for name, c := range map[string]struct {
		coast func(s *sketch)
		want  float64 // squares of sea; the map is 14 × 5
		note  string
	}{
		"no coast":         {func(*sketch) {}, 0, ""},
		"sea in the south": {func(s *sketch) { s.way("WE", "natural=coastline") }, 42, ""},
		"sea with an islet": {func(s *sketch) {
			s.way("WE", "natural=coastline")
			s.way("ILKJI", "natural=coastline")
		}, 41, ""},
		"the map lies on an island": {func(s *sketch) { s.way("acdba", "natural=coastline") }, 0, ""},
		"the wrong way round":       {func(s *sketch) { s.way("EW", "natural=coastline") }, 0, "streets under water"},
		"an end far inside":         {func(s *sketch) { s.way("WI", "natural=coastline") }, 0, "ends inside the map"},
		"the coast in two pieces": {func(s *sketch) {
			s.way("WI", "natural=coastline")
			s.way("IE", "natural=coastline")
		}, 34.15, ""},
		"an end near the edge": {func(s *sketch) { s.way("WP", "natural=coastline") }, 34.04, ""},
		"a street between an end and the edge": {func(s *sketch) {
			s.way("WP", "natural=coastline")
			s.at('U', 14.5, -2.4)
			s.at('V', 14.5, -3.6)
			s.way("VU", "highway=residential")
		}, 0, "ends inside the map"},
	} {
		t.Run(name, func(t *testing.T) {
			s := draw(t, coastMap)
			s.box = [4]float64{7.4 + step, 43.7 - 5*step, 7.4 + 15*step, 43.7}
			s.way("ST", "highway=residential")
			c.coast(s)
			got := s.scene()
			if sea := got.cells(ocean); math.Abs(sea-c.want) > 0.2 ||
				(c.note == "") != (got.coastNote == "") || !strings.Contains(got.coastNote, c.note) {
				t.Errorf("%.1f squares of sea, want %.1f: %q", sea, c.want, got.coastNote)
			}
			lines := 0
			for _, f := range got.features {
				if f.look == &coastLook {
					lines++
				}
			}
			if (lines > 0) != (c.note != "") {
				t.Errorf("%d lines of coast, with the note %q", lines, got.coastNote)
			}
		})
	}
}

// TestAreasMeetAtTileBorders draws a wood with a lake in it across four and more tiles of each zoom. What the tiles
// show of it, cut at their borders, covers as much as the whole, and neighbours agree along the border.
func TestAreasMeetAtTileBorders(t *testing.T) {
	s := draw(t, "")
	// A ring with many corners about the corner of four tiles of zoom 14.
	lon, lat := degrees(8529*worldSize/(1<<14), 5974*worldSize/(1<<14))
	ring := func(first int64, n int, radius float64) string {
		letters := ""
		for i := range n {
			letter := rune(first + int64(i))
			a := 2 * math.Pi * float64(i) / float64(n)
			r := radius * (1 + 0.2*math.Sin(7*a))
			s.node[letter] = int64(letter)
			s.objects = append(s.objects, extracttest.Object{Kind: 'n', ID: int64(letter),
				At: geo.Point{Lon: lon + r*math.Cos(a), Lat: lat + r*math.Sin(a)*0.7}})
			letters += string(letter)
		}
		return letters + string(rune(first))
	}
	s.area("landuse=forest", s.way(ring(5000, 400, 0.05), ""), s.way(ring(6000, 90, 0.01), ""))
	got := s.scene()
	for zoom := 7; zoom <= maxZoom; zoom++ {
		all := got.drawAt(zoom)
		if len(all) != 1 {
			t.Fatalf("zoom %d: %d features", zoom, len(all))
		}
		whole := 0.0
		for i, l := range all[0].lines {
			a := math.Abs(shoelace(l))
			if all[0].hole[i] {
				a = -a
			}
			whole += a
		}
		sum, tiles := 0.0, 0
		ok(t, got.each1(zoom, func(tl tile) {
			tiles++
			for _, p := range polygonsOf(t, tl, "land") {
				sum += insideTile(t, p)
			}
		}))
		if math.Abs(sum-whole) > whole*0.002+float64(tiles)*40 {
			t.Errorf("zoom %d: %d tiles show %.0f square units of %.0f", zoom, tiles, sum, whole)
		}
		if zoom == maxZoom && tiles < 16 {
			t.Errorf("only %d tiles", tiles)
		}
	}
}

// each1 makes the tiles of one zoom.
func (s *scene) each1(zoom int, visit func(tile)) error {
	g := s.grid(zoom)
	all := s.drawAt(zoom)
	for i, members := range g.columns(all) {
		tiles, err := g.column(g.fromX+i, all, members)
		if err != nil {
			return err
		}
		for _, t := range tiles {
			visit(t)
		}
	}
	return nil
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func layersOf(t testing.TB, tl tile) mvt.Layers {
	t.Helper()
	raw, err := Unpack(tl.data)
	ok(t, err)
	layers, err := mvt.Unmarshal(raw)
	ok(t, err)
	return layers
}

func polygonsOf(t testing.TB, tl tile, layer string) (out []orb.Polygon) {
	t.Helper()
	for _, l := range layersOf(t, tl) {
		if l.Name != layer {
			continue
		}
		if l.Version != 2 || l.Extent != extent {
			t.Errorf("layer %s has version %d and extent %d", layer, l.Version, l.Extent)
		}
		for _, f := range l.Features {
			switch g := f.Geometry.(type) {
			case orb.Polygon:
				out = append(out, g)
			case orb.MultiPolygon:
				out = append(out, g...)
			}
		}
	}
	return out
}

// insideTile is the area that a polygon covers of the tile without its buffer. Outer rings must run clockwise on a map
// and holes the other way, and nothing may be further out than the buffer.
func insideTile(t testing.TB, p orb.Polygon) float64 {
	t.Helper()
	sum := 0.0
	for i, r := range p {
		if a := shoelace(orb.LineString(r)); (a > 0) != (i == 0) {
			t.Errorf("ring %d has the area %.0f", i, a)
		}
		for _, v := range r {
			if v[0] < -buffer || v[0] > extent+buffer || v[1] < -buffer || v[1] > extent+buffer {
				t.Fatalf("%v is out of the tile's buffer", v)
			}
		}
		d := drawn{look: &look{shape: area}, lines: []orb.LineString{orb.LineString(r.Clone())}, hole: []bool{false}}
		rings, _ := cutRings(&d, orb.Bound{Max: orb.Point{extent, extent}})
		for _, c := range rings {
			sum += shoelace(c)
		}
	}
	return sum
}

func TestALabelIsInOneTile(t *testing.T) {
	s := draw(t, "")
	for i, d := range []float64{-2, -0.51, -0.49, -0.1, 0, 0.1, 0.49, 0.51, 2} { // units from the corner of four tiles
		lon, lat := degrees(8529*worldSize/(1<<14)+d*16, 5974*worldSize/(1<<14)+d*16)
		s.objects = append(s.objects, extracttest.Object{Kind: 'n', ID: int64(i + 1), At: geo.Point{Lon: lon, Lat: lat},
			Tags: "addr:housenumber=" + string(rune('1'+i))})
	}
	s.at('A', 0, 0)
	s.at('B', 20, 20)
	s.way("AB", "highway=residential")
	seen := map[any]int{}
	ok(t, s.scene().each1(maxZoom, func(tl tile) {
		for _, l := range layersOf(t, tl) {
			for _, f := range l.Features {
				if l.Name == "addresses" {
					seen[f.Properties["housenumber"]]++
				}
			}
		}
	}))
	if len(seen) == 0 {
		t.Fatal("no number is shown")
	}
	for number, n := range seen {
		if n != 1 {
			t.Errorf("number %v is in %d tiles", number, n)
		}
	}
	if len(seen) != 9 {
		t.Errorf("%d numbers of 9 are shown: %v", len(seen), seen)
	}
}

func TestNamesOfAllLanguagesAreKept(t *testing.T) {
	s := draw(t, "A")
	s.at('B', 0.4, 0)
	s.at('C', 0.8, 0)
	s.box = [4]float64{7.39, 43.69, 7.45, 43.71}
	s.way("AB", "highway=residential name=Rue_Une name:pt=Rua_Um name:fr=Rue_Une name:etymology=x")
	s.way("BC", "highway=residential name=Rue_Une name:pt=Rua_Um name:fr=Rue_Une bridge=yes")
	var labels []map[string]any
	ok(t, s.scene().each1(maxZoom, func(tl tile) {
		for _, l := range layersOf(t, tl) {
			for _, f := range l.Features {
				if l.Name == "street_labels" {
					labels = append(labels, f.Properties)
					if line, is := f.Geometry.(orb.LineString); !is || line[0] == line[len(line)-1] {
						t.Errorf("the two ways are not one line: %v", f.Geometry)
					}
				}
			}
		}
	}))
	if len(labels) != 1 || labels[0]["name"] != "Rue Une" || labels[0]["name_pt"] != "Rua Um" || len(labels[0]) != 3 {
		t.Errorf("labels: %v", labels)
	}
}

// town is a small extract with a street, a building and a number.
func town(t testing.TB) []byte {
	s := draw(t, "A.B.C\n.....\nD.E.F")
	s.box = [4]float64{7.39, 43.68, 7.43, 43.71}
	s.way("ABC", "highway=residential name=Rua_Nova")
	s.way("ABEDA", "building=yes addr:housenumber=7")
	return s.file()
}

func TestTheSameExtractGivesTheSameBytes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "town.osm.pbf")
	ok(t, os.WriteFile(path, town(t), 0o600))
	var files [2][]byte
	var sums [2]Summary
	for i := range files {
		out := filepath.Join(dir, string(rune('a'+i)))
		var err error
		sums[i], err = Prepare(context.Background(), path, out, nil)
		ok(t, err)
		files[i], err = os.ReadFile(out)
		ok(t, err)
	}
	if !bytes.Equal(files[0], files[1]) || sums[0].Hash != sums[1].Hash || len(sums[0].Hash) != 32 {
		t.Error("two preparations differ")
	}
	if sums[0].Tiles < 3 || sums[0].Name != "town" || len(sums[0].Notes) != 0 {
		t.Errorf("%+v", sums[0])
	}
}
