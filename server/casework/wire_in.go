package casework

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"

	"doorstep/geo"
	"doorstep/server/conduct"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// The forms in which phones send records. They have the names of the stored
// states; personal parts are in the clear here and sealed there. Members nobody
// knows are kept: a newer app sent them.

type fixIn struct {
	At        time.Time  `json:"at"`
	Point     [2]float64 `json:"point"` // lon, lat in Datum
	Datum     string     `json:"datum"`
	AccuracyM float64    `json:"accuracy_m"`
	Provider  string     `json:"provider"`
	Mock      bool       `json:"mock_suspected"`
}

// doorIn is what the phone decided at the door, offline, from the policy it held.
type doorIn struct {
	At       time.Time `json:"at"`
	Decision string    `json:"decision"` // allow, deny
	Reason   string    `json:"reason"`
	Rule     string    `json:"rule"`
	Policy   string    `json:"policy_hash"`
}

type observationsIn struct {
	ChildrenPresent bool   `json:"children_present"`
	DistressLevel   int    `json:"distress_level"`
	DisputeText     string `json:"dispute_text"`
	ComplaintMade   bool   `json:"complaint_made"`
	SafetyIncident  bool   `json:"safety_incident"`
	Weather         string `json:"weather"`
}

type visitIn struct {
	Case                string              `json:"case"`
	Assignment          string              `json:"assignment"`
	Debts               []string            `json:"debt_ids"`
	NoticeRef           string              `json:"notice_ref"`
	Agents              []VisitAgent        `json:"agents"`
	Purpose             string              `json:"purpose"`
	Place               string              `json:"place"`
	Address             string              `json:"address_id"`
	Door                *doorIn             `json:"door_decision"`
	At                  time.Time           `json:"at"`
	CheckIn             *fixIn              `json:"check_in"`
	CheckOut            *fixIn              `json:"check_out"`
	AddressVerification string              `json:"address_verification"`
	PersonMet           *PersonMet          `json:"person_met"`
	DisclosureMade      bool                `json:"disclosure_made"`
	DisclosedTo         string              `json:"disclosed_to"`
	AnnouncedIdentity   bool                `json:"announced_identity"`
	AnnouncedAt         time.Time           `json:"announced_at"`
	Recording           *Recording          `json:"recording"`
	Photos              []Photo             `json:"photos"`
	Items               []string            `json:"items"`
	Outcome             string              `json:"outcome"`
	OutcomeDetail       string              `json:"outcome_detail"`
	OverdueReason       string              `json:"overdue_reason"`
	Plan                string              `json:"plan"`
	PaymentRef          string              `json:"payment_ref"`
	Observations        *observationsIn     `json:"observations"`
	Vulnerability       []VulnerabilityFlag `json:"vulnerability_flags"`
	LeftWhenAsked       *bool               `json:"left_when_asked"`
	LeftAt              time.Time           `json:"left_at"`
	Attachments         []Attachment        `json:"attachments"`
	Supersedes          string              `json:"supersedes"`
	Appointment         *Window             `json:"appointment"`
}

type noteIn struct {
	Case       string    `json:"case"`
	Visit      string    `json:"visit"`
	At         time.Time `json:"at"`
	Text       string    `json:"text"`
	Kind       string    `json:"kind"`
	Supersedes string    `json:"supersedes"`
}

type consentIn struct {
	Case          string          `json:"case"`
	Visit         string          `json:"visit"`
	Principal     string          `json:"principal"`
	Scope         string          `json:"scope"`
	Status        string          `json:"status"`
	Method        string          `json:"method"`
	Language      string          `json:"language"`
	NoticeVersion string          `json:"notice_version"`
	TextSHA256    string          `json:"text_shown_sha256"`
	At            time.Time       `json:"at"`
	ValidFrom     time.Time       `json:"valid_from"`
	ExpiresAt     time.Time       `json:"expires_at"`
	Withdraws     string          `json:"withdraws"`
	Via           string          `json:"withdrawn_via"`
	Limits        *ConsentLimits  `json:"limits"`
	LegalBasis    string          `json:"legal_basis"`
	Categories    []string        `json:"pii_categories"`
	Sensitive     bool            `json:"sensitive"`
	Controller    string          `json:"controller"`
	Processor     string          `json:"processor"`
	ThirdParties  []string        `json:"third_parties"`
	Evidence      *Evidence       `json:"evidence"`
	Receipt       *ConsentReceipt `json:"receipt"`
	Supersedes    string          `json:"supersedes"`
}

type signatureIn struct {
	Case        string       `json:"case"`
	Visit       string       `json:"visit"`
	OfType      string       `json:"of_type"`
	Of          string       `json:"of"`
	Role        string       `json:"signer_role"`
	At          time.Time    `json:"at"`
	SHA256      string       `json:"sha256"`
	Attachments []Attachment `json:"attachments"`
	Supersedes  string       `json:"supersedes"`
}

type reportedIn struct {
	Case        string       `json:"case"`
	Visit       string       `json:"visit"`
	At          time.Time    `json:"at"`
	AmountMinor int64        `json:"amount_minor"`
	Currency    string       `json:"currency"`
	Method      string       `json:"method"`
	Reference   string       `json:"reference"`
	Attachments []Attachment `json:"attachments"`
	Supersedes  string       `json:"supersedes"`
}

type planIn struct {
	Case          string          `json:"case"`
	Visit         string          `json:"visit"`
	Kind          string          `json:"kind"`
	Currency      string          `json:"currency"`
	TotalMinor    int64           `json:"total_minor"`
	Debts         []DebtBalance   `json:"debts"`
	Instalments   []Instalment    `json:"instalments"`
	Concession    *Concession     `json:"concession"`
	Hardship      *Hardship       `json:"hardship"`
	State         string          `json:"state"`
	Offered       *PlanStep       `json:"offer"`
	Accepted      *PlanStep       `json:"acceptance"`
	Terms         *Terms          `json:"default_terms"`
	Affordability json.RawMessage `json:"affordability"`
	Pressure      *Pressure       `json:"pressure_checks"`
	Copy          *GivenCopy      `json:"copy"`
	At            time.Time       `json:"at"`
}

// readFields reads the fields of a mutation strictly in type and leniently in
// members. more are the members nobody knows, as a JSON object; "" for none.
func readFields(fields json.RawMessage, into any) (more string, bad *Error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(fields, &all); err != nil {
		return "", refuse(Invalid, "validation.fields", "fields", "this is not a JSON object")
	}
	if err := json.Unmarshal(fields, into); err != nil {
		field := "fields"
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			field = wrong.Field
			return "", refuse(Invalid, "validation.type", field, "this has the wrong type; it should be %s", typeWord(wrong.Type))
		}
		return "", refuse(Invalid, "validation.type", field, "a value cannot be read; times are RFC 3339 with an offset, numbers are whole")
	}
	t := reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		delete(all, name)
	}
	for name := range all {
		if strings.HasPrefix(name, "_") || name == "id" || name == "rev" || name == "mut" {
			return "", refuse(Invalid, "validation.name", "fields", "names that start with _, and id, rev and mut, are the protocol's own")
		}
	}
	if len(all) == 0 {
		return "", nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", refuse(Invalid, "validation.fields", "fields", "this is not a JSON object")
	}
	return string(text), nil
}

func typeWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object, or a time written as RFC 3339"
	}
	return "a whole number"
}

// sealedText is a text to be sealed; "" is none.
func sealedText(s string) seal.Text {
	if s == "" {
		return seal.Text{}
	}
	return seal.NewText(s)
}

// sealedJSON is a JSON value to be sealed; null is none.
func sealedJSON(raw json.RawMessage) seal.Text {
	if len(raw) == 0 || string(raw) == "null" {
		return seal.Text{}
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return seal.Text{}
	}
	return seal.NewText(b.String())
}

func (f *fixIn) fix(field string) (*Fix, *Error) {
	if f == nil {
		return nil, nil
	}
	out := &Fix{At: wholeUTC(f.At), AccuracyM: int64(f.AccuracyM), Provider: f.Provider, Mock: f.Mock}
	if f.AccuracyM < 0 || f.AccuracyM > 1e6 {
		return nil, refuse(Invalid, "validation.accuracy_m", field+".accuracy_m", "between 0 and 1,000,000 metres")
	}
	if err := codeWords(field+".provider", f.Provider); err != nil {
		return nil, err
	}
	if f.Point != [2]float64{} {
		p, err := placeOf(geo.Point{Lon: f.Point[0], Lat: f.Point[1]}, f.Datum)
		if err != nil {
			return nil, refuse(Invalid, "validation.point", field+".point", "give [lon, lat] in degrees, in this order")
		}
		out.Point, out.Datum = seal.NewPoint(p), datumName(f.Datum)
	}
	return out, nil
}

// wholeUTC is an instant in UTC, cut to whole seconds.
func wholeUTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// visit makes the state of a visit. What belongs to the case is filled in when it is decided.
func (in *visitIn) visit(more string) (*Visit, *Error) {
	v := &Visit{Case: journal.CaseID(in.Case), Assignment: in.Assignment, Debts: in.Debts, NoticeRef: in.NoticeRef, Agents: in.Agents, Purpose: in.Purpose,
		Place: in.Place, Address: in.Address, At: wholeUTC(in.At), AddressVerification: in.AddressVerification, PersonMet: in.PersonMet, DisclosureMade: in.DisclosureMade,
		DisclosedTo: in.DisclosedTo, AnnouncedIdentity: in.AnnouncedIdentity, AnnouncedAt: wholeUTC(in.AnnouncedAt), Recording: in.Recording,
		Photos: in.Photos, Items: in.Items, Outcome: in.Outcome, OutcomeDetail: sealedText(in.OutcomeDetail), OverdueReason: in.OverdueReason,
		Plan: in.Plan, PaymentRef: in.PaymentRef, Vulnerability: in.Vulnerability, LeftWhenAsked: in.LeftWhenAsked, LeftAt: wholeUTC(in.LeftAt),
		Attachments: in.Attachments, Supersedes: in.Supersedes, More: sealedText(more)}
	if a := in.Appointment; a != nil {
		v.Appointment = &Window{From: wholeUTC(a.From), To: wholeUTC(a.To)}
	}
	var bad *Error
	if v.CheckIn, bad = in.CheckIn.fix("check_in"); bad != nil {
		return nil, bad
	}
	if v.CheckOut, bad = in.CheckOut.fix("check_out"); bad != nil {
		return nil, bad
	}
	if v.At.IsZero() && v.CheckIn != nil {
		v.At = v.CheckIn.At
	}
	if o := in.Observations; o != nil {
		v.Observations = Observations{ChildrenPresent: o.ChildrenPresent, DistressLevel: o.DistressLevel, Dispute: sealedText(o.DisputeText),
			ComplaintMade: o.ComplaintMade, SafetyIncident: o.SafetyIncident, Weather: o.Weather}
	}
	if d := in.Door; d != nil {
		if d.Decision != conduct.Allow && d.Decision != conduct.Deny {
			return nil, refuse(Invalid, "validation.decision", "door_decision.decision", "write allow or deny")
		}
		if err := codeWords("door_decision", d.Reason, d.Rule, d.Policy); err != nil {
			return nil, err
		}
		v.door = &verdict{Phase: phaseDoor, At: wholeUTC(d.At), Answer: d.Decision, Reason: d.Reason, Rule: d.Rule, Policy: d.Policy}
	}
	if len(in.OutcomeDetail) > 2000 {
		return nil, refuse(Invalid, "validation.outcome_detail", "outcome_detail", "at most 500 characters")
	}
	return v, v.check()
}

// check refuses a visit that no reader would understand. What happened is never refused for being unlawful or late.
func (v *Visit) check() *Error {
	if v.Case == "" {
		return refuse(Invalid, "validation.case", "case", "say which case was visited")
	}
	if v.At.IsZero() || v.At.Year() < 2000 {
		return refuse(Invalid, "validation.at", "at", "say when the visit began, as RFC 3339 with an offset")
	}
	if v.Outcome == "" || outcomeOf(v.Outcome).Code == "" {
		return refuse(Invalid, "validation.outcome", "outcome", "this is not one of the outcome codes")
	}
	if len(v.Agents) > 10 || len(v.Photos) > 50 || len(v.Attachments) > 100 || len(v.Items) > 50 || len(v.Debts) > 50 || len(v.Vulnerability) > 20 {
		return refuse(Invalid, "validation.too_many", "", "a list of the visit is too long")
	}
	for _, c := range []struct {
		field, value string
		list         []string
	}{
		{"purpose", v.Purpose, visitPurposes[:]}, {"place", v.Place, visitPlaces[:]},
		{"overdue_reason", v.OverdueReason, overdueReasons[:]}, {"address_verification", v.AddressVerification, addressVerifications[:]},
	} {
		if err := listed(c.field, c.value, c.list); err != nil {
			return err
		}
	}
	if m := v.PersonMet; m != nil {
		if _, ok := relationships[m.Relationship]; !ok {
			return refuse(Invalid, "validation.relationship", "person_met.relationship", "this is not one of the relationships")
		}
		if err := listed("person_met.identity_check", m.IdentityCheck, identityChecks[:]); err != nil {
			return err
		}
	}
	if v.DisclosedTo != "" {
		if _, ok := relationships[v.DisclosedTo]; !ok {
			return refuse(Invalid, "validation.disclosed_to", "disclosed_to", "this is not one of the relationships")
		}
	}
	for _, a := range v.Agents {
		if err := listed("agents.role", a.Role, agentRoles[:]); err != nil {
			return err
		}
	}
	for _, x := range v.Vulnerability {
		if err := listed("vulnerability_flags", x.Flag, vulnerability[:]); err != nil {
			return err
		}
		if err := listed("vulnerability_flags.source", x.Source, vulnerabilitySources[:]); err != nil {
			return err
		}
		if err := codeWords("vulnerability_flags", x.Flag, x.Consent); err != nil {
			return err
		}
	}
	if err := v.checkWords(); err != nil {
		return err
	}
	for _, p := range v.Photos {
		if err := listed("photos.kind", p.Kind, photoKinds[:]); err != nil {
			return err
		}
	}
	if r := v.Recording; r != nil {
		if err := listed("recording.media", r.Media, recordedMedia[:]); err != nil {
			return err
		}
		r.Started, r.Ended = wholeUTC(r.Started), wholeUTC(r.Ended)
	}
	if a := v.Appointment; a != nil && (!a.From.Before(a.To) || a.To.Sub(a.From) > maxAppointmentSpan) {
		return refuse(Invalid, "validation.appointment", "appointment", "an appointment is a span from and to of at most 12 hours, RFC 3339 with offsets")
	}
	if l := v.Observations.DistressLevel; l < 0 || l > 3 {
		return refuse(Invalid, "validation.distress_level", "observations.distress_level", "between 0 and 3")
	}
	return nil
}
