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
	if err := checkReview(c.State, c.Notes); err != nil {
		return nil, err
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

// checkReview refuses a review that says nothing, or too much.
func checkReview(state, notes string) error {
	if state == "" {
		return refuse(refusal.Invalid, "validation.state", "state",
			"say what you make of it: accepted, questioned or invalid")
	}
	if err := record.CheckWord("review_states", "state", state); err != nil {
		return err
	}
	if len(notes) > 2000 {
		return refuse(refusal.Invalid, "validation.notes", "notes", "at most 2,000 bytes")
	}
	return nil
}

// ReviewCorrection records what a supervisor makes of a record, other than a visit, that corrects an earlier one: one
// that supersedes it, or that the office corrected when it accepted it. The record stays as it is.
type ReviewCorrection struct {
	Case   journal.CaseID
	Kind   string // one of reviewable
	Record string // the id of the one that corrects
	State  string // accepted, questioned or invalid
	Notes  string // at most 2,000 bytes; required unless accepted
}

// reviewable are the kinds of records whose corrections are reviewed so; a visit has its own review.
var reviewable = []string{"consents", "payments_reported", "plans", "signatures", "visit_confirmations", "visit_notes"}

// CorrectionReceipt answers ReviewCorrection.
type CorrectionReceipt struct {
	Type   string `json:"type"`
	Record string `json:"record_id"` // the record that was reviewed
	State  string `json:"state"`
}

func (c ReviewCorrection) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: c.Kind, ID: c.Record},
		journal.DocRef{Type: "correction_reviews", ID: c.Kind + "/" + c.Record})
}

func (c ReviewCorrection) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if bad := record.OneOf("record.type", "type", c.Kind, reviewable); bad != nil {
		return nil, bad
	}
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	kind, _ := record.KindOf(c.Kind)
	state := kind.New()
	rec, there, err := t.r.Doc(ctx, c.Kind, c.Record)
	if err == nil && there {
		err = decode(rec, state)
	}
	if err != nil {
		return nil, err
	}
	of := correctionOf(state)
	if !there || of.of != c.Case {
		return nil, refuse(refusal.NotFound, "record.not_found", "record", "the case has no such record")
	}
	if of.supersedes == "" && len(of.corrected) == 0 {
		return nil, refuse(refusal.Conflict, "record.not_corrected", "record", "this record corrects none; only corrections "+
			"are reviewed")
	}
	if err := checkReview(c.State, c.Notes); err != nil {
		return nil, err
	}
	if c.State != "accepted" && c.Notes == "" {
		return nil, refuse(refusal.Invalid, "validation.notes", "notes", "say why you do not accept it")
	}
	if taken := record.TakenOf(state); of.by == t.Actor.User || taken.By == t.Actor.User {
		return nil, refuse(refusal.Forbidden, "record.own", "record",
			"another supervisor must review a record that you made or corrected")
	}
	review := &record.CorrectionReview{Case: c.Case, Debtor: f.Case.Debtor, Type: c.Kind, Record: c.Record, State: c.State,
		By: t.Actor.User, At: t.At, Notes: seal.NewText(c.Notes)}
	if _, _, err := t.r.Doc(ctx, "correction_reviews", review.ID()); err != nil {
		return nil, err
	}
	d := t.draft("correction.review")
	d.put("correction_reviews", review.ID(), f.Case.Debtor, review)
	d.touch(f)
	d.reply = CorrectionReceipt{c.Kind, c.Record, c.State}
	return d, nil
}
