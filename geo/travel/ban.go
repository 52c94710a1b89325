package travel

import (
	"slices"

	"github.com/paulmach/osm"
)

// ban is a turn restriction on the graph. After travelling these arcs one after the
// other, a team may not take the arc to next, or, if only is set, may take no other
// arc than to and those of other such bans.
type ban struct {
	path []uint32
	to   uint32
	only bool
}

// restrictedNodes are the nodes that must stay crossings for the rules of a mode.
func (n *network) restrictedNodes(mode int) map[osm.NodeID]bool {
	nodes := map[osm.NodeID]bool{}
	bridges := map[osm.WayID]bool{}
	for _, r := range n.rules {
		if r.modes>>mode&1 == 0 {
			continue
		}
		if r.node != 0 {
			nodes[r.node] = true
		}
		for _, id := range r.via {
			bridges[id] = true
		}
	}
	for _, w := range n.ways {
		if bridges[w.id] {
			nodes[n.ids[w.nodes[0]]] = true
			nodes[n.ids[w.nodes[len(w.nodes)-1]]] = true
		}
	}
	return nodes
}

// resolver finds the arcs that a rule is about.
type resolver struct {
	e       *edges
	net     *network
	out, in incidence
	vertex  map[osm.NodeID]uint32
	wayEnds map[osm.WayID][2]osm.NodeID
}

// bans translates the rules of a mode. A rule is dropped if the extract lacks
// one of its roads, if the mode may not use them anyway, or if it could mean
// several turns because a road passes through the crossing undivided.
func (e *edges) bans(net *network, mode int, out incidence) []ban {
	var bans []ban
	r := resolver{e: e, net: net, out: out, vertex: map[osm.NodeID]uint32{}, wayEnds: map[osm.WayID][2]osm.NodeID{}}
	r.in = e.arriving()
	special := net.restrictedNodes(mode)
	for v, node := range e.nodeOf {
		if id := net.ids[node]; special[id] && !e.blocked[v] {
			r.vertex[id] = uint32(v)
		}
	}
	for _, w := range net.ways {
		r.wayEnds[w.id] = [2]osm.NodeID{net.ids[w.nodes[0]], net.ids[w.nodes[len(w.nodes)-1]]}
	}
	for _, rule := range net.rules {
		if rule.modes>>mode&1 == 0 {
			continue
		}
		bans = append(bans, r.resolve(rule)...)
	}
	return bans
}

// arriving lists the arcs that end at each vertex.
func (e *edges) arriving() incidence {
	in := incidence{at: make([]uint32, e.vertices+1)}
	arcs := uint32(2 * len(e.ends))
	for a := range arcs {
		if e.arcCost(a) != noWay {
			in.at[e.head(a)]++
		}
	}
	sum := uint32(0)
	for v := range in.at {
		sum += in.at[v]
		in.at[v] = sum
	}
	in.arcs = make([]uint32, sum)
	for a := range arcs {
		if e.arcCost(a) != noWay {
			v := e.head(a)
			in.at[v]--
			in.arcs[in.at[v]] = a
		}
	}
	return in
}

// wayAtTail is the way on which an arc begins, wayAtHead that on which it ends.
func (e *edges) wayAtTail(arc uint32) osm.WayID { return e.wayIDs[arc>>1][arc&1] }
func (e *edges) wayAtHead(arc uint32) osm.WayID { return e.wayIDs[arc>>1][arc&1^1] }

func (r *resolver) resolve(rule rule) []ban {
	var bans []ban
	for _, from := range rule.from {
		for _, to := range rule.to {
			if b, ok := r.one(rule, from, to); ok {
				bans = append(bans, b)
			}
		}
	}
	return bans
}

func (r *resolver) one(rule rule, from, to osm.WayID) (ban, bool) {
	if rule.node != 0 {
		v, ok := r.vertex[rule.node]
		if !ok {
			return ban{}, false
		}
		arrive, ok := r.arrival(v, from)
		if !ok {
			return ban{}, false
		}
		leave, ok := r.departure(v, to)
		return ban{path: []uint32{arrive}, to: leave, only: rule.only}, ok
	}
	// The first via way joins from at one of its ends; the rest follow.
	for _, start := range r.wayEnds[rule.via[0]] {
		v, ok := r.vertex[start]
		if !ok {
			continue
		}
		arrive, ok := r.arrival(v, from)
		if !ok {
			continue
		}
		path := []uint32{arrive}
		for _, id := range rule.via {
			if path, v, ok = r.along(path, v, id); !ok {
				break
			}
		}
		if !ok {
			continue
		}
		if leave, ok := r.departure(v, to); ok {
			return ban{path: path, to: leave, only: rule.only}, true
		}
	}
	return ban{}, false
}

// arrival finds the one arc that comes to v on a way.
func (r *resolver) arrival(v uint32, id osm.WayID) (uint32, bool) {
	found, n := uint32(0), 0
	for _, a := range r.in.of(v) {
		if r.e.wayAtHead(a) == id {
			found = a
			n++
		}
	}
	return found, n == 1
}

// departure finds the one arc that leaves v on a way.
func (r *resolver) departure(v uint32, id osm.WayID) (uint32, bool) {
	found, n := uint32(0), 0
	for _, a := range r.out.of(v) {
		if r.e.wayAtTail(a) == id {
			found = a
			n++
		}
	}
	return found, n == 1
}

// along extends a path from v over a whole way to its other end.
func (r *resolver) along(path []uint32, v uint32, id osm.WayID) ([]uint32, uint32, bool) {
	ends := r.wayEnds[id]
	goal, ok := r.vertex[ends[0]]
	if other, has := r.vertex[ends[1]]; ok && has && goal == v {
		goal = other
	} else if !ok || !has || other != v {
		return nil, 0, false
	}
	path = slices.Clip(path)
	for range r.net.ids {
		moved := false
		for _, a := range r.out.of(v) {
			if r.e.wayAtTail(a) == id && a != path[len(path)-1]^1 {
				path, v, moved = append(path, a), r.e.head(a), true
				break
			}
		}
		if !moved {
			return nil, 0, false
		}
		if v == goal {
			return path, v, true
		}
	}
	return nil, 0, false
}
