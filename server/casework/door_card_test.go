package casework

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

var doorsTo = flag.String("doors", "", "a file for TestWriteDoors to write case cards, questions and answers to")

// doorNow is when the doors of tests are made: an hour before clocks in New York go back.
var doorNow = time.Date(2026, 10, 31, 15, 0, 0, 0, time.UTC)

// doorPack has a profile whose caps count the contacts of all cases of a debtor, and a hold on a party for ever.
const doorPack = `
schema: conduct-policy/v1
profiles:
  doors:
    id: doors
    status: in_force
    extends: [base]
    hours:
      - {id: d-hours, channels: [visit], allow: [["08:00", "20:00"]], unless: ["consent:visit_time"], cite: [house]}
    caps:
      - {id: d-case, channels: [visit], count: contacts, scope: case, max: 2, window: {type: rolling_days, n: 7},
         unless: ["consent:more_visits:2"], cite: [house]}
      - {id: d-debtor, channels: [visit, call], count: attempts, scope: debtor, max: 4,
         window: {type: calendar_month, n: 1}, cite: [house]}
    cooldowns: [{id: d-cool, channels: [visit], after: contact, scope: debtor, days: 1, cite: [house]}]
    last_resort: [{id: d-last, channels: [visit], needs_history: [{channel: sms, min: 1}], cite: [house]}]
    parties: {debtor: {allow: true}, family: {allow: true, max_contacts_ever: 2, purposes: [locate, collect]}}
    places: {home: allow, workplace: unless_consent}
    stops:
      - {id: d-vulnerable, flag: vulnerable, reason: VULNERABLE, channels: [visit], max_days: 3, cite: [house]}
      - {id: d-late, flag: disputed, reason: DISPUTED, channels: [visit], unless: ["past_due_gt:12"], cite: [house]}
`

func doorPolicy(t *testing.T) *conduct.Policy {
	t.Helper()
	p, err := conduct.LoadPacks([]conduct.Pack{conduct.DefaultPack(), {Name: "doors", Text: []byte(doorPack)}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// randomFile is a case file with what a decision may rest on, open.
func randomFile(r *rand.Rand) *File {
	days := func(from, n int) string { return doorNow.AddDate(0, 0, from+r.IntN(n)).Format(time.DateOnly) }
	at := func(most int) time.Time {
		return doorNow.Add(-time.Duration(r.IntN(most*24*4))*15*time.Minute - time.Minute)
	}
	k := record.Case{ID: "acme.1", Debtor: "acme.d1", Status: record.StatusOpen, DueDate: days(-20, 20),
		TimeZone: "America/New_York", Profiles: []string{pickOf(r, "doors", "doors", "house-visit")}}
	if r.IntN(4) == 0 {
		k.HomeTimeZone = "America/Chicago"
	}
	k.SetHolds(nil)
	if r.IntN(3) == 0 {
		var holds []record.Hold
		for range 1 + r.IntN(2) {
			h := record.Hold{Kind: pickOf(r, "vulnerable", "disputed", "complaint"), Since: days(-5, 8)}
			if r.IntN(2) == 0 {
				h.Until = days(3, 4)
			}
			if r.IntN(3) == 0 {
				h.Released = &record.Release{}
			}
			holds = append(holds, h)
		}
		k.SetHolds(holds)
	}
	if r.IntN(3) == 0 {
		k.Facts = []record.Fact{{Kind: pickOf(r, "vulnerable", "disputed", "plan_offered"), Since: days(-4, 8)}}
	}
	if r.IntN(4) == 0 {
		k.Requests = record.Requests{NoContactTimes: []record.TimeSpan{{From: "17:00", To: "09:00"}}}
	}
	f := &File{Case: k}
	for i := range r.IntN(8) {
		c := record.Contact{Case: pickOf[journal.CaseID](r, "acme.1", "acme.1", "other.7"), At: at(40),
			Channel: pickOf(r, "visit", "visit", "call", "sms"), Result: pickOf(r, "contact", "no_answer", "sent", "failed"),
			Party: pickOf(r, "", "", "family"), Excluded: r.IntN(9) == 0}
		f.addContact(fmt.Sprint("c", i), c)
	}
	f.addContact("sms", record.Contact{Case: "acme.1", At: doorNow.AddDate(-1, 0, 0), Channel: "sms", Result: "delivered"})
	for i := range r.IntN(3) {
		c := record.Consent{ConsentReport: record.ConsentReport{Scope: pickOf(r, "visit_time", "more_visits"),
			Status: pickOf(r, "given", "given", "withdrawn"), Method: "paper_scan",
			Evidence: &record.Evidence{SignatureSHA256: "x"}}}
		c.At = at(3)
		c.RecordedAt = c.At
		switch r.IntN(4) {
		case 0:
			c.Limits = &record.ConsentLimits{MaxUses: 1 + r.IntN(2), Channels: []string{"visit"}}
		case 1:
			c.Limits = &record.ConsentLimits{Days: []string{"sat", "mon", "wed"}, From: "06:00", To: "23:00"}
		case 2:
			c.ExpiresAt = doorNow.AddDate(0, 0, 1+r.IntN(4))
		}
		f.Consents = append(f.Consents, Filed[record.Consent]{ID: fmt.Sprint("k", i), State: c})
	}
	if r.IntN(4) == 0 {
		p := record.Plan{PlanReport: record.PlanReport{State: record.PlanAccepted},
			PlanFound: record.PlanFound{Standing: &record.PlanStanding{BreaksOn: days(1, 5)}}}
		p.At = at(2)
		f.Plans = append(f.Plans, Filed[record.Plan]{ID: "p", State: p})
	}
	return f
}

func pickOf[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// doored makes the door of a file. Nothing is loaded: the file has all there is.
func doored(t *testing.T, policy *conduct.Policy, f *File) *conduct.Card {
	t.Helper()
	g := grounds{file: f, reached: map[string]int{}, known: true}
	for _, party := range conduct.Parties() {
		look, err := policy.Lookback(f.Case.Profiles, visitAct{party: party}.action(&f.Case))
		if err != nil {
			t.Fatal(err)
		}
		g.look, g.reached[party] = look, look.Reached
	}
	door, err := doorOf(policy, &zoneCache{}, g, f.Case.Profiles, doorNow)
	if err != nil {
		t.Fatal(err)
	}
	return door
}

// TestWriteDoors writes a bundle and random case cards, each with acts on the days it speaks of and the server's
// verdicts on them, a JSON value a line, for the tests of sync/clients/conduct.
func TestWriteDoors(t *testing.T) {
	if *doorsTo == "" {
		t.Skip("NO CASE CARDS WERE WRITTEN FOR THE PHONES' ENGINE: they are when -doors names a file")
	}
	policy := doorPolicy(t)
	bundle, err := policy.Bundle(7, doorNow)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(*doorsTo)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	w := bufio.NewWriter(out)
	write := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(append(text, '\n'))
	}
	write(map[string]any{"statement": bundle.Statement(), "parts": bundle.Parts})
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 31))
		f := randomFile(r)
		door := doored(t, policy, f)
		var acts []map[string]any
		for range 4 {
			at := doorNow.Add(time.Duration(r.IntN(15*24*4))*15*time.Minute + time.Duration(r.IntN(2))*time.Second)
			act := visitAct{agents: 1, minutes: pickOf(r, 0, 30, 60), place: pickOf(r, "", "", "workplace"),
				party: pickOf(r, "", "", "family"), purpose: pickOf(r, "", "", "serve_process")}
			v, err := judgeVisit(policy, &zoneCache{}, phaseDoor, f, at, act)
			if err != nil {
				t.Fatal(err)
			}
			acts = append(acts, map[string]any{"at": at, "duration_min": act.minutes, "place": cmpOr(act.place, "home"),
				"party": cmpOr(act.party, "debtor"), "purpose": cmpOr(act.purpose, "collect"),
				"day": (&zoneCache{}).dayAt(at, f.Case.TimeZone), "all": v.All})
		}
		write(map[string]any{"card": map[string]any{"id": f.Case.ID, "door": door}, "acts": acts})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// TestADoorSaysNothingOfOtherCases makes doors of files with contacts of another lender's case of a linked debtor, and
// looks for what only those contacts have.
func TestADoorSaysNothingOfOtherCases(t *testing.T) {
	policy := doorPolicy(t)
	f := &File{Case: record.Case{ID: "acme.1", TimeZone: "Europe/Lisbon", Profiles: []string{"doors"}}}
	f.Case.SetHolds(nil)
	day := func(n int) time.Time { return doorNow.AddDate(0, 0, -n) }
	f.addContact("own", record.Contact{Case: "acme.1", At: day(2), Channel: "visit", Result: "no_answer"})
	f.addContact("old", record.Contact{Case: "acme.1", At: day(300), Channel: "visit", Result: "contact"})
	f.addContact("other", record.Contact{Case: "bank.9", At: day(1), Channel: "call", Result: "answered"})
	f.addContact("other2", record.Contact{Case: "bank.9", At: day(200), Channel: "call", Result: "answered"})
	f.addContact("family", record.Contact{Case: "bank.9", At: day(500), Channel: "call", Result: "answered",
		Party: "family"})
	door := doored(t, policy, f)
	if len(door.History) != 1 || door.History[0].At != conduct.At(day(2)) {
		t.Errorf("the history is %+v", door.History)
	}
	var got []string
	for _, e := range door.Elsewhere {
		got = append(got, fmt.Sprint(e.Rule, e.Party, len(e.At)))
	}
	slices.Sort(got)
	if want := []string{"d-debtor1", "doors-party-familyfamily1"}; !slices.Equal(got, want) {
		t.Errorf("elsewhere has %v, want %v", got, want)
	}
	text, err := json.Marshal(door)
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{"bank", "call", "answered", "other"} {
		if strings.Contains(string(text), hidden) {
			t.Errorf("the door says %s: %s", hidden, text)
		}
	}
}

// TestADoorSpeaksOnlyOfDaysItsFlagsHoldOn has a hold that begins in three days, beside another of the same flag.
func TestADoorSpeaksOnlyOfDaysItsFlagsHoldOn(t *testing.T) {
	policy := doorPolicy(t)
	for _, c := range []struct {
		since, until string // of a second hold
		to           string
	}{
		{"", "", "2026-11-13"}, {"2026-11-03", "", "2026-11-02"}, {"2026-10-30", "2026-11-04", "2026-11-13"},
	} {
		f := &File{Case: record.Case{ID: "acme.1", TimeZone: "America/New_York", Profiles: []string{"doors"}}}
		holds := []record.Hold{{Kind: "vulnerable", Since: "2026-10-30"}}
		if c.since != "" {
			holds = append(holds, record.Hold{Kind: "vulnerable", Since: c.since, Until: c.until})
		}
		f.Case.SetHolds(holds)
		if door := doored(t, policy, f); door.From != "2026-10-31" || door.To != c.to || len(door.Holds) != len(holds) {
			t.Errorf("with a hold from %q to %q the door speaks from %s to %s, holds %v; want %s", c.since, c.until,
				door.From, door.To, door.Holds, c.to)
		}
	}
}

// TestADoorIsKeptUp follows the door of a case on a phone: what other cases' phones and the office record changes it,
// and no more than the cards that it counts for come again.
func TestADoorIsKeptUp(t *testing.T) {
	h := newFixture(t)
	policy := doorPolicy(t)
	h.svc.UsePolicy(policy)
	h.take(line("c1", "debtor_ref", "D1", "profile", "doors"),
		line("c1", "lender", "south", "debtor_ref", "D1", "profile", "doors"), line("c9", "profile", "doors"))
	for _, c := range []journal.CaseID{"north.c1", "south.c1", "north.c9"} {
		h.must(RecordContact{Case: c, ID: "0", Channel: "sms", At: h.now.AddDate(0, -2, 0), Result: "delivered"})
	}
	h.issue("r", "t", "2026-11-26", []auth.UserID{"ana"}, "north.c1", "north.c9")
	h.issue("r", "u", "2026-11-26", []auth.UserID{"rui"}, "south.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	ana.pull()
	rui.pull()
	call := func(of journal.CaseID, id string) {
		t.Helper()
		h.must(RecordContact{Case: of, ID: id, Channel: "call", At: h.now.Add(-time.Hour), Result: "answered"})
	}
	comes := func(what string, p *phone, want string) {
		t.Helper()
		if got := fmt.Sprint(p.pull()); got != want {
			t.Errorf("%s: %s comes, want %s", what, got, want)
		}
	}
	door := func() conduct.Card {
		t.Helper()
		var card struct {
			Door conduct.Card `json:"door"`
		}
		ok(t, json.Unmarshal(jsonOf(t, ana.docs["cases"]["north.c1"]), &card))
		return card.Door
	}
	if d := door(); d.PolicyHash != policy.Hash() || d.AsOf != conduct.At(h.now) || len(d.History) != 1 ||
		len(d.Elsewhere) != 0 || d.TZ[0] != "Europe/Lisbon" || d.PastDueDays == nil {
		t.Errorf("the first door is %+v", d)
	}
	if _, shown := h.shown("north.c1")["door"]; shown {
		t.Error("the office's case file has a door")
	}
	call("south.c1", "1")
	comes("another person's contact", ana, "[]")
	comes("its own contact", rui, "[put cases/south.c1]")
	h.must(LinkDebtors{"north.D1", "south.D1"})
	comes("linked", ana, "[put cases/north.c1]")
	call("south.c1", "2")
	comes("a contact of the linked debtor", ana, "[put cases/north.c1]")
	if d := door(); len(d.History) != 1 || len(d.Elsewhere) != 1 || d.Elsewhere[0].Rule != "d-debtor" ||
		len(d.Elsewhere[0].At) != 2 {
		t.Errorf("after two calls elsewhere: %+v", d)
	}
	call("north.c1", "3")
	comes("a contact of its own", ana, "[put cases/north.c1]")
	if d := door(); len(d.History) != 2 || d.History[1].Channel != "call" || d.History[1].Result != "answered" {
		t.Errorf("the history is %+v", d.History)
	}
	h.want("a consent", ana.put("consents", "k1", members{"case": "north.c1", "at": h.now, "scope": "visit_time",
		"status": "given", "method": "verbal_recorded", "text_shown_sha256": aHash,
		"evidence": members{"recording_ref": "rec1"}}), "applied")
	ana.pull()
	if d := door(); len(d.Consents) != 1 || d.Consents[0].Scope != "visit_time" {
		t.Errorf("the consents are %+v", d.Consents)
	}
	h.must(UnlinkDebtors{"north.D1", "south.D1"})
	comes("unlinked", ana, "[put cases/north.c1]")
	if d := door(); len(d.Elsewhere) != 0 {
		t.Errorf("unlinked, elsewhere is %+v", d.Elsewhere)
	}
	next, err := conduct.LoadPacks(append(policy.Packs(), conduct.Pack{Name: "more",
		Text: []byte("schema: conduct-policy/v1\ncalendars: {GB: [2027-01-01]}\n")}))
	ok(t, err)
	for i, p := range []*conduct.Policy{next, policy} { // the second was in force when the stops were issued
		h.now = h.now.Add(time.Minute)
		h.svc.UsePolicy(p)
		_, err = h.svc.ReviewOpen(t.Context(), porto, Law{Policy: p, Org: uint64(i + 2), Since: h.now})
		ok(t, err)
		ana.pull()
		if d := door(); d.PolicyHash != p.Hash() {
			t.Errorf("under policy %d the card is of another", i)
		}
	}
}
