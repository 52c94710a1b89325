package simulation

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"doorstep/server/store/memstore"
)

// errDead is what a node's store says once the node has died.
var errDead = errors.New("simulation: the node is dead")

// gate holds back each read and write of every node until the world lets it go: one at a time, in an order that the
// seed gives. So there is one schedule for a seed, and it is another one for another seed.
type gate struct {
	mu     sync.Mutex
	open   bool // nothing is held back
	held   []*heldOp
	writes int // that were done
	reads  int
}

// heldOp is a read or write that waits at the gate.
type heldOp struct {
	op    memstore.Op
	node  int
	stack uint64 // who asks: of two that ask for the same, it tells which is which
	pass  chan struct{}
}

// whoAsks is a hash of the caller's stack.
func whoAsks() uint64 {
	var pcs [48]uintptr
	h := fnv.New64a()
	for _, pc := range pcs[:runtime.Callers(4, pcs[:])] {
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(pc)))
	}
	return h.Sum64()
}

// wait returns when the world lets an operation of a node go.
func (g *gate) wait(node int, op memstore.Op) {
	g.mu.Lock()
	if g.open {
		g.mu.Unlock()
		return
	}
	h := &heldOp{op, node, whoAsks(), make(chan struct{})}
	g.held = append(g.held, h)
	g.mu.Unlock()
	<-h.pass
}

// next lets one operation go and tells whether there was one. All goroutines must be blocked.
func (g *gate) next(r *rand.Rand, trace func(string)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.held) == 0 {
		return false
	}
	slices.SortStableFunc(g.held, func(a, b *heldOp) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.op.Name, b.op.Name), cmp.Compare(a.op.On, b.op.On),
			cmp.Compare(a.stack, b.stack))
	})
	i := r.IntN(len(g.held))
	h := g.held[i]
	g.held = slices.Delete(g.held, i, i+1)
	if h.op.Write {
		g.writes++
	} else {
		g.reads++
	}
	trace(fmt.Sprintf("%d %s %s", h.node, h.op.Name, h.op.On))
	close(h.pass)
	return true
}

// patience is how long, in the world's time, something may take that is waited for.
const patience = 10 * time.Minute

// settle lets operations go until all that goes on waits for time to pass.
func (w *world) settle() {
	for {
		synctest.Wait()
		w.hasFailed()
		if !w.gate.next(w.sched, w.trace) {
			return
		}
	}
}

// until lets operations go, and time pass where nothing else can, until done says so. It fails the world if that takes
// longer than patience.
func (w *world) until(what string, done func() bool) {
	for began := time.Now(); ; {
		synctest.Wait()
		w.hasFailed()
		if done() {
			return
		}
		if w.gate.next(w.sched, w.trace) {
			continue
		}
		if time.Since(began) > patience {
			w.fail("liveness", "%s has not ended after %s", what, patience)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	for end := time.Now().Add(d); ; {
		w.settle()
		left := time.Until(end)
		if left <= 0 {
			return
		}
		time.Sleep(min(left, 500*time.Millisecond))
	}
}

// together runs functions at once and waits for their end. The seed orders what they do.
func (w *world) together(what string, fs ...func()) {
	var all sync.WaitGroup
	var mu sync.Mutex
	left := len(fs)
	for _, f := range fs {
		all.Go(func() {
			defer func() {
				mu.Lock()
				left--
				mu.Unlock()
			}()
			defer caught()
			f()
		})
	}
	w.until(what, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return left == 0
	})
	all.Wait()
	w.settle()
}
