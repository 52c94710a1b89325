package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"doorstep/auth"
)

// Rebuild fills a new generation of a view of a branch from the journal, makes it the
// one that readers use, and removes the one before (J9). Servers go on meanwhile: they
// read the old generation and write to both, once the new one has reached them. It may
// be cut short at any moment and called again: it goes on where it was. The view is a
// built-in one, named by View.Name alone, or one that the servers keep with Views.
// progress, if given, hears entry numbers.
func Rebuild(ctx context.Context, s Store, b auth.BranchID, view View, progress func(done, of uint64)) error {
	for {
		gens, err := s.Generations(ctx, b)
		if err != nil {
			return err
		}
		// An interrupted rebuild left one; of several the oldest, so that two who rebuild at once meet.
		live, _ := Readable(gens, view.Name)
		i := slices.IndexFunc(gens, func(g Generation) bool {
			return g.View == view.Name && g.State == Filling &&
				g.Gen > live.Gen
		})
		var g Generation
		if i >= 0 {
			g = gens[i]
		} else if g, err = s.AddGeneration(ctx, b, view.Name); err != nil {
			return fmt.Errorf("begin a generation of %s: %w", view.Name, err)
		}
		writes, upTo := builtInWrites, uint64(0)
		if slices.Contains(BuiltInViews(), view.Name) {
			tail, err := s.Tail(ctx, b)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			if err == nil {
				upTo = tail.Last
			}
		} else {
			writes = view.writes(s, b, g.Gen)
			if upTo, err = s.Watermark(ctx, b); err != nil {
				return err
			}
		}
		if err := fill(ctx, s, b, g, view.Step, writes, upTo, progress); err != nil {
			return fmt.Errorf("fill generation %d of %s: %w", g.Gen, view.Name, err)
		}
		err = s.Switch(ctx, b, g.Gen)
		if errors.Is(err, ErrRaced) {
			// Something was appended meanwhile, or another rebuild of it has switched.
			gens, err := s.Generations(ctx, b)
			if err != nil {
				return err
			}
			if live, ok := Readable(gens, view.Name); !ok || live.Gen != g.Gen {
				continue
			}
		} else if err != nil {
			return fmt.Errorf("switch to generation %d of %s: %w", g.Gen, view.Name, err)
		}
		return dropOthers(ctx, s, b, view.Name, g.Gen)
	}
}

// dropOthers removes the rows of a view's older generations, and of numbers that no generation has.
func dropOthers(ctx context.Context, s Store, b auth.BranchID, view string, live uint64) error {
	gens, err := s.Generations(ctx, b)
	if err != nil {
		return err
	}
	var drop []uint64
	for _, g := range gens {
		if g.View == view && g.Gen != live && (g.State == Old || g.State == Dropping || g.State == Filling && g.Gen < live) {
			drop = append(drop, g.Gen)
		}
	}
	stray, err := s.StrayGenerations(ctx, b)
	if err != nil {
		return err
	}
	for _, gen := range append(drop, stray...) {
		if err := s.DropGeneration(ctx, b, gen); err != nil && !errors.Is(err, ErrRaced) {
			return fmt.Errorf("remove generation %d: %w", gen, err)
		}
	}
	return nil
}

// writesOf gives what a run writes to a generation. err is the view's own failure,
// which parks an entry; storeErr is the store's, which may pass.
type writesOf func(ctx context.Context, run Run) (v ViewWrites, err, storeErr error)

func builtInWrites(_ context.Context, run Run) (ViewWrites, error, error) {
	var entries []Entry
	err := run.Entries(func(e *Entry) error {
		entries = append(entries, *e)
		return nil
	})
	if err != nil {
		return ViewWrites{}, err, nil
	}
	return Project(entries), nil, nil
}

// What is read and written at once while a generation is filled.
const (
	fillPages   = 64
	fillEntries = 2000
)

// fill applies the entries from a generation's watermark to a number, in runs.
func fill(ctx context.Context, s Store, b auth.BranchID, g Generation, step uint64, writes writesOf, upTo uint64,
	progress func(done, of uint64)) error {
	step = max(step, 1)
	var pages []*Page // those read ahead that hold entries above g.W
	for g.W+step <= upTo {
		for len(pages) == 0 || pages[len(pages)-1].Last < min(upTo, g.W+step) {
			after := g.W
			if len(pages) > 0 {
				after = pages[len(pages)-1].Last
			}
			more, err := s.Pages(ctx, b, after, fillPages)
			var damaged *DamagedPage
			if errors.As(err, &damaged) && damaged.First == after+1 {
				more, err = []*Page{{Branch: b, First: damaged.First, Last: damaged.Last}}, nil
			}
			if err != nil {
				return err
			}
			if len(more) == 0 || more[0].First > after+1 {
				return fmt.Errorf("the journal of %s has no entry %d", b, after+1)
			}
			pages = append(pages, more...)
		}
		end, bytes := g.W, 0
		for _, p := range pages {
			if end > g.W && end/step > g.W/step && (p.Last-g.W > fillEntries || bytes > MaxPageBytes) {
				break
			}
			end = p.Last
			for _, raw := range p.Entries {
				bytes += len(raw)
			}
		}
		end = min(end, upTo)
		end -= end % step
		run := Run{Branch: b, After: g.W, UpTo: end, Pages: pages}
		err := apply(ctx, s, g, run, step, writes)
		if errors.Is(err, ErrRaced) {
			// Somebody else fills it too, or has ended it.
			gens, err := s.Generations(ctx, b)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(gens, func(x Generation) bool { return x.Gen == g.Gen })
			if i < 0 || gens[i].State != Filling && gens[i].State != Live {
				return nil // the caller looks again
			}
			g.W = gens[i].W
		} else if err != nil {
			return err
		} else {
			g.W = end
		}
		pages = slices.DeleteFunc(pages, func(p *Page) bool { return p.Last <= g.W })
		if len(pages) > 0 && pages[0].First > g.W+1 {
			pages = nil
		}
		if progress != nil {
			progress(g.W, upTo)
		}
	}
	return nil
}

// apply applies a run. Where the view fails on it, the run is halved, down to its smallest
// parts, and a part that fails is parked (J3): the view goes on without it.
func apply(ctx context.Context, s Store, g Generation, run Run, step uint64, writes writesOf) error {
	v, err, storeErr := writes(ctx, run)
	switch {
	case storeErr != nil:
		return storeErr
	case err == nil:
		return s.Fill(ctx, run.Branch, g.Gen, run.After, run.UpTo, v)
	case ctx.Err() != nil:
		return ctx.Err()
	case run.UpTo-run.After > step && !run.unreadable():
		first, second := run, run
		first.UpTo = run.After + ((run.UpTo-run.After)/step+1)/2*step
		second.After = first.UpTo
		if err := apply(ctx, s, g, first, step, writes); err != nil {
			return err
		}
		return apply(ctx, s, g, second, step, writes)
	}
	if err := parkView(ctx, s, ParkedView{Branch: run.Branch, View: g.View, Gen: g.Gen, First: run.After + 1,
		Last:   run.UpTo,
		Reason: err.Error()}); err != nil {
		return err
	}
	return s.Fill(ctx, run.Branch, g.Gen, run.After, run.UpTo, ViewWrites{})
}
