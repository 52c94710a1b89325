package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
)

// State says how a branch's journal does.
type State string

// States of a branch. A parked branch answers reads and takes entries: some entries it
// holds could not be read or applied, and its views lack them. A stuck branch takes no
// entries now: callers wait, or are told ErrStuck.
const (
	StateRunning State = "running"
	StateParked  State = "parked"
	StateStuck   State = "stuck"
)

// BranchState is the state of one branch, and why.
type BranchState struct {
	Branch auth.BranchID
	State  State
	Reason string
	Since  time.Time // UTC; zero for a branch whose views alone lack entries
	Parked []Parked  // also of a branch that is stuck
	// ParkedViews are entries that single views lack; the other views have them.
	ParkedViews []ParkedView
}

// Parked is a run of entries of a branch that could not be read or applied (J3): the
// watermark has passed them, and the views lack what they say. It is kept as a small
// document, so that every node and fsck know, until the entries have been applied.
type Parked struct {
	Branch auth.BranchID `json:"branch"`
	First  uint64        `json:"first"`
	Last   uint64        `json:"last"`
	Reason string        `json:"reason"`
	Since  time.Time     `json:"since"`
}

const parkedKind = "parked"

func (p Parked) id() string { return fmt.Sprintf("%s/%020d", p.Branch, p.First) }

// ParkedEntries lists what is parked in a branch of a store, or in all with "", in order.
func ParkedEntries(ctx context.Context, s Store, b auth.BranchID) ([]Parked, error) {
	var out []Parked
	err := eachSmall(ctx, s, parkedKind, b, func(p Parked) { out = append(out, p) })
	return out, err
}

// park keeps what is parked; parking it again changes nothing.
func (c *committer) park(ctx context.Context, first, last uint64, cause error) error {
	p := Parked{Branch: c.branch, First: first, Last: last, Reason: cause.Error(), Since: c.j.Now()}
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode parked entry %s: %w", p.id(), err)
	}
	switch err := c.j.store.SwapSmall(ctx, parkedKind, p.id(), 0, body); {
	case errors.Is(err, ErrRaced):
		return nil // known already
	case err != nil:
		return fmt.Errorf("park entry %s: %w", p.id(), err)
	}
	c.j.log.Error("entries are parked: the views lack them", "branch", c.branch, "first", first, "last", last, "err",
		cause)
	return nil
}

// unpark applies what was parked and can be read now (a newer program, a mended page).
// States put-if-newer: what was written since stays.
func (c *committer) unpark(ctx context.Context) error {
	parked, err := ParkedEntries(ctx, c.j.store, c.branch)
	if err != nil {
		return err
	}
	for _, p := range parked {
		if !c.readable(ctx, p) {
			c.j.log.Warn("entries are still parked", "branch", c.branch, "first", p.First, "last", p.Last, "reason", p.Reason)
			continue
		}
		_, version, err := c.j.store.Small(ctx, parkedKind, p.id())
		if err == nil {
			err = c.j.store.DeleteSmall(ctx, parkedKind, p.id(), version)
		}
		if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrRaced) {
			return fmt.Errorf("unpark entry %s: %w", p.id(), err)
		}
		c.j.log.Info("parked entries are applied", "branch", c.branch, "first", p.First, "last", p.Last)
	}
	return nil
}

// readable applies parked entries if all of them can be read and applied now.
func (c *committer) readable(ctx context.Context, parked Parked) bool {
	var entries []Entry
	for n := parked.First; n <= parked.Last; {
		page, err := c.j.store.PageOf(ctx, c.branch, n)
		if err != nil {
			return errors.Is(err, ErrNotFound) // its page was never stored
		}
		for ; n <= min(page.Last, parked.Last); n++ {
			e, err := page.Entry(n)
			if err != nil {
				return false
			}
			entries = append(entries, e)
		}
	}
	// Far beyond the tail: views are written, the watermark stays where it is.
	nowhere := &Page{Branch: c.branch, First: 1 << 52, Last: 1 << 52}
	return c.j.store.Apply(ctx, nowhere, Project(entries)) == nil
}

// trouble notes why the branch takes no entries; nil: it takes them again. It touches no other branch.
func (c *committer) trouble(cause error) {
	c.mu.Lock()
	was := c.stuck
	c.stuck = cause
	if was == nil && cause != nil {
		c.stuckSince = c.j.Now()
	}
	c.mu.Unlock()
	switch {
	case was == nil && cause != nil:
		c.j.log.Error("the branch takes no entries", "branch", c.branch, "err", cause)
	case was != nil && cause == nil:
		c.j.log.Info("the branch takes entries again", "branch", c.branch)
	}
}

// Stuck is why branches do not take what is to be appended (a full disk, an unreachable
// server, a page of another tree), nil when all do. Callers are told ErrFull, ErrStalled,
// ErrUnclear or ErrStuck after some seconds; nothing is lost.
func (j *Journal) Stuck() error {
	var errs []error
	for _, c := range j.all() {
		c.mu.Lock()
		if c.stuck != nil {
			errs = append(errs, fmt.Errorf("branch %s: %w", c.branch, c.stuck))
		}
		c.mu.Unlock()
	}
	return errors.Join(errs...)
}

// StuckBranches lists the branches that this process knows to be stuck, sorted. It asks no store.
func (j *Journal) StuckBranches() []BranchState {
	var out []BranchState
	for _, c := range j.all() {
		c.mu.Lock()
		if c.stuck != nil {
			out = append(out, BranchState{Branch: c.branch, State: StateStuck, Reason: c.stuck.Error(), Since: c.stuckSince})
		}
		c.mu.Unlock()
	}
	return out
}

// States lists the branches that are not running, sorted: those this process knows to be
// stuck, and those with parked entries, whichever node parked them. The error is the store's.
func (j *Journal) States(ctx context.Context) ([]BranchState, error) {
	parked, err := ParkedEntries(ctx, j.store, "")
	if err != nil {
		return nil, err
	}
	by := map[auth.BranchID]*BranchState{}
	var out []*BranchState
	of := func(b auth.BranchID) *BranchState {
		if by[b] == nil {
			by[b] = &BranchState{Branch: b}
			out = append(out, by[b])
		}
		return by[b]
	}
	for _, p := range parked {
		s := of(p.Branch)
		if s.State == "" {
			s.State, s.Reason, s.Since = StateParked, p.Reason, p.Since
		}
		s.Parked = append(s.Parked, p)
	}
	inViews, err := ParkedInViews(ctx, j.store, "")
	if err != nil {
		return nil, err
	}
	for _, p := range inViews {
		s := of(p.Branch)
		if s.State == "" {
			s.State, s.Reason = StateParked, "view "+p.View+": "+p.Reason
		}
		s.ParkedViews = append(s.ParkedViews, p)
	}
	for _, stuck := range j.StuckBranches() {
		s := of(stuck.Branch)
		s.State, s.Reason, s.Since = stuck.State, stuck.Reason, stuck.Since
	}
	slices.SortFunc(out, func(a, b *BranchState) int { return cmp.Compare(a.Branch, b.Branch) })
	states := make([]BranchState, len(out))
	for i, s := range out {
		states[i] = *s
	}
	return states, nil
}

// all lists the committers of this process, sorted by branch.
func (j *Journal) all() []*committer {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]*committer, 0, len(j.committers))
	for _, c := range j.committers {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *committer) int { return strings.Compare(string(a.branch), string(b.branch)) })
	return out
}
