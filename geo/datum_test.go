package geo

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestPositionsInChinaAreShiftedAsPublished(t *testing.T) {
	for _, c := range []struct {
		name      string
		wgs, gcj  Point
		tolerance float64 // degrees
	}{
		// The pairs that the converters in common use test themselves with.
		{"Shanghai", Point{121.5272106, 31.1774276}, Point{121.531541859215, 31.17530398364597}, 1e-6},
		{"Shenzhen", Point{113.912316, 22.543847}, Point{113.9171764808363, 22.540796131694766}, 1e-6},
		{"Beijing", Point{116.377817, 39.911954}, Point{116.38404722455657, 39.91334545536069}, 1e-6},
	} {
		got := ToGCJ02(c.wgs)
		if math.Abs(got.Lon-c.gcj.Lon) > c.tolerance || math.Abs(got.Lat-c.gcj.Lat) > c.tolerance {
			t.Errorf("%s is shifted to %v, want %v", c.name, got, c.gcj)
		}
		if off := ToWGS84(c.gcj, GCJ02).DistanceTo(c.wgs); off > 0.2 {
			t.Errorf("%s is shifted back %.2f m off", c.name, off)
		}
		if ToWGS84(c.gcj, WGS84) != c.gcj {
			t.Errorf("%s: a WGS 84 position is moved", c.name)
		}
	}
}

func TestPositionsElsewhereAreNotShifted(t *testing.T) {
	for name, p := range map[string]Point{
		"Taipei": {121.5654, 25.0330}, "Hanoi": {105.8342, 21.0278}, "Seoul": {126.9780, 37.5665},
		"Ulaanbaatar": {106.9057, 47.8864}, "Manila": {120.9842, 14.5995}, "Porto": {-8.61, 41.15},
	} {
		if InMainlandChina(p) || ToGCJ02(p) != p || ToWGS84(p, GCJ02) != p {
			t.Errorf("%s is shifted", name)
		}
	}
}

func TestShiftingThereAndBackKeepsTheDoor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Inland, so that the shifted point does not leave the rough border.
		p := Point{rapid.Float64Range(98, 118).Draw(t, "lon"), rapid.Float64Range(25, 41).Draw(t, "lat")}
		shifted := ToGCJ02(p)
		if moved := shifted.DistanceTo(p); moved < 20 || moved > 1000 {
			t.Fatalf("%v is shifted by %.0f m", p, moved)
		}
		if off := ToWGS84(shifted, GCJ02).DistanceTo(p); off > 0.01 {
			t.Fatalf("%v comes back %.3f m off", p, off)
		}
	})
}

func TestUnknownDatumIsRefused(t *testing.T) {
	for text, want := range map[string]Datum{"": WGS84, "wgs84": WGS84, "gcj02": GCJ02} {
		if got, err := ParseDatum(text); got != want || err != nil {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	if _, err := ParseDatum("bd09"); codeOf(t, err) != CodeDatum {
		t.Errorf("bd09: %v", err)
	}
}
