package travel

import (
	"strings"

	"github.com/paulmach/osm"
)

// access is what the tags of a way or a barrier allow one mode.
type access uint8

const (
	unsaid    access = iota // nothing is tagged
	allowed                 // tagged as open
	homeOnly                // open to those who live, deliver or visit there, which an agent at work does
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

// accessWords are the values of access tags that let a visitor in, in some way. Every other value keeps visitors
// out: it names others (forestry, bus), needs a permit, or is a word that is not known.
var accessWords = map[string]access{
	"yes": allowed, "designated": allowed, "permissive": allowed, "official": allowed, "public": allowed,
	"discouraged": allowed, "use_sidepath": allowed, "optional_sidepath": allowed,
	"destination": homeOnly, "customers": homeOnly, "delivery": homeOnly, "residents": homeOnly, "resident": homeOnly,
	"visitors": homeOnly, "visitor": homeOnly, "guests": homeOnly,
	"dismount": pushOnly,
}

// readAccess reads one value or a list of values (private;delivery), of which the most permissive holds.
func readAccess(value string) access {
	if strings.TrimSpace(value) == "" {
		return unsaid
	}
	best := forbidden
	for word := range strings.FieldsFuncSeq(strings.ToLower(value), func(r rune) bool {
		return r == ';' || r == ',' || r == '|'
	}) {
		if a, known := accessWords[strings.TrimSpace(word)]; known {
			best = min(best, a) // the constants ascend from open to closed
		}
	}
	return best
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
