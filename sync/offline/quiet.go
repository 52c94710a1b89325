package offline

import (
	"context"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// quiet remembers where the feeds of a branch end, so that a pull that finds nothing needs no read. What it knows are
// the numbers of the feeds as the store counts: without the epoch's base.
type quiet struct {
	from uint64 // the watermark when it began: of rows up to there it knows nothing
	w    uint64
	last map[journal.Feed]uint64 // the highest number of a row after from
}

// grown takes in what a page made visible.
func (q *quiet) grown(c journal.Committed) {
	q.w = max(q.w, c.W)
	for _, f := range c.Feeds {
		q.last[f.Feed] = max(q.last[f.Feed], f.Seq)
	}
}

// nothing tells whether the feeds have no row after a number.
func (q *quiet) nothing(feeds []journal.Feed, after uint64) bool {
	if after < journal.SeqTop(0, q.from) || after > journal.SeqTop(0, q.w) {
		return false
	}
	for _, f := range feeds {
		if q.last[f] > after {
			return false
		}
	}
	return true
}

// nothingNew answers a pull after a cursor that finds nothing, without a read. ok is false where it is not known that
// nothing is new. Only a process that has the store alone may ask: what others wrote, it would not see at once.
func (s *Service) nothingNew(ctx context.Context, c Caller, e Epoch, after uint64) (a PullAnswer, ok bool, err error) {
	if !s.alone || after == 0 || after < e.Base {
		return PullAnswer{}, false, nil
	}
	if !s.hub.knows(c.Branch) {
		w, err := s.store.Watermark(ctx, c.Branch)
		if err != nil {
			return PullAnswer{}, false, err
		}
		s.hub.begin(c.Branch, w)
	}
	w, ok := s.hub.nothing(c.Branch, feeds(c), after-e.Base)
	if !ok || w == 0 {
		return PullAnswer{}, false, nil
	}
	return PullAnswer{Epoch: e.Name, Cursor: journal.SeqTop(e.Base, w), ServerTime: s.now(), Changes: []Change{}}, true,
		nil
}

func (h *Hub) knows(b auth.BranchID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.quiet[b] != nil
}

// begin begins to remember where a branch's feeds end, at a watermark that was read after the hub subscribed to the
// journal: every page after it is announced.
func (h *Hub) begin(b auth.BranchID, w uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.quiet[b] == nil {
		h.quiet[b] = &quiet{from: w, w: w, last: map[journal.Feed]uint64{}}
	}
}

// nothing tells whether the feeds have no row after a number, and how far the branch is.
func (h *Hub) nothing(b auth.BranchID, feeds []journal.Feed, after uint64) (w uint64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.quiet[b]
	if q == nil || !q.nothing(feeds, after) {
		return 0, false
	}
	return q.w, true
}
