package casework

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"time"

	"doorstep/auth"
	"doorstep/server/casework/rows"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// contactColumns are the columns of a contact import.
var contactColumns = []rows.Column{
	{Name: "case_ref", ID: true}, {Name: "channel"}, {Name: "at"}, {Name: "result"}, {Name: "party", Optional: true},
	{Name: "external_id", Optional: true, ID: true}, {Name: "party_ref", Optional: true, ID: true},
	{Name: "number", Optional: true},
	{Name: "excluded", Optional: true, Boolean: true}, {Name: "lender", Optional: true, ID: true},
}

// contactLine is one line of a contact import, judged by itself.
type contactLine struct {
	Case     caseName
	Channel  string
	At       saidTime
	AtText   string
	Result   string
	Party    string
	External string
	Nth      int // without External: the how manyth equal line of the file it is, from 1
	PartyRef string
	Number   string // E.164
	Excluded bool
}

// own is what tells the contact from others of its case: the lender's id, or else when, how and with whom it was,
// and the how manyth of those it is.
func (l contactLine) own(zone *time.Location, nth int) string {
	if l.External != "" {
		return l.External
	}
	at := l.At.in(zone).Format(time.RFC3339)
	return "i" + sha256Hex(l.Channel, at, l.Party, l.PartyRef, strconv.Itoa(nth))[:32]
}

// contactImport is a contact import under way.
type contactImport struct {
	*importer
	// seen counts lines without external_id by what they say of when, how and with whom, as they are written: two
	// calls in one minute are two equal lines, while two spellings of one instant are one contact.
	seen map[uint64]int
}

// maxContacts is how many contacts without external_id an import may tell apart: it remembers them.
const maxContacts = 1_000_000

// nth counts the line among those that are written like it; 0 if there are too many to tell.
func (ci *contactImport) nth(l *contactLine) int {
	sum := sha256Of(string(l.Case.ID), l.Channel, l.AtText, l.Party, l.PartyRef)
	key := binary.BigEndian.Uint64(sum[:8])
	if _, known := ci.seen[key]; !known && len(ci.seen) >= maxContacts {
		return 0
	}
	ci.seen[key]++
	return ci.seen[key]
}

// ImportContacts takes in earlier contacts with debtors, streamed, as text/csv or
// application/x-ndjson. Every bad line is reported with its number and the good
// ones are kept. A contact is known again by its external_id (without one by its
// instant, channel and party, and by how many lines of the file are equal to it before),
// so that importing the same file again changes nothing, and a line that has changed
// updates its contact, unless that could free a cap (contact.recorded). A line names its case by case_ref
// and lender; a lender's system need not name itself, and the office may write the
// full id, or a case_ref that only one lender uses.
//
// A time without offset is local to the case's zone. With branch "" every line
// goes to the branch of its case. A lender's system imports contacts of its own cases only.
//
// An error is about the whole import, as of ImportCases.
func (s *Service) ImportContacts(ctx context.Context, actor auth.Actor, branch auth.BranchID, contentType string,
	in io.Reader, opt ImportOptions) (ImportReport, error) {
	im, err := s.newImporter("contacts", actor, branch)
	if err != nil {
		return noLines(), err
	}
	ci := &contactImport{im, map[uint64]int{}}
	rep, err := runImport(ctx, lineImport[contactLine]{
		schema: contactColumns,
		parse:  parseContact,
		resolve: func(ctx context.Context, l *contactLine) (*rows.LineError, error) {
			bad, err := im.resolve(ctx, &l.Case)
			if bad == nil && err == nil && l.External == "" {
				if l.Nth = ci.nth(l); l.Nth == 0 {
					bad = &rows.LineError{Column: "external_id", Code: "import.too_many",
						Message: "the file has more than 1,000,000 contacts without external_id; send them in parts"}
				}
			}
			return bad, err
		},
		key: func(l contactLine) string {
			if l.External == "" {
				return "" // the case's zone tells which contact it is
			}
			return contactID(l.Case.ID, l.External)
		},
		apply: func(ctx context.Context, lines []*importLine[contactLine]) error {
			return perBranch(ctx, im, lines, func(l contactLine) journal.CaseID { return l.Case.ID }, im.applyContacts)
		},
		alive: im.alive,
	}, contentType, in, opt)
	return im.end(ctx, rep, err)
}

// parseContact judges a line of a contact import by itself.
func parseContact(vals []string) (contactLine, []rows.LineError) {
	f := &fields{schema: contactColumns, vals: vals}
	l := contactLine{
		Case:     f.caseName(),
		Channel:  f.listed("channel", "import.channel", true, conduct.Channels()),
		At:       f.time("at"),
		AtText:   f.get("at"),
		Result:   f.listed("result", "import.result", true, conduct.Results()),
		Party:    f.listed("party", "import.party", false, conduct.Parties()),
		External: f.get("external_id"),
		PartyRef: f.get("party_ref"),
		Number:   f.get("number"),
	}
	if l.Party == "" {
		l.Party = record.DebtorParty
	}
	if l.External != "" && !record.IsID(l.External) {
		f.bad("external_id", "import.id", "an external_id has 1 to 128 letters A to Z, digits and any of _.:/@#+-")
	}
	if l.PartyRef != "" && (!refPattern.MatchString(l.PartyRef) || len(l.PartyRef) > 64) {
		f.bad("party_ref", "import.id",
			"a party_ref is an id of 1 to 64 letters A to Z, digits, dots, dashes and underscores; never a name")
	}
	if l.Number != "" && !isPhone(l.Number) {
		f.bad("number", "import.phone",
			"this is no number that can exist; write it with its country code and without spaces, such as +351…, or leave "+
				"it empty")
	}
	l.Excluded = f.yes("excluded")
	return l, f.errs
}

// applyContacts decides a chunk of lines whose cases live in one branch.
func (im *importer) applyContacts(ctx context.Context, branch auth.BranchID, lines []*importLine[contactLine]) error {
	cases, err := casesOf(ctx, im, branch, lines, func(l contactLine) journal.CaseID { return l.Case.ID })
	if err != nil {
		return err
	}
	for len(lines) > 0 {
		n := im.distinct(lines, cases)
		if err := im.applyDistinct(ctx, branch, lines[:n], cases); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// contactOf is the id of the contact that a line tells of, in its case's zone.
func (im *importer) contactOf(l *contactLine, cases map[journal.CaseID]Filed[record.Case]) string {
	k := cases[l.Case.ID]
	return contactID(l.Case.ID, l.own(im.zones.find(k.State.TimeZone), l.Nth))
}

// distinct is how many of the first lines tell of different contacts.
func (im *importer) distinct(lines []*importLine[contactLine], cases map[journal.CaseID]Filed[record.Case]) int {
	seen := map[string]bool{}
	for i, l := range lines {
		id := im.contactOf(&l.val, cases)
		if seen[id] {
			return i
		}
		seen[id] = true
	}
	return len(lines)
}

// applyDistinct decides lines of different contacts.
func (im *importer) applyDistinct(ctx context.Context, branch auth.BranchID, lines []*importLine[contactLine],
	cases map[journal.CaseID]Filed[record.Case]) error {
	refs := make([]journal.DocRef, len(lines))
	for i, l := range lines {
		refs[i] = journal.DocRef{Type: "contacts", ID: im.contactOf(&l.val, cases)}
	}
	recs, err := im.store.Records(ctx, branch, refs)
	if err != nil {
		return fmt.Errorf("read contacts: %w", err)
	}
	var rest []*importLine[contactLine]
	var reqs []Request
	for i, l := range lines {
		k, ok := cases[l.val.Case.ID]
		if !ok {
			l.refuseUnknown()
			continue
		}
		if signed, err := im.hasContract(ctx, k.State.Lender, branch); err != nil {
			return err
		} else if !signed {
			l.refuseNoContract()
			continue
		}
		if k.State.HasMoved() {
			im.refuseMoved(l.refuse)
			continue
		}
		if k.State.IsErased() {
			l.refuseFor(refuseErased("case_ref"))
			continue
		}
		cmd := l.val.command(im.zones.find(k.State.TimeZone))
		state := cmd.state(&k.State)
		if recs[i].Type != "" && !recs[i].Deleted {
			var was record.Contact
			if err := decode(recs[i], &was); err != nil {
				return err
			}
			state.By, state.Import = was.By, was.Import
			if err := im.vault.OpenDoc(ctx, k.State.Debtor, branch, "contacts", recs[i].ID, &was); err != nil {
				return fmt.Errorf("open contact: %w", err)
			}
			if same(&was, &state) {
				l.change = unchanged
				continue
			}
		}
		cmd.Import = im.id
		reqs = append(reqs, im.request(cmd))
		rest = append(rest, l)
	}
	return doLines(ctx, im, branch, rest, reqs)
}

// command is the line as a command. A nil zone leaves local times in UTC.
func (l contactLine) command(zone *time.Location) RecordContact {
	return RecordContact{Case: l.Case.ID, ID: l.own(zone, l.Nth), Channel: l.Channel, At: l.At.in(zone), Result: l.Result,
		Party:    l.Party,
		PartyRef: l.PartyRef, Number: l.Number, External: l.External, Excluded: l.Excluded}
}
