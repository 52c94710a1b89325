package simulation

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/cryptotest"
	"testing/synctest"

	"doorstep/server/play"
)

// fillQueue has ann write something of every kind, what will be refused and what is not known among it.
func (w *world) fillQueue(p *phone) {
	at := p.clock()
	stamp := at.UTC().Format("2006-01-02T15:04:05Z07:00")
	ids := p.caseIDs()
	if len(ids) < 2 {
		w.fail("the world", "the phone holds %v", ids)
	}
	p.r = rand.New(rand.NewPCG(7, 7))
	for _, of := range ids[:2] {
		p.visit(of)
	}
	p.plan(ids[1], stamp)
	note := func(of, text string) map[string]any {
		return map[string]any{"case": of, "at": stamp, "kind": "general", "text": text}
	}
	parent := p.Write("visit_notes", play.NewID(), "put", at, note(ids[0], "one"))
	p.Write("visit_notes", play.NewID(), "put", at, note(ids[0], "a child of one"), parent)
	p.Write("drafts", play.NewID(), "put", at, map[string]any{"case": ids[0], "of_type": "visits",
		"content": map[string]any{"outcome_detail": "begun"}})
	p.Write("visit_notes", play.NewID(), "put", at, note("L1.C2", "of a case of the other team"))
	p.Write("cases", ids[0], "patch", at, map[string]any{"debtor_name": "Another"})
	p.Write("tea_breaks", play.NewID(), "put", at, map[string]any{"case": ids[0], "text": "unknown"})
	p.Write("visit_notes", play.NewID(), "put", at,
		map[string]any{"case": ids[0], "at": "yesterday", "text": "unreadable"})
}

// crash is a scenario that is cut short at each write of its first part.
type crash struct {
	name string
	// before prepares it, first is what the server dies in, and then is what follows once it has started again.
	before, first, then func(w *world)
	least               int // writes of first
}

var crashes = []crash{
	{"a push of several kinds", func(w *world) {
		p := w.phones["ann"]
		p.Batch, p.line.skew = 0, 0
		w.together("the first pull", func() { w.must(p.pull()) })
		w.fillQueue(p)
	}, func(w *world) { w.together("the push", func() { _ = w.phones["ann"].push() }) },
		func(*world) {}, 60},
	{"a hold, and its release in the same run of a view", func(w *world) {
		w.together("the first request", func() { w.desks["sup"].do(http.MethodGet, "/v1/cases/L1.C1", nil, nil) })
	}, func(w *world) {
		w.together("a hold", func() {
			w.desks["sup"].do(http.MethodPost, "/v1/cases/L1.C1/holds", map[string]any{"kind": "dispute"}, nil)
		})
	}, func(w *world) { w.together("its release", func() { w.release("L1.C1") }) }, 10},
	{"a case that goes to another team", func(w *world) {
		for _, agent := range []string{"ann", "cid"} {
			w.together("the first pull", func() { w.must(w.phones[agent].pull()) })
		}
	}, func(w *world) {
		w.together("reassign", func() {
			w.desks["sup"].do(http.MethodPost, "/v1/cases/L1.C1/reassign", map[string]any{"team": "west"}, nil)
		})
	}, func(*world) {}, 10},
}

// play has a scenario die after a number of writes; -1: never.
func (m morning) play(t *testing.T, c crash, dieAfter int) (writes int, w *world, failed *failure) {
	data := m.folder(t)
	cryptotest.SetGlobalRandom(t, 1)
	synctest.Test(t, func(t *testing.T) {
		w = m.newWorld(t, data, 1, 1)
		failed = w.guarded(func() {
			w.startAll()
			c.before(w)
			before := w.gate.writes
			w.up[0].mu.Lock()
			w.up[0].dieAfter = dieAfter
			w.up[0].mu.Unlock()
			c.first(w)
			writes = w.gate.writes - before
			w.startAll()
			c.then(w)
			w.finale()
			w.stopAll()
		})
	})
	return writes, w, failed
}

// TestEveryCrashPoint has the server die before and after each write of each scenario (with -every; else at every
// ninth), and start again on what the store has. Then phones push again and everything must hold.
func TestEveryCrashPoint(t *testing.T) {
	single(t)
	m := makeMorning(t)
	stride := 9
	switch {
	case *everyFlag:
		stride = 1
	case raced:
		stride = 40
	}
	for _, c := range crashes {
		t.Run(c.name, func(t *testing.T) {
			writes, w, failed := m.play(t, c, -1)
			if failed != nil {
				t.Fatalf("without a crash: %s: %s", failed.invariant, failed.text)
			}
			if writes < c.least {
				t.Fatalf("it is only %d writes", writes)
			}
			if c.name == crashes[0].name {
				for _, status := range []string{"applied", "rejected", "revoked", "not_yet"} {
					if w.tally["answers: "+status] == 0 {
						t.Errorf("no mutation of the push is answered %s: %v", status, w.tally)
					}
				}
			}
			t.Logf("%d mutations, %d writes", len(w.ledger.sent), writes)
			for k := 0; k <= writes; k += stride {
				if _, _, failed := m.play(t, c, k); failed != nil {
					t.Errorf("after %d writes: %s: %s", k, failed.invariant, failed.text)
				}
			}
		})
	}
}
