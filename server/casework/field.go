package casework

import (
	"encoding/json"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
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
	// door is the phone's own decision, on its way into Decisions.
	door *verdict
	// More holds the members a newer app sent, as a JSON object. It is sealed, since nobody can say what they are.
	More seal.Text `json:"more,omitzero"`
	// Said is a keyed hash of what the phone sent, so that the same record under
	// a new mid is known again. It shows nothing to whoever lacks the key.
	Said string `json:"said,omitempty"`
}

// Window is a half-open span of time, in UTC.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Note is the state of a document of type "visit_notes". Written once.
type Note struct {
	Case       journal.CaseID   `json:"case"`
	Debtor     journal.DebtorID `json:"debtor"`
	Visit      string           `json:"visit,omitempty"`
	At         time.Time        `json:"at"`
	Text       seal.Text        `json:"text"`
	Kind       string           `json:"kind,omitempty"` // general, safety, address, hardship
	Supersedes string           `json:"supersedes,omitempty"`
	By         auth.UserID      `json:"by"`
	SkewS      int64            `json:"skew_s,omitempty"`
	Flags      []string         `json:"flags,omitempty"` // clock_skew
	More       seal.Text        `json:"more,omitzero"`   // as of a visit
	Said       string           `json:"said,omitempty"`  // as of a visit
}

// Consent is the state of a document of type "consents": one consent given, refused or
// withdrawn (structure after ISO/IEC TS 27560). Written once; a withdrawal is a new record that
// names the consent it withdraws.
type Consent struct {
	Case   journal.CaseID   `json:"case"`
	Debtor journal.DebtorID `json:"debtor"`
	Visit  string           `json:"visit,omitempty"`
	// Principal is who consents: a relationship; "" for the debtor.
	Principal     string          `json:"principal,omitempty"`
	Scope         string          `json:"scope"`  // contact_time, visit_time, home_entry, recording_audio, …
	Status        string          `json:"status"` // requested, given, refused, withdrawn; expired and superseded for the record only
	Method        string          `json:"method,omitempty"`
	Language      string          `json:"language,omitempty"`
	NoticeVersion string          `json:"notice_version,omitempty"`
	TextSHA256    string          `json:"text_shown_sha256,omitempty"`
	At            time.Time       `json:"at"` // when it was given, refused or withdrawn
	ValidFrom     time.Time       `json:"valid_from,omitzero"`
	ExpiresAt     time.Time       `json:"expires_at,omitzero"`
	Withdraws     string          `json:"withdraws,omitempty"` // consent id
	Via           string          `json:"withdrawn_via,omitempty"`
	Limits        *ConsentLimits  `json:"limits,omitempty"`
	LegalBasis    string          `json:"legal_basis,omitempty"`
	Categories    []string        `json:"pii_categories,omitempty"`
	Sensitive     bool            `json:"sensitive,omitempty"`
	Controller    string          `json:"controller,omitempty"`
	Processor     string          `json:"processor,omitempty"`
	ThirdParties  []string        `json:"third_parties,omitempty"` // opaque ids or kinds, never names
	Evidence      *Evidence       `json:"evidence,omitempty"`
	Receipt       *ConsentReceipt `json:"receipt,omitempty"`
	By            auth.UserID     `json:"by"`
	Supersedes    string          `json:"supersedes,omitempty"`
	SkewS         int64           `json:"skew_s,omitempty"`
	// Flags are what the server found: clock_skew, recording_refused (the visit had to end), late (a
	// consent that arrived after a later withdrawal and never came into force).
	Flags []string  `json:"flags,omitempty"`
	More  seal.Text `json:"more,omitzero"`  // as of a visit
	Said  string    `json:"said,omitempty"` // as of a visit
}

// Evidence is what shows that a consent was given.
type Evidence struct {
	Recording       string `json:"recording_ref,omitempty"`
	SignatureSHA256 string `json:"signature_sha256,omitempty"`
	Bucket          string `json:"gps_bucket,omitempty"` // a coarse cell, never a point
}

// ConsentReceipt is the copy the person was given.
type ConsentReceipt struct {
	ID        string    `json:"receipt_id,omitempty"`
	Via       string    `json:"delivered_via,omitempty"`
	At        time.Time `json:"delivered_at,omitzero"`
	VerifyURL string    `json:"verify_url,omitempty"`
}

// Signature is the state of a document of type "signatures": somebody signed on the
// phone; the strokes are an attachment. Written once.
type Signature struct {
	Case   journal.CaseID   `json:"case"`
	Debtor journal.DebtorID `json:"debtor"`
	Visit  string           `json:"visit,omitempty"`
	// Of names what was signed: a visit, plan or consent.
	OfType      string       `json:"of_type,omitempty"` // visits, plans, consents
	Of          string       `json:"of,omitempty"`
	Role        string       `json:"signer_role"` // a relationship, or agent
	At          time.Time    `json:"at"`
	SHA256      string       `json:"sha256"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Supersedes  string       `json:"supersedes,omitempty"`
	By          auth.UserID  `json:"by"`
	SkewS       int64        `json:"skew_s,omitempty"`
	Flags       []string     `json:"flags,omitempty"` // clock_skew
	More        seal.Text    `json:"more,omitzero"`   // as of a visit
	Said        string       `json:"said,omitempty"`  // as of a visit
}

// ConsentLimits narrow a consent.
type ConsentLimits struct {
	Days     []string `json:"days,omitempty"`
	From     string   `json:"from,omitempty"`
	To       string   `json:"to,omitempty"`
	Channels []string `json:"channels,omitempty"`
	MaxUses  int      `json:"max_uses,omitempty"`
}

// Plan is the state of a document of type "plans": a repayment plan, proposed at the
// door or by the office. Two versions are never merged.
type Plan struct {
	Case         journal.CaseID   `json:"case"`
	Debtor       journal.DebtorID `json:"debtor"`
	Branch       auth.BranchID    `json:"branch"`
	Lender       string           `json:"lender"`
	Visit        string           `json:"visit,omitempty"`
	Kind         string           `json:"kind"` // ptp_single, instalments, reduced_payment, …
	Currency     string           `json:"currency"`
	TotalMinor   int64            `json:"total_minor"`
	BalanceMinor int64            `json:"balance_minor"` // of the case when it was proposed
	// BalanceAsOf is when that was, PaidBeforeMinor what payments had brought by
	// then; Debts is how the phone saw the balance divided.
	BalanceAsOf     time.Time     `json:"balance_as_of,omitzero"`
	PaidBeforeMinor int64         `json:"paid_before_minor,omitempty"`
	Debts           []DebtBalance `json:"debts,omitempty"`
	Instalments     []Instalment  `json:"instalments"`
	Concession      *Concession   `json:"concession,omitempty"`
	Hardship        *Hardship     `json:"hardship,omitempty"`
	State           string        `json:"state"` // offered, accepted, active, rejected, cancelled, superseded, withdrawn
	// ApprovalState is "" within the agent's limit, else pending, approved or rejected.
	ApprovalState string      `json:"approval_state"`
	ApprovedBy    auth.UserID `json:"approved_by,omitempty"`
	ApprovedAt    time.Time   `json:"approved_at,omitzero"`
	Reason        string      `json:"reason,omitempty"` // why rejected
	Offered       *PlanStep   `json:"offer,omitempty"`
	Accepted      *PlanStep   `json:"acceptance,omitempty"`
	CoolingOff    time.Time   `json:"cooling_off_until,omitzero"`
	Terms         *Terms      `json:"default_terms,omitempty"`
	// Affordability is a JSON object {income, outgoings, surplus, method, as_of, verified}: personal, so sealed.
	Affordability seal.Text   `json:"affordability,omitzero"`
	Pressure      *Pressure   `json:"pressure_checks,omitempty"`
	Copy          *GivenCopy  `json:"copy,omitempty"`
	At            time.Time   `json:"at"` // when it was agreed or offered, as the device says
	By            auth.UserID `json:"by"`
	// Device wrote the newest state; "" for the office.
	Device auth.DeviceID `json:"device,omitempty"`
	SkewS  int64         `json:"skew_s,omitempty"`
	Flags  []string      `json:"flags,omitempty"` // clock_skew
	More   seal.Text     `json:"more,omitzero"`   // as of a visit
	Said   string        `json:"said,omitempty"`  // as of a visit
}

// DebtBalance is what is owed under one debt of a case.
type DebtBalance struct {
	Debt         string `json:"debt_id"`
	BalanceMinor int64  `json:"balance_minor"`
}

// Terms say when a plan counts as broken and what follows.
type Terms struct {
	GraceDays   int    `json:"grace_days,omitempty"`
	BrokenAfter int    `json:"broken_after,omitempty"` // missed instalments
	NextStep    string `json:"next_step,omitempty"`
}

// Pressure are the checks that nobody was pressed into a plan.
type Pressure struct {
	SinglePayment         bool `json:"single_payment,omitempty"`
	NewBorrowingSuggested bool `json:"new_borrowing_suggested,omitempty"`
	DeadlineDays          int  `json:"deadline_days,omitempty"`
}

// GivenCopy is the copy of a plan the person was given.
type GivenCopy struct {
	Via    string    `json:"via"`
	At     time.Time `json:"at"`
	SHA256 string    `json:"sha256,omitempty"`
}

// Instalment is one due part of a plan.
type Instalment struct {
	N           int    `json:"n"`
	DueOn       string `json:"due_on"` // local date
	AmountMinor int64  `json:"amount_minor"`
}

// Concession is what the lender gives up in a plan.
type Concession struct {
	Type        string `json:"type"`
	AmountMinor int64  `json:"amount_minor"`
}

// Hardship is why the person cannot pay (X12 element 641 codes or our own).
type Hardship struct {
	Reason   string   `json:"reason"`
	Evidence []string `json:"evidence,omitempty"`
	ReviewOn string   `json:"review_on,omitempty"`
}

// PlanStep is an offer or an acceptance.
type PlanStep struct {
	By      auth.UserID `json:"by,omitempty"`
	At      time.Time   `json:"at"`
	Channel string      `json:"channel,omitempty"`
	Consent string      `json:"consent,omitempty"`
	Method  string      `json:"method,omitempty"`
	Expires time.Time   `json:"expires_at,omitzero"`
}

// Assignment is the state of a document of type "assignments": a stop issued to agents' phones.
type Assignment struct {
	Case     journal.CaseID   `json:"case"`
	Debtor   journal.DebtorID `json:"debtor"`
	Branch   auth.BranchID    `json:"branch"`
	Round    string           `json:"round,omitempty"`
	Route    string           `json:"route,omitempty"`
	Team     string           `json:"team"`
	Agents   []auth.UserID    `json:"agents"` // every agent on the shift; any may act
	Date     string           `json:"date"`   // local date of the round
	StopSeq  int              `json:"stop_seq"`
	ETA      time.Time        `json:"eta"`
	Window   Window           `json:"window"`
	ServiceS int              `json:"service_s"`
	// Appointment is the one the stop keeps; "" for none.
	Appointment string `json:"appointment,omitempty"`
	// Items, Recording and Overlays (the branch's conduct profiles) are what the law is asked with.
	Items     []string `json:"items,omitempty"`
	Recording bool     `json:"recording,omitempty"`
	Overlays  []string `json:"overlays,omitempty"`
	TimeZone  string   `json:"time_zone"`
	Territory string   `json:"territory,omitempty"`
	Status    string   `json:"status"` // open, done, revoked, cancelled: the server's
	// AgentStatus, VisitOrder and AgentRemark are the phone's to patch.
	AgentStatus string    `json:"agent_status,omitempty"` // accepted, en_route, at_door, visited, declined
	VisitOrder  int       `json:"visit_order,omitempty"`
	AgentRemark seal.Text `json:"agent_remark,omitzero"`
	// ClosedBy is the visit that closed it, or the reason it was revoked or cancelled.
	ClosedBy string `json:"closed_by,omitempty"`
	// Retired says that its day is over, or another took its place: no phone shows it any more.
	Retired bool `json:"retired,omitempty"`
	// OnPhones is 1 while phones show it, for the index; 0 else.
	OnPhones int `json:"on_phones,omitempty"`
	// Written tells which device last wrote each of the phone's fields, and when, in revisions.
	Written   map[string]offline.FieldWrite `json:"written,omitempty"`
	Decisions json.RawMessage               `json:"decisions,omitempty"`
	IssuedAt  time.Time                     `json:"issued_at"`
	Extra     Extra                         `json:"extra,omitzero"`
}

// PaymentReported is the state of a document of type "payments_reported": the debtor says, or shows, that they paid. Written once.
type PaymentReported struct {
	Case        journal.CaseID   `json:"case"`
	Debtor      journal.DebtorID `json:"debtor"`
	Visit       string           `json:"visit,omitempty"`
	At          time.Time        `json:"at"`
	AmountMinor int64            `json:"amount_minor"`
	Currency    string           `json:"currency"`
	Method      string           `json:"method,omitempty"`
	Reference   string           `json:"reference,omitempty"`
	Attachments []Attachment     `json:"attachments,omitempty"`
	Supersedes  string           `json:"supersedes,omitempty"`
	By          auth.UserID      `json:"by"`
	SkewS       int64            `json:"skew_s,omitempty"`
	Flags       []string         `json:"flags,omitempty"` // cash: agents take none; other_currency, clock_skew
	More        seal.Text        `json:"more,omitzero"`   // as of a visit
	Said        string           `json:"said,omitempty"`  // as of a visit
}

// Payment is the state of a document of type "payments": money the lender says has arrived.
type Payment struct {
	Case        journal.CaseID   `json:"case"`
	Debtor      journal.DebtorID `json:"debtor"`
	Lender      string           `json:"lender"`
	PaidAt      time.Time        `json:"paid_at"`
	AmountMinor int64            `json:"amount_minor"`
	Currency    string           `json:"currency"`
	Method      string           `json:"method,omitempty"`
}
