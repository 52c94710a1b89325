package geo

import "doorstep/auth/refusal"

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

// fault makes a refusal of this package: what is wrong with a point or a shape, and how to
// mend it. Its place is one in the JSON text, such as "features[2].geometry.coordinates[0][17]".
func fault(code, place, format string, args ...any) *refusal.Error {
	return refusal.New(refusal.Invalid, code, place, format, args...)
}

func faultAt(code, place string, at Point, format string, args ...any) *refusal.Error {
	e := fault(code, place, format, args...)
	e.At = &[2]float64{at.Lon, at.Lat}
	return e
}
