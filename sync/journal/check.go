package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"doorstep/auth"
)

// Finding is one thing that Check found.
type Finding struct {
	Branch auth.BranchID
	Entry  uint64 // 0 when it is about no single entry
	What   string
	// Harmless says that a server repairs it by itself as it goes on (entries that are not in
	// the views yet, a generation that is being filled): nothing is damaged.
	Harmless bool
}

func (f Finding) String() string {
	if f.Entry == 0 {
		return fmt.Sprintf("branch %s: %s", f.Branch, f.What)
	}
	return fmt.Sprintf("branch %s, entry %d: %s", f.Branch, f.Entry, f.What)
}

const (
	// checkRows is how many rows are held at once.
	checkRows = 500
	// maxFindings is where a check stops adding to its report of a branch.
	maxFindings = 1000
)

// Check compares a branch with itself: pages dense, entries decodable and in their
// place, leaves and roots as hashed, numbers dense, and every row of every view what
// the journal says it must be, with none missing and none that the journal does not
// give. Entries that cannot be read are named, and the check goes on after them: what
// they may have written is not compared. It reads only, in short reads, and may run beside servers: what they change
// meanwhile is not called wrong. It holds a hash of each document, not its content.
// views are those kept by Views. progress, if given, hears entry numbers.
func Check(
	ctx context.Context, s Store, b auth.BranchID, progress func(done, of uint64), views ...View,
) ([]Finding, error) {
	for try := 1; ; try++ {
		c := &checker{store: s, branch: b}
		before, err := s.Generations(ctx, b)
		if err != nil {
			return nil, err
		}
		if err := c.run(ctx, before, views, progress); err != nil {
			return nil, err
		}
		after, err := s.Generations(ctx, b)
		if err != nil {
			return nil, err
		}
		if sameGenerations(before, after) || try == 3 {
			return c.found, nil
		}
		// A rebuild has switched: what was read may have been removed meanwhile.
	}
}

// sameGenerations tells whether the same generations are read.
func sameGenerations(a, b []Generation) bool {
	live := func(gens []Generation) map[string]uint64 {
		m := map[string]uint64{}
		for _, x := range gens {
			if g, ok := Readable(gens, x.View); ok {
				m[x.View] = g.Gen
			}
		}
		return m
	}
	was, is := live(a), live(b)
	if len(was) != len(is) {
		return false
	}
	for view, gen := range was {
		if is[view] != gen {
			return false
		}
	}
	return true
}

// checker is one check of one branch.
type checker struct {
	store  Store
	branch auth.BranchID
	found  []Finding
	w      uint64 // of the built-in views
	floor  uint64 // tombstones up to here may be swept
	last   *Page  // read last, by a look-up of one entry
	unread unread // what they say cannot be compared with the views
}

func (c *checker) bad(n uint64, format string, args ...any) {
	if len(c.found) < maxFindings {
		c.found = append(c.found, Finding{Branch: c.branch, Entry: n, What: fmt.Sprintf(format, args...)})
	}
}

func (c *checker) note(format string, args ...any) {
	c.found = append(c.found, Finding{Branch: c.branch, What: fmt.Sprintf(format, args...), Harmless: true})
}

func (c *checker) run(ctx context.Context, gens []Generation, views []View, progress func(done, of uint64)) error {
	var err error
	if c.w, err = c.store.Watermark(ctx, c.branch); err != nil {
		return err
	}
	if c.floor, err = Floor(ctx, c.store, c.branch); err != nil {
		return err
	}
	want := newExpected(c.floor)
	whole, err := c.journal(ctx, want, progress)
	if err != nil || !whole {
		return err
	}
	if err := c.generations(ctx, gens, views); err != nil {
		return err
	}
	if g, ok := Readable(gens, FeedsView); ok {
		if err := c.feeds(ctx, g.Gen, want); err != nil {
			return err
		}
	}
	if g, ok := Readable(gens, ReceiptsView); ok {
		if err := c.receipts(ctx, g.Gen, want.receipts); err != nil {
			return err
		}
	}
	if g, ok := Readable(gens, RecordsView); ok {
		if err := c.records(ctx, g, "", want.docs, c.w); err != nil {
			return err
		}
		if err := c.indexes(ctx, g.Gen); err != nil {
			return err
		}
	}
	for _, v := range views {
		if g, ok := Readable(gens, v.Name); ok {
			if err := c.view(ctx, v, g); err != nil {
				return err
			}
		}
	}
	return c.parked(ctx)
}

// journal checks the pages and says what the built-in views must hold. whole is false when
// there is no going on.
func (c *checker) journal(ctx context.Context, want *expected, progress func(done, of uint64)) (whole bool, err error) {
	var (
		edge     Edge
		numbered Counts
		after    uint64
		lost     bool // the page before could not be read: nothing to go on from
	)
	for p, err := range Pages(ctx, c.store, c.branch, 0) {
		var damaged *Unreadable
		if errors.As(err, &damaged) {
			c.bad(damaged.First, "%v", damaged)
			c.unread.add(damaged.First, damaged.Last)
			after, lost = damaged.Last, true
			continue
		}
		if err != nil {
			return false, err
		}
		if p.First != after+1 {
			c.bad(p.First, "the page begins at %d, the one before ends at %d", p.First, after)
			return false, nil
		}
		if lost {
			edge = Edge{Size: p.First - 1, Hashes: slices.Clone(p.Edge)}
			numbered, lost = p.Numbered, false
		}
		if p.Root != edge.Root() {
			c.bad(p.First, "the page was written on another tree: root before it is %v, computed %v", p.Root, edge.Root())
		}
		if p.Numbered != numbered {
			c.bad(p.First, "the page counts %s before it, there are %s", p.Numbered, numbered)
		}
		before := len(c.unread)
		for i := range p.Entries {
			c.entryOf(p, i, &numbered, want)
			edge.Add(p.Leaves[i])
		}
		if len(c.unread) > before {
			numbered = p.Numbered.Plus(p.NumberedIn)
		}
		after = p.Last
		if progress != nil {
			progress(min(after, c.w), max(after, c.w))
		}
	}
	switch {
	case after < c.w:
		c.bad(0, "the watermark is %d but the journal ends at %d", c.w, after)
	case after > c.w:
		// The watermark was read first, so that a server at work may have applied them by now.
		w, err := c.store.Watermark(ctx, c.branch)
		if err != nil {
			return false, err
		}
		if w < after {
			c.note("entries %d to %d are stored and not in the views yet; a running server applies them, or the next start",
				w+1, after)
		}
	}
	return true, nil
}

// entryOf checks entry i of a page and says what the built-in views must hold of it.
func (c *checker) entryOf(p *Page, i int, numbered *Counts, want *expected) {
	n := p.First + uint64(i)
	e, err := p.Entry(n)
	if err != nil {
		c.bad(n, "%v", err)
		c.unread.add(n, n)
		return
	}
	for k := range e.Docs {
		d := &e.Docs[k]
		as := numberedAs(d)
		if as < 0 || d.Rev > 1 {
			continue
		}
		if numbered[as]++; d.No != numbered[as] && len(c.unread) == 0 {
			c.bad(e.N, "%s/%s is number %d, must be %d", d.Type, d.ID, d.No, numbered[as])
		}
	}
	want.revisions(&e, len(c.unread) > 0, c.bad)
	if e.N <= c.w {
		want.entry(&e)
	}
}

// generations checks which generations there are.
func (c *checker) generations(ctx context.Context, gens []Generation, views []View) error {
	for _, view := range BuiltInViews() {
		g, ok := Readable(gens, view)
		switch {
		case !ok && len(gens) > 0:
			c.bad(0, "the view %s has no generation to read; run doorstep rebuild --view %s", view, view)
		case ok && g.State == Old:
			c.note("the switch to a new generation of %s is under way or was cut short; the next write ends it", view)
		}
	}
	for _, g := range gens {
		if g.State == Dropping {
			c.note("the rows of generation %d of %s are being removed, or that was cut short; doorstep rebuild ends it", g.Gen,
				g.View)
		}
		if g.State == Filling {
			c.note("generation %d of %s is being filled, up to entry %d now; if no rebuild runs, run it again", g.Gen, g.View,
				g.W)
		}
	}
	stray, err := c.store.StrayGenerations(ctx, c.branch)
	if err != nil {
		return err
	}
	for _, gen := range stray {
		c.bad(0, "rows are kept under generation %d, which no view has; doorstep rebuild removes them", gen)
	}
	return nil
}

// entry reads an entry; ok is false when the journal has no such entry that can be read.
func (c *checker) entry(ctx context.Context, n uint64) (e Entry, ok bool, err error) {
	if n == 0 {
		return Entry{}, false, nil
	}
	if c.last == nil || n < c.last.First || n > c.last.Last {
		p, err := c.store.PageOf(ctx, c.branch, n)
		if errors.Is(err, ErrNotFound) || isDamaged(err) {
			return Entry{}, false, nil
		}
		if err != nil {
			return Entry{}, false, err
		}
		c.last = p
	}
	e, err = DecodeEntry(c.last.Entries[n-c.last.First])
	return e, err == nil, nil
}

// indexes checks the declared indexes of the records.
func (c *checker) indexes(ctx context.Context, gen uint64) error {
	return c.store.CheckIndexes(ctx, c.branch, gen, func(ref DocRef, what string) {
		if ref.Type == "" {
			c.bad(0, "%s", what)
		} else {
			c.bad(0, "%s/%s: %s", ref.Type, ref.ID, what)
		}
	})
}

// parked tells which entries are not in the views, or not in one of them.
func (c *checker) parked(ctx context.Context) error {
	entries, err := ParkedEntries(ctx, c.store, c.branch)
	if err != nil {
		return err
	}
	for _, p := range entries {
		c.bad(p.First, "entries %d to %d are parked, the views lack them: %s", p.First, p.Last, p.Reason)
	}
	views, err := ParkedInViews(ctx, c.store, c.branch)
	if err != nil {
		return err
	}
	for _, p := range views {
		c.bad(p.First, "entries %d to %d are parked in the view %s: %s", p.First, p.Last, p.View, p.Reason)
	}
	return nil
}

// unread are entries that could not be read, as runs in order.
type unread [][2]uint64

func (u *unread) add(first, last uint64) { *u = append(*u, [2]uint64{first, last}) }

// has tells whether an entry could not be read.
func (u unread) has(n uint64) bool {
	i, _ := slices.BinarySearchFunc(u, n, func(run [2]uint64, n uint64) int { return cmp.Compare(run[1], n) })
	return i < len(u) && u[i][0] <= n
}
