package conduct

import (
	"encoding/json"
	"slices"
)

// Action is the act to be judged: one attempt to reach a person, or an event during
// that attempt. Its words come from closed lists.
type Action struct {
	Channel string `json:"channel"`
	At      When   `json:"at"` // its start
	// TZ lists the IANA zones the debtor may be in, the likeliest first; if empty, the chain's default is used.
	TZ       []string `json:"tz,omitempty"`
	Place    string   `json:"place,omitempty"`     // a visit needs it
	Party    string   `json:"party,omitempty"`     // "" is debtor
	PartyRef string   `json:"party_ref,omitempty"` // an opaque id that identifies a third party
	Purpose  string   `json:"purpose,omitempty"`   // "" is collect
	Agents   int      `json:"agents,omitempty"`    // how many go; 0 is 1
	// Items are the papers the agents carry, words of Papers.
	Items     []string `json:"items,omitempty"`
	Recording bool     `json:"recording,omitempty"`
	By        string   `json:"by,omitempty"` // "" is agency
	// Case, Debt and Number say which contacts of the history a cap counts. They are opaque; "" is unknown
	// and matches every contact.
	Case        string   `json:"case,omitempty"`
	Debt        string   `json:"debt,omitempty"`
	Number      string   `json:"number,omitempty"`
	ContentTags []string `json:"content_tags,omitempty"`
	Event       string   `json:"event,omitempty"`
	Onsite      Onsite   `json:"onsite,omitzero"`
	DurationMin int      `json:"duration_min,omitempty"` // 0 to 1440
}

// Onsite is what is known at the door when an event is judged.
type Onsite struct {
	AskedToLeave     bool `json:"asked_to_leave,omitempty"`
	Distressed       bool `json:"distressed,omitempty"`
	IdentityVerified bool `json:"identity_verified,omitempty"`
}

// Case holds the facts about the case that a decision needs.
type Case struct {
	PastDueDays *int            `json:"past_due_days,omitempty"` // nil is unknown
	Flags       map[string]Flag `json:"flags,omitempty"`
	Requests    Requests        `json:"requests,omitzero"`
	Consents    []Consent       `json:"consents,omitempty"`
	Notice      Notices         `json:"notice,omitzero"`
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
	NoContactTimes []Span   `json:"no_contact_times,omitempty"`
	NoPlaces       []string `json:"no_places,omitempty"`
	NoChannels     []string `json:"no_channels,omitempty"`
	OptOut         []OptOut `json:"opt_out,omitempty"`
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
	Scope   string `json:"scope"`
	GivenAt When   `json:"given_at"`
	// ValidFrom is when it begins to lift, if that is later than when it was given.
	ValidFrom When `json:"valid_from,omitzero"`
	ExpiresAt When `json:"expires_at,omitzero"`
	RevokedAt When `json:"revoked_at,omitzero"`
}

// Notices are the announcements the debtor was sent before the contact; nil means none.
type Notices struct {
	Visit  *Notice `json:"visit,omitempty"`
	Agency *Notice `json:"agency,omitempty"`
}

// Notice is one announcement sent.
type Notice struct {
	SentAt   When     `json:"sent_at,omitzero"`
	Form     string   `json:"form,omitempty"` // letter, sms, email
	Contents []string `json:"contents,omitempty"`
}

// HistoryEntry is one earlier contact. The caller must not put the act being judged into its own history.
type HistoryEntry struct {
	Channel  string `json:"channel"`
	At       When   `json:"at"`
	Result   string `json:"result,omitempty"` // "" only with an event
	Party    string `json:"party,omitempty"`  // "" is debtor
	PartyRef string `json:"party_ref,omitempty"`
	Place    string `json:"place,omitempty"`
	Purpose  string `json:"purpose,omitempty"`
	Case     string `json:"case,omitempty"`
	Debt     string `json:"debt,omitempty"`
	Number   string `json:"number,omitempty"`
	Event    string `json:"event,omitempty"`    // no rule counts an entry with an event
	Excluded bool   `json:"excluded,omitempty"` // no rule counts an excluded entry
}

// Request is one question: the profiles, the act, the case and its history. The endpoint
// POST /v1/conduct/decisions takes it as its body.
type Request struct {
	Profiles []string       `json:"profiles"`
	Action   Action         `json:"action"`
	Case     Case           `json:"case"`
	History  []HistoryEntry `json:"history"`
}

// has tells whether a list holds a word.
func has(list []string, word string) bool { return slices.Contains(list, word) }
