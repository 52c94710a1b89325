package casework

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Filed is a document of a case file: its state with what the journal knows of it.
type Filed[T any] struct {
	ID    string
	N     uint64 // the entry that wrote this state
	Rev   uint64
	No    uint64 // visits: their number in the branch
	State T
}

// File is a case with what belongs to it, as of one watermark. Only the parts
// that were asked for are loaded. The case and its contacts are open; the personal
// parts of other records are sealed until opened.
type File struct {
	Case record.Case
	Rev  uint64 // of the case; 0 for one that does not exist yet
	// Contacts are those of the debtor, and of all who are linked, that a decision rests on
	// (grounds), in order of time, other cases' included: caps may count them all.
	Contacts    []Filed[record.Contact]
	Consents    []Filed[record.Consent]
	Plans       []Filed[record.Plan]
	Visits      []Filed[record.Visit]
	Assignments []Filed[record.Assignment]
	Notes       []Filed[record.Note]
	Signatures  []Filed[record.Signature]
	Reported    []Filed[record.PaymentReported]
	Confirmed   []Filed[record.Confirmation]
	Drafts      []Filed[record.Draft]
	Attached    []Filed[record.StoredAttachment]
	Payments    []Filed[record.Payment]

	loaded  parts              // of the lists above, but Contacts
	linked  []journal.DebtorID // the debtor and all who are linked; none: not loaded
	touched bool               // putCase has been called
}

// parts says which parts of a case file to load.
type parts uint

const (
	withConsents parts = 1 << iota
	withPlans
	withVisits
	withAssignments
	withNotes
	withSignatures
	withReported
	withConfirmed
	withDrafts
	withAttached
	withPayments
	// forConduct is what a conduct decision rests on, besides the contacts and the links (grounds).
	forConduct = withConsents | withPlans
	// toRevoke is what must leave the phones when an assignment is revoked (revokeOpen).
	toRevoke = withAssignments | withVisits | withNotes | withConsents | withPlans | withSignatures | withReported |
		withConfirmed | withDrafts | withAttached
)

// debtorKey is the key of what is counted per debtor.
func debtorKey(id journal.DebtorID) journal.Key { return journal.Key("debtor:" + string(id)) }

// inBranch refuses an actor who does not belong to a branch.
func inBranch(a auth.Actor, b auth.BranchID) error {
	if !a.InBranch(b) {
		return refuse(refusal.NotFound, "branch.not_found", "branch", "there is no such branch here")
	}
	return nil
}

// file loads a case file for a decision and makes the decision rest on it. A
// case that does not exist, or is another lender's, is case.not_found; whether an
// agent may act on it is the command's to judge.
func (t *turn) file(ctx context.Context, id journal.CaseID, want parts) (*File, error) {
	rec, ok, err := t.r.Doc(ctx, "cases", string(id))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, noSuchCase()
	}
	f := &File{Rev: rec.Rev}
	if err := decode(rec, &f.Case); err != nil {
		return nil, err
	}
	if t.Actor.Role == auth.RoleLender && !f.Case.OpenTo(t.Actor) {
		return nil, noSuchCase()
	}
	if err := t.openCase(ctx, f); err != nil {
		return nil, err
	}
	t.r.Depend(journal.CaseKey(id))
	if f.Case.HasMoved() {
		return nil, refuseMoved("case")
	}
	if f.Case.IsErased() {
		return nil, refuseErased("case")
	}
	if err := t.once(ctx, f.Case.Formerly()); err != nil {
		return nil, err
	}
	return f, t.fill(ctx, f, want)
}

// fill loads parts of a case file whose case is there already.
func (t *turn) fill(ctx context.Context, f *File, want parts) error { return fill(ctx, t.r, f, want) }

// fill loads those of the parts that the file does not have yet.
func fill(ctx context.Context, from indexReader, f *File, want parts) error {
	want &^= f.loaded
	f.loaded |= want
	id := string(f.Case.ID)
	if want&withConsents != 0 {
		if err := allInto(ctx, from, &f.Consents, ConsentsByCase, id); err != nil {
			return err
		}
	}
	if want&withPlans != 0 {
		if err := allInto(ctx, from, &f.Plans, PlansByCase, id); err != nil {
			return err
		}
	}
	if want&withVisits != 0 {
		if err := allInto(ctx, from, &f.Visits, VisitsByCase, id); err != nil {
			return err
		}
	}
	if want&withAssignments != 0 {
		if err := allInto(ctx, from, &f.Assignments, AssignmentsByCase, id); err != nil {
			return err
		}
	}
	if want&withNotes != 0 {
		if err := allInto(ctx, from, &f.Notes, NotesByCase, id); err != nil {
			return err
		}
	}
	if want&withSignatures != 0 {
		if err := allInto(ctx, from, &f.Signatures, SignaturesByCase, id); err != nil {
			return err
		}
	}
	if want&withReported != 0 {
		if err := allInto(ctx, from, &f.Reported, PaymentsReportedByCase, id); err != nil {
			return err
		}
	}
	if want&withDrafts != 0 {
		if err := allInto(ctx, from, &f.Drafts, byCase("drafts"), id); err != nil {
			return err
		}
	}
	if want&withConfirmed != 0 {
		if err := allInto(ctx, from, &f.Confirmed, ConfirmationsByCase, id); err != nil {
			return err
		}
	}
	if want&withPayments != 0 {
		if err := allInto(ctx, from, &f.Payments, PaymentsByCase, id); err != nil {
			return err
		}
	}
	if want&withAttached != 0 {
		if err := allInto(ctx, from, &f.Attached, AttachmentsByCase, id); err != nil {
			return err
		}
	}
	return nil
}

// openCase opens the case's personal parts.
func (t *turn) openCase(ctx context.Context, f *File) error {
	return t.open(ctx, "cases", string(f.Case.ID), f.Case.Debtor, &f.Case)
}

// open opens the personal parts of a document.
func (t *turn) open(ctx context.Context, typ, id string, debtor journal.DebtorID, doc any) error {
	if err := t.svc.vault.OpenDoc(ctx, debtor, t.Branch, typ, id, doc); err != nil {
		return fmt.Errorf("open %s/%s: %w", typ, id, err)
	}
	return nil
}

// addContact puts a contact into the file at its time, replacing an older state of it.
func (f *File) addContact(id string, c record.Contact) {
	f.Contacts = slices.DeleteFunc(f.Contacts, func(x Filed[record.Contact]) bool { return x.ID == id })
	at, _ := slices.BinarySearchFunc(f.Contacts, c, func(x Filed[record.Contact], c record.Contact) int {
		return cmp.Or(x.State.At.Compare(c.At), cmp.Compare(x.ID, id))
	})
	f.Contacts = slices.Insert(f.Contacts, at, Filed[record.Contact]{ID: id, State: c})
}

// allInto reads all documents of an index into a list.
func allInto[T any](ctx context.Context, r indexReader, into *[]Filed[T], ix journal.Index, eq ...any) error {
	recs, err := r.Some(ctx, ix, journal.Range{}, eq...)
	if err != nil {
		return err
	}
	*into, err = decodeAll[T](recs)
	return err
}

// decodeAll decodes records of one type.
func decodeAll[T any](recs []journal.Record) ([]Filed[T], error) {
	out := make([]Filed[T], len(recs))
	for i, rec := range recs {
		out[i] = Filed[T]{ID: rec.ID, N: rec.N, Rev: rec.Rev, No: visitNo(rec)}
		if err := decode(rec, &out[i].State); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// decode reads a record's state.
func decode(rec journal.Record, into any) error {
	if err := json.Unmarshal(rec.Body, into); err != nil {
		return fmt.Errorf("decode %s/%s: %w", rec.Type, rec.ID, err)
	}
	return nil
}

// encode gives a state its stored form. A state holds nothing that JSON cannot hold; an error is a sealed part
// left open.
func encode(state any) (json.RawMessage, error) { return json.Marshal(state) }

// madeID is an id of ours that is the same whenever the same command is decided again.
func madeID(prefix string, of ...string) string { return journal.DerivedID(prefix, of...) }

// visitNo is the number of a visit; 0 of other records, whose numbers count in exports alone, and of copies.
func visitNo(rec journal.Record) uint64 {
	if rec.Type != journal.NumberedType {
		return 0
	}
	return rec.No
}
