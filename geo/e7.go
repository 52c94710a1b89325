package geo

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/paulmach/orb"
)

const unitsPerDegree = 1e7

// E7 is a position in units of 1e-7 degrees, about one centimetre: the form
// that is stored and hashed, for nothing hashed may contain a float. Its JSON
// is two integers, [lon, lat].
type E7 struct {
	Lon, Lat int32
}

// E7 returns p rounded to the nearest 1e-7 degrees. The point must be in
// range (see Validate); coordinates that are not are cut to the range.
func (p Point) E7() E7 {
	return E7{Lon: toUnits(p.Lon, 180), Lat: toUnits(p.Lat, 90)}
}

// Point returns the position in degrees. Going back by Point.E7 gives the same E7.
func (e E7) Point() Point {
	return Point{Lon: float64(e.Lon) / unitsPerDegree, Lat: float64(e.Lat) / unitsPerDegree}
}

// Validate returns a *refusal.Error for a position out of range (CodePoint) or [0, 0] (CodeNullIsland).
func (e E7) Validate() error { return e.Point().Validate() }

// MarshalJSON writes two integers, [lon, lat].
func (e E7) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "[%d,%d]", e.Lon, e.Lat), nil
}

// UnmarshalJSON reads exactly two integers, [lon, lat], in range. A fraction
// or an exponent is a *refusal.Error: it would be degrees sent by mistake.
func (e *E7) UnmarshalJSON(data []byte) error {
	var numbers []*int32
	if err := json.Unmarshal(data, &numbers); err != nil || len(numbers) != 2 || numbers[0] == nil ||
		numbers[1] == nil {
		return fault(CodePoint, "", "expected a position of two integers in 1e-7 degrees, got %s", jsonKind(data))
	}
	read := E7{Lon: *numbers[0], Lat: *numbers[1]}
	if err := read.Point().validRange(""); err != nil {
		return err
	}
	*e = read
	return nil
}

// ShapeE7 is the stored form of a Shape: polygons of rings of positions.
type ShapeE7 [][][]E7

// E7 returns the stored form of s. Nothing is lost: a Shape's corners are on the grid.
func (s Shape) E7() ShapeE7 {
	stored := make(ShapeE7, len(s.polygons))
	for i, polygon := range s.polygons {
		stored[i] = make([][]E7, len(polygon))
		for j, ring := range polygon {
			stored[i][j] = make([]E7, len(ring))
			for k, position := range ring {
				stored[i][j][k] = FromOrb(position).E7()
			}
		}
	}
	return stored
}

// Shape checks the stored form as NewShape does.
func (stored ShapeE7) Shape() (Shape, error) {
	polygons := make(orb.MultiPolygon, len(stored))
	for i, polygon := range stored {
		polygons[i] = make(orb.Polygon, len(polygon))
		for j, ring := range polygon {
			polygons[i][j] = make(orb.Ring, len(ring))
			for k, position := range ring {
				polygons[i][j][k] = position.Point().Orb()
			}
		}
	}
	return NewShape(polygons)
}

func toUnits(degrees, limit float64) int32 {
	if math.IsNaN(degrees) {
		return 0
	}
	return int32(math.Round(math.Max(-limit, math.Min(limit, degrees)) * unitsPerDegree))
}
