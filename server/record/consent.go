package record

import (
	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
	"time"
)

func (c *Consent) caseID() journal.CaseID { return c.Case }

func (c *Consent) check(now time.Time) *refusal.Error {
	if err := checkAt(c.At, now); err != nil {
		return err
	}
	for _, x := range []struct {
		field, value string
		list         []string
		needed       bool
	}{{"scope", c.Scope, consentScopes[:], true}, {"status", c.Status, consentStatuses[:], true}, {"method", c.Method, consentMethods[:], false}} {
		if x.value == "" && x.needed {
			return invalid("validation."+x.field, x.field, "this must be given")
		}
		if err := Listed(x.field, x.value, x.list); err != nil {
			return err
		}
	}
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(c.At) {
		return invalid("validation.expires_at", "expires_at", "a consent ends after it is given")
	}
	if c.Principal != "" {
		if _, ok := Relationships[c.Principal]; !ok {
			return invalid("validation.principal", "principal", "this is not one of the relationships")
		}
	}
	if err := c.checkWords(); err != nil {
		return err
	}
	if len(c.Categories) > 50 || len(c.ThirdParties) > 50 {
		return invalid("validation.too_many", "", "a list of the consent is too long")
	}
	return nil
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

// EachSealed names the personal parts of a consent.
func (c *Consent) EachSealed(fn func(field string, p seal.Part)) { fn("more", &c.More) }

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

// ConsentLimits narrow a consent.
type ConsentLimits struct {
	Days     []string `json:"days,omitempty"`
	From     string   `json:"from,omitempty"`
	To       string   `json:"to,omitempty"`
	Channels []string `json:"channels,omitempty"`
	MaxUses  int      `json:"max_uses,omitempty"`
}

// checkWords refuses free text in the members of a consent.
func (c *Consent) checkWords() *refusal.Error {
	all := map[string][]string{"visit": {c.Visit}, "language": {c.Language}, "notice_version": {c.NoticeVersion}, "text_shown_sha256": {c.TextSHA256},
		"withdraws": {c.Withdraws}, "withdrawn_via": {c.Via}, "legal_basis": {c.LegalBasis}, "pii_categories": c.Categories, "third_parties": c.ThirdParties,
		"supersedes": {c.Supersedes}}
	if e := c.Evidence; e != nil {
		all["evidence"] = []string{e.Recording, e.SignatureSHA256}
		if len(e.Bucket) > 6 {
			return invalid("validation.gps_bucket", "evidence.gps_bucket", "a coarse cell of at most 6 characters, never a point")
		}
		all["evidence.gps_bucket"] = []string{e.Bucket}
	}
	if r := c.Receipt; r != nil {
		all["receipt"] = []string{r.ID, r.Via}
	}
	for field, values := range all {
		if err := CodeWords(field, values...); err != nil {
			return err
		}
	}
	return nil
}
