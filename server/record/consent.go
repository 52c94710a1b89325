package record

import (
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
	Bucket          string `json:"gps_bucket,omitempty" is:"cell"`
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

func (c *ConsentReport) check(time.Time) *refusal.Error {
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(c.At) {
		return invalid("validation.expires_at", "expires_at", "a consent ends after it is given")
	}
	return nil
}
