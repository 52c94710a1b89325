package casework

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/server/conduct"
	"doorstep/server/record"
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

type observationsIn struct {
	ChildrenPresent bool   `json:"children_present"`
	DistressLevel   int    `json:"distress_level"`
	DisputeText     string `json:"dispute_text"`
	ComplaintMade   bool   `json:"complaint_made"`
	SafetyIncident  bool   `json:"safety_incident"`
	Weather         string `json:"weather"`
}

type visitIn struct {
	Case                string                     `json:"case"`
	Assignment          string                     `json:"assignment"`
	Debts               []string                   `json:"debt_ids"`
	NoticeRef           string                     `json:"notice_ref"`
	Agents              []record.VisitAgent        `json:"agents"`
	Purpose             string                     `json:"purpose"`
	Place               string                     `json:"place"`
	Address             string                     `json:"address_id"`
	Door                *record.DoorDecision       `json:"door_decision"`
	At                  time.Time                  `json:"at"`
	CheckIn             *fixIn                     `json:"check_in"`
	CheckOut            *fixIn                     `json:"check_out"`
	AddressVerification string                     `json:"address_verification"`
	PersonMet           *record.PersonMet          `json:"person_met"`
	DisclosureMade      bool                       `json:"disclosure_made"`
	DisclosedTo         string                     `json:"disclosed_to"`
	AnnouncedIdentity   bool                       `json:"announced_identity"`
	AnnouncedAt         time.Time                  `json:"announced_at"`
	Recording           *record.Recording          `json:"recording"`
	Photos              []record.Photo             `json:"photos"`
	Items               []string                   `json:"items"`
	Outcome             string                     `json:"outcome"`
	OutcomeDetail       string                     `json:"outcome_detail"`
	OverdueReason       string                     `json:"overdue_reason"`
	Plan                string                     `json:"plan"`
	PaymentRef          string                     `json:"payment_ref"`
	Observations        *observationsIn            `json:"observations"`
	Vulnerability       []record.VulnerabilityFlag `json:"vulnerability_flags"`
	LeftWhenAsked       *bool                      `json:"left_when_asked"`
	LeftAt              time.Time                  `json:"left_at"`
	Attachments         []record.Attachment        `json:"attachments"`
	Supersedes          string                     `json:"supersedes"`
	Appointment         *record.Window             `json:"appointment"`
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
	Case          string                 `json:"case"`
	Visit         string                 `json:"visit"`
	Principal     string                 `json:"principal"`
	Scope         string                 `json:"scope"`
	Status        string                 `json:"status"`
	Method        string                 `json:"method"`
	Language      string                 `json:"language"`
	NoticeVersion string                 `json:"notice_version"`
	TextSHA256    string                 `json:"text_shown_sha256"`
	At            time.Time              `json:"at"`
	ValidFrom     time.Time              `json:"valid_from"`
	ExpiresAt     time.Time              `json:"expires_at"`
	Withdraws     string                 `json:"withdraws"`
	Via           string                 `json:"withdrawn_via"`
	Limits        *record.ConsentLimits  `json:"limits"`
	LegalBasis    string                 `json:"legal_basis"`
	Categories    []string               `json:"pii_categories"`
	Sensitive     bool                   `json:"sensitive"`
	Controller    string                 `json:"controller"`
	Processor     string                 `json:"processor"`
	ThirdParties  []string               `json:"third_parties"`
	Evidence      *record.Evidence       `json:"evidence"`
	Receipt       *record.ConsentReceipt `json:"receipt"`
	Supersedes    string                 `json:"supersedes"`
}

type signatureIn struct {
	Case        string              `json:"case"`
	Visit       string              `json:"visit"`
	OfType      string              `json:"of_type"`
	Of          string              `json:"of"`
	Role        string              `json:"signer_role"`
	At          time.Time           `json:"at"`
	SHA256      string              `json:"sha256"`
	Attachments []record.Attachment `json:"attachments"`
	Supersedes  string              `json:"supersedes"`
}

type reportedIn struct {
	Case        string              `json:"case"`
	Visit       string              `json:"visit"`
	At          time.Time           `json:"at"`
	AmountMinor int64               `json:"amount_minor"`
	Currency    string              `json:"currency"`
	Method      string              `json:"method"`
	Reference   string              `json:"reference"`
	Attachments []record.Attachment `json:"attachments"`
	Supersedes  string              `json:"supersedes"`
}

type planIn struct {
	Case          string               `json:"case"`
	Visit         string               `json:"visit"`
	Kind          string               `json:"kind"`
	Currency      string               `json:"currency"`
	TotalMinor    int64                `json:"total_minor"`
	Debts         []record.DebtBalance `json:"debts"`
	Instalments   []record.Instalment  `json:"instalments"`
	Concession    *record.Concession   `json:"concession"`
	Hardship      *record.Hardship     `json:"hardship"`
	State         string               `json:"state"`
	Offered       *record.PlanStep     `json:"offer"`
	Accepted      *record.PlanStep     `json:"acceptance"`
	Terms         *record.Terms        `json:"default_terms"`
	Affordability json.RawMessage      `json:"affordability"`
	Pressure      *record.Pressure     `json:"pressure_checks"`
	Copy          *record.GivenCopy    `json:"copy"`
	At            time.Time            `json:"at"`
}

// readFields reads the fields of a mutation strictly in type and leniently in
// members. more are the members nobody knows, as a JSON object; "" for none.
func readFields(fields json.RawMessage, into any) (more string, bad *refusal.Error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(fields, &all); err != nil {
		return "", refuse(refusal.Invalid, "validation.fields", "fields", "this is not a JSON object")
	}
	if err := json.Unmarshal(fields, into); err != nil {
		field := "fields"
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			field = wrong.Field
			return "", refuse(refusal.Invalid, "validation.type", field, "this has the wrong type; it should be %s", typeWord(wrong.Type))
		}
		return "", refuse(refusal.Invalid, "validation.type", field, "a value cannot be read; times are RFC 3339 with an offset, numbers are whole")
	}
	t := reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		delete(all, name)
	}
	for name := range all {
		if strings.HasPrefix(name, "_") || name == "id" || name == "rev" || name == "mut" {
			return "", refuse(refusal.Invalid, "validation.name", "fields", "names that start with _, and id, rev and mut, are the protocol's own")
		}
	}
	if len(all) == 0 {
		return "", nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", refuse(refusal.Invalid, "validation.fields", "fields", "this is not a JSON object")
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

func (f *fixIn) fix(field string) (*record.Fix, *refusal.Error) {
	if f == nil {
		return nil, nil
	}
	out := &record.Fix{At: record.WholeUTC(f.At), AccuracyM: int64(f.AccuracyM), Provider: f.Provider, Mock: f.Mock}
	if f.AccuracyM < 0 || f.AccuracyM > 1e6 {
		return nil, refuse(refusal.Invalid, "validation.accuracy_m", field+".accuracy_m", "between 0 and 1,000,000 metres")
	}
	if err := record.CodeWords(field+".provider", f.Provider); err != nil {
		return nil, err
	}
	if f.Point != [2]float64{} {
		p, err := placeOf(geo.Point{Lon: f.Point[0], Lat: f.Point[1]}, f.Datum)
		if err != nil {
			return nil, refuse(refusal.Invalid, "validation.point", field+".point", "give [lon, lat] in degrees, in this order")
		}
		out.Point, out.Datum = seal.NewPoint(p), datumName(f.Datum)
	}
	return out, nil
}

// visit makes the state of a visit. What belongs to the case is filled in when it is decided.
func (in *visitIn) visit(more string) (*record.Visit, *refusal.Error) {
	v := &record.Visit{Case: journal.CaseID(in.Case), Assignment: in.Assignment, Debts: in.Debts, NoticeRef: in.NoticeRef, Agents: in.Agents, Purpose: in.Purpose,
		Place: in.Place, Address: in.Address, At: record.WholeUTC(in.At), AddressVerification: in.AddressVerification, PersonMet: in.PersonMet, DisclosureMade: in.DisclosureMade,
		DisclosedTo: in.DisclosedTo, AnnouncedIdentity: in.AnnouncedIdentity, AnnouncedAt: record.WholeUTC(in.AnnouncedAt), Recording: in.Recording,
		Photos: in.Photos, Items: in.Items, Outcome: in.Outcome, OutcomeDetail: sealedText(in.OutcomeDetail), OverdueReason: in.OverdueReason,
		Plan: in.Plan, PaymentRef: in.PaymentRef, Vulnerability: in.Vulnerability, LeftWhenAsked: in.LeftWhenAsked, LeftAt: record.WholeUTC(in.LeftAt),
		Attachments: in.Attachments, Supersedes: in.Supersedes, More: sealedText(more)}
	if a := in.Appointment; a != nil {
		v.Appointment = &record.Window{From: record.WholeUTC(a.From), To: record.WholeUTC(a.To)}
	}
	var bad *refusal.Error
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
		v.Observations = record.Observations{ChildrenPresent: o.ChildrenPresent, DistressLevel: o.DistressLevel, Dispute: sealedText(o.DisputeText),
			ComplaintMade: o.ComplaintMade, SafetyIncident: o.SafetyIncident, Weather: o.Weather}
	}
	if d := in.Door; d != nil {
		if d.Decision != conduct.Allow && d.Decision != conduct.Deny {
			return nil, refuse(refusal.Invalid, "validation.decision", "door_decision.decision", "write allow or deny")
		}
		if err := record.CodeWords("door_decision", d.Reason, d.Rule, d.Policy); err != nil {
			return nil, err
		}
		d.At = record.WholeUTC(d.At)
		v.Door = d
	}
	if len(in.OutcomeDetail) > 2000 {
		return nil, refuse(refusal.Invalid, "validation.outcome_detail", "outcome_detail", "at most 500 characters")
	}
	return v, v.Check()
}
