package simulation

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"doorstep/auth"
	"doorstep/server"
	"doorstep/server/store/memstore"
	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// oracle reads the journals on the disk, and nothing else: no view, no feed and no code that decides on scope.
type oracle struct {
	mu       sync.Mutex
	branches map[auth.BranchID]*chronicle
}

// chronicle is what a branch's journal says.
type chronicle struct {
	last    uint64
	entries []event
	holders map[string][]holding // by case
	leaves  []tlog.Hash
}

type event struct {
	n             uint64
	command       string
	part          int
	action, actor string
	docs          []journal.Doc
}

// holding is who holds a case from an entry on.
type holding struct {
	n      uint64
	agents []string
}

// read takes in what has been appended.
func (w *world) read(b auth.BranchID) *chronicle {
	w.oracle.mu.Lock()
	defer w.oracle.mu.Unlock()
	c := w.oracle.branches[b]
	if c == nil {
		c = &chronicle{holders: map[string][]holding{}}
		w.oracle.branches[b] = c
	}
	for p, err := range journal.Pages(context.Background(), w.eye(), b, c.last) {
		w.must(err)
		entries, err := p.Decode()
		w.must(err)
		for _, e := range entries {
			c.entries = append(c.entries, event{e.N, e.Command, e.Part, e.Action, string(e.Actor), e.Docs})
			for _, d := range e.Docs {
				if d.Type != "cases" {
					continue
				}
				var k struct {
					Agents []string `json:"agents"`
				}
				if !d.Deleted {
					w.must(json.Unmarshal(d.State, &k))
				}
				c.holders[d.ID] = append(c.holders[d.ID], holding{e.N, k.Agents})
			}
		}
		c.leaves = append(c.leaves, p.Leaves...)
		c.last = p.Last
	}
	return c
}

// eye reads the disk whatever becomes of the nodes.
func (w *world) eye() *memstore.Store { return memstore.Open(w.disk, nil, nil) }

// eyeWithIndexes is eye for what looks at the declared indexes.
func (w *world) eyeWithIndexes() *memstore.Store { return memstore.Open(w.disk, server.Indexes(), nil) }

// mayHold tells whether an agent held a case at some moment between two entries of the journal.
func (c *chronicle) mayHold(agent, id string, from, to uint64) bool {
	for i, h := range c.holders[id] {
		ended := i+1 < len(c.holders[id]) && c.holders[id][i+1].n <= from
		if h.n <= to && !ended && slices.Contains(h.agents, agent) {
			return true
		}
	}
	return false
}

// pulled is what a page of a pull must have.
type pulled struct {
	Epoch   string `json:"epoch"`
	Cursor  uint64 `json:"cursor"`
	More    bool   `json:"more"`
	Changes []struct {
		Seq  uint64          `json:"seq"`
		Type string          `json:"type"`
		ID   string          `json:"id"`
		Rev  uint64          `json:"rev"`
		Op   string          `json:"op"`
		Doc  json.RawMessage `json:"doc"`
	} `json:"changes"`
}

// delivered checks a page that a node has given to an agent's phone: numbers rise, each record comes once, the cursor
// does not go back, and nothing is of a case that the agent did not hold at any moment of the request.
func (w *world) delivered(agent string, after, from uint64, text []byte) {
	var p pulled
	w.must(json.Unmarshal(text, &p))
	b := branchOf[agent]
	c := w.read(b)
	if p.Cursor < after {
		w.fail("cursors never go back", "the phone of %s was at %d and is told %d", agent, after, p.Cursor)
	}
	seq, seen := after, map[string]bool{}
	for _, x := range p.Changes {
		if x.Seq <= seq || x.Seq > p.Cursor {
			w.fail("numbers rise", "%s/%s is %d, after %d and up to %d", x.Type, x.ID, x.Seq, seq, p.Cursor)
		}
		if seq = x.Seq; seen[x.Type+"/"+x.ID] {
			w.fail("one entry for a record", "%s/%s is twice in a page", x.Type, x.ID)
		}
		seen[x.Type+"/"+x.ID] = true
		w.tally["records pulled: "+x.Op]++
		if x.Op != "put" {
			if x.Doc != nil {
				w.fail("nothing out of scope is delivered", "a %s of %s/%s carries a document", x.Op, x.Type, x.ID)
			}
			continue
		}
		var of struct {
			Case, By string
		}
		w.must(json.Unmarshal(x.Doc, &of))
		id := of.Case
		if x.Type == "cases" {
			id = x.ID
		}
		switch {
		case x.Type == "policy":
		case !c.mayHold(agent, id, from, c.last):
			w.fail("nothing out of scope is delivered", "%s/%s of case %s went to %s, who did not hold it between entries %d "+
				"and %d", x.Type, x.ID, id, agent, from, c.last)
		case x.Type == "drafts" && of.By != agent:
			w.fail("nothing out of scope is delivered", "the draft %s of %s went to %s", x.ID, of.By, agent)
		}
	}
}
