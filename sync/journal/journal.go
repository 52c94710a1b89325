package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"sync/atomic"
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
	stuck      atomic.Pointer[error]
	subs       subscribers
}

// subscribers are told after each visible page.
type subscribers struct {
	mu   sync.Mutex
	next int
	fn   map[int]func(Committed)
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
	return &Journal{store: store, opt: opt, log: opt.Log, node: pageID()[:12], life: life, kill: kill,
		stop: make(chan struct{}), committers: map[auth.BranchID]*committer{}}
}

// Close answers what is queued, waits for it to be durable, and stops. After
// the context ends it stops waiting for an unreachable store.
func (j *Journal) Close(ctx context.Context) error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	close(j.stop)
	j.mu.Unlock()
	quiet := make(chan struct{})
	go func() { j.running.Wait(); close(quiet) }()
	select {
	case <-quiet:
	case <-ctx.Done():
		j.kill()
		<-quiet
		return ctx.Err()
	}
	j.kill()
	return nil
}

var branchName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// committer finds the branch's committer, or starts it.
func (j *Journal) committer(ctx context.Context, b auth.BranchID) (*committer, error) {
	if !branchName.MatchString(string(b)) {
		return nil, invalid("a branch id has 1 to 64 letters, digits, dots, dashes or underscores")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, ErrClosed
	}
	if c := j.committers[b]; c != nil {
		return c, nil
	}
	c := &committer{j: j, branch: b, queue: make(chan *group, 1024), turn: make(chan struct{}, 1)}
	c.writes.reset(0)
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	j.committers[b] = c
	j.running.Add(1)
	go func() { defer j.running.Done(); c.run() }()
	return c, nil
}

// Stuck is why the store does not take what is to be appended (a full disk, an
// unreachable server), nil when it does. Callers wait meanwhile; nothing is lost.
func (j *Journal) Stuck() error {
	if err := j.stuck.Load(); err != nil {
		return *err
	}
	return nil
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

// Each calls fn for every visible entry after the given one, in order, until fn returns an error.
func (j *Journal) Each(ctx context.Context, b auth.BranchID, after uint64, fn func(Entry) error) error {
	w, err := j.store.Watermark(ctx, b)
	if err != nil {
		return err
	}
	for after < w {
		pages, err := j.store.Pages(ctx, b, after, 8)
		if err != nil {
			return err
		}
		if len(pages) == 0 {
			return fmt.Errorf("journal of %s ends at %d, below its watermark %d", b, after, w)
		}
		for _, p := range pages {
			entries, err := p.Decode()
			if err != nil {
				return err
			}
			for _, e := range entries {
				if e.N <= after || e.N > w {
					continue
				}
				if err := fn(e); err != nil {
					return err
				}
			}
			after = p.Last
		}
	}
	return nil
}

// Subscribe calls fn after each page becomes visible through this process, in
// order per branch. fn must return at once: it runs on the committer. The
// returned function ends the subscription.
func (j *Journal) Subscribe(fn func(Committed)) (cancel func()) {
	j.subs.mu.Lock()
	defer j.subs.mu.Unlock()
	if j.subs.fn == nil {
		j.subs.fn = map[int]func(Committed){}
	}
	id := j.subs.next
	j.subs.next++
	j.subs.fn[id] = fn
	return func() {
		j.subs.mu.Lock()
		defer j.subs.mu.Unlock()
		delete(j.subs.fn, id)
	}
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
