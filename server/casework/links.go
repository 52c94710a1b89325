package casework

import (
	"context"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Debtors of several lenders are one person only when a supervisor says so. Then their
// contacts count together and one visit a day serves them all; keys and cases stay
// apart. Linking writes the documents of all debtors of the person, unlinking that of
// the debtor who leaves; who reads a person reads all its documents. So a decision that
// rests on a person's contacts is taken again when the person changes.

// LinksByPerson finds the debtors who are linked.
var LinksByPerson = journal.Index{Type: "links", Name: "person", Fields: []string{"person", "debtor"}}

// LinkDebtors makes two debtors of the branch one person, with all who are linked to either.
type LinkDebtors struct{ Debtor, Other journal.DebtorID }

// UnlinkDebtors takes Other out of the person that Debtor is.
type UnlinkDebtors struct{ Debtor, Other journal.DebtorID }

// LinkReceipt answers LinkDebtors and UnlinkDebtors.
type LinkReceipt struct {
	Debtor  journal.DebtorID   `json:"debtor"`
	Linked  []journal.DebtorID `json:"linked"` // to the debtor, after the change
	Changed bool               `json:"changed"`
}

func (c LinkDebtors) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if c.Debtor == c.Other {
		return nil, refuse(refusal.Invalid, "debtor.link_itself", "debtor", "a debtor is linked to another one")
	}
	for _, id := range []journal.DebtorID{c.Debtor, c.Other} {
		if err := t.mayLink(ctx, id); err != nil {
			return nil, err
		}
	}
	mine, err := t.linked(ctx, c.Debtor)
	if err != nil {
		return nil, err
	}
	if slices.Contains(mine, c.Other) {
		return t.answer(LinkReceipt{Debtor: c.Debtor, Linked: without(mine, c.Debtor)}), nil
	}
	theirs, err := t.linked(ctx, c.Other)
	if err != nil {
		return nil, err
	}
	all := append(mine, theirs...)
	slices.Sort(all)
	d := t.draft("debtor.link")
	person := madeID("p", t.Request.ID)
	for _, id := range all {
		d.put("links", string(id), "", &record.Link{Debtor: id, Person: person, By: t.Actor.User, At: t.At})
	}
	d.reply = LinkReceipt{Debtor: c.Debtor, Linked: without(all, c.Debtor), Changed: true}
	return d, t.tellCards(ctx, d, all, nil)
}

func (c UnlinkDebtors) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := t.here(ctx, c.Debtor); err != nil {
		return nil, err
	}
	all, err := t.linked(ctx, c.Debtor)
	if err != nil {
		return nil, err
	}
	if c.Debtor == c.Other || !slices.Contains(all, c.Other) {
		return nil, refuse(refusal.NotFound, "debtor.not_linked", "debtor", "the two debtors are not linked")
	}
	d := t.draft("debtor.unlink")
	d.put("links", string(c.Other), "", nil)
	left := without(all, c.Other)
	if len(left) == 1 {
		d.put("links", string(c.Debtor), "", nil)
	}
	d.reply = LinkReceipt{Debtor: c.Debtor, Linked: without(left, c.Debtor), Changed: true}
	return d, t.tellCards(ctx, d, all, nil)
}

// mayLink refuses debtors who have no cases in the branch, are leaving it, or were erased.
func (t *turn) mayLink(ctx context.Context, id journal.DebtorID) error {
	t.r.Depend(debtorKey(id))
	if err := t.here(ctx, id); err != nil {
		return err
	}
	var cases []Filed[record.Case]
	if err := allInto(ctx, t.r, &cases, CasesByDebtor, string(id)); err != nil {
		return err
	}
	if len(cases) == 0 {
		return noSuchDebtor()
	}
	if slices.ContainsFunc(cases, func(k Filed[record.Case]) bool { return k.State.IsErased() }) {
		return refuseErased("debtor")
	}
	return nil
}

// linked gives the debtor and all who are linked, and makes the decision rest on it.
func (t *turn) linked(ctx context.Context, id journal.DebtorID) ([]journal.DebtorID, error) {
	t.r.Depend(debtorKey(id))
	rec, there, err := t.r.Doc(ctx, "links", string(id))
	if err != nil || !there {
		return []journal.DebtorID{id}, err
	}
	var l record.Link
	if err := decode(rec, &l); err != nil {
		return nil, err
	}
	var links []Filed[record.Link]
	if err := allInto(ctx, t.r, &links, LinksByPerson, l.Person); err != nil {
		return nil, err
	}
	ids := debtorsOf(links)
	for _, id := range ids {
		t.r.Depend(debtorKey(id))
	}
	return ids, nil
}

// person is one debtor, or several who are linked.
type person struct {
	id      string // of all of them; the debtor's own without a link
	debtors []journal.DebtorID
}

// personOf reads who a debtor is.
func (s *Service) personOf(ctx context.Context, branch auth.BranchID, id journal.DebtorID) (person, error) {
	p := person{string(id), []journal.DebtorID{id}}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "links", ID: string(id)}})
	if err != nil {
		return p, fmt.Errorf("read links: %w", err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return p, nil
	}
	var l record.Link
	if err := decode(recs[0], &l); err != nil {
		return p, err
	}
	links, err := indexed[record.Link](ctx, s, branch, LinksByPerson, l.Person)
	return person{l.Person, debtorsOf(links)}, err
}

// persons are the debtors of a branch who are linked.
type persons map[journal.DebtorID]*person

// of gives who a debtor is.
func (p persons) of(id journal.DebtorID) person {
	if who := p[id]; who != nil {
		return *who
	}
	return person{string(id), []journal.DebtorID{id}}
}

// people reads all links of a branch.
func (s *Service) people(ctx context.Context, branch auth.BranchID) (persons, error) {
	out, byID := persons{}, map[string]*person{}
	err := s.each(ctx, journal.Query{Branch: branch, Type: "links"}, func(rec journal.Record) error {
		var l record.Link
		if err := decode(rec, &l); err != nil {
			return err
		}
		who := byID[l.Person]
		if who == nil {
			who = &person{id: l.Person}
			byID[l.Person] = who
		}
		who.debtors = append(who.debtors, l.Debtor)
		out[l.Debtor] = who
		return nil
	})
	return out, err
}

func debtorsOf(links []Filed[record.Link]) []journal.DebtorID {
	ids := make([]journal.DebtorID, len(links))
	for i := range links {
		ids[i] = links[i].State.Debtor
	}
	return ids
}

func without(ids []journal.DebtorID, id journal.DebtorID) []journal.DebtorID {
	return slices.DeleteFunc(slices.Clone(ids), func(x journal.DebtorID) bool { return x == id })
}

// DebtorFile is a debtor as a supervisor reads them. Nothing in it is personal.
type DebtorFile struct {
	ID     journal.DebtorID   `json:"id"`
	Branch auth.BranchID      `json:"branch"`
	Lender string             `json:"lender"`
	Cases  []journal.CaseID   `json:"cases"`
	Linked []journal.DebtorID `json:"linked"` // the same person, says a supervisor
	// Suggested are debtors of the branch with the same verified phone: perhaps the same person.
	Suggested []journal.DebtorID `json:"suggested"`
}

// Debtor reads a debtor with those who are linked, or might be. debtor.not_found.
func (s *Service) Debtor(ctx context.Context, branch auth.BranchID, id journal.DebtorID) (DebtorFile, error) {
	d := DebtorFile{ID: id, Branch: branch, Lender: record.LenderOf(id), Cases: []journal.CaseID{},
		Suggested: []journal.DebtorID{}}
	cases, err := indexed[record.Case](ctx, s, branch, CasesByDebtor, string(id))
	if err != nil {
		return d, err
	}
	if len(cases) == 0 {
		return d, noSuchDebtor()
	}
	for i := range cases {
		d.Cases = append(d.Cases, cases[i].State.ID)
	}
	p, err := s.personOf(ctx, branch, id)
	if err != nil {
		return d, err
	}
	d.Linked = without(p.debtors, id)
	if err := s.openHomes(ctx, branch, cases); err != nil {
		return d, err
	}
	phones := map[string]bool{}
	for i := range cases {
		if phone := verifiedPhone(&cases[i].State); phone != "" {
			phones[phone] = true
		}
	}
	if len(phones) > 0 {
		d.Suggested, err = s.withPhone(ctx, branch, phones, p.debtors)
	}
	return d, err
}

// withPhone finds the debtors of a branch, some aside, with one of these verified
// phones. It opens the phones of the branch's open cases: a supervisor asks seldom, and
// one branch bounds the work. A blind index would be a view with one more hash of
// personal data to rebuild and to erase, and a hash in an entry could never be erased.
func (s *Service) withPhone(ctx context.Context, branch auth.BranchID, phones map[string]bool,
	aside []journal.DebtorID) ([]journal.DebtorID, error) {
	out := []journal.DebtorID{}
	q := journal.Query{Branch: branch, Type: "cases", Index: CasesByStatus.Name, Eq: []any{record.StatusOpen},
		Limit: planningPage}
	err := s.eachCase(ctx, q, func(cases []Filed[record.Case]) error {
		cases = slices.DeleteFunc(cases, func(k Filed[record.Case]) bool {
			return !phoneIsVerified(&k.State) || slices.Contains(aside, k.State.Debtor)
		})
		if err := s.openHomes(ctx, branch, cases); err != nil {
			return err
		}
		for i := range cases {
			k := &cases[i].State
			if phones[verifiedPhone(k)] && !slices.Contains(out, k.Debtor) {
				out = append(out, k.Debtor)
			}
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}

func phoneIsVerified(k *record.Case) bool { return k.PhoneVerifiedOn != "" && k.PhoneState == "" }

// verifiedPhone is the phone of an opened case; "" without one that was verified.
func verifiedPhone(k *record.Case) string {
	if !phoneIsVerified(k) {
		return ""
	}
	return k.Phone.Plain()
}
