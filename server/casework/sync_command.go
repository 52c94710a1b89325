package casework

import (
	"encoding/json"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// command is the domain's command for a mutation the policy allows, and the case it is about; of is the record's own case.
func (c mutation) command(t *turn, m *offline.Mutation, cur offline.Current, of journal.CaseID) (Cmd, journal.CaseID, *refusal.Error) {
	by := c.push.caller.Actor.User
	switch m.Type {
	case "assignments":
		p, bad := readPatch(m.Fields)
		if bad != nil {
			return nil, "", bad
		}
		p.id, p.device, p.rev = m.ID, c.push.caller.Device, cur.Rev+1
		return p, of, nil
	case "visits":
		var in visitIn
		more, bad := readFields(m.Fields, &in)
		if bad != nil {
			return nil, "", bad
		}
		v, bad := in.visit(more)
		if bad != nil {
			return nil, "", bad
		}
		v.Said = t.svc.said(m.Fields)
		return RecordVisit{ID: m.ID, Visit: v, MonoMs: m.MonoMs, SkewS: c.push.caller.SkewS, By: by}, v.Case, nil
	case "plans":
		var in planIn
		more, bad := readFields(m.Fields, &in)
		if bad != nil {
			return nil, "", bad
		}
		p, bad := in.plan(more)
		if bad != nil {
			return nil, "", bad
		}
		if p.Case == "" {
			p.Case = of
		}
		p.Said = t.svc.said(m.Fields)
		return ProposePlan{ID: m.ID, Base: m.Base, Plan: p, By: by, SkewS: c.push.caller.SkewS}, p.Case, nil
	}
	state, bad := readEvidence(m.Type, m.Fields, t.svc.said(m.Fields))
	if bad != nil {
		return nil, "", bad
	}
	return recordEvidence{m.Type, m.ID, state, by, c.push.caller.SkewS}, state.caseID(), nil
}

// readEvidence reads a record of one of the types phones create once.
func readEvidence(typ string, fields json.RawMessage, said string) (evidence, *refusal.Error) {
	switch typ {
	case "visit_notes":
		var in noteIn
		more, bad := readFields(fields, &in)
		return &record.Note{Case: journal.CaseID(in.Case), Visit: in.Visit, At: record.WholeUTC(in.At), Text: sealedText(in.Text), Kind: in.Kind,
			Supersedes: in.Supersedes, More: sealedText(more), Said: said}, bad
	case "consents":
		var in consentIn
		more, bad := readFields(fields, &in)
		if in.Receipt != nil {
			in.Receipt.At = record.WholeUTC(in.Receipt.At)
		}
		return &record.Consent{Case: journal.CaseID(in.Case), Visit: in.Visit, Principal: in.Principal, Scope: in.Scope, Status: in.Status, Method: in.Method, Language: in.Language,
			NoticeVersion: in.NoticeVersion, TextSHA256: in.TextSHA256, At: record.WholeUTC(in.At), ValidFrom: record.WholeUTC(in.ValidFrom),
			ExpiresAt: record.WholeUTC(in.ExpiresAt), Withdraws: in.Withdraws, Via: in.Via, Limits: in.Limits, LegalBasis: in.LegalBasis,
			Categories: in.Categories, Sensitive: in.Sensitive, Controller: in.Controller, Processor: in.Processor, ThirdParties: in.ThirdParties,
			Evidence: in.Evidence, Receipt: in.Receipt, Supersedes: in.Supersedes, More: sealedText(more), Said: said}, bad
	case "signatures":
		var in signatureIn
		more, bad := readFields(fields, &in)
		return &record.Signature{Case: journal.CaseID(in.Case), Visit: in.Visit, OfType: in.OfType, Of: in.Of, Role: in.Role, At: record.WholeUTC(in.At),
			SHA256: in.SHA256, Attachments: in.Attachments, Supersedes: in.Supersedes, More: sealedText(more), Said: said}, bad
	case "payments_reported":
		var in reportedIn
		more, bad := readFields(fields, &in)
		return &record.PaymentReported{Case: journal.CaseID(in.Case), Visit: in.Visit, At: record.WholeUTC(in.At), AmountMinor: in.AmountMinor, Currency: in.Currency,
			Method: in.Method, Reference: in.Reference, Attachments: in.Attachments, Supersedes: in.Supersedes, More: sealedText(more), Said: said}, bad
	}
	return nil, refuse(refusal.Invalid, offline.CodeUnknownType, "type", "phones do not write records of this type")
}
