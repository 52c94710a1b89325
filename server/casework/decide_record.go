package casework

import (
	"context"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// evidence is a record a phone creates once: a note, consent, signature or reported payment.
type evidence interface {
	caseID() journal.CaseID
	// check refuses what no reader would understand; now is the server's clock.
	check(now time.Time) *refusal.Error
	// settle fills in what the case knows and drafts what follows.
	settle(f *File, d *draftBuilder, id string)
	// own stamps who recorded it, and how wrong their phone's clock was, in seconds.
	own(by auth.UserID, skewS int64, f *File)
}

// RecordEvidence records a note, consent, signature or reported payment. Written
// once; a correction is a new record that supersedes it.
type recordEvidence struct {
	typ, id string
	state   evidence
	by      auth.UserID
	skewS   int64
}

// RecordNote records a note of the office on a case. Text has at most 4,000 bytes.
func RecordNote(id string, n record.Note) Cmd { return recordEvidence{"visit_notes", id, &n, "", 0} }

// RecordConsent records a consent given, refused or withdrawn.
func RecordConsent(id string, c record.Consent) Cmd { return recordEvidence{"consents", id, &c, "", 0} }

// EvidenceReceipt answers RecordNote, RecordConsent and what phones record.
type EvidenceReceipt struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (c recordEvidence) refs() []journal.DocRef {
	return append(caseRef(c.state.caseID()), journal.DocRef{Type: c.typ, ID: c.id})
}

func (c recordEvidence) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if _, there, err := t.r.Doc(ctx, c.typ, c.id); err != nil {
		return nil, err
	} else if there {
		return nil, refuse(refusal.Conflict, "append_only", "id", "the record exists and never changes; record a new one that supersedes it")
	}
	if c.state.caseID() == "" {
		return nil, refuse(refusal.Invalid, "validation.case", "case", "say which case it belongs to")
	}
	if err := c.state.check(t.At); err != nil {
		return nil, err
	}
	var want parts
	if c.typ == "consents" {
		want = withConsents
	}
	f, err := t.file(ctx, c.state.caseID(), want)
	if err != nil {
		return nil, err
	}
	d := t.draft(evidenceAction(c.typ))
	by := c.by
	if by == "" {
		by = t.Actor.User
	}
	c.state.own(by, c.skewS, f)
	d.putChild(f, c.typ, c.id, c.state)
	c.state.settle(f, d, c.id)
	d.reply = EvidenceReceipt{c.typ, c.id}
	return d, nil
}

func evidenceAction(typ string) string {
	return map[string]string{"visit_notes": "note.record", "consents": "consent.record", "signatures": "signature.record", "payments_reported": "payment.report"}[typ]
}

// skewFlags are the flags of a record that a phone with a wrong clock sent.
func skewFlags(skewS int64) []string {
	if skewS > skewFlag || skewS < -skewFlag {
		return []string{"clock_skew"}
	}
	return nil
}

func (n *record.Note) own(by auth.UserID, skewS int64, f *File) {
	n.By, n.Debtor, n.SkewS, n.Flags = by, f.Case.Debtor, skewS, skewFlags(skewS)
}

func (n *record.Note) settle(*File, *draftBuilder, string) {}

func (c *record.Consent) own(by auth.UserID, skewS int64, f *File) {
	c.By, c.Debtor, c.SkewS, c.Flags = by, f.Case.Debtor, skewS, skewFlags(skewS)
}

func (s *record.Signature) own(by auth.UserID, skewS int64, f *File) {
	s.By, s.Debtor, s.SkewS, s.Flags = by, f.Case.Debtor, skewS, skewFlags(skewS)
}

func (s *record.Signature) settle(*File, *draftBuilder, string) {}

func (p *record.PaymentReported) own(by auth.UserID, skewS int64, f *File) {
	p.By, p.Debtor, p.SkewS, p.Flags = by, f.Case.Debtor, skewS, skewFlags(skewS)
}

// settle applies what a consent changes besides itself.
func (c *record.Consent) settle(f *File, d *draftBuilder, id string) {
	if c.Status == "given" {
		// A withdrawal has its own clock: it wins over a consent of an earlier time that arrives later.
		for _, x := range f.Consents {
			w := &x.State
			if (w.Status == "withdrawn" || w.Status == "refused") && w.Scope == c.Scope && !w.At.Before(c.At) {
				c.Flags = append(c.Flags, "late")
				break
			}
		}
	}
	if c.Status == "refused" && (c.Scope == "recording_audio" || c.Scope == "recording_video") {
		c.Flags = append(c.Flags, "recording_refused")
	}
}

func (p *record.PaymentReported) settle(f *File, _ *draftBuilder, _ string) {
	if p.Method == "cash" {
		p.Flags = append(p.Flags, "cash") // agents take none
	}
	if p.Currency != f.Case.Currency {
		p.Flags = append(p.Flags, "other_currency")
	}
}
