package offline

import (
	"context"
	"sync"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Hub tells waiting pulls and streams that a feed has grown. It carries no data.
type Hub struct {
	mu     sync.Mutex
	heard  map[feedName]map[*listener]struct{}
	quiet  map[auth.BranchID]*quiet
	closed bool
	cancel func()
}

type feedName struct {
	branch auth.BranchID
	feed   journal.Feed
}

// listener is told of a branch's watermark when a feed has grown, and of the end. Both are called with the hub's lock
// held: they do not wait, and call nothing of the hub.
type listener struct {
	grown func(w uint64)
	end   func()
}

func newHub(j *journal.Journal) *Hub {
	h := &Hub{heard: map[feedName]map[*listener]struct{}{}, quiet: map[auth.BranchID]*quiet{}}
	h.cancel = j.Subscribe(h.committed)
	return h
}

// committed runs on the committer: it only marks who has news.
func (h *Hub) committed(c journal.Committed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q := h.quiet[c.Branch]; q != nil {
		q.grown(c)
	}
	if len(h.heard) == 0 {
		return
	}
	for _, f := range c.Feeds {
		for l := range h.heard[feedName{c.Branch, f.Feed}] {
			l.grown(c.W)
		}
	}
}

// Listen gives a channel that is readable once any of the feeds has grown since
// the last read, and closed when the server stops. Call stop when done.
func (h *Hub) Listen(b auth.BranchID, feeds ...journal.Feed) (poke <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	return c, h.listen(b, &listener{grown: func(uint64) {
		select {
		case c <- struct{}{}:
		default: // already told
		}
	}, end: func() { close(c) }}, feeds)
}

// listen adds a listener. Call stop when done.
func (h *Hub) listen(b auth.BranchID, l *listener, feeds []journal.Feed) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		l.end()
		return func() {}
	}
	for _, f := range feeds {
		n := feedName{b, f}
		if h.heard[n] == nil {
			h.heard[n] = map[*listener]struct{}{}
		}
		h.heard[n][l] = struct{}{}
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, f := range feeds {
			n := feedName{b, f}
			delete(h.heard[n], l)
			if len(h.heard[n]) == 0 {
				delete(h.heard, n)
			}
		}
	}
}

// close ends the subscription and every wait.
func (h *Hub) close() {
	h.cancel() // first: no commit may come upon a closed channel
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	seen := map[*listener]bool{}
	for _, ls := range h.heard {
		for l := range ls {
			if !seen[l] {
				seen[l] = true
				l.end()
			}
		}
	}
	h.heard = map[feedName]map[*listener]struct{}{}
}

// Poke calls grown when one of the caller's feeds has grown, with the cursor of the feeds' end, until stop is called or
// the service is closed. grown does not wait, and calls neither Poke nor stop. The error is the store's.
func (s *Service) Poke(ctx context.Context, c Caller, grown func(seq uint64)) (stop func(), err error) {
	e, err := s.epoch(ctx, c.Branch)
	if err != nil {
		return nil, err
	}
	l := &listener{grown: func(w uint64) { grown(journal.SeqTop(e.Base, w)) }, end: func() {}}
	return s.hub.listen(c.Branch, l, feeds(c)), nil
}
