package basemap

import (
	"cmp"
	"math"
	"slices"
)

// spot is a position in the square of the Web Mercator projection: x to the east, y to the south, in units of which
// worldSize make its side. A unit is less than four centimetres.
type spot struct{ x, y int32 }

const (
	worldBits = 30
	worldSize = 1 << worldBits
)

// project gives the position of a point in degrees. Latitudes beyond the square are drawn at its edge.
func project(lon, lat float64) spot {
	const edge = 85.0511287798066
	sin := math.Sin(min(max(lat, -edge), edge) * math.Pi / 180)
	x := (lon + 180) / 360
	y := 0.5 - math.Log((1+sin)/(1-sin))/(4*math.Pi)
	clamp := func(v float64) int32 { return int32(min(max(math.Round(v*worldSize), 0), worldSize)) }
	return spot{clamp(x), clamp(y)}
}

// degrees is the inverse of project.
func degrees(x, y float64) (lon, lat float64) {
	return x/worldSize*360 - 180, math.Atan(math.Sinh(math.Pi*(1-2*y/worldSize))) * 180 / math.Pi
}

// path is a chain of nodes, by their index. It is a ring if the first is the last.
type path []int32

func (p path) closed() bool { return len(p) > 3 && p[0] == p[len(p)-1] }

// ringsOf joins the ways of a multipolygon to rings, whatever their direction. Ways that close no ring are left out;
// loose is how many.
func ringsOf(ways []path) (rings []path, loose int) {
	ends := map[int32][]int{} // ways by the nodes at their ends
	used := make([]bool, len(ways))
	for i, w := range ways {
		switch {
		case w.closed():
			rings = append(rings, w)
			used[i] = true
		case len(w) < 2:
			used[i] = true
			loose++
		default:
			ends[w[0]] = append(ends[w[0]], i)
			ends[w[len(w)-1]] = append(ends[w[len(w)-1]], i)
		}
	}
	for i := range ways {
		if used[i] {
			continue
		}
		used[i] = true
		chain := []path{ways[i]} // ways in the direction in which they are passed
		for len(chain) > 0 {
			tail := chain[len(chain)-1]
			end := tail[len(tail)-1]
			// A chain that comes back to where one of its ways began has closed a ring.
			if at := slices.IndexFunc(chain, func(w path) bool { return w[0] == end }); at >= 0 {
				if ring := concat(chain[at:]); ring.closed() {
					rings = append(rings, ring)
				} else {
					loose += len(chain) - at
				}
				chain = chain[:at]
				continue
			}
			next := slices.IndexFunc(ends[end], func(k int) bool { return !used[k] })
			if next < 0 { // a dead end: the ring, if any, closes without this way
				chain = chain[:len(chain)-1]
				loose++
				continue
			}
			k := ends[end][next]
			used[k] = true
			w := ways[k]
			if w[0] != end {
				w = slices.Clone(w)
				slices.Reverse(w)
			}
			chain = append(chain, w)
		}
	}
	return rings, loose
}

// concat joins paths, each of which begins where the one before ends.
func concat(chain []path) path {
	out := slices.Clone(chain[0])
	for _, w := range chain[1:] {
		out = append(out, w[1:]...)
	}
	return out
}

// nest orders rings so that each outer ring is followed by its holes. It goes by where the rings lie, not by the roles
// in the relation, which are often wrong. hole tells of each ring whether it is a hole.
func nest(rings []path, at []spot) (ordered []path, hole []bool) {
	type ring struct {
		path   path
		area   float64
		box    bounds
		parent int // the smallest ring around it; -1 for none
		depth  int
	}
	all := make([]ring, len(rings))
	for i, r := range rings {
		all[i] = ring{path: r, area: math.Abs(areaOf(r, at)), box: boundsOf(r, at), parent: -1}
	}
	slices.SortStableFunc(all, func(a, b ring) int { return cmp.Compare(b.area, a.area) })
	for i := range all {
		for k := i - 1; k >= 0; k-- {
			if all[k].box.holds(all[i].box) && within(all[i].path, all[k].path, at) {
				all[i].parent, all[i].depth = k, all[k].depth+1
				break
			}
		}
	}
	for i, r := range all {
		if r.depth%2 == 1 {
			continue
		}
		ordered, hole = append(ordered, r.path), append(hole, false)
		for _, h := range all[i+1:] {
			if h.depth%2 == 1 && h.parent == i {
				ordered, hole = append(ordered, h.path), append(hole, true)
			}
		}
	}
	return ordered, hole
}

// areaOf is the area of a ring by the shoelace formula: positive if it runs clockwise as it is seen on a map.
func areaOf(r path, at []spot) float64 {
	sum := 0.0
	for i := 1; i < len(r); i++ {
		a, b := at[r[i-1]], at[r[i]]
		sum += float64(a.x)*float64(b.y) - float64(b.x)*float64(a.y)
	}
	return sum / 2
}

// within tells whether the ring inner lies in outer. Rings may touch: a node of both says nothing, and if all are of
// both, the middle of a side tells.
func within(inner, outer path, at []spot) bool {
	shared := map[int32]bool{}
	for _, n := range outer {
		shared[n] = true
	}
	for _, n := range inner {
		if !shared[n] {
			return inside(float64(at[n].x), float64(at[n].y), outer, at)
		}
	}
	a, b := at[inner[0]], at[inner[len(inner)/2]]
	return inside((float64(a.x)+float64(b.x))/2, (float64(a.y)+float64(b.y))/2, outer, at)
}

// inside tells whether a position lies in a ring.
func inside(x, y float64, r path, at []spot) bool {
	in := false
	for i := 1; i < len(r); i++ {
		a, b := at[r[i-1]], at[r[i]]
		ax, ay, bx, by := float64(a.x), float64(a.y), float64(b.x), float64(b.y)
		if (ay > y) != (by > y) && x < ax+(y-ay)/(by-ay)*(bx-ax) {
			in = !in
		}
	}
	return in
}

// bounds is a box of positions, its edges with it.
type bounds struct{ minX, minY, maxX, maxY int32 }

var nowhere = bounds{math.MaxInt32, math.MaxInt32, math.MinInt32, math.MinInt32}

func boundsOf(p path, at []spot) bounds {
	b := nowhere
	for _, n := range p {
		b = b.with(at[n])
	}
	return b
}

func (b bounds) with(s spot) bounds {
	return bounds{min(b.minX, s.x), min(b.minY, s.y), max(b.maxX, s.x), max(b.maxY, s.y)}
}

func (b bounds) has(s spot) bool {
	return b.minX <= s.x && s.x <= b.maxX && b.minY <= s.y && s.y <= b.maxY
}

func (b bounds) holds(c bounds) bool {
	return b.minX <= c.minX && b.minY <= c.minY && c.maxX <= b.maxX && c.maxY <= b.maxY
}

func (b bounds) meets(c bounds) bool {
	return b.minX <= c.maxX && c.minX <= b.maxX && b.minY <= c.maxY && c.minY <= b.maxY
}

// joined joins lines that meet at their ends, two and no more at a place. If directed, it joins only the end of one
// to the start of another.
func joined(lines []path, directed bool) []path {
	ends := map[int32][]int{}
	for i, l := range lines {
		ends[l[0]] = append(ends[l[0]], i)
		ends[l[len(l)-1]] = append(ends[l[len(l)-1]], i)
	}
	used := make([]bool, len(lines))
	var out []path
	// grow adds lines at the end of l, which runs backwards when that was its start.
	grow := func(l path, backwards bool) path {
		for {
			end := l[len(l)-1]
			at := ends[end]
			if len(at) != 2 {
				return l
			}
			next := at[0]
			if used[next] {
				next = at[1]
			}
			w := lines[next]
			turned := w[0] != end
			if used[next] || directed && turned != backwards {
				return l
			}
			used[next] = true
			if turned {
				w = slices.Clone(w)
				slices.Reverse(w)
			}
			l = append(l, w[1:]...)
		}
	}
	for i, l := range lines {
		if used[i] {
			continue
		}
		used[i] = true
		l = grow(slices.Clone(l), false)
		slices.Reverse(l)
		l = grow(l, true)
		slices.Reverse(l)
		out = append(out, l)
	}
	return out
}
