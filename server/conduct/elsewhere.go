package conduct

import (
	"slices"
	"time"
)

// Elsewhere says when contacts of other cases were made that a rule counts, and nothing else of them: a phone that may
// not see those cases counts the instants.
type Elsewhere struct {
	Rule  string `json:"rule"`            // the id of the cap, the cool-down or the party's row
	Party string `json:"party,omitempty"` // whom they were meant for; without it, the debtor
	// At are instants in UTC, sorted: of a cap those in its window and as many as it allows, of a party's row the
	// earliest that it needs.
	At []When `json:"at"`
}

// Elsewhere gives, for an act of a case, what the profiles count of the contacts that name another case. Judge of the
// other contacts and of these instants gives the answer that Judge of the whole history gives, at the act's time and
// later, unless a rule tells contacts apart by number, debt or reference of a third party: those of other cases then
// count as equal. The error is Judge's.
func (p *Policy) Elsewhere(profiles []string, a Action, history []HistoryEntry) ([]Elsewhere, error) {
	m, bad := p.prepare(profiles, &a, &Case{}, history)
	if bad != nil {
		return nil, bad
	}
	if len(m.zones) == 0 {
		return nil, nil
	}
	var out []Elsewhere
	for party, name := range parties {
		if party == partyDebtor {
			name = ""
		}
		add := func(rule string, at []int64) {
			if len(at) == 0 {
				return
			}
			e := Elsewhere{Rule: rule, Party: name}
			for _, t := range at {
				e.At = append(e.At, When{t, instant})
			}
			out = append(out, e)
		}
		for _, pr := range m.chain.profiles {
			for _, r := range slices.Concat(pr.caps, pr.cooldowns) {
				add(r.id, m.cappedElsewhere(&r, party))
			}
			if row := pr.parties[party]; row != nil && row.max > 0 {
				at := m.elsewhere(party, func(c *contact) bool { return counted["contacts"].has(int(c.result)) })
				add(row.id, at[:min(len(at), row.max)])
			}
		}
	}
	return out, nil
}

// cappedElsewhere are the instants of other cases' contacts with a party that a cap or a cool-down counts.
func (m *matter) cappedElsewhere(r *capRule, party int) []int64 {
	if r.scope == scopeCase || !r.channels.has(m.channel) {
		return nil
	}
	since := m.at - int64(r.reach()/time.Second)
	at := m.elsewhere(party, func(c *contact) bool {
		return c.at >= since && r.channels.has(int(c.channel)) && (r.counts == every || r.counts.has(int(c.result))) &&
			(c.place == none || r.places.has(int(c.place)))
	})
	// Of those before the act no more are needed than the rule counts.
	past, _ := slices.BinarySearch(at, m.at+1)
	most := r.max
	if most == 0 {
		most = 1 // a cool-down has no max
	}
	return at[max(0, past-most):]
}

// elsewhere are the sorted instants of the contacts that name another case, were meant for a party and pass a filter.
func (m *matter) elsewhere(party int, counts func(*contact) bool) []int64 {
	var at []int64
	for i := range m.history {
		if c := &m.history[i]; !c.sameCase && int(c.party) == party && counts(c) {
			at = append(at, c.at)
		}
	}
	slices.Sort(at)
	return at
}
