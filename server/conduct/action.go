package conduct

import (
	"encoding/json"
	"slices"
)

// Action is the act to be judged: one attempt to reach a person, or an event during
// that attempt. Its words come from closed lists.
type Action struct {
	Channel string `json:"channel"` // how the person is to be reached
	At      When   `json:"at"`      // its start
	// TZ lists the IANA zones the debtor may be in, the likeliest first; if empty, the chain's default is used.
	TZ       []string `json:"tz,omitempty"`
	Place    string   `json:"place,omitempty"`     // where; a visit needs it
	Party    string   `json:"party,omitempty"`     // whom it reaches; without it, the debtor
	PartyRef string   `json:"party_ref,omitempty"` // an opaque id that identifies a third party
	Purpose  string   `json:"purpose,omitempty"`   // what it is for; without it, collect
	Agents   int      `json:"agents,omitempty"`    // how many go; without it, 1
	// Items are the papers that the agents carry.
	Items     []string `json:"items,omitempty"`
	Recording bool     `json:"recording,omitempty"` // whether the agents record sound or video
	By        string   `json:"by,omitempty"`        // who acts; without it, the agency
	// Case, Debt and Number say which contacts of the history a cap counts. They are opaque; "" is unknown
	// and matches every contact.
	Case        string   `json:"case,omitempty"`         // the case, for caps of a case; without it, every contact matches
	Debt        string   `json:"debt,omitempty"`         // the debt, for caps of a debt; without it, every contact matches
	Number      string   `json:"number,omitempty"`       // the number, for caps of a number; without it, every contact matches
	ContentTags []string `json:"content_tags,omitempty"` // what the message says: tags of the policy
	Event       string   `json:"event,omitempty"`        // an act during a visit; without it, the visit itself
	Onsite      Onsite   `json:"onsite,omitzero"`        // what is known at the door when an event is judged
	DurationMin int      `json:"duration_min,omitempty"` // how long it takes in minutes, 0 to 1440
}

// Onsite is what is known at the door when an event is judged.
type Onsite struct {
	AskedToLeave     bool `json:"asked_to_leave,omitempty"`    // the person asked the agents to leave
	Distressed       bool `json:"distressed,omitempty"`        // the person is distressed
	IdentityVerified bool `json:"identity_verified,omitempty"` // the agents know that the person is the debtor
}

// Case holds the facts about the case that a decision needs.
type Case struct {
	PastDueDays *int            `json:"past_due_days,omitempty"` // how many days the debt is overdue; without it, unknown
	Flags       map[string]Flag `json:"flags,omitempty"`         // facts, by their names: flags of the policy
	Requests    Requests        `json:"requests,omitzero"`       // what the person asked for
	Consents    []Consent       `json:"consents,omitempty"`      // what the person allowed
	Notice      Notices         `json:"notice,omitzero"`         // the announcements that were sent
}

// Flag is a fact about the case. The zero Flag is set, without a start or an end; in JSON it is true, never {}.
type Flag struct {
	// Off says that the flag is not set; in JSON the flag is false.
	Off bool
	// Since and Until are local dates ("2006-01-02"), both included; "" means no start or no end.
	Since, Until string
}

// MarshalJSON writes true, false, or an object with the dates.
func (f Flag) MarshalJSON() ([]byte, error) {
	if f.Since == "" && f.Until == "" {
		return json.Marshal(!f.Off)
	}
	return json.Marshal(struct {
		Since string `json:"since,omitempty"`
		Until string `json:"until,omitempty"`
	}{f.Since, f.Until})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Flag) UnmarshalJSON(b []byte) error {
	return unmarshal(b, func(p *problems, v any) { *f = readFlag(p, "", v) })
}

// Requests are what the person asked for.
type Requests struct {
	NoContactTimes []Span   `json:"no_contact_times,omitempty"` // daily, in the debtor's local time
	NoPlaces       []string `json:"no_places,omitempty"`        // where the person does not want to be met
	NoChannels     []string `json:"no_channels,omitempty"`      // how the person does not want to be reached
	OptOut         []OptOut `json:"opt_out,omitempty"`          // channels, or numbers of a channel
}

// Span is a daily span of wall time, "15:04", half open. If From is after To the span crosses midnight;
// if they are equal it is the whole day.
type Span struct{ From, To string }

// MarshalJSON writes the pair [From, To].
func (s Span) MarshalJSON() ([]byte, error) { return json.Marshal([2]string{s.From, s.To}) }

// UnmarshalJSON reads the pair [From, To].
func (s *Span) UnmarshalJSON(b []byte) error {
	return unmarshal(b, func(p *problems, v any) { *s = readSpan(p, "", v) })
}

// OptOut is a channel by which the person does not want to be reached; Number "" means every number.
type OptOut struct{ Channel, Number string }

// MarshalJSON writes the channel alone if Number is "", or else an object with both.
func (o OptOut) MarshalJSON() ([]byte, error) {
	if o.Number == "" {
		return json.Marshal(o.Channel)
	}
	return json.Marshal(map[string]string{"channel": o.Channel, "number": o.Number})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (o *OptOut) UnmarshalJSON(b []byte) error {
	return unmarshal(b, func(p *problems, v any) { *o = readOptOut(p, "", v) })
}

// Consent lifts the rules that name its scope, from GivenAt until the earlier of
// ExpiresAt and RevokedAt; at that instant it no longer does.
type Consent struct {
	Scope   string `json:"scope"`    // what the person allowed: a scope of the policy
	GivenAt When   `json:"given_at"` // when the person gave it
	// ValidFrom is when it begins to lift, if that is later than when it was given.
	ValidFrom When `json:"valid_from,omitzero"`
	ExpiresAt When `json:"expires_at,omitzero"` // when it ends by itself; without it, it does not
	RevokedAt When `json:"revoked_at,omitzero"` // when the person took it back; without it, it stands
}

// Notices are the announcements the debtor was sent before the contact; nil means none.
type Notices struct {
	Visit  *Notice `json:"visit,omitempty"`  // that a visit is to come
	Agency *Notice `json:"agency,omitempty"` // that the agency acts for the lender
}

// Notice is one announcement sent.
type Notice struct {
	SentAt   When     `json:"sent_at,omitzero"`   // when it was sent; without it, unknown
	Form     string   `json:"form,omitempty"`     // how it was sent
	Contents []string `json:"contents,omitempty"` // what it says, free words: one that no rule asks for has no effect
}

// HistoryEntry is one earlier contact. The caller must not put the act being judged into its own history.
type HistoryEntry struct {
	Channel  string `json:"channel"`             // how the person was to be reached
	At       When   `json:"at"`                  // its start
	Result   string `json:"result,omitempty"`    // how it ended; left out only with an event
	Party    string `json:"party,omitempty"`     // whom it was meant for; without it, the debtor
	PartyRef string `json:"party_ref,omitempty"` // an opaque id that identifies a third party
	Place    string `json:"place,omitempty"`     // where
	Purpose  string `json:"purpose,omitempty"`   // what it was for
	Case     string `json:"case,omitempty"`      // the case it belongs to; without it, it matches every case
	Debt     string `json:"debt,omitempty"`      // the debt it belongs to; without it, it matches every debt
	Number   string `json:"number,omitempty"`    // the number that was used; without it, it matches every number
	Event    string `json:"event,omitempty"`     // an act during a visit; no rule counts an entry with one
	Excluded bool   `json:"excluded,omitempty"`  // no rule counts an excluded entry
}

// Request is one question: the profiles, the act, the case and its history. The endpoint
// POST /v1/conduct/decisions takes it as its body.
type Request struct {
	Profiles []string       `json:"profiles"` // the conduct profiles of the case, such as house-visit
	Action   Action         `json:"action"`   // the act to be judged
	Case     Case           `json:"case"`     // what is known of the case
	History  []HistoryEntry `json:"history"`  // the contacts before it, in any order, at most 10,000
}

// has tells whether a list holds a word.
func has(list []string, word string) bool { return slices.Contains(list, word) }
