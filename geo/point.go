package geo

import (
	"encoding/json"
	"math"
	"strconv"

	"doorstep/auth/refusal"

	"github.com/paulmach/orb"
)

// EarthRadius is the mean radius of the Earth in metres (IUGG R1), the radius
// of every distance and area in this package.
const EarthRadius = 6371008.8

// Point is a position in degrees, WGS 84 unless a Datum beside it says
// otherwise. Its JSON is [lon, lat].
//
// It prints its coordinates. The home of a person is never kept in a Point but in the
// type of sync/seal, which redacts itself.
type Point struct {
	Lon, Lat float64
}

// FromOrb returns the point of an orb.Point.
func FromOrb(p orb.Point) Point { return Point{Lon: p[0], Lat: p[1]} }

// Orb returns p as an orb.Point.
func (p Point) Orb() orb.Point { return orb.Point{p.Lon, p.Lat} }

// Validate returns a *refusal.Error if p is not a place that can be visited: a coordinate is not
// a number or out of range (CodePoint), or p is exactly [0, 0] (CodeNullIsland). That
// point lies in the Gulf of Guinea, 600 km from land, and nearly always means that a form
// was empty or that geocoding failed.
func (p Point) Validate() error {
	if err := p.validRange(""); err != nil {
		return err
	}
	if p.Lon == 0 && p.Lat == 0 {
		return faultAt(CodeNullIsland, "", p, "the point [0, 0] lies in the open sea and usually stands for a "+
			"missing position: give the real position, or leave it out")
	}
	return nil
}

func (p Point) validRange(path string) *refusal.Error {
	for _, v := range []float64{p.Lon, p.Lat} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fault(CodePoint, path, "a coordinate is not a finite number")
		}
	}
	switch {
	case math.Abs(p.Lat) > 90 && math.Abs(p.Lat) <= 180 && math.Abs(p.Lon) <= 90:
		return fault(CodePoint, path, "latitude %s is beyond 90 degrees: the order is [lon, lat], the two look swapped",
			degrees(p.Lat))
	case math.Abs(p.Lat) > 90:
		return fault(CodePoint, path, "latitude %s is out of range -90 to 90 (the order is [lon, lat], in degrees)",
			degrees(p.Lat))
	case math.Abs(p.Lon) > 180:
		return fault(CodePoint, path, "longitude %s is out of range -180 to 180 (the order is [lon, lat], in degrees)",
			degrees(p.Lon))
	}
	return nil
}

// DistanceTo returns the metres from p to q along the great circle on a sphere
// of EarthRadius (haversine; at most 0.5 % from the ellipsoid's).
func (p Point) DistanceTo(q Point) float64 {
	const rad = math.Pi / 180
	sinLat := math.Sin((q.Lat - p.Lat) * rad / 2)
	sinLon := math.Sin((q.Lon - p.Lon) * rad / 2)
	h := sinLat*sinLat + math.Cos(p.Lat*rad)*math.Cos(q.Lat*rad)*sinLon*sinLon
	return 2 * EarthRadius * math.Asin(math.Sqrt(math.Min(1, h)))
}

// String returns "lon,lat" in degrees, as map services take it.
func (p Point) String() string { return degrees(p.Lon) + "," + degrees(p.Lat) }

// MarshalJSON writes [lon, lat]. A point that is not finite is an error.
func (p Point) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]float64{p.Lon, p.Lat})
}

// UnmarshalJSON reads [lon, lat] or [lon, lat, altitude]; the altitude is
// dropped. A point out of range is a *refusal.Error; [0, 0] is left to Validate.
func (p *Point) UnmarshalJSON(data []byte) error {
	read, err := readPosition(data, "")
	if err != nil {
		return err
	}
	*p = read
	return nil
}

// readPosition reads a GeoJSON position and checks its range.
func readPosition(data []byte, path string) (Point, *refusal.Error) {
	var numbers []*float64
	if err := json.Unmarshal(data, &numbers); err != nil {
		return Point{}, fault(CodePoint, path, "expected a position [lon, lat] of two numbers, got %s", jsonKind(data))
	}
	if len(numbers) < 2 || len(numbers) > 3 {
		return Point{}, fault(CodePoint, path, "expected a position [lon, lat] of two numbers, got %d", len(numbers))
	}
	for _, n := range numbers {
		if n == nil {
			return Point{}, fault(CodePoint, path, "expected a position [lon, lat] of two numbers, got %s",
				jsonKind(data))
		}
	}
	p := Point{Lon: *numbers[0], Lat: *numbers[1]}
	if err := p.validRange(path); err != nil {
		return Point{}, err
	}
	return p, nil
}

func degrees(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// jsonKind names the kind of an unexpected JSON value. It does not repeat the value, which
// may be about a person.
func jsonKind(data []byte) string {
	if len(data) == 0 {
		return "nothing"
	}
	switch data[0] {
	case '"':
		return "a text"
	case '[':
		return "a list"
	case '{':
		return "an object"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
