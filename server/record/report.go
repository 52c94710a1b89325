package record

import (
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// About is what every report but a visit's begins with: which case, when, and
// which earlier record it corrects.
type About struct {
	Case journal.CaseID `json:"case" is:"id" see:"all" need:"say which case it belongs to"`
	// Visit is the visit it belongs to; "" for none.
	Visit string `json:"visit,omitempty" is:"id" see:"all"`
	// At is when it happened: a phone says it by its own clock; what is kept is corrected (claimed_at has the phone's).
	At time.Time `json:"at" see:"all" need:"say when it happened, as RFC 3339 with an offset"`
	// Supersedes is the record that this one corrects; "" for none.
	Supersedes string `json:"supersedes,omitempty" is:"id" see:"all"`
}

// Taken is what the server adds to whatever a phone records.
type Taken struct {
	Debtor journal.DebtorID `json:"debtor" is:"server" see:"all"`
	// By is the user who recorded it.
	By auth.UserID `json:"by" is:"server" see:"office,agent"`
	// Device is the phone it came from; "" for the office.
	Device auth.DeviceID `json:"device,omitempty" is:"server" see:"office"`
	// Source is office for what a user of the office recorded; "" for what came from a phone.
	Source string `json:"source,omitempty" is:"server" see:"office,agent"`
	// SkewS is the device's clock against the server's at receipt, in seconds.
	SkewS int64 `json:"skew_s,omitempty" see:"office"`
	// ReceivedAt is when it came, by the server's clock.
	ReceivedAt time.Time `json:"received_at,omitzero" see:"office,agent,lender"`
	// RecordedAt is when it was written down, by the server's clock.
	RecordedAt time.Time `json:"recorded_at,omitzero" see:"office,agent"`
	// ClaimedAt is the time that the phone said, where at is another: at is less the phone's
	// skew and never after the receipt.
	ClaimedAt time.Time `json:"claimed_at,omitzero" see:"office,agent,lender"`
	// Flags are what the server found when it took the record in: unlawful, late_stop,
	// clock_skew, in_future, backdated, sent_again, after_revocation, after_day, second_visit, no_assignment,
	// unknown_record (it names a record that the case does not have), …
	Flags []string `json:"flags,omitempty" is:"server" see:"office,agent"`
	// More are the members a newer app sent, as one JSON object, apart from those that
	// are known here. They are sealed: what they say cannot be known.
	More seal.JSON `json:"more,omitzero" most:"16384" see:"office,agent"`
	// Said is the SHA-256 of what the phone sent, in canonical form and hexadecimal digits:
	// the same record under a new mid is known by it. It is sealed, since a hash of personal
	// data tells whoever can guess the data.
	Said seal.Text `json:"said,omitzero" most:"64" see:"none"`
	// Admitted says who accepted the report from the quarantine, and what they corrected; nil
	// for one that was taken in as it came.
	Admitted *Admission `json:"admitted,omitempty" see:"office,agent"`
	MovedIn
}

// Take stamps how a report came, and corrects the instant at which it happened, at. A zero
// at becomes that of receipt. It gives by how much it moved at, which is what other times of
// the same clock are to be moved by.
func (t *Taken) Take(debtor journal.DebtorID, s Sent, at *time.Time) time.Duration {
	t.Debtor, t.By, t.Device, t.SkewS = debtor, s.By, s.Device, s.SkewS
	if s.Device == "" {
		t.Source = SourceOffice
	}
	t.ReceivedAt, t.RecordedAt, t.ClaimedAt = WholeUTC(s.Received), s.Recorded(), time.Time{}
	if at.IsZero() {
		*at = t.RecordedAt
	}
	t.Admitted = s.Admitted
	if s.MendedAt {
		return t.mend(s, *at)
	}
	claimed := WholeUTC(*at)
	if *at, t.Flags = s.Instant(*at); !claimed.Equal(*at) {
		t.ClaimedAt = claimed
	}
	if s.Corrected() != nil {
		t.Flags = append(t.Flags, FlagMended)
	}
	return at.Sub(claimed)
}

// TakenOf is what the server added to a record that phones write, a pointer into its state; nil for a record of
// another kind.
func TakenOf(state any) *Taken {
	t, is := state.(interface{ taken() *Taken })
	if !is {
		return nil
	}
	return t.taken()
}

// SourceOffice is the source of a record that a user of the office made.
const SourceOffice = "office"

// SourceHouse says that a value is Doorstep's own, where no law and no user gives one.
const SourceHouse = "house"

// FlagBackdated is the flag of a report of what happened long before it came.
const FlagBackdated = "backdated"

// FlagMended is the flag of a report some members of which the office corrected.
const FlagMended = "corrected_by_office"

// mend stamps a report whose time the office corrected, by the server's clock. The phone's other
// times are as wrong as the one that was corrected.
func (t *Taken) mend(s Sent, at time.Time) time.Duration {
	t.Flags = append(SkewFlags(s.SkewS), FlagMended)
	if s.Received.Sub(at) > LateWindow {
		t.Flags = append(t.Flags, FlagBackdated)
	}
	if s.Claimed.IsZero() {
		return s.corrected(at).Sub(at)
	}
	if InYears(s.Claimed) {
		t.ClaimedAt = WholeUTC(s.Claimed)
	}
	return at.Sub(s.Claimed)
}

// Flag adds a flag.
func (t *Taken) Flag(flag string) {
	if !slices.Contains(t.Flags, flag) {
		t.Flags = append(t.Flags, flag)
	}
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

// Corrects is the record of the same kind that it supersedes; "" for none.
func (a *About) Corrects() string { return a.Supersedes }

// Happened is where it stands when it happened.
func (a *About) Happened() *time.Time { return &a.At }
