package casework

import (
	"context"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// RecordContact adds one attempt to reach the debtor: by a supervisor, an
// import, or a message that was sent. Visits record theirs by themselves.
//
// A contact is a fact: it is never refused because it should not have been made.
// The same contact (by ID) recorded again with another result is an update, as when
// a message that was sent is known to be delivered. An update that could free a cap is
// refused (contact.recorded).
type RecordContact struct {
	Case journal.CaseID
	// ID tells the contact from others of the case; "" makes one from the command id.
	ID      string
	Channel string
	At      time.Time
	Result  string
	Party   string // "" for the debtor
	// PartyRef tells several third parties apart; opaque, never a name.
	PartyRef string
	// Number is E.164; "" when unknown.
	Number   string
	External string // the id other systems know it by
	Excluded bool   // does not count for caps
	Import   string // the import that brings it; "" for none
}

// ContactReceipt answers RecordContact.
type ContactReceipt struct {
	Case    journal.CaseID `json:"case"`
	Contact string         `json:"contact_id"`
	Change  string         `json:"change"` // accepted, updated or unchanged
}

// Changes of a record that is written again.
const (
	accepted  = "accepted"
	updated   = "updated"
	unchanged = "unchanged"
	// reopened is a case that was closed as paid and of which something is due again.
	reopened = "reopened"
)

func (c RecordContact) refs() []journal.DocRef {
	if c.ID == "" {
		return caseRef(c.Case)
	}
	return append(append(caseRef(c.Case), importRefs(c.Import)...),
		journal.DocRef{Type: "contacts", ID: contactID(c.Case, c.ID)})
}

func (c RecordContact) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := t.stillImporting(ctx, c.Import); err != nil {
		return nil, err
	}
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	own := c.ID
	if own == "" {
		own = madeID("", t.Request.ID)
	}
	id := contactID(c.Case, own)
	rec, there, err := t.r.Doc(ctx, "contacts", id)
	if err != nil {
		return nil, err
	}
	var was *record.Contact
	if there {
		was = &record.Contact{}
		if err := decode(rec, was); err != nil {
			return nil, err
		}
	}
	if was != nil {
		if err := t.open(ctx, "contacts", id, f.Case.Debtor, was); err != nil {
			return nil, err
		}
	}
	return decideContact(f, t.draft("contact.record"), c, importMark(c.Import, rec, there), id, was)
}

// decideContact decides on a contact. mark goes on it if it changes, was is its present state, nil for a new one. One
// that is struck counts again when it is recorded again.
func decideContact(f *File, d *draftBuilder, c RecordContact, mark *record.Imported, id string,
	was *record.Contact) (*draftBuilder, error) {
	if err := checkContact(c, d.At); err != nil {
		return nil, err
	}
	state := c.state(&f.Case)
	state.By = d.Actor.User
	answer := ContactReceipt{f.Case.ID, id, accepted}
	if was != nil {
		if was.Visit != "" {
			return nil, refuse(refusal.Conflict, "contact.of_visit", "external_id",
				"a visit recorded this contact; correct the visit instead")
		}
		state.By, state.Import = was.By, was.Import // who recorded it first
		if same(was, &state) {
			answer.Change = unchanged
			d.reply = answer
			return d.nothing(), nil
		}
		if was.Struck == nil {
			answer.Change = updated
			if err := mayBecome(was, &state); err != nil {
				return nil, err
			}
		}
	}
	state.Import = mark
	d.putContact(f, id, &state)
	d.reply = answer
	return d, nil
}

// mayBecome refuses a new state of a contact that could count less than the one that is known: no
// correction frees a cap. What becomes of a message that was sent is told by its result.
func mayBecome(was, next *record.Contact) *refusal.Error {
	member := ""
	switch {
	case next.Channel != was.Channel:
		member = "channel"
	case !next.At.Equal(was.At):
		member = "at"
	case next.Party != was.Party:
		member = "party"
	case next.PartyRef != was.PartyRef:
		member = "party_ref"
	case was.Number.Plain() != "" && next.Number.Plain() != was.Number.Plain():
		member = "number"
	case weight(next.Result) < weight(was.Result) && !(was.Result == "sent" && next.Result == "failed"):
		member = "result"
	case next.Excluded && !was.Excluded:
		member = "excluded"
	default:
		return nil
	}
	return refuse(refusal.Conflict, "contact.recorded", member,
		"this contact is recorded and counts as it is; if another one was made, record that under an id of its own")
}

// state is the contact's document, all but who recorded it.
func (c RecordContact) state(k *record.Case) record.Contact {
	state := record.Contact{Case: k.ID, Debtor: k.Debtor, Branch: k.Branch, Lender: k.Lender,
		Channel: c.Channel, At: c.At.UTC().Truncate(time.Second), Result: c.Result, Party: c.Party, PartyRef: c.PartyRef,
		Number: seal.NewText(c.Number), External: c.External, Excluded: c.Excluded}
	if state.Party == "" {
		state.Party = record.DebtorParty
	}
	counted(&state)
	return state
}

// futureSlack is how far ahead of our clock a contact's time may be.
const futureSlack = 5 * time.Minute

// checkContact refuses what no conduct decision could count.
func checkContact(c RecordContact, now time.Time) *refusal.Error {
	if err := record.OneOf("contact.channel", "channel", c.Channel, conduct.Channels()); err != nil {
		return err
	}
	if err := record.OneOf("contact.result", "result", c.Result, conduct.Results()); err != nil {
		return err
	}
	if c.Party != "" {
		if err := record.OneOf("contact.party", "party", c.Party, conduct.Parties()); err != nil {
			return err
		}
	}
	switch {
	case c.Number != "" && !isPhone(c.Number):
		return refuse(refusal.Invalid, "contact.number", "number",
			"write a number that exists, with its country code, such as +351…")
	case c.At.IsZero():
		return refuse(refusal.Invalid, "contact.at", "at", "say when it happened")
	case c.At.After(now.Add(futureSlack)):
		return refuse(refusal.Invalid, "contact.at", "at", "this lies in the future; record a contact after it happened")
	case c.At.Year() < 1990:
		return refuse(refusal.Invalid, "contact.at", "at", "this is before 1990; check the date")
	case len(c.PartyRef) > 64 || len(c.External) > 128:
		return refuse(refusal.Invalid, "contact.ref", "external_id", "a party_ref has at most 64 bytes, an external_id 128")
	}
	return nil
}

// contactID is the id of a contact's document. Ids that systems give are unique within a case only.
func contactID(c journal.CaseID, own string) string { return string(c) + "/" + own }

// caseRef is the document of a case, for reading ahead.
func caseRef(id journal.CaseID) []journal.DocRef {
	return []journal.DocRef{{Type: "cases", ID: string(id)}}
}
