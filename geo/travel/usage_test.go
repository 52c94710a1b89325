package travel

import (
	"strings"
	"testing"

	"doorstep/geo/extract/extracttest"

	"github.com/paulmach/osm"
)

func TestSpeedLimitsAreRead(t *testing.T) {
	for text, want := range map[string]float64{
		"": 0, "50": 50, "30 mph": 30 * 1.609344, "20mph": 20 * 1.609344, "50 km/h": 50, "walk": 7, "none": 0,
		"signals": 0, "0": 0, "-5": 0, "1e9": 0,
		"PT:urban": 50, "DE:rural": 100, "DE:motorway": 130, "DE:30": 30, "GB:nsl_single": 97, "XX:urban": 40,
		"XX:nonsense": 0, "50;30": 50, "5 knots": 5 * 1.852,
	} {
		if got := limitsOf["PH"].speedLimit(text); got != want {
			t.Errorf("%q is %g km/h, want %g", text, got, want)
		}
	}
}

func TestFerriesSayHowLongTheyTake(t *testing.T) {
	for text, want := range map[string]float64{
		"": 0, "15": 900, "00:15": 900, "1:30": 5400, "00:15:30": 930, "PT1H30M": 5400, "PT15M": 900, "PT20S": 20,
		"soon": 0, "1:2:3:4": 0, "-5": 0, "1:x": 0, "PTxM": 0,
		"20 min": 1200, "20min": 1200, "20 minutes": 1200, "20'": 1200, "20 Min.": 1200, "1 h": 3600, "1h30": 5400,
		"1 h 30 min": 5400, "1 hour 30 minutes": 5400, "1 hour and 5 min": 3900, "1.5 h": 5400, "1,5 h": 5400,
		"1:30 h": 5400, "1h": 3600, "2 hrs": 7200, "90 s": 90, "P0DT1H": 3600, "PT1H": 3600, "P1D": 86400,
		"15-20 min": 1200, "00:15-00:20": 1200, "1-2 h": 7200, "10;15": 900, "00:10; 00:20": 1200, "ca. 20 min": 1200,
		"~ 20 min": 1200, "20 parsecs": 0, "min": 0, "h": 0, "1 h x": 0, "900000": 0, "20–30 min": 1800,
	} {
		if got := ferrySeconds(text); got != want {
			t.Errorf("%q is %g s, want %g", text, got, want)
		}
	}
}

// A speed is tenths of km/h; a way for both directions has one figure here.
func TestWhoMayUseWhatRoadAndHowFast(t *testing.T) {
	const no = 0
	for _, c := range []struct {
		tags                        string
		foot, bicycle, scooter, car int
	}{
		{"highway=residential", 48, 160, 270, 280},
		{"highway=residential maxspeed=20", 48, 160, 160, 160},
		{"highway=primary maxspeed=100", 48, 160, 450, 800},
		{"highway=motorway", no, no, no, 960},
		{"highway=trunk motorroad=yes", no, no, no, 720},
		{"highway=footway", 48, 40, no, no},
		{"highway=footway bicycle=yes", 48, 120, no, no},
		{"highway=cycleway", 48, 170, no, no},
		{"highway=cycleway bicycle=dismount", 48, 40, no, no},
		{"highway=steps", 24, no, no, no},
		{"highway=construction", no, no, no, no},
		{"highway=path access=yes", 45, 120, no, no},
		{"highway=residential surface=sett", 48, 120, 270, 280},
		{"highway=track", 46, 120, 120, 140},
		{"highway=service service=driveway access=private", no, no, no, no},
		{"highway=service foot=yes access=no", 48, no, no, no},
		{"highway=residential access=no bicycle=designated", no, 160, no, no},
		{"highway=residential area=yes", no, no, no, no},
		{"highway=pedestrian area=yes", 48, 40, no, no},
		{"railway=platform", 48, 40, no, no},
		{"man_made=pier", 48, 40, no, no},
		{"route=ferry", 90, 90, no, no},
		{"route=ferry motorcar=yes motorcycle=no", 90, 90, no, 90},
		{"building=yes", no, no, no, no},
		{"highway=residential vehicle=private;delivery", 48, 160, 270, 280},
		{"highway=residential access=no;destination", 48, 160, 270, 280},
		{"highway=residential access=agricultural;forestry", no, no, no, no},
		{"highway=residential access=private,no", no, no, no, no},
		{"highway=residential vehicle=agricultural;yes", 48, 160, 270, 280},
		{"highway=residential access=NO", no, no, no, no},
		{"highway=residential access=hedgehogs", no, no, no, no},
		{"highway=residential motor_vehicle=hov;taxi", 48, 160, no, no},
		{"highway=residential access=;", no, no, no, no},
		{"highway=residential motor_vehicle=discouraged", 48, 160, 270, 280},
	} {
		for m, want := range [4]int{c.foot, c.bicycle, c.scooter, c.car} {
			u := profileOf(Modes()[m]).usageOf(extracttest.Tags(c.tags), limitsOf["PT"])
			if int(u.forward) != want || u.backward != u.forward && c.tags != "highway=motorway" {
				t.Errorf("%s by %s: %d and %d, want %d", c.tags, Modes()[m], u.forward, u.backward, want)
			}
		}
	}
}

// A road for residents may be used by a visitor, but not to pass through. So may a road whose list of those who may
// use it names residents or such beside others.
func TestRoadsForVisitorsAreNoWayThrough(t *testing.T) {
	for value, home := range map[string]bool{"destination": true, "private;delivery": true, "no;destination": true,
		"destination;no": true, "customers, private": true, " destination ": true, "Destination": true, "yes": false,
		"destination;yes": false, "designated;forestry": false, "visitors": true, "delivery|psv": true} {
		tags := osm.Tags{{Key: "highway", Value: "residential"}, {Key: "vehicle", Value: value}}
		if u := profileOf(Car).usageOf(tags, anyCountry); !u.usable() || u.home != home {
			t.Errorf("%q: %+v, want home %t", value, u, home)
		}
	}
}

func TestOneWays(t *testing.T) {
	for _, c := range []struct {
		tags string
		mode Mode
		want string
	}{
		{"oneway=yes", Car, "forward"}, {"oneway=-1", Car, "backward"}, {"oneway=no", Car, "both"},
		{"oneway=reversible", Car, "none"},
		{"oneway=yes", Foot, "both"}, {"oneway:foot=yes oneway=yes", Foot, "forward"},
		{"oneway=yes oneway:bicycle=no", Bicycle, "both"}, {"oneway=yes cycleway=opposite_lane", Bicycle, "both"},
		{"oneway=yes cycleway=opposite", Bicycle, "both"},
		{"oneway=yes cycleway:left:oneway=-1", Bicycle, "both"}, {"oneway=no oneway:bicycle=yes", Bicycle, "forward"},
		{"junction=roundabout", Car, "forward"}, {"junction=circular", Bicycle, "forward"},
		{"junction=roundabout", Foot, "both"}, {"junction=roundabout oneway=-1", Car, "backward"},
		{"oneway:motor_vehicle=yes", Bicycle, "both"}, {"oneway:motor_vehicle=yes", Scooter, "forward"},
		{"motor_vehicle:backward=no", Car, "forward"},
		{"vehicle:forward=no", Bicycle, "backward"}, {"oneway=yes oneway:moped=no", Scooter, "both"},
	} {
		tags := append(extracttest.Tags(c.tags), osm.Tag{Key: "highway", Value: "residential"})
		u := profileOf(c.mode).usageOf(tags, anyCountry)
		got := map[[2]bool]string{{true, true}: "both", {true, false}: "forward",
			{false, true}: "backward"}[[2]bool{u.forward > 0, u.backward > 0}]
		if got == "" {
			got = "none"
		}
		if got != c.want {
			t.Errorf("%s by %s goes %s, want %s", c.tags, c.mode, got, c.want)
		}
	}
}

func TestTheCountryIsTheOneThatSignsName(t *testing.T) {
	var ways []rawWay
	for _, text := range []string{"maxspeed=50", "maxspeed=PT:urban", "source:maxspeed=ES:rural",
		"zone:traffic=PT:urban", "maxspeed:type=sign", "source:maxspeed=XX:urban"} {
		ways = append(ways, rawWay{tags: extracttest.Tags(text)})
	}
	if name, law := country(ways); name != "PT" || law != limitsOf["PT"] {
		t.Errorf("%q, %+v", name, law)
	}
	if name, law := country(ways[:1]); name != "" || law != anyCountry {
		t.Errorf("%q, %+v", name, law)
	}
}

func TestBarriers(t *testing.T) {
	for tags, want := range map[string]string{ // who is stopped
		"barrier=bollard": "scooter car", "barrier=bollard bollard=rising": "", "barrier=gate": "",
		"barrier=gate access=private":          "foot bicycle scooter car",
		"barrier=gate access=private foot=yes": "bicycle scooter car",
		"barrier=gate motor_vehicle=private":   "scooter car", "barrier=gate locked=yes": "foot bicycle scooter car",
		"barrier=gate access=private;destination": "", "barrier=gate access=key": "foot bicycle scooter car",
		"barrier=gate motor_vehicle=forestry;agricultural": "scooter car",
		"barrier=stile": "bicycle scooter car", "barrier=lift_gate": "", "barrier=block access=yes": "",
		"highway=crossing": "", "highway=crossing access=no": "foot bicycle scooter car",
		"barrier=unheard-of": "scooter car", "barrier=wall": "foot bicycle scooter car",
	} {
		var stopped []string
		for _, mode := range Modes() {
			if profileOf(mode).blockedBy(extracttest.Tags(tags)) {
				stopped = append(stopped, string(mode))
			}
		}
		if got := strings.Join(stopped, " "); got != want {
			t.Errorf("%s stops %q, want %q", tags, got, want)
		}
	}
}
