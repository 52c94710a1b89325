package country

import (
	"math"
	"testing"
	"time"
	_ "time/tzdata"

	"doorstep/geo"
)

// Cities whose clock is known, many of them close to where another clock begins.
func TestZoneOfAPosition(t *testing.T) {
	for _, c := range []struct {
		place, country string
		lon, lat       float64
		zone           string // one with the same clock
	}{
		{"Los Angeles", "US", -118.24, 34.05, "America/Los_Angeles"},
		{"New York", "US-NY", -74.0, 40.71, "America/New_York"},
		{"El Paso", "US", -106.49, 31.76, "America/Denver"},
		{"Odessa, Texas", "US", -102.37, 31.85, "America/Chicago"},
		{"Phoenix", "US", -112.07, 33.45, "America/Phoenix"},
		{"Gary, Indiana", "US", -87.34, 41.59, "America/Chicago"},
		{"South Bend", "US", -86.25, 41.68, "America/New_York"},
		{"Pensacola", "US", -87.21, 30.42, "America/Chicago"},
		{"Honolulu", "US", -157.86, 21.31, "Pacific/Honolulu"},
		{"San Juan by its country", "US", -66.11, 18.46, "America/Puerto_Rico"},
		{"San Juan by its own code", "PR", -66.11, 18.46, "America/Puerto_Rico"},
		{"Lisbon", "PT", -9.14, 38.72, "Europe/Lisbon"},
		{"Ponta Delgada", "PT", -25.67, 37.74, "Atlantic/Azores"},
		{"Las Palmas", "ES", -15.43, 28.12, "Atlantic/Canary"},
		{"Madrid", "ES", -3.7, 40.42, "Europe/Madrid"},
		{"Shenzhen", "CN", 114.06, 22.54, "Asia/Shanghai"},
		{"Hong Kong as China", "CN", 114.17, 22.28, "Asia/Shanghai"},
		{"Urumqi", "CN", 87.6, 43.8, "Asia/Urumqi"},
		{"Broken Hill", "AU", 141.47, -31.95, "Australia/Adelaide"},
		{"Tweed Heads", "AU", 153.53, -28.22, "Australia/Sydney"},
		{"Gold Coast", "AU", 153.40, -28.0, "Australia/Brisbane"},
		{"Kaliningrad", "RU", 20.5, 54.71, "Europe/Kaliningrad"},
		{"Vladivostok", "RU", 131.9, 43.12, "Asia/Vladivostok"},
		{"Manaus", "BR", -60.02, -3.12, "America/Manaus"},
		{"Tijuana", "MX", -117.03, 32.53, "America/Tijuana"},
		{"Jakarta", "ID", 106.85, -6.2, "Asia/Jakarta"},
		{"Makassar", "ID", 119.42, -5.14, "Asia/Makassar"},
		{"Berlin", "DE", 13.4, 52.5, "Europe/Berlin"},
		{"Berlin as Portugal", "PT", 13.4, 52.5, ""},
		{"nowhere", "ZZ", 13.4, 52.5, ""},
	} {
		got := ZoneAt(c.country, geo.Point{Lon: c.lon, Lat: c.lat})
		if (got == "") != (c.zone == "") || c.zone != "" && !sameClock(t, got, c.zone) {
			t.Errorf("%s: %q, want the clock of %q", c.place, got, c.zone)
		}
	}
}

func sameClock(t *testing.T, a, b string) bool {
	for _, month := range []time.Month{time.January, time.July} {
		at := time.Date(2027, month, 1, 12, 0, 0, 0, time.UTC)
		var offsets []int
		for _, name := range []string{a, b} {
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			_, offset := at.In(zone).Zone()
			offsets = append(offsets, offset)
		}
		if offsets[0] != offsets[1] {
			return false
		}
	}
	return true
}

func TestZonesOfACountry(t *testing.T) {
	for _, c := range []struct {
		country, zone string
		want          bool
	}{
		{"CN", "Asia/Shanghai", true}, {"CN", "UTC", false}, {"CN", "PRC", true}, {"CN", "Asia/Hong_Kong", true},
		{"CN", "Asia/Chongqing", true}, {"HK", "Asia/Shanghai", false},
		{"DE", "Europe/Berlin", true}, {"DE", "Etc/GMT+1", false}, {"DE", "Europe/Vienna", false}, {"DE", "CET", false},
		{"DE-BY", "Europe/Berlin", true}, {"US", "US/Pacific", true}, {"US", "America/New_York", true},
		{"US", "America/Toronto", false}, {"US", "GMT", false}, {"IN", "Asia/Calcutta", true}, {"UA", "Europe/Kiev", true},
		{"GB", "Europe/London", true}, {"GB", "GB", true}, {"GB", "UTC", false}, {"IS", "UTC", false},
		{"PT", "Atlantic/Azores", true}, {"FR", "Indian/Reunion", true}, {"RE", "Europe/Paris", false},
		{"BV", "UTC", true}, // no zone is listed
	} {
		if got := HasZone(c.country, c.zone); got != c.want {
			t.Errorf("%s has %s: %t", c.country, c.zone, got)
		}
	}
	for _, code := range []string{"US", "DE", "FR", "PT"} {
		for _, zone := range Zones(code) {
			if _, err := time.LoadLocation(zone); err != nil {
				t.Errorf("%s: %v", code, err)
			}
		}
	}
}

func TestHowFarAPositionLiesFromACountry(t *testing.T) {
	for _, c := range []struct {
		place, country string
		lon, lat       float64
		box            bool
		metres, slack  float64
	}{
		{"Bindlach", "DE", 11.6044, 49.9813, true, 0, 0},
		{"Bindlach swapped", "DE", 49.9813, 11.6044, false, -1, 0},
		{"Porto", "PT", -8.61, 41.15, true, 0, 0},
		{"Porto without its minus", "PT", 8.61, 41.15, false, -1, 0},
		{"the sea off Porto", "PT", -9.2, 41.15, true, 43_000, 6_000},
		{"Prague as Germany", "DE", 14.42, 50.08, true, 82_000, 5_000},
		{"Saint-Denis as France", "FR", 55.45, -20.88, true, 0, 0},
		{"Maseru as South Africa", "ZA", 27.8, -29.6, true, 28_000, 25_000}, // in a hole
		{"Honolulu", "US-HI", -157.86, 21.31, true, 0, 0},
		{"San Marino as Italy", "IT", 12.45, 43.94, true, 3_000, 3_500},
		{"nowhere", "ZZ", 11.6, 49.9, true, 0, 0},
	} {
		p := geo.Point{Lon: c.lon, Lat: c.lat}
		if got := InBox(c.country, p); got != c.box {
			t.Errorf("%s: in the box: %t", c.place, got)
		}
		if got := Off(c.country, p); c.metres >= 0 && math.Abs(got-c.metres) > c.slack {
			t.Errorf("%s: %.0f m off, want %.0f", c.place, got, c.metres)
		}
	}
}

// Every country of zone.tab has a box, and a zone in each corner of its boxes.
func TestEveryCountryIsWhole(t *testing.T) {
	for code, a := range load().areas {
		if len(a.Zones) == 0 || len(a.Boxes) == 0 {
			t.Errorf("%s has %d zones, %d boxes", code, len(a.Zones), len(a.Boxes))
		}
		for _, b := range a.Boxes {
			for _, p := range []geo.Point{{Lon: float64(b[0]) / 100, Lat: float64(b[1]) / 100},
				{Lon: float64(b[2]) / 100, Lat: float64(b[3]) / 100}} {
				if zoneIn(a.Tree, p) >= len(a.Zones) {
					t.Errorf("%s: no zone at %v", code, p)
				}
			}
		}
	}
}

func BenchmarkOff(b *testing.B) {
	for b.Loop() {
		Off("US", geo.Point{Lon: -75.0, Lat: 36.0})
	}
}
