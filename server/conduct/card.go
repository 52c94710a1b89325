package conduct

import "slices"

// Card is what a phone must know of a case to judge visits to it offline: with a Bundle of the same policy, and an act,
// it makes a Request. It holds codes, dates and instants, and nothing that says who the debtor is. What it says holds
// from AsOf on, on the local dates from From to To. An engine that meets a member it does not know cannot tell.
type Card struct {
	Semantics  int    `json:"semantics"`   // the version of what the members mean
	PolicyHash string `json:"policy_hash"` // of the policy whose rules said what belongs on the card
	AsOf       When   `json:"as_of"`       // when the card was made
	From       string `json:"from"`        // the local date on which it was made
	To         string `json:"to"`          // the last local date for which its flags hold as they stand
	// Profiles are those of the case and the overlays of its open stops.
	Profiles []string `json:"profiles"`
	TZ       []string `json:"tz,omitempty"` // IANA zones, the debtor's own first; the rules must hold in each
	// PastDueDays is how many days the debt is overdue on From; it grows by one each day.
	PastDueDays *int            `json:"past_due_days,omitempty"`
	Flags       map[string]Flag `json:"flags,omitempty"`   // facts, by their names
	Requests    Requests        `json:"requests,omitzero"` // what the person asked for
	Consents    []CardConsent   `json:"consents,omitempty"`
	Notice      Notices         `json:"notice,omitzero"` // the announcements that were sent
	// Holds are the dates on which nobody may visit, whatever the profiles say (rule house-hold). The flag
	// plan_performing forbids visits to collect in the same way (house-plan).
	Holds []CardHold `json:"holds,omitempty"`
	// History are the contacts of this case that the rules may count.
	History []HistoryEntry `json:"history,omitempty"`
	// Elsewhere says of contacts of other cases only when they were.
	Elsewhere []Elsewhere `json:"elsewhere,omitempty"`
}

// CardConsent is a Consent on a Card.
type CardConsent struct {
	Scope     string `json:"scope"`               // what the person allowed: a scope of the policy
	GivenAt   When   `json:"given_at"`            // when the person gave it
	ValidFrom When   `json:"valid_from,omitzero"` // when it begins to lift, if that is later than when it was given
	ExpiresAt When   `json:"expires_at,omitzero"` // when it ends by itself; without it, it does not
	RevokedAt When   `json:"revoked_at,omitzero"` // when the person took it back; without it, it stands
	// UsesLeft is how many contacts more it lasts; absent: as many as there are.
	UsesLeft *int `json:"uses_left,omitempty"`
}

// CardHold is a span of local dates, both included.
type CardHold struct {
	Since string `json:"since,omitempty"` // its first local date; absent: it has no start
	Until string `json:"until,omitempty"` // its last local date; absent: it has no end
}

// Keep returns the contacts of one case that a decision at an instant and later can rest on: those since the look-back
// began and, of older ones, the earliest that rules count for ever; reached is Lookback.Reached by party. Excluded
// contacts and numbers are not among them.
func (l Lookback) Keep(at When, history []HistoryEntry, reached map[string]int) []HistoryEntry {
	sorted := slices.DeleteFunc(slices.Clone(history), func(e HistoryEntry) bool { return !e.counts() })
	slices.SortStableFunc(sorted, func(a, b HistoryEntry) int { return int(a.At.sec - b.At.sec) })
	tried, met := map[string]int{}, map[string]int{}
	var out []HistoryEntry
	for _, e := range sorted {
		party := e.Party
		if party == "" {
			party = parties[partyDebtor]
		}
		keep := e.At.sec >= at.sec-int64(l.Since.Seconds())
		if e.Tried() && tried[e.Channel] < l.Tried[e.Channel] {
			tried[e.Channel]++
			keep = true
		}
		if e.Reached() && met[party] < reached[party] {
			met[party]++
			keep = true
		}
		if keep {
			e.Number, e.PartyRef = "", ""
			out = append(out, e)
		}
	}
	return out
}
