package journal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"doorstep/auth"
)

// group is what one Do call hands to the committer: commands in order, decided
// on documents no older than readAt.
type group struct {
	readAt uint64
	items  []item
	// appended is how many items are durable; err says why the rest is not, when
	// it is not because a decision was overtaken. Both are set before done is closed.
	appended int
	err      error
	done     chan struct{}
}

// item is one command's run of entries, all or none of it in one page.
type item struct {
	command  int // index in the Do call
	reads    []Key
	entries  []prepared
	received time.Time
	bytes    int
	numbered uint64
	first    uint64 // the number of its first entry, once appended
}

// prepared is an entry encoded as far as it can be before it has a number.
type prepared struct {
	entry Entry
	docs  []Doc
	tail  []byte
}

// committer appends to one branch. It is one goroutine: everything below
// watermark and queue belongs to run alone.
type committer struct {
	j      *Journal
	branch auth.BranchID
	queue  chan *group
	turn   chan struct{} // holds one: who decides again, see Do
	w      atomic.Uint64 // entries up to here are in the views of this store

	last     uint64 // last entry number we know of
	edge     Edge
	numbered uint64
	clock    time.Time // received time of the tail: never decreases
	writes   writeLog
}

// start reads the branch's tail, makes its last pages visible if a crash kept
// them from it, and leaves the committer ready to run.
func (c *committer) start(ctx context.Context) error {
	w, err := c.j.store.Watermark(ctx, c.branch)
	if err != nil {
		return fmt.Errorf("read watermark of %s: %w", c.branch, err)
	}
	tail, err := c.j.store.Tail(ctx, c.branch)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read tail of %s: %w", c.branch, err)
	}
	// Pages between the watermark and the tail are durable but not visible yet.
	if w < tail.Last {
		if err := c.follow(ctx, w); err != nil {
			return err
		}
	}
	return c.adopt(tail)
}

// adopt takes a visible page as the new tail.
func (c *committer) adopt(p *Page) error {
	n, err := p.NumberedAfter()
	if err != nil {
		return fmt.Errorf("page %s/%d: %w", p.Branch, p.First, err)
	}
	last, err := DecodeEntry(p.Entries[len(p.Entries)-1])
	if err != nil {
		return err
	}
	c.last, c.edge, c.numbered, c.clock = p.Last, p.EdgeAfter(), n, last.Received
	c.writes.reset(c.last)
	c.w.Store(c.last)
	return nil
}

// follow applies the pages above after, in order, and leaves their writes in the write log.
func (c *committer) follow(ctx context.Context, after uint64) error {
	for {
		pages, err := c.j.store.Pages(ctx, c.branch, after, 16)
		if err != nil {
			return fmt.Errorf("read pages of %s after %d: %w", c.branch, after, err)
		}
		if len(pages) == 0 {
			return nil
		}
		for _, p := range pages {
			if p.First != after+1 {
				return fmt.Errorf("journal of %s: page %d follows entry %d; run doorstep fsck", c.branch, p.First, after)
			}
			entries, err := p.Decode()
			if err != nil {
				return err
			}
			v := Project(entries)
			if err := c.j.store.Apply(ctx, p, v); err != nil {
				return fmt.Errorf("apply page %s/%d: %w", c.branch, p.First, err)
			}
			if p.First == c.last+1 {
				c.edge, c.last = p.EdgeAfter(), p.Last
				if c.numbered, err = p.NumberedAfter(); err != nil {
					return err
				}
				c.clock = entries[len(entries)-1].Received
				for i := range entries {
					c.writes.add(entries[i].Writes, entries[i].N, nil)
				}
				c.w.Store(c.last)
			}
			after = p.Last
			c.j.announce(c.branch, after, v.Feeds)
		}
	}
}

func (c *committer) watermark() uint64 { return c.w.Load() }

// submit hands a group over and waits until the committer has dealt with it.
func (c *committer) submit(ctx context.Context, g *group) error {
	select {
	case c.queue <- g:
	case <-c.j.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return ctx.Err() // the outcome is unknown; the command id finds it out
	}
}

// run appends until the journal stops; groups already queued are answered first.
func (c *committer) run() {
	var held []*group
	for {
		if len(held) == 0 {
			select {
			case g := <-c.queue:
				held = append(held, g)
			case <-c.j.stop:
				c.drain()
				return
			}
		}
		held = c.gather(held)
		held = c.commit(held)
	}
}

// drain answers those who queued between the last page and the stop.
func (c *committer) drain() {
	for {
		select {
		case g := <-c.queue:
			g.err = ErrClosed
			close(g.done)
		default:
			return
		}
	}
}

// gather takes what is waiting, up to about a page.
func (c *committer) gather(held []*group) []*group {
	n := 0
	for _, g := range held {
		n += len(g.items) - g.appended
	}
	for n < MaxPageEntries {
		select {
		case g := <-c.queue:
			held = append(held, g)
			n += len(g.items)
		default:
			return held
		}
	}
	return held
}

// commit puts as many items as fit and stand into one page, stores it, and
// answers the groups that are finished or overtaken. It returns those with items left.
func (c *committer) commit(held []*group) []*group {
	type took struct {
		g *group
		n int
	}
	var (
		page   = Page{Branch: c.branch, First: c.last + 1, Node: c.j.node, ID: pageID(), Root: c.edge.Root(), Edge: c.edge.Clone().Hashes, Numbered: c.numbered}
		edge   = c.edge.Clone()
		view   []Entry
		taken  []took
		n      = c.last
		num    = c.numbered
		clock  = c.clock
		bytes  int
		over   = map[*group]bool{}
		full   bool
		result []*group
	)
	c.writes.begin()
	for _, g := range held {
		count := 0
		for i := g.appended; i < len(g.items) && !full; i++ {
			it := &g.items[i]
			if len(view)+len(it.entries) > MaxPageEntries || bytes+it.bytes > MaxPageBytes {
				full = true
				break
			}
			if c.writes.overtaken(it.reads, g) {
				over[g] = true
				break
			}
			if it.received.After(clock) {
				clock = it.received
			}
			it.first = n + 1
			bytes += it.bytes
			for k := range it.entries {
				p := &it.entries[k]
				n++
				e := p.entry
				e.Schema, e.Branch, e.N, e.Received = SchemaVersion, c.branch, n, clock
				var nos []uint64
				for d := range e.Docs {
					if isNumbered(&e.Docs[d]) {
						num++
						e.Docs[d].No = num
						nos = append(nos, num)
					}
				}
				raw := append(appendHead(make([]byte, 0, len(p.tail)+160), c.branch, n, clock, nos), p.tail...)
				leaf := Leaf(raw)
				edge.Add(leaf)
				page.Entries, page.Leaves = append(page.Entries, raw), append(page.Leaves, leaf)
				view = append(view, e)
				c.writes.add(e.Writes, n, g)
			}
			count++
		}
		taken = append(taken, took{g, count})
	}
	page.Last = n
	if len(view) > 0 {
		won, err := c.store(&page, Project(view))
		if err != nil || !won {
			c.writes.undo()
			if err == nil {
				err = c.catchUp()
			}
			if err != nil {
				// Nothing of this page was answered; what became of it is found out by command id.
				for _, g := range held {
					g.err = err
					close(g.done)
				}
				return nil
			}
			return held // all are checked again, now against what the winner wrote
		}
		c.last, c.edge, c.numbered, c.clock = n, edge, num, clock
		c.w.Store(n)
	}
	for _, t := range taken {
		t.g.appended += t.n
		if over[t.g] || t.g.appended == len(t.g.items) {
			close(t.g.done)
			continue
		}
		result = append(result, t.g)
	}
	c.writes.rotate()
	return result
}

// store commits the page until its fate is known (J2). won is false when another page has its place.
func (c *committer) store(p *Page, v ViewWrites) (won bool, err error) {
	wait := 5 * time.Millisecond
	defer c.j.stuck.Store(nil)
	for {
		err := c.j.store.Commit(c.j.life, p, v)
		switch {
		case err == nil:
			c.j.announce(c.branch, p.Last, v.Feeds)
			return true, nil
		case errors.Is(err, ErrTaken):
			// A duplicate key may be our own page from an attempt that seemed to fail.
			there, err := c.j.store.PageAt(c.j.life, p.Branch, p.First)
			if err == nil && there.ID == p.ID {
				err = c.j.store.Apply(c.j.life, p, v)
				if err == nil {
					c.j.announce(c.branch, p.Last, v.Feeds)
					return true, nil
				}
			} else if err == nil {
				return false, nil
			}
		}
		c.j.stuck.Store(&err)
		c.j.log.Warn("append is unclear, asking again", "branch", c.branch, "first", p.First, "err", err)
		if err := sleep(c.j.life, wait); err != nil {
			return false, ErrClosed
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// catchUp reads what others have appended after our tail.
func (c *committer) catchUp() error {
	wait := 5 * time.Millisecond
	for {
		err := c.follow(c.j.life, c.last)
		if err == nil {
			return nil
		}
		c.j.log.Warn("cannot read what another node appended, trying again", "branch", c.branch, "after", c.last, "err", err)
		if sleep(c.j.life, wait) != nil {
			return ErrClosed
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// writeLog remembers which entry last wrote each key, for the last entries of a
// branch. It is two maps that take turns, so that it forgets in bounded steps.
type writeLog struct {
	young, old map[Key]wrote
	floor      uint64 // entries up to here are forgotten
	youngFrom  uint64
	trail      []undone
}

type wrote struct {
	n  uint64
	by *group // nil: another node, or forgotten
}

type undone struct {
	key Key
	was wrote
	had bool
}

// writeLogSpan is how many keys one of the two maps holds before they turn.
const writeLogSpan = 1 << 16

func (l *writeLog) reset(floor uint64) {
	*l = writeLog{young: map[Key]wrote{}, floor: floor, youngFrom: floor}
}

func (l *writeLog) add(keys []Key, n uint64, by *group) {
	if l.young == nil {
		l.young = map[Key]wrote{}
	}
	for _, k := range keys {
		was, had := l.young[k]
		l.trail = append(l.trail, undone{k, was, had})
		l.young[k] = wrote{n, by}
	}
}

// overtaken tells whether a key was written after the group read it, by anybody but the group itself.
func (l *writeLog) overtaken(reads []Key, g *group) bool {
	if g.readAt < l.floor {
		return true
	}
	for _, k := range reads {
		w, ok := l.young[k]
		if !ok {
			w, ok = l.old[k]
		}
		if ok && w.n > g.readAt && w.by != g {
			return true
		}
	}
	return false
}

// begin starts a page whose writes may have to be taken back.
func (l *writeLog) begin() { l.trail = l.trail[:0] }

// undo takes back what was added since begin.
func (l *writeLog) undo() {
	for i := len(l.trail) - 1; i >= 0; i-- {
		u := l.trail[i]
		if u.had {
			l.young[u.key] = u.was
		} else {
			delete(l.young, u.key)
		}
	}
	l.trail = l.trail[:0]
}

// rotate forgets the older half once the younger is full.
func (l *writeLog) rotate() {
	if len(l.young) < writeLogSpan {
		return
	}
	var newest uint64
	for _, w := range l.young {
		newest = max(newest, w.n)
	}
	l.old, l.young = l.young, map[Key]wrote{}
	l.floor, l.youngFrom = l.youngFrom, newest
}

func pageID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the program instead
	return hex.EncodeToString(b[:])
}

// Decode reads all entries of a page.
func (p *Page) Decode() ([]Entry, error) {
	out := make([]Entry, len(p.Entries))
	for i, raw := range p.Entries {
		e, err := DecodeEntry(raw)
		if err != nil {
			return nil, fmt.Errorf("page %s/%d: %w", p.Branch, p.First, err)
		}
		if e.N != p.First+uint64(i) || e.Branch != p.Branch {
			return nil, fmt.Errorf("page %s/%d: entry %s/%d is out of place", p.Branch, p.First, e.Branch, e.N)
		}
		out[i] = e
	}
	return out, nil
}
