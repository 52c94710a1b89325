package casework

import (
	"context"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// evidence is a record a phone creates once: a note, consent, signature or reported payment.
type evidence interface {
	caseID() journal.CaseID
	// check refuses what no reader would understand; now is the server's clock.
	check(now time.Time) *Error
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
func RecordNote(id string, n Note) Cmd { return recordEvidence{"visit_notes", id, &n, "", 0} }

// RecordConsent records a consent given, refused or withdrawn.
func RecordConsent(id string, c Consent) Cmd { return recordEvidence{"consents", id, &c, "", 0} }

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
		return nil, refuse(Conflict, "append_only", "id", "the record exists and never changes; record a new one that supersedes it")
	}
	if c.state.caseID() == "" {
		return nil, refuse(Invalid, "validation.case", "case", "say which case it belongs to")
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

func checkAt(at, now time.Time) *Error {
	if at.IsZero() || at.Year() < 2000 || late(at, now) {
		return refuse(Invalid, "validation.at", "at", "say when it happened, as RFC 3339 with an offset")
	}
	return nil
}

func (n *Note) caseID() journal.CaseID { return n.Case }

func (n *Note) check(now time.Time) *Error {
	if err := checkAt(n.At, now); err != nil {
		return err
	}
	if err := codeWords("visit", n.Visit, n.Supersedes); err != nil {
		return err
	}
	if len(n.Text.Plain()) > 4000 || n.Text.Plain() == "" {
		return refuse(Invalid, "validation.text", "text", "a note has 1 to 4000 bytes")
	}
	return listed("kind", n.Kind, noteKinds[:])
}

func (n *Note) own(by auth.UserID, skewS int64, f *File) {
	n.By, n.Debtor, n.SkewS, n.Flags = by, f.Case.Debtor, skewS, skewFlags(skewS)
}

func (n *Note) settle(*File, *draftBuilder, string) {}
func (c *Consent) caseID() journal.CaseID           { return c.Case }
func (c *Consent) own(by auth.UserID, skewS int64, f *File) {
	c.By, c.Debtor, c.SkewS, c.Flags = by, f.Case.Debtor, skewS, skewFlags(skewS)
}

func (s *Signature) caseID() journal.CaseID { return s.Case }
func (s *Signature) own(by auth.UserID, skewS int64, f *File) {
	s.By, s.Debtor, s.SkewS, s.Flags = by, f.Case.Debtor, skewS, skewFlags(skewS)
}

func (s *Signature) settle(*File, *draftBuilder, string) {}
func (p *PaymentReported) caseID() journal.CaseID        { return p.Case }
func (p *PaymentReported) own(by auth.UserID, skewS int64, f *File) {
	p.By, p.Debtor, p.SkewS, p.Flags = by, f.Case.Debtor, skewS, skewFlags(skewS)
}

func (c *Consent) check(now time.Time) *Error {
	if err := checkAt(c.At, now); err != nil {
		return err
	}
	for _, x := range []struct {
		field, value string
		list         []string
		needed       bool
	}{{"scope", c.Scope, consentScopes[:], true}, {"status", c.Status, consentStatuses[:], true}, {"method", c.Method, consentMethods[:], false}} {
		if x.value == "" && x.needed {
			return refuse(Invalid, "validation."+x.field, x.field, "this must be given")
		}
		if err := listed(x.field, x.value, x.list); err != nil {
			return err
		}
	}
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(c.At) {
		return refuse(Invalid, "validation.expires_at", "expires_at", "a consent ends after it is given")
	}
	if c.Principal != "" {
		if _, ok := relationships[c.Principal]; !ok {
			return refuse(Invalid, "validation.principal", "principal", "this is not one of the relationships")
		}
	}
	if err := c.checkWords(); err != nil {
		return err
	}
	if len(c.Categories) > 50 || len(c.ThirdParties) > 50 {
		return refuse(Invalid, "validation.too_many", "", "a list of the consent is too long")
	}
	return nil
}

// settle applies what a consent changes besides itself.
func (c *Consent) settle(f *File, d *draftBuilder, id string) {
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

func (s *Signature) check(now time.Time) *Error {
	if err := checkAt(s.At, now); err != nil {
		return err
	}
	if s.Role != "agent" {
		if _, ok := relationships[s.Role]; !ok {
			return refuse(Invalid, "validation.signer_role", "signer_role", "write a relationship, or agent")
		}
	}
	if err := codeWords("signature", s.Visit, s.Of, s.SHA256, s.Supersedes); err != nil {
		return err
	}
	if s.OfType != "" && !slices.Contains([]string{"visits", "plans", "consents"}, s.OfType) {
		return refuse(Invalid, "validation.of_type", "of_type", "this is not one of visits, plans, consents")
	}
	return nil
}

func (p *PaymentReported) check(now time.Time) *Error {
	if err := checkAt(p.At, now); err != nil {
		return err
	}
	if p.AmountMinor <= 0 || p.AmountMinor > maxMinor {
		return refuse(Invalid, "validation.amount_minor", "amount_minor", "an amount is above zero, in minor units such as cents")
	}
	if len(p.Currency) != 3 {
		return refuse(Invalid, "validation.currency", "currency", "write an ISO 4217 code")
	}
	if err := codeWords("reference", p.Reference, p.Visit, p.Supersedes); err != nil {
		return err
	}
	return listed("method", p.Method, paymentMethods[:])
}

func (p *PaymentReported) settle(f *File, _ *draftBuilder, _ string) {
	if p.Method == "cash" {
		p.Flags = append(p.Flags, "cash") // agents take none
	}
	if p.Currency != f.Case.Currency {
		p.Flags = append(p.Flags, "other_currency")
	}
}
