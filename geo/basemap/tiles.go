package basemap

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"math"
	"slices"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/simplify"
)

// The zooms of a map. Renderers enlarge the tiles of maxZoom for closer views.
const (
	minZoom = 5
	maxZoom = 14
)

const (
	// extent is the side of a tile in its own units.
	extent = 4096
	// buffer is how far geometry reaches beyond a tile, so that lines have their whole width at its border.
	buffer = 64
	// sheddingSize is the most bytes a tile may have: beyond it, layers of detail are left out.
	sheddingSize = 500_000
)

// shed are the layers that are left out of a tile that is too large, in this order.
var shed = []int{addresses, buildings, land}

// drawn is a feature at a zoom: simplified, in units of tiles of that zoom from the north-west corner of the world.
type drawn struct {
	look  *look
	lines []orb.LineString // or rings, each outer one followed by its holes
	hole  []bool
	spot  orb.Point
	box   orb.Bound
}

// tile is one tile as it is stored.
type tile struct {
	z, x, y int
	data    []byte
	shed    bool
}

// unit is the side of a tile's unit at a zoom, in world units.
func unit(zoom int) float64 { return float64(int(worldSize) >> zoom / extent) }

// drawAt gives the features of a zoom. A whole feature is simplified before tiles are cut from it, so that what two
// tiles show meets at their border.
func (s *scene) drawAt(zoom int) []drawn {
	var out []drawn
	for i := range s.features {
		f := &s.features[i]
		if f.look.from > zoom {
			continue
		}
		if d, ok := s.draw(f, zoom); ok {
			out = append(out, d)
		}
	}
	return out
}

func (s *scene) draw(f *feature, zoom int) (drawn, bool) {
	u := unit(zoom)
	d := drawn{look: f.look}
	if f.look.shape == point {
		d.spot = orb.Point{float64(f.spot.x) / u, float64(f.spot.y) / u}
		d.box = d.spot.Bound()
		return d, s.box.has(f.spot)
	}
	tolerance, least := 4.0, 64.0
	if zoom == maxZoom {
		tolerance, least = 1.5, 8
	}
	if f.look.layer == buildings {
		tolerance = 0
	}
	skip := false // the holes of an outer ring that was dropped
	for i, p := range f.paths {
		l := make(orb.LineString, len(p))
		for k, n := range p {
			l[k] = orb.Point{float64(s.at[n].x) / u, float64(s.at[n].y) / u}
		}
		hole := f.hole != nil && f.hole[i]
		if hole && skip {
			continue
		}
		if tolerance > 0 {
			l = simplify.DouglasPeucker(tolerance).LineString(l)
		}
		keep := true
		if f.look.shape == area {
			keep = len(l) > 3 && math.Abs(shoelace(l)) >= least
		} else if b := l.Bound(); zoom < maxZoom {
			keep = b.Max[0]-b.Min[0] >= 1 || b.Max[1]-b.Min[1] >= 1
		}
		if !hole {
			skip = !keep
		}
		if !keep {
			continue
		}
		if len(d.lines) == 0 {
			d.box = l.Bound()
		} else {
			d.box = d.box.Union(l.Bound())
		}
		d.lines, d.hole = append(d.lines, l), append(d.hole, hole)
	}
	return d, len(d.lines) > 0
}

// shoelace is the area of a ring: positive if it runs clockwise as it is seen on a map, where y grows to the south.
func shoelace(l orb.LineString) float64 {
	if len(l) == 0 {
		return 0
	}
	sum := 0.0
	for i := 1; i < len(l); i++ {
		// About the first point, since the products of large coordinates would lose digits.
		ax, ay, bx, by := l[i-1][0]-l[0][0], l[i-1][1]-l[0][1], l[i][0]-l[0][0], l[i][1]-l[0][1]
		sum += ax*by - bx*ay
	}
	return sum / 2
}

// span gives the first and last tile that a feature reaches on an axis, within those that the map has.
func span(low, high float64, first, last int) (from, to int) {
	return max(int(math.Floor((low-buffer)/extent)), first), min(int(math.Floor((high+buffer)/extent)), last)
}

// grid is the tiles of a zoom that a box meets.
type grid struct {
	zoom                   int
	fromX, toX, fromY, toY int
	box                    orb.Bound // of the map, in units of the zoom
}

func (s *scene) grid(zoom int) grid {
	u := unit(zoom)
	g := grid{zoom: zoom, box: orb.Bound{Min: orb.Point{float64(s.box.minX) / u, float64(s.box.minY) / u},
		Max: orb.Point{float64(s.box.maxX) / u, float64(s.box.maxY) / u}}}
	last := 1<<zoom - 1
	g.fromX, g.fromY = min(int(g.box.Min[0]/extent), last), min(int(g.box.Min[1]/extent), last)
	g.toX, g.toY = min(int(g.box.Max[0]/extent), last), min(int(g.box.Max[1]/extent), last)
	return g
}

// columns lists the features of each column of tiles, by index.
func (g grid) columns(all []drawn) [][]int32 {
	out := make([][]int32, g.toX-g.fromX+1)
	for i := range all {
		from, to := span(all[i].box.Min[0], all[i].box.Max[0], g.fromX, g.toX)
		for x := from; x <= to; x++ {
			out[x-g.fromX] = append(out[x-g.fromX], int32(i))
		}
	}
	return out
}

// wide is from how many tiles on a feature is cut to a column before tiles are cut from it.
const wide = 4

// column makes the tiles of a column, from north to south.
func (g grid) column(x int, all []drawn, members []int32) (out []tile, err error) {
	rows := make([][]*drawn, g.toY-g.fromY+1)
	left := float64(x * extent)
	for _, i := range members {
		d := &all[i]
		if d.look.shape == area && d.box.Max[0]-d.box.Min[0] > wide*extent {
			cut := *d
			cut.lines, cut.hole = cutRings(d, orb.Bound{Min: orb.Point{left - buffer, d.box.Min[1]},
				Max: orb.Point{left + extent + buffer, d.box.Max[1]}})
			d = &cut
		}
		from, to := span(d.box.Min[1], d.box.Max[1], g.fromY, g.toY)
		for y := from; y <= to; y++ {
			rows[y-g.fromY] = append(rows[y-g.fromY], d)
		}
	}
	for i, row := range rows {
		t, err := g.tile(x, g.fromY+i, row)
		if err != nil {
			return nil, err
		}
		if t.data != nil {
			out = append(out, t)
		}
	}
	return out, nil
}

// tile makes a tile; its data are nil if it is empty.
func (g grid) tile(x, y int, features []*drawn) (tile, error) {
	t := tile{z: g.zoom, x: x, y: y}
	corner := orb.Point{float64(x * extent), float64(y * extent)}
	whole := orb.Bound{Min: corner, Max: orb.Point{corner[0] + extent, corner[1] + extent}}
	window := whole.Pad(buffer)
	window = orb.Bound{Min: orb.Point{max(window.Min[0], g.box.Min[0]), max(window.Min[1], g.box.Min[1])},
		Max: orb.Point{min(window.Max[0], g.box.Max[0]), min(window.Max[1], g.box.Max[1])}}
	of := map[*look]orb.Geometry{}
	var looks []*look
	for _, d := range features {
		got := cut(d, window, whole, of[d.look])
		if got == nil {
			continue
		}
		if of[d.look] == nil {
			looks = append(looks, d.look)
		}
		of[d.look] = got
	}
	if len(looks) == 0 {
		return t, nil
	}
	slices.SortFunc(looks, func(a, b *look) int { return cmp.Compare(a.key(), b.key()) })
	without := 0
	for {
		data, err := encode(looks, of, shed[:without])
		if err != nil {
			return t, err
		}
		if len(data) <= sheddingSize || without == len(shed) {
			t.data, t.shed = data, without > 0
			return t, nil
		}
		without++
	}
}

func encode(looks []*look, of map[*look]orb.Geometry, without []int) ([]byte, error) {
	var layers mvt.Layers
	for _, l := range looks {
		if slices.Contains(without, l.layer) {
			continue
		}
		if n := len(layers); n == 0 || layers[n-1].Name != layerNames[l.layer] {
			layers = append(layers, &mvt.Layer{Name: layerNames[l.layer], Version: 2, Extent: extent})
		}
		f := geojson.NewFeature(of[l])
		f.Properties = l.props
		layers[len(layers)-1].Features = append(layers[len(layers)-1].Features, f)
	}
	raw, err := mvt.Marshal(layers)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// cut adds what a window shows of a feature to the geometry of its look; nil if there is nothing so far. A point is in
// the one tile that owns it, or its label would stand twice.
func cut(d *drawn, window, whole orb.Bound, to orb.Geometry) orb.Geometry {
	switch d.look.shape {
	case point:
		if d.spot[0] < whole.Min[0] || d.spot[0] >= whole.Max[0] || d.spot[1] < whole.Min[1] || d.spot[1] >= whole.Max[1] {
			return to
		}
		p := place(d.spot, whole.Min)
		p = orb.Point{min(p[0], extent-1), min(p[1], extent-1)}
		points, _ := to.(orb.MultiPoint)
		return append(points, p)
	case line:
		lines, _ := to.(orb.MultiLineString)
		for _, l := range d.lines {
			for _, piece := range clip.LineString(window, l) {
				if piece = onGrid(piece, whole.Min); len(piece) > 1 {
					lines = append(lines, piece)
				}
			}
		}
		if len(lines) == 0 {
			return to
		}
		return lines
	}
	polygons, _ := to.(orb.MultiPolygon)
	rings, hole := cutRings(d, window)
	skip := true
	for i, r := range rings {
		ring := onGrid(r, whole.Min)
		size := shoelace(ring)
		keep := len(ring) > 3 && size != 0
		if !hole[i] {
			skip = !keep
		}
		if !keep || skip {
			continue
		}
		// The format tells holes by their direction, and where a polygon begins by a ring that is none.
		if (size > 0) == hole[i] {
			slices.Reverse(ring)
		}
		if hole[i] {
			polygons[len(polygons)-1] = append(polygons[len(polygons)-1], orb.Ring(ring))
		} else {
			polygons = append(polygons, orb.Polygon{orb.Ring(ring)})
		}
	}
	if len(polygons) == 0 {
		return to
	}
	return polygons
}

// cutRings cuts rings to a window, and leaves out the holes of an outer ring that is outside it.
func cutRings(d *drawn, window orb.Bound) (rings []orb.LineString, hole []bool) {
	skip := true
	for i, r := range d.lines {
		if d.hole[i] && skip {
			continue
		}
		b := r.Bound()
		got := orb.Ring(r)
		switch {
		case !b.Intersects(window):
			got = nil
		case !window.Contains(b.Min) || !window.Contains(b.Max):
			got = clip.Ring(window, got.Clone()) // clip uses what it is given as scratch
		}
		if !d.hole[i] {
			skip = len(got) == 0
		}
		if len(got) > 0 {
			rings, hole = append(rings, orb.LineString(got)), append(hole, d.hole[i])
		}
	}
	return rings, hole
}

// place gives a position in units of a tile, rounded: the encoder would cut off digits, and so move what lies west or
// north of the tile.
func place(p, corner orb.Point) orb.Point {
	return orb.Point{math.Round(p[0] - corner[0]), math.Round(p[1] - corner[1])}
}

// onGrid places a line in a tile, without points that repeat.
func onGrid(l orb.LineString, corner orb.Point) orb.LineString {
	out := make(orb.LineString, 0, len(l))
	for _, p := range l {
		if q := place(p, corner); len(out) == 0 || out[len(out)-1] != q {
			out = append(out, q)
		}
	}
	return out
}
