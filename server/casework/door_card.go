package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"doorstep/server/conduct"
	"doorstep/server/conduct/say"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// A phone judges visits by the member door of the case card. The stored case does not have it: the server makes it
// when a phone reads the card, from the policy in force and the contacts there are, and shows it to agents only. What
// changes a door also puts the case into the feeds of the phones that hold it, so that they pull it again: the case
// itself, its consents and plans (putChild), contacts of the debtor and of all who are linked (tellDoors), links, and
// another policy (ReviewLaw).

// doorDays is for how many local dates from its first a door may speak.
const doorDays = 14

// door makes what a phone judges visits to a case by; nil if the policy in force does not have its profiles. The case
// must be open.
func (s *Service) door(ctx context.Context, find *ahead, k *record.Case, now time.Time) (*conduct.Card, error) {
	d, known := find.doors[k.ID]
	if !known {
		var err error
		if d, err = doorGrounds(ctx, s.policy.Load(), find, &File{Case: *k}); err != nil {
			return nil, err
		}
	}
	g := d.grounds
	g.file.Case = *k // what was read ahead has a part of it
	if !g.known {
		return nil, nil
	}
	if err := g.recent(ctx, now); err != nil {
		return nil, err
	}
	if err := g.earliest(ctx, 0); err != nil {
		return nil, err
	}
	return doorOf(d.policy, &s.zones, g, profiles(k, d.overlays), now)
}

// caseDoor is what a door is made of, but for the contacts.
type caseDoor struct {
	grounds
	policy   *conduct.Policy
	overlays []string // of the case's stops
}

// doorGrounds loads into a case file what a door is made of. The case's id, debtor and profiles are needed.
func doorGrounds(ctx context.Context, policy *conduct.Policy, find finder, f *File) (d caseDoor, err error) {
	if err := fill(ctx, find, f, withAssignments); err != nil {
		return d, err
	}
	d.policy = policy
	for i := range f.Assignments {
		if a := &f.Assignments[i].State; a.Status == record.AssignmentOpen && !a.Retired {
			d.overlays = append(d.overlays, a.Overlays...)
		}
	}
	d.grounds, err = groundsOf(ctx, policy, find, f, d.overlays, conduct.Parties()...)
	return d, err
}

// doors reads ahead what the doors of a page's cases rest on, for all of them at once: a statement of the store for
// each list of each case costs several times as much as the rest of a page. recs are the page; the finder reads from
// the store what it does not have.
func (s *Service) doors(ctx context.Context, c offline.Caller, recs []journal.Record) (*ahead, error) {
	find := newAhead(s, c.Branch)
	var held []*record.Case
	var ids []journal.CaseID
	var debtors []journal.DebtorID
	for _, rec := range recs {
		if rec.Type != "cases" || rec.Deleted || rec.Body == nil || !knows(c, rec.Type) {
			continue
		}
		k := new(record.Case)
		if err := decodeSome(rec, k, "id", "debtor", "agents", "profiles"); err != nil {
			return nil, err
		}
		if slices.Contains(k.Agents, c.Actor.User) {
			held, ids, debtors = append(held, k), append(ids, k.ID), append(debtors, k.Debtor)
		}
	}
	if len(ids) < 2 {
		return find, nil
	}
	if c.Schema >= cardSchema {
		if err := s.peopleAhead(ctx, find, held); err != nil {
			return nil, err
		}
	}
	for _, ix := range []journal.Index{AssignmentsByCase, ConsentsByCase, PlansByCase} {
		if err := find.read(ctx, ix, nil, eqs(ids)); err != nil {
			return nil, err
		}
	}
	if err := find.link(ctx, debtors); err != nil {
		return nil, err
	}
	policy := s.policy.Load()
	since := map[string][]journal.DebtorID{} // whose contacts are read, by the first instant
	for _, k := range held {
		d, err := doorGrounds(ctx, policy, find, &File{Case: *k})
		if err != nil {
			return nil, err
		}
		find.doors[k.ID] = d
		if d.known {
			from := d.since(c.At)
			since[from] = append(since[from], find.persons[k.Debtor]...)
		}
	}
	for from, of := range since {
		if err := find.read(ctx, ContactsByDebtor, from, eqs(of)); err != nil {
			return nil, err
		}
	}
	return find, nil
}

// doorOf decides what is on the door.
func doorOf(policy *conduct.Policy, zones *zoneCache, g grounds, chain []string, now time.Time) (*conduct.Card, error) {
	f := g.file
	now = record.WholeUTC(now)
	today := zones.dayAt(now, f.Case.TimeZone)
	// What was recorded in the second of now is known.
	facts := func(day string) conduct.Case { return conductCase(f, day, now.Add(time.Second)) }
	c := facts(today)
	door := &conduct.Card{Semantics: conduct.Semantics, PolicyHash: policy.Hash(), AsOf: conduct.At(now), From: today,
		To: today, Profiles: chain, TZ: f.Case.Zones(), PastDueDays: c.PastDueDays, Flags: c.Flags, Requests: c.Requests,
		Consents: consentsFrom(f, today, doorDays), Notice: c.Notice}
	for n := 1; n < doorDays; n++ {
		day := dayAfter(today, n)
		if !maps.Equal(flagsOn(c.Flags, day), flagsOn(facts(day).Flags, day)) {
			break
		}
		door.To = day
	}
	for _, h := range f.Case.AllHolds() {
		if h.Released == nil && (h.Until == "" || h.Until >= today) {
			door.Holds = append(door.Holds, conduct.CardHold{Since: h.Since, Until: h.Until})
		}
	}
	all := conductHistory(f.Contacts)
	own := slices.DeleteFunc(slices.Clone(all), func(e conduct.HistoryEntry) bool { return e.Case != string(f.Case.ID) })
	door.History = g.look.Keep(door.AsOf, own, g.reached)
	act := visitAct{}.action(&f.Case)
	act.At = door.AsOf
	var err error
	door.Elsewhere, err = policy.Elsewhere(chain, act, all)
	return door, err
}

// flagsOn are the flags that are up on a local date, with the date since when.
func flagsOn(flags map[string]conduct.Flag, day string) map[string]string {
	up := map[string]string{}
	for name, f := range flags {
		if !f.Off && f.Since <= day && (f.Until == "" || day <= f.Until) {
			up[name] = f.Since
		}
	}
	return up
}

// dayAfter is the local date n days after another.
func dayAfter(day string, n int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, n).Format(time.DateOnly)
}

// card is a case, decoded and sealed, as an agent's phone whose app has a schema version gets it at an instant.
func (s *Service) card(ctx context.Context, find *ahead, rec journal.Record, k *record.Case, now time.Time,
	schema int) (json.RawMessage, error) {
	if err := s.vault.OpenDoc(ctx, k.Debtor, rec.Branch, rec.Type, rec.ID, k); err != nil {
		return nil, fmt.Errorf("open %s: %w", rec.Type, err)
	}
	k.DropUnsafeNote(s.zones.dayAt(now, k.TimeZone))
	doc, err := record.Show(k, record.Agent)
	if err != nil || k.IsErased() {
		return doc, err
	}
	if schema >= cardSchema {
		if doc, err = s.withPeople(ctx, find, doc, k); err != nil {
			return nil, err
		}
		doc = withMembers(doc, "say", say.Script(k.Profiles, k.Language))
		if doc, err = s.withPlanRules(ctx, find, doc, k, s.zones.dayAt(now, k.TimeZone)); err != nil {
			return nil, err
		}
	}
	door, err := s.door(ctx, find, k, now)
	if err != nil || door == nil {
		return doc, err
	}
	return withMembers(doc, "door", door), nil
}

// tellDoors tells the phones that hold other cases of the debtors whose contacts a draft records: caps may count them
// there.
func (t *turn) tellDoors(ctx context.Context, d *draftBuilder) error {
	var debtors []journal.DebtorID
	var told []journal.CaseID
	for i := range d.parts {
		for _, doc := range d.parts[i].docs {
			if c, is := doc.state.(*record.Contact); is && !slices.Contains(told, c.Case) {
				debtors, told = append(debtors, c.Debtor), append(told, c.Case)
			}
		}
	}
	var persons []journal.DebtorID
	for _, id := range debtors {
		if slices.Contains(persons, id) {
			continue
		}
		all, err := t.linked(ctx, id)
		if err != nil {
			return err
		}
		persons = append(persons, all...)
	}
	return t.tellCards(ctx, d, persons, told)
}

// tellCards tells the phones that hold cases of debtors to pull them again, but for those that were told.
func (t *turn) tellCards(ctx context.Context, d *draftBuilder, debtors []journal.DebtorID,
	told []journal.CaseID) error {
	for _, id := range debtors {
		var cases []Filed[record.Case]
		if err := allInto(ctx, t.r, &cases, CasesByDebtor, string(id)); err != nil {
			return err
		}
		for i := range cases {
			if k := &cases[i].State; !slices.Contains(told, k.ID) {
				d.tellAgents(&File{Case: *k}, "cases", string(k.ID))
			}
		}
	}
	return nil
}
