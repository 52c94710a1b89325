package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"doorstep/auth"
)

// View is a set of documents derived from the journal, beside the built-in ones. It is
// never the truth: it can be filled anew at any time (Rebuild) and compared with the
// journal (Check). Views keeps it; readers find its documents by its name as their type.
type View struct {
	// Name names the view and is the type of its documents. No entry writes documents of
	// that type, and indexes over them are declared as over any other.
	Name string
	// Step: entries are applied in runs that end at multiples of it; 0 is 1. Entries after the
	// last multiple wait for those that follow.
	Step uint64
	// Folds says that Apply builds on documents that later entries change (a count).
	// Without it the documents that Apply reads are final once written.
	Folds bool
	// Apply gives the documents that a run of entries changes, in their new state, with N
	// the last entry that had a part in it. It is called for runs that follow each other
	// without a gap, perhaps again for a run that was applied; it has no other effect.
	// Should it fail, it is asked again for each entry alone, and the entry that fails is
	// parked (ParkedView) and passed over; unless the error is one of Later.
	Apply func(ctx context.Context, run Run) ([]Record, error)
}

// Later marks an error of View.Apply that may pass, such as one of the store of keys: the
// run is applied again later, and nothing is parked. nil stays nil.
func Later(err error) error {
	if err == nil {
		return nil
	}
	return &passing{err}
}

type passing struct{ error }

// Unwrap is the error that may pass.
func (p *passing) Unwrap() error { return p.error }

// Run is a run of a branch's entries that a view is to apply.
type Run struct {
	Branch auth.BranchID
	After  uint64 // the run's entries are After+1 to UpTo
	UpTo   uint64
	// Pages hold the run's entries, and perhaps others before and after them. A page that
	// could not be read has no entries and no leaves.
	Pages []*Page
	docs  func(ctx context.Context, ids []string) ([]Record, error)
}

// Docs reads documents of the view itself, in the order asked, as of After or of a
// later entry that was applied in part; those with N above After have met the run's
// entries up to N already. Absent ones have Type "".
func (r Run) Docs(ctx context.Context, ids ...string) ([]Record, error) { return r.docs(ctx, ids) }

// unreadable tells whether no entry of the run can be read.
func (r Run) unreadable() bool {
	for _, p := range r.Pages {
		if len(p.Entries) > 0 && p.First <= r.UpTo && p.Last > r.After {
			return false
		}
	}
	return true
}

// Entries calls fn for each entry of the run, in order. An entry that cannot be read is an error.
func (r Run) Entries(fn func(*Entry) error) error {
	for _, p := range r.Pages {
		if len(p.Entries) == 0 && p.First <= r.UpTo && p.Last > r.After {
			return fmt.Errorf("the page of entries %d to %d cannot be read", p.First, p.Last)
		}
		for n := max(p.First, r.After+1); n <= min(p.Last, r.UpTo); n++ {
			e, err := p.Entry(n)
			if err != nil {
				return err
			}
			if err := fn(&e); err != nil {
				return err
			}
		}
	}
	return nil
}

// EachEntry makes an Apply of a function that derives documents from one entry alone,
// where the last state of a document wins. It uses only ID, State and
// Deleted of the documents that derive returns.
func EachEntry(name string, derive func(e *Entry) ([]Doc, error)) func(context.Context, Run) ([]Record, error) {
	return func(_ context.Context, run Run) ([]Record, error) {
		var out []Record
		at := map[string]int{}
		err := run.Entries(func(e *Entry) error {
			docs, err := derive(e)
			if err != nil {
				return fmt.Errorf("entry %d: %w", e.N, err)
			}
			for _, d := range docs {
				r := Record{Branch: run.Branch, Type: name, ID: d.ID, N: e.N, Rev: e.N, Deleted: d.Deleted, Body: d.State}
				if i, there := at[d.ID]; there {
					out[i] = r
					continue
				}
				at[d.ID] = len(out)
				out = append(out, r)
			}
			return nil
		})
		return out, err
	}
}

// Views keeps views up with the journal. It is safe for concurrent use; several nodes
// may keep the same views, since the node that comes first applies a run.
type Views struct {
	j     *Journal
	views []View
	mu    sync.Mutex
	busy  map[string]chan struct{} // holds one: who applies to a view of a branch
}

// NewViews makes a keeper of views.
func NewViews(j *Journal, views ...View) *Views {
	return &Views{j: j, views: views, busy: map[string]chan struct{}{}}
}

// CatchUp applies to a view of a branch what is visible now, so that a read that follows
// lacks no entry up to the watermark (but for the view's Step). A view that a branch does
// not have yet is made; it is readable when CatchUp returns.
func (v *Views) CatchUp(ctx context.Context, b auth.BranchID, name string) error {
	for _, view := range v.views {
		if view.Name == name {
			return v.catchUp(ctx, b, view)
		}
	}
	return fmt.Errorf("there is no view %s", name)
}

func (v *Views) catchUp(ctx context.Context, b auth.BranchID, view View) error {
	v.mu.Lock()
	turn := v.busy[string(b)+"/"+view.Name]
	if turn == nil {
		turn = make(chan struct{}, 1)
		v.busy[string(b)+"/"+view.Name] = turn
	}
	v.mu.Unlock()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s := v.j.store
	w, err := s.Watermark(ctx, b)
	if err != nil || w == 0 {
		return err
	}
	gens, err := s.Generations(ctx, b)
	if err != nil {
		return err
	}
	live, readable := Readable(gens, view.Name)
	if !readable && !hasFilling(gens, view.Name) {
		if gens, err = begin(ctx, s, b, view.Name); err != nil {
			return fmt.Errorf("begin view %s of %s: %w", view.Name, b, err)
		}
		live, readable = Readable(gens, view.Name)
	}
	for _, g := range gens {
		if g.View == view.Name && g.Gen < live.Gen && g.State == Filling {
			// Two nodes made the view at once, and this generation was not the one that was switched to.
			if err := s.DropGeneration(ctx, b, g.Gen); err != nil && !errors.Is(err, ErrRaced) {
				return err
			}
			continue
		}
		if g.View != view.Name || g.Gen < live.Gen || g.State != Filling && g.State != Live {
			continue
		}
		if err := fill(ctx, s, b, g, view.Step, view.writes(s, b, g.Gen), w, nil); err != nil {
			return fmt.Errorf("keep view %s of %s: %w", view.Name, b, err)
		}
		if !readable {
			// Another node may have been faster.
			if err := s.Switch(ctx, b, g.Gen); err != nil && !errors.Is(err, ErrRaced) {
				return err
			}
			readable = true
		}
	}
	return nil
}

// begin adds the first generation of a view and lists all generations. Where another node
// has begun one meanwhile, the one with the lower number stays and the other is removed, so
// that none is left that is filled for no reader.
func begin(ctx context.Context, s ViewStore, b auth.BranchID, view string) ([]Generation, error) {
	g, err := s.AddGeneration(ctx, b, view)
	if err != nil {
		return nil, err
	}
	gens, err := s.Generations(ctx, b)
	if err != nil {
		return nil, err
	}
	earlier := slices.ContainsFunc(gens, func(x Generation) bool {
		return x.View == view && x.Gen < g.Gen && (x.State == Filling || x.State == Live || x.State == Old)
	})
	if !earlier {
		return gens, nil
	}
	if err := s.DropGeneration(ctx, b, g.Gen); err != nil && !errors.Is(err, ErrRaced) {
		return nil, err
	}
	return slices.DeleteFunc(gens, func(x Generation) bool { return x.Gen == g.Gen }), nil
}

func hasFilling(gens []Generation, view string) bool {
	for _, g := range gens {
		if g.View == view && g.State == Filling {
			return true
		}
	}
	return false
}

// viewsEvery is how often all branches are looked at, for what other nodes have appended and not applied.
const viewsEvery = time.Minute

// Run keeps all views of all branches up with the journal until the context ends. A view
// that fails is tried again with the next page, at the latest after a minute; reads call CatchUp.
func (v *Views) Run(ctx context.Context) error {
	var mu sync.Mutex
	dirty := map[auth.BranchID]bool{}
	wake := make(chan struct{}, 1)
	cancel := v.j.Subscribe(func(c Committed) {
		mu.Lock()
		dirty[c.Branch] = true
		mu.Unlock()
		select {
		case wake <- struct{}{}:
		default: // it will look anyway
		}
	})
	defer cancel()
	all := time.NewTicker(viewsEvery)
	defer all.Stop()
	look := true
	for {
		if look {
			branches, err := v.j.store.Branches(ctx)
			if err != nil && ctx.Err() == nil {
				v.j.log.Warn("cannot list branches to keep their views", "err", err)
			}
			mu.Lock()
			for _, b := range branches {
				dirty[b] = true
			}
			mu.Unlock()
		}
		mu.Lock()
		todo := dirty
		dirty = map[auth.BranchID]bool{}
		mu.Unlock()
		for _, b := range slices.Sorted(maps.Keys(todo)) {
			for _, view := range v.views {
				if err := v.catchUp(ctx, b, view); err != nil && ctx.Err() == nil {
					v.j.log.Warn("cannot keep a view", "view", view.Name, "branch", b, "err", err)
				}
			}
		}
		select {
		case <-wake:
			look = false
		case <-all.C:
			look = true
		case <-ctx.Done():
			return nil
		}
	}
}

// writes gives what a run writes to a generation of the view.
func (view View) writes(s ViewStore, b auth.BranchID, gen uint64) writesOf {
	return func(ctx context.Context, run Run) (ViewWrites, error, error) {
		var storeErr error
		run.docs = func(ctx context.Context, ids []string) ([]Record, error) {
			refs := make([]DocRef, len(ids))
			for i, id := range ids {
				refs[i] = DocRef{view.Name, id}
			}
			recs, err := s.RecordsOf(ctx, b, gen, refs)
			if err != nil {
				storeErr = err
			}
			return recs, err
		}
		recs, err := view.Apply(ctx, run)
		var passes *passing
		if errors.As(err, &passes) && storeErr == nil {
			storeErr = err
		}
		for i := range recs {
			recs[i].Branch, recs[i].Type = b, view.Name
		}
		return ViewWrites{Records: recs}, err, storeErr
	}
}
