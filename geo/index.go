package geo

import (
	"cmp"
	"slices"
)

// Area is one territory in an Index.
type Area struct {
	ID    string
	Shape Shape
}

// Index finds the areas of a point. It never changes and may be used by several
// goroutines. The nil Index has no areas.
type Index struct {
	areas []Area // by id
	owner []int  // of each box in tree: the area it bounds a polygon of
	tree  BoxTree
}

// NewIndex returns the index of areas, in any order. An area without an id is
// a *refusal.Error with CodeID, two of the same id one with CodeDuplicateID. Areas may
// overlap (see Overlaps); one with an empty shape is never found.
func NewIndex(areas []Area) (*Index, error) {
	x := &Index{areas: slices.Clone(areas)}
	slices.SortStableFunc(x.areas, func(a, b Area) int { return cmp.Compare(a.ID, b.ID) })
	type item struct {
		box   Box
		owner int
		order uint64
	}
	var items []item
	for i, area := range x.areas {
		if area.ID == "" {
			return nil, fault(CodeID, "", "a territory needs an id")
		}
		if i > 0 && x.areas[i-1].ID == area.ID {
			return nil, fault(CodeDuplicateID, "", "two territories have the id %q: give each its own", area.ID)
		}
		// A box for each polygon: one around both sides of the 180th meridian
		// would span the globe.
		for _, polygon := range area.Shape.polygons {
			box := BoxOf(onGrid(polygon[0]))
			items = append(items, item{box, i, box.zOrder()})
		}
	}
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.order, b.order) })
	boxes := make([]Box, len(items))
	for i, item := range items {
		boxes[i] = item.box
		x.owner = append(x.owner, item.owner)
	}
	x.tree = NewBoxTree(boxes)
	return x, nil
}

// Find returns the area in which the point lies, in degrees. Borders belong to
// their areas, so a point that several areas hold, on a common border or where
// they overlap, goes to the one whose id comes first.
func (x *Index) Find(lon, lat float64) (id string, ok bool) {
	first := -1
	x.holders(lon, lat, func(area int) bool { return first < 0 || area < first }, func(area int) { first = area })
	if first < 0 {
		return "", false
	}
	return x.areas[first].ID, true
}

// All returns the ids of all areas in which the point lies, in order; nil if none.
func (x *Index) All(lon, lat float64) []string {
	var areas []int
	x.holders(lon, lat, func(area int) bool {
		return !slices.Contains(areas, area)
	}, func(area int) { areas = append(areas, area) })
	slices.Sort(areas)
	var ids []string
	for _, area := range areas {
		ids = append(ids, x.areas[area].ID)
	}
	return ids
}

// holders calls found with each area that contains the point and that wanted accepts.
func (x *Index) holders(lon, lat float64, wanted func(area int) bool, found func(area int)) {
	p := Point{Lon: lon, Lat: lat}
	if x == nil || len(x.owner) == 0 || p.validRange("") != nil {
		return
	}
	at := p.E7()
	x.tree.Search(Box{at.Lon, at.Lat, at.Lon, at.Lat}, func(i int) bool {
		if area := x.owner[i]; wanted(area) && x.areas[area].Shape.contains(at) {
			found(area)
		}
		return true
	})
}

// Len returns the number of areas.
func (x *Index) Len() int {
	if x == nil {
		return 0
	}
	return len(x.areas)
}

// Overlap is the common part of two areas.
type Overlap struct {
	A, B         string // ids, A before B
	SquareMetres float64
}

// Overlaps returns every two areas that have more than a square metre in
// common, by id. A common border is not an overlap.
func (x *Index) Overlaps() []Overlap {
	if x == nil || len(x.owner) == 0 {
		return nil
	}
	seen := map[[2]int]bool{}
	var overlaps []Overlap
	x.tree.Pairs(func(i, j int) bool {
		a, b := min(x.owner[i], x.owner[j]), max(x.owner[i], x.owner[j])
		if a == b || seen[[2]int{a, b}] {
			return true
		}
		seen[[2]int{a, b}] = true
		if common := x.areas[a].Shape.OverlapArea(x.areas[b].Shape); common > leastArea {
			overlaps = append(overlaps, Overlap{A: x.areas[a].ID, B: x.areas[b].ID, SquareMetres: common})
		}
		return true
	})
	slices.SortFunc(overlaps, func(o, p Overlap) int {
		return cmp.Or(cmp.Compare(o.A, p.A), cmp.Compare(o.B, p.B))
	})
	return overlaps
}

// zOrder returns the position of the box's middle on Morton's space-filling curve:
// the bits of longitude and latitude in turn.
func (r Box) zOrder() uint64 {
	spread := func(lo, hi int32) uint64 {
		v := uint64(uint32((int64(lo)+int64(hi))/2 + 1<<31))
		v = (v | v<<16) & 0x0000ffff0000ffff
		v = (v | v<<8) & 0x00ff00ff00ff00ff
		v = (v | v<<4) & 0x0f0f0f0f0f0f0f0f
		v = (v | v<<2) & 0x3333333333333333
		return (v | v<<1) & 0x5555555555555555
	}
	return spread(r.MinLon, r.MaxLon) | spread(r.MinLat, r.MaxLat)<<1
}
