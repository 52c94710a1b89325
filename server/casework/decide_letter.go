package casework

import (
	"context"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// letterChannel is the channel as which a letter counts: profiles that count letters name it.
const letterChannel = "letter_delivery"

// RecordLetter notes a letter that the office sent. It counts as a contact, and a notice of a visit or of the agency
// is the notice that the law asks for.
type RecordLetter struct {
	ID   string
	Said record.LetterSaid
}

// LetterReceipt answers RecordLetter and ReturnLetter.
type LetterReceipt struct {
	Letter  string `json:"letter_id"`
	State   string `json:"state"`
	Contact string `json:"contact_id"`
	// NoticeLapsed says that the letter was the notice in force, so that there is none now.
	NoticeLapsed bool `json:"notice_lapsed,omitempty"`
}

func (c RecordLetter) refs() []journal.DocRef {
	return append(caseRef(c.Said.Case), journal.DocRef{Type: "letters", ID: c.ID})
}

func (c RecordLetter) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := t.absentRecord(ctx, "letters", c.ID); err != nil {
		return nil, err
	}
	f, err := t.openFile(ctx, c.Said.Case, 0)
	if err != nil {
		return nil, err
	}
	if _, _, err := t.r.Doc(ctx, "contacts", letterContact(f, c.ID)); err != nil {
		return nil, err
	}
	return decideLetter(f, t.draft("letter.record"), c)
}

// letterContact is the id of the contact that a letter counts as.
func letterContact(f *File, id string) string { return contactID(f.Case.ID, "letter:"+id) }

func decideLetter(f *File, d *draftBuilder, c RecordLetter) (*draftBuilder, error) {
	l := record.Letter{LetterSaid: c.Said, Debtor: f.Case.Debtor, Lender: f.Case.Lender, By: d.Actor.User,
		RecordedAt: d.At, State: record.LetterSent, Contact: letterContact(f, c.ID)}
	if bad := l.LetterSaid.Check(); bad != nil {
		return nil, bad
	}
	if bad := happened("sent_at", l.SentAt, d.At); bad != nil {
		return nil, bad
	}
	if l.Party != "" {
		if bad := record.OneOf("validation.party", "party", l.Party, conduct.Parties()); bad != nil {
			return nil, bad
		}
	}
	if of := l.NoticeOf(); of != "" && newerNotice(noticeOf(f, of), l.SentAt) {
		if _, err := decideNotice(f, d, RecordNotice{Case: f.Case.ID, Of: of, SentAt: l.SentAt, Form: "letter",
			Contents: l.Contents}); err != nil {
			return nil, err
		}
	}
	d.putContact(f, l.Contact, letterAsContact(&l, "sent"))
	d.putChild(f, "letters", c.ID, &l)
	d.reply = LetterReceipt{Letter: c.ID, State: l.State, Contact: l.Contact}
	return d, nil
}

// newerNotice tells whether a notice sent at an instant takes the place of the one that is known.
func newerNotice(known *record.SentNotice, sent time.Time) bool {
	return known == nil || !sent.Before(known.SentAt)
}

// noticeOf is the notice of a kind in force; nil for none.
func noticeOf(f *File, of string) *record.SentNotice {
	if of == "visit" {
		return f.Case.Notice.Visit
	}
	return f.Case.Notice.Agency
}

// letterAsContact is the contact that a letter counts as, with a result.
func letterAsContact(l *record.Letter, result string) *record.Contact {
	party := l.Party
	if party == "" {
		party = record.DebtorParty
	}
	return &record.Contact{Channel: letterChannel, At: record.WholeUTC(l.SentAt), Result: result, Party: party, By: l.By}
}

// ReturnLetter notes that a letter came back. Its contact has failed then, and a notice that came back is none.
type ReturnLetter struct {
	Case   journal.CaseID
	Letter string
	At     time.Time
	Reason string // a code of return_reasons
}

func (c ReturnLetter) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: "letters", ID: c.Letter})
}

func (c ReturnLetter) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.openFile(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	var l record.Letter
	if err := t.childOf(ctx, f, "letters", "letter", c.Letter, &l, func() journal.CaseID { return l.Case }); err != nil {
		return nil, err
	}
	if _, _, err := t.r.Doc(ctx, "contacts", l.Contact); err != nil {
		return nil, err
	}
	return decideReturn(f, t.draft("letter.return"), c, &l)
}

func decideReturn(f *File, d *draftBuilder, c ReturnLetter, l *record.Letter) (*draftBuilder, error) {
	if bad := happened("at", c.At, d.At); bad != nil {
		return nil, bad
	}
	if bad := record.OneOf("validation.reason", "reason", c.Reason, record.CodesOf("return_reasons")); bad != nil {
		return nil, bad
	}
	switch {
	case l.State == record.LetterReturned && l.ReturnReason == c.Reason && l.ReturnedAt.Equal(record.WholeUTC(c.At)):
		d.reply = LetterReceipt{Letter: c.Letter, State: l.State, Contact: l.Contact}
		return d.nothing(), nil
	case l.State == record.LetterReturned:
		return nil, refuse(refusal.Conflict, "letter.returned", "letter", "this letter is back already")
	case c.At.Before(l.SentAt):
		return nil, refuse(refusal.Invalid, "validation.at", "at", "a letter comes back after it was sent")
	}
	l.State, l.ReturnedAt, l.ReturnReason, l.ReturnedBy = record.LetterReturned, record.WholeUTC(c.At), c.Reason,
		d.Actor.User
	answer := LetterReceipt{Letter: c.Letter, State: l.State, Contact: l.Contact}
	if of := l.NoticeOf(); of != "" {
		if n := noticeOf(f, of); n != nil && n.Form == "letter" && n.SentAt.Equal(record.WholeUTC(l.SentAt)) {
			answer.NoticeLapsed = true
			if of == "visit" {
				f.Case.Notice.Visit = nil
			} else {
				f.Case.Notice.Agency = nil
			}
			d.putCase(f)
		}
	}
	d.putContact(f, l.Contact, letterAsContact(l, "failed"))
	d.putChild(f, "letters", c.Letter, l)
	d.reply = answer
	return d, nil
}
