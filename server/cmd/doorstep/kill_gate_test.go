package main

import "sync"

// gate tells callers which node to ask, and makes them wait while all are dead.
type gate struct {
	mu    sync.Mutex
	cond  *sync.Cond
	nodes []life
	turn  int
}

// life is a node from one start to its end.
type life struct {
	node, start int // starts are counted from 1
	url         string
	dead        bool
}

func (g *gate) open(node int, url string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.nodes) <= node {
		g.nodes = append(g.nodes, life{node: len(g.nodes), dead: true})
	}
	g.nodes[node] = life{node: node, start: g.nodes[node].start + 1, url: url}
	g.cond.Broadcast()
}

func (g *gate) close(node int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nodes[node].dead = true
}

// await waits for a node that lives; the nodes take turns.
func (g *gate) await() life {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		for range g.nodes {
			g.turn++
			if l := g.nodes[g.turn%len(g.nodes)]; !l.dead {
				return l
			}
		}
		g.cond.Wait()
	}
}

// ended says whether a life was ended by the test, or is about to be.
func (g *gate) ended(l life) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.nodes[l.node]
	return now.dead || now.start != l.start
}
