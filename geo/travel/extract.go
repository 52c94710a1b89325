package travel

import (
	"context"
	"math"
	"slices"

	"doorstep/geo"
	"doorstep/geo/extract"

	"github.com/paulmach/osm"
)

// network is the roads of an extract: the ways that some mode may use, the positions of
// their nodes, barriers and lights, and forbidden turns.
type network struct {
	country string
	ids     []osm.NodeID // of the nodes, ascending
	at      []geo.E7     // where they are
	known   []bool       // whether the extract holds the node at all
	lights  []bool       // traffic lights stand here
	blocked []uint8      // bit m: Modes()[m] cannot pass here
	ways    []way
	rules   []rule
}

// way is a way of the extract with its usage by each of Modes().
type way struct {
	id    osm.WayID
	nodes []int32 // indices in network.ids
	use   [4]usage
}

// rawWay is a way as it was read.
type rawWay struct {
	id    osm.WayID
	nodes []osm.NodeID
	tags  osm.Tags
}

// objects is a source of nodes, ways and relations; an extract.File is one.
type objects interface {
	// Each calls visit for every object that the query wants, and may for others.
	Each(ctx context.Context, q extract.Query, visit func(osm.Object)) error
}

// waysAndTurns are the ways that may be roads, and the restrictions of turns.
var waysAndTurns = extract.Query{Kinds: extract.Ways | extract.Relations,
	Want: func(kind extract.Kind, _ int64, tags osm.Tags) bool {
		if kind == extract.Ways {
			return classOf(tags) != ""
		}
		return isRestriction(tags)
	}}

// readNetwork reads an extract twice: for ways and restrictions, then for the
// nodes that they need.
func readNetwork(ctx context.Context, from objects) (*network, error) {
	var raw []rawWay
	var restrictions []osm.Relation
	err := from.Each(ctx, waysAndTurns, func(o osm.Object) {
		switch o := o.(type) {
		case *osm.Way:
			if classOf(o.Tags) != "" && len(o.Nodes) > 1 {
				raw = append(raw, rawWay{o.ID, o.Nodes.NodeIDs(), o.Tags})
			}
		case *osm.Relation:
			if isRestriction(o.Tags) {
				restrictions = append(restrictions, osm.Relation{ID: o.ID, Tags: o.Tags, Members: o.Members})
			}
		}
	})
	if err != nil {
		return nil, err
	}
	n := &network{}
	var law limits
	n.country, law = country(raw)
	ferries := map[int]float64{}
	kept := raw[:0]
	for _, r := range raw {
		w := way{id: r.id}
		usable := false
		for m, mode := range Modes() {
			w.use[m] = profileOf(mode).usageOf(r.tags, law)
			usable = usable || w.use[m].usable()
		}
		if !usable {
			continue
		}
		if seconds := ferrySeconds(r.tags.Find("duration")); seconds > 0 && classOf(r.tags) == "ferry" {
			ferries[len(n.ways)] = seconds
		}
		n.ways = append(n.ways, w)
		n.ids = append(n.ids, r.nodes...)
		kept = append(kept, r)
	}
	slices.Sort(n.ids)
	n.ids = slices.Clip(slices.Compact(n.ids))
	for i, r := range kept {
		n.ways[i].nodes = make([]int32, len(r.nodes))
		for k, id := range r.nodes {
			n.ways[i].nodes[k] = n.index(id)
		}
	}
	n.at = make([]geo.E7, len(n.ids))
	n.known, n.lights = make([]bool, len(n.ids)), make([]bool, len(n.ids))
	n.blocked = make([]uint8, len(n.ids))
	err = from.Each(ctx, extract.Query{Kinds: extract.Nodes}, func(o osm.Object) {
		node, ok := o.(*osm.Node)
		if !ok {
			return
		}
		i := n.index(node.ID)
		if i < 0 {
			return
		}
		n.at[i], n.known[i] = geo.Point{Lon: node.Lon, Lat: node.Lat}.E7(), true
		if len(node.Tags) == 0 {
			return
		}
		n.lights[i] = node.Tags.Find("highway") == "traffic_signals" || node.Tags.Find("crossing") == "traffic_signals"
		for m, mode := range Modes() {
			if profileOf(mode).blockedBy(node.Tags) {
				n.blocked[i] |= 1 << m
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if len(n.ids) > 0 && !slices.Contains(n.known, true) {
		return nil, extract.Unreadable("holds roads but none of their nodes: make the extract anew with its nodes " +
			"(osmium extract --strategy=complete_ways; add-locations-to-ways --keep-untagged-nodes)")
	}
	n.measureFerries(ferries)
	n.rules = readRules(restrictions)
	return n, nil
}

// index returns where a node is in ids; -1 if no road uses it.
func (n *network) index(id osm.NodeID) int32 {
	if i, found := slices.BinarySearch(n.ids, id); found {
		return int32(i)
	}
	return -1
}

// measureFerries sets the speed of the ferries that say how long they take.
func (n *network) measureFerries(seconds map[int]float64) {
	for i, duration := range seconds {
		w := &n.ways[i]
		metres := 0.0
		for k := 1; k < len(w.nodes); k++ {
			if a, b := w.nodes[k-1], w.nodes[k]; n.known[a] && n.known[b] {
				metres += n.at[a].Point().DistanceTo(n.at[b].Point())
			}
		}
		tenths := uint16(math.Min(math.Max(metres/duration*36, 1), 1000))
		for m := range w.use {
			if w.use[m].forward > 0 {
				w.use[m].forward = tenths
			}
			if w.use[m].backward > 0 {
				w.use[m].backward = tenths
			}
		}
	}
}
