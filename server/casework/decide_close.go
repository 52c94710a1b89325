package casework

import (
	"context"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// CloseCase ends work on a case and revokes its open assignments. The file is kept.
type CloseCase struct {
	Case   journal.CaseID
	Reason string // one of ClosingReasons
}

func (c CloseCase) refs() []journal.DocRef { return caseRef(c.Case) }

func (c CloseCase) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, toRevoke)
	if err != nil {
		return nil, err
	}
	return decideClose(f, t.draft("case.close"), c)
}

func decideClose(f *File, d *draftBuilder, c CloseCase) (*draftBuilder, error) {
	if err := record.OneOf("case.closing_reason", "reason", c.Reason, record.CodesOf("closing_reasons")); err != nil {
		return nil, err
	}
	if c.Reason == paidReason && f.Case.Status != record.StatusClosed && f.Case.AmountDueMinor > 0 {
		return nil, refuse(refusal.Conflict, "case.not_paid", "reason",
			"%d are due in minor units; import the payment, and the case closes by itself", f.Case.AmountDueMinor)
	}
	if f.Case.Status == record.StatusClosed {
		if f.Case.Closed != nil && f.Case.Closed.Reason == c.Reason {
			return d.answering(f, false), nil
		}
		return nil, refuse(refusal.Conflict, "case.closed", "case",
			"the case is closed for another reason already; reopen it first")
	}
	closeCase(f, d, c.Reason)
	return d.answering(f, true), nil
}

// closeCase closes an open case and revokes what is on phones.
func closeCase(f *File, d *draftBuilder, reason string) {
	f.Case.Status = record.StatusClosed
	f.Case.Closed = &record.Closing{Reason: reason, At: d.At, By: d.Actor.User}
	d.putCase(f)
	revokeOpen(f, d, "revoked", "case:"+reason)
}

// ReopenCase takes up a closed case again.
type ReopenCase struct {
	Case journal.CaseID
}

func (c ReopenCase) refs() []journal.DocRef { return caseRef(c.Case) }

func (c ReopenCase) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	return decideReopen(f, t.draft("case.reopen"))
}

func decideReopen(f *File, d *draftBuilder) (*draftBuilder, error) {
	if f.Case.Status != record.StatusClosed {
		return d.answering(f, false), nil
	}
	if f.Case.AmountDueMinor <= 0 {
		return nil, refuse(refusal.Conflict, "case.nothing_due", "case", "nothing is due; import the new amount first")
	}
	f.Case.Status, f.Case.Closed = record.StatusOpen, nil
	d.putCase(f)
	return d.answering(f, true), nil
}

// paidReason is the closing reason of a case of which nothing is due any more.
const paidReason = "paid"

// settle brings the status in line with what is due: a case is closed as paid
// when nothing is, and one closed as paid is open again when something is: it reports that.
func settle(f *File, d *draftBuilder) (reopens bool) {
	switch {
	case f.Case.Status == record.StatusOpen && f.Case.AmountDueMinor <= 0:
		closeCase(f, d, paidReason)
	case f.Case.Status == record.StatusClosed && f.Case.Closed != nil && f.Case.Closed.Reason == paidReason &&
		f.Case.AmountDueMinor > 0:
		f.Case.Status, f.Case.Closed = record.StatusOpen, nil
		d.putCase(f)
		return true
	}
	return false
}
