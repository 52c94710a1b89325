package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doorstep/auth"
)

// Command is one change that a caller asks for.
type Command struct {
	// ID makes the command idempotent: "m:<agent>:<mid>", "http:<user>:<key>",
	// "import:<ref>:<line hash>", "org:<n>"; at most 128 bytes.
	ID string
	// Payload is a hash of what was asked. It is never stored: an entry keeps what
	// the decision said of it (Draft.Said).
	Payload [32]byte
	Actor   auth.UserID
	Device  auth.DeviceID
	Claimed time.Time // when the device says it happened; evidence, never order
	// Decide loads what the decision needs through r and decides, with no clock
	// but r.At and no effect but its result. It is called again, on newer
	// documents, whenever something it read has changed before the append, or
	// before it is answered: a refusal too must rest on reads of one moment.
	// An error refuses the command: nothing is stored and Outcome.Err is that error.
	Decide func(ctx context.Context, r *Reader) (Draft, error)
	// Same tells whether this command asks for the same as an earlier one that was
	// accepted under its id, of which said is what its Draft.Said was. Nil: said is
	// what the journal itself says of a payload, see Draft.Said.
	Same func(ctx context.Context, said []byte) (bool, error)
}

// Draft is what a decision wants appended. With no Docs, no Feeds and no Action
// the command changes nothing and leaves no trace; its Receipt is still answered.
type Draft struct {
	Action   string
	Docs     []Doc // Rev is filled in; every one must have been read through the Reader
	Feeds    []FeedRow
	Writes   []Key // besides the documents' own keys and the command's; each must have been read or named by Depend
	Verdicts json.RawMessage
	Receipt  json.RawMessage
	// Said is what Command.Same will compare with, at most MaxSaidBytes. It stands in
	// the hashed bytes for ever, so it tells nothing of a personal payload without a
	// salt that dies with the person. Nil: the journal says a random salt and the
	// SHA-256 of the salt and Command.Payload, which is for payloads that hold
	// nothing personal; without a payload it says nothing.
	Said []byte
	// More are further entries of the same command, for one too large for a
	// single entry. Their receipts, and what they say, are ignored.
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
// The returned error is about the whole call. The outcomes that are filled in then
// (Outcome.Command is set) stand; of the others nothing is known but what the error
// says: nothing was appended with ErrClosed, ErrStuck and errors of reading; with
// ErrUnclear, which wraps the context's error if that ended the wait, they may be
// durable. Sending the same ids again is safe in every case.
func (j *Journal) Do(ctx context.Context, branch auth.BranchID, cmds []Command) ([]Outcome, error) {
	c, err := j.committer(ctx, branch)
	if err != nil {
		return nil, err
	}
	out := make([]Outcome, len(cmds))
	at := j.Now()
	salts := newSalts(len(cmds))
	ready := make(decisions, len(cmds))
	giveWay := Backoff{First: 2 * time.Millisecond, Most: 40 * time.Millisecond}
	turn := false
	last, times := -1, 0 // the command that was overtaken last, and how often in a row
	var old oldAnswers
	for done := 0; done < len(cmds); {
		if times > 0 && !turn {
			// Somebody wrote what this call had read. Those who fight over the same
			// documents decide again one after the other: all at once, each would
			// undo the work of all the others.
			select {
			case c.turn <- struct{}{}:
				turn = true
				defer func() { <-c.turn }()
			case <-ctx.Done():
				return out, ctx.Err()
			}
		}
		if times > 2 {
			// Somebody is quicker every time (another node, or calls that have not met
			// this one yet): let them finish first.
			if err := giveWay.Wait(ctx); err != nil {
				return out, err
			}
		}
		if ready[done] == nil {
			until := done + 1
			for until < len(cmds) && ready[until] == nil {
				until++
			}
			c.expect()
			g, decided, err := j.decideAll(ctx, c, at, cmds[:until], salts, done)
			if errors.Is(err, errOld) {
				if err := old.met(ctx, c); err != nil {
					return out, err
				}
				continue
			}
			if err != nil {
				return out, err
			}
			ready.put(done, g, decided)
		}
		g, until := ready.group(done)
		settled, err := 0, error(nil)
		if len(g.items) > 0 {
			settled, err = c.submit(ctx, g)
		}
		if settled < len(g.items) {
			until = g.items[settled].command
		}
		for i := range g.items[:settled] {
			it := &g.items[i]
			o := &ready[it.command].outcome
			o.N = it.first
			for k := range it.entries {
				o.Docs = append(o.Docs, it.entries[k].docs...)
			}
		}
		for i := done; i < until; i++ {
			out[i] = ready[i].outcome
		}
		if err != nil {
			return out, err
		}
		if settled < len(g.items) {
			if settled == 0 && ready[until].kept {
				// Kept in vain: what was read of the rest is too old altogether.
				clear(ready[until:])
			}
			ready.forget(cmds, until)
			if until != last {
				last, times = until, 0
			}
			times++
		}
		if g.old {
			if err := old.met(ctx, c); err != nil {
				return out, err
			}
		}
		done = until
	}
	return out, nil
}

// decideAll decides cmds[from:] and gives their outcomes, as they are once their items are settled.
func (j *Journal) decideAll(ctx context.Context, c *committer, at time.Time, cmds []Command, salts salts, from int) (
	*group, []Outcome, error) {
	g := &group{id: c.groups.Add(1), readAt: c.watermark(), done: make(chan struct{})}
	ids := make([]string, 0, len(cmds)-from)
	for _, cmd := range cmds[from:] {
		ids = append(ids, cmd.ID)
	}
	known, err := c.receipts(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	out := make([]Outcome, len(ids))
	mine := map[string]Receipt{} // of this very call
	overlay := newDrafted()
	cache, lists := map[DocRef]Record{}, map[string][]Record{}
	for i := range out {
		cmd, o := &cmds[from+i], &out[i]
		o.Command = cmd.ID
		if cmd.ID == "" || len(cmd.ID) > MaxCommandBytes {
			o.Err = invalid("a command id has 1 to %d bytes", MaxCommandBytes)
			continue
		}
		rec := known[i]
		if rec.Command == "" {
			rec = mine[cmd.ID]
		}
		if rec.Command != "" {
			same, err := cmd.same(ctx, rec.Said)
			switch {
			case err != nil:
				return nil, nil, fmt.Errorf("compare with what was said under %s: %w", cmd.ID, err)
			case same:
				o.Duplicate, o.N, o.Receipt = true, rec.N, rec.Body
			default:
				o.Err = ErrReused
			}
			continue
		}
		r := &Reader{Branch: c.branch, At: at, W: g.readAt, RevsAbove: c.above.Load(), store: j.store, drafted: overlay,
			keys: map[Key]seenAt{CommandKey(cmd.ID): {}}, seen: cache, lists: lists}
		draft, err := cmd.Decide(ctx, r)
		if cause := ctx.Err(); err != nil && cause != nil && errors.Is(err, cause) {
			return nil, nil, cause
		}
		it := item{}
		if err == nil && !draft.empty() {
			if draft.Said == nil {
				draft.Said = cmd.said(salts.of(from + i))
			}
			it, err = prepare(cmd, r, draft, at)
		}
		it.command, it.reads = from+i, r.read()
		g.items = append(g.items, it)
		if err != nil {
			o.Err = err
			continue
		}
		o.Receipt = draft.Receipt
		if draft.empty() {
			continue
		}
		for k := range it.entries {
			for _, d := range it.entries[k].docs {
				overlay.put(Record{Branch: c.branch, Type: d.Type, ID: d.ID, Rev: d.Rev, Deleted: d.Deleted, Body: d.State})
			}
		}
		mine[cmd.ID] = Receipt{Command: cmd.ID, Said: draft.Said, Body: draft.Receipt}
	}
	return g, out, nil
}
