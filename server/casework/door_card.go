package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
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
func (s *Service) door(ctx context.Context, k *record.Case, now time.Time) (*conduct.Card, error) {
	policy := s.policy.Load()
	f := &File{Case: *k}
	find := stored{s, k.Branch}
	if err := fill(ctx, find, f, withAssignments); err != nil {
		return nil, err
	}
	var overlays []string
	for i := range f.Assignments {
		if a := &f.Assignments[i].State; a.Status == record.AssignmentOpen && !a.Retired {
			overlays = append(overlays, a.Overlays...)
		}
	}
	g, err := groundsOf(ctx, policy, find, f, overlays, conduct.Parties()...)
	if err != nil || !g.known {
		return nil, err
	}
	if err := g.recent(ctx, now); err != nil {
		return nil, err
	}
	if err := g.earliest(ctx, 0); err != nil {
		return nil, err
	}
	return doorOf(policy, &s.zones, g, profiles(k, overlays), now)
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
func (s *Service) card(ctx context.Context, rec journal.Record, k *record.Case, now time.Time,
	schema int) (json.RawMessage, error) {
	if err := s.vault.OpenDoc(ctx, k.Debtor, rec.Branch, rec.Type, rec.ID, k); err != nil {
		return nil, fmt.Errorf("open %s: %w", rec.Type, err)
	}
	doc, err := record.Show(k, record.Agent)
	if err != nil || k.IsErased() {
		return doc, err
	}
	if schema >= cardSchema {
		if doc, err = s.withPeople(ctx, doc, k); err != nil {
			return nil, err
		}
	}
	door, err := s.door(ctx, k, now)
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
