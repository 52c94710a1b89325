package travel

import (
	"strings"

	"github.com/paulmach/osm"
)

// limits are a country's legal speed limits in km/h where no sign stands.
type limits struct {
	urban, rural, motorway float64
}

// limitsOf are for cars, from the OpenStreetMap wiki's page "Default speed
// limits" as most roads of the country have them; states and provinces differ.
var limitsOf = map[string]limits{
	"AT": {50, 100, 130}, "AU": {50, 100, 110}, "BE": {50, 70, 120}, "BR": {60, 80, 110}, "CA": {50, 80, 100},
	"CH": {50, 80, 120}, "CN": {50, 70, 120}, "CZ": {50, 90, 130}, "DE": {50, 100, 130}, "DK": {50, 80, 130},
	"ES": {50, 90, 120}, "FI": {50, 80, 120}, "FR": {50, 80, 130}, "GB": {48, 97, 113}, "GR": {50, 90, 130},
	"HK": {50, 50, 100}, "HU": {50, 90, 130}, "IE": {50, 80, 120}, "IN": {50, 80, 120}, "IT": {50, 90, 130},
	"JP": {60, 60, 100}, "LU": {50, 90, 130}, "MC": {50, 50, 50}, "NL": {50, 80, 100}, "NO": {50, 80, 110},
	"PH": {40, 80, 100}, "PL": {50, 90, 140}, "PT": {50, 90, 120}, "RO": {50, 90, 130}, "SE": {50, 70, 110},
	"TW": {50, 60, 110}, "UK": {48, 97, 113}, "US": {40, 89, 105}, "ZA": {60, 100, 120},
}

// anyCountry is for an extract that does not say where it is.
var anyCountry = limits{50, 90, 120}

// country returns the limits that hold in an extract: those of the country
// that its tags name most often (maxspeed=PT:urban and the like).
func country(ways []rawWay) (string, limits) {
	votes := map[string]int{}
	for i := range ways {
		for _, t := range ways[i].tags {
			switch t.Key {
			case "maxspeed", "maxspeed:type", "source:maxspeed", "zone:traffic", "zone:maxspeed":
				if name, _, ok := strings.Cut(t.Value, ":"); ok && limitsOf[name] != (limits{}) {
					votes[name]++
				}
			}
		}
	}
	best := ""
	for name, n := range votes {
		if n > votes[best] || n == votes[best] && name < best {
			best = name
		}
	}
	if best == "" {
		return "", anyCountry
	}
	return best, limitsOf[best]
}

// zone returns the limit of a way by where it is: what its tags say, else what its class suggests.
func (l limits) zone(class string, tags osm.Tags) float64 {
	for _, key := range []string{"zone:traffic", "maxspeed:type", "source:maxspeed"} {
		if _, zone, ok := strings.Cut(tags.Find(key), ":"); ok {
			if limit := l.named(zone); limit > 0 {
				return limit
			}
		}
	}
	switch class {
	case "motorway", "motorway_link":
		return l.motorway
	case "residential", "living_street", "service", "road":
		return l.urban
	}
	return l.rural
}

// named returns the limit of a zone such as urban; 0 if there is none of that name.
func (l limits) named(zone string) float64 {
	switch zone {
	case "urban":
		return l.urban
	case "rural", "nsl_single", "nsl_dual":
		return l.rural
	case "motorway":
		return l.motorway
	case "living_street":
		return 15
	case "zone30", "zone:30":
		return 30
	case "zone20", "zone:20":
		return 20
	}
	return 0
}
