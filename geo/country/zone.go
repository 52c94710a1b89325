package country

import (
	"slices"

	"doorstep/geo"
)

// Zones lists the time zones of a country by their names of the IANA list, the most populous of
// the country proper first; none of a country that is not known or has none.
func Zones(code string) []string {
	var out []string
	for _, a := range areasOf(code) {
		for _, z := range a.Zones {
			if !slices.Contains(out, z) {
				out = append(out, z)
			}
		}
	}
	return out
}

// HasZone tells whether a zone is one of a country's, by its name or another name of the IANA
// list (Asia/Calcutta for Asia/Kolkata). It is true for a country of which no zone is known.
func HasZone(code, zone string) bool {
	zones := Zones(code)
	if name, ok := load().links[zone]; ok {
		zone = name
	}
	return len(zones) == 0 || slices.Contains(zones, zone)
}

// ZoneAt is the time zone of a country that holds at a position: where zones show the same
// clock, one of them. It is "" if the position lies in no box of the country. Of a position
// in the box and outside the country it says the zone of a place nearby.
func ZoneAt(code string, p geo.Point) string {
	for _, a := range areasOf(code) {
		if a.inBox(p) && len(a.Zones) > 0 {
			return a.Zones[zoneIn(a.Tree, p)]
		}
	}
	return ""
}

// zoneIn walks a tree down to a position. A tree is a quadtree in preorder, over 512 degrees from
// -180, -90: a dot is a node with four children (south-west, south-east, north-west, north-east),
// a letter is a zone by its number from A. "" is the first zone everywhere.
func zoneIn(tree string, p geo.Point) int {
	if tree == "" {
		return 0
	}
	x, y, half := p.Lon+180, p.Lat+90, 256.0
	i := 0
	for tree[i] == '.' {
		i++
		child := 0
		if x >= half {
			child, x = child+1, x-half
		}
		if y >= half {
			child, y = child+2, y-half
		}
		for range child {
			i = after(tree, i)
		}
		half /= 2
	}
	return int(tree[i] - 'A')
}

// after is where the subtree ends that begins at i.
func after(tree string, i int) int {
	for open := 1; open > 0; i++ {
		open--
		if tree[i] == '.' {
			open += 4
		}
	}
	return i
}

// OfZone returns the country that has a zone, by ISO 3166-1; "" if no country has it.
func OfZone(zone string) string {
	d := load()
	if name, ok := d.links[zone]; ok {
		zone = name
	}
	for code, a := range d.areas {
		if slices.Contains(a.Zones, zone) {
			return code // a zone stands under one country
		}
	}
	return ""
}
