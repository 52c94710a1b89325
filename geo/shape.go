package geo

import (
	"encoding/json"
	"fmt"

	"github.com/paulmach/orb"
)

// MaxVertices is the most positions a Shape may have, all rings together.
const MaxVertices = 20_000

// leastArea is the square metres below which an area counts as rounding.
const leastArea = 1.0

// Shape is a checked area: one or more polygons with holes, which do not cross
// themselves or each other, on the E7 grid. Shells run counterclockwise and
// holes clockwise. The zero Shape is empty and contains nothing. A Shape never
// changes and may be used by many goroutines.
type Shape struct {
	polygons orb.MultiPolygon
	edges    []edge
	tree     BoxTree
}

// NewShape checks polygons and returns them as a Shape: corners rounded to
// 1e-7 degrees, repeated positions dropped, rings turned the right way round.
// Anything else that is wrong is a *refusal.Error whose Place is a place below
// "coordinates" of a GeoJSON MultiPolygon.
func NewShape(polygons orb.MultiPolygon) (Shape, error) {
	return newShape(polygons, func(polygon, ring, position int) string {
		return fmt.Sprintf("coordinates[%d]", polygon) + indices(ring, position)
	})
}

// MultiPolygon returns a copy of the corners.
func (s Shape) MultiPolygon() orb.MultiPolygon { return s.polygons.Clone() }

// Bound returns the smallest box that holds the shape.
func (s Shape) Bound() orb.Bound { return s.polygons.Bound() }

// Empty reports whether s is the zero Shape.
func (s Shape) Empty() bool { return len(s.polygons) == 0 }

// Vertices returns the number of positions, the closing ones included.
func (s Shape) Vertices() int {
	n := 0
	for _, polygon := range s.polygons {
		for _, ring := range polygon {
			n += len(ring)
		}
	}
	return n
}

// Area returns the square metres of the shape on the sphere of EarthRadius.
func (s Shape) Area() float64 {
	var area float64
	for _, polygon := range s.polygons {
		for _, ring := range polygon {
			area += ringArea(onGrid(ring)) // holes run clockwise and count negative
		}
	}
	return area
}

// Contains reports whether p, rounded to 1e-7 degrees, lies in the shape. The border of
// the shape and of its holes belongs to it. The answer is exact.
func (s Shape) Contains(p Point) bool {
	if s.Empty() || p.validRange("") != nil {
		return false
	}
	return s.contains(p.E7())
}

func (s Shape) contains(at E7) bool {
	inside, onBorder := false, false
	// Count the edges passed on the way east.
	ray := Box{MinLon: at.Lon, MinLat: at.Lat, MaxLon: 180 * unitsPerDegree, MaxLat: at.Lat}
	s.tree.Search(ray, func(i int) bool {
		e := s.edges[i]
		if e.holds(at) {
			onBorder = true
			return false
		}
		if (e.a.Lat > at.Lat) != (e.b.Lat > at.Lat) {
			lower, upper := e.a, e.b
			if lower.Lat > upper.Lat {
				lower, upper = upper, lower
			}
			if side(lower, upper, at) > 0 {
				inside = !inside
			}
		}
		return true
	})
	return inside || onBorder
}

// OverlapArea returns the square metres that lie in both shapes.
func (s Shape) OverlapArea(t Shape) float64 { return overlapArea(s.edges, t.edges) }

// MarshalJSON writes a GeoJSON geometry: a Polygon, or a MultiPolygon of
// several; null for the zero Shape.
func (s Shape) MarshalJSON() ([]byte, error) {
	type geometry struct {
		Type        string `json:"type"`
		Coordinates any    `json:"coordinates"`
	}
	switch len(s.polygons) {
	case 0:
		return []byte("null"), nil
	case 1:
		return json.Marshal(geometry{"Polygon", s.polygons[0]})
	}
	return json.Marshal(geometry{"MultiPolygon", s.polygons})
}

// UnmarshalJSON reads a GeoJSON geometry as ParseShape does.
func (s *Shape) UnmarshalJSON(data []byte) error {
	read, err := ParseShape(data)
	if err != nil {
		return err
	}
	*s = read
	return nil
}

func indices(numbers ...int) string {
	text := ""
	for _, n := range numbers {
		if n < 0 {
			break
		}
		text += fmt.Sprintf("[%d]", n)
	}
	return text
}

func onGrid(ring orb.Ring) []E7 {
	grid := make([]E7, len(ring))
	for i, position := range ring {
		grid[i] = FromOrb(position).E7()
	}
	return grid
}
