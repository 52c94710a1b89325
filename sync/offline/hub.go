package offline

import (
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

type listener struct{ poke chan struct{} }

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
			select {
			case l.poke <- struct{}{}:
			default: // already told
			}
		}
	}
}

// Listen gives a channel that is readable once any of the feeds has grown since
// the last read, and closed when the server stops. Call stop when done.
func (h *Hub) Listen(b auth.BranchID, feeds ...journal.Feed) (poke <-chan struct{}, stop func()) {
	l := &listener{poke: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(l.poke)
		return l.poke, func() {}
	}
	for _, f := range feeds {
		n := feedName{b, f}
		if h.heard[n] == nil {
			h.heard[n] = map[*listener]struct{}{}
		}
		h.heard[n][l] = struct{}{}
	}
	return l.poke, func() {
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
				close(l.poke)
			}
		}
	}
	h.heard = map[feedName]map[*listener]struct{}{}
}

// Stream listens for a caller's feeds, for the SSE endpoint.
func (s *Service) Stream(c Caller) (poke <-chan struct{}, stop func()) {
	return s.hub.Listen(c.Branch, feeds(c)...)
}
