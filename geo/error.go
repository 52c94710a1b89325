package geo

import "fmt"

// Codes of the errors of this package. They are stable: an answer to a phone
// or a supervisor's page may be told apart by them.
const (
	// CodePoint is a point that is not on Earth: not finite, out of range, or
	// not written as [lon, lat].
	CodePoint = "geo.point"
	// CodeNullIsland is the point [0, 0], which stands for a missing position.
	CodeNullIsland = "geo.null_island"
	// CodeDatum is a datum other than wgs84 and gcj02.
	CodeDatum = "geo.datum"
	// CodeJSON is text that is not JSON, or not the GeoJSON expected here.
	CodeJSON = "geo.json"
	// CodeCRS is a GeoJSON text that declares coordinates other than WGS 84.
	CodeCRS = "geo.crs"
	// CodeGeometryType is a geometry that is neither Polygon nor MultiPolygon.
	CodeGeometryType = "geo.geometry_type"
	// CodeEmpty is a shape, polygon or collection without content.
	CodeEmpty = "geo.empty"
	// CodeRingOpen is a ring whose last position differs from its first.
	CodeRingOpen = "geo.ring_open"
	// CodeRingShort is a ring of fewer than four positions, or fewer than three distinct ones.
	CodeRingShort = "geo.ring_short"
	// CodeZeroArea is a ring that encloses nothing.
	CodeZeroArea = "geo.zero_area"
	// CodeCrossing is a border that crosses or touches itself, or another border of its polygon.
	CodeCrossing = "geo.crossing"
	// CodeHole is a hole outside its shell or overlapping another hole.
	CodeHole = "geo.hole"
	// CodeOverlap is a shape whose own polygons overlap one another.
	CodeOverlap = "geo.parts_overlap"
	// CodeAntimeridian is a border that crosses the 180th meridian.
	CodeAntimeridian = "geo.antimeridian"
	// CodeTooLarge is more than MaxVertices, MaxFeatures or MaxFeatureBytes.
	CodeTooLarge = "geo.too_large"
	// CodeID is a territory without an id, or with one that is neither text nor a number.
	CodeID = "geo.id"
	// CodeDuplicateID is one id used by two territories.
	CodeDuplicateID = "geo.duplicate_id"
)

// Error says what is wrong with a point or shape, where, and how to mend it.
type Error struct {
	// Path is the place in the JSON text, such as
	// "features[2].geometry.coordinates[0][17]"; empty for the whole.
	Path string
	// At is the place on the map, where the fault has one.
	At *Point
	// Msg says what is wrong and what to do about it.
	Msg string

	code string
}

// Code returns the stable code of the error, such as "geo.ring_open".
func (e *Error) Code() string { return e.code }

// Error returns path and message in one line.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Msg
	}
	return e.Path + ": " + e.Msg
}

func fault(code, path, format string, args ...any) *Error {
	return &Error{code: code, Path: path, Msg: fmt.Sprintf(format, args...)}
}

func faultAt(code, path string, at Point, format string, args ...any) *Error {
	e := fault(code, path, format, args...)
	e.At = &at
	return e
}

// under returns the error with its path put below prefix.
func (e *Error) under(prefix string) *Error {
	moved := *e
	switch {
	case e.Path == "":
		moved.Path = prefix
	case prefix == "" || e.Path[0] == '[':
		moved.Path = prefix + e.Path
	default:
		moved.Path = prefix + "." + e.Path
	}
	return &moved
}
