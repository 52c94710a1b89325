package casework

import (
	"context"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// corrects checks that a user may correct a record of a case: it is one of theirs, or a
// supervisor records or accepts the correction.
func (t *turn) corrects(ctx context.Context, kind, id string, of journal.CaseID, by auth.UserID) error {
	rec, there, err := t.r.Doc(ctx, kind, id)
	if err != nil {
		return err
	}
	var was struct {
		Case journal.CaseID `json:"case"`
		By   auth.UserID    `json:"by"`
	}
	if there {
		if err := decode(rec, &was); err != nil {
			return err
		}
	}
	switch {
	case was.Case != of:
		return refuse(refusal.Invalid, "record.supersedes", "supersedes",
			"the case has no such record: name the one that this corrects, and send it first")
	case was.By != by && t.Actor.Role == auth.RoleAgent:
		return refuse(refusal.Forbidden, "record.not_yours", "supersedes",
			"only who recorded it corrects it; a supervisor can accept this")
	}
	return nil
}

// original checks that a visit may correct the one that it supersedes, if any, and gives
// that visit's contact, put into the case file however old it is; nil when there is none.
func (t *turn) original(ctx context.Context, f *File, c *RecordVisit) (*Filed[record.Contact], error) {
	id := c.Visit.Supersedes
	if id == "" {
		return nil, nil
	}
	if err := t.corrects(ctx, "visits", id, c.Visit.Case, t.sentBy(c.From).By); err != nil {
		return nil, err
	}
	contact := contactID(f.Case.ID, "visit:"+id)
	rec, there, err := t.r.Doc(ctx, "contacts", contact)
	if err != nil || !there {
		return nil, err
	}
	var k record.Contact
	if err := decode(rec, &k); err != nil {
		return nil, err
	}
	f.addContact(contact, k)
	return &Filed[record.Contact]{ID: contact, State: k}, nil
}

// visitContact is what a visit counts as; nil for one that reached no door.
func visitContact(id string, v *record.Visit) *record.Contact {
	o := record.OutcomeOf(v.Outcome)
	if !o.Door {
		return nil
	}
	result, party := "no_contact", record.DebtorParty
	switch {
	case o.Met, v.Outcome == "NOT_MET_THIRD_PARTY":
		result = "contact"
	case v.Outcome == "NOT_MET_NOBODY":
		result = "no_answer"
	}
	if v.PersonMet != nil {
		if p := record.PartyOf(v.PersonMet.Relationship); p != "" && !o.Met {
			party = p
		}
	}
	return &record.Contact{Channel: "visit", At: v.At, Result: result, Party: party, Visit: id, By: v.By}
}

// replacedBy gives the contact of a corrected visit if that of the correction takes its
// place: it tells of the same knock and counts at least as much. Otherwise both count, so
// that no correction frees a cap.
func replacedBy(original *Filed[record.Contact], next *record.Contact) *Filed[record.Contact] {
	if original == nil || original.State.Excluded || next == nil {
		return nil
	}
	was := &original.State
	if next.At.Sub(was.At).Abs() >= knockTime || !countsAs(next, was) {
		return nil
	}
	return original
}

// countsAs tells whether a contact counts wherever another does, but for their times.
func countsAs(next, was *record.Contact) bool {
	return next.Channel == was.Channel && next.Party == was.Party && next.PartyRef == was.PartyRef &&
		weight(next.Result) >= weight(was.Result) && (was.Excluded || !next.Excluded)
}

// weight orders results by how much they count for caps.
func weight(result string) int {
	switch result {
	case "failed":
		return 0
	case "no_contact":
		return 1
	case "no_answer":
		return 2
	case "sent":
		return 3
	case "delivered":
		return 4
	case "contact":
		return 5
	}
	return 6 // answered
}

// visitRefs are the documents that a visit reads, for reading ahead.
func visitRefs(id string, v *record.Visit) []journal.DocRef {
	refs := append(caseRef(v.Case), journal.DocRef{Type: "visits", ID: id})
	if v.Supersedes != "" {
		refs = append(refs, journal.DocRef{Type: "visits", ID: v.Supersedes})
	}
	return refs
}
