package casework

import (
	"context"
	"slices"
	"strings"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// ReleaseHold ends a hold before its date. A hold that the debtor asked for, and a
// complaint, bind until a second person agrees (record.Hold.NeedsTwo): the first call asks
// for the end, and the same call by another user ends it.
type ReleaseHold struct {
	Case   journal.CaseID
	Hold   string
	Reason string // required: why it may be lifted; never personal data
}

func (c ReleaseHold) refs() []journal.DocRef { return caseRef(c.Case) }

func (c ReleaseHold) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	return decideReleaseHold(f, t.draft("hold.release"), c)
}

func decideReleaseHold(f *File, d *draftBuilder, c ReleaseHold) (*draftBuilder, error) {
	holds := f.Case.AllHolds()
	h, err := holdNamed(holds, c.Hold)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(c.Reason) == "" || len(c.Reason) > 200 {
		return nil, refuse(refusal.Invalid, "hold.reason", "reason", "say in 1 to 200 bytes why the hold may be lifted")
	}
	if h.Released != nil {
		d.reply = HoldReceipt{f.Case.ID, c.Hold, record.HoldReleased}
		return d.nothing(), nil
	}
	switch {
	case !h.NeedsTwo():
		h.Released = &record.Release{At: d.At, By: d.Actor.User, Reason: c.Reason}
	case h.Ending == nil:
		h.Ending = &record.Ending{At: d.At, By: d.Actor.User, Reason: c.Reason}
	case h.Ending.By == d.Actor.User:
		d.reply = HoldReceipt{f.Case.ID, c.Hold, record.HoldEnding}
		return d.nothing(), nil
	default:
		h.Released = &record.Release{At: d.At, By: d.Actor.User, Reason: c.Reason, AskedBy: h.Ending.By}
	}
	d.reply = HoldReceipt{f.Case.ID, c.Hold, stateOf(h)}
	f.Case.SetHolds(holds)
	d.putCase(f)
	return d, nil
}

// KeepHold takes back a wish to end a hold, the caller's own or another's.
type KeepHold struct {
	Case journal.CaseID
	Hold string
}

func (c KeepHold) refs() []journal.DocRef { return caseRef(c.Case) }

func (c KeepHold) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	holds := f.Case.AllHolds()
	h, err := holdNamed(holds, c.Hold)
	if err != nil {
		return nil, err
	}
	d := t.draft("hold.keep")
	if h.Released != nil {
		return nil, refuse(refusal.Conflict, "hold.released", "hold_id",
			"the hold has ended already; open a new one if the case must be left alone")
	}
	d.reply = HoldReceipt{f.Case.ID, c.Hold, record.HoldOpen}
	if h.Ending == nil {
		return d.nothing(), nil
	}
	h.Ending = nil
	f.Case.SetHolds(holds)
	d.putCase(f)
	return d, nil
}

// holdNamed finds a hold of a case by its id.
func holdNamed(holds []record.Hold, id string) (*record.Hold, error) {
	i := slices.IndexFunc(holds, func(h record.Hold) bool { return h.ID == id })
	if i < 0 {
		return nil, refuse(refusal.NotFound, "hold.not_found", "hold_id", "the case has no such hold")
	}
	return &holds[i], nil
}

// stateOf is the state of a hold, whatever its date.
func stateOf(h *record.Hold) string {
	switch {
	case h.Released != nil:
		return record.HoldReleased
	case h.Ending != nil:
		return record.HoldEnding
	}
	return record.HoldOpen
}
