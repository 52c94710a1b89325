package geo

import "math"

// Datum is the frame in which a position was measured.
type Datum string

const (
	// WGS84 is the frame of GPS, OpenStreetMap and GeoJSON, and of everything kept here.
	WGS84 Datum = "wgs84"
	// GCJ02 is the shifted frame that mainland-Chinese maps and phones must use;
	// it lies 50 to 700 metres from WGS 84 there, and equals it elsewhere.
	GCJ02 Datum = "gcj02"
)

// ParseDatum reads "wgs84" or "gcj02"; empty means WGS84. Anything else is an
// *refusal.Error with CodeDatum.
func ParseDatum(text string) (Datum, error) {
	switch d := Datum(text); d {
	case "":
		return WGS84, nil
	case WGS84, GCJ02:
		return d, nil
	}
	return "", fault(CodeDatum, "", "unknown datum: write wgs84 or gcj02")
}

// ToWGS84 returns p, measured in d, in WGS 84. A GCJ-02 point in mainland
// China is shifted back, to within a centimetre of the published forward
// formula; one outside is left as it is, because map services do not shift it
// there (see InMainlandChina).
func ToWGS84(p Point, d Datum) Point {
	if d != GCJ02 || !InMainlandChina(p) {
		return p
	}
	// The shift changes slowly, so guessing by the shift at the last guess
	// gains two digits a turn; six turns are far below a millimetre.
	guess := p
	for range 6 {
		shift := gcjShift(guess)
		guess = Point{Lon: p.Lon - shift.Lon, Lat: p.Lat - shift.Lat}
	}
	return guess
}

// ToGCJ02 returns the WGS 84 point p as mainland-Chinese maps show it; a
// point outside mainland China is left as it is.
func ToGCJ02(p Point) Point {
	if !InMainlandChina(p) {
		return p
	}
	shift := gcjShift(p)
	return Point{Lon: p.Lon + shift.Lon, Lat: p.Lat + shift.Lat}
}

// InMainlandChina reports whether GCJ-02 shifts positions at p.
//
// The oldest converters ask only whether p is in the box 72.004–137.8347° E,
// 0.8293–55.8271° N, in which Seoul, Hanoi and Taipei lie too. This is the
// finer test of later converters: six rectangles that cover the country less
// six that hold Taiwan and border lands of Vietnam, Laos, Mongolia and Russia.
// Hong Kong and Macao count as inside, since Chinese map services shift them
// as well. The rectangles are rough at the borders: strips of neighbouring
// countries, much of Nepal and Kashmir among them, count as inside, so data
// from there must not be tagged gcj02.
func InMainlandChina(p Point) bool {
	for _, in := range chinaBoxes {
		if !in.holds(p) {
			continue
		}
		for _, out := range notChinaBoxes {
			if out.holds(p) {
				return false
			}
		}
		return true
	}
	return false
}

// box is a rectangle of degrees: west, south, east, north.
type box [4]float64

func (b box) holds(p Point) bool {
	return p.Lon >= b[0] && p.Lat >= b[1] && p.Lon <= b[2] && p.Lat <= b[3]
}

var chinaBoxes = [...]box{
	{79.4462, 42.8899, 96.33, 49.2204},
	{109.6872, 39.3742, 135.0002, 54.1415},
	{73.1246, 29.5297, 124.143255, 42.8899},
	{82.9684, 26.7186, 97.0352, 29.5297},
	{97.0253, 20.414096, 124.367395, 29.5297},
	{107.975793, 17.871542, 111.744104, 20.414096},
}

var notChinaBoxes = [...]box{
	{119.921265, 21.785006, 122.497559, 25.398623},
	{101.8652, 20.0988, 106.665, 22.284},
	{106.4525, 20.4878, 108.051, 21.5422},
	{109.0323, 50.3257, 119.127, 55.8175},
	{127.4568, 49.5574, 137.0227, 55.8175},
	{131.2662, 42.5692, 137.0227, 44.8922},
}

// gcjShift returns how far GCJ-02 lies from the WGS 84 point p, in degrees:
// the published formula on the Krasovsky 1940 ellipsoid.
func gcjShift(p Point) Point {
	const (
		axis         = 6378245.0
		eccentricity = 0.00669342162296594323 // squared
	)
	x, y := p.Lon-105, p.Lat-35
	wave := func(amplitude, argument float64) float64 { return amplitude * math.Sin(argument*math.Pi) }
	common := 2.0 / 3 * (wave(20, 6*x) + wave(20, 2*x))
	north := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*math.Sqrt(math.Abs(x)) + common +
		2.0/3*(wave(20, y)+wave(40, y/3)) + 2.0/3*(wave(160, y/12)+wave(320, y/30))
	east := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*math.Sqrt(math.Abs(x)) + common +
		2.0/3*(wave(20, x)+wave(40, x/3)) + 2.0/3*(wave(150, x/12)+wave(300, x/30))

	lat := p.Lat * math.Pi / 180
	w := 1 - eccentricity*math.Sin(lat)*math.Sin(lat)
	meridian := axis * (1 - eccentricity) / (w * math.Sqrt(w))
	parallel := axis / math.Sqrt(w) * math.Cos(lat)
	return Point{Lon: east / parallel * 180 / math.Pi, Lat: north / meridian * 180 / math.Pi}
}
