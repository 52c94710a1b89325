package journal

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"doorstep/auth"
)

// How a branch is followed.
const (
	followEvery = 500 * time.Millisecond // how often the tail is read while the branch is awake
	idleAfter   = time.Minute            // a branch where nothing happens for so long costs no goroutine
)

// committer follows one branch and appends to it. While it is awake one goroutine
// runs it; everything below last belongs to that goroutine, or to the caller that starts it.
type committer struct {
	j        *Journal
	branch   auth.BranchID
	turn     chan struct{}          // holds one: who decides again, see Do
	starting chan struct{}          // holds one: who starts the branch
	news     chan struct{}          // holds one: pending has grown
	soon     chan struct{}          // holds one: something to append is being decided
	w        atomic.Uint64          // entries up to here are in the views of this store
	shown    atomic.Pointer[string] // see lastShown
	groups   atomic.Uint64          // ids of groups
	above    atomic.Uint64          // RevsAbove: it changes only while no server has the store open
	waking   atomic.Bool            // lookAround is waking the branch

	mu         sync.Mutex
	pending    []*group
	started    bool
	running    bool // the goroutine is there
	closed     bool // no new groups
	stuck      error
	stuckSince time.Time
	seen       bool   // heard is known
	heard      uint64 // before it is started: pages up to here need not be announced

	last     uint64 // last entry number we know of
	tree     bool   // edge and numbered are those after last; false after a page that cannot be read
	edge     Edge
	numbered Counts
	clock    time.Time // received time of the tail: never decreases
	writes   writeLog
	unfit    map[Key]bool // documents that the store could not keep: their states stay as they were
	losses   int          // compares lost in a row
	turns    turns
	followed bool // a start has just gone to the journal's end
}

func newCommitter(j *Journal, b auth.BranchID) *committer {
	c := &committer{j: j, branch: b, tree: true, unfit: map[Key]bool{}, turns: newTurns(j.node),
		turn: make(chan struct{}, 1), starting: make(chan struct{}, 1), news: make(chan struct{}, 1),
		soon: make(chan struct{}, 1)}
	c.writes.reset(0)
	return c
}

func (c *committer) watermark() uint64 { return c.w.Load() }

// enter counts a caller that is about to work on the branch, so that Close waits for it; false once it is closed.
func (c *committer) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.j.running.Add(1)
	}
	return !c.closed
}

// wake makes sure that the goroutine runs. The branch must be started.
func (c *committer) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awake()
}

func (c *committer) awake() {
	if c.running || c.closed {
		return
	}
	c.running = true
	c.j.running.Add(1)
	go func() { defer c.j.running.Done(); c.run() }()
}

// close refuses new groups. Queued groups are still answered.
func (c *committer) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// submit hands a group over and waits until the committer has dealt with it. It returns
// how many items are settled, and why the next one is not, if it is not because it was overtaken.
func (c *committer) submit(ctx context.Context, g *group) (settled int, err error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, ErrClosed
	}
	c.pending = append(c.pending, g)
	c.awake()
	c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default:
	}
	cause := c.await(ctx, g)
	if cause == nil {
		return g.settled, g.err
	}
	if c.withdraw(g) {
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case errors.Is(cause, ErrFull):
			return 0, ErrFull.Because(cause)
		}
		return 0, ErrStalled.Because(cause)
	}
	select {
	case <-g.done:
		return g.settled, g.err
	default:
		return 0, ErrUnclear.Because(cause)
	}
}

// patience is how long a caller waits while the store fails. The page that it waits for
// is tried on.
const patience = 5 * time.Second

// await waits until the committer has dealt with a group, and returns nil; or why the wait is over:
// the context's error, or why the branch takes no entries.
func (c *committer) await(ctx context.Context, g *group) error {
	t := time.NewTicker(patience)
	defer t.Stop()
	for {
		select {
		case <-g.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		c.mu.Lock()
		cause := c.stuck
		c.mu.Unlock()
		if cause != nil {
			return cause
		}
	}
}

// withdraw takes back a group that the committer has not begun with.
func (c *committer) withdraw(g *group) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.pending {
		if p == g {
			c.pending = append(c.pending[:i], c.pending[i+1:]...)
			return true
		}
	}
	return false
}

// run follows and appends until nothing happens any more, or the journal stops; groups
// already queued are answered first.
func (c *committer) run() {
	var held []*group
	worked := time.Now()
	if c.followed {
		c.followed = false // by whoever started the branch
	} else {
		c.look()
	}
	for {
		if held = c.gather(held); len(held) > 0 {
			c.takeTurn(held)
			held = c.commit(held)
			worked = time.Now()
			continue
		}
		t := time.NewTimer(followEvery)
		select {
		case <-c.news:
		case <-c.soon:
			c.standInLine()
		case <-c.j.stop:
		case <-t.C:
			if c.look() {
				worked = time.Now()
			}
		}
		t.Stop()
		if c.rest(worked) {
			return
		}
	}
}

// rest tells whether the goroutine may end: nothing is queued, and nothing has happened
// for long or the journal stops. The place in the journal is kept; the write log is not.
func (c *committer) rest(worked time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) > 0 || !c.closed && time.Since(worked) < idleAfter {
		return false
	}
	c.running = false
	c.writes.reset(c.last)
	return true
}

// look follows what others wrote. It reports an error as trouble, and
// tries again at the next look.
func (c *committer) look() (found bool) {
	found, err := c.follow(c.j.life)
	switch {
	case c.j.life.Err() != nil:
	case err != nil:
		c.trouble(err)
	case c.tree:
		c.trouble(nil)
	}
	return found
}

// gather takes what is waiting, up to about a page.
func (c *committer) gather(held []*group) []*group {
	n := 0
	for _, g := range held {
		n += len(g.items) - g.settled
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := 0
	for ; taken < len(c.pending) && n < MaxPageEntries; taken++ {
		held = append(held, c.pending[taken])
		n += len(c.pending[taken].items)
	}
	c.pending = append([]*group(nil), c.pending[taken:]...)
	return held
}

// batch is a page under construction.
type batch struct {
	page     Page
	view     []Entry
	edge     Edge
	numbered Counts
	clock    time.Time
	took     []int  // items taken, by group
	over     []bool // the item after those was overtaken, by group
}

// commit puts as many items as fit and stand into one page, stores it, and
// answers the groups that are finished or overtaken. It returns those with items left.
func (c *committer) commit(held []*group) (left []*group) {
	if c.j.life.Err() != nil {
		answer(held, ErrClosed)
		return nil
	}
	appends := false
	for _, g := range held {
		appends = appends || g.appends()
	}
	if !appends || !c.tree {
		// Without a page nothing is compared with the store: look whether another node wrote.
		if _, err := c.follow(c.j.life); err != nil {
			return c.giveUp(held, err)
		}
		if appends && !c.tree {
			return c.giveUp(held, errNoTree)
		}
	}
	c.writes.begin()
	b := c.build(held)
	if len(b.view) > 0 {
		begun := time.Now()
		won, err := c.store(&b.page, b.view)
		if err != nil {
			// What became of the page is found out by command id.
			c.writes.undo()
			for i, g := range held {
				if b.took[i] > 0 && g.appends() {
					answer([]*group{g}, err)
				} else {
					answer([]*group{g}, ErrClosed)
				}
			}
			return nil
		}
		if !won {
			c.writes.undo()
			c.losses++
			met := c.turns.others
			if c.turns.failed(time.Now()); c.turns.wants(time.Now()) {
				c.setMark(c.j.life) // before what may take long
			}
			if err := c.catchUp(); err != nil {
				return c.giveUp(held, err)
			}
			c.turns.caughtUp(time.Since(begun), c.turns.others-met, time.Now())
			return held // all are checked again, now against what the winner wrote
		}
		c.losses = 0
		c.turns.appended(time.Since(begun), time.Now())
		c.last, c.edge, c.numbered, c.clock = b.page.Last, b.edge, b.numbered, b.clock
		c.w.Store(c.last)
		c.show(b.view)
	}
	for i, g := range held {
		g.settled += b.took[i]
		if b.over[i] || g.settled == len(g.items) {
			close(g.done)
			continue
		}
		left = append(left, g)
	}
	c.writes.rotate()
	return left
}

// giveUp tells groups, nothing of which is stored, that the journal cannot be followed.
func (c *committer) giveUp(held []*group, err error) []*group {
	var tree *treeError
	switch {
	case c.j.life.Err() != nil:
		err = ErrClosed
	case errors.As(err, &tree):
		c.trouble(err)
		err = ErrStuck.Because(err)
	}
	answer(held, err)
	return nil
}

// build numbers what fits and stands.
func (c *committer) build(held []*group) *batch {
	b := &batch{edge: c.edge.Clone(), numbered: c.numbered, clock: c.clock,
		took: make([]int, len(held)), over: make([]bool, len(held)),
		page: Page{Branch: c.branch, First: c.last + 1, Node: c.j.node, ID: randomID(),
			Root: c.edge.Root(), Edge: c.edge.Clone().Hashes, Numbered: c.numbered}}
	bytes, full := 0, false
	for i, g := range held {
		for k := g.settled; k < len(g.items) && !full; k++ {
			it := &g.items[k]
			if len(b.view)+len(it.entries) > MaxPageEntries || bytes+it.bytes > MaxPageBytes {
				full = true
				break
			}
			if c.writes.overtaken(it.reads, g.readAt, g.id) {
				b.over[i] = true
				break
			}
			if c.writes.outdated(it.reads, g.readAt, c.unfit) {
				b.over[i], g.old = true, true
				break
			}
			bytes += it.bytes
			c.number(b, it, g)
			b.took[i]++
		}
	}
	b.page.Last = c.last + uint64(len(b.view))
	b.page.NumberedIn = b.numbered.minus(c.numbered)
	return b
}

// number adds an item's entries to the page.
func (c *committer) number(b *batch, it *item, by *group) {
	if len(it.entries) == 0 {
		return
	}
	if it.received.After(b.clock) {
		b.clock = it.received
	}
	it.first = c.last + uint64(len(b.view)) + 1
	for k := range it.entries {
		p := &it.entries[k]
		e := p.entry
		e.Schema, e.Branch, e.N, e.Received = SchemaVersion, c.branch, c.last+uint64(len(b.view))+1, b.clock
		for d := range e.Docs {
			b.numbered = by.number(&e.Docs[d], b.numbered)
		}
		raw := append(appendHead(make([]byte, 0, len(p.tail)+headBytes), c.branch, e.N, b.clock, e.numbers()), p.tail...)
		leaf := Leaf(raw)
		b.edge.Add(leaf)
		b.page.Entries, b.page.Leaves = append(b.page.Entries, raw), append(b.page.Leaves, leaf)
		b.view = append(b.view, e)
		c.writes.add(&e, by.id)
	}
}

// store commits the page until its fate is known (J2). won is false when another page
// has its place; the error is ErrUnclear, when the journal stops before it is known.
func (c *committer) store(p *Page, entries []Entry) (won bool, err error) {
	wait := Backoff{First: 5 * time.Millisecond, Most: 2 * time.Second}
	unfit := map[DocRef]bool{}
	for {
		v := projectFit(entries, unfit)
		err := c.j.store.Commit(c.j.life, p, v)
		if errors.Is(err, ErrTaken) {
			c.trouble(nil)
			return false, nil
		}
		if err == nil {
			c.trouble(nil)
			c.j.announce(c.branch, p.Last, v.Feeds)
			return true, nil
		}
		if again, e := c.parkUnfit(c.j.life, entries, unfit, err); again && e == nil {
			continue
		}
		c.trouble(err)
		c.j.log.Warn("append is unclear, asking again", "branch", c.branch, "first", p.First, "err", err)
		if wait.Wait(c.j.life) != nil {
			return false, ErrUnclear.Because(err)
		}
	}
}

// catchUp reads what others have appended after our tail, until it can. The error is
// that of a page that does not continue our tree, or the end of the journal's life.
func (c *committer) catchUp() error {
	wait := Backoff{First: 5 * time.Millisecond, Most: 2 * time.Second}
	for {
		_, err := c.follow(c.j.life)
		var tree *treeError
		if err == nil || errors.As(err, &tree) {
			return err
		}
		c.trouble(err)
		if wait.Wait(c.j.life) != nil {
			return ErrClosed
		}
	}
}
