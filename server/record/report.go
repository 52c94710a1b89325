package record

import (
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// About is what every report but a visit's begins with: which case, when, and
// which earlier record it corrects.
type About struct {
	Case journal.CaseID `json:"case" is:"id" see:"all"`
	// Visit is the visit it belongs to; "" for none.
	Visit string `json:"visit,omitempty" is:"id" see:"all"`
	// At is when it happened, as the device says.
	At         time.Time `json:"at" see:"all"`
	Supersedes string    `json:"supersedes,omitempty" is:"id" see:"all"`
}

// skewAllowed is how far ahead of the server's clock a phone's time may lie and still be taken.
const skewAllowed = 7 * 24 * time.Hour

func (a *About) check(now time.Time) *refusal.Error {
	if a.Case == "" {
		return invalid("validation.case", "case", "say which case it belongs to")
	}
	if a.At.IsZero() || IsAhead(a.At, now) {
		return invalid("validation.at", "at", "say when it happened, as RFC 3339 with an offset")
	}
	return nil
}

// Taken is what the server adds to whatever a phone records.
type Taken struct {
	Debtor journal.DebtorID `json:"debtor" is:"server" see:"all"`
	// By is the user who recorded it, Device the phone it came from; "" for the office.
	By     auth.UserID   `json:"by" is:"server" see:"office,agent"`
	Device auth.DeviceID `json:"device,omitempty" is:"server" see:"office"`
	// SkewS is the device's clock against the server's at receipt, in seconds.
	SkewS int64 `json:"skew_s,omitempty" see:"office"`
	// Flags are what the server found when it took the record in: unlawful, late_stop,
	// clock_skew, after_revocation, after_day, second_visit, no_assignment, …
	Flags []string `json:"flags,omitempty" is:"server" see:"office,agent"`
	// More are the members a newer app sent, as one JSON object, apart from those that
	// are known here. They are sealed: what they say cannot be known.
	More seal.JSON `json:"more,omitzero" most:"16384" see:"office,agent"`
	// Said is the SHA-256 of what the phone sent, in canonical form and hexadecimal digits:
	// the same record under a new mid is known by it. It is sealed, since a hash of personal
	// data tells whoever can guess the data.
	Said seal.Text `json:"said,omitzero" most:"64" see:"none"`
}

// Take stamps who recorded it, on which phone, and how wrong that phone's clock was, in seconds.
func (t *Taken) Take(debtor journal.DebtorID, by auth.UserID, device auth.DeviceID, skewS int64) {
	t.Debtor, t.By, t.Device, t.SkewS, t.Flags = debtor, by, device, skewS, SkewFlags(skewS)
}

// taken gives the part of a state that the server adds.
func (t *Taken) taken() *Taken { return t }

// skewFlag is the difference to the server's clock, in seconds, from which a phone's clock is called wrong.
const skewFlag = 5 * 60

// SkewFlags are the flags of a record that a phone with a wrong clock sent.
func SkewFlags(skewS int64) []string {
	if skewS > skewFlag || skewS < -skewFlag {
		return []string{"clock_skew"}
	}
	return nil
}

// CaseOf is the case the record belongs to.
func (a *About) CaseOf() journal.CaseID { return a.Case }

// IsAhead tells whether an instant lies ahead of the server's clock by more than phones' clocks may be wrong.
func IsAhead(at, now time.Time) bool { return at.After(now.Add(skewAllowed)) }
