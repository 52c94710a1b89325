package conduct

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"
)

var (
	questionsTo   = flag.String("questions", "", "a file for TestWriteQuestions to write questions and answers to")
	questionsMany = flag.Int("questions-many", 2000, "how many questions it writes")
)

// sharedPack is a profile whose rules count the contacts of all cases of a debtor, without hours.
const sharedPack = `
schema: conduct-policy/v1
profiles:
  shared:
    id: shared
    status: in_force
    extends: [base]
    effective_from: "2009-01-01"
    caps:
      - {id: s-debtor, channels: [visit, call], count: contacts, scope: debtor, max: 2,
         window: {type: rolling_days, n: 7}, unless: ["consent:call_frequency:2"], cite: [made]}
      - {id: s-number, channels: [visit], count: attempts, scope: number, max: 3, presumptive: true,
         window: {type: calendar_month, n: 2}, cite: [made]}
      - {id: s-home, channels: [visit], places: [home], place_known: true, count: attempts, scope: debt, max: 4,
         window: {type: rolling_days, n: 30}, cite: [made]}
    cooldowns:
      - {id: s-cool, channels: [visit, sms], after: attempt, scope: debtor, days: 2, first_day_is_event: false,
         cite: [made]}
    parties:
      debtor: {allow: true}
      family: {allow: true, max_contacts_ever: 2, purposes: [locate, collect], stop_on_refusal: true}
    places: {workplace: unless_employer_prohibits, home: unless_flag_home_unavailable, public: deny_unless_requested}
`

// answered is a question with the answer of this engine, as sync/clients/conduct compares it with its own.
type answered struct {
	Question    Request     `json:"question"`
	Elsewhere   []Elsewhere `json:"elsewhere,omitempty"`
	All         []Hit       `json:"all"`
	Advisory    []string    `json:"advisory"`
	Presumptive []string    `json:"presumptive"`
	// Span is the first span in which the act is allowed, in Unix seconds, within 60 days; nil: it was not looked for,
	// empty: there is none.
	Span     []int64 `json:"span,omitempty"`
	Searched bool    `json:"searched,omitempty"`
}

// TestWriteQuestions writes the parts of a policy, zone offsets, and random questions with their answers, a JSON value
// a line, for the tests of sync/clients/conduct.
func TestWriteQuestions(t *testing.T) {
	if *questionsTo == "" {
		t.Skip("NO QUESTIONS WERE WRITTEN FOR THE PHONES' ENGINE: they are when -questions names a file")
	}
	p, err := Load(defaultPack, []byte(edgePack), []byte(sharedPack))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(*questionsTo)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	write := func(v any) {
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	// Questions of tests lie in many years.
	zones, err := zoneOffsets(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	write(map[string]any{"parts": p.Parts(), "zones": zones})
	for i := range uint64(*questionsMany) {
		write(answerOf(t, p, seeded{rand.New(rand.NewPCG(2026, i))}, i%100 == 0))
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// answerOf makes a question and answers it. A few have contacts of other cases, of which a phone gets instants only.
func answerOf(t *testing.T, p *Policy, c chooser, search bool) answered {
	req, day := randomQuestion(c)
	if c.below(4) == 0 {
		req.Profiles = []string{"shared"}
	}
	date, _ := parseDay(day)
	req.Action.At = When{int64(date)*daySeconds + int64(pick(c, 0, 6, 7, 8, 9, 12, 18, 20, 21, 22))*3600 +
		int64(pick(c, 0, 0, 0, -1, 1, 1800, 900)), wall}
	if maybe(c) {
		req.Action.At.sec = int64(date)*daySeconds + int64(c.below(daySeconds))
	}
	req.Action.Items = papers[:pick(c, 3, 3, 3, c.below(4))]
	req.Action.Agents = pick(c, 2, 2, 2, 1)
	req.Action.Recording = c.below(6) > 0
	if c.below(6) == 0 {
		req.Action.Party = pick(c, parties[:]...)
	}
	if c.below(8) == 0 {
		req.Action.Place = pick(c, places[:]...)
	}
	if c.below(8) == 0 {
		req.Case.Requests.NoPlaces = []string{pick(c, places[:]...)}
		req.Case.Requests.NoChannels = []string{pick(c, channels[:]...)}
	}
	if c.below(4) == 0 {
		req.Case.Requests.OptOut = []OptOut{{Channel: pick(c, channels[:]...), Number: pick(c, "", "1", "2")}}
		req.Action.Number = pick(c, "", "1")
	}
	if req.Action.Event != "" {
		req.Action.Onsite = Onsite{maybe(c), maybe(c), maybe(c)}
	}
	for name, f := range req.Case.Flags {
		if f.Off {
			req.Case.Flags[name] = Flag{Off: true}
		}
	}
	for range max(0, c.below(6)-4) {
		req.Case.Flags[pick(c, p.Flags()...)] = Flag{}
	}
	for range c.below(3) {
		req.Case.Consents = append(req.Case.Consents, Consent{Scope: pick(c, p.ConsentScopes()...), GivenAt: req.Action.At})
	}
	if c.below(8) == 0 {
		req.Action.ContentTags = append(req.Action.ContentTags, pick(c, p.ContentTags()...))
	}
	split := req.Action.Channel == "visit" && maybe(c)
	for i := range req.History {
		h := &req.History[i]
		h.Party = pick(c, "", "", "debtor", req.Action.Party, "family")
		h.Place = pick(c, "", "home", "workplace")
		h.Channel = pick(c, h.Channel, req.Action.Channel)
		h.Result = pick(c, results[:]...)
		h.PartyRef, req.Action.PartyRef = pick(c, "", "x", "y"), pick(c, "", "x")
		h.Number, h.Debt, req.Action.Debt = pick(c, "", "1"), pick(c, "", "d", "e"), pick(c, "", "d")
		if split {
			h.Channel, h.Party = pick(c, "visit", h.Channel), pick(c, req.Action.Party, h.Party)
			h.PartyRef, h.Number, h.Debt = "", "", ""
			h.Case = pick(c, "A", "B", "B")
		}
	}
	// A flag that is off loses its dates in JSON.
	text, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	if req, err = ParseRequest(text); err != nil {
		t.Fatal(err)
	}
	m, malformed := p.prepare(req.Profiles, &req.Action, &req.Case, req.History)
	if malformed != nil {
		t.Fatal(malformed)
	}
	d := m.judge()
	out := answered{Question: req, All: d.All, Advisory: d.Advisory, Presumptive: d.Presumptive, Searched: search}
	if search && len(m.zones) > 0 {
		if err := m.lawful(context.Background(), m.at, m.at+horizon+1, func(from, to int64) bool {
			out.Span = []int64{from, to}
			return false
		}); err != nil {
			t.Fatal(err)
		}
	}
	if split {
		var bad error
		if out.Elsewhere, bad = p.Elsewhere(req.Profiles, req.Action, req.History); bad != nil {
			t.Fatal(bad)
		}
		out.Question.History = slices.DeleteFunc(req.History, func(h HistoryEntry) bool { return h.Case == "B" })
	}
	return out
}

// TestPhonesKnowTheSameWords compares the closed lists with those of sync/clients/conduct.
func TestPhonesKnowTheSameWords(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repoRoot(t), "sync", "clients", "conduct", "src", "lists.ts"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	list, word := regexp.MustCompile(`(?s)export const (\w+) = \[(.*?)\] as const;`), regexp.MustCompile(`"(\w+)"`)
	for _, m := range list.FindAllStringSubmatch(string(text), -1) {
		for _, w := range word.FindAllStringSubmatch(m[2], -1) {
			got[m[1]] = append(got[m[1]], w[1])
		}
	}
	want := map[string][]string{"channels": channels[:], "places": places[:], "parties": parties[:],
		"purposes": purposes[:], "events": events[:], "results": results[:], "scopes": scopes[:], "weekdays": weekdays[:],
		"papers": papers[:], "onsites": onsites[:], "bys": bys[:], "forms": forms[:], "knownFlags": knownFlags[:]}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("phones know %v, want %v", got, want)
	}
}
