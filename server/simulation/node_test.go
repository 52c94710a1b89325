package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing/synctest"
	"time"

	"doorstep/server"
	"doorstep/server/store/memstore"
)

// node is one server and its way to the disk.
type node struct {
	w      *world
	number int
	server *server.Server
	down   chan struct{} // closed when it dies

	mu       sync.Mutex
	dead     bool
	dieAfter int // how many writes it does yet before it dies; -1: it lives
	unclear  int // of 100 writes, how many end in an error, done or not

	stop context.CancelFunc
	done chan struct{}
}

// guard is asked about each operation of the node's store.
func (n *node) guard(op memstore.Op, do func()) error {
	n.w.gate.wait(n.number, op)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		return errDead
	}
	if !op.Write || n.w.gate.isOpen() {
		do()
		return nil
	}
	if n.unclear > 0 && n.w.sched.IntN(100) < n.unclear {
		if n.w.sched.IntN(2) == 0 {
			do()
		}
		n.w.count("writes that ended in an error")
		return errors.New("simulation: the store does not say what became of the write")
	}
	if n.dieAfter == 0 {
		n.die()
		return errDead
	}
	do()
	if n.dieAfter > 0 {
		n.dieAfter--
		if n.dieAfter == 0 {
			n.die()
			return errDead
		}
	}
	return nil
}

func (g *gate) isOpen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// die is SIGKILL: nothing is written any more and no request is answered. n.mu is held.
func (n *node) die() {
	n.dead = true
	close(n.down)
}

// kill has a node die.
func (n *node) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.dead {
		n.die()
	}
}

func (n *node) isDead() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dead
}

// fails tells whether some of the node's writes end in an error.
func (n *node) fails() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.unclear > 0
}

// start starts a node on the world's disk. The gate is open meanwhile: a start is one step.
func (w *world) start(number int) (*node, error) {
	n := &node{w: w, number: number, down: make(chan struct{}), dieAfter: -1, unclear: 0, done: make(chan struct{})}
	store := memstore.Open(w.disk, server.Indexes(), n.guard)
	w.openGate(true)
	s, err := server.OpenInProcess(context.Background(), server.Config{Data: w.data, AdminPassword: password, Threads: 1,
		Log: w.log}, server.InProcess{Store: store, Alone: w.nodes == 1, Clock: w.now, Steps: 300})
	synctest.Wait()
	w.openGate(false)
	if err != nil {
		return nil, fmt.Errorf("start node %d: %w", number, err)
	}
	n.server = s
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	go func() {
		defer close(n.done)
		s.Work(ctx)
	}()
	return n, nil
}

// bury ends what still runs of a node. One that lives stops as a server does that is told to.
func (n *node) bury() {
	w := n.w
	n.stop()
	w.until("the end of a node's background work", func() bool {
		select {
		case <-n.done:
			return true
		default:
			return false
		}
	})
	w.together("the close of a node", func() { _ = n.server.Close() })
	n.kill()
}

// answer has a node answer a request. ok is false when the node died before it had.
func (n *node) answer(
	method, path string, header http.Header, body []byte,
) (answer *http.Response, text []byte, ok bool) {
	if n.isDead() {
		return nil, nil, false
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, path, newBody(body))
	r.Header = header.Clone()
	rec := httptest.NewRecorder()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		n.server.Handler().ServeHTTP(rec, r)
	}()
	select {
	case <-answered:
	case <-n.down:
		cancel()
		<-answered // its goroutine ends; what it says is not heard
		return nil, nil, false
	}
	if n.isDead() {
		return nil, nil, false
	}
	res := rec.Result()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, false
	}
	return res, text, true
}

func (w *world) openGate(open bool) {
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	w.gate.open = open
	if open { // what is held back goes on too
		for _, h := range w.gate.held {
			close(h.pass)
		}
		w.gate.held = nil
	}
}

// now is the time of the servers.
func (w *world) now() time.Time { return w.startedAt.Add(time.Since(w.began)) }
