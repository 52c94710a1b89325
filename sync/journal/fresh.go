package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A server that was the primary of a replica set, and does not know yet that it is no
// longer, answers with what it had then. A store should never give such an answer (it asks
// in causally consistent sessions where the engine has them), but nothing may rest on that
// alone: a command whose receipt is missing in an old answer would be carried out twice.
// So every look-up of receipts asks for one more that must be there, and the committer
// compares the documents that were read with those that it knows to be written.

// errOld says that a store answered with less than it had.
var errOld = errors.New("the store answers with an older state than it has shown before")

// lastShown is the command of an entry that is visible: its receipt is in every answer that
// is not too old. "" when no such command is known.
func (c *committer) lastShown() string {
	if p := c.shown.Load(); p != nil {
		return *p
	}
	return ""
}

// show notes the command of the last of entries that have become visible.
func (c *committer) show(entries []Entry) {
	for i := len(entries) - 1; i >= 0; i-- {
		if command := entries[i].Command; command != "" {
			c.shown.Store(&command)
			return
		}
	}
}

// receipts looks up receipts by command id. errOld when the answer lacks what must be in it.
func (c *committer) receipts(ctx context.Context, ids []string) ([]Receipt, error) {
	last := c.lastShown()
	if last != "" {
		ids = append(ids[:len(ids):len(ids)], last)
	}
	found, err := c.j.store.Receipts(ctx, c.branch, ids)
	if err != nil {
		return nil, fmt.Errorf("look up receipts: %w", err)
	}
	if last != "" {
		if found[len(found)-1].Command != last {
			return nil, errOld
		}
		found = found[:len(found)-1]
	}
	return found, nil
}

// oldAnswers counts how long a call has met answers that are too old. The zero value has met none.
type oldAnswers struct {
	since time.Time
	wait  Backoff
}

// met waits before the call decides again; it gives up with ErrStalled once the store has
// answered so for longer than a caller is kept waiting.
func (o *oldAnswers) met(ctx context.Context, c *committer) error {
	now := time.Now()
	if o.since.IsZero() {
		*o = oldAnswers{since: now, wait: Backoff{First: 5 * time.Millisecond, Most: 250 * time.Millisecond}}
		c.j.log.Warn("a command is decided again", "branch", c.branch, "err", errOld)
	}
	if now.Sub(o.since) > patience {
		return ErrStalled.Because(errOld)
	}
	return o.wait.Wait(ctx)
}
