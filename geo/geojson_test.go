package geo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"doorstep/auth/refusal"
)

// polygonText writes a Polygon of rings of whole numbers, each "x y" pair in thousandths of a degree.
func polygonText(rings ...string) string {
	return `{"type":"Polygon","coordinates":` + ringsText(rings...) + `}`
}

func multiPolygonText(polygons ...string) string {
	return `{"type":"MultiPolygon","coordinates":[` + strings.Join(polygons, ",") + `]}`
}

func ringsText(rings ...string) string {
	var texts []string
	for _, ring := range rings {
		var positions []string
		for _, pair := range strings.Split(ring, ",") {
			var x, y float64
			fmt.Sscan(pair, &x, &y)
			positions = append(positions, fmt.Sprintf("[%v,%v]", x/1000, y/1000))
		}
		texts = append(texts, "["+strings.Join(positions, ",")+"]")
	}
	return "[" + strings.Join(texts, ",") + "]"
}

const square = "0 0, 10 0, 10 10, 0 10, 0 0"

func mustParse(t testing.TB, text string) Shape {
	t.Helper()
	s, err := ParseShape(json.RawMessage(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func TestShapesThatAreFineAreRead(t *testing.T) {
	for _, c := range []struct {
		name, text string
		units      float64 // area in squares of a thousandth of a degree
	}{
		{"a square", polygonText(square), 100},
		{"a square the wrong way round", polygonText("0 0, 0 10, 10 10, 10 0, 0 0"), 100},
		{"repeated corners", polygonText("0 0, 0 0, 10 0, 10 10, 10 10, 0 10, 0 0"), 100},
		{"corners in a straight line", polygonText("0 0, 5 0, 10 0, 10 10, 0 10, 0 0"), 100},
		{"a hole", polygonText(square, "2 2, 2 4, 4 4, 4 2, 2 2"), 96},
		{"a hole that touches the outer ring in a corner", polygonText(square, "0 0, 3 1, 1 3, 0 0"), 96},
		{"two holes that touch in a point", polygonText(square, "2 2, 4 2, 4 4, 2 4, 2 2", "4 4, 6 4, 6 6, 4 6, 4 4"),
			92},
		{"two polygons side by side", multiPolygonText(ringsText(square), ringsText("10 0, 20 0, 20 10, 10 10, 10 0")),
			200},
		{"a polygon in the hole of another",
			multiPolygonText(ringsText("0 0, 10 0, 10 10, 0 10, 0 0", "2 2, 8 2, 8 8, 2 8, 2 2"),
				ringsText("3 3, 5 3, 5 5, 3 5, 3 3")), 68},
		{"altitudes and foreign members", `{"type":"Polygon","bbox":[0,0,1,1],"coordinates":[[[0,0,5],[0.01,0,5],` +
			`[0.01,0.01,5],[0,0.01,5],[0,0,5]]]}`, 100},
		{"declared as WGS 84 in the older way", `{"type":"Polygon","crs":{"type":"name",` +
			`"properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}},"coordinates":` + ringsText(square) + `}`, 100},
	} {
		s, err := ParseShape(json.RawMessage(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		unit := math.Pow(EarthRadius*math.Pi/180/1000, 2)
		if got := s.Area() / unit; math.Abs(got-c.units) > 0.001 {
			t.Errorf("%s: area %.4f, want %v", c.name, got, c.units)
		}
		// What is written is read back as the same, and the stored form too.
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if back := mustParse(t, string(text)); fmt.Sprint(back.E7()) != fmt.Sprint(s.E7()) {
			t.Errorf("%s: comes back as %s", c.name, text)
		}
		if back, err := s.E7().Shape(); err != nil || fmt.Sprint(back.E7()) != fmt.Sprint(s.E7()) {
			t.Errorf("%s: stored, it comes back as %v, %v", c.name, back.E7(), err)
		}
	}
}

func TestShapesThatAreWrongAreRefusedWithThePlace(t *testing.T) {
	many := strings.Repeat("0 0, 1 1, ", MaxVertices/2)
	for _, c := range []struct {
		name, text, code, path string
	}{
		{"nothing", `null`, CodeEmpty, ""},
		{"no JSON", `{"type":"Polygon",`, CodeJSON, ""},
		{"a list", `[1,2]`, CodeJSON, ""},
		{"no type", `{"coordinates":[]}`, CodeJSON, "type"},
		{"a line", `{"type":"LineString","coordinates":[[0,0],[1,1]]}`, CodeGeometryType, "type"},
		{"a feature", `{"type":"Feature","geometry":null}`, CodeGeometryType, "type"},
		{"no coordinates", `{"type":"Polygon"}`, CodeEmpty, "coordinates"},
		{"no rings", `{"type":"Polygon","coordinates":[]}`, CodeEmpty, "coordinates"},
		{"no polygons", `{"type":"MultiPolygon","coordinates":[]}`, CodeEmpty, "coordinates"},
		{"an empty polygon", `{"type":"MultiPolygon","coordinates":[` + ringsText(square) + `,[]]}`, CodeEmpty,
			"coordinates[1]"},
		{"an empty ring", `{"type":"Polygon","coordinates":[[]]}`, CodeRingShort, "coordinates[0]"},
		{"one level too few", `{"type":"Polygon","coordinates":[[0,0],[1,1]]}`, CodePoint, "coordinates[0][0]"},
		{"a ring that is a number", `{"type":"Polygon","coordinates":[5]}`, CodeJSON, "coordinates[0]"},
		{"a position of text", `{"type":"Polygon","coordinates":[[[0,0],["1",1],[1,0],[0,0]]]}`, CodePoint,
			"coordinates[0][1]"},
		{"latitude first", polygonText("0 0, 10 0, 10000 120000, 0 10, 0 0"), CodePoint, "coordinates[0][2]"},
		{"another system of coordinates", `{"type":"Polygon","crs":{"type":"name",` +
			`"properties":{"name":"urn:ogc:def:crs:EPSG::3857"}},"coordinates":[]}`, CodeCRS, "crs"},
		{"three positions", polygonText("0 0, 10 0, 0 0"), CodeRingShort, "coordinates[0]"},
		{"two corners, repeated", polygonText("0 0, 10 0, 10 0, 0 0"), CodeRingShort, "coordinates[0]"},
		{"an open ring", polygonText("0 0, 10 0, 10 10, 0 10"), CodeRingOpen, "coordinates[0][3]"},
		{"a flat ring", polygonText("0 0, 10 0, 20 0, 0 0"), CodeZeroArea, "coordinates[0]"},
		{"a bow tie", polygonText("0 0, 10 10, 10 0, 0 10, 0 0"), CodeCrossing, "coordinates[0][2]"},
		{"a bow tie in the second polygon", multiPolygonText(ringsText(square),
			ringsText("20 0, 30 10, 30 0, 20 12, 20 0")), CodeCrossing, "coordinates[1][0][0]"},
		{"a spike", polygonText("0 0, 10 0, 10 10, 10 15, 10 10, 0 10, 0 0"), CodeCrossing, "coordinates[0][1]"},
		{"a ring that touches itself", polygonText("0 0, 10 0, 5 5, 10 10, 0 10, 5 5, 0 0"), CodeCrossing,
			"coordinates[0][1]"},
		{"a hole that crosses the border", polygonText(square, "5 5, 15 5, 15 6, 5 6, 5 5"), CodeCrossing,
			"coordinates[0][1]"},
		{"a hole along the border", polygonText(square, "2 0, 4 0, 4 2, 2 2, 2 0"), CodeCrossing, "coordinates[0][0]"},
		{"a hole elsewhere", polygonText(square, "20 0, 30 0, 30 10, 20 10, 20 0"), CodeHole, "coordinates[1]"},
		{"a hole in a hole", polygonText(square, "2 2, 8 2, 8 8, 2 8, 2 2", "4 4, 6 4, 6 6, 4 6, 4 4"), CodeHole,
			"coordinates[2]"},
		{"two polygons that cross", multiPolygonText(ringsText(square), ringsText("5 5, 15 5, 15 15, 5 15, 5 5")),
			CodeOverlap, "coordinates[0][0][1]"},
		{"a polygon in another", multiPolygonText(ringsText(square), ringsText("2 2, 4 2, 4 4, 2 4, 2 2")), CodeOverlap,
			"coordinates[1]"},
		{"the same polygon twice", multiPolygonText(ringsText(square), ringsText(square)), CodeOverlap,
			"coordinates[1]"},
		{"across the 180th meridian", polygonText("179000 0, -179000 0, -179000 10, 179000 10, 179000 0"),
			CodeAntimeridian, "coordinates[0][1]"},
		{"too many positions", polygonText(many + "0 0"), CodeTooLarge, fmt.Sprintf("coordinates[0][%d]", MaxVertices)},
	} {
		_, err := ParseShape(json.RawMessage(c.text))
		var e *refusal.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if e.Code() != c.code || e.Place != c.path {
			t.Errorf("%s: %s at %q, want %s at %q (%v)", c.name, e.Code(), e.Place, c.code, c.path, e)
		}
	}
}

func TestCrossingSaysWhereOnTheMap(t *testing.T) {
	_, err := ParseShape(json.RawMessage(polygonText("0 0, 10 10, 10 0, 0 10, 0 0")))
	var e *refusal.Error
	if !errors.As(err, &e) || e.At == nil || *e.At != [2]float64{0.005, 0.005} {
		t.Fatalf("%#v", err)
	}
	if !strings.Contains(e.Error(), "0.005,0.005") || !strings.Contains(e.Error(), "coordinates[0][0]") {
		t.Errorf("%q names neither the place nor the other edge", e)
	}
}

func FuzzParseShape(f *testing.F) {
	for _, text := range []string{
		polygonText(square), polygonText(square, "2 2, 2 4, 4 4, 4 2, 2 2"), polygonText("0 0, 10 10, 10 0, 0 10, 0 0"),
		multiPolygonText(ringsText(square), ringsText("10 0, 20 0, 20 10, 10 10, 10 0")),
		`{"type":"Polygon","coordinates":[[]]}`, `{"type":"MultiPolygon","coordinates":[[]]}`, `null`, `[[[`,
		`{"type":"Polygon","coordinates":[[[180,90],[-180,90],[-180,-90],[180,-90],[180,90]]]}`,
		`{"type":"Polygon","crs":7,"coordinates":[[[0,0],[1e-8,0],[0,1e-8],[0,0]]]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseShape(json.RawMessage(text))
		if err != nil {
			codeOf(t, err)
			return
		}
		if s.Empty() || s.Area() <= 0 {
			t.Fatalf("%s is taken for a shape of %v m²", text, s.Area())
		}
		again, err := s.E7().Shape()
		if err != nil || fmt.Sprint(again.E7()) != fmt.Sprint(s.E7()) {
			t.Fatalf("%s, stored, comes back as %v, %v", text, again.E7(), err)
		}
		if common := s.OverlapArea(s); math.Abs(common-s.Area()) > 1e-6*s.Area()+0.01 {
			t.Fatalf("%s: %v m² in common with itself, of %v", text, common, s.Area())
		}
		for _, polygon := range s.MultiPolygon() {
			for _, ring := range polygon {
				if !s.Contains(FromOrb(ring[0])) {
					t.Fatalf("%s does not hold its corner %v", text, ring[0])
				}
			}
		}
	})
}
