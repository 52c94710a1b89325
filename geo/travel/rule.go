package travel

import (
	"slices"
	"strings"

	"github.com/paulmach/osm"
)

// rule is a turn restriction as it is tagged: from these ways, over these, to those.
type rule struct {
	only  bool  // the one turn allowed; false: the one forbidden
	modes uint8 // bit m: holds for Modes()[m]
	from  []osm.WayID
	to    []osm.WayID
	node  osm.NodeID  // where they meet, unless
	via   []osm.WayID // they are joined by ways, in order
}

func isRestriction(tags osm.Tags) bool {
	kind := tags.Find("type")
	return kind == "restriction" || strings.HasPrefix(kind, "restriction:")
}

// readRules keeps the restrictions that hold at all times and say clearly what
// they mean. Those by the hour (restriction:conditional) do not bind a plan.
func readRules(relations []osm.Relation) []rule {
	var rules []rule
	for i := range relations {
		tags := relations[i].Tags
		except := strings.FieldsFunc(tags.Find("except"), func(r rune) bool { return r == ';' || r == ',' || r == ' ' })
		byValue := map[string]*rule{}
		for m, mode := range Modes() {
			value := restrictionFor(profileOf(mode), tags, except)
			if value == "" {
				continue
			}
			if byValue[value] == nil {
				r, ok := readRule(value, relations[i].Members)
				if !ok {
					continue
				}
				byValue[value] = &r
			}
			byValue[value].modes |= 1 << m
		}
		for _, value := range []string{"no", "only"} {
			if r := byValue[value]; r != nil {
				rules = append(rules, *r)
			}
		}
	}
	return rules
}

// restrictionFor returns "no" or "only" as the tags bind a mode; "" if they do not.
func restrictionFor(p profile, tags osm.Tags, except []string) string {
	for _, kind := range p.kinds {
		if slices.Contains(except, kind) {
			return ""
		}
	}
	value := ""
	for _, kind := range p.kinds {
		if value = tags.Find("restriction:" + kind); value != "" {
			break
		}
	}
	// A bare restriction is for vehicles; walkers turn as they like.
	if value == "" && slices.Contains(p.kinds, "vehicle") {
		value = tags.Find("restriction")
	}
	switch {
	case strings.HasPrefix(value, "no_"):
		return "no"
	case strings.HasPrefix(value, "only_"):
		return "only"
	}
	return ""
}

func readRule(value string, members osm.Members) (rule, bool) {
	r := rule{only: value == "only"}
	for _, m := range members {
		switch {
		case m.Role == "from" && m.Type == osm.TypeWay:
			r.from = append(r.from, osm.WayID(m.Ref))
		case m.Role == "to" && m.Type == osm.TypeWay:
			r.to = append(r.to, osm.WayID(m.Ref))
		case m.Role == "via" && m.Type == osm.TypeWay:
			r.via = append(r.via, osm.WayID(m.Ref))
		case m.Role == "via" && m.Type == osm.TypeNode:
			if r.node != 0 {
				return rule{}, false
			}
			r.node = osm.NodeID(m.Ref)
		}
	}
	if len(r.from) == 0 || len(r.to) == 0 || (r.node == 0) == (len(r.via) == 0) {
		return rule{}, false
	}
	return r, true
}
