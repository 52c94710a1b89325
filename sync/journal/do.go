package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"doorstep/auth"
)

// Command is one change somebody asks for.
type Command struct {
	// ID makes the command idempotent: "m:<agent>:<mid>", "http:<user>:<key>",
	// "import:<ref>:<line hash>", "org:<n>"; at most 128 bytes.
	ID      string
	Payload [32]byte // SHA-256 (or a keyed hash, where the payload is personal) of what was asked
	Actor   auth.UserID
	Device  auth.DeviceID
	Claimed time.Time // when the device says it happened; evidence, never order
	// Decide loads what the decision needs through r and decides, with no clock
	// but r.At and no effect but its result. It is called again, on newer
	// documents, whenever something it read has changed before the append.
	// An error refuses the command: nothing is stored and Outcome.Err is that error.
	Decide func(ctx context.Context, r *Reader) (Draft, error)
}

// Draft is what a decision wants appended. With no Docs, no Feeds and no Action
// the command changes nothing and leaves no trace; its Receipt is still answered.
type Draft struct {
	Action   string
	Docs     []Doc // Rev is filled in; every one must have been read through the Reader
	Feeds    []FeedRow
	Writes   []Key // besides the documents' own keys and the command's
	Verdicts json.RawMessage
	Receipt  json.RawMessage
	// More are further entries of the same command, for one too large for a
	// single entry. Their receipts are ignored.
	More []Draft
}

// empty tells whether there is nothing to append.
func (d *Draft) empty() bool {
	return d.Action == "" && len(d.Docs) == 0 && len(d.Feeds) == 0 && len(d.More) == 0
}

// Put adds a document's new state to the draft.
func (d *Draft) Put(typ, id string, state json.RawMessage) {
	d.Docs = append(d.Docs, Doc{Type: typ, ID: id, State: state})
}

// Delete adds a tombstone to the draft.
func (d *Draft) Delete(typ, id string) {
	d.Docs = append(d.Docs, Doc{Type: typ, ID: id, Deleted: true})
}

// Tell adds a feed row to the draft.
func (d *Draft) Tell(f Feed, typ, id string) {
	d.Feeds = append(d.Feeds, FeedRow{Feed: f, Type: typ, ID: id})
}

// Outcome is what became of one command.
type Outcome struct {
	Command string
	N       uint64          // the first entry of the command; 0 when nothing was appended
	Receipt json.RawMessage // the same for ever for the same command id
	// Duplicate says that the command had been accepted before; the receipt is the first one.
	Duplicate bool
	// Err is the decision's refusal, ErrReused, or a limit of J15; the other commands are not touched by it.
	Err error
	// Docs are the documents as appended, with their revisions; nil for a duplicate.
	Docs []Doc
}

// Do decides the commands in order and appends them. One call is one conversation
// (a push, a chunk of an import): its commands see each other's effects, and are
// appended in order, though other commands may come between them.
//
// The returned error is about the whole call (store unreachable, context ended,
// ErrClosed): the outcome of commands without a receipt is then unknown, and
// sending the same ids again is safe.
func (j *Journal) Do(ctx context.Context, branch auth.BranchID, cmds []Command) ([]Outcome, error) {
	c, err := j.committer(ctx, branch)
	if err != nil {
		return nil, err
	}
	out := make([]Outcome, len(cmds))
	done := 0 // commands before this index have their outcome
	at := j.opt.Clock().UTC().Truncate(time.Millisecond)
	for try := 0; done < len(cmds); try++ {
		if try == 1 {
			// Somebody wrote what this call had read. Those who fight over the same
			// documents decide again one after the other: all at once, each would
			// undo the work of all the others.
			select {
			case c.turn <- struct{}{}:
				defer func() { <-c.turn }()
			case <-ctx.Done():
				return out, ctx.Err()
			}
		}
		if try > 2 {
			// Somebody is quicker every time (another node, or calls that have not met
			// this one yet): let them finish first.
			if err := sleep(ctx, time.Duration(rand.Int64N(int64(min(try, 20))*int64(2*time.Millisecond)))); err != nil {
				return out, err
			}
		}
		g, err := j.decideAll(ctx, c, at, cmds, done, out)
		if err != nil {
			return out, err
		}
		if len(g.items) > 0 {
			if err := c.submit(ctx, g); err != nil {
				return out, err
			}
		}
		for i := range g.items[:g.appended] {
			it := &g.items[i]
			out[it.command].N = it.first
			for k := range it.entries {
				out[it.command].Docs = append(out[it.command].Docs, it.entries[k].docs...)
			}
		}
		if g.appended == len(g.items) {
			done = len(cmds)
		} else {
			done = g.items[g.appended].command
		}
		// What follows the first refused item is decided afresh: it may have
		// built on the item, or on the same outdated documents.
		for i := done; i < len(cmds); i++ {
			out[i] = Outcome{}
		}
	}
	return out, nil
}

// decideAll decides cmds[from:], filling the outcomes of those that append
// nothing, and prepares the others for the committer.
func (j *Journal) decideAll(ctx context.Context, c *committer, at time.Time, cmds []Command, from int, out []Outcome) (*group, error) {
	g := &group{readAt: c.watermark(), done: make(chan struct{})}
	ids := make([]string, 0, len(cmds)-from)
	for _, cmd := range cmds[from:] {
		ids = append(ids, cmd.ID)
	}
	known, err := j.store.Receipts(ctx, c.branch, ids)
	if err != nil {
		return nil, fmt.Errorf("look up receipts: %w", err)
	}
	mine := map[string]Receipt{} // of this very call
	overlay := newDrafted()
	cache := map[DocRef]Record{}
	for i := from; i < len(cmds); i++ {
		cmd := &cmds[i]
		out[i].Command = cmd.ID
		if cmd.ID == "" || len(cmd.ID) > MaxCommandBytes {
			out[i].Err = invalid("a command id has 1 to %d bytes", MaxCommandBytes)
			continue
		}
		rec := known[i-from]
		if rec.Command == "" {
			rec = mine[cmd.ID]
		}
		if rec.Command != "" {
			out[i].Duplicate, out[i].N, out[i].Receipt = true, rec.N, rec.Body
			if rec.Payload != cmd.Payload {
				out[i] = Outcome{Command: cmd.ID, Err: ErrReused}
			}
			continue
		}
		r := &Reader{Branch: c.branch, At: at, W: g.readAt, store: j.store, drafted: overlay,
			keys: map[Key]struct{}{CommandKey(cmd.ID): {}}, seen: cache}
		draft, err := cmd.Decide(ctx, r)
		if err != nil {
			if cause := ctx.Err(); cause != nil && errors.Is(err, cause) {
				return nil, cause
			}
			out[i].Err = err
			continue
		}
		out[i].Receipt = draft.Receipt
		if draft.empty() {
			continue
		}
		it, err := prepare(cmd, r, draft, at)
		if err != nil {
			out[i].Err, out[i].Receipt = err, nil
			continue
		}
		it.command = i
		for k := range it.entries {
			for _, d := range it.entries[k].docs {
				overlay.put(Record{Branch: c.branch, Type: d.Type, ID: d.ID, Rev: d.Rev, Deleted: d.Deleted, Body: d.State})
			}
		}
		mine[cmd.ID] = Receipt{Command: cmd.ID, Payload: cmd.Payload, Body: draft.Receipt}
		g.items = append(g.items, it)
	}
	return g, nil
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
