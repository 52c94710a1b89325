package travel

import (
	"math"
	"slices"

	"doorstep/geo"

	"github.com/paulmach/osm"
)

// weight is how long and how far a way is in one number: milliseconds in the
// upper half, centimetres in the lower. Weights add up and compare as numbers:
// the smallest is the fastest way, and of the fastest the shortest.
type weight uint64

const noWay = weight(math.MaxUint64)

func weigh(millis, centimetres float64) weight {
	return weight(millis+0.5)<<32 | weight(centimetres+0.5)
}

func (w weight) millis() uint64      { return uint64(w >> 32) }
func (w weight) centimetres() uint64 { return uint64(w & math.MaxUint32) }

// share is the part of w along a fraction of an edge.
func (w weight) share(fraction float64) weight {
	return weigh(float64(w.millis())*fraction, float64(w.centimetres())*fraction)
}

// edges are the roads of one mode between crossings. Edge e is travelled
// forward as arc 2e and backward as arc 2e+1. Edges are in Morton's order, so that edges
// near each other on the map are near each other in memory.
type edges struct {
	vertices int
	ends     [][2]uint32 // vertices
	cost     [][2]weight // forward, backward; noWay: not that way
	home     []bool      // leads only to what lies on it
	island   []bool      // see markIslands
	shapeAt  []uint32    // edge e has the points shape[shapeAt[e]:shapeAt[e+1]], its ends among them
	shape    []geo.E7

	// Only the building of the graph needs these.
	wayIDs  [][2]osm.WayID // of the first and of the last piece
	nodeOf  []int32        // node of each vertex, in network.ids
	blocked []bool         // by vertex: the road ends here at a barrier
	lights  []bool         // by vertex
}

func (e *edges) tail(arc uint32) uint32 { return e.ends[arc>>1][arc&1] }
func (e *edges) head(arc uint32) uint32 { return e.ends[arc>>1][arc&1^1] }
func (e *edges) arcCost(arc uint32) weight {
	return e.cost[arc>>1][arc&1]
}

// line returns the points of an edge from its first end to its second.
func (e *edges) line(edge uint32) []geo.E7 { return e.shape[e.shapeAt[edge]:e.shapeAt[edge+1]] }

// piece is a stretch of a way between two vertices.
type piece struct {
	way      int32
	from, to int32 // positions in way.nodes, from < to
	ends     [2]uint32
}

// pieces cuts the ways that mode m may use where they meet, where lights or
// barriers stand, and where a turn is restricted.
type pieces struct {
	net      *network
	mode     int
	all      []piece
	vertexOf []int32 // by node; -1: within a piece
	nodeOf   []int32
	blocked  []bool
	keep     []bool // by vertex: join must not remove it
	// incident pieces of each vertex
	at   []uint32
	list []uint32
}

func cut(net *network, mode int, special map[osm.NodeID]bool) *pieces {
	c := &pieces{net: net, mode: mode, vertexOf: make([]int32, len(net.ids))}
	p := profileOf(Modes()[mode])
	uses := make([]uint8, len(net.ids))
	touch := func(node int32, times uint8) { uses[node] = min(uses[node]+times, 3) }
	for i := range net.ways {
		w := &net.ways[i]
		if !w.use[mode].usable() {
			continue
		}
		for k, node := range w.nodes {
			switch {
			case !net.known[node]:
			case k == 0 || k == len(w.nodes)-1 || !net.known[w.nodes[k-1]] || !net.known[w.nodes[k+1]]:
				touch(node, 2)
			default:
				touch(node, 1)
			}
		}
	}
	stops := func(node int32) bool { return net.blocked[node]>>mode&1 != 0 }
	for node := range uses {
		c.vertexOf[node] = -1
		if uses[node] == 0 || stops(int32(node)) {
			continue
		}
		kept := special[net.ids[node]] || p.turning && net.lights[node]
		if uses[node] > 1 || kept {
			c.vertexOf[node] = int32(c.vertex(int32(node), kept, false))
		}
	}
	end := func(node int32) uint32 {
		if stops(node) {
			return c.vertex(node, true, true) // at a barrier each road has an end of its own
		}
		return uint32(c.vertexOf[node])
	}
	for i := range net.ways {
		w := &net.ways[i]
		if !w.use[mode].usable() {
			continue
		}
		start := -1
		for k, node := range w.nodes {
			if !net.known[node] {
				start = -1
				continue
			}
			if !stops(node) && c.vertexOf[node] < 0 {
				continue
			}
			if start >= 0 {
				c.all = append(c.all, piece{way: int32(i), from: int32(start), to: int32(k),
					ends: [2]uint32{end(w.nodes[start]), end(node)}})
			}
			start = k
		}
	}
	c.gather()
	return c
}

func (c *pieces) vertex(node int32, keep, blocked bool) uint32 {
	c.nodeOf = append(c.nodeOf, node)
	c.keep = append(c.keep, keep)
	c.blocked = append(c.blocked, blocked)
	return uint32(len(c.nodeOf) - 1)
}

func (c *pieces) gather() {
	c.at = make([]uint32, len(c.nodeOf)+1)
	for _, p := range c.all {
		c.at[p.ends[0]]++
		c.at[p.ends[1]]++
	}
	sum := uint32(0)
	for v := range c.at {
		sum += c.at[v]
		c.at[v] = sum
	}
	c.list = make([]uint32, sum)
	for i, p := range c.all {
		for _, v := range p.ends {
			c.at[v]--
			c.list[c.at[v]] = uint32(i)
		}
	}
}

func (c *pieces) use(i uint32, reversed bool) usage {
	u := c.net.ways[c.all[i].way].use[c.mode]
	if reversed {
		return u.reversed()
	}
	return u
}

// joins reports whether v only connects two pieces of one kind.
func (c *pieces) joins(v uint32) bool {
	if c.keep[v] || c.at[v+1]-c.at[v] != 2 {
		return false
	}
	a, b := c.list[c.at[v]], c.list[c.at[v]+1]
	if a == b {
		return false
	}
	return c.use(a, c.all[a].ends[0] == v) == c.use(b, c.all[b].ends[0] != v)
}

// join makes edges of chains of pieces.
func (c *pieces) join() *edges {
	e := &edges{lights: make([]bool, 0), shapeAt: []uint32{0}}
	vertex := make([]uint32, len(c.nodeOf))
	done := make([]bool, len(c.all))
	name := func(v uint32) uint32 {
		if vertex[v] == 0 {
			e.nodeOf = append(e.nodeOf, c.nodeOf[v])
			e.blocked = append(e.blocked, c.blocked[v])
			e.lights = append(e.lights, c.net.lights[c.nodeOf[v]])
			vertex[v] = uint32(len(e.nodeOf))
		}
		return vertex[v] - 1
	}
	walk := func(first uint32, start uint32) {
		u := c.use(first, c.all[first].ends[0] != start)
		at, i, metres := start, first, 0.0
		var ids [2]osm.WayID
		shape := len(e.shape)
		for {
			p := c.all[i]
			done[i] = true
			w := &c.net.ways[p.way]
			nodes := slices.Clone(w.nodes[p.from : p.to+1])
			next := p.ends[1]
			if p.ends[0] != at {
				slices.Reverse(nodes)
				next = p.ends[0]
			}
			if i == first {
				ids[0] = w.id
				e.shape = append(e.shape, c.net.at[nodes[0]])
			}
			ids[1] = w.id
			for _, node := range nodes[1:] {
				a, b := e.shape[len(e.shape)-1], c.net.at[node]
				if a == b && len(e.shape)-shape > 1 {
					continue
				}
				metres += a.Point().DistanceTo(b.Point())
				e.shape = append(e.shape, b)
			}
			at = next
			if at == start || !c.joins(at) {
				break
			}
			other := c.list[c.at[at]]
			if other == i {
				other = c.list[c.at[at]+1]
			}
			i = other
		}
		e.ends = append(e.ends, [2]uint32{name(start), name(at)})
		e.cost = append(e.cost, [2]weight{timed(metres, u.forward), timed(metres, u.backward)})
		e.home = append(e.home, u.home)
		e.wayIDs = append(e.wayIDs, ids)
		e.shapeAt = append(e.shapeAt, uint32(len(e.shape)))
	}
	for v := range uint32(len(c.nodeOf)) {
		if c.joins(v) {
			continue
		}
		for _, i := range c.list[c.at[v]:c.at[v+1]] {
			if !done[i] {
				walk(i, v)
			}
		}
	}
	for i := range c.all { // rings without a crossing
		if !done[i] {
			walk(uint32(i), c.all[i].ends[0])
		}
	}
	e.vertices = len(e.nodeOf)
	e.sort()
	return e
}

func timed(metres float64, tenths uint16) weight {
	if tenths == 0 {
		return noWay
	}
	return weigh(max(1, metres*36000/float64(tenths)), metres*100)
}

// sort puts the edges in Morton's order of their middles.
func (e *edges) sort() {
	n := len(e.ends)
	order := make([]uint32, n)
	key := make([]uint64, n)
	for i := range n {
		line := e.line(uint32(i))
		order[i], key[i] = uint32(i), morton(line[len(line)/2])
	}
	slices.SortFunc(order, func(a, b uint32) int {
		switch {
		case key[a] < key[b]:
			return -1
		case key[a] > key[b]:
			return 1
		}
		return int(a) - int(b)
	})
	shape := make([]geo.E7, 0, len(e.shape))
	shapeAt := make([]uint32, 1, n+1)
	for _, i := range order {
		shape = append(shape, e.line(i)...)
		shapeAt = append(shapeAt, uint32(len(shape)))
	}
	e.shape, e.shapeAt = shape, shapeAt
	e.ends, e.cost, e.home, e.wayIDs = permuted(e.ends, order), permuted(e.cost, order), permuted(e.home, order),
		permuted(e.wayIDs, order)
}

func permuted[T any](list []T, order []uint32) []T {
	out := make([]T, len(list))
	for i, k := range order {
		out[i] = list[k]
	}
	return out
}

// morton interleaves the bits of a position.
func morton(p geo.E7) uint64 {
	spread := func(v uint32) uint64 {
		x := uint64(v)
		x = (x | x<<16) & 0x0000ffff0000ffff
		x = (x | x<<8) & 0x00ff00ff00ff00ff
		x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
		x = (x | x<<2) & 0x3333333333333333
		x = (x | x<<1) & 0x5555555555555555
		return x
	}
	return spread(uint32(p.Lon)^1<<31) | spread(uint32(p.Lat)^1<<31)<<1
}
