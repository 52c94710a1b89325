package record

import (
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Case is the state of a document of type "cases": one debtor's overdue account.
// What an agent may see of it is the case card: what is needed at the door, nothing more.
type Case struct {
	// ID is "<lender>.<case_ref>": it names the case everywhere. Phones have it as the id of the change.
	ID          journal.CaseID   `json:"id" is:"id" see:"office,lender,auditor"`
	CaseRef     string           `json:"case_ref" is:"id" see:"all"` // as the lender calls the case
	Branch      auth.BranchID    `json:"branch" is:"server" see:"office,lender"`
	Lender      string           `json:"lender" is:"id" see:"all"`
	ProductType string           `json:"product_type,omitempty" is:"id" see:"all"`
	Profiles    []string         `json:"profiles" is:"id" see:"all"`   // conduct profiles, in the order named
	Debtor      journal.DebtorID `json:"debtor" is:"id" see:"all"`     // "<lender>.<debtor_ref>": it names the debtor everywhere
	DebtorRef   string           `json:"debtor_ref" is:"id" see:"all"` // as the lender calls the debtor
	DebtorName  seal.Text        `json:"debtor_name,omitzero" most:"200" see:"office,agent,lender"`
	Language    string           `json:"language,omitempty" is:"language" see:"all"`
	Phone       seal.Text        `json:"phone,omitzero" most:"32" see:"office,agent,lender"` // E.164
	// PhoneState is wrong_number when the number turned out to be another person's: it is not used again.
	PhoneState string `json:"phone_state,omitempty" is:"server" see:"office,agent,lender"`
	// NumberStops are numbers that the case is not contacted by any more, whatever the lender sends later.
	NumberStops Personal[[]NumberStop] `json:"number_stops,omitzero" see:"office"`
	// PageLinks are the links to the page of the person visited that were issued for the case.
	PageLinks Personal[[]PageLink] `json:"page_links,omitzero" see:"office"`
	// PhoneVerifiedOn and AddressVerifiedOn are local dates, "2006-01-02".
	PhoneVerifiedOn   string     `json:"phone_verified_on,omitempty" is:"date" see:"office,lender"`
	Address           seal.Text  `json:"address,omitzero" most:"500" see:"office,agent,lender"`
	PostalCode        seal.Text  `json:"postal_code,omitzero" most:"20" see:"office,agent,lender"`
	City              seal.Text  `json:"city,omitzero" most:"100" see:"office,agent,lender"`
	Country           string     `json:"country" is:"country" see:"all"` // ISO 3166-1 alpha-2 or ISO 3166-2
	Home              seal.Point `json:"home,omitzero" see:"office,agent,lender"`
	Datum             string     `json:"datum,omitempty" is:"datums" see:"office"`
	AddressVerifiedOn string     `json:"address_verified_on,omitempty" is:"date" see:"office,lender"`
	// AddressVerification is what is known of the address; "" when it was never looked at.
	AddressVerification string `json:"address_verification,omitempty" is:"address_verifications" see:"all"`
	// Confirmed is the last time that somebody confirmed the address and the contact, or tried to; nil for never.
	Confirmed *CaseConfirmed `json:"confirmed,omitempty" see:"office"`
	// TimeZone is the debtor's IANA zone: rules are judged in it.
	TimeZone string `json:"time_zone" is:"zone" see:"all"`
	// HomeTimeZone is the zone in which the home lies, if its clock shows another time than TimeZone's: what is
	// planned must be lawful by both. "" else.
	HomeTimeZone   string `json:"home_time_zone,omitempty" is:"server" see:"all"`
	Currency       string `json:"currency" is:"currency" see:"all"`
	PrincipalMinor int64  `json:"principal_minor" see:"office,lender"`
	AmountDueMinor int64  `json:"amount_due_minor" see:"office,agent,lender"`
	DueDate        string `json:"due_date" is:"date" see:"office,agent,lender"` // local date
	Priority       int    `json:"priority" see:"office,agent,lender"`
	ServiceMin     int    `json:"service_min" see:"office,agent,lender"` // minutes at the door
	// Territory is the territory the home lies in; "" when outside every one.
	Territory string `json:"territory" is:"server" see:"office,agent"`
	// Agents are those who hold an open assignment of the case: who may see it on a phone.
	Agents []auth.UserID `json:"agents,omitempty" is:"server" see:"office"`
	// Team a supervisor gave the case to, whatever its territory; "" for none.
	Team string `json:"team,omitempty" is:"server" see:"office"`
	// TerritoryPinned says that a supervisor chose the territory; redrawing the map leaves it alone.
	TerritoryPinned bool `json:"territory_pinned,omitempty" see:"office"`
	// Declined are agents who declined to visit the case; DeclinedNow is 1 while one of them stands, for the index.
	Declined    []Decline `json:"declined,omitempty" see:"office"`
	DeclinedNow int       `json:"declined_now,omitempty" see:"none"`
	Status      string    `json:"status" is:"server" see:"all"` // open, closed, moved
	Closed      *Closing  `json:"closed,omitempty" see:"office,lender"`
	// Moved is of a case that has left the branch, or was in another one before.
	Moved    *CaseMove        `json:"moved,omitempty" see:"office"`
	Holds    Personal[[]Hold] `json:"holds,omitzero" see:"office,agent"`
	Requests Requests         `json:"requests,omitzero" see:"office,agent"`
	// UnsafeNote warns those who go there of the address; it ends by itself, and no lender ever sees it.
	UnsafeNote Personal[UnsafeNote] `json:"unsafe_note,omitzero" see:"office,agent" doc:"A warning to those who go to the address; it ends by itself, and no lender sees it."`
	// Facts are flags of conduct that are no holds: plan_offered, debtor_unreachable, home_unavailable, …
	Facts []Fact `json:"facts,omitempty" see:"office,agent"`
	// Appointments are times agreed with the debtor, called off ones included.
	Appointments Personal[[]Appointment] `json:"appointments,omitzero" see:"office,agent,lender"`
	Notice       ConductNotes            `json:"notice,omitzero" see:"office"`
	// LivePlan is the plan that suspends collection; "" for none.
	LivePlan string `json:"live_plan,omitempty" is:"server" see:"all"`
	// PaidMinor is what payments have brought since the import, less reversals.
	PaidMinor int64 `json:"paid_minor,omitempty" see:"office,lender"`
	// PaymentCount is how many payments, reversals included, were recorded for the case.
	PaymentCount int `json:"payment_count,omitempty" see:"none"`
	// NetOn is the debtor's local date on which the lender last gave an amount due that was
	// net of payments: payments of earlier dates are in it. "" for never.
	NetOn string `json:"net_on,omitempty" is:"date" see:"office,lender"`
	// Imported is the import line that the lender sent last: an unchanged line does nothing, and a
	// corrected value survives a line that still says the old one. It repeats the person's data, so it is sealed.
	Imported Personal[CaseLine] `json:"imported,omitzero" see:"none"`
	// Import is the import that wrote the case last; nil for one of another branch.
	Import *Imported `json:"import,omitempty" see:"none"`
	// OpenedAt and UpdatedAt are instants in UTC.
	OpenedAt  time.Time `json:"opened_at" see:"office,lender"`
	UpdatedAt time.Time `json:"updated_at" see:"office,lender"`
}

// Zones are the zones in which rules are judged, the debtor's own first; none if it is not known.
func (c *Case) Zones() []string {
	var out []string
	for _, zone := range []string{c.TimeZone, c.HomeTimeZone} {
		if zone != "" {
			out = append(out, zone)
		}
	}
	return out
}

// UnsafeNote is a warning about an address.
type UnsafeNote struct {
	Text  string      `json:"text" is:"text"`  // what those who go there must know
	Until string      `json:"until" is:"date"` // the last local date on which it is shown
	By    auth.UserID `json:"by" is:"server"`
	At    time.Time   `json:"at"`
}

// DropUnsafeNote leaves out a warning whose time is over on a local date. The case must be open.
func (c *Case) DropUnsafeNote(today string) {
	if !c.UnsafeNote.IsZero() && !c.UnsafeNote.IsErased() && c.UnsafeNote.Plain().Until < today {
		c.UnsafeNote = Personal[UnsafeNote]{}
	}
}

// CaseConfirmed says what came of confirming where the debtor lives and how to reach them, before anybody is sent.
type CaseConfirmed struct {
	On     string      `json:"on" is:"date"`   // the debtor's local date
	At     time.Time   `json:"at"`             // when it was confirmed, or tried
	By     auth.UserID `json:"by" is:"server"` // the user who wrote it down
	Method string      `json:"method" is:"confirm_methods"`
	// Address is what is known of the address now, and Contact what came of the number; "" for what was not asked.
	Address string `json:"address,omitempty" is:"address_verifications"`
	Contact string `json:"contact,omitempty" is:"contact_outcomes"`
}

// Outcomes of confirming a number.
const (
	ContactConfirmed = "confirmed"    // it is the debtor's
	ContactWrong     = "wrong_number" // it is another person's
	ContactNoAnswer  = "no_answer"
	ContactRefused   = "refused" // the person did not want to say
)

// Statuses of a case.
const (
	StatusOpen   = "open"
	StatusClosed = "closed"
)

// OpenTo tells whether the case is in the actor's scope, by the rule of the role. The branch has been judged already.
func (c *Case) OpenTo(a auth.Actor) bool {
	switch a.Role.Rule().Cases {
	case auth.AllCases:
		return true
	case auth.LendersCases:
		return a.Lender != "" && c.Lender == a.Lender
	case auth.AssignedCases:
		return slices.Contains(c.Agents, a.User)
	}
	return false
}

// HasFact tells whether a fact is known.
func (c *Case) HasFact(kind string) bool {
	return slices.ContainsFunc(c.Facts, func(f Fact) bool { return f.Kind == kind })
}

// Closing says why a case is closed.
type Closing struct {
	Reason string      `json:"reason" is:"server"` // one of closing_reasons, or erased
	At     time.Time   `json:"at"`
	By     auth.UserID `json:"by" is:"server"`
}

// Requests are what the person asked for: they bind every channel (server/conduct/README.md).
type Requests struct {
	NoContactTimes []TimeSpan `json:"no_contact_times,omitempty"`
	NoPlaces       []string   `json:"no_places,omitempty" is:"server"`
	NoChannels     []string   `json:"no_channels,omitempty" is:"server"`
	OptOut         []string   `json:"opt_out,omitempty" is:"server"`
}

// IsZero tells whether nothing was asked.
func (r Requests) IsZero() bool {
	return len(r.NoContactTimes) == 0 && len(r.NoPlaces) == 0 && len(r.NoChannels) == 0 && len(r.OptOut) == 0
}

// NumberStop is a number that is not used any more on a channel: since the person opted out, or since it is another
// person's.
type NumberStop struct {
	Number  string    `json:"number" is:"text"`    // E.164
	Channel string    `json:"channel" is:"server"` // "" for all
	Kind    string    `json:"kind" is:"server"`    // opt_out or wrong_number
	At      time.Time `json:"at"`
	Source  string    `json:"source" is:"server"` // reply:<id>
}

// Kinds of a stop of a number.
const (
	StopOptOut      = "opt_out"
	StopWrongNumber = "wrong_number"
)

// StopOf is the stop of a number on a channel; nil for none. The case must be open.
func (c *Case) StopOf(number, channel string) *NumberStop {
	for _, s := range c.NumberStops.Plain() {
		if s.Number == number && (s.Channel == "" || s.Channel == channel) {
			return &s
		}
	}
	return nil
}

// TimeSpan is a daily span of local wall time, "15:04"; From after To crosses midnight, equal is the whole day.
type TimeSpan struct {
	From string `json:"from" is:"clock"`
	To   string `json:"to" is:"clock"`
}

// Fact is a flag of the conduct decision that does not hold a case by itself.
type Fact struct {
	Kind  string    `json:"kind" is:"fact_kinds"`
	Since string    `json:"since,omitempty" is:"date"`
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
	Form     string    `json:"form" is:"server"` // letter, sms, email
	Contents []string  `json:"contents,omitempty" is:"server"`
}
