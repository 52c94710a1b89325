package record

import (
	"doorstep/auth"
	"time"
)

// Hold keeps a case out of rounds until it ends, whatever the conduct profile
// says, and is a flag of the conduct decision.
type Hold struct {
	ID   string `json:"hold_id"`
	Kind string `json:"kind"` // a HoldKind's name
	// Since and Until are local dates; Until "" means until released. The hold ends after that date.
	Since    string      `json:"since,omitempty"`
	Until    string      `json:"until,omitempty"`
	By       auth.UserID `json:"by,omitempty"`
	At       time.Time   `json:"at"`
	Source   string      `json:"source,omitempty"` // import, visit:<id>, consent:<id>, supervisor, …
	Released *Release    `json:"released,omitempty"`
}

// Release ends a hold before its date.
type Release struct {
	At     time.Time   `json:"at"`
	By     auth.UserID `json:"by"`
	Reason string      `json:"reason"`
}

// Requests are what the person asked for: they bind every channel (CONDUCT.md "Requests").
type Requests struct {
	NoContactTimes []TimeSpan `json:"no_contact_times,omitempty"`
	NoPlaces       []string   `json:"no_places,omitempty"`
	NoChannels     []string   `json:"no_channels,omitempty"`
	OptOut         []string   `json:"opt_out,omitempty"`
}

// IsZero tells whether nothing was asked.
func (r Requests) IsZero() bool {
	return len(r.NoContactTimes) == 0 && len(r.NoPlaces) == 0 && len(r.NoChannels) == 0 && len(r.OptOut) == 0
}

// TimeSpan is a daily span of local wall time, "15:04"; From after To crosses midnight, equal is the whole day.
type TimeSpan struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Fact is a flag of the conduct decision that does not hold a case by itself.
type Fact struct {
	Kind  string    `json:"kind"`
	Since string    `json:"since,omitempty"`
	At    time.Time `json:"at"`
}

// OpenOn tells whether the hold binds on a local date ("2006-01-02") of the debtor.
func (h Hold) OpenOn(day string) bool {
	return h.Released == nil && h.Since <= day && (h.Until == "" || day <= h.Until)
}

// flagSpan is a flag of the conduct decision with the local dates between which it holds; "" leaves an end open.
type flagSpan struct {
	Since, Until string
}

// isDate tells whether a text is a date of the calendar, "2006-01-02".
func IsDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
