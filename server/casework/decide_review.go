package casework

import (
	"context"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// ReviewVisit records what a supervisor makes of a visit.
type ReviewVisit struct {
	Case  journal.CaseID
	Visit string
	State string // accepted, questioned or invalid
	Notes string // at most 2,000 bytes
}

// ReviewReceipt answers ReviewVisit.
type ReviewReceipt struct {
	Visit string `json:"visit_id"`
	State string `json:"state"`
}

func (c ReviewVisit) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: "visits", ID: c.Visit}, journal.DocRef{Type: "visit_reviews",
		ID: c.Visit})
}

func (c ReviewVisit) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	rec, there, err := t.r.Doc(ctx, "visits", c.Visit)
	if err != nil {
		return nil, err
	}
	var v record.Visit
	if there {
		if err := decode(rec, &v); err != nil {
			return nil, err
		}
	}
	if v.Case != c.Case {
		return nil, refuse(refusal.NotFound, "visit.not_found", "visit", "the case has no such visit")
	}
	if c.State == "" {
		return nil, refuse(refusal.Invalid, "validation.state", "state",
			"say what you make of the visit: accepted, questioned or invalid")
	}
	if err := record.CheckWord("review_states", "state", c.State); err != nil {
		return nil, err
	}
	if len(c.Notes) > 2000 {
		return nil, refuse(refusal.Invalid, "validation.notes", "notes", "at most 2,000 bytes")
	}
	if v.By == t.Actor.User || v.Admitted != nil && v.Admitted.By == t.Actor.User && len(v.Admitted.Corrected) > 0 {
		return nil, refuse(refusal.Forbidden, "visit.own", "visit",
			"another supervisor must review a visit that you made or corrected")
	}
	if _, _, err := t.r.Doc(ctx, "visit_reviews", c.Visit); err != nil {
		return nil, err
	}
	d := t.draft("visit.review")
	d.put("visit_reviews", c.Visit, f.Case.Debtor, &record.VisitReview{Case: c.Case, Debtor: f.Case.Debtor, State: c.State,
		By: t.Actor.User, At: t.At, Notes: seal.NewText(c.Notes)})
	d.touch(f)
	d.reply = ReviewReceipt{c.Visit, c.State}
	return d, nil
}
