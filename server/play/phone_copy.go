package play

import (
	"encoding/json"
	"maps"
	"slices"
)

// Copy returns a copy of all that the phone keeps, as a backup of the phone has it. The copies share nothing but
// documents, which are never changed in place.
func (p *Phone) Copy() *Phone {
	c := *p
	c.Docs = map[string]map[string]json.RawMessage{}
	for typ, docs := range p.Docs {
		c.Docs[typ] = maps.Clone(docs)
	}
	c.Revs, c.Tally, c.acked = maps.Clone(p.Revs), maps.Clone(p.Tally), maps.Clone(p.acked)
	c.Queue = slices.Clone(p.Queue)
	return &c
}

// CopyAs is a copy of all that the phone keeps, restored to another device that has not signed in.
func (p *Phone) CopyAs(device string) *Phone {
	c, restored := p.Copy(), NewPhone(p.Base, p.Agent, device, p.HTTP)
	restored.Epoch, restored.Cursor, restored.Batch, restored.Limit = c.Epoch, c.Cursor, c.Batch, c.Limit
	restored.Docs, restored.Revs, restored.acked, restored.Queue = c.Docs, c.Revs, c.acked, c.Queue
	return restored
}

// Keeps tells whether the phone would send a mutation to a server that was restored from a backup: it is queued, or
// acknowledged and kept.
func (p *Phone) Keeps(mid string) bool {
	_, kept := p.acked[mid]
	return kept || slices.ContainsFunc(p.Queue, func(m Mutation) bool { return m.Mid == mid })
}
