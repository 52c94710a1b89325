package geo

// rect is a closed rectangle on the E7 grid.
type rect struct {
	minLon, minLat, maxLon, maxLat int32
}

func (r rect) meets(s rect) bool {
	return r.minLon <= s.maxLon && s.minLon <= r.maxLon && r.minLat <= s.maxLat && s.minLat <= r.maxLat
}

func (r rect) union(s rect) rect {
	return rect{min(r.minLon, s.minLon), min(r.minLat, s.minLat), max(r.maxLon, s.maxLon), max(r.maxLat, s.maxLat)}
}

const fanout = 8

// boxTree is a packed tree of rectangles over items in a given order. It is
// as good as that order: consecutive items must lie close together, as the
// edges of a ring do by nature and territories do after sorting.
type boxTree struct {
	levels [][]rect // levels[0] are the items; each level bounds groups of fanout of the one before
}

func newBoxTree(items []rect) boxTree {
	t := boxTree{levels: [][]rect{items}}
	for below := items; len(below) > 1; {
		level := make([]rect, 0, (len(below)+fanout-1)/fanout)
		for i := 0; i < len(below); i += fanout {
			bound := below[i]
			for _, r := range below[i+1 : min(i+fanout, len(below))] {
				bound = bound.union(r)
			}
			level = append(level, bound)
		}
		t.levels = append(t.levels, level)
		below = level
	}
	return t
}

// search calls visit with every item that meets q, in order, until visit returns false.
func (t boxTree) search(q rect, visit func(item int) bool) {
	top := len(t.levels) - 1
	for i := range t.levels[top] {
		if !t.searchNode(top, i, q, visit) {
			return
		}
	}
}

func (t boxTree) searchNode(level, i int, q rect, visit func(item int) bool) bool {
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

// pairs calls visit with every two items i < j that meet, until visit returns false.
func (t boxTree) pairs(visit func(i, j int) bool) {
	top := len(t.levels) - 1
	if len(t.levels[top]) > 0 {
		t.pairsOf(top, 0, 0, visit)
	}
}

func (t boxTree) pairsOf(level, i, j int, visit func(i, j int) bool) bool {
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
