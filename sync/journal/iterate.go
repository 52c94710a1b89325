package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"doorstep/auth"
)

// pagesAtOnce is how many pages are held at once by who reads all of a branch.
const pagesAtOnce = 16

// Unreadable is the error of entries that cannot be read: one by itself, or those of a
// page that is damaged. Who goes on after it gets the entries that follow.
type Unreadable struct {
	Branch      auth.BranchID
	First, Last uint64
	Err         error
}

func (e *Unreadable) Error() string {
	return fmt.Sprintf("entries %d to %d of %s cannot be read: %v", e.First, e.Last, e.Branch, e.Err)
}

// Unwrap is why.
func (e *Unreadable) Unwrap() error { return e.Err }

// Pages gives the stored pages of a branch that hold entries above after, in order, to the
// end of the journal, whatever the watermark is. An error comes without a page: after an
// *Unreadable, which stands for a damaged page, who goes on gets the next page; any other
// error ends it.
func Pages(ctx context.Context, s Store, b auth.BranchID, after uint64) iter.Seq2[*Page, error] {
	return func(yield func(*Page, error) bool) {
		for {
			pages, err := s.Pages(ctx, b, after, pagesAtOnce)
			var damaged *DamagedPage
			switch {
			case errors.As(err, &damaged) && damaged.Last > after:
				after = damaged.Last
				if !yield(nil, &Unreadable{b, damaged.First, damaged.Last, damaged.Err}) {
					return
				}
				continue
			case err != nil:
				yield(nil, fmt.Errorf("read pages of %s after %d: %w", b, after, err))
				return
			case len(pages) == 0:
				return
			}
			for _, p := range pages {
				after = p.Last
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

// Entries gives the entries of a branch above after and up to upTo (a watermark), in
// order. An error comes without an entry: after an *Unreadable who goes on gets the
// entries that follow; any other error ends it, also that the journal ends before upTo.
func Entries(ctx context.Context, s Store, b auth.BranchID, after, upTo uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if after >= upTo {
			return
		}
		for p, err := range Pages(ctx, s, b, after) {
			var unread *Unreadable
			if err != nil {
				if !yield(Entry{}, err) || !errors.As(err, &unread) {
					return
				}
				if after = unread.Last; after >= upTo {
					return
				}
				continue
			}
			for n := max(p.First, after+1); n <= min(p.Last, upTo); n++ {
				e, err := p.Entry(n)
				if err != nil {
					err = &Unreadable{b, n, n, err}
				}
				if !yield(e, err) {
					return
				}
			}
			if after = p.Last; after >= upTo {
				return
			}
		}
		yield(Entry{}, fmt.Errorf("journal of %s ends at %d, below its watermark %d", b, after, upTo))
	}
}

// Each calls fn for every visible entry after the given one, in order, until fn returns an
// error. Entries that are parked are passed over; one that cannot be read and is not
// parked is an *Unreadable.
func (j *Journal) Each(ctx context.Context, b auth.BranchID, after uint64, fn func(Entry) error) error {
	w, err := j.store.Watermark(ctx, b)
	if err != nil {
		return err
	}
	for e, err := range Entries(ctx, j.store, b, after, w) {
		var unread *Unreadable
		if errors.As(err, &unread) {
			parked, listErr := ParkedEntries(ctx, j.store, b)
			if listErr != nil {
				return listErr
			}
			if covers(parked, unread) {
				continue
			}
		}
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

func covers(parked []Parked, u *Unreadable) bool {
	for _, p := range parked {
		if p.First <= u.First && u.Last <= p.Last {
			return true
		}
	}
	return false
}
