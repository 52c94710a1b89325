package geo

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"doorstep/auth/refusal"

	"pgregory.net/rapid"
)

// codeOf returns the code of a *refusal.Error, and fails the test on any other error.
func codeOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *refusal.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error %v is a %T, not a *refusal.Error", err, err)
	}
	return e.Code()
}

func TestPointsThatAreNoPlaceOfAVisitAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Point
		code string
		says string
	}{
		{"a door in Porto", Point{-8.61, 41.15}, "", ""},
		{"an empty form", Point{0, 0}, CodeNullIsland, "missing position"},
		{"latitude first", Point{41.15, -98.61}, CodePoint, "swapped"},
		{"projected metres", Point{-958000, 5035000}, CodePoint, "range"},
		{"longitude too large", Point{181, 10}, CodePoint, "longitude 181"},
		{"the pole is on Earth", Point{0, 90}, "", ""},
		{"no number", Point{math.NaN(), 3}, CodePoint, "finite"},
		{"infinite", Point{3, math.Inf(1)}, CodePoint, "finite"},
	} {
		err := c.p.Validate()
		if got := codeOf(t, err); got != c.code {
			t.Errorf("%s: code %q, want %q", c.name, got, c.code)
		}
		if err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q does not say %q", c.name, err, c.says)
		}
	}
}

func TestPointIsReadAsGeoJSONPosition(t *testing.T) {
	for text, want := range map[string]Point{
		`[-8.61, 41.15]`:     {-8.61, 41.15},
		`[-8.61, 41.15, 86]`: {-8.61, 41.15},
	} {
		var p Point
		if err := json.Unmarshal([]byte(text), &p); err != nil || p != want {
			t.Errorf("%s is read as %v, %v", text, p, err)
		}
	}
	for _, text := range []string{`[1]`, `[1,2,3,4]`, `["1","2"]`, `[null,2]`, `{"lon":1}`, `[1,2e400]`, `[200,2]`,
		`null`} {
		var p Point
		if err := p.UnmarshalJSON([]byte(text)); codeOf(t, err) != CodePoint {
			t.Errorf("%s is read as %v, %v", text, p, err)
		}
	}
	if text, err := json.Marshal(Point{-8.61, 41.15}); err != nil || string(text) != `[-8.61,41.15]` {
		t.Errorf("written as %s, %v", text, err)
	}
}

func TestDistancesAreThoseOfTheSphere(t *testing.T) {
	for _, c := range []struct {
		name   string
		a, b   Point
		metres float64
	}{
		{"a degree of latitude", Point{10, 40}, Point{10, 41}, 111_195.08},
		{"a degree of longitude on the equator", Point{10, 0}, Point{11, 0}, 111_195.08},
		{"half round the Earth", Point{0, 90}, Point{0, -90}, math.Pi * EarthRadius},
		{"across the 180th meridian", Point{179.5, 0}, Point{-179.5, 0}, 111_195.08},
		{"nowhere", Point{-8.61, 41.15}, Point{-8.61, 41.15}, 0},
	} {
		if got := c.a.DistanceTo(c.b); math.Abs(got-c.metres) > 0.01 {
			t.Errorf("%s: %.2f m, want %.2f", c.name, got, c.metres)
		}
	}
}

func TestStoredPositionsComeBackUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := E7{
			Lon: rapid.OneOf(rapid.Int32Range(-1_800_000_000, 1_800_000_000),
				rapid.SampledFrom([]int32{-1_800_000_000, -1, 0, 1, 1_800_000_000})).Draw(t, "lon"),
			Lat: rapid.OneOf(rapid.Int32Range(-900_000_000, 900_000_000),
				rapid.SampledFrom([]int32{-900_000_000, -1, 0, 1, 900_000_000})).Draw(t, "lat"),
		}
		if back := e.Point().E7(); back != e {
			t.Fatalf("%v comes back as %v", e, back)
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back E7
		if err := json.Unmarshal(text, &back); err != nil || back != e {
			t.Fatalf("%s comes back as %v, %v", text, back, err)
		}
		// In degrees as well, as GeoJSON has it.
		if text, err = json.Marshal(e.Point()); err != nil {
			t.Fatal(err)
		}
		var p Point
		if err := json.Unmarshal(text, &p); err != nil || p.E7() != e {
			t.Fatalf("%s comes back as %v, %v", text, p.E7(), err)
		}
	})
}

func TestStoredPositionsAreTwoIntegersInRange(t *testing.T) {
	for _, text := range []string{`[-8.61,41.15]`, `[1e3,2]`, `[1]`, `[1,2,3]`, `[1,null]`, `[1800000001,0]`,
		`[0,900000001]`, `[9999999999,0]`, `{}`} {
		var e E7
		if err := e.UnmarshalJSON([]byte(text)); codeOf(t, err) != CodePoint {
			t.Errorf("%s is read as %v, %v", text, e, err)
		}
	}
	if got := (Point{math.NaN(), math.Inf(1)}).E7(); got != (E7{0, 900_000_000}) {
		t.Errorf("a point out of range is cut to %v", got)
	}
}
