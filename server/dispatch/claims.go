package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Nodes on one store see the same rounds that wait. A claim keeps two of them from working at
// one round side by side: a small document that its holder renews. It saves work and decides
// nothing: what a round becomes is an entry, and of two that work at it the first one wins.

// claimKind is the kind of the small documents that are claims; the id is the branch and the round.
const claimKind = "claim"

const (
	claimRenew = 5 * time.Second
	claimLapse = 15 * time.Second // a claim that was not renewed for so long, by the watch of who waits, is taken over
)

// errElsewhere says that another node works at a round.
var errElsewhere = errors.New("another node works at it")

// claims are the claims of one node. They are safe for concurrent use.
type claims struct {
	store journal.Store
	now   func() time.Time

	mu   sync.Mutex
	seen map[string]sighting // claims of other nodes
}

// sighting is when a version of another node's claim was first seen.
type sighting struct {
	version uint64
	at      time.Time
}

func newClaims(store journal.Store) *claims {
	return &claims{store: store, now: time.Now, seen: map[string]sighting{}}
}

// take claims a round, and tells the version of the claim. errElsewhere.
func (c *claims) take(ctx context.Context, id string) (uint64, error) {
	_, version, err := c.store.Small(ctx, claimKind, id)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		version = 0
	case err != nil:
		return 0, err
	case !c.lapsed(id, version):
		return 0, errElsewhere
	}
	err = c.store.SwapSmall(ctx, claimKind, id, version, []byte("{}"))
	if errors.Is(err, journal.ErrRaced) {
		return 0, errElsewhere
	}
	return version + 1, err
}

// lapsed tells whether another node's claim has stayed as it is for too long.
func (c *claims) lapsed(id string, version uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	was, there := c.seen[id]
	if !there || was.version != version {
		if len(c.seen) > 1000 {
			clear(c.seen)
		}
		c.seen[id] = sighting{version, now}
		return false
	}
	return now.Sub(was.at) >= claimLapse
}

// hold claims a round, and renews the claim until release is called. errElsewhere.
func (c *claims) hold(ctx context.Context, b auth.BranchID, round string) (release func(), err error) {
	id := string(b) + "/" + round
	version, err := c.take(ctx, id)
	if err != nil {
		return nil, err
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() {
		for journal.Sleep(renewing, claimRenew) == nil {
			switch err := c.store.SwapSmall(renewing, claimKind, id, version, []byte("{}")); {
			case err == nil:
				version++
			case errors.Is(err, journal.ErrRaced):
				return // it was taken over, or a renewal whose answer was lost counts: it lapses
			}
		}
	})
	return func() {
		stop()
		done.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimRenew)
		defer cancel()
		_ = c.store.DeleteSmall(ctx, claimKind, id, version) // if it stays, it lapses
	}, nil
}
