package record

import (
	"encoding/json"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Visit is the state of a document of type "visits": what happened at the door.
// It is written once; a correction is a new visit that supersedes it.
type Visit struct {
	VisitReport
	VisitFound
}

// VisitReport is what the phone says of a visit.
type VisitReport struct {
	Case       journal.CaseID `json:"case" is:"id" see:"all" need:"say which case was visited"`
	Assignment string         `json:"assignment,omitempty" is:"id" see:"office,agent"`
	// At is when the visit began, as the device says. A visit without it began at its check-in;
	// one of the two must be given.
	At time.Time `json:"at" see:"all"`
	// Debts are those of the case, where caps count by debt.
	Debts []string `json:"debt_ids,omitempty" is:"id" see:"office,agent,lender"`
	// NoticeRef names the notice that announced the visit.
	NoticeRef string       `json:"notice_ref,omitempty" is:"id" see:"office,agent"`
	Agents    []VisitAgent `json:"agents" most:"10" see:"office,agent"`
	Purpose   string       `json:"purpose,omitempty" is:"visit_purposes" see:"all"`
	Place     string       `json:"place,omitempty" is:"visit_places" see:"all"`
	// Address is the id of the address that was visited, where the case has several; never the address.
	Address string `json:"address_id,omitempty" is:"id" see:"office,agent"`
	// DoorDecision is the phone's own conduct decision, made offline at the door.
	DoorDecision        *DoorDecision `json:"door_decision,omitempty" see:"office,agent"`
	CheckIn             *Fix          `json:"check_in,omitempty" see:"office,agent"`
	CheckOut            *Fix          `json:"check_out,omitempty" see:"office,agent"`
	AddressVerification string        `json:"address_verification,omitempty" is:"address_verifications" see:"all"`
	PersonMet           *PersonMet    `json:"person_met,omitempty" see:"office,agent"`
	DisclosureMade      bool          `json:"disclosure_made,omitempty" see:"office,agent"`
	DisclosedTo         string        `json:"disclosed_to,omitempty" is:"relationships" see:"office,agent"`
	AnnouncedIdentity   bool          `json:"announced_identity,omitempty" see:"office,agent"`
	AnnouncedAt         time.Time     `json:"announced_at,omitzero" see:"office,agent"`
	Recording           *Recording    `json:"recording,omitempty" see:"office,agent"`
	Photos              []Photo       `json:"photos,omitempty" see:"office,agent"`
	// Items are the papers carried: badge, authorisation_letter, …
	Items         []string               `json:"items,omitempty" is:"id" see:"office,agent"`
	Outcome       string                 `json:"outcome" is:"outcomes" see:"all" need:"say how the visit ended"`
	OutcomeDetail seal.Text              `json:"outcome_detail,omitzero" most:"2000" see:"office,agent"`
	OverdueReason string                 `json:"overdue_reason,omitempty" is:"overdue_reasons" see:"office,agent,auditor"`
	Plan          string                 `json:"plan,omitempty" is:"id" see:"all"`
	PaymentRef    string                 `json:"payment_ref,omitempty" is:"id" see:"all"`
	Observations  Personal[Observations] `json:"observations,omitzero" see:"office,agent"`
	// Vulnerability are signs of vulnerability. A phone may send a flag alone, as a string.
	Vulnerability Personal[[]VulnerabilityFlag] `json:"vulnerability_flags,omitzero" see:"office,agent"`
	// AskedToLeave says that the agents were asked to leave; LeftWhenAsked means something only then.
	AskedToLeave  bool         `json:"asked_to_leave,omitempty" see:"office,agent"`
	AskedAt       time.Time    `json:"asked_at,omitzero" see:"office,agent"`
	LeftWhenAsked *bool        `json:"left_when_asked,omitempty" see:"office,agent"`
	LeftAt        time.Time    `json:"left_at,omitzero" see:"office,agent"`
	Attachments   []Attachment `json:"attachments,omitempty" most:"100" see:"office,agent"`
	Supersedes    string       `json:"supersedes,omitempty" is:"id" see:"all"`
	// Appointment is the time agreed at the door for the next visit.
	Appointment *Window `json:"appointment,omitempty" see:"all"`
}

// VisitFound is what the server adds to a visit.
type VisitFound struct {
	Taken
	Lender    string        `json:"lender" is:"server" see:"all"`
	Branch    auth.BranchID `json:"branch" is:"server" see:"all"`
	Round     string        `json:"round,omitempty" is:"server" see:"office,agent"`
	Route     string        `json:"route,omitempty" is:"server" see:"office,agent"`
	StopSeq   int           `json:"stop_seq,omitempty" see:"office,agent"`
	Territory string        `json:"territory,omitempty" is:"server" see:"office,agent"`
	// Planned is the window of the assignment the visit was made for.
	Planned *Window `json:"planned_window,omitempty" see:"office,agent"`
	// On is the local date of At in the debtor's zone, TimeZone.
	On       string `json:"on" is:"server" see:"all"`
	TimeZone string `json:"time_zone" is:"server" see:"all"`
	// ReceivedOn is the local date of ReceivedAt in TimeZone.
	ReceivedOn string `json:"received_on,omitempty" is:"server" see:"office,agent,lender"`
	// Decisions are the conduct decisions for this visit, with phase and policy
	// hash: dispatch, door (the phone's own, offline) and sync.
	Decisions []Verdict `json:"decisions,omitempty" see:"office,agent"`
	// MonoMs is the device's monotonic clock in milliseconds.
	MonoMs int64 `json:"mono_ms,omitempty" see:"office"`
}

// DoorDecision is what the phone decided at the door, offline, from the policy it held.
type DoorDecision struct {
	At       time.Time `json:"at,omitzero"`
	Decision string    `json:"decision" is:"decisions" need:"say what was decided"`
	Reason   string    `json:"reason,omitempty" is:"id"`
	Rule     string    `json:"rule,omitempty" is:"id"`
	Policy   string    `json:"policy_hash,omitempty" is:"id"`
}

// VisitAgent is one agent at the door.
type VisitAgent struct {
	Agent auth.UserID `json:"agent_id" is:"id"`
	Role  string      `json:"role,omitempty" is:"agent_roles"`
	// The numbers of papers may be written with words, so they are sealed.
	BadgeNo  seal.Text `json:"badge_no,omitzero" most:"64"`
	CertNo   seal.Text `json:"cert_no,omitzero" most:"64"`
	CertTo   string    `json:"cert_valid_to,omitempty" is:"date"`
	LetterNo seal.Text `json:"letter_no,omitzero" most:"64"`
}

// PersonMet says who opened the door.
type PersonMet struct {
	Relationship  string `json:"relationship" is:"relationships" need:"say who was met"`
	IdentityCheck string `json:"identity_check,omitempty" is:"identity_checks"`
	Language      string `json:"language,omitempty" is:"language"`
	// NameHash is the phone's keyed hash of the name said at the door, never the name.
	NameHash seal.Text `json:"name_hash,omitzero" most:"128"`
}

// Recording is a sound or video recording of a visit; the bytes are an attachment.
type Recording struct {
	Consent string    `json:"consent_id,omitempty" is:"id"`
	Media   string    `json:"media,omitempty" is:"recorded_media"`
	Started time.Time `json:"started_at,omitzero"`
	Ended   time.Time `json:"ended_at,omitzero"`
	SHA256  string    `json:"sha256,omitempty" is:"id"`
	GapsS   int64     `json:"gaps_s,omitempty"`
	Device  string    `json:"device,omitempty" is:"id"`
}

// Photo is a picture taken at the door; the bytes are an attachment. No people, no bystanders.
type Photo struct {
	Kind     string `json:"kind" is:"photo_kinds" need:"say what is on the photo"`
	SHA256   string `json:"sha256" is:"id" need:"give the SHA-256 of the picture's bytes, by which it is known"`
	Redacted bool   `json:"redacted,omitempty"`
	// Necessity is why it was needed: a word of the office, not a sentence.
	Necessity string `json:"necessity,omitempty" is:"id"`
}

// Observations are what the agents saw.
type Observations struct {
	ChildrenPresent bool   `json:"children_present,omitempty"`
	DistressLevel   int    `json:"distress_level,omitempty" most:"3"` // 0 to 3
	Dispute         string `json:"dispute_text,omitempty" is:"text"`
	ComplaintMade   bool   `json:"complaint_made,omitempty"`
	SafetyIncident  bool   `json:"safety_incident,omitempty"`
	Weather         string `json:"weather,omitempty" is:"id"`
}

// VulnerabilityFlag is a sign of vulnerability: what, how it is known, and the
// consent to note it, where one was asked for.
type VulnerabilityFlag struct {
	Flag    string `json:"flag" is:"vulnerabilities"`
	Source  string `json:"source,omitempty" is:"vulnerability_sources"`
	Consent string `json:"consent_id,omitempty" is:"id"`
}

// UnmarshalJSON reads an object, or the flag alone.
func (f *VulnerabilityFlag) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		*f = VulnerabilityFlag{}
		return json.Unmarshal(raw, &f.Flag)
	}
	type plain VulnerabilityFlag
	return json.Unmarshal(raw, (*plain)(f))
}

// check refuses a visit that no reader would understand. What happened is never
// refused for being unlawful or late.
func (v *VisitReport) check(time.Time) *refusal.Error {
	if v.At.IsZero() && v.CheckIn != nil {
		v.At = v.CheckIn.At
	}
	if v.At.IsZero() {
		return invalid("validation.at", "at", "say when the visit began, as RFC 3339 with an offset")
	}
	if a := v.Appointment; a != nil && (!a.From.Before(a.To) || a.To.Sub(a.From) > MaxAppointmentSpan) {
		return invalid("validation.appointment", "appointment",
			"an appointment is a span from and to of at most 12 hours, RFC 3339 with offsets")
	}
	if bad := v.CheckIn.settle("check_in"); bad != nil {
		return bad
	}
	return v.CheckOut.settle("check_out")
}

// Move moves the times of the visit other than At by d, after the phone's clock was corrected:
// how long it lasted is as the phone says. Times that were agreed with a person stay, and so do
// those of the members that are named, which the office corrected.
func (v *VisitReport) Move(d time.Duration, but ...string) {
	for member, all := range v.times() {
		for _, t := range all {
			if moved := t.Add(d); !t.IsZero() && InYears(moved) && !slices.Contains(but, member) {
				*t = moved
			}
		}
	}
}

// times are those of what happened besides At, by member.
func (v *VisitReport) times() map[string][]*time.Time {
	times := map[string][]*time.Time{"announced_at": {&v.AnnouncedAt}, "asked_at": {&v.AskedAt}, "left_at": {&v.LeftAt}}
	if v.DoorDecision != nil {
		times["door_decision"] = []*time.Time{&v.DoorDecision.At}
	}
	if v.CheckIn != nil {
		times["check_in"] = []*time.Time{&v.CheckIn.At}
	}
	if v.CheckOut != nil {
		times["check_out"] = []*time.Time{&v.CheckOut.At}
	}
	if v.Recording != nil {
		times["recording"] = []*time.Time{&v.Recording.Started, &v.Recording.Ended}
	}
	return times
}

func (v *VisitReport) past() []time.Time {
	var all []time.Time
	for _, times := range v.times() {
		for _, t := range times {
			all = append(all, *t)
		}
	}
	return all
}

// Fix is a position fix of a phone. The position is personal: it shows where a person lives.
type Fix struct {
	At        time.Time  `json:"at,omitzero"`
	Point     seal.Point `json:"point,omitzero"`
	AccuracyM Metres     `json:"accuracy_m,omitempty"`
	Provider  string     `json:"provider,omitempty" is:"id"`
	Mock      bool       `json:"mock_suspected,omitempty"`
	// Inside and DistanceM compare the fix with the planned place; they outlive the point. They are the server's.
	Inside    *bool  `json:"inside_fence,omitempty" from:"server"`
	DistanceM *int64 `json:"distance_m,omitempty" from:"server"`
	// Datum is what the phone's fix came in: wgs84 or gcj02; "" without a point.
	Datum string `json:"datum,omitempty" is:"datums"`
	// Converted says that Point is WGS 84 already, whatever it came in: a phone that sends
	// back what it pulled must not have it converted once more.
	Converted bool `json:"converted,omitempty"`
}

// settle converts a fix that came in another datum to WGS 84.
func (f *Fix) settle(at string) *refusal.Error {
	if f == nil {
		return nil
	}
	if f.AccuracyM < 0 || f.AccuracyM > 1_000_000 {
		return invalid("validation.accuracy_m", at+".accuracy_m", "between 0 and 1,000,000 metres")
	}
	p, ok := f.Point.Plain()
	if !ok || p == (geo.Point{}) {
		f.Point, f.Datum, f.Converted = seal.Point{}, "", false
		return nil
	}
	from := f.Datum
	if f.Converted {
		from = string(geo.WGS84)
	}
	home, bad := PlaceOf(p, from, at+".point")
	if bad != nil {
		return bad
	}
	f.Point, f.Datum = seal.NewPoint(home), DatumName(f.Datum)
	f.Converted = f.Datum != string(geo.WGS84)
	return nil
}

// PlaceOf converts a position to WGS 84 and refuses one that is nowhere on land or has another datum.
func PlaceOf(p geo.Point, datum, at string) (geo.Point, *refusal.Error) {
	d, err := geo.ParseDatum(datum)
	if err != nil {
		return geo.Point{}, invalid("validation.datum", at, "the datum is wgs84 or gcj02")
	}
	if p = geo.ToWGS84(p, d); p.Validate() != nil {
		return geo.Point{}, invalid("validation.point", at, "give [lon, lat] in degrees, in this order")
	}
	return p, nil
}

// DatumName is the datum that "" stands for.
func DatumName(datum string) string {
	if datum == "" {
		return string(geo.WGS84)
	}
	return datum
}

// Metres are whole metres. Phones send fractions, which are cut off: no float is kept.
type Metres int64

// UnmarshalJSON reads a number.
func (m *Metres) UnmarshalJSON(raw []byte) error {
	var f float64
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	// Out of range is for the check to say, in words; the cast must not wrap round.
	*m = Metres(max(min(f, 1e9), -1e9))
	return nil
}

// Window is a half-open span of time, in UTC.
type Window struct {
	From time.Time `json:"from" need:"say when it begins, as RFC 3339 with an offset"`
	To   time.Time `json:"to" need:"say when it ends, as RFC 3339 with an offset"`
}

// Attachment refers to bytes that sync on their own.
type Attachment struct {
	ID     string `json:"id" is:"id"`
	SHA256 string `json:"sha256" is:"id"`
	Bytes  int64  `json:"bytes"`
	Kind   string `json:"kind,omitempty" is:"id"`
}
