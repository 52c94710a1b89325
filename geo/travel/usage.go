package travel

import (
	"strconv"
	"strings"

	"github.com/paulmach/osm"
)

// usage is how one mode may use a way.
type usage struct {
	// forward and backward are tenths of km/h along and against the way; 0: not allowed.
	forward, backward uint16
	// home says that the way may be used only to reach places on it, not to pass through.
	home bool
}

func (u usage) usable() bool { return u.forward != 0 || u.backward != 0 }

// reversed returns the usage of the way in the other direction.
func (u usage) reversed() usage { return usage{u.backward, u.forward, u.home} }

// usageOf reads a way's tags for one mode. For a ferry with a duration the
// speed is only a mark: see network.measureFerries.
func (p profile) usageOf(tags osm.Tags, law limits) usage {
	class := classOf(tags)
	if class == "" {
		return usage{}
	}
	access := p.accessOf(tags)
	if access == forbidden {
		return usage{}
	}
	kmh, ok := p.base(class, tags, access)
	if !ok {
		return usage{}
	}
	u := usage{home: !p.through && (access == homeOnly || p.motor && class == "track")}
	forward, backward := p.directions(class, tags)
	if forward {
		u.forward = p.speed(kmh, class, tags, law, "forward")
	}
	if backward {
		u.backward = p.speed(kmh, class, tags, law, "backward")
	}
	return u
}

// classOf returns the value of highway, or the kindred tag that stands for one.
func classOf(tags osm.Tags) string {
	class := tags.Find("highway")
	switch {
	case tags.Find("route") == "ferry":
		return "ferry"
	case class != "":
		if tags.Find("area") == "yes" && class != "pedestrian" && class != "footway" && class != "platform" {
			return ""
		}
		return class
	case tags.Find("railway") == "platform", tags.Find("public_transport") == "platform":
		return "platform"
	case tags.Find("man_made") == "pier":
		return "footway"
	}
	return ""
}

// base returns the speed of a class where nothing else is tagged, and whether the mode may be there at all.
func (p profile) base(class string, tags osm.Tags, access access) (float64, bool) {
	if class == "ferry" {
		// A ferry for foot passengers rarely says that it takes no cars.
		return ferrySpeed, !p.motor || access != unsaid
	}
	if tags.Find("motorroad") == "yes" && (p.most < 60) {
		return 0, false
	}
	kmh, ok := p.speeds[class]
	if p.push > 0 && (access == pushOnly || !ok && pushed[class]) {
		if access == allowed {
			return p.speeds["path"], true
		}
		return p.push, true
	}
	if class == "service" && tags.Find("service") != "" && p.motor {
		kmh = 10 // driveways, aisles of car parks, alleys
	}
	return kmh, ok
}

// directions says which ways along the road the mode may go.
func (p profile) directions(class string, tags osm.Tags) (forward, backward bool) {
	forward, backward = true, true
	oneway := ""
	for _, key := range p.oneway {
		if oneway = tags.Find(key); oneway != "" {
			break
		}
	}
	if oneway == "" && len(p.oneway) > 1 {
		switch junction := tags.Find("junction"); {
		case junction == "roundabout", junction == "circular", class == "motorway":
			oneway = "yes"
		}
	}
	switch oneway {
	case "yes", "true", "1":
		backward = false
	case "-1", "reverse":
		forward = false
	case "reversible":
		// Open in one direction or the other by the hour: not usable for planning.
		return false, false
	}
	if p.push > 0 && !backward && againstTraffic(tags) {
		backward = true
	}
	for _, key := range p.access {
		if shut(tags.Find(key + ":forward")) {
			forward = false
		}
		if shut(tags.Find(key + ":backward")) {
			backward = false
		}
	}
	return forward, backward
}

// againstTraffic says that bicycles have a lane against the one-way.
func againstTraffic(tags osm.Tags) bool {
	if no := tags.Find("oneway:bicycle"); no != "" {
		return no == "no"
	}
	for _, key := range []string{"cycleway", "cycleway:left", "cycleway:right", "cycleway:both"} {
		if strings.HasPrefix(tags.Find(key), "opposite") {
			return true
		}
		if way := tags.Find(key + ":oneway"); way == "no" || way == "-1" {
			return true
		}
	}
	return false
}

// speed returns tenths of km/h in one direction, at least one.
func (p profile) speed(kmh float64, class string, tags osm.Tags, law limits, direction string) uint16 {
	if class != "ferry" {
		if p.limited {
			limit := law.speedLimit(tags.Find("maxspeed:" + direction))
			if limit == 0 {
				limit = law.speedLimit(tags.Find("maxspeed"))
			}
			if limit > 0 {
				kmh = limit * limitShare
			} else {
				kmh = min(kmh, law.zone(class, tags)*limitShare)
			}
		}
		rough := roughness
		if p.push > 0 {
			rough = rideRoughness
		}
		if most := rough[tags.Find("surface")]; most > 0 {
			kmh = min(kmh, most)
		}
		if class == "track" && p.motor {
			kmh = min(kmh, 15)
		}
		kmh = min(kmh, p.most)
	}
	return uint16(max(1, kmh*10+0.5))
}

// speedLimit reads a maxspeed in km/h; 0 if it says nothing.
func (l limits) speedLimit(text string) float64 {
	if text == "" {
		return 0
	}
	if first, _, ok := strings.Cut(text, ";"); ok {
		text = first
	}
	text = strings.TrimSpace(text)
	if text == "walk" {
		return 7
	}
	if name, zone, ok := strings.Cut(text, ":"); ok {
		if its := limitsOf[name]; its != (limits{}) {
			l = its
		}
		if kmh, err := strconv.ParseFloat(zone, 64); err == nil && kmh > 0 {
			return kmh
		}
		return l.named(zone)
	}
	unit := 1.0
	switch {
	case strings.HasSuffix(text, "mph"):
		text, unit = strings.TrimSuffix(text, "mph"), 1.609344
	case strings.HasSuffix(text, "knots"):
		text, unit = strings.TrimSuffix(text, "knots"), 1.852
	case strings.HasSuffix(text, "km/h"):
		text = strings.TrimSuffix(text, "km/h")
	case strings.HasSuffix(text, "kmh"):
		text = strings.TrimSuffix(text, "kmh")
	}
	number, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || number < 1 || number > 300 {
		return 0
	}
	return number * unit
}
