package casework

import (
	"context"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// RecordNotice notes a notice that was sent to the debtor: of a visit, or of the
// agency being engaged. Some laws want one before anybody goes.
type RecordNotice struct {
	Case     journal.CaseID
	Of       string // visit or agency
	SentAt   time.Time
	Form     string // letter, sms, email, …
	Contents []string
}

func (c RecordNotice) refs() []journal.DocRef { return caseRef(c.Case) }

func (c RecordNotice) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	return decideNotice(f, t.draft("notice.record"), c)
}

func decideNotice(f *File, d *draftBuilder, c RecordNotice) (*draftBuilder, error) {
	if c.SentAt.IsZero() || c.SentAt.After(d.At.Add(futureSlack)) {
		return nil, refuse(refusal.Invalid, "notice.sent_at", "sent_at", "say when it was sent; not in the future")
	}
	if c.Form == "" || len(c.Form) > 32 || len(c.Contents) > 50 {
		return nil, refuse(refusal.Invalid, "notice.form", "form", "say in which form it was sent")
	}
	for _, x := range c.Contents {
		if len(x) > 64 {
			return nil, refuse(refusal.Invalid, "notice.contents", "contents", "contents are short codes")
		}
	}
	n := &record.SentNotice{SentAt: record.WholeUTC(c.SentAt), Form: c.Form, Contents: c.Contents}
	was := f.Case.Notice
	switch c.Of {
	case "visit":
		f.Case.Notice.Visit = n
	case "agency":
		f.Case.Notice.Agency = n
	default:
		return nil, refuse(refusal.Invalid, "notice.of", "of", "write visit or agency")
	}
	if same(&was, &f.Case.Notice) {
		return d.answering(f, false), nil
	}
	d.putCase(f)
	return d.answering(f, true), nil
}
