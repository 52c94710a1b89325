package casework

import (
	"encoding/json"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Case is the state of a document of type "cases": one debtor's overdue account.
type Case struct {
	CaseRef     journal.CaseID   `json:"case_ref"`
	Branch      auth.BranchID    `json:"branch"`
	Lender      string           `json:"lender"`
	ProductType string           `json:"product_type,omitempty"`
	Profiles    []string         `json:"profiles"` // conduct profiles, in the order named
	Debtor      journal.DebtorID `json:"debtor_ref"`
	DebtorName  seal.Text        `json:"debtor_name,omitzero"`
	Language    string           `json:"language,omitempty"` // BCP 47
	Phone       seal.Text        `json:"phone,omitzero"`     // E.164
	// PhoneState is wrong_number when the number turned out to be somebody else's: it is not used again.
	PhoneState string `json:"phone_state,omitempty"`
	// PhoneVerifiedOn and AddressVerifiedOn are local dates, "2006-01-02".
	PhoneVerifiedOn   string     `json:"phone_verified_on,omitempty"`
	Address           seal.Text  `json:"address,omitzero"`
	PostalCode        string     `json:"postal_code,omitempty"`
	City              string     `json:"city,omitempty"`
	Country           string     `json:"country"`       // ISO 3166-1 alpha-2 or ISO 3166-2
	Home              seal.Point `json:"home,omitzero"` // WGS 84, whatever datum it came in
	Datum             string     `json:"datum,omitempty"`
	AddressVerifiedOn string     `json:"address_verified_on,omitempty"`
	// AddressVerification is what is known of the address (AddressVerifications); "" when nobody looked.
	AddressVerification string `json:"address_verification,omitempty"`
	// TimeZone is the debtor's IANA zone: rules are judged in it.
	TimeZone       string `json:"time_zone"`
	Currency       string `json:"currency"` // ISO 4217
	PrincipalMinor int64  `json:"principal_minor"`
	AmountDueMinor int64  `json:"amount_due_minor"`
	DueDate        string `json:"due_date"` // local date
	Priority       int    `json:"priority"`
	ServiceMin     int    `json:"service_min"` // minutes at the door
	// Territory is the territory the home lies in; "" when outside every one.
	Territory string `json:"territory"`
	// Agents are those who hold an open assignment of the case: who may see it on a phone.
	Agents []auth.UserID `json:"agents,omitempty"`
	// Team a supervisor gave the case to, whatever its territory; "" for none.
	Team string `json:"team,omitempty"`
	// TerritoryPinned says that a supervisor chose the territory; redrawing the map leaves it alone.
	TerritoryPinned bool     `json:"territory_pinned,omitempty"`
	Status          string   `json:"status"` // open, closed
	Closed          *Closing `json:"closed,omitempty"`
	Holds           []Hold   `json:"holds,omitempty"`
	Requests        Requests `json:"requests,omitzero"`
	// Facts are flags of conduct that are no holds: plan_offered, debtor_unreachable, home_unavailable, …
	Facts []Fact `json:"facts,omitempty"`
	// Appointments are times agreed with the debtor, called off ones included.
	Appointments []Appointment `json:"appointments,omitempty"`
	Notice       ConductNotes  `json:"notice,omitzero"`
	// LivePlan is the plan that suspends collection; "" for none.
	LivePlan string `json:"live_plan,omitempty"`
	// PaidMinor is what payments have brought since the import.
	PaidMinor int64 `json:"paid_minor,omitempty"`
	// ImportHash is a keyed hash of the import line the state came from: an unchanged line does nothing.
	ImportHash string `json:"import_hash,omitempty"`
	// Imported is what the lender last said of values that others change too.
	Imported Imported `json:"imported,omitzero"`
	// OpenedAt and UpdatedAt are instants in UTC.
	OpenedAt  time.Time `json:"opened_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Extra     Extra     `json:"extra,omitzero"` // unknown members of newer versions, kept
}

// Imported remembers the lender's last word on values that people and payments
// change as well. A later import changes such a value only if the lender's own
// word has changed, so that a corrected address survives tomorrow's file.
type Imported struct {
	Phone          string `json:"phone,omitempty"`   // keyed hash of the columns about the phone
	Address        string `json:"address,omitempty"` // keyed hash of the columns about the address
	Language       string `json:"language,omitempty"`
	TimeZone       string `json:"time_zone,omitempty"`
	ServiceMin     int    `json:"service_min,omitempty"`
	AmountDueMinor int64  `json:"amount_due_minor,omitempty"`
}

// Closing says why a case is closed.
type Closing struct {
	Reason string      `json:"reason"` // paid, recalled, written_off, settled, deceased, error
	At     time.Time   `json:"at"`
	By     auth.UserID `json:"by"`
}

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

// ConductNotes are the notices the debtor was sent, as the conduct decision reads them.
type ConductNotes struct {
	Visit  *SentNotice `json:"visit,omitempty"`
	Agency *SentNotice `json:"agency,omitempty"`
}

// IsZero tells whether no notice was sent.
func (n ConductNotes) IsZero() bool { return n.Visit == nil && n.Agency == nil }

// SentNotice is one notice sent to the debtor.
type SentNotice struct {
	SentAt   time.Time `json:"sent_at"`
	Form     string    `json:"form"` // letter, sms, email
	Contents []string  `json:"contents,omitempty"`
}

// Contact is the state of a document of type "contacts": one attempt to reach the debtor.
type Contact struct {
	Case    journal.CaseID   `json:"case"`
	Debtor  journal.DebtorID `json:"debtor"`
	Channel string           `json:"channel"` // visit, call, sms, im, email, letter_delivery
	At      time.Time        `json:"at"`
	Result  string           `json:"result"` // contact, answered, no_answer, delivered, sent, failed, …
	Party   string           `json:"party,omitempty"`
	// PartyRef tells several third parties apart; an opaque id, never a name.
	PartyRef string        `json:"party_ref,omitempty"`
	Number   string        `json:"number,omitempty"` // a keyed hash of the number, never the number
	External string        `json:"external_id,omitempty"`
	Visit    string        `json:"visit,omitempty"` // the visit this contact was
	Excluded bool          `json:"excluded,omitempty"`
	By       auth.UserID   `json:"by,omitempty"`
	Lender   string        `json:"lender,omitempty"`
	Branch   auth.BranchID `json:"branch"`
}

// Extra keeps members a newer version wrote.
type Extra map[string]json.RawMessage

// IsZero tells whether there is nothing to keep.
func (x Extra) IsZero() bool { return len(x) == 0 }
