package conduct

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// The two decisions.
const (
	Allow = "allow"
	Deny  = "deny"
)

// Decision is the answer to a Request, with the rules and the policy it was made by.
type Decision struct {
	Decision string `json:"decision"`         // whether the act is lawful: Allow or Deny
	Reason   string `json:"reason,omitempty"` // of the first hit; none if allowed
	Rule     string `json:"rule,omitempty"`   // of the first hit; none if allowed
	// All lists every hit, sorted by the policy's order of reasons and then by the rule's id. In JSON each
	// is a pair of reason and rule.
	All []Hit `json:"all"`
	// Advisory lists the profiles of the chain that cannot deny: drafts and those not yet in force.
	Advisory []string `json:"advisory"`
	// Presumptive lists the ids of those hits' rules that only presume a breach.
	Presumptive []string `json:"presumptive"`
	Cite        []string `json:"cite"` // keys of the sources of the first hit's rule
	// NextAllowedAt is when the act is allowed next, in UTC: nil (null in JSON) if it is not within 60 days.
	// Decide sets it.
	NextAllowedAt *time.Time `json:"next_allowed_at"`
	PolicyHash    string     `json:"policy_hash"`
}

// Allowed tells whether the act is lawful.
func (d Decision) Allowed() bool { return d.Decision == Allow }

// Hit is one reason why an act is denied, and the rule that denies it.
type Hit struct {
	Reason   string
	Rule     string
	Cite     []string // keys of sources; not part of the JSON
	priority int
}

// MarshalJSON writes the pair [reason, rule].
func (h Hit) MarshalJSON() ([]byte, error) { return json.Marshal([2]string{h.Reason, h.Rule}) }

// UnmarshalJSON reads the pair [reason, rule]; Cite stays empty.
func (h *Hit) UnmarshalJSON(b []byte) error {
	var pair [2]string
	err := json.Unmarshal(b, &pair)
	*h = Hit{Reason: pair[0], Rule: pair[1]}
	return err
}

// Judge decides whether the profiles and all they extend allow an act, given the case
// and its earlier contacts. It reads no clock: it judges the act at a.At. An error is a
// *refusal.Error and means that the question is malformed; the act is not allowed then.
// Judge does not set NextAllowedAt; Decide does.
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
	d := Decision{Decision: Allow, All: sortHits(v.hits), Advisory: []string{},
		Presumptive: append([]string{}, v.presumptive...), Cite: []string{}, PolicyHash: m.p.hash}
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

// sortHits sorts hits by the policy's order of reasons and then by the rule's id, and removes repeated ones.
func sortHits(hits []Hit) []Hit {
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.Rule, b.Rule))
	})
	hits = slices.CompactFunc(hits, func(a, b Hit) bool { return a.priority == b.priority && a.Rule == b.Rule })
	if hits == nil {
		hits = []Hit{}
	}
	return hits
}
