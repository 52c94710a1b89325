package geo

import (
	"math"
	"slices"

	"doorstep/auth/refusal"

	"github.com/paulmach/orb"
)

// shapePath names a place in the text a shape came from; -1 leaves an index out.
type shapePath func(polygon, ring, position int) string

// checkedRing is a closed ring on the grid, running the right way round.
type checkedRing struct {
	polygon, ring int
	corners       []E7
	origin        []int // where each corner stood in the text
	area          float64
}

// ringEdge is an edge and where it comes from: from corner i of a ring to the next.
type ringEdge struct {
	edge
	ring *checkedRing
	i    int
}

func newShape(polygons orb.MultiPolygon, path shapePath) (Shape, error) {
	if len(polygons) == 0 {
		return Shape{}, fault(CodeEmpty, path(-1, -1, -1),
			"a shape needs at least one polygon: draw one, or leave the shape out")
	}
	vertices := 0
	for _, polygon := range polygons {
		for _, ring := range polygon {
			vertices += len(ring)
		}
	}
	if vertices > MaxVertices {
		return Shape{}, fault(CodeTooLarge, path(-1, -1, -1),
			"%d positions are more than the %d allowed: simplify the border", vertices, MaxVertices)
	}
	var rings []*checkedRing
	for p, polygon := range polygons {
		if len(polygon) == 0 {
			return Shape{}, fault(CodeEmpty, path(p, -1, -1), "a polygon needs at least its outer ring")
		}
		for r, ring := range polygon {
			checked, err := checkRing(ring, p, r, path)
			if err != nil {
				return Shape{}, err
			}
			rings = append(rings, checked)
		}
	}
	edges, tree := edgesOf(rings)
	if err := checkCrossings(edges, tree, path); err != nil {
		return Shape{}, err
	}
	if err := checkNesting(rings, path); err != nil {
		return Shape{}, err
	}
	shape := Shape{polygons: make(orb.MultiPolygon, len(polygons)), tree: tree}
	for _, e := range edges {
		shape.edges = append(shape.edges, e.edge)
	}
	for _, ring := range rings {
		corners := make(orb.Ring, len(ring.corners))
		for i, corner := range ring.corners {
			corners[i] = corner.Point().Orb()
		}
		shape.polygons[ring.polygon] = append(shape.polygons[ring.polygon], corners)
	}
	return shape, nil
}

// checkRing checks one ring by itself, all but its crossings.
func checkRing(ring orb.Ring, p, r int, path shapePath) (*checkedRing, error) {
	if len(ring) < 4 {
		return nil, fault(CodeRingShort, path(p, r, -1),
			"a ring needs at least four positions, the last repeating the first, got %d", len(ring))
	}
	checked := &checkedRing{polygon: p, ring: r}
	for i, position := range ring {
		point := FromOrb(position)
		if err := point.validRange(path(p, r, i)); err != nil {
			return nil, err
		}
		if i > 0 && math.Abs(point.Lon-ring[i-1][0]) > 180 {
			return nil, faultAt(CodeAntimeridian, path(p, r, i), point,
				"the border crosses the 180th meridian: cut the shape there into two polygons, one on either side "+
					"(RFC 7946, section 3.1.9)")
		}
		corner := point.E7()
		if n := len(checked.corners); n > 0 && checked.corners[n-1] == corner {
			continue
		}
		checked.corners = append(checked.corners, corner)
		checked.origin = append(checked.origin, i)
	}
	first, last := FromOrb(ring[0]), FromOrb(ring[len(ring)-1])
	if first.E7() != last.E7() {
		return nil, faultAt(CodeRingOpen, path(p, r, len(ring)-1), last,
			"the ring is not closed: end it with its first position, [%s]", first)
	}
	if len(checked.corners) < 4 {
		return nil, fault(CodeRingShort, path(p, r, -1), "a ring needs at least three distinct positions, got %d",
			len(checked.corners)-1)
	}
	checked.area = ringArea(checked.corners)
	if math.Abs(checked.area) < leastArea && !crossesItself(checked) {
		return nil, faultAt(CodeZeroArea, path(p, r, -1), first,
			"the ring encloses less than a square metre: remove it, or give its corners more digits")
	}
	// RFC 7946 tells readers not to refuse the wrong winding.
	if (checked.area > 0) != (r == 0) {
		slices.Reverse(checked.corners)
		slices.Reverse(checked.origin)
		checked.area = -checked.area
	}
	return checked, nil
}

// crossesItself tells a figure of eight, whose two halves cancel, from a ring
// without area, so that the error says what is really wrong.
func crossesItself(ring *checkedRing) bool {
	edges, tree := edgesOf([]*checkedRing{ring})
	found := false
	tree.Pairs(func(i, j int) bool {
		how, _ := edges[i].meet(edges[j].edge)
		found = how == crossing
		return !found
	})
	return found
}

func edgesOf(rings []*checkedRing) ([]ringEdge, BoxTree) {
	var edges []ringEdge
	var boxes []Box
	for _, ring := range rings {
		for i := 1; i < len(ring.corners); i++ {
			e := ringEdge{edge: edge{ring.corners[i-1], ring.corners[i]}, ring: ring, i: i - 1}
			edges = append(edges, e)
			boxes = append(boxes, e.rect())
		}
	}
	return edges, NewBoxTree(boxes)
}

// checkCrossings finds the first two edges that meet where they must not.
func checkCrossings(edges []ringEdge, tree BoxTree, path shapePath) error {
	var found *refusal.Error
	tree.Pairs(func(i, j int) bool {
		e, f := edges[i], edges[j]
		how, at := e.meet(f.edge)
		if how == apart {
			return true
		}
		place := path(e.ring.polygon, e.ring.ring, e.origin())
		other := path(f.ring.polygon, f.ring.ring, f.origin())
		switch {
		case e.ring == f.ring && e.next(f):
			if how == sharing {
				found = faultAt(CodeCrossing, place, at, "the border runs back over itself at [%s], where it meets "+
					"the piece at %s: remove the spike", at, other)
			}
		case e.ring == f.ring:
			found = faultAt(CodeCrossing, place, at, "the border meets itself at [%s], where the piece from here and "+
				"the one from %s cross or touch: move or remove a corner", at, other)
		case e.ring.polygon != f.ring.polygon:
			if how == crossing {
				found = faultAt(CodeOverlap, place, at, "two polygons of the shape overlap: their borders cross at "+
					"[%s], see %s; merge them into one", at, other)
			}
		case how != touching:
			found = faultAt(CodeCrossing, place, at, "two rings of one polygon cross or run along each other at "+
				"[%s], see %s: keep holes clear of each other and of the outer ring", at, other)
		}
		return found == nil
	})
	if found != nil {
		return found
	}
	return nil
}

func (e ringEdge) origin() int {
	// A ring that was turned round has its edges' starts behind their ends.
	return min(e.ring.origin[e.i], e.ring.origin[e.i+1])
}

func (e ringEdge) next(f ringEdge) bool {
	gap := f.i - e.i
	return gap == 1 || gap == -1 || gap == len(e.ring.corners)-2 || gap == 2-len(e.ring.corners)
}

// checkNesting checks that holes lie in their shells and apart from each
// other, and that the polygons do not overlap. No edges cross any more, so
// that an area in common tells it all.
func checkNesting(rings []*checkedRing, path shapePath) error {
	edges := make([][]edge, len(rings))
	boxes := make([]Box, len(rings))
	var shell int
	for i, ring := range rings {
		edges[i] = ring.edges()
		boxes[i] = boundOf(edges[i])
		if ring.ring == 0 {
			shell = i
			continue
		}
		if outside := -ring.area - overlapArea(edges[i], edges[shell]); outside > leastArea {
			return faultAt(CodeHole, path(ring.polygon, ring.ring, -1), ring.corners[0].Point(),
				"the hole reaches outside its polygon's outer ring by %.0f m²: make it a polygon of its own, or cut "+
					"it back", outside)
		}
	}
	var found *refusal.Error
	NewBoxTree(boxes).Pairs(func(i, j int) bool {
		a, b := rings[i], rings[j]
		switch {
		case a.polygon == b.polygon && a.ring > 0 && b.ring > 0:
			if overlapArea(edges[i], edges[j]) > leastArea {
				found = faultAt(CodeHole, path(b.polygon, b.ring, -1), b.corners[0].Point(),
					"the hole overlaps the hole at %s: merge the two", path(a.polygon, a.ring, -1))
			}
		case a.polygon != b.polygon && a.ring == 0 && b.ring == 0:
			one, other := polygonEdges(rings, edges, a.polygon), polygonEdges(rings, edges, b.polygon)
			if area := overlapArea(one, other); area > leastArea {
				found = faultAt(CodeOverlap, path(b.polygon, -1, -1), b.corners[0].Point(),
					"the polygon overlaps that at %s by %.0f m²: merge the two", path(a.polygon, -1, -1), area)
			}
		}
		return found == nil
	})
	if found != nil {
		return found
	}
	return nil
}

func (ring *checkedRing) edges() []edge {
	edges := make([]edge, 0, len(ring.corners))
	for i := 1; i < len(ring.corners); i++ {
		edges = append(edges, edge{ring.corners[i-1], ring.corners[i]})
	}
	return edges
}

func polygonEdges(rings []*checkedRing, edges [][]edge, polygon int) []edge {
	var all []edge
	for i, ring := range rings {
		if ring.polygon == polygon {
			all = append(all, edges[i]...)
		}
	}
	return all
}
