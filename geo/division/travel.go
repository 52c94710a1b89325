package division

import (
	"cmp"
	"math"
	"slices"

	"doorstep/geo"
)

// Legs estimates for each place the metres of travel to the next stop of a route: where
// doors are sparse, a visit costs more time. share is the share of the doors that is
// visited on one day, above 0 and at most 1.
//
// A shortest tour of many points spread over an area takes about
// 0.7124·√(area per point) a leg (Beardwood, Halton and Hammersley 1959, with the
// constant of Applegate and others); streets make it a third longer. The
// density is taken from the eight to fifteen doors around.
func Legs(places []geo.Point, share float64) []float64 {
	legs := make([]float64, len(places))
	if len(places) < 2 {
		return legs
	}
	plane := planeAt(places[0])
	type spot struct {
		x, y  float64
		index int
	}
	spots := make([]spot, len(places))
	for i, p := range places {
		x, y := plane.of(p)
		spots[i] = spot{x, y, i}
	}
	var halve func(spots []spot)
	halve = func(spots []spot) {
		west, south, east, north := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
		for _, p := range spots {
			west, south, east, north = min(west, p.x), min(south, p.y), max(east, p.x), max(north, p.y)
		}
		if len(spots) < 16 {
			// n doors fill a box that is wider than the one about them by the n-th part.
			n := float64(len(spots))
			area := (east - west) * (north - south) * (n + 1) * (n + 1) / max(1, (n-1)*(n-1))
			for _, p := range spots {
				legs[p.index] = 0.7124 * 1.3 * math.Sqrt(area/n/share)
			}
			return
		}
		wide := east-west > north-south
		slices.SortFunc(spots, func(p, q spot) int {
			if wide {
				return cmp.Or(cmp.Compare(p.x, q.x), cmp.Compare(p.y, q.y), cmp.Compare(p.index, q.index))
			}
			return cmp.Or(cmp.Compare(p.y, q.y), cmp.Compare(p.x, q.x), cmp.Compare(p.index, q.index))
		})
		halve(spots[:len(spots)/2])
		halve(spots[len(spots)/2:])
	}
	halve(spots)
	return legs
}
