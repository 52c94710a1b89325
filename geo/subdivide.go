package geo

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/paulmach/orb"
)

// Segment is one straight piece of a border on the E7 grid.
type Segment struct{ A, B E7 }

// Segments returns the pieces of the shape's border, its holes' too. The shape is on their left.
func (s Shape) Segments() []Segment {
	out := make([]Segment, len(s.edges))
	for i, e := range s.edges {
		out[i] = Segment{e.a, e.b}
	}
	return out
}

// Subdivide cuts the map along lines and puts the pieces together by label:
// label is asked once for each piece, with a point inside it, and the shape
// under a label is the union of its pieces. Pieces with a negative label are dropped.
// Pieces that hang together under one label with less than a square metre go to the
// neighbour with which they share most border; alone they would be no polygon.
//
// The shapes are a partition: neighbours have exactly the same corners along their common
// border. Shapes made one by one and rounded to the grid would leave slivers or overlap.
// Every meeting of two lines therefore becomes a corner on the grid, which may bend a
// line by up to a centimetre. Subdivide uses the same exact arithmetic as the checks of
// shapes; a library that overlays two polygons at a time in floats could not give this
// guarantee.
//
// Lines that end nowhere divide nothing. An *refusal.Error says that the lines cannot
// be put on the grid, which takes thousands of them within a few centimetres.
func Subdivide(lines []Segment, label func(Point) int) (map[int]Shape, error) {
	edges, err := node(lines)
	if err != nil {
		return nil, err
	}
	s := newSubdivision(edges)
	s.label(label)
	s.giveAway()
	given := map[E7]bool{}
	for _, l := range lines {
		given[l.A], given[l.B] = true, true
	}
	s.findKept()
	if shapes, err := s.shapes(given); err == nil {
		return shapes, nil
	}
	// A dropped corner was needed after all: keep every corner.
	return s.shapes(nil)
}

// mostRounds bounds the noding: two or three rounds are usual, a dozen has not been seen.
const mostRounds = 50

// node cuts lines where they meet until they meet at their ends only.
func node(lines []Segment) ([]edge, error) {
	edges := make([]edge, 0, len(lines))
	for _, l := range lines {
		edges = append(edges, edge{l.A, l.B})
	}
	edges = tidy(edges)
	for range mostRounds {
		boxes := make([]Box, len(edges))
		for i, e := range edges {
			boxes[i] = e.rect()
		}
		cuts := map[int][]E7{}
		cut := func(i int, at E7) {
			if at != edges[i].a && at != edges[i].b {
				cuts[i] = append(cuts[i], at)
			}
		}
		NewBoxTree(boxes).Pairs(func(i, j int) bool {
			e, f := edges[i], edges[j]
			switch how, at := e.meet(f); how {
			case crossing:
				cut(i, at.E7())
				cut(j, at.E7())
			case touching, sharing:
				for _, p := range []E7{f.a, f.b} {
					if e.holds(p) {
						cut(i, p)
					}
				}
				for _, p := range []E7{e.a, e.b} {
					if f.holds(p) {
						cut(j, p)
					}
				}
			}
			return true
		})
		if len(cuts) == 0 {
			return edges, nil
		}
		next := make([]edge, 0, len(edges)+2*len(cuts))
		for i, e := range edges {
			next = append(next, e.cutAt(cuts[i])...)
		}
		edges = tidy(next)
	}
	return nil, fault(CodeCrossing, "", "the borders run so close to each other that they cannot be told apart on a "+
		"grid of a centimetre: simplify them")
}

// cutAt returns the pieces of e between points on it.
func (e edge) cutAt(points []E7) []edge {
	if len(points) == 0 {
		return []edge{e}
	}
	along := func(p E7) float64 {
		return (float64(p.Lon)-float64(e.a.Lon))*(float64(e.b.Lon)-float64(e.a.Lon)) +
			(float64(p.Lat)-float64(e.a.Lat))*(float64(e.b.Lat)-float64(e.a.Lat))
	}
	slices.SortFunc(points, func(p, q E7) int { return cmp.Compare(along(p), along(q)) })
	out := make([]edge, 0, len(points)+1)
	from := e.a
	for _, p := range append(points, e.b) {
		out = append(out, edge{from, p})
		from = p
	}
	return out
}

// tidy turns edges the same way round, drops those without length and repeats,
// and puts neighbours close to each other.
func tidy(edges []edge) []edge {
	compare := func(a, b E7) int { return cmp.Or(cmp.Compare(a.Lon, b.Lon), cmp.Compare(a.Lat, b.Lat)) }
	out := edges[:0]
	for _, e := range edges {
		if compare(e.a, e.b) > 0 {
			e.a, e.b = e.b, e.a
		}
		if e.a != e.b {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(e, f edge) int {
		return cmp.Or(cmp.Compare(e.rect().zOrder(), f.rect().zOrder()), compare(e.a, f.a), compare(e.b, f.b))
	})
	return slices.Compact(out)
}

// subdivision is a plane cut by edges that meet at their ends only. Each edge
// has two halves, 2i from a to b and 2i+1 back; a half has its face on its left.
type subdivision struct {
	edges  []edge
	tree   BoxTree
	around map[E7][]int // the halves that leave a corner, counterclockwise
	place  []int        // of each half in its corner's list
	loop   []int        // of each half: which border of a face it is part of
	loops  []int        // of each loop: its longest half
	labels []int        // of each loop
	kept   []bool       // of each half: it has another label on its right
}

func newSubdivision(edges []edge) *subdivision {
	s := &subdivision{edges: edges, around: map[E7][]int{}, place: make([]int, 2*len(edges)),
		loop: make([]int, 2*len(edges)), kept: make([]bool, 2*len(edges))}
	boxes := make([]Box, len(edges))
	for i, e := range edges {
		boxes[i] = e.rect()
		s.around[e.a] = append(s.around[e.a], 2*i)
		s.around[e.b] = append(s.around[e.b], 2*i+1)
	}
	s.tree = NewBoxTree(boxes)
	for at, halves := range s.around {
		slices.SortFunc(halves, func(g, h int) int { return compareTurn(at, s.to(g), s.to(h)) })
		for i, h := range halves {
			s.place[h] = i
		}
	}
	for h := range s.loop {
		s.loop[h] = -1
	}
	for first := range s.loop {
		if s.loop[first] >= 0 {
			continue
		}
		longest := first
		for h := first; s.loop[h] < 0; h = s.next(h) {
			s.loop[h] = len(s.loops)
			if s.length(h) > s.length(longest) {
				longest = h
			}
		}
		s.loops = append(s.loops, longest)
	}
	return s
}

// compareTurn orders p and q by their direction from at, counterclockwise from due east.
func compareTurn(at, p, q E7) int {
	half := func(p E7) int {
		if p.Lat > at.Lat || p.Lat == at.Lat && p.Lon > at.Lon {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(half(p), half(q)), -side(at, p, q))
}

func (s *subdivision) from(h int) E7 { return s.to(h ^ 1) }

func (s *subdivision) to(h int) E7 {
	if h&1 == 0 {
		return s.edges[h/2].b
	}
	return s.edges[h/2].a
}

// clockwise is the half that leaves h's corner next to h, clockwise.
func (s *subdivision) clockwise(h int) int {
	halves := s.around[s.from(h)]
	return halves[(s.place[h]+len(halves)-1)%len(halves)]
}

// next is the half that follows h round the face on its left.
func (s *subdivision) next(h int) int { return s.clockwise(h ^ 1) }

func (s *subdivision) length(h int) float64 {
	a, b := s.from(h), s.to(h)
	return math.Hypot(float64(b.Lon)-float64(a.Lon), float64(b.Lat)-float64(a.Lat))
}

func (s *subdivision) label(label func(Point) int) {
	s.labels = make([]int, len(s.loops))
	for i, h := range s.loops {
		s.labels[i] = label(s.inside(h))
	}
}

// giveAway relabels the pieces that are too small for a polygon, so that their ground is
// not lost between their neighbours.
func (s *subdivision) giveAway() {
	area := make([]float64, len(s.loops)) // square metres; negative for the border of a hole
	halves := make([][]int, len(s.loops))
	for h, l := range s.loop {
		halves[l] = append(halves[l], h)
	}
	for l, first := range s.loops {
		ring := []E7{s.from(first)}
		for h := first; ; {
			ring = append(ring, s.to(h))
			if h = s.next(h); h == first {
				break
			}
		}
		area[l] = ringArea(ring)
	}
	seen := make([]bool, len(s.loops))
	for first := range s.loops {
		if seen[first] || s.labels[first] < 0 {
			continue
		}
		group, total, hole := []int{first}, 0.0, false
		seen[first] = true
		beside := map[int]float64{} // how much border is shared with each other label
		for i := 0; i < len(group); i++ {
			l := group[i]
			total += area[l]
			hole = hole || area[l] < 0
			for _, h := range halves[l] {
				other := s.loop[h^1]
				switch {
				case s.labels[other] != s.labels[first]:
					beside[s.labels[other]] += s.length(h)
				case !seen[other]:
					seen[other] = true
					group = append(group, other)
				}
			}
		}
		if hole || total >= leastArea {
			continue
		}
		to := -1
		for _, l := range slices.Sorted(maps.Keys(beside)) {
			if l >= 0 && (to < 0 || beside[l] > beside[to]) {
				to = l
			}
		}
		if to < 0 {
			continue
		}
		for _, l := range group {
			s.labels[l] = to
		}
	}
}

// inside returns a point to the left of h, half-way from its middle to the next
// edge. It is far from every border unless the face is thinner than the grid, and then
// its label does not matter.
func (s *subdivision) inside(h int) Point {
	a, b := s.from(h), s.to(h)
	ax, ay, dx, dy := float64(a.Lon), float64(a.Lat), float64(b.Lon)-float64(a.Lon), float64(b.Lat)-float64(a.Lat)
	mx, my, nx, ny := ax+dx/2, ay+dy/2, -dy, dx // the normal is as long as the edge
	clear := 1.0
	corner := func(x, y float64) (lon, lat int32) {
		const most = math.MaxInt32
		return int32(max(-most, min(most, x))), int32(max(-most, min(most, y)))
	}
	x1, y1 := corner(math.Floor(min(mx, mx+nx)), math.Floor(min(my, my+ny)))
	x2, y2 := corner(math.Ceil(max(mx, mx+nx)), math.Ceil(max(my, my+ny)))
	s.tree.Search(Box{x1, y1, x2, y2}, func(i int) bool {
		if i == h/2 {
			return true
		}
		e := s.edges[i]
		px, py := float64(e.a.Lon)-mx, float64(e.a.Lat)-my
		qx, qy := float64(e.b.Lon)-float64(e.a.Lon), float64(e.b.Lat)-float64(e.a.Lat)
		det := nx*qy - ny*qx
		if det == 0 {
			return true
		}
		along, across := (px*qy-py*qx)/det, (px*ny-py*nx)/det
		if along > 0 && along < clear && across >= 0 && across <= 1 {
			clear = along
		}
		return true
	})
	return Point{Lon: (mx + nx*clear/2) / unitsPerDegree, Lat: (my + ny*clear/2) / unitsPerDegree}
}

// findKept marks the halves that are a border: another label or a dropped piece lies on their right.
func (s *subdivision) findKept() {
	for h := range s.kept {
		l := s.labels[s.loop[h]]
		s.kept[h] = l >= 0 && l != s.labels[s.loop[h^1]]
	}
}

// shapes puts the borders of each label together. Corners that are not given
// and join only two borders in a straight line are dropped; nil keeps all.
func (s *subdivision) shapes(given map[E7]bool) (map[int]Shape, error) {
	done := make([]bool, len(s.kept))
	rings := map[int][][]E7{}
	for first := range s.kept {
		if !s.kept[first] || done[first] {
			continue
		}
		l := s.labels[s.loop[first]]
		var path []E7
		place := map[E7]int{}
		for h := first; !done[h]; {
			done[h] = true
			at := s.from(h)
			if i, again := place[at]; again {
				// Back at a corner of this very border: what lies between is a ring of its own.
				rings[l] = append(rings[l], slices.Clone(path[i:]))
				for _, c := range path[i:] {
					delete(place, c)
				}
				path = path[:i]
			}
			place[at] = len(path)
			path = append(path, at)
			// Keep to this label's ground: turn from the way back until a border leaves.
			for h = s.clockwise(h ^ 1); !s.kept[h] || s.labels[s.loop[h]] != l; h = s.clockwise(h) {
			}
		}
		rings[l] = append(rings[l], path)
	}
	shapes := map[int]Shape{}
	for l, rs := range rings {
		if given != nil {
			for i, ring := range rs {
				rs[i] = s.straightened(ring, given)
			}
		}
		polygons := nest(rs)
		if len(polygons) == 0 {
			continue // thinner than the grid
		}
		shape, err := NewShape(polygons)
		if err != nil {
			return nil, err
		}
		shapes[l] = shape
	}
	return shapes, nil
}

// straightened leaves out the corners of a ring at which a line was cut that
// divides nothing there. Both sides of a border leave out the same.
func (s *subdivision) straightened(ring []E7, given map[E7]bool) []E7 {
	var out []E7
	for i, c := range ring {
		borders := 0
		for _, h := range s.around[c] {
			if s.kept[h] || s.kept[h^1] {
				borders++
			}
		}
		before, after := ring[(i+len(ring)-1)%len(ring)], ring[(i+1)%len(ring)]
		if given[c] || borders != 2 || !between(before, c, after) {
			out = append(out, c)
		}
	}
	return out
}

// between says whether c lies on the way from a to b, but for the rounding to the grid.
func between(a, c, b E7) bool {
	dx, dy := float64(b.Lon)-float64(a.Lon), float64(b.Lat)-float64(a.Lat)
	cx, cy := float64(c.Lon)-float64(a.Lon), float64(c.Lat)-float64(a.Lat)
	along := cx*dx + cy*dy
	return along > 0 && along < dx*dx+dy*dy && math.Abs(cx*dy-cy*dx) <= math.Hypot(dx, dy)
}

// nest makes polygons of rings that do not cross: those that run
// counterclockwise are shells, each other one a hole in the smallest shell about it.
func nest(rings [][]E7) orb.MultiPolygon {
	type shell struct {
		edges []edge
		area  float64
		holes []orb.Ring
		ring  orb.Ring
	}
	var shells []*shell
	type hole struct {
		corners []E7
		area    float64
	}
	var holes []hole
	closed := func(ring []E7) (orb.Ring, []edge) {
		out := make(orb.Ring, 0, len(ring)+1)
		edges := make([]edge, 0, len(ring))
		for i, c := range ring {
			out = append(out, c.Point().Orb())
			edges = append(edges, edge{c, ring[(i+1)%len(ring)]})
		}
		return append(out, out[0]), edges
	}
	for _, ring := range rings {
		if len(ring) < 3 {
			continue
		}
		area := ringArea(append(slices.Clone(ring), ring[0]))
		switch {
		case area >= leastArea:
			r, edges := closed(ring)
			shells = append(shells, &shell{edges: edges, area: area, ring: r})
		case area <= -leastArea:
			holes = append(holes, hole{ring, -area})
		}
	}
	slices.SortStableFunc(shells, func(a, b *shell) int { return cmp.Compare(a.area, b.area) })
	for _, h := range holes {
		for _, sh := range shells {
			boxes := make([]Box, len(sh.edges))
			for i, e := range sh.edges {
				boxes[i] = e.rect()
			}
			about := Shape{polygons: orb.MultiPolygon{{sh.ring}}, edges: sh.edges, tree: NewBoxTree(boxes)}
			if sh.area > h.area && !slices.ContainsFunc(h.corners, func(c E7) bool { return !about.contains(c) }) {
				r, _ := closed(h.corners)
				sh.holes = append(sh.holes, r)
				break
			}
		}
	}
	var out orb.MultiPolygon
	for i := len(shells) - 1; i >= 0; i-- { // the largest first
		out = append(out, append(orb.Polygon{shells[i].ring}, shells[i].holes...))
	}
	return out
}
