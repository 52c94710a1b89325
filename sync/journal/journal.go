package journal

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"doorstep/auth"
)

// Journal appends to the journals of all branches of one store.
type Journal struct {
	store Store
	opt   Options
	log   *slog.Logger
	node  string

	life context.Context // ends when Close gives up waiting
	kill context.CancelFunc
	stop chan struct{} // closed first: no new groups

	mu         sync.Mutex
	committers map[auth.BranchID]*committer
	closed     bool
	running    sync.WaitGroup
	subs       subscribers
}

// subscribers are told after each visible page.
type subscribers struct {
	mu      sync.Mutex
	next    int
	watched bool // a goroutine looks for what other nodes wrote
	fn      map[int]func(Committed)
}

// Options of Open. The zero value is usable.
type Options struct {
	// Clock gives the time entries are received at; nil: the system's. It never
	// orders anything: numbers do.
	Clock func() time.Time
	Log   *slog.Logger
}

// Committed tells what a page made visible.
type Committed struct {
	Branch auth.BranchID
	W      uint64
	Feeds  []FeedEntry // rows that became visible
}

// Open makes a journal over a store. Close it before the store.
func Open(store Store, opt Options) *Journal {
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	life, kill := context.WithCancel(context.Background())
	return &Journal{store: store, opt: opt, log: opt.Log, node: randomID()[:12], life: life, kill: kill,
		stop: make(chan struct{}), committers: map[auth.BranchID]*committer{}}
}

// Close answers what is queued, waits for it to be durable, and stops. After the
// context ends it stops waiting for an unreachable store: callers that wait for an append
// with an unknown outcome get ErrUnclear, all others ErrClosed.
func (j *Journal) Close(ctx context.Context) error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	for _, c := range j.committers {
		c.close()
	}
	close(j.stop)
	j.mu.Unlock()
	quiet := make(chan struct{})
	go func() { j.running.Wait(); close(quiet) }()
	defer j.kill()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		j.kill()
		<-quiet
		return ctx.Err()
	}
}

// known finds the branch's committer, or makes it: nothing is read yet.
func (j *Journal) known(b auth.BranchID) (*committer, error) {
	if !branchName.MatchString(string(b)) {
		return nil, badBranch()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, ErrClosed
	}
	c := j.committers[b]
	if c == nil {
		c = newCommitter(j, b)
		j.committers[b] = c
	}
	return c, nil
}

// committer finds the branch's committer, started.
func (j *Journal) committer(ctx context.Context, b auth.BranchID) (*committer, error) {
	c, err := j.known(b)
	if err != nil {
		return nil, err
	}
	return c, c.open(ctx)
}

// Store gives the store for reading views.
func (j *Journal) Store() Store { return j.store }

// Now is the journal's clock, in UTC and whole milliseconds: what a decision taken now would see as received time.
func (j *Journal) Now() time.Time { return j.opt.Clock().UTC().Truncate(time.Millisecond) }

// Watermark is the number up to which a branch's entries are visible.
func (j *Journal) Watermark(ctx context.Context, b auth.BranchID) (uint64, error) {
	return j.store.Watermark(ctx, b)
}

// Entry reads one entry of a branch and its canonical bytes. ErrNotFound.
func (j *Journal) Entry(ctx context.Context, b auth.BranchID, n uint64) (Entry, json.RawMessage, error) {
	p, err := j.store.PageOf(ctx, b, n)
	if err != nil {
		return Entry{}, nil, err
	}
	raw := p.Entries[n-p.First]
	e, err := DecodeEntry(raw)
	return e, raw, err
}

// Subscribe calls fn after each page becomes visible, in order per branch, whichever
// node wrote it: at once what was appended through this process, within about a second
// what another node wrote. fn must return at once: it runs on the committer. The first
// subscription reads how far each branch is before it returns. The returned function
// ends the subscription.
func (j *Journal) Subscribe(fn func(Committed)) (cancel func()) {
	j.subs.mu.Lock()
	if j.subs.fn == nil {
		j.subs.fn = map[int]func(Committed){}
	}
	id := j.subs.next
	j.subs.next++
	j.subs.fn[id] = fn
	watched := j.subs.watched
	j.subs.watched = true
	j.subs.mu.Unlock()
	j.mu.Lock()
	start := !watched && !j.closed
	if start {
		j.running.Add(1)
	}
	j.mu.Unlock()
	if start {
		j.lookAround(true)
		go func() { defer j.running.Done(); j.watch() }()
	}
	return func() {
		j.subs.mu.Lock()
		defer j.subs.mu.Unlock()
		delete(j.subs.fn, id)
	}
}

// unwatched stops looking for what other nodes wrote when there are no subscribers any more.
func (j *Journal) unwatched() bool {
	j.subs.mu.Lock()
	defer j.subs.mu.Unlock()
	if len(j.subs.fn) == 0 {
		j.subs.watched = false
	}
	return !j.subs.watched
}

func (j *Journal) announce(b auth.BranchID, w uint64, feeds []FeedEntry) {
	j.subs.mu.Lock()
	defer j.subs.mu.Unlock()
	for _, fn := range j.subs.fn {
		fn(Committed{Branch: b, W: w, Feeds: feeds})
	}
}

// IsNotFound tells whether an error says that something does not exist in a store.
func IsNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
