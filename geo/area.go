package geo

import (
	"math"
	"slices"
)

const radiansPerUnit = math.Pi / 180 / unitsPerDegree

// ringArea returns the square metres inside a closed ring whose edges are
// straight in longitude and latitude; positive if it runs counterclockwise.
func ringArea(ring []E7) float64 {
	// The area is -∮ sin(lat) d(lon); along a straight edge the mean of the
	// sine is known. The sine at the start is subtracted for precision: it
	// sums to nothing around a ring.
	base := math.Sin(float64(ring[0].Lat) * radiansPerUnit)
	var sum float64
	for i := 1; i < len(ring); i++ {
		a, b := ring[i-1], ring[i]
		middle := (float64(a.Lat) + float64(b.Lat)) / 2 * radiansPerUnit
		half := (float64(b.Lat) - float64(a.Lat)) / 2 * radiansPerUnit
		sum -= (float64(b.Lon) - float64(a.Lon)) * radiansPerUnit * (math.Sin(middle)*sinc(half) - base)
	}
	return sum * EarthRadius * EarthRadius
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(x) / x
}

// overlapArea returns the square metres that lie inside both of two sets of
// rings, inside being the even-odd rule.
//
// The common box is cut into slabs at every latitude where an edge begins,
// ends or crosses one of the other set; within a slab no two edges cross, and
// the common part is a row of trapezoids.
func overlapArea(a, b []edge) float64 {
	box := boundOf(a)
	other := boundOf(b)
	if len(a) == 0 || len(b) == 0 || !box.meets(other) {
		return 0
	}
	box = Box{max(box.MinLon, other.MinLon), max(box.MinLat, other.MinLat), min(box.MaxLon, other.MaxLon),
		min(box.MaxLat, other.MaxLat)}

	edges, cuts := slabEdges(a, b, box)
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	slices.SortFunc(edges, func(e, f slabEdge) int { return compareInt(e.rect().MinLat, f.rect().MinLat) })

	var area float64
	var active []slabEdge
	next := 0
	for i := 1; i < len(cuts); i++ {
		low, high := cuts[i-1], cuts[i]
		for next < len(edges) && float64(edges[next].rect().MinLat) <= low {
			active = append(active, edges[next])
			next++
		}
		active = slices.DeleteFunc(active, func(e slabEdge) bool { return float64(e.rect().MaxLat) < high })
		area += slabArea(active, low, high)
	}
	return area
}

type slabEdge struct {
	edge
	second bool // belongs to the second set

	low, mid, high float64 // longitudes at the bottom, middle and top of the current slab
}

// slabEdges returns the edges of both sets that matter inside box, and the latitudes at which to cut it.
func slabEdges(a, b []edge, box Box) ([]slabEdge, []float64) {
	cuts := []float64{float64(box.MinLat), float64(box.MaxLat)}
	var edges []slabEdge
	var boxes []Box
	var first []edge
	add := func(e edge, second bool) bool {
		r := e.rect()
		// What lies to the east of the box cannot change what is inside it.
		if r.MinLat == r.MaxLat || r.MaxLat < box.MinLat || r.MinLat > box.MaxLat || r.MinLon > box.MaxLon {
			return false
		}
		edges = append(edges, slabEdge{edge: e, second: second})
		for _, lat := range []int32{r.MinLat, r.MaxLat} {
			if lat > box.MinLat && lat < box.MaxLat {
				cuts = append(cuts, float64(lat))
			}
		}
		return true
	}
	for _, e := range a {
		if add(e, false) {
			first = append(first, e)
			boxes = append(boxes, e.rect())
		}
	}
	tree := NewBoxTree(boxes)
	for _, f := range b {
		if !add(f, true) {
			continue
		}
		tree.Search(f.rect(), func(i int) bool {
			if how, _ := first[i].meet(f); how == crossing {
				_, lat := first[i].crossingUnits(f)
				if lat > float64(box.MinLat) && lat < float64(box.MaxLat) {
					cuts = append(cuts, lat)
				}
			}
			return true
		})
	}
	return edges, cuts
}

// slabArea returns the square metres inside both sets between two latitudes.
func slabArea(active []slabEdge, low, high float64) float64 {
	mid := (low + high) / 2
	for i := range active {
		e := &active[i]
		e.low, e.mid, e.high = e.lonAt(low), e.lonAt(mid), e.lonAt(high)
	}
	slices.SortFunc(active, func(e, f slabEdge) int {
		switch {
		case e.mid < f.mid:
			return -1
		case e.mid > f.mid:
			return 1
		}
		return 0
	})
	var atLow, atMid, atHigh float64 // summed widths
	inFirst, inSecond := false, false
	for i, e := range active {
		if inFirst && inSecond {
			before := active[i-1]
			atLow += e.low - before.low
			atMid += e.mid - before.mid
			atHigh += e.high - before.high
		}
		if e.second {
			inSecond = !inSecond
		} else {
			inFirst = !inFirst
		}
	}
	// Simpson's rule over width times cos(lat).
	width := func(units, lat float64) float64 { return units * radiansPerUnit * math.Cos(lat*radiansPerUnit) }
	height := (high - low) * radiansPerUnit
	return height / 6 * (width(atLow, low) + 4*width(atMid, mid) + width(atHigh, high)) * EarthRadius * EarthRadius
}

func boundOf(edges []edge) Box {
	if len(edges) == 0 {
		return Box{}
	}
	bound := edges[0].rect()
	for _, e := range edges[1:] {
		bound = bound.Union(e.rect())
	}
	return bound
}

func compareInt(a, b int32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
