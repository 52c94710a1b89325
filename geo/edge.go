package geo

import "math"

// edge is one straight piece of a border on the E7 grid.
type edge struct {
	a, b E7
}

func (e edge) rect() Box {
	return Box{min(e.a.Lon, e.b.Lon), min(e.a.Lat, e.b.Lat), max(e.a.Lon, e.b.Lon), max(e.a.Lat, e.b.Lat)}
}

// side says on which side of the line from a to b the point p lies: 1 left,
// -1 right, 0 on it. It is exact: the products of two differences of int32
// coordinates fit an int64, their difference might not, so they are compared.
func side(a, b, p E7) int {
	l := (int64(b.Lon) - int64(a.Lon)) * (int64(p.Lat) - int64(a.Lat))
	r := (int64(b.Lat) - int64(a.Lat)) * (int64(p.Lon) - int64(a.Lon))
	switch {
	case l > r:
		return 1
	case l < r:
		return -1
	}
	return 0
}

// holds says whether p lies on the edge, ends included.
func (e edge) holds(p E7) bool {
	return e.rect().meets(Box{p.Lon, p.Lat, p.Lon, p.Lat}) && side(e.a, e.b, p) == 0
}

// meeting is how two edges meet.
type meeting int

const (
	apart    meeting = iota
	touching         // in one point, which is an end of at least one of them
	crossing         // in one point inside both
	sharing          // along a line
)

// meet says how e and f meet, and where: for sharing, an end of the shared line.
func (e edge) meet(f edge) (meeting, Point) {
	if !e.rect().meets(f.rect()) {
		return apart, Point{}
	}
	fa, fb := side(e.a, e.b, f.a), side(e.a, e.b, f.b)
	ea, eb := side(f.a, f.b, e.a), side(f.a, f.b, e.b)
	if fa*fb < 0 && ea*eb < 0 {
		return crossing, e.crossingWith(f)
	}
	var common []E7
	add := func(p E7, on bool) {
		if on && (len(common) == 0 || common[0] != p) {
			common = append(common, p)
		}
	}
	add(e.a, ea == 0 && f.holds(e.a))
	add(e.b, eb == 0 && f.holds(e.b))
	add(f.a, fa == 0 && e.holds(f.a))
	add(f.b, fb == 0 && e.holds(f.b))
	switch len(common) {
	case 0:
		return apart, Point{}
	case 1:
		return touching, common[0].Point()
	}
	return sharing, common[0].Point()
}

// crossingWith returns the point in which two edges cross, rounded to the grid.
func (e edge) crossingWith(f edge) Point {
	lon, lat := e.crossingUnits(f)
	return Point{Lon: math.Round(lon) / unitsPerDegree, Lat: math.Round(lat) / unitsPerDegree}
}

func (e edge) crossingUnits(f edge) (lon, lat float64) {
	ex, ey := float64(e.b.Lon)-float64(e.a.Lon), float64(e.b.Lat)-float64(e.a.Lat)
	fx, fy := float64(f.b.Lon)-float64(f.a.Lon), float64(f.b.Lat)-float64(f.a.Lat)
	dx, dy := float64(f.a.Lon)-float64(e.a.Lon), float64(f.a.Lat)-float64(e.a.Lat)
	t := (dx*fy - dy*fx) / (ex*fy - ey*fx)
	return float64(e.a.Lon) + t*ex, float64(e.a.Lat) + t*ey
}

// lonAt returns the longitude, in units, at which the edge passes latitude lat; the edge must not be level.
func (e edge) lonAt(lat float64) float64 {
	t := (lat - float64(e.a.Lat)) / (float64(e.b.Lat) - float64(e.a.Lat))
	return float64(e.a.Lon) + t*(float64(e.b.Lon)-float64(e.a.Lon))
}
