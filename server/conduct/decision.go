package conduct

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Decisions.
const (
	Allow = "allow"
	Deny  = "deny"
)

// Decision is the answer, and what it rests on.
type Decision struct {
	Decision string `json:"decision"`         // Allow or Deny
	Reason   string `json:"reason,omitempty"` // of the first hit
	Rule     string `json:"rule,omitempty"`   // of the first hit
	// All hits, by the weight of the reason and then the rule's id; in JSON pairs of reason and rule.
	All []Hit `json:"all"`
	// Advisory lists profiles of the chain that do not bind: drafts, and those not yet in force.
	Advisory []string `json:"advisory"`
	// Presumptive lists the rules among the hits that only presume a breach.
	Presumptive []string `json:"presumptive"`
	Cite        []string `json:"cite"` // sources of the first hit's rule
	// NextAllowedAt is set by Decide, in UTC; nil when there is no such time within 60 days.
	NextAllowedAt *time.Time `json:"next_allowed_at"`
	PolicyHash    string     `json:"policy_hash"`
}

// Allowed tells whether the act is lawful.
func (d Decision) Allowed() bool { return d.Decision == Allow }

// Hit is one reason against an act, with the rule it comes from.
type Hit struct {
	Reason   string
	Rule     string
	Cite     []string // keys of sources; not part of the JSON
	priority int
}

// MarshalJSON writes the pair of reason and rule.
func (h Hit) MarshalJSON() ([]byte, error) { return json.Marshal([2]string{h.Reason, h.Rule}) }

// UnmarshalJSON reads the pair; the sources are not in it.
func (h *Hit) UnmarshalJSON(b []byte) error {
	var pair [2]string
	err := json.Unmarshal(b, &pair)
	*h = Hit{Reason: pair[0], Rule: pair[1]}
	return err
}

// Judge decides whether the law of the chain allows an act, knowing the case and
// the contacts of the past. It reads no clock: the time of the act is the act's.
// An *refusal.Error means that the question is malformed, never that the act is allowed.
// NextAllowedAt is left out; Decide finds it.
func (p *Policy) Judge(profiles []string, a Action, c Case, history []HistoryEntry) (Decision, error) {
	m, err := p.prepare(profiles, &a, &c, history)
	if err != nil {
		return Decision{}, err
	}
	return m.judge(), nil
}

func (m *matter) judge() Decision {
	v := trial{matter: m}
	v.run(m.at)
	d := Decision{Decision: Allow, All: sortHits(v.hits), Advisory: []string{}, Presumptive: append([]string{}, v.presumptive...),
		Cite: []string{}, PolicyHash: m.p.hash}
	slices.Sort(d.Presumptive)
	if len(d.All) > 0 {
		d.Decision, d.Reason, d.Rule = Deny, d.All[0].Reason, d.All[0].Rule
		d.Cite = append(d.Cite, d.All[0].Cite...)
	}
	if len(m.zones) > 0 {
		for _, pr := range m.chain.profiles {
			if !pr.inForce(v.day) {
				d.Advisory = append(d.Advisory, pr.ID)
			}
		}
	}
	return d
}

// sortHits orders hits by the weight of the reason and the rule's id, each once.
func sortHits(hits []Hit) []Hit {
	slices.SortFunc(hits, func(a, b Hit) int { return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.Rule, b.Rule)) })
	hits = slices.CompactFunc(hits, func(a, b Hit) bool { return a.priority == b.priority && a.Rule == b.Rule })
	if hits == nil {
		hits = []Hit{}
	}
	return hits
}
