package conduct

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// longPack is a profile whose cool-down is longer than its caps.
const longPack = `
schema: conduct-policy/v1
profiles:
  long:
    id: long
    status: in_force
    extends: [base]
    effective_from: "2009-01-01"
    cooldowns:
      - {id: l-cool, channels: [call], after: conversation, scope: case, days: 12, cite: [made]}
    parties: {debtor: {allow: true}}
`

// part is what of a history a Lookback asks for.
func part(l Lookback, a Action, history []HistoryEntry) []HistoryEntry {
	var old, out []HistoryEntry
	for _, e := range history {
		if l.Since > 0 && e.At.sec >= a.At.sec-int64(l.Since/time.Second) {
			out = append(out, e)
		} else {
			old = append(old, e)
		}
	}
	slices.SortStableFunc(old, func(a, b HistoryEntry) int { return int(a.At.sec - b.At.sec) })
	tried, reached := map[string]int{}, 0
	for _, e := range old {
		first := false
		if e.Tried() && same(e.Case, a.Case) && tried[e.Channel] < l.Tried[e.Channel] {
			tried[e.Channel]++
			first = true
		}
		party := max(indexOf(parties[:], e.Party), partyDebtor)
		if e.Reached() && party == max(indexOf(parties[:], a.Party), partyDebtor) && reached < l.Reached {
			reached++
			first = true
		}
		if first {
			out = append(out, e)
		}
	}
	return out
}

// TestTheLookbackIsEnough judges acts with the whole of long histories and with the part
// that Lookback asks for: the answer is the same, for every profile that is shipped.
func TestTheLookbackIsEnough(t *testing.T) {
	p, err := Load(defaultPack, []byte(edgePack), []byte(longPack))
	if err != nil {
		t.Fatal(err)
	}
	chains := [][]string{{"cn", "house-humane"}, {"us", "us-ma"}, {"us", "us-nyc"}, {"us", "us-dc"}, {"in", "in-mfi"}}
	for _, id := range p.Profiles() {
		chains = append(chains, []string{id})
	}
	denied := map[string]int{} // reasons met, so that the test cannot pass by judging nothing
	for seed := range uint64(5000) {
		c := seeded{rand.New(rand.NewPCG(seed, 0))}
		req := Request{Profiles: chains[c.below(len(chains))]}
		zone := pick(c, "Europe/Lisbon", "America/New_York", "Asia/Shanghai", "America/Havana")
		at := time.Date(2026, 11, 1+c.below(30), c.below(24), 30*c.below(2), 0, 0, time.UTC)
		req.Action = Action{Channel: pick(c, "visit", "visit", "call", "sms"), TZ: []string{zone}, At: At(at), Place: "home",
			Party: pick(c, "", "", "employer", "family", "neighbour"), Purpose: pick(c, "", "locate"), Agents: 2,
			Items: papers[:], Recording: true, Case: "A"}
		req.Case.Flags = map[string]Flag{"other_contact_failed": {}, "plan_offered": {}, "missed_two_designated_meetings": {}}
		for range c.below(30) {
			e := HistoryEntry{Channel: pick(c, "visit", "sms", "sms", "call", "call"), Case: pick(c, "A", "A", "B"),
				Result: pick(c, "contact", "answered", "no_answer", "sent", "failed"), Party: pick(c, "", "", "employer", "family"),
				Excluded: c.below(8) == 0}
			// Hours on both sides of the days on which caps end to count, and years.
			days := pick(c, 0, 1, 2, 6, 7, 8, 29, 30, 31, 32, 60, 400, 2000, c.below(40))
			e.At = At(at.AddDate(0, 0, -days).Add(time.Duration(c.below(49)-24) * time.Hour))
			req.History = append(req.History, e)
		}
		l, err := p.Lookback(req.Profiles, req.Action)
		if err != nil {
			t.Fatal(err)
		}
		all, err := p.Judge(req.Profiles, req.Action, req.Case, req.History)
		if err != nil {
			t.Fatal(err)
		}
		some, err := p.Judge(req.Profiles, req.Action, req.Case, part(l, req.Action, req.History))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(all, some) {
			t.Fatalf("seed %d: %v at %v: with all %v, with the part %v", seed, req.Profiles, at, all.All, some.All)
		}
		for _, h := range all.All {
			denied[h.Reason]++
		}
	}
	for _, reason := range []string{"FREQ_CAP", "LAST_RESORT_NOT_MET", "PARTY_CAP"} {
		if denied[reason] == 0 {
			t.Errorf("no act was denied for %s", reason)
		}
	}
}
