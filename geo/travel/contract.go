package travel

import (
	"context"
	"slices"
)

// The hierarchy is that of R. Geisberger, P. Sanders, D. Schultes and
// D. Delling, "Contraction Hierarchies: Faster and Simpler Hierarchical
// Routing in Road Networks" (WEA 2008): states are contracted one after the other,
// the least important first, and each fastest way through a contracted state is kept
// as a shortcut between its neighbours. Every fastest way then goes up to one most
// important state and down from it.

// link is a move or a shortcut during the contraction.
type link struct {
	cost  weight
	state uint32
	via   uint32 // the arc, or with shortcut set the state between
	hops  uint32 // moves it stands for
}

const shortcut = 1 << 31

type contraction struct {
	out, in [][]link // among the states that are not contracted yet
	level   []uint32
	witness witness
	fresh   []newLink // shortcuts of the present state
	up      [][]link  // of contracted states: to more important ones
	down    [][]link  // from more important ones
}

type newLink struct {
	from, to uint32
	link
}

// Limits of the witness search, in settled states: few to rank a state, more before a
// shortcut is made. A witness that is not found costs a needless shortcut, never a wrong
// one.
const (
	settleToRank     = 20
	settleToContract = 200
)

// contract makes the hierarchy. It calls progress with the number of states done.
func contract(ctx context.Context, s *states, cost func(arc uint32) weight, progress func(done, all int)) (*hierarchy,
	error) {
	c := &contraction{out: make([][]link, s.n), in: make([][]link, s.n), level: make([]uint32, s.n),
		up: make([][]link, s.n), down: make([][]link, s.n)}
	c.witness = newWitness(s.n)
	for _, m := range s.moves {
		if m.from != m.to {
			c.connect(m.from, m.to, link{cost: cost(m.arc) + weight(m.delay)<<32, via: m.arc, hops: 1})
		}
	}
	var q queue
	rank := make([]uint32, s.n)
	for v := range uint32(s.n) {
		q.push(entry{c.importance(v), v})
	}
	for done := 0; len(q) > 0; {
		if done%256 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if progress != nil {
				progress(done, s.n)
			}
		}
		v := q.pop().state
		if now := c.importance(v); len(q) > 0 && now > q[0].key {
			q.push(entry{now, v})
			continue
		}
		c.takeOut(v)
		rank[v] = uint32(done)
		done++
	}
	if progress != nil {
		progress(s.n, s.n)
	}
	h := c.hierarchy(rank)
	h.attach(s, rank)
	return h, nil
}

// connect adds a link, or improves the one there is.
func (c *contraction) connect(from, to uint32, l link) {
	for i := range c.out[from] {
		o := &c.out[from][i]
		if o.state != to {
			continue
		}
		if l.cost >= o.cost {
			return
		}
		l.state = to
		*o = l
		for k := range c.in[to] {
			if c.in[to][k].state == from {
				l.state = from
				c.in[to][k] = l
			}
		}
		return
	}
	l.state = to
	c.out[from] = append(c.out[from], l)
	l.state = from
	c.in[to] = append(c.in[to], l)
}

// importance ranks a state. States with few contracted neighbours and few shortcuts for
// the links that their contraction removes come first.
func (c *contraction) importance(v uint32) weight {
	c.shortcuts(v, settleToRank)
	removed, hops := len(c.in[v])+len(c.out[v]), uint32(0)
	for _, l := range c.in[v] {
		hops += l.hops
	}
	for _, l := range c.out[v] {
		hops += l.hops
	}
	if removed == 0 {
		return weight(c.level[v]) * 1000
	}
	added := uint32(0)
	for _, f := range c.fresh {
		added += f.hops
	}
	return weight(c.level[v])*1000 + weight(1000*len(c.fresh)/removed) + weight(1000*added/hops)
}

// shortcuts finds the shortcuts that the contraction of v needs.
func (c *contraction) shortcuts(v uint32, settle int) {
	c.fresh = c.fresh[:0]
	out := c.out[v]
	if len(out) == 0 {
		return
	}
	for _, o := range out {
		c.witness.at[o.state].goal = o.cost
	}
	for _, i := range c.in[v] {
		goals, farthest := 0, weight(0)
		for _, o := range out {
			if o.state != i.state {
				goals++
				farthest = max(farthest, o.cost)
			}
		}
		if goals == 0 {
			continue
		}
		c.witness.search(c.out, i, v, i.cost+farthest, goals, settle)
		for _, o := range out {
			if through := i.cost + o.cost; o.state != i.state && c.witness.at[o.state].dist > through {
				c.fresh = append(c.fresh, newLink{i.state, o.state,
					link{cost: through, via: v | shortcut, hops: i.hops + o.hops}})
			}
		}
		c.witness.clear()
	}
	for _, o := range out {
		c.witness.at[o.state].goal = 0
	}
}

func (c *contraction) takeOut(v uint32) {
	c.shortcuts(v, settleToContract)
	c.up[v], c.down[v] = c.out[v], c.in[v]
	for _, o := range c.out[v] {
		c.in[o.state] = without(c.in[o.state], v)
		c.level[o.state] = max(c.level[o.state], c.level[v]+1)
	}
	for _, i := range c.in[v] {
		c.out[i.state] = without(c.out[i.state], v)
		c.level[i.state] = max(c.level[i.state], c.level[v]+1)
	}
	c.out[v], c.in[v] = nil, nil
	for _, f := range c.fresh {
		c.connect(f.from, f.to, f.link)
	}
}

func without(links []link, state uint32) []link {
	i := slices.IndexFunc(links, func(l link) bool { return l.state == state })
	links[i] = links[len(links)-1]
	return links[:len(links)-1]
}

// witness searches for ways that avoid a state.
type witness struct {
	at      []witnessed
	touched []uint32
	queue   queue
}

type witnessed struct {
	dist weight
	goal weight // for a goal, the cost from the contracted state; else 0
}

func newWitness(n int) witness {
	w := witness{at: make([]witnessed, n)}
	for i := range w.at {
		w.at[i].dist = noWay
	}
	return w
}

// search settles states in order of distance, without skip and no farther than most,
// until it has ways to all goals that are no worse than by way of skip.
func (w *witness) search(out [][]link, first link, skip uint32, most weight, goals, settle int) {
	w.queue = w.queue[:0]
	w.at[first.state].dist = 0
	w.touched = append(w.touched, first.state)
	w.queue.push(entry{0, first.state})
	for len(w.queue) > 0 && settle > 0 {
		e := w.queue.pop()
		if e.key > w.at[e.state].dist {
			continue
		}
		settle--
		for _, l := range out[e.state] {
			d := e.key + l.cost
			if l.state == skip || d > most {
				continue
			}
			at := &w.at[l.state]
			if d >= at.dist {
				continue
			}
			if through := first.cost + at.goal; at.goal != 0 && d <= through && at.dist > through {
				if goals--; goals == 0 {
					at.dist = d
					w.touched = append(w.touched, l.state)
					return
				}
			}
			if at.dist == noWay {
				w.touched = append(w.touched, l.state)
			}
			at.dist = d
			w.queue.push(entry{d, l.state})
		}
	}
}

func (w *witness) clear() {
	for _, v := range w.touched {
		w.at[v].dist = noWay
	}
	w.touched = w.touched[:0]
}
