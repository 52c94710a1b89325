package basemap

import (
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip/smartclip"
	"github.com/paulmach/orb/planar"
)

// looseReach is how far a coast that ends inside the map may be drawn on to its edge, in metres.
const looseReach = 500

var (
	seaLook = look{layer: ocean, shape: area, from: minZoom, props: map[string]any{}}
	// coastLook draws the coast as a line where the sea cannot be filled. Shortbread has no layer for it; the style draws
	// a water line of this kind.
	coastLook = look{layer: waterLines, shape: line, from: minZoom, props: map[string]any{"kind": "coastline",
		"bridge": false, "tunnel": false}}
)

// drawSea fills the sea. Coastlines have the water on their right. If one ends inside the map, the sea cannot be told
// from the land, and filling it by guess could flood the town: then the coast is drawn as a line.
func (r *reader) drawSea() {
	var open, rings []path
	ways := make([]path, 0, len(r.coasts))
	for _, i := range r.coasts {
		ways = append(ways, r.pieces(r.ways[i].nodes)...)
	}
	for _, c := range joined(ways, true) {
		switch {
		case !boundsOf(c, r.at).meets(r.scene.box):
		case c.closed():
			rings = append(rings, c)
		default:
			open = append(open, c)
		}
	}
	if len(open)+len(rings) == 0 {
		return
	}
	sea, note := r.sea(open, rings)
	r.scene.coastNote = note
	if note != "" {
		for _, c := range slices.Concat(open, rings) {
			r.scene.features = append(r.scene.features, feature{look: &coastLook, paths: []path{c}})
		}
		return
	}
	for _, polygon := range sea {
		f := feature{look: &seaLook}
		for i, ring := range polygon {
			f.paths, f.hole = append(f.paths, r.addRing(ring)), append(f.hole, i > 0)
		}
		r.scene.features = append(r.scene.features, f)
	}
}

// sea returns the polygons of the sea, or a note that says why there are none.
func (r *reader) sea(open, rings []path) (orb.MultiPolygon, string) {
	box := r.scene.box
	frame := orb.Bound{Min: upright(spot{box.minX, box.maxY}), Max: upright(spot{box.maxX, box.minY})}
	var shores orb.MultiPolygon // that cross the edge of the map
	var islands []orb.Ring
	for _, c := range open {
		l, ok := r.reachEdge(c)
		if !ok {
			return nil, "a coastline ends inside the map"
		}
		shores = append(shores, orb.Polygon{orb.Ring(l)})
	}
	for _, c := range rings {
		ring := orb.Ring(r.upright(c))
		if box.holds(boundsOf(c, r.at)) {
			islands = append(islands, ring)
		} else {
			shores = append(shores, orb.Polygon{ring})
		}
	}
	var sea orb.MultiPolygon
	if len(shores) > 0 {
		sea = smartclip.MultiPolygon(frame, shores, orb.CW)
	}
	if len(sea) == 0 && len(islands) == 0 {
		return nil, "" // the coast passes by
	}
	if len(sea) == 0 {
		if slices.ContainsFunc(islands, func(i orb.Ring) bool { return i.Orientation() == orb.CW }) {
			return nil, "a coastline has the sea inside"
		}
		sea = orb.MultiPolygon{frame.ToPolygon()}
	}
	for _, island := range islands {
		at := slices.IndexFunc(sea, func(p orb.Polygon) bool { return planar.RingContains(p[0], island[0]) })
		if at < 0 {
			continue // on land, such as a lake that is drawn as a coast
		}
		sea[at] = append(sea[at], island)
	}
	if r.floods(sea) {
		return nil, "the coastlines would put streets under water"
	}
	return sea, ""
}

// mostInSea is the share of streets' nodes that may lie in the sea: piers, causeways and the like.
const mostInSea = 0.2

// floods tells whether the sea covers the streets, as it does if a coastline runs the wrong way.
func (r *reader) floods(sea orb.MultiPolygon) bool {
	all, wet := 0, 0
	for _, w := range r.ways {
		if !slices.ContainsFunc(w.looks, func(l *look) bool {
			return l.layer == streets && l.props["bridge"] == false && l.props["tunnel"] == false
		}) {
			continue
		}
		n := w.nodes[len(w.nodes)/2]
		if !r.known[n] || !r.scene.box.has(r.at[n]) {
			continue
		}
		all++
		if planar.MultiPolygonContains(sea, upright(r.at[n])) {
			wet++
		}
	}
	return float64(wet) > mostInSea*float64(all)
}

// reachEdge gives an open coastline with its ends outside the map. An end that is inside is drawn on to the next edge
// if that is near and no street lies between: past the border, extracts often hold no more of the coast.
func (r *reader) reachEdge(c path) (orb.LineString, bool) {
	l := r.upright(c)
	for _, end := range []int32{c[0], c[len(c)-1]} {
		s, box := r.at[end], r.scene.box
		if s.x <= box.minX || s.x >= box.maxX || s.y <= box.minY || s.y >= box.maxY {
			continue
		}
		to, far := spot{box.minX - 1, s.y}, s.x-box.minX
		for _, other := range []struct {
			to  spot
			far int32
		}{{spot{box.maxX + 1, s.y}, box.maxX - s.x}, {spot{s.x, box.minY - 1}, s.y - box.minY},
			{spot{s.x, box.maxY + 1}, box.maxY - s.y}} {
			if other.far < far {
				to, far = other.to, other.far
			}
		}
		if float64(far)*metresPerUnit(s) > looseReach || r.streetBetween(s, to) {
			return nil, false
		}
		if end == c[0] {
			l = append(orb.LineString{upright(to)}, l...)
		} else {
			l = append(l, upright(to))
		}
	}
	return l, true
}

// streetBetween tells whether a street crosses the straight line between two positions.
func (r *reader) streetBetween(a, b spot) bool {
	box := nowhere.with(a).with(b)
	for _, w := range r.ways {
		if !slices.ContainsFunc(w.looks, func(l *look) bool { return l.layer == streets }) {
			continue
		}
		for _, p := range r.pieces(w.nodes) {
			for i := 1; i < len(p); i++ {
				c, d := r.at[p[i-1]], r.at[p[i]]
				if box.meets(nowhere.with(c).with(d)) && turn(a, b, c)*turn(a, b, d) <= 0 && turn(c, d, a)*turn(c, d, b) <= 0 {
					return true
				}
			}
		}
	}
	return false
}

// turn is the sign of the turn from a over b to c.
func turn(a, b, c spot) int {
	cross := (int64(b.x)-int64(a.x))*(int64(c.y)-int64(a.y)) - (int64(b.y)-int64(a.y))*(int64(c.x)-int64(a.x))
	switch {
	case cross > 0:
		return 1
	case cross < 0:
		return -1
	}
	return 0
}

// metresPerUnit is the length of a world unit at a position.
func metresPerUnit(s spot) float64 {
	_, lat := degrees(float64(s.x), float64(s.y))
	return 2 * math.Pi * 6378137 / worldSize * math.Cos(lat*math.Pi/180)
}

// upright gives a position with y to the north, as orb's clipping of coasts expects it.
func upright(s spot) orb.Point { return orb.Point{float64(s.x), -float64(s.y)} }

func (r *reader) upright(p path) orb.LineString {
	out := make(orb.LineString, len(p))
	for i, n := range p {
		out[i] = upright(r.at[n])
	}
	return out
}

// addRing adds the positions of a ring that is none of a way.
func (r *reader) addRing(ring orb.Ring) path {
	p := make(path, len(ring))
	for i, v := range ring {
		p[i] = int32(len(r.scene.at))
		r.scene.at = append(r.scene.at, spot{int32(math.Round(v[0])), int32(math.Round(-v[1]))})
	}
	if len(p) > 0 && ring[0] == ring[len(ring)-1] {
		p[len(p)-1] = p[0]
	}
	return p
}

// notes says what a person should know about a scene.
func (s *scene) notes() (out []string) {
	if s.coastNote != "" {
		out = append(out, s.coastNote+": the coast is drawn as a line and the sea is not filled")
	}
	if s.buildings == 0 {
		out = append(out, "the extract holds no buildings: it may have been cut down to its roads")
	}
	if s.broken > 0 {
		out = append(out, fmt.Sprintf("%d areas lack a part: the extract cuts them, or they are mapped wrong", s.broken))
	}
	return out
}
