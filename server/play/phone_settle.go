package play

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// keptFor is how long a phone keeps acknowledged mutations: the server takes offers of 30 days after a restore (P8).
const keptFor = 30 * 24 * time.Hour

// acknowledged is a mutation that the server has acknowledged, in an epoch.
type acknowledged struct {
	Mutation
	epoch string
}

// settle notes the answer to a mutation: what was acknowledged is kept, and the record becomes what the server has
// where it did not take the phone's version. It tells whether the mutation stays queued, which only "retry" asks for;
// not_yet waits for an update of the app, and this phone gets none.
func (p *Phone) settle(m Mutation, r Result, epoch string) (queued bool) {
	switch r.Status {
	case "retry":
		return true
	case "applied", "duplicate", "merged":
		p.acked[m.Mid] = acknowledged{m, epoch}
	case "conflict", "rejected":
		if r.Op == "put" {
			p.put(m.Type, m.ID, r.Rev, r.Doc)
		} else {
			p.drop(m.Type, m.ID)
		}
	case "revoked":
		p.purge(m.Type, m.ID)
	}
	return false
}

func (p *Phone) put(typ, id string, rev uint64, doc json.RawMessage) {
	if p.Docs[typ] == nil {
		p.Docs[typ] = map[string]json.RawMessage{}
	}
	p.Docs[typ][id] = doc
	p.Revs[typ+"/"+id] = rev
}

func (p *Phone) drop(typ, id string) {
	delete(p.Docs[typ], id)
	delete(p.Revs, typ+"/"+id)
}

// purge forgets a record that is not this phone's any more, and what was sent of it and is answered. What is queued
// goes to the server first.
func (p *Phone) purge(typ, id string) {
	p.drop(typ, id)
	maps.DeleteFunc(p.acked, func(_ string, a acknowledged) bool {
		return a.Type == typ && a.ID == id || typ == "cases" && a.Fields["case"] == id
	})
}

// beginAgain forgets what was pulled, and queues again, before all else, what was acknowledged in another epoch: the
// server may have lost it when it was restored from a backup (P8). What it has is a duplicate.
func (p *Phone) beginAgain(epoch string) {
	p.Epoch, p.Cursor = epoch, 0
	clear(p.Docs)
	clear(p.Revs)
	var again []Mutation
	for mid, a := range p.acked {
		if a.epoch != epoch {
			again = append(again, a.Mutation)
			delete(p.acked, mid)
		}
	}
	// Mids sort in the order of the writes.
	slices.SortFunc(again, func(a, b Mutation) int { return strings.Compare(a.Mid, b.Mid) })
	p.Queue = append(again, p.Queue...)
}

// Acknowledged is how many mutations of the last 30 days the phone would offer again after a restore of the server.
func (p *Phone) Acknowledged() int { return len(p.acked) }

// sweep forgets what was acknowledged and written more than 30 days before at.
func (p *Phone) sweep(at time.Time) {
	maps.DeleteFunc(p.acked, func(_ string, a acknowledged) bool { return at.Sub(a.ClientTS) > keptFor })
}
