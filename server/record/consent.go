package record

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"doorstep/auth/refusal"
	"doorstep/sync/seal"
)

// Consent is the state of a document of type "consents": one consent given, refused or
// withdrawn (structure after ISO/IEC TS 27560). Written once; a withdrawal is a new record that
// names the consent it withdraws.
type Consent struct {
	ConsentReport
	Taken
}

// ConsentReport is what the phone says of a consent.
type ConsentReport struct {
	About
	// Principal is who consents: a relationship; "" for the debtor.
	Principal string `json:"principal,omitempty" is:"relationships" see:"office,agent"`
	Scope     string `json:"scope" is:"consent_scopes" see:"office,agent" need:"say what it is for"`
	// Status is requested, given, refused or withdrawn; expired and superseded are for the record only.
	Status        string          `json:"status" is:"consent_statuses" see:"office,agent" need:"say how it stands"`
	Method        string          `json:"method,omitempty" is:"consent_methods" see:"office,agent"`
	Language      string          `json:"language,omitempty" is:"language" see:"office,agent"`
	NoticeVersion string          `json:"notice_version,omitempty" is:"id" see:"office,agent"`
	TextSHA256    string          `json:"text_shown_sha256,omitempty" is:"id" see:"office,agent"`
	ValidFrom     time.Time       `json:"valid_from,omitzero" see:"office,agent"`
	ExpiresAt     time.Time       `json:"expires_at,omitzero" see:"office,agent"`
	Withdraws     string          `json:"withdraws,omitempty" is:"id" see:"office,agent"` // a consent's id
	Via           string          `json:"withdrawn_via,omitempty" is:"id" see:"office,agent"`
	Limits        *ConsentLimits  `json:"limits,omitempty" see:"office,agent"`
	LegalBasis    string          `json:"legal_basis,omitempty" is:"id" see:"office,agent"`
	Categories    []string        `json:"pii_categories,omitempty" is:"id" see:"office,agent"`
	Sensitive     bool            `json:"sensitive,omitempty" see:"office,agent"`
	Controller    seal.Text       `json:"controller,omitzero" most:"200" see:"office,agent"`
	Processor     seal.Text       `json:"processor,omitzero" most:"200" see:"office,agent"`
	ThirdParties  []string        `json:"third_parties,omitempty" is:"id" see:"office,agent"` // opaque ids or kinds, never names
	Evidence      *Evidence       `json:"evidence,omitempty" see:"office,agent"`
	Receipt       *ConsentReceipt `json:"receipt,omitempty" see:"office,agent"`
}

// Evidence is what shows that a consent was given.
type Evidence struct {
	Recording       string `json:"recording_ref,omitempty" is:"id"`
	SignatureSHA256 string `json:"signature_sha256,omitempty" is:"id"`
	// Message is the id of the message, one-time code or page by which it was given.
	Message string `json:"message_ref,omitempty" is:"id"`
	Bucket  string `json:"gps_bucket,omitempty" is:"cell"`
}

// ConsentReceipt is the copy the person was given.
type ConsentReceipt struct {
	ID        string    `json:"receipt_id,omitempty" is:"id"`
	Via       string    `json:"delivered_via,omitempty" is:"id"`
	At        time.Time `json:"delivered_at,omitzero"`
	VerifyURL string    `json:"verify_url,omitempty" is:"url"`
}

// ConsentLimits narrow a consent.
type ConsentLimits struct {
	Days     []string `json:"days,omitempty" is:"day" most:"7"`
	From     string   `json:"from,omitempty" is:"clock"`
	To       string   `json:"to,omitempty" is:"clock"`
	Channels []string `json:"channels,omitempty" is:"id"`
	MaxUses  int      `json:"max_uses,omitempty" most:"100000"`
}

func (c *ConsentReport) past() []time.Time {
	if c.Receipt == nil {
		return nil
	}
	return []time.Time{c.Receipt.At}
}

func (c *ConsentReport) check(time.Time) *refusal.Error {
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(c.At) {
		return invalid("validation.expires_at", "expires_at", "a consent ends after it is given")
	}
	return nil
}

// actFor are those who may consent for a debtor, by relationship.
var actFor = []string{"", "debtor", "guardian", "attorney", "executor"}

// Lacks tells what keeps a consent from lifting any rule, as a flag; "" for nothing. It has to
// come from the debtor or from who may act for them, by a method and on a text that are named,
// with the evidence that the method leaves.
func (c *ConsentReport) Lacks() string {
	if !slices.Contains(actFor, c.Principal) {
		return "consent_not_theirs"
	}
	var e Evidence
	if c.Evidence != nil {
		e = *c.Evidence
	}
	shown := ""
	switch c.Method {
	case "verbal_recorded":
		shown = e.Recording
	case "on_screen_signature", "paper_scan":
		shown = e.SignatureSHA256
	case "sms_reply", "otp", "web":
		shown = e.Message
	}
	if shown == "" || !isSHA256(c.TextSHA256) {
		return "consent_unproven"
	}
	return ""
}

func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

// On gives the spans of a local date, in seconds of the day, in which the limits leave the
// consent in force. A span that crosses midnight belongs to the date on which it begins.
func (l *ConsentLimits) On(day time.Weekday) (from, to int, ok bool) {
	if len(l.Days) > 0 && !slices.Contains(l.Days, weekdays[day]) {
		return 0, 0, false
	}
	from, to = clockSeconds(l.From, 0), clockSeconds(l.To, 24*3600)
	if to <= from {
		to += 24 * 3600
	}
	return from, to, true
}

// weekdays are the names of days in limits.
var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// clockSeconds is a time of day, 15:04, as seconds; none for "".
func clockSeconds(clock string, none int) int {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		return none
	}
	return t.Hour()*3600 + t.Minute()*60
}
