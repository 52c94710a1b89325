package basemap

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/osm"
)

// The layers of a tile, in the order in which they stand in it. They are a subset of Shortbread 1.0: a tile set of
// that schema made elsewhere has the same names.
const (
	ocean = iota
	waterPolygons
	waterLines
	land
	sites
	streetPolygons
	buildings
	streets
	boundaries
	waterPolygonLabels
	waterLineLabels
	streetLabels
	publicTransport
	addresses
	placeLabels
	layerCount
)

var layerNames = [layerCount]string{"ocean", "water_polygons", "water_lines", "land", "sites", "street_polygons",
	"buildings", "streets", "boundaries", "water_polygons_labels", "water_lines_labels", "street_labels",
	"public_transport", "addresses", "place_labels"}

// shape is how an object is drawn.
type shape uint8

const (
	point shape = iota
	line
	area
)

// look is what features that are drawn alike have in common. A tile has one feature of each look.
type look struct {
	layer int
	shape shape
	from  int // the first zoom
	order int // in the layer: lower ones stand first
	props map[string]any
}

// key tells looks apart, and is their order in a tile.
func (l *look) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%02d %d %02d %08d", l.layer, l.shape, l.from, l.order+50_000_000)
	names := make([]string, 0, len(l.props))
	for name := range l.props {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "\x00%s\x00%v", name, l.props[name])
	}
	return b.String()
}

// street is a kind of street or railway: the first zoom of the line and of its name, and its rank among the others.
type street struct {
	line, label, rank int
}

var highways = map[string]street{
	"motorway": {5, 10, 90}, "trunk": {6, 12, 80}, "primary": {8, 12, 70}, "secondary": {9, 13, 60},
	"tertiary": {10, 13, 50}, "unclassified": {12, 14, 40}, "residential": {12, 14, 40}, "busway": {12, 14, 35},
	"bus_guideway": {12, 14, 35}, "living_street": {13, 14, 38}, "service": {13, 14, 20}, "pedestrian": {13, 14, 36},
	"track": {13, 14, 10}, "footway": {13, 14, 5}, "steps": {13, 14, 5}, "path": {13, 14, 5}, "cycleway": {13, 14, 6},
}

var railways = map[string]street{
	"rail": {8, 0, 95}, "narrow_gauge": {8, 0, 94}, "tram": {10, 0, 93}, "light_rail": {10, 0, 93},
	"funicular": {10, 0, 93}, "subway": {10, 0, 92}, "monorail": {10, 0, 93},
}

var runways = map[string]street{"runway": {11, 0, 4}, "taxiway": {13, 0, 3}}

// serviceRail is the first zoom of sidings and yards.
const serviceRail = 12

// landKinds are the kinds of land by key and value of OpenStreetMap, with their first zoom.
var landKinds = map[string]map[string]int{
	"landuse": {"forest": 7, "grass": 11, "meadow": 11, "orchard": 11, "vineyard": 11, "allotments": 11, "cemetery": 13,
		"village_green": 11, "recreation_ground": 11, "greenhouse_horticulture": 11, "plant_nursery": 11,
		"residential": 10, "industrial": 10, "commercial": 10, "garages": 10, "retail": 10, "railway": 10, "landfill": 10,
		"quarry": 11, "brownfield": 10, "greenfield": 10, "farmyard": 10, "farmland": 10},
	"natural": {"wood": 7, "sand": 10, "beach": 10, "heath": 11, "scrub": 11, "grassland": 11, "bare_rock": 11,
		"scree": 11, "shingle": 11},
	"wetland": {"swamp": 11, "bog": 11, "string_bog": 11, "wet_meadow": 11, "marsh": 11},
	"leisure": {"golf_course": 11, "park": 11, "garden": 11, "playground": 11, "miniature_golf": 11},
	"amenity": {"grave_yard": 13},
}

// landKeys has the keys of landKinds, the first that fits counts.
var landKeys = []string{"landuse", "natural", "wetland", "leisure", "amenity"}

var siteKinds = map[string]string{"amenity=university": "university", "amenity=college": "college",
	"amenity=school": "school", "amenity=hospital": "hospital", "amenity=prison": "prison", "amenity=parking": "parking",
	"leisure=sports_centre": "sports_center", "landuse=construction": "construction",
	"military=danger_area": "danger_area"}

// placeKind is a kind of place: its first zoom, and the population of one that states none.
type placeKind struct{ from, population int }

var places = map[string]placeKind{"city": {6, 100_000}, "town": {7, 5000}, "village": {10, 100}, "hamlet": {10, 50},
	"suburb": {10, 1000}, "quarter": {10, 500}, "neighbourhood": {10, 100}, "isolated_dwelling": {10, 5},
	"farm": {10, 5}, "island": {10, 0}, "locality": {10, 0}}

var stops = map[string]struct {
	kind string
	from int
}{"railway=station": {"station", 11}, "railway=halt": {"halt", 13}, "railway=tram_stop": {"tram_stop", 14},
	"highway=bus_stop": {"bus_stop", 14}, "amenity=bus_station": {"bus_station", 13},
	"amenity=ferry_terminal": {"ferry_terminal", 12}}

// nodeLooks returns how a node is drawn.
func nodeLooks(tags osm.Tags) (out []look) {
	if len(tags) == 0 {
		return nil
	}
	if p, ok := places[tags.Find("place")]; ok && tags.Find("name") != "" {
		out = append(out, placeLook(tags, p))
	}
	for _, key := range []string{"railway", "highway", "amenity"} {
		if s, ok := stops[key+"="+tags.Find(key)]; ok {
			out = append(out, look{layer: publicTransport, from: s.from, props: named(tags, "kind", s.kind)})
			break
		}
	}
	return append(out, addressLooks(tags)...)
}

func placeLook(tags osm.Tags, p placeKind) look {
	kind, people := tags.Find("place"), p.population
	switch {
	case kind != "city" && kind != "town" && kind != "village" && kind != "hamlet":
	case tags.Find("capital") == "yes":
		kind, p.from = "capital", 4
	case tags.Find("capital") == "4":
		kind, p.from = "state_capital", 4
	}
	if n, err := strconv.Atoi(tags.Find("population")); err == nil && n >= 0 && n < 50_000_000 {
		people = n
	}
	return look{layer: placeLabels, from: p.from, order: -people, props: named(tags, "kind", kind, "population", people)}
}

// mostNumber is how many characters a house number may have to be drawn.
const mostNumber = 20

func addressLooks(tags osm.Tags) []look {
	number, house := tags.Find("addr:housenumber"), tags.Find("addr:housename")
	props := map[string]any{}
	if number != "" && len(number) <= mostNumber {
		props["housenumber"] = number
	}
	if house != "" {
		props["housename"] = house
	}
	if len(props) == 0 {
		return nil
	}
	return []look{{layer: addresses, from: maxZoom, props: props}}
}

// lineLooks returns how a way is drawn as a line.
func lineLooks(tags osm.Tags) (out []look) {
	kind, link := strings.CutSuffix(tags.Find("highway"), "_link")
	s, ok := highways[kind]
	rail := false
	if !ok {
		kind, link = tags.Find("railway"), false
		s, ok = railways[kind]
		rail = ok
	}
	if !ok {
		kind = tags.Find("aeroway")
		s, ok = runways[kind]
	}
	if ok && (rail || tags.Find("area") != "yes") {
		out = append(out, streetLooks(tags, kind, s, link, rail)...)
	}
	return append(out, waterLineLooks(tags)...)
}

func streetLooks(tags osm.Tags, kind string, s street, link, rail bool) []look {
	bridge, tunnel := isBridge(tags), isTunnel(tags)
	props := map[string]any{"kind": kind, "link": link, "rail": rail, "bridge": bridge, "tunnel": tunnel}
	from, order := s.line, s.rank
	if link {
		order -= 2
	}
	if bridge {
		order += 1000
	}
	if tunnel {
		order -= 1000
	}
	if service := tags.Find("service"); service != "" {
		props["service"] = service
		if rail {
			from = max(from, serviceRail)
		}
	}
	out := []look{{layer: streets, shape: line, from: from, order: order, props: props}}
	if s.label > 0 && (tags.Find("name") != "" || tags.Find("ref") != "") {
		whole := kind
		if link {
			whole += "_link"
		}
		p := named(tags, "kind", whole)
		if ref := tags.Find("ref"); ref != "" {
			p["ref"] = strings.ReplaceAll(ref, ";", "\n")
		}
		out = append(out, look{layer: streetLabels, shape: line, from: s.label, order: -s.rank, props: p})
	}
	return out
}

func waterLineLooks(tags osm.Tags) []look {
	kind := tags.Find("waterway")
	from, label := 9, 12
	switch kind {
	case "river", "canal":
	case "stream", "ditch":
		from, label = maxZoom, maxZoom
	default:
		return nil
	}
	out := []look{{layer: waterLines, shape: line, from: from,
		props: map[string]any{"kind": kind, "bridge": isBridge(tags), "tunnel": isTunnel(tags)}}}
	if tags.Find("name") != "" {
		out = append(out, look{layer: waterLineLabels, shape: line, from: label, props: named(tags, "kind", kind)})
	}
	return out
}

// areaLooks returns how a closed way or a multipolygon is drawn. Looks of the shape point are drawn in its middle.
func areaLooks(tags osm.Tags) (out []look) {
	if kind, from := waterKind(tags); kind != "" {
		out = append(out, look{layer: waterPolygons, shape: area, from: from, props: map[string]any{"kind": kind}})
		if tags.Find("name") != "" {
			out = append(out, look{layer: waterPolygonLabels, from: maxZoom, props: named(tags, "kind", kind)})
		}
	} else if kind, from := landKind(tags); kind != "" {
		out = append(out, look{layer: land, shape: area, from: from, props: map[string]any{"kind": kind}})
	}
	for _, key := range []string{"amenity", "leisure", "landuse", "military"} {
		if kind := siteKinds[key+"="+tags.Find(key)]; kind != "" {
			out = append(out, look{layer: sites, shape: area, from: maxZoom, props: named(tags, "kind", kind)})
			break
		}
	}
	if b := tags.Find("building"); b != "" && b != "no" {
		out = append(out, look{layer: buildings, shape: area, from: maxZoom, props: map[string]any{}})
	}
	if kind := tags.Find("highway"); tags.Find("area") == "yes" && (kind == "pedestrian" || kind == "service") {
		out = append(out, look{layer: streetPolygons, shape: area, from: maxZoom, props: map[string]any{"kind": kind}})
	}
	return append(out, addressLooks(tags)...)
}

func waterKind(tags osm.Tags) (kind string, from int) {
	switch tags.Find("natural") {
	case "glacier":
		return "glacier", 4
	case "water":
		if tags.Find("water") == "river" {
			return "river", 4
		}
		return "water", 4
	}
	switch tags.Find("waterway") {
	case "riverbank":
		return "river", 4
	case "dock":
		return "dock", 10
	case "canal":
		return "canal", 10
	}
	switch kind := tags.Find("landuse"); kind {
	case "reservoir", "basin":
		return kind, 4
	}
	return "", 0
}

func landKind(tags osm.Tags) (kind string, from int) {
	for _, key := range landKeys {
		value := tags.Find(key)
		if from, ok := landKinds[key][value]; ok {
			if value == "wood" {
				value = "forest"
			}
			return value, from
		}
	}
	return "", 0
}

func isBridge(tags osm.Tags) bool {
	switch tags.Find("bridge") {
	case "yes", "viaduct", "boardwalk", "cantilever", "covered", "low_water_crossing", "movable", "trestle":
		return true
	}
	return false
}

func isTunnel(tags osm.Tags) bool {
	t := tags.Find("tunnel")
	return t == "yes" || t == "building_passage" || tags.Find("covered") == "yes"
}

// language is a key of a name in a language, such as name:pt or name:zh-Hans.
var language = regexp.MustCompile(`^name:([a-z]{2,3}(-[A-Za-z]{2,8})?)$`)

// named returns properties with the names of an object: name as it is called there, and name_xx in the languages that
// call it otherwise.
func named(tags osm.Tags, more ...any) map[string]any {
	props := map[string]any{}
	for i := 0; i+1 < len(more); i += 2 {
		props[more[i].(string)] = more[i+1]
	}
	name := tags.Find("name")
	if name == "" {
		return props
	}
	props["name"] = name
	for _, tag := range tags {
		if m := language.FindStringSubmatch(tag.Key); m != nil && tag.Value != name && tag.Value != "" {
			props["name_"+m[1]] = tag.Value
		}
	}
	return props
}
