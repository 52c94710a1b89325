package travel

// This file is the data that says who may use which road and how fast. The
// rules that read it are in usage.go and access.go.

// profile says how the tags of a road apply to one mode.
type profile struct {
	// speeds are km/h by the value of the tag highway, where no limit is
	// tagged; the mode may not use a value that is not here.
	speeds map[string]float64
	// access are the keys that allow or forbid the mode, the most telling first.
	access []string
	// oneway are the keys that say whether a one-way holds for the mode, the most telling first.
	oneway []string
	// kinds are the names by which turn restrictions call the mode.
	kinds []string
	// most is the highest speed of the vehicle.
	most float64
	// pass are barriers that hinder only when tagged so; nil: all but blocked.
	pass    map[string]bool
	blocked map[string]bool
	// limited says that a tagged maxspeed sets the speed.
	limited bool
	// turning says that turns and lights cost time and that U-turns are allowed only at
	// dead ends, so that the graph keeps every turn of every crossing.
	turning bool
	// through says that roads for residents only (access=destination) serve like any other.
	through bool
	// push is the speed at which the vehicle is pushed where only walking is allowed; 0: never.
	push float64
	// motor says that there is an engine: motorroads are open, tracks only lead home.
	motor bool
}

// The speeds are those of undisturbed driving by day between crossings, which
// cost extra (turnMillis, lightsMillis). They follow the classes of the
// OpenStreetMap wiki's "Key:highway", below the usual legal limits of its page
// "Default speed limits", at four fifths of the limit where one is tagged: few
// drive at the limit from end to end.
var carSpeeds = map[string]float64{
	"motorway": 100, "motorway_link": 50,
	"trunk": 80, "trunk_link": 45,
	"primary": 55, "primary_link": 35,
	"secondary": 48, "secondary_link": 30,
	"tertiary": 40, "tertiary_link": 28,
	"unclassified": 35, "residential": 28, "road": 28,
	"living_street": 12, "service": 14, "track": 14,
}

// limitShare is the part of a tagged limit that is driven on average.
const limitShare = 0.8

var scooterSpeeds = map[string]float64{
	"trunk": 45, "trunk_link": 35,
	"primary": 45, "primary_link": 33,
	"secondary": 42, "secondary_link": 30,
	"tertiary": 38, "tertiary_link": 28,
	"unclassified": 33, "residential": 27, "road": 27,
	"living_street": 12, "service": 14, "track": 12,
}

// Cycling in towns is some 14 to 18 km/h between lights, on foot some 4.8 km/h
// (1.34 m/s: R. W. Bohannon and A. Williams Andrews, "Normal walking speed: a
// descriptive meta-analysis", Physiotherapy 97, 2011).
var bicycleSpeeds = map[string]float64{
	"trunk": 16, "trunk_link": 16,
	"primary": 16, "primary_link": 16,
	"secondary": 16, "secondary_link": 16,
	"tertiary": 16, "tertiary_link": 16,
	"unclassified": 16, "residential": 16, "road": 15,
	"living_street": 12, "service": 13, "track": 12,
	"cycleway": 17, "path": 12, "bridleway": 8,
}

// pushed are the ways on which a bicycle is pushed unless riding is tagged as allowed.
var pushed = map[string]bool{"footway": true, "pedestrian": true, "platform": true, "corridor": true}

var footSpeeds = map[string]float64{
	"trunk": 4.8, "trunk_link": 4.8,
	"primary": 4.8, "primary_link": 4.8,
	"secondary": 4.8, "secondary_link": 4.8,
	"tertiary": 4.8, "tertiary_link": 4.8,
	"unclassified": 4.8, "residential": 4.8, "road": 4.8,
	"living_street": 4.8, "service": 4.8, "track": 4.6,
	"footway": 4.8, "pedestrian": 4.8, "path": 4.5, "bridleway": 4.5,
	"cycleway": 4.8, "platform": 4.8, "corridor": 4.5, "steps": 2.4,
}

// roughness are the highest km/h by surface, for wheels; walkers go as on any other.
var roughness = map[string]float64{
	"gravel": 35, "fine_gravel": 40, "compacted": 45, "unpaved": 35, "ground": 25, "dirt": 25, "earth": 25,
	"grass": 15, "sand": 10, "mud": 8, "pebblestone": 30, "cobblestone": 25, "unhewn_cobblestone": 15, "sett": 35,
	"wood": 30,
}

// rideRoughness are the same for a bicycle.
var rideRoughness = map[string]float64{
	"gravel": 11, "fine_gravel": 13, "compacted": 14, "unpaved": 11, "ground": 9, "dirt": 9, "earth": 9,
	"grass": 7, "sand": 4, "mud": 4, "pebblestone": 10, "cobblestone": 9, "unhewn_cobblestone": 7, "sett": 12,
	"wood": 12,
}

// ferrySpeed is for ferries that do not say how long they take.
const ferrySpeed = 9.0

// drivePass are barriers that a car passes unless access is tagged otherwise; any other
// stops it. A locked gate stops every mode.
var drivePass = set("border_control", "cattle_grid", "entrance", "gate", "height_restrictor", "lift_gate", "no",
	"sally_port", "spikes", "swing_gate", "toll_booth", "kerb", "speed_bump", "rumble_strip", "arch")

// rideBlocked are the barriers that a bicycle is not lifted over.
var rideBlocked = set("full-height_turnstile", "kissing_gate", "stile", "turnstile", "wall", "fence", "hedge",
	"city_wall",
	"retaining_wall", "debris", "guard_rail", "jersey_barrier")

var walkBlocked = set("wall", "fence", "hedge", "city_wall", "retaining_wall")

func profileOf(mode Mode) profile {
	switch mode {
	case Foot:
		return profile{speeds: footSpeeds, access: []string{"foot", "access"}, oneway: []string{"oneway:foot"},
			kinds: []string{"foot"}, most: 4.8, blocked: walkBlocked, through: true}
	case Bicycle:
		return profile{speeds: bicycleSpeeds, access: []string{"bicycle", "vehicle", "access"},
			oneway: []string{"oneway:bicycle", "oneway:vehicle", "oneway"}, kinds: []string{"bicycle", "vehicle"},
			most: 17, blocked: rideBlocked, push: 4}
	case Scooter:
		return profile{speeds: scooterSpeeds,
			access: []string{"moped", "motorcycle", "motor_vehicle", "vehicle", "access"},
			oneway: []string{"oneway:moped", "oneway:motorcycle", "oneway:motor_vehicle", "oneway:vehicle", "oneway"},
			kinds:  []string{"moped", "motorcycle", "motor_vehicle", "vehicle"},
			most:   45, pass: drivePass, limited: true, turning: true, motor: true}
	}
	return profile{speeds: carSpeeds, access: []string{"motorcar", "motor_vehicle", "vehicle", "access"},
		oneway: []string{"oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway"},
		kinds:  []string{"motorcar", "motor_vehicle", "vehicle"},
		most:   120, pass: drivePass, limited: true, turning: true, motor: true}
}

func set(values ...string) map[string]bool {
	all := make(map[string]bool, len(values))
	for _, v := range values {
		all[v] = true
	}
	return all
}
