package geo

// Box is a closed rectangle on the E7 grid, in units of 1e-7 degrees.
type Box struct {
	MinLon, MinLat, MaxLon, MaxLat int32
}

// BoxOf returns the smallest box that holds the points, of which there must be one.
func BoxOf(points []E7) Box {
	b := Box{points[0].Lon, points[0].Lat, points[0].Lon, points[0].Lat}
	for _, p := range points[1:] {
		b = b.Union(Box{p.Lon, p.Lat, p.Lon, p.Lat})
	}
	return b
}

// meets reports whether two boxes have a point in common.
func (r Box) meets(s Box) bool {
	return r.MinLon <= s.MaxLon && s.MinLon <= r.MaxLon && r.MinLat <= s.MaxLat && s.MinLat <= r.MaxLat
}

// Union returns the smallest box that holds both boxes.
func (r Box) Union(s Box) Box {
	return Box{min(r.MinLon, s.MinLon), min(r.MinLat, s.MinLat), max(r.MaxLon, s.MaxLon), max(r.MaxLat, s.MaxLat)}
}

const fanout = 8

// BoxTree finds boxes by where they lie. It is a packed tree over items in a given
// order, fast only if consecutive items lie close together, as the edges of a ring
// do and other items do after sorting along a space-filling curve. It never changes
// and may be used by several goroutines.
type BoxTree struct {
	levels [][]Box // levels[0] are the items; each level bounds groups of fanout of the one before
}

// NewBoxTree returns the tree of the items and keeps the slice.
func NewBoxTree(items []Box) BoxTree {
	t := BoxTree{levels: [][]Box{items}}
	for below := items; len(below) > 1; {
		level := make([]Box, 0, (len(below)+fanout-1)/fanout)
		for i := 0; i < len(below); i += fanout {
			bound := below[i]
			for _, r := range below[i+1 : min(i+fanout, len(below))] {
				bound = bound.Union(r)
			}
			level = append(level, bound)
		}
		t.levels = append(t.levels, level)
		below = level
	}
	return t
}

// Top returns the top level of the tree and its boxes, none if the tree is empty. At
// level 0 the boxes are the items.
func (t BoxTree) Top() (level int, boxes []Box) {
	level = len(t.levels) - 1
	return level, t.levels[level]
}

// Children returns the boxes that box i of a level above 0 bounds, on the level
// below, and the index of the first of them.
func (t BoxTree) Children(level, i int) (first int, boxes []Box) {
	below := t.levels[level-1]
	first = i * fanout
	return first, below[first:min(first+fanout, len(below))]
}

// Search calls visit with every item that meets q, in order, until visit returns false.
func (t BoxTree) Search(q Box, visit func(item int) bool) {
	top := len(t.levels) - 1
	for i := range t.levels[top] {
		if !t.searchNode(top, i, q, visit) {
			return
		}
	}
}

func (t BoxTree) searchNode(level, i int, q Box, visit func(item int) bool) bool {
	if !t.levels[level][i].meets(q) {
		return true
	}
	if level == 0 {
		return visit(i)
	}
	for child := i * fanout; child < min((i+1)*fanout, len(t.levels[level-1])); child++ {
		if !t.searchNode(level-1, child, q, visit) {
			return false
		}
	}
	return true
}

// Pairs calls visit with every two items i < j that meet, until visit returns false.
func (t BoxTree) Pairs(visit func(i, j int) bool) {
	top := len(t.levels) - 1
	if len(t.levels[top]) > 0 {
		t.pairsOf(top, 0, 0, visit)
	}
}

func (t BoxTree) pairsOf(level, i, j int, visit func(i, j int) bool) bool {
	if i != j && !t.levels[level][i].meets(t.levels[level][j]) {
		return true
	}
	if level == 0 {
		return i == j || visit(i, j)
	}
	below := len(t.levels[level-1])
	for a := i * fanout; a < min((i+1)*fanout, below); a++ {
		from := j * fanout
		if i == j {
			from = a
		}
		for b := from; b < min((j+1)*fanout, below); b++ {
			if !t.pairsOf(level-1, a, b, visit) {
				return false
			}
		}
	}
	return true
}
