package casework

import (
	"context"
	"strings"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// PutUnsafeNote warns those who go to an address until a local date, or takes the warning away with an empty text.
type PutUnsafeNote struct {
	Case        journal.CaseID
	Text, Until string
}

// mostUnsafeDays is for how long a warning may hold: it has to be looked at again.
const mostUnsafeDays = 366

func (c PutUnsafeNote) refs() []journal.DocRef { return caseRef(c.Case) }

func (c PutUnsafeNote) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.openFile(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	text, today := strings.TrimSpace(c.Text), t.day(f)
	if err := checkText("text", text, 0, 500); err != nil {
		return nil, err
	}
	d := t.draft("case.unsafe_note")
	if text == "" {
		if f.Case.UnsafeNote.IsZero() {
			return d.answering(f, false), nil
		}
		f.Case.UnsafeNote = record.Personal[record.UnsafeNote]{}
		d.putCase(f)
		return d.answering(f, true), nil
	}
	if !record.IsDate(c.Until) || c.Until < today || c.Until > dayAfter(today, mostUnsafeDays) {
		return nil, refuse(refusal.Invalid, "unsafe_note.until", "until",
			"say until which date it holds, as 2006-01-02: from today on, and for a year at most")
	}
	f.Case.UnsafeNote = record.NewPersonal(record.UnsafeNote{Text: text, Until: c.Until, By: t.Actor.User,
		At: record.WholeUTC(t.At)})
	d.putCase(f)
	return d.answering(f, true), nil
}
