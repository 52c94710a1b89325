package record

import (
	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
	"encoding/json"
	"time"
)

// Fix is a position fix of a phone. Coordinates are WGS 84 in units of 1e-7 degree (sealed: where a person lives is personal).
type Fix struct {
	At        time.Time  `json:"at"`
	Point     seal.Point `json:"point,omitzero"`
	AccuracyM int64      `json:"accuracy_m,omitempty"`
	Provider  string     `json:"provider,omitempty"`
	Mock      bool       `json:"mock_suspected,omitempty"`
	// Inside and DistanceM compare the fix with the planned place; they outlive the point.
	Inside    *bool  `json:"inside_fence,omitempty"`
	DistanceM *int64 `json:"distance_m,omitempty"`
	// Datum is what the phone's fix came in: wgs84 or gcj02; "" without a point.
	Datum string `json:"datum,omitempty"`
}

// VisitAgent is one agent at the door.
type VisitAgent struct {
	Agent    auth.UserID `json:"agent_id"`
	Role     string      `json:"role,omitempty"` // lead, second
	BadgeNo  string      `json:"badge_no,omitempty"`
	CertNo   string      `json:"cert_no,omitempty"`
	CertTo   string      `json:"cert_valid_to,omitempty"`
	LetterNo string      `json:"letter_no,omitempty"`
}

// PersonMet says who opened the door.
type PersonMet struct {
	Relationship  string `json:"relationship"`
	IdentityCheck string `json:"identity_check,omitempty"`
	Language      string `json:"language,omitempty"`
	// NameHash is the phone's keyed hash of the name said at the door, never the name.
	NameHash string `json:"name_hash,omitempty"`
}

// Recording is a sound or video recording of a visit; the bytes are an attachment.
type Recording struct {
	Consent string    `json:"consent_id,omitempty"`
	Media   string    `json:"media,omitempty"`
	Started time.Time `json:"started_at,omitzero"`
	Ended   time.Time `json:"ended_at,omitzero"`
	SHA256  string    `json:"sha256,omitempty"`
	GapsS   int64     `json:"gaps_s,omitempty"`
	Device  string    `json:"device,omitempty"`
}

// Photo is a picture taken at the door; the bytes are an attachment. No people, no bystanders.
type Photo struct {
	Kind      string `json:"kind"` // letter_left, door_number, document_shown
	SHA256    string `json:"sha256"`
	Redacted  bool   `json:"redacted,omitempty"`
	Necessity string `json:"necessity,omitempty"` // why it was needed: a word of the office, not a sentence
}

// Observations are what the agents saw.
type Observations struct {
	ChildrenPresent bool      `json:"children_present,omitempty"`
	DistressLevel   int       `json:"distress_level,omitempty"` // 0 to 3
	Dispute         seal.Text `json:"dispute_text,omitzero"`
	ComplaintMade   bool      `json:"complaint_made,omitempty"`
	SafetyIncident  bool      `json:"safety_incident,omitempty"`
	Weather         string    `json:"weather,omitempty"`
}

// VulnerabilityFlag is a sign of vulnerability: what, how it is known, and the
// consent to note it, where one was asked for. Phones may send the flag alone, as a string.
type VulnerabilityFlag struct {
	Flag    string `json:"flag"`
	Source  string `json:"source,omitempty"` // said, document, observed, lender
	Consent string `json:"consent_id,omitempty"`
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

// Attachment refers to bytes that sync on their own.
type Attachment struct {
	ID     string `json:"id"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Kind   string `json:"kind,omitempty"`
}

// Visit is the state of a document of type "visits": what happened at the door.
// It is written once; a correction is a new visit that supersedes it.
type Visit struct {
	Case       journal.CaseID   `json:"case"`
	Debtor     journal.DebtorID `json:"debtor"`
	Lender     string           `json:"lender"`
	Branch     auth.BranchID    `json:"branch"`
	Debts      []string         `json:"debt_ids,omitempty"` // of the case, where caps count by debt
	Assignment string           `json:"assignment,omitempty"`
	Round      string           `json:"round,omitempty"`
	Route      string           `json:"route,omitempty"`
	StopSeq    int              `json:"stop_seq,omitempty"`
	Territory  string           `json:"territory,omitempty"`
	NoticeRef  string           `json:"notice_ref,omitempty"` // the notice that announced the visit
	Agents     []VisitAgent     `json:"agents"`
	Purpose    string           `json:"purpose,omitempty"`
	Place      string           `json:"place,omitempty"`
	Address    string           `json:"address_id,omitempty"` // of the address that was visited, where the case has several; an id, never the address
	Planned    *Window          `json:"planned_window,omitempty"`
	// At is when the visit began as the device says, in UTC; On is its local date in the debtor's zone.
	At                  time.Time           `json:"at"`
	On                  string              `json:"on"`
	TimeZone            string              `json:"time_zone"`
	CheckIn             *Fix                `json:"check_in,omitempty"`
	CheckOut            *Fix                `json:"check_out,omitempty"`
	AddressVerification string              `json:"address_verification,omitempty"`
	PersonMet           *PersonMet          `json:"person_met,omitempty"`
	DisclosureMade      bool                `json:"disclosure_made,omitempty"`
	DisclosedTo         string              `json:"disclosed_to,omitempty"` // a relationship
	AnnouncedIdentity   bool                `json:"announced_identity,omitempty"`
	AnnouncedAt         time.Time           `json:"announced_at,omitzero"`
	Recording           *Recording          `json:"recording,omitempty"`
	Photos              []Photo             `json:"photos,omitempty"`
	Items               []string            `json:"items,omitempty"` // papers carried: badge, authorisation_letter, …
	Outcome             string              `json:"outcome"`         // an Outcome code
	OutcomeDetail       seal.Text           `json:"outcome_detail,omitzero"`
	OverdueReason       string              `json:"overdue_reason,omitempty"`
	Plan                string              `json:"plan,omitempty"`
	PaymentRef          string              `json:"payment_ref,omitempty"`
	Observations        Observations        `json:"observations,omitzero"`
	Vulnerability       []VulnerabilityFlag `json:"vulnerability_flags,omitempty"`
	LeftWhenAsked       *bool               `json:"left_when_asked,omitempty"`
	LeftAt              time.Time           `json:"left_at,omitzero"`
	Attachments         []Attachment        `json:"attachments,omitempty"`
	Supersedes          string              `json:"supersedes,omitempty"`
	// Appointment is the time agreed at the door for the next visit.
	Appointment *Window `json:"appointment,omitempty"`
	// Flags are what the server found when it took the visit in: unlawful, late_stop,
	// clock_skew, after_revocation, after_day, second_visit, no_assignment, …
	Flags []string `json:"flags,omitempty"`
	// Decisions are the conduct decisions for this visit, with phase and policy
	// hash: dispatch, door (the phone's own, offline) and sync.
	Decisions json.RawMessage `json:"decisions,omitempty"`
	// SkewS is the device's clock against the server's at receipt, in seconds; MonoMs its monotonic clock.
	SkewS  int64         `json:"skew_s,omitempty"`
	MonoMs int64         `json:"mono_ms,omitempty"`
	Device auth.DeviceID `json:"device,omitempty"`
	By     auth.UserID   `json:"by"`
	// Door is the phone's own decision, on its way into Decisions.
	Door *DoorDecision `json:"-"`
	// More holds the members a newer app sent, as a JSON object. It is sealed, since nobody can say what they are.
	More seal.Text `json:"more,omitzero"`
	// Said is a keyed hash of what the phone sent, so that the same record under
	// a new mid is known again. It shows nothing to whoever lacks the key.
	Said string `json:"said,omitempty"`
}

// EachSealed names the personal parts of a visit.
func (v *Visit) EachSealed(fn func(field string, p seal.Part)) {
	fn("outcome_detail", &v.OutcomeDetail)
	fn("observations.dispute_text", &v.Observations.Dispute)
	fn("more", &v.More)
	if v.CheckIn != nil {
		fn("check_in.point", &v.CheckIn.Point)
	}
	if v.CheckOut != nil {
		fn("check_out.point", &v.CheckOut.Point)
	}
}

// Window is a half-open span of time, in UTC.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// doorIn is what the phone decided at the door, offline, from the policy it held.
type DoorDecision struct {
	At       time.Time `json:"at"`
	Decision string    `json:"decision"` // allow, deny
	Reason   string    `json:"reason"`
	Rule     string    `json:"rule"`
	Policy   string    `json:"policy_hash"`
}

// check refuses a visit that no reader would understand. What happened is never refused for being unlawful or late.
func (v *Visit) Check() *refusal.Error {
	if v.Case == "" {
		return invalid("validation.case", "case", "say which case was visited")
	}
	if v.At.IsZero() || v.At.Year() < 2000 {
		return invalid("validation.at", "at", "say when the visit began, as RFC 3339 with an offset")
	}
	if v.Outcome == "" || OutcomeOf(v.Outcome).Code == "" {
		return invalid("validation.outcome", "outcome", "this is not one of the outcome codes")
	}
	if len(v.Agents) > 10 || len(v.Photos) > 50 || len(v.Attachments) > 100 || len(v.Items) > 50 || len(v.Debts) > 50 || len(v.Vulnerability) > 20 {
		return invalid("validation.too_many", "", "a list of the visit is too long")
	}
	for _, c := range []struct {
		field, value string
		list         []string
	}{
		{"purpose", v.Purpose, visitPurposes[:]}, {"place", v.Place, visitPlaces[:]},
		{"overdue_reason", v.OverdueReason, OverdueReasons[:]}, {"address_verification", v.AddressVerification, AddressVerifications[:]},
	} {
		if err := Listed(c.field, c.value, c.list); err != nil {
			return err
		}
	}
	if m := v.PersonMet; m != nil {
		if _, ok := Relationships[m.Relationship]; !ok {
			return invalid("validation.relationship", "person_met.relationship", "this is not one of the relationships")
		}
		if err := Listed("person_met.identity_check", m.IdentityCheck, identityChecks[:]); err != nil {
			return err
		}
	}
	if v.DisclosedTo != "" {
		if _, ok := Relationships[v.DisclosedTo]; !ok {
			return invalid("validation.disclosed_to", "disclosed_to", "this is not one of the relationships")
		}
	}
	for _, a := range v.Agents {
		if err := Listed("agents.role", a.Role, AgentRoles[:]); err != nil {
			return err
		}
	}
	for _, x := range v.Vulnerability {
		if err := Listed("vulnerability_flags", x.Flag, vulnerability[:]); err != nil {
			return err
		}
		if err := Listed("vulnerability_flags.source", x.Source, vulnerabilitySources[:]); err != nil {
			return err
		}
		if err := CodeWords("vulnerability_flags", x.Flag, x.Consent); err != nil {
			return err
		}
	}
	if err := v.checkWords(); err != nil {
		return err
	}
	for _, p := range v.Photos {
		if err := Listed("photos.kind", p.Kind, photoKinds[:]); err != nil {
			return err
		}
	}
	if r := v.Recording; r != nil {
		if err := Listed("recording.media", r.Media, recordedMedia[:]); err != nil {
			return err
		}
		r.Started, r.Ended = WholeUTC(r.Started), WholeUTC(r.Ended)
	}
	if a := v.Appointment; a != nil && (!a.From.Before(a.To) || a.To.Sub(a.From) > MaxAppointmentSpan) {
		return invalid("validation.appointment", "appointment", "an appointment is a span from and to of at most 12 hours, RFC 3339 with offsets")
	}
	if l := v.Observations.DistressLevel; l < 0 || l > 3 {
		return invalid("validation.distress_level", "observations.distress_level", "between 0 and 3")
	}
	return nil
}

// checkWords refuses free text in the members of a visit that are kept in the clear.
func (v *Visit) checkWords() *refusal.Error {
	type words struct {
		field  string
		values []string
	}
	all := []words{{"assignment", []string{v.Assignment}}, {"debt_ids", v.Debts}, {"notice_ref", []string{v.NoticeRef}}, {"address_id", []string{v.Address}},
		{"items", v.Items}, {"plan", []string{v.Plan}}, {"payment_ref", []string{v.PaymentRef}}, {"supersedes", []string{v.Supersedes}},
		{"observations.weather", []string{v.Observations.Weather}}}
	if m := v.PersonMet; m != nil {
		all = append(all, words{"person_met.language", []string{m.Language}}, words{"person_met.name_hash", []string{m.NameHash}})
	}
	if r := v.Recording; r != nil {
		all = append(all, words{"recording", []string{r.Consent, r.SHA256, r.Device}})
	}
	for _, p := range v.Photos {
		all = append(all, words{"photos", []string{p.SHA256, p.Necessity}})
	}
	for _, a := range v.Attachments {
		all = append(all, words{"attachments", []string{a.ID, a.SHA256, a.Kind}})
	}
	for _, a := range v.Agents {
		// Numbers of badges and letters are written as each office writes them; they are the agent's own.
		for _, s := range []string{a.BadgeNo, a.CertNo, a.LetterNo, a.CertTo} {
			if len(s) > 64 {
				return invalid("validation.agents", "agents", "a number of a badge, certificate or letter has at most 64 bytes")
			}
		}
		all = append(all, words{"agents.agent_id", []string{string(a.Agent)}})
	}
	for _, w := range all {
		if err := CodeWords(w.field, w.values...); err != nil {
			return err
		}
	}
	return nil
}
