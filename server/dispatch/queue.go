package dispatch

import (
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// queue says which of the rounds that wait for one kind of work is next. Branches take
// turns: the next is the one that was served the longest ago, and none has two rounds at
// work. A round that failed waits while the others go on. A queue belongs to one goroutine.
type queue struct {
	atOnce  int                        // how many rounds may be at work
	waiting map[auth.BranchID][]string // rounds by id, the oldest first
	busy    map[auth.BranchID]bool     // branches with a round at work
	served  map[auth.BranchID]uint64   // the turn a branch was served at last
	turn    uint64                     // counts all that were served
	trouble map[string]trouble         // rounds that failed, by id
	of      map[string]auth.BranchID   // whose round the trouble is
}

// trouble is what a queue remembers of a round that failed.
type trouble struct {
	tries int
	until time.Time // no attempt before
}

// How long a round waits after a failed attempt.
const (
	firstPause = 5 * time.Second
	mostPause  = 5 * time.Minute
)

func newQueue(atOnce int) *queue {
	return &queue{atOnce: atOnce, waiting: map[auth.BranchID][]string{}, busy: map[auth.BranchID]bool{},
		served: map[auth.BranchID]uint64{}, trouble: map[string]trouble{}, of: map[string]auth.BranchID{}}
}

// set replaces what waits in a branch, by id; ids grow with time.
func (q *queue) set(b auth.BranchID, ids []string) {
	if len(ids) == 0 {
		delete(q.waiting, b)
	} else {
		q.waiting[b] = slices.Sorted(slices.Values(ids))
	}
	for id, owner := range q.of {
		if owner == b && !slices.Contains(ids, id) {
			delete(q.trouble, id)
			delete(q.of, id)
		}
	}
}

// next takes the round that is next, if one may begin now. Its branch is busy until done.
func (q *queue) next(now time.Time) (b auth.BranchID, id string, ok bool) {
	if len(q.busy) >= q.atOnce {
		return "", "", false
	}
	for branch, ids := range q.waiting {
		if q.busy[branch] || ok && (q.served[branch] > q.served[b] || q.served[branch] == q.served[b] && branch > b) {
			continue
		}
		for _, x := range ids {
			if !q.trouble[x].until.After(now) {
				b, id, ok = branch, x, true
				break
			}
		}
	}
	if ok {
		q.turn++
		q.served[b] = q.turn
		q.busy[b] = true
	}
	return b, id, ok
}

// done says that a round is not at work any more; failed has it wait before the next attempt.
// What waits in its branch has to be set again.
func (q *queue) done(b auth.BranchID, id string, failed bool, now time.Time) {
	delete(q.busy, b)
	if !failed {
		delete(q.trouble, id)
		delete(q.of, id)
		return
	}
	t := q.trouble[id]
	t.tries++
	spaced := journal.Backoff{First: firstPause, Most: mostPause}
	t.until = now.Add(spaced.Nth(t.tries))
	q.trouble[id], q.of[id] = t, b
}

// pause is how long until a round that failed may be tried again, at most the given time.
func (q *queue) pause(now time.Time, most time.Duration) time.Duration {
	for _, t := range q.trouble {
		if d := t.until.Sub(now); d > 0 {
			most = min(most, d)
		}
	}
	return most
}
