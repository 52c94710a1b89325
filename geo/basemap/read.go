package basemap

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"doorstep/geo/extract"

	"github.com/paulmach/osm"
)

// feature is an object as it is drawn in one layer.
type feature struct {
	look *look
	// paths are lines, or rings: each outer one is followed by its holes.
	paths []path
	hole  []bool // of each ring; nil if none is a hole
	spot  spot   // of a point
}

// scene is what an extract holds that is drawn.
type scene struct {
	features []feature
	at       []spot // positions of the nodes of paths
	box      bounds // of the map
	// broken counts multipolygons that lack a part, and coastNote says why the sea is not filled; "" if it is.
	broken    int
	coastNote string
	// buildings counts areas of buildings.
	buildings int
}

// reader reads an extract three times: relations, ways, and the nodes that those need.
type reader struct {
	from  extract.File
	looks map[string]*look

	relations []relation
	outlines  map[int64][]*look // by way: the looks of the multipolygons whose part it is
	borders   map[int64]int     // by way: the level of the boundary that it is part of

	ways   []way
	wayAt  map[int64]int // index in ways of those that are parts of relations
	coasts []int         // indices in ways
	ids    []int64       // of the nodes, ascending
	at     []spot
	known  []bool
	scene  *scene
}

// relation is a multipolygon.
type relation struct {
	looks []*look
	ways  []int64
}

// way is a way with how it is drawn by its own tags.
type way struct {
	id    int64
	refs  []int64
	nodes path // its refs as indices
	looks []*look
	whole bool // all its nodes are in the extract
}

// readScene reads an extract.
func readScene(ctx context.Context, from extract.File) (*scene, error) {
	r := &reader{from: from, looks: map[string]*look{}, outlines: map[int64][]*look{}, borders: map[int64]int{},
		wayAt: map[int64]int{}, scene: &scene{}}
	box, boxed, err := from.Bound()
	if err != nil {
		return nil, err
	}
	for _, pass := range []func(context.Context) error{r.readRelations, r.readWays, r.readNodes} {
		if err := pass(ctx); err != nil {
			return nil, err
		}
	}
	r.scene.at = r.at
	if boxed {
		a, b := project(box[0], box[3]), project(box[2], box[1])
		r.scene.box = bounds{a.x, a.y, b.x, b.y}
	} else {
		r.scene.box = r.guessBox()
	}
	r.drawWays()
	r.drawRelations()
	r.joinLabels()
	r.drawSea()
	s := r.scene
	s.features = slices.DeleteFunc(s.features, func(f feature) bool { return !f.touches(s.box, s.at) })
	for _, f := range s.features {
		if f.look.layer == buildings {
			s.buildings++
		}
	}
	return s, nil
}

func (f *feature) touches(box bounds, at []spot) bool {
	if f.look.shape == point {
		return box.has(f.spot)
	}
	for _, p := range f.paths {
		if boundsOf(p, at).meets(box) {
			return true
		}
	}
	return false
}

// intern returns the looks of an object, one pointer for all that are the same.
func (r *reader) intern(looks []look) []*look {
	out := make([]*look, 0, len(looks))
	for _, l := range looks {
		key := l.key()
		if r.looks[key] == nil {
			r.looks[key] = &l
		}
		out = append(out, r.looks[key])
	}
	return out
}

// borderLevel is the level of an administrative boundary that is drawn; 0 for others.
func borderLevel(tags osm.Tags) int {
	if tags.Find("boundary") != "administrative" {
		return 0
	}
	switch level, _ := strconv.Atoi(tags.Find("admin_level")); level {
	case 2, 4:
		return level
	}
	return 0
}

func (r *reader) readRelations(ctx context.Context) error {
	drawn := func(tags osm.Tags) bool {
		return tags.Find("type") == "multipolygon" && len(areaLooks(tags)) > 0 || borderLevel(tags) > 0
	}
	want := func(_ extract.Kind, _ int64, tags osm.Tags) bool { return drawn(tags) }
	return r.from.Each(ctx, extract.Query{Kinds: extract.Relations, Want: want}, func(o osm.Object) {
		from, ok := o.(*osm.Relation)
		if !ok || !drawn(from.Tags) {
			return
		}
		var out relation
		if from.Tags.Find("type") == "multipolygon" {
			out.looks = r.intern(areaLooks(from.Tags))
		}
		level := borderLevel(from.Tags)
		seen := map[int64]bool{}
		for _, m := range from.Members {
			if m.Type != osm.TypeWay || seen[m.Ref] {
				continue
			}
			seen[m.Ref] = true
			out.ways = append(out.ways, m.Ref)
			if len(out.looks) > 0 {
				r.outlines[m.Ref] = append(r.outlines[m.Ref], out.looks...)
			}
			if was := r.borders[m.Ref]; level > 0 && (was == 0 || level < was) {
				r.borders[m.Ref] = level
			}
		}
		if len(out.looks) > 0 {
			r.relations = append(r.relations, out)
		}
	})
}

func (r *reader) readWays(ctx context.Context) error {
	part := func(id int64) bool { return r.outlines[id] != nil || r.borders[id] > 0 }
	drawn := func(tags osm.Tags) bool {
		return len(tags) > 0 && (tags.Find("natural") == "coastline" || borderLevel(tags) > 0 ||
			len(lineLooks(tags)) > 0 || len(areaLooks(tags)) > 0)
	}
	want := func(_ extract.Kind, id int64, tags osm.Tags) bool { return part(id) || drawn(tags) }
	err := r.from.Each(ctx, extract.Query{Kinds: extract.Ways, Want: want}, func(o osm.Object) {
		from, ok := o.(*osm.Way)
		if !ok || len(from.Nodes) < 2 || !want(extract.Ways, int64(from.ID), from.Tags) {
			return
		}
		w := way{id: int64(from.ID), refs: make([]int64, len(from.Nodes))}
		for i, n := range from.Nodes {
			w.refs[i] = int64(n.ID)
		}
		w.looks = r.intern(r.wayLooks(&w, from.Tags))
		if part(w.id) {
			r.wayAt[w.id] = len(r.ways)
		}
		if from.Tags.Find("natural") == "coastline" {
			r.coasts = append(r.coasts, len(r.ways))
		}
		r.ids = append(r.ids, w.refs...)
		r.ways = append(r.ways, w)
	})
	slices.Sort(r.ids)
	r.ids = slices.Clip(slices.Compact(r.ids))
	for i := range r.ways {
		w := &r.ways[i]
		w.nodes = make(path, len(w.refs))
		for k, id := range w.refs {
			w.nodes[k] = r.index(id)
		}
		w.refs = nil
	}
	r.at, r.known = make([]spot, len(r.ids)), make([]bool, len(r.ids))
	return err
}

// wayLooks returns how a way is drawn by its own tags. A closed way that is part of a multipolygon that looks the same
// is left to that: on its own it would fill the holes.
func (r *reader) wayLooks(w *way, tags osm.Tags) []look {
	out := lineLooks(tags)
	if level := r.borders[w.id]; level > 0 {
		out = append(out, borderLook(level, tags))
	} else if level := borderLevel(tags); level > 0 {
		out = append(out, borderLook(level, tags))
	}
	if len(w.refs) < 4 || w.refs[0] != w.refs[len(w.refs)-1] {
		return out
	}
	for _, l := range areaLooks(tags) {
		key := l.key()
		if !slices.ContainsFunc(r.outlines[w.id], func(o *look) bool { return o.key() == key }) {
			out = append(out, l)
		}
	}
	return out
}

func borderLook(level int, tags osm.Tags) look {
	from := 7
	if level == 2 {
		from = minZoom
	}
	maritime := tags.Find("maritime") == "yes" || tags.Find("natural") == "coastline"
	return look{layer: boundaries, shape: line, from: from, order: -level,
		props: map[string]any{"admin_level": level, "maritime": maritime}}
}

func (r *reader) index(id int64) int32 {
	if i, found := slices.BinarySearch(r.ids, id); found {
		return int32(i)
	}
	return -1
}

func (r *reader) readNodes(ctx context.Context) error {
	want := func(_ extract.Kind, id int64, tags osm.Tags) bool {
		return r.index(id) >= 0 || len(nodeLooks(tags)) > 0
	}
	return r.from.Each(ctx, extract.Query{Kinds: extract.Nodes, Want: want}, func(o osm.Object) {
		n, ok := o.(*osm.Node)
		if !ok {
			return
		}
		s := project(n.Lon, n.Lat)
		if i := r.index(int64(n.ID)); i >= 0 {
			r.at[i], r.known[i] = s, true
		}
		for _, l := range r.intern(nodeLooks(n.Tags)) {
			r.scene.features = append(r.scene.features, feature{look: l, spot: s})
		}
	})
}

// spare is how far a map reaches beyond its outermost street if the extract states no box, in world units: about 400 m
// at the equator. The positions of all nodes say nothing, since borders reach far out to sea.
const spare = 4 * worldSize / 360_000

// outliers is the share of the streets' nodes that may lie beyond each edge of the box: of ways that run far out of the
// area that was cut out.
const outliers = 0.002

// guessBox is the box of the streets, or if there are none, of all that is drawn.
func (r *reader) guessBox() bounds {
	var onStreets, all []spot
	for _, w := range r.ways {
		isStreet := slices.ContainsFunc(w.looks, func(l *look) bool { return l.layer == streets })
		for _, n := range w.nodes {
			if !r.known[n] || len(w.looks) == 0 && r.outlines[w.id] == nil {
				continue
			}
			all = append(all, r.at[n])
			if isStreet {
				onStreets = append(onStreets, r.at[n])
			}
		}
	}
	if len(onStreets) == 0 {
		onStreets = all
	}
	if len(onStreets) == 0 {
		return nowhere
	}
	skip := int(outliers * float64(len(onStreets)))
	reach := func(of func(spot) int32) (low, high int32) {
		slices.SortFunc(onStreets, func(a, b spot) int { return cmp.Compare(of(a), of(b)) })
		return max(of(onStreets[skip])-spare, 0), min(of(onStreets[len(onStreets)-1-skip])+spare, worldSize)
	}
	var box bounds
	box.minX, box.maxX = reach(func(s spot) int32 { return s.x })
	box.minY, box.maxY = reach(func(s spot) int32 { return s.y })
	return box
}

// drawWays makes features of ways. A line is cut where the extract lacks a node; a ring that lacks one is left out.
func (r *reader) drawWays() {
	for i := range r.ways {
		w := &r.ways[i]
		pieces := r.pieces(w.nodes)
		w.whole = len(pieces) == 1 && len(pieces[0]) == len(w.nodes)
		for _, l := range w.looks {
			if l.shape == line {
				for _, p := range pieces {
					r.scene.features = append(r.scene.features, feature{look: l, paths: []path{p}})
				}
			} else if w.whole {
				r.drawArea(l, []path{w.nodes}, nil)
			}
		}
	}
}

// pieces cuts a path at nodes that the extract lacks.
func (r *reader) pieces(p path) (out []path) {
	from := 0
	for i := 0; i <= len(p); i++ {
		if i == len(p) || !r.known[p[i]] {
			if i-from > 1 {
				out = append(out, p[from:i])
			}
			from = i + 1
		}
	}
	return out
}

// drawArea draws an area, or what is drawn in its middle.
func (r *reader) drawArea(l *look, rings []path, hole []bool) {
	f := feature{look: l}
	if l.shape == area {
		f.paths, f.hole = rings, hole
		if !slices.Contains(hole, true) {
			f.hole = nil
		}
	} else {
		f.spot = middle(rings, r.at)
	}
	r.scene.features = append(r.scene.features, f)
}

// middle is the centre of gravity of the largest ring, or of its box if the ring has no area.
func middle(rings []path, at []spot) spot {
	best, most := rings[0], 0.0
	for _, p := range rings {
		if a := areaOf(p, at); a*a > most*most {
			best, most = p, a
		}
	}
	b := boundsOf(best, at)
	if most == 0 {
		return spot{b.minX + (b.maxX-b.minX)/2, b.minY + (b.maxY-b.minY)/2}
	}
	// About the box's corner, since the products of world coordinates would lose digits.
	var x, y, sum float64
	for i := 1; i < len(best); i++ {
		ax, ay := float64(at[best[i-1]].x-b.minX), float64(at[best[i-1]].y-b.minY)
		bx, by := float64(at[best[i]].x-b.minX), float64(at[best[i]].y-b.minY)
		cross := ax*by - bx*ay
		x, y, sum = x+(ax+bx)*cross, y+(ay+by)*cross, sum+cross
	}
	s := spot{b.minX + int32(x/(3*sum)), b.minY + int32(y/(3*sum))}
	if !b.has(s) { // a ring that crosses itself
		return at[best[0]]
	}
	return s
}

// drawRelations makes features of multipolygons: of the rings that are whole.
func (r *reader) drawRelations() {
	for _, rel := range r.relations {
		var parts []path
		missing := 0
		for _, id := range rel.ways {
			i, ok := r.wayAt[id]
			if !ok || !r.ways[i].whole {
				missing++
				continue
			}
			parts = append(parts, r.ways[i].nodes)
		}
		rings, loose := ringsOf(parts)
		if missing+loose > 0 {
			r.scene.broken++
		}
		if len(rings) == 0 {
			continue
		}
		rings, hole := nest(rings, r.at)
		for _, l := range rel.looks {
			r.drawArea(l, rings, hole)
		}
	}
}

// joinLabels joins the lines of labels, one look's with each other.
func (r *reader) joinLabels() {
	lines := map[*look][]path{}
	var order []*look
	rest := r.scene.features[:0]
	for _, f := range r.scene.features {
		if f.look.layer != streetLabels && f.look.layer != waterLineLabels {
			rest = append(rest, f)
			continue
		}
		if lines[f.look] == nil {
			order = append(order, f.look)
		}
		lines[f.look] = append(lines[f.look], f.paths...)
	}
	for _, l := range order {
		for _, p := range joined(lines[l], false) {
			rest = append(rest, feature{look: l, paths: []path{p}})
		}
	}
	r.scene.features = rest
}
