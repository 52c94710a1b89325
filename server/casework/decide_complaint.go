package casework

import (
	"context"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// RecordComplaint takes a complaint down: it opens a hold of kind complaint, which takes the case out of rounds and
// off the phones at once. The hold ends by two people, whether or not the complaint is answered.
type RecordComplaint struct {
	ID   string
	Said record.ComplaintSaid
	// AnswerDue is the debtor's local date by which the answer is due; "" for the one that the case's profiles give.
	AnswerDue string
}

// ComplaintReceipt answers RecordComplaint and AnswerComplaint.
type ComplaintReceipt struct {
	Complaint string `json:"complaint_id"`
	State     string `json:"state"`
	// AnswerDue is the debtor's local date by which the answer is due.
	AnswerDue string `json:"answer_due"`
	Hold      string `json:"hold_id,omitempty"`
}

func (c RecordComplaint) refs() []journal.DocRef {
	return append(caseRef(c.Said.Case), journal.DocRef{Type: "complaints", ID: c.ID})
}

func (c RecordComplaint) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := t.absentRecord(ctx, "complaints", c.ID); err != nil {
		return nil, err
	}
	f, err := t.openFile(ctx, c.Said.Case, toRevoke)
	if err != nil {
		return nil, err
	}
	if err := t.visitOf(ctx, c.Said.Case, c.Said.Visit); err != nil {
		return nil, err
	}
	within, err := t.policy().AnswerTime(f.Case.Profiles)
	if err != nil {
		return nil, err
	}
	return decideComplaint(f, t.draft("complaint.record"), c, within, &t.svc.zones)
}

// decideComplaint decides on a complaint, for the time in which the profiles of the case want it answered.
func decideComplaint(f *File, d *draftBuilder, c RecordComplaint, within conduct.AnswerTime,
	zones *zoneCache) (*draftBuilder, error) {
	k := record.Complaint{ComplaintSaid: c.Said, Debtor: f.Case.Debtor, By: d.Actor.User, RecordedAt: d.At,
		State: record.ComplaintOpen}
	if bad := k.ComplaintSaid.Check(); bad != nil {
		return nil, bad
	}
	if bad := happened("at", k.At, d.At); bad != nil {
		return nil, bad
	}
	today, day := zones.dayAt(d.At, f.Case.TimeZone), zones.dayAt(k.At, f.Case.TimeZone)
	var bad *refusal.Error
	if k.AnswerDue, k.DueBy, bad = answerDue(c.AnswerDue, day, within); bad != nil {
		return nil, bad
	}
	k.Hold, _ = addHold(f, d, record.Hold{Kind: "complaint", Since: today, Source: "complaint:" + c.ID})
	revokeOpen(f, d, record.AssignmentRevoked, "hold")
	d.putChild(f, "complaints", c.ID, &k)
	d.reply = ComplaintReceipt{c.ID, k.State, k.AnswerDue, k.Hold}
	return d, nil
}

// answerDue is the date by which a complaint of a local date has to be answered, and who says so. The office may give
// an earlier date than the law, never a later one.
func answerDue(said, day string, within conduct.AnswerTime) (due, by string, bad *refusal.Error) {
	law := ""
	if from, err := time.Parse(time.DateOnly, day); err == nil && within.Days > 0 {
		law = from.AddDate(0, 0, within.Days).Format(time.DateOnly)
	}
	switch {
	case said == "" && law == "":
		return "", "", refuse(refusal.Invalid, "complaint.answer_due", "answer_due",
			"no profile of the case says by when a complaint is answered; give the date, as 2006-01-02")
	case said == "":
		return law, within.Profile, nil
	case !record.IsDate(said) || said < day:
		return "", "", refuse(refusal.Invalid, "complaint.answer_due", "answer_due",
			"write a date from the day of the complaint on, as 2006-01-02")
	case law != "" && said > law:
		return "", "", refuse(refusal.Invalid, "complaint.answer_due", "answer_due",
			"profile %s wants an answer by %s; give that date or an earlier one", within.Profile, law)
	}
	return said, record.SourceOffice, nil
}

// AnswerComplaint notes what a person was answered. A complaint is answered once.
type AnswerComplaint struct {
	Case      journal.CaseID
	Complaint string
	Answer    record.ComplaintAnswer // By and Late are set here
}

func (c AnswerComplaint) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: "complaints", ID: c.Complaint})
}

func (c AnswerComplaint) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.openFile(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	var k record.Complaint
	of := func() journal.CaseID { return k.Case }
	if err := t.childOf(ctx, f, "complaints", "complaint", c.Complaint, &k, of); err != nil {
		return nil, err
	}
	return decideAnswer(f, t.draft("complaint.answer"), c, &k, t.svc.zones.dayAt(c.Answer.At, f.Case.TimeZone))
}

// decideAnswer decides on the answer to a complaint, which must be opened; day is the local date of the answer.
func decideAnswer(f *File, d *draftBuilder, c AnswerComplaint, k *record.Complaint, day string) (*draftBuilder, error) {
	a := c.Answer
	if bad := a.Check(); bad != nil {
		return nil, bad
	}
	if bad := happened("at", a.At, d.At); bad != nil {
		return nil, bad
	}
	switch {
	case a.At.Before(k.At):
		return nil, refuse(refusal.Invalid, "validation.at", "at", "an answer comes after the complaint")
	case k.State != record.ComplaintOpen:
		return nil, refuse(refusal.Conflict, "complaint.answered", "complaint",
			"this was answered already; write what was added as a note")
	}
	a.By, a.Late = d.Actor.User, day > k.AnswerDue
	k.Answer, k.State = &a, record.ComplaintAnswered
	d.putChild(f, "complaints", c.Complaint, k)
	d.reply = ComplaintReceipt{c.Complaint, k.State, k.AnswerDue, k.Hold}
	return d, nil
}

// Complaints lists a branch's complaints that wait for an answer, by the date on which it is due, or in state
// answered those that have one.
func (s *Service) Complaints(ctx context.Context, a auth.Actor, branch auth.BranchID, state string, limit int,
	after string) (Page, error) {
	if state == "" {
		state = record.ComplaintOpen
	}
	return s.ofHere(ctx, a, journal.Query{Branch: branch, Type: "complaints", Index: ComplaintsByState.Name,
		Eq: []any{state}, Limit: limit, After: after})
}

// openFile loads the file of an open case, for what the office writes down. case.closed.
func (t *turn) openFile(ctx context.Context, id journal.CaseID, want parts) (*File, error) {
	f, err := t.file(ctx, id, want)
	if err == nil && f.Case.Status != record.StatusOpen {
		err = caseClosed()
	}
	return f, err
}

func caseClosed() *refusal.Error {
	return refuse(refusal.Conflict, "case.closed", "case", "the case is closed; reopen it first")
}

// absentRecord refuses an id under which there is a record already.
func (t *turn) absentRecord(ctx context.Context, kind, id string) error {
	_, there, err := t.r.Doc(ctx, kind, id)
	if err == nil && there {
		err = refuse(refusal.Conflict, "append_only", "id",
			"a record exists under this id and never changes; choose another id")
	}
	return err
}

// visitOf checks that a visit, if one is named, belongs to a case.
func (t *turn) visitOf(ctx context.Context, of journal.CaseID, id string) error {
	if id == "" {
		return nil
	}
	var v owned
	rec, there, err := t.r.Doc(ctx, "visits", id)
	if err == nil && there {
		err = decode(rec, &v)
	}
	if err == nil && v.Case != of {
		err = refuse(refusal.Invalid, "validation.visit", "visit", "the case has no such visit")
	}
	return err
}

// childOf reads a record of a case and opens it; of tells which case it belongs to, once it is read. place is where the
// caller named it.
func (t *turn) childOf(ctx context.Context, f *File, kind, place, id string, into any,
	of func() journal.CaseID) error {
	rec, there, err := t.r.Doc(ctx, kind, id)
	if err != nil {
		return err
	}
	if there {
		if err := decode(rec, into); err != nil {
			return err
		}
	}
	if !there || of() != f.Case.ID {
		return refuse(refusal.NotFound, "record.not_found", place, "the case has no such record")
	}
	return t.open(ctx, kind, id, f.Case.Debtor, into)
}

// happened refuses a time of the office that lies in the future, or long ago.
func happened(place string, at, now time.Time) *refusal.Error {
	if at.After(now.Add(futureSlack)) || !record.InYears(at) {
		return refuse(refusal.Invalid, "validation."+place, place,
			"write a time from 2000 on that does not lie in the future")
	}
	return nil
}
