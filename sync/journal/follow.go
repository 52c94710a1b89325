package journal

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// followPages is how many pages are read at once.
const followPages = 128

// treeError says that the journal in the store is not the one this branch was followed
// in: it can be mended by an operator only, and nothing is appended to it.
type treeError struct{ msg string }

func (e *treeError) Error() string { return e.msg }

func offTree(format string, args ...any) error { return &treeError{fmt.Sprintf(format, args...)} }

var errNoTree = offTree("the last page of the journal cannot be read, so nothing can be built on it; " +
	"restore it, see doorstep fsck")

// Unfit is what a Store returns from Commit and Apply when it cannot keep one document,
// however often it is asked. The entry that wrote it is parked (J3).
type Unfit struct {
	Doc DocRef
	Err error
}

func (e *Unfit) Error() string {
	return fmt.Sprintf("%s/%s cannot be kept: %v", e.Doc.Type, e.Doc.ID, e.Err)
}

// Unwrap is why.
func (e *Unfit) Unwrap() error { return e.Err }

// open makes sure that the branch is started. Others' branches do not wait for it.
func (c *committer) open(ctx context.Context) error {
	if c.isStarted() {
		return nil
	}
	select {
	case c.starting <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.j.stop:
		return ErrClosed
	}
	defer func() { <-c.starting }()
	if !c.enter() {
		return ErrClosed
	}
	defer c.j.running.Done()
	if c.isStarted() {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.j.life, cancel)()
	if err := c.start(ctx); err != nil {
		var tree *treeError
		if errors.As(err, &tree) {
			c.trouble(err)
			return ErrStuck.Because(err)
		}
		if ctx.Err() == nil {
			c.trouble(err)
		}
		return err
	}
	c.trouble(nil)
	if !c.tree {
		c.trouble(errNoTree)
	}
	c.mu.Lock()
	c.started, c.followed = true, true
	c.mu.Unlock()
	return nil
}

func (c *committer) isStarted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}

// start finds the branch's place: the page at the watermark, after which everything is
// followed. Pages above the watermark are durable but not visible yet, since a crash
// kept a node from applying them.
func (c *committer) start(ctx context.Context) error {
	w, err := c.j.store.Watermark(ctx, c.branch)
	if err != nil {
		return fmt.Errorf("read watermark of %s: %w", c.branch, err)
	}
	c.mu.Lock()
	from := w
	if c.seen {
		from = min(w, c.heard) // what others wrote since has not been announced here
	}
	c.mu.Unlock()
	if c.last == 0 { // else a start before this one came further
		if err := c.base(ctx, from); err != nil {
			return err
		}
	}
	c.w.Store(max(w, c.last))
	if err := c.unpark(ctx); err != nil {
		return err
	}
	if _, err = c.follow(ctx); err != nil {
		return err
	}
	return c.restores(ctx)
}

// restores takes in what the branch's restores say.
func (c *committer) restores(ctx context.Context) error {
	all, err := Restores(ctx, c.j.store, c.branch)
	if err != nil {
		return err
	}
	c.above.Store(RevsAbove(all))
	return nil
}

// base takes the page that ends at an entry as the place to follow from.
func (c *committer) base(ctx context.Context, at uint64) error {
	if at == 0 {
		return nil // nothing is there yet
	}
	p, err := c.j.store.PageOf(ctx, c.branch, at)
	switch {
	case isDamaged(err):
		c.last, c.tree = at, false
	case err != nil:
		return fmt.Errorf("read the page of entry %d of %s: %w", at, c.branch, err)
	default:
		if err := c.onOneTree(ctx, p); err != nil {
			return err
		}
		c.last, c.edge, c.numbered = p.Last, p.EdgeAfter(), p.Numbered.Plus(p.NumberedIn)
	}
	c.writes.reset(c.last)
	if err != nil {
		return nil
	}
	for n := p.Last; n >= p.First; n-- {
		if e, err := p.Entry(n); err == nil {
			c.clock = e.Received
			c.show([]Entry{e})
			break
		}
	}
	return nil
}

// onOneTree checks a page against itself and the page before it.
func (c *committer) onOneTree(ctx context.Context, p *Page) error {
	if err := p.standsAlone(); err != nil || p.First == 1 {
		return err
	}
	before, err := c.j.store.PageOf(ctx, c.branch, p.First-1)
	if isDamaged(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the page before %s/%d: %w", c.branch, p.First, err)
	}
	if err := before.standsAlone(); err != nil {
		return err
	}
	if e := before.EdgeAfter(); before.Last != p.First-1 || e.Root() != p.Root {
		return foreignPage(p, e)
	}
	return nil
}

// standsAlone checks that the edge a page carries is that of the root it was written on.
func (p *Page) standsAlone() error {
	e := p.EdgeBefore()
	if bits.OnesCount64(e.Size) != len(e.Hashes) || e.Root() != p.Root {
		return offTree("page %s/%d contradicts itself: the edge it carries is not that of its root; run doorstep fsck",
			p.Branch, p.First)
	}
	return nil
}

func foreignPage(p *Page, e Edge) error {
	return offTree("page %s/%d (node %s) was written on another tree: "+
		"its root before it is %v, ours of %d entries is %v; "+
		"it is not applied, run doorstep fsck", p.Branch, p.First, p.Node, p.Root, e.Size, e.Root())
}

// follow takes in what the journal holds after our last entry, page by page: it is the
// one path by which pages that this committer did not write become visible, known to
// the write log, and announced. It ends where the journal ended when it began: whoever
// reads more slowly than others append would otherwise never come to append.
func (c *committer) follow(ctx context.Context) (found bool, err error) {
	end := uint64(0)
	for end == 0 || c.last < end {
		pages, err := c.j.store.Pages(ctx, c.branch, c.last, followPages)
		var damaged *DamagedPage
		switch {
		case errors.As(err, &damaged):
			if err := c.skip(ctx, damaged); err != nil {
				return found, err
			}
			found = true
			continue
		case err != nil:
			return found, fmt.Errorf("read pages of %s after %d: %w", c.branch, c.last, err)
		case len(pages) == 0:
			if !c.tree && c.last > 0 {
				return found, c.noTree(ctx)
			}
			return found, nil
		}
		last := pages[len(pages)-1].Last
		if err := c.lookShown(ctx, last); err != nil {
			return found, err
		}
		if end == 0 {
			end = max(last, c.w.Load())
		}
		for _, p := range pages {
			if err := c.take(ctx, p); err != nil {
				return found, err
			}
			found = true
		}
	}
	return found, nil
}

// lookShown reads how far the views are, if a page up to an entry is not known to be in
// them: the node that appended it has most likely written them.
func (c *committer) lookShown(ctx context.Context, last uint64) error {
	if last <= c.w.Load() {
		return nil
	}
	w, err := c.j.store.Watermark(ctx, c.branch)
	if err != nil {
		return fmt.Errorf("read watermark of %s: %w", c.branch, err)
	}
	c.w.Store(max(c.w.Load(), w))
	return nil
}

// noTree says that the tail is a page that cannot be read, unless it has been mended meanwhile.
func (c *committer) noTree(ctx context.Context) error {
	p, err := c.j.store.PageOf(ctx, c.branch, c.last)
	if isDamaged(err) {
		c.trouble(errNoTree)
		return nil // reads go on; who appends is told
	}
	if err != nil {
		return fmt.Errorf("read the page of entry %d of %s: %w", c.last, c.branch, err)
	}
	if err := p.standsAlone(); err != nil {
		return err
	}
	c.tree, c.edge, c.numbered = true, p.EdgeAfter(), p.Numbered.Plus(p.NumberedIn)
	return c.unpark(ctx)
}

// skip parks a whole page that cannot be read. What it wrote is unknown, and so is the tree after it.
func (c *committer) skip(ctx context.Context, d *DamagedPage) error {
	if d.First != c.last+1 || d.Last < d.First {
		return offTree("page %s/%d to %d follows entry %d; run doorstep fsck", d.Branch, d.First, d.Last, c.last)
	}
	if err := c.park(ctx, d.First, d.Last, d.Err); err != nil {
		return err
	}
	if d.Last > c.w.Load() {
		if err := c.j.store.Apply(ctx, &Page{Branch: c.branch, First: d.First, Last: d.Last}, ViewWrites{}); err != nil {
			return fmt.Errorf("pass page %s/%d: %w", c.branch, d.First, err)
		}
	}
	c.last, c.tree = d.Last, false
	c.writes.unknown(d.Last)
	c.w.Store(max(c.w.Load(), c.last))
	c.j.announce(c.branch, c.last, nil)
	return nil
}

// take takes in one page: checks that it continues our tree (J11), parks what cannot be
// read, makes the rest visible and announces it.
func (c *committer) take(ctx context.Context, p *Page) error {
	if p.First != c.last+1 || p.Last < p.First {
		return offTree("page %s/%d follows entry %d; run doorstep fsck", p.Branch, p.First, c.last)
	}
	edge := c.edge.Clone()
	if !c.tree {
		if err := p.standsAlone(); err != nil {
			return err
		}
		edge = p.EdgeBefore()
	}
	if p.Root != edge.Root() {
		return foreignPage(p, edge)
	}
	var entries []Entry
	unread := false
	for n := p.First; n <= p.Last; n++ {
		edge.Add(p.Leaves[n-p.First])
		e, err := p.Entry(n)
		if err != nil {
			if err := c.park(ctx, n, n, err); err != nil {
				return err
			}
			unread = true
			continue
		}
		entries = append(entries, e)
	}
	v, err := c.apply(ctx, p, entries)
	if err != nil {
		return err
	}
	c.writes.begin()
	for i := range entries {
		c.writes.add(&entries[i], 0)
		if entries[i].Received.After(c.clock) {
			c.clock = entries[i].Received
		}
	}
	if unread {
		c.writes.unknown(p.Last)
	}
	c.writes.rotate()
	c.last, c.tree, c.edge, c.numbered = p.Last, true, edge, p.Numbered.Plus(p.NumberedIn)
	c.w.Store(max(c.w.Load(), c.last))
	c.show(entries)
	c.turns.met(p.Node, p.Last, time.Now())
	c.j.announce(c.branch, c.last, v.Feeds)
	return nil
}

// apply makes the entries of a stored page visible, if they are not. It parks entries that no store can keep.
func (c *committer) apply(ctx context.Context, p *Page, entries []Entry) (ViewWrites, error) {
	unfit := map[DocRef]bool{}
	// Once more: to write the views takes several times as long as to look.
	if err := c.lookShown(ctx, p.Last); err != nil {
		return ViewWrites{}, err
	}
	for {
		v := projectFit(entries, unfit)
		if p.Last <= c.w.Load() {
			return v, nil
		}
		err := c.j.store.Apply(ctx, p, v)
		if err == nil {
			return v, nil
		}
		again, e := c.parkUnfit(ctx, entries, unfit, err)
		if !again || e != nil {
			return ViewWrites{}, fmt.Errorf("apply page %s/%d: %w", c.branch, p.First, errors.Join(err, e))
		}
	}
}

// parkUnfit parks the entries that wrote a document which the store says it cannot keep,
// and tells whether there is something to try again without it.
func (c *committer) parkUnfit(ctx context.Context, entries []Entry, unfit map[DocRef]bool, cause error) (again bool,
	err error) {
	var u *Unfit
	if !errors.As(cause, &u) || unfit[u.Doc] {
		return false, nil
	}
	for i := range entries {
		for _, d := range entries[i].Docs {
			if (DocRef{d.Type, d.ID}) != u.Doc {
				continue
			}
			again = true
			if err := c.park(ctx, entries[i].N, entries[i].N, u); err != nil {
				return false, err
			}
		}
	}
	unfit[u.Doc] = true
	c.unfit[DocKey(u.Doc.Type, u.Doc.ID)] = true
	return again, nil
}

// projectFit is Project without the documents that the store cannot keep.
func projectFit(entries []Entry, unfit map[DocRef]bool) ViewWrites {
	v := Project(entries)
	if len(unfit) == 0 {
		return v
	}
	fit := v.Records[:0:0]
	for _, r := range v.Records {
		if !unfit[DocRef{r.Type, r.ID}] {
			fit = append(fit, r)
		}
	}
	v.Records = fit
	return v
}

// How often branches that are not awake are looked at for what other nodes wrote.
const lookEvery = time.Second

// watch looks at all branches for pages of other nodes, as long as anybody subscribes,
// and wakes those that have some: what they wrote is announced here too.
func (j *Journal) watch() {
	for {
		j.lookAround(false)
		t := time.NewTimer(lookEvery)
		select {
		case <-j.stop:
			t.Stop()
			return
		case <-t.C:
		}
		if j.unwatched() {
			return
		}
	}
}

// lookAround wakes the branches that other nodes have written to. The first look only
// learns how far they are. A branch that starts slowly holds up no other.
func (j *Journal) lookAround(first bool) {
	marks, err := j.store.Watermarks(j.life)
	if err != nil {
		if j.life.Err() == nil {
			j.log.Warn("cannot look for what other nodes wrote", "err", err)
		}
		return
	}
	for _, m := range marks {
		c, err := j.known(m.Branch)
		if err != nil {
			return
		}
		if !c.behind(m.W, first) || !c.waking.CompareAndSwap(false, true) {
			continue
		}
		if !c.enter() {
			return
		}
		go func() {
			defer j.running.Done()
			defer c.waking.Store(false)
			if err := c.open(j.life); err != nil {
				j.log.Warn("cannot follow what another node wrote", "branch", c.branch, "err", err)
				return
			}
			c.wake()
		}()
	}
}

// behind tells whether a branch that is not awake has entries, up to w, that were not announced here.
func (c *committer) behind(w uint64, first bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.running || c.closed:
		return false
	case c.started:
		return w > c.last // nothing else touches last while the goroutine is not there
	case first:
		c.seen, c.heard = true, w
	case !c.seen:
		c.seen = true // it is new since the first look
	}
	return w > c.heard
}
