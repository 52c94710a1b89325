package geo

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTerritoriesAreReadFromAFeatureCollection(t *testing.T) {
	text := `{"type":"FeatureCollection","name":"export","features":[
		{"type":"Feature","id":"north","properties":{"name":"Norte","team":3,"id":"ignored"},
			"geometry":` + polygonText(square) + `},
		{"type":"Feature","id":17,"properties":null,"geometry":` + polygonText("20 0, 30 0, 30 10, 20 10, 20 0") + `},
		{"type":"Feature","properties":{"id":9007199254740993},
			"geometry":` + polygonText("40 0, 50 0, 50 10, 40 10, 40 0") + `}]}`
	features, err := ReadFeatures(strings.NewReader("\ufeff" + text))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"north", "17", "9007199254740993"} {
		f := features[i]
		if f.Err != nil || f.ID != want || f.Index != i || f.Shape.Empty() {
			t.Errorf("feature %d: %+v", i, f)
		}
	}
	if f := features[0]; f.Name != "Norte" || f.Properties["team"] != json.Number("3") {
		t.Errorf("properties: %+v", f)
	}
}

func TestOneFeatureIsReadByItself(t *testing.T) {
	features, err := ReadFeatures(strings.NewReader(`{"type":"Feature","id":"north","properties":{},"geometry":` +
		polygonText(square) + `}`))
	if err != nil || len(features) != 1 || features[0].ID != "north" || features[0].Err != nil {
		t.Errorf("%+v, %v", features, err)
	}
}

func TestBadFeaturesDoNotSpoilGoodOnes(t *testing.T) {
	good := `{"type":"Feature","id":"good","properties":{},"geometry":` + polygonText(square) + `}`
	for _, c := range []struct{ name, feature, code, path string }{
		{"crossing itself", `{"type":"Feature","id":"x","geometry":` + polygonText("0 0, 10 10, 10 0, 0 12, 0 0") + `}`,
			CodeCrossing, "features[1].geometry.coordinates[0][0]"},
		{"across the 180th meridian", `{"type":"Feature","id":"x","geometry":` +
			polygonText("179000 0, -179000 0, -179000 10, 179000 0") + `}`, CodeAntimeridian,
			"features[1].geometry.coordinates[0][1]"},
		{"no geometry", `{"type":"Feature","id":"x","geometry":null}`, CodeEmpty, "features[1].geometry"},
		{"a point", `{"type":"Feature","id":"x","geometry":{"type":"Point","coordinates":[1,2]}}`, CodeGeometryType,
			"features[1].geometry.type"},
		{"no id", `{"type":"Feature","properties":{"name":"x"},"geometry":` + polygonText(square) + `}`, CodeID,
			"features[1].id"},
		{"an empty id", `{"type":"Feature","id":"","geometry":` + polygonText(square) + `}`, CodeID, "features[1].id"},
		{"an id with a fraction", `{"type":"Feature","id":7.5,"geometry":` + polygonText(square) + `}`, CodeID,
			"features[1].id"},
		{"a property id with a fraction", `{"type":"Feature","properties":{"id":7.5},"geometry":` + polygonText(square) + `}`,
			CodeID, "features[1].properties.id"},
		{"an id that is a list", `{"type":"Feature","id":[1],"geometry":` + polygonText(square) + `}`, CodeID,
			"features[1].id"},
		{"the id of another", `{"type":"Feature","id":"good","geometry":` + polygonText(square) + `}`, CodeDuplicateID,
			"features[1].id"},
		{"properties that are a list", `{"type":"Feature","id":"x","properties":[1],"geometry":` + polygonText(square) +
			`}`, CodeJSON, "features[1].properties"},
		{"a bare geometry", polygonText(square), CodeJSON, "features[1].type"},
		{"a number", `7`, CodeJSON, "features[1]"},
	} {
		features, err := ReadFeatures(strings.NewReader(`{"type":"FeatureCollection","features":[` + good + `,` +
			c.feature + `,` + strings.ReplaceAll(good, "good", "also good") + `]}`))
		if err != nil || len(features) != 3 {
			t.Errorf("%s: %d features, %v", c.name, len(features), err)
			continue
		}
		if features[0].Err != nil || features[2].Err != nil {
			t.Errorf("%s: spoils the others: %v, %v", c.name, features[0].Err, features[2].Err)
		}
		if e := features[1].Err; e == nil || e.Code() != c.code || e.Place != c.path {
			t.Errorf("%s: %v, want %s at %s", c.name, e, c.code, c.path)
		}
	}
}

func TestTextsThatAreNoCollectionAreRefused(t *testing.T) {
	for _, c := range []struct{ name, text, code, says string }{
		{"nothing", ``, CodeJSON, "JSON"},
		{"cut off", `{"type":"FeatureCollection","features":[`, CodeJSON, "byte 40"},
		{"two documents", `{"type":"Feature"} {}`, CodeJSON, "byte 20"},
		{"a geometry", polygonText(square), CodeJSON, "Polygon"},
		{"no type", `{}`, CodeJSON, "without a type"},
		{"a list", `[]`, CodeJSON, "array"},
		{"features that are an object", `{"type":"FeatureCollection","features":{}}`, CodeJSON, "features"},
		{"no features", `{"type":"FeatureCollection","features":[]}`, CodeEmpty, "no features"},
		{"projected", `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:3857"}},` +
			`"features":[]}`, CodeCRS, "EPSG:4326"},
		{"too many", `{"type":"FeatureCollection","features":[` + strings.Repeat("0,", MaxFeatures) + `0]}`,
			CodeTooLarge, "10001 features"},
		{"too long", strings.Repeat(" ", MaxFeatureBytes+1), CodeTooLarge, "64 MiB"},
	} {
		_, err := ReadFeatures(strings.NewReader(c.text))
		if codeOf(t, err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	broken := errors.New("the line went dead")
	if _, err := ReadFeatures(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a reader's error becomes %v", err)
	}
}

func FuzzReadFeatures(f *testing.F) {
	good := `{"type":"Feature","id":"a","properties":{"name":"A"},"geometry":` + polygonText(square) + `}`
	for _, text := range []string{good, `{"type":"FeatureCollection","features":[` + good + `,null,` + good + `]}`,
		`{"type":"FeatureCollection","crs":[]}`, `{"type":"Feature","id":{},"properties":3}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		features, err := ReadFeatures(bytes.NewReader(text))
		if err != nil {
			codeOf(t, err)
			return
		}
		var areas []Area
		for i, f := range features {
			switch {
			case f.Index != i:
				t.Fatalf("feature %d says it is %d", i, f.Index)
			case f.Err == nil:
				areas = append(areas, Area{f.ID, f.Shape})
			case f.Err.Code() == "" || f.Err.Msg == "":
				t.Fatalf("feature %d: an error that says nothing: %#v", i, f.Err)
			}
		}
		// What is not refused can be used.
		x, err := NewIndex(areas)
		if err != nil {
			t.Fatal(err)
		}
		for _, area := range areas {
			corner := area.Shape.MultiPolygon()[0][0][0]
			if _, ok := x.Find(corner[0], corner[1]); !ok {
				t.Fatalf("a corner of %q is found nowhere", area.ID)
			}
		}
	})
}

// A number is one id however it is written, and a text of its digits is the same.
func TestOneIDHasOneSpelling(t *testing.T) {
	var features []string
	for _, id := range []string{"7", "7.0", "70e-1", `"7"`, "7.00"} {
		features = append(features, `{"type":"Feature","id":`+id+`,"geometry":`+polygonText(square)+`}`)
	}
	features = append(features, `{"type":"Feature","properties":{"id":7.0},"geometry":`+polygonText(square)+`}`)
	all, err := ReadFeatures(strings.NewReader(`{"type":"FeatureCollection","features":[` + strings.Join(features, ",") +
		`]}`))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range all {
		if f.ID != "7" || (f.Err == nil) != (i == 0) || i > 0 && f.Err.Code() != string(CodeDuplicateID) {
			t.Errorf("feature %d: id %q, %v", i, f.ID, f.Err)
		}
	}
}

func TestSpellingsOfWGS84(t *testing.T) {
	crs := func(name string) string {
		return `{"type":"name","properties":{"name":"` + name + `"}}`
	}
	for _, c := range []string{"null", crs("urn:ogc:def:crs:OGC:1.3:CRS84"), crs("urn:ogc:def:crs:OGC::CRS84"),
		crs("urn:ogc:def:crs:OGC:2:84"), crs("urn:ogc:def:crs:OGC:1.3:CRS84h"), crs("urn:x-ogc:def:crs:EPSG:4326"),
		crs("OGC:CRS84"), crs("CRS84"), crs("CRS:84"), crs("EPSG:4326"), crs("epsg:4326"), crs("EPSG::4326"),
		crs("urn:ogc:def:crs:EPSG::4326"), crs("urn:ogc:def:crs:EPSG:6.9:4326"), crs("urn:ogc:def:crs:EPSG::4979"),
		crs("http://www.opengis.net/def/crs/EPSG/0/4326"), crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84"),
		crs("https://www.opengis.net/def/crs/OGC/1.3/CRS84h"), crs("http://www.opengis.net/gml/srs/epsg.xml#4326"),
		crs("WGS84"), crs("WGS 84"), crs("GCS_WGS_1984"), crs(" EPSG:4326 "), `"EPSG:4326"`,
		`{"type":"EPSG","properties":{"code":4326}}`, `{"type":"EPSG","properties":{"code":"4326"}}`,
		`{"type":"link","properties":{"href":"http://spatialreference.org/ref/epsg/4326/proj4/","type":"proj4"}}`,
		`{"type":"name","name":"urn:ogc:def:crs:OGC:1.3:CRS84"}`,
	} {
		if err := checkCRS([]byte(c)); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
	for _, c := range []string{crs("EPSG:3857"), crs("EPSG:900913"), crs("EPSG:31468"), crs("EPSG:43260"),
		crs("EPSG:14326"),
		crs("urn:ogc:def:crs:OGC:1.3:CRS83"), crs("urn:ogc:def:crs:OGC:1.3:CRS27"), crs("EPSG:4258"), crs(""), crs("84"),
		crs("urn:ogc:def:crs:EPSG::3763"), crs("WGS 84 / Pseudo-Mercator"), crs("WGS 84 / UTM zone 32N"), crs("GCJ-02"), `{}`,
		`7`, `{"type":"EPSG","properties":{"code":3857}}`, `{"type":"name","properties":{"name":4326}}`,
		crs("http://www.opengis.net/def/crs/EPSG/0/3857")} {
		if err := checkCRS([]byte(c)); err == nil || err.Code() != string(CodeCRS) ||
			strings.Contains(err.Error(), "3857") {
			t.Errorf("%s: %v", c, err)
		}
	}
}
