package record

import (
	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
	"encoding/json"
	"slices"
	"time"
)

// AppointmentsOn are the appointments that stand on a local date of the debtor, in the order they were made.
func (c *Case) AppointmentsOn(date string) []Appointment {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	var out []Appointment
	for _, a := range c.Appointments {
		if a.Cancelled == nil && a.From.In(zone).Format(time.DateOnly) == date {
			out = append(out, a)
		}
	}
	return out
}

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

// EachSealed names the personal parts of a case.
func (c *Case) EachSealed(fn func(field string, p seal.Part)) {
	fn("debtor_name", &c.DebtorName)
	fn("phone", &c.Phone)
	fn("address", &c.Address)
	fn("home", &c.Home)
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

// Extra keeps members a newer version wrote.
type Extra map[string]json.RawMessage

// IsZero tells whether there is nothing to keep.
func (x Extra) IsZero() bool { return len(x) == 0 }

// Statuses of a case.
const (
	StatusOpen   = "open"
	StatusClosed = "closed"
)

// OpenTo tells whether the case is in the actor's scope. The branch has been judged already.
func (c *Case) OpenTo(a auth.Actor) bool {
	switch a.Role {
	case auth.RoleLender:
		return a.Lender != "" && c.Lender == a.Lender
	case auth.RoleAgent:
		return slices.Contains(c.Agents, a.User)
	}
	return true
}

// OpenHolds are the holds that bind on a local date of the debtor. Any of them
// keeps the case out of rounds.
func (c *Case) OpenHolds(day string) []Hold {
	var open []Hold
	for _, h := range c.Holds {
		if h.OpenOn(day) {
			open = append(open, h)
		}
	}
	return open
}

// flagSpans are the conduct flags that holds and facts raise, as they stand on a
// local date. Holds that end before it are left out. Where several raise one flag,
// it ends with the last of them; it begins with the latest that has begun, so that
// a limit on its length counts from the newest reason, or else with the first to come.
func (c *Case) FlagSpans(day string) map[string]flagSpan {
	spans := map[string]flagSpan{}
	add := func(flag string, s flagSpan) {
		was, there := spans[flag]
		if !there {
			spans[flag] = s
			return
		}
		if was.Until == "" || s.Until == "" {
			was.Until = ""
		} else {
			was.Until = max(was.Until, s.Until)
		}
		switch {
		case was.Since <= day && s.Since <= day:
			was.Since = max(was.Since, s.Since)
		default:
			was.Since = min(was.Since, s.Since)
		}
		spans[flag] = was
	}
	for _, h := range c.Holds {
		if h.Released != nil || h.Until != "" && h.Until < day {
			continue
		}
		kind, ok := HoldKindNamed(h.Kind)
		if !ok {
			// A kind of a newer version: its own name is the flag, and a reader that does not know it stops anyway by house-hold.
			kind.Flags = []string{h.Kind}
		}
		for _, flag := range kind.Flags {
			add(flag, flagSpan{h.Since, h.Until})
		}
	}
	for _, fact := range c.Facts {
		add(fact.Kind, flagSpan{Since: fact.Since})
	}
	return spans
}

// HasFact tells whether a fact is known.
func (c *Case) HasFact(kind string) bool {
	for _, f := range c.Facts {
		if f.Kind == kind {
			return true
		}
	}
	return false
}
