package casework

import (
	"context"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// evidence is the state of a record a phone creates once: a note, consent, signature or reported payment.
type evidence interface {
	taken
	// Happened is where it stands when it happened.
	Happened() *time.Time
	// CaseOf is the case the record says it belongs to.
	CaseOf() journal.CaseID
	// Corrects is the record of its kind that it supersedes; "" for none.
	Corrects() string
}

// taken is a report that is taken in.
type taken interface {
	// Take stamps how it came, and corrects the instant at which it happened.
	Take(debtor journal.DebtorID, from record.Sent, at *time.Time) time.Duration
	// Flag adds a flag.
	Flag(flag string)
}

// recordEvidence records a note, consent, signature or reported payment. Written
// once; a correction is a new record that supersedes it.
type recordEvidence struct {
	kind  record.Kind
	id    string
	state evidence
	from  record.Sent // of the office when it names no one
}

// RecordNote records a note of the office on a case.
func RecordNote(id string, n record.NoteReport) Cmd {
	return officeRecord("visit_notes", id, &record.Note{NoteReport: n})
}

// RecordConsent records a consent given, refused or withdrawn.
func RecordConsent(id string, c record.ConsentReport) Cmd {
	return officeRecord("consents", id, &record.Consent{ConsentReport: c})
}

func officeRecord(kind, id string, state evidence) Cmd {
	k, _ := record.KindOf(kind)
	return recordEvidence{kind: k, id: id, state: state}
}

// EvidenceReceipt answers RecordNote, RecordConsent and what phones record.
type EvidenceReceipt struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (c recordEvidence) refs() []journal.DocRef {
	return append(caseRef(c.state.CaseOf()), journal.DocRef{Type: c.kind.Name, ID: c.id})
}

func (c recordEvidence) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if _, there, err := t.r.Doc(ctx, c.kind.Name, c.id); err != nil {
		return nil, err
	} else if there {
		return nil, refuse(refusal.Conflict, "append_only", "id",
			"the record exists and never changes; record a new one that supersedes it")
	}
	if bad := c.kind.Check(c.state, t.At); bad != nil {
		return nil, bad
	}
	var want parts
	if c.kind.Name == "consents" {
		want = withConsents
	}
	f, err := t.file(ctx, c.state.CaseOf(), want)
	if err != nil {
		return nil, err
	}
	if c.from.By == "" && f.Case.Status != record.StatusOpen {
		return nil, caseClosed()
	}
	if id := c.state.Corrects(); id != "" {
		if err := t.corrects(ctx, c.kind.Name, id, c.state.CaseOf(), t.sentBy(c.from).By); err != nil {
			return nil, err
		}
	}
	if k, ok := c.state.(*record.Confirmation); ok {
		if err := t.confirms(ctx, k, t.sentBy(c.from).By); err != nil {
			return nil, err
		}
	}
	d := t.draft(c.kind.Action)
	if err := t.take(f, c.state, c.state.Happened(), c.from); err != nil {
		return nil, err
	}
	if err := t.flagUnknown(ctx, c.state); err != nil {
		return nil, err
	}
	switch state := c.state.(type) {
	case *record.Consent:
		settleConsent(f, state)
		if bad := c.unproven(state); bad != nil {
			return nil, bad
		}
	case *record.PaymentReported:
		settleReported(f, state)
	}
	d.putChild(f, c.kind.Name, c.id, c.state)
	if k, ok := c.state.(*record.Confirmation); ok {
		d.tellAgents(f, "visits", k.Visit) // its flags may be others now
	}
	d.reply = EvidenceReceipt{c.kind.Name, c.id}
	return d, nil
}

// unproven refuses a consent of the office that says that it was given, without what shows it: the office can look
// for it, while what a phone sends at the door is kept and flagged.
func (c recordEvidence) unproven(k *record.Consent) *refusal.Error {
	if c.from.By != "" || k.Status != "given" || k.Lacks() != "consent_unproven" {
		return nil
	}
	return refuse(refusal.Invalid, "consent.unproven", "evidence",
		"a consent is given by a method (method), on a text (text_shown_sha256), and leaves evidence: recording_ref for "+
			"verbal_recorded, signature_sha256 for on_screen_signature and paper_scan, message_ref for the others")
}

// sentBy completes how a report came: one without a sender is the office's own.
func (t *turn) sentBy(from record.Sent) record.Sent {
	if from.By == "" {
		from = record.Sent{By: t.Actor.User, Device: t.Request.Device}
	}
	if from.Received.IsZero() {
		from.Received = t.At
	}
	return from
}

// take stamps how a report on a case came. What a phone says of the future is bounded and
// flagged, so that nothing of it is lost; the office is asked again.
func (t *turn) take(f *File, of taken, at *time.Time, from record.Sent) *refusal.Error {
	sent := t.sentBy(from)
	if sent.Device == "" && !at.IsZero() && (sent.Ahead(*at) || !record.InYears(*at)) {
		return refuse(refusal.Invalid, "validation.at", "at", "write a time from 2000 on that does not lie in the future")
	}
	ahead := sent.Foretells(of)
	of.Take(f.Case.Debtor, sent, at)
	if ahead {
		of.Flag(record.FlagInFuture)
	}
	return nil
}

// flagUnknown flags a report that names a record which its case does not have. The record may
// have been refused, or may come later, so that the report is kept.
func (t *turn) flagUnknown(ctx context.Context, state evidence) error {
	var named []journal.DocRef
	record.Rename(state, func(kind, id string) string {
		named = append(named, journal.DocRef{Type: kind, ID: id})
		return id
	})
	for _, ref := range named {
		rec, there, err := t.r.Doc(ctx, ref.Type, ref.ID)
		if err != nil {
			return err
		}
		var has struct {
			Case journal.CaseID `json:"case"`
		}
		if there {
			if err := decodeSome(rec, &has, "case"); err != nil {
				return err
			}
		}
		if has.Case != state.CaseOf() {
			state.Flag("unknown_record")
			return nil
		}
	}
	return nil
}

// settleConsent flags what a consent means besides itself.
func settleConsent(f *File, c *record.Consent) {
	if c.Status == "given" {
		if lacks := c.Lacks(); lacks != "" {
			c.Flags = append(c.Flags, lacks)
		}
		if consentFrom(c).After(c.At) {
			c.Flags = append(c.Flags, "consent_late")
		}
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

// settleReported flags a payment that an agent should not have taken, that is not in the case's
// currency, or that is more than is owed.
func settleReported(f *File, p *record.PaymentReported) {
	if p.Method == "cash" {
		p.Flags = append(p.Flags, "cash") // agents take none
	}
	if p.Currency != f.Case.Currency {
		p.Flags = append(p.Flags, "other_currency")
	} else if p.AmountMinor > max(f.Case.PrincipalMinor, f.Case.AmountDueMinor) {
		p.Flags = append(p.Flags, "above_balance")
	}
}
