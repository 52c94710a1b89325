package travel

import "github.com/paulmach/osm"

// access is what the tags of a way or a barrier allow one mode.
type access uint8

const (
	unsaid    access = iota // nothing is tagged
	allowed                 // tagged as open
	homeOnly                // open to those who live, deliver or visit there
	pushOnly                // bicycles are pushed
	forbidden               // private, no, and what else keeps our mode out
)

// accessOf reads the most telling tag that says anything.
func (p profile) accessOf(tags osm.Tags) access {
	for i, key := range p.access {
		if a := readAccess(tags.Find(key)); a != unsaid {
			if a == allowed && i == len(p.access)-1 && i > 0 {
				// access=yes opens a way to what may be on its class anyway:
				// a footway does not become a road by it.
				return unsaid
			}
			return a
		}
	}
	return unsaid
}

func readAccess(value string) access {
	switch value {
	case "yes", "designated", "permissive", "official", "public", "use_sidepath", "optional_sidepath":
		return allowed
	case "destination", "customers", "delivery", "residents":
		return homeOnly
	case "dismount":
		return pushOnly
	case "no", "private", "agricultural", "forestry", "military", "emergency", "psv", "bus", "permit",
		"agricultural;forestry", "forestry;agricultural":
		return forbidden
	}
	return unsaid
}

func shut(value string) bool { return readAccess(value) == forbidden }

// blockedBy says whether a node's tags stop the mode: a barrier it cannot
// pass, or access that is tagged on the node.
func (p profile) blockedBy(tags osm.Tags) bool {
	barrier := tags.Find("barrier")
	access := p.accessOf(tags)
	switch {
	case access == forbidden:
		return barrier != "" || tags.Find("highway") != ""
	case barrier == "":
		return false
	case tags.Find("locked") == "yes":
		return true
	case access != unsaid || tags.Find("access") == "yes":
		return false
	case barrier == "bollard" && tags.Find("bollard") == "rising":
		return false
	case p.pass != nil:
		return !p.pass[barrier]
	}
	return p.blocked[barrier]
}
