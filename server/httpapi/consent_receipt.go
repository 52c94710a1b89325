package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

// The receipt of a consent follows the structure of ISO/IEC TS 27560:2023, with its terms as names. kantara is the same
// in the fields of the Kantara Initiative's Consent Receipt Specification 1.1, which many readers know.

// ReceiptParty is who takes part in a consent.
type ReceiptParty struct {
	ID      string `json:"party_id"`
	Type    string `json:"party_type" enum:"pii_principal,pii_controller,pii_processor"`
	Name    string `json:"party_name,omitempty" doc:"Absent of the person: the receipt names them by party_id."`
	Contact string `json:"party_contact,omitempty"`
}

// ReceiptEvent is a change of a consent.
type ReceiptEvent struct {
	ID    string     `json:"event_id" doc:"The record that made it; of an end by date the consent's own."`
	Time  time.Time  `json:"event_time"`
	State string     `json:"event_state" enum:"consent_given,consent_withdrawn,consent_expired"`
	Type  string     `json:"event_type,omitempty" enum:"explicit"`
	Until *time.Time `json:"validity_until,omitempty" doc:"When it ends by its own date."`
}

// ReceiptPurpose is what a consent is for.
type ReceiptPurpose struct {
	Purpose    string   `json:"purpose" doc:"A code of consent_scopes."`
	Basis      string   `json:"lawful_basis"`
	PII        []string `json:"pii_information,omitempty"`
	Sensitive  bool     `json:"sensitive_pii"`
	Recipients []string `json:"recipients,omitempty"`
	Method     string   `json:"collection_method"`
	Withdrawal string   `json:"withdrawal_method" doc:"How it is taken back."`
}

// ConsentReceipt27560 is the receipt itself.
type ConsentReceipt27560 struct {
	Schema    string           `json:"schema_version" example:"ISO/IEC TS 27560:2023"`
	ReceiptID string           `json:"receipt_id"`
	RecordID  string           `json:"record_id" doc:"The id of the consent."`
	Principal string           `json:"pii_principal_id"`
	Language  string           `json:"language,omitempty"`
	Notice    string           `json:"privacy_notice" doc:"The version of the text that was shown."`
	NoticeSHA string           `json:"privacy_notice_sha256" doc:"SHA-256 of the text that was shown, hexadecimal."`
	Place     string           `json:"jurisdiction"`
	Purposes  []ReceiptPurpose `json:"purposes"`
	Parties   []ReceiptParty   `json:"party_identification"`
	Events    []ReceiptEvent   `json:"events"`
}

// KantaraPurpose is a purpose as Kantara has it.
type KantaraPurpose struct {
	Purpose     string   `json:"purpose"`
	ConsentType string   `json:"consentType" enum:"EXPLICIT"`
	Categories  []string `json:"piiCategory"`
	Primary     bool     `json:"primaryPurpose"`
	Termination string   `json:"termination"`
	ThirdParty  bool     `json:"thirdPartyDisclosure"`
}

// KantaraService is a service as Kantara has it.
type KantaraService struct {
	Service  string           `json:"service"`
	Purposes []KantaraPurpose `json:"purposes"`
}

// KantaraController is a controller as Kantara has it.
type KantaraController struct {
	Name    string `json:"piiController"`
	Contact string `json:"contact"`
	Phone   string `json:"phone"`
}

// KantaraReceipt is the receipt in Kantara's fields.
type KantaraReceipt struct {
	Version     string              `json:"version" example:"KI-CR-v1.1.0"`
	Place       string              `json:"jurisdiction"`
	Timestamp   int64               `json:"consentTimestamp" doc:"Unix seconds."`
	Method      string              `json:"collectionMethod"`
	ID          string              `json:"consentReceiptID"`
	Language    string              `json:"language,omitempty"`
	Principal   string              `json:"piiPrincipalId"`
	Controllers []KantaraController `json:"piiControllers"`
	Services    []KantaraService    `json:"services"`
	Sensitive   bool                `json:"sensitive"`
	Special     []string            `json:"spiCat"`
}

// issuedReceipt is the answer.
type issuedReceipt struct {
	ConsentReceipt27560
	Kantara KantaraReceipt `json:"kantara"`
}

func (a *API) consentReceiptEndpoint() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/consents/{id}/receipt", roles: supervisors,
		id: "getConsentReceipt", tag: "cases", summary: "The receipt of a consent",
		about: "In the structure of ISO/IEC TS 27560, and under kantara in the fields of Kantara's Consent Receipt 1.1. It " +
			"says how the consent stands now, a withdrawal included. The person reads theirs in words on their page, for " +
			"which POST /v1/cases/{id}/links issues a link. Of a consent that was given; another is consent.not_found."},
		a.getConsentReceipt)
}

type getConsentReceiptIn struct {
	ID     string `path:"id" maxLength:"64" doc:"The id of the consent."`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) getConsentReceipt(ctx context.Context, c call, in *getConsentReceiptIn) (*body[issuedReceipt], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	x, err := a.opt.Casework.ConsentItem(ctx, c.actor, b, in.ID, a.opt.Journal.Now())
	if err != nil {
		return nil, err
	}
	if err := a.noted(ctx, c.actor, b, access.Read{What: access.CaseRead,
		Cases: []journal.CaseID{x.Case.ID}}); err != nil {
		return nil, err
	}
	firm, err := a.opt.Office.Firm(ctx)
	if err != nil {
		return nil, err
	}
	name := x.Case.Lender
	all, err := a.opt.Office.Lenders(ctx)
	if err != nil {
		return nil, err
	}
	phone := ""
	for _, l := range all {
		if l.ID == x.Case.Lender {
			phone = l.Phone
			if l.Name != "" {
				name = l.Name
			}
		}
	}
	return respond(receiptOf(x, ReceiptParty{ID: x.Case.Lender, Type: "pii_controller", Name: name, Contact: phone},
		ReceiptParty{ID: "firm", Type: "pii_processor", Name: firm.Name, Contact: firm.Phone})), nil
}

// receiptOf makes the receipt of a consent between the person, the lender and the firm.
func receiptOf(x casework.ConsentItem, lender, firm ReceiptParty) issuedReceipt {
	k := &x.Consent
	if text := k.Controller.Plain(); text != "" {
		lender.Name = text
	}
	if text := k.Processor.Plain(); text != "" {
		firm.Name = text
	}
	id, basis := x.ID, k.LegalBasis
	if k.Receipt != nil && k.Receipt.ID != "" {
		id = k.Receipt.ID
	}
	if basis == "" {
		basis = "consent"
	}
	const withdraw = "on the person's page, by telephone, by letter, or to the agent"
	given := ReceiptEvent{ID: x.ID, Time: k.At, State: "consent_given", Type: "explicit"}
	if !k.ExpiresAt.IsZero() {
		given.Until = &k.ExpiresAt
	}
	r := ConsentReceipt27560{Schema: "ISO/IEC TS 27560:2023", ReceiptID: id, RecordID: x.ID,
		Principal: string(x.Case.Debtor), Language: k.Language, Notice: k.NoticeVersion, NoticeSHA: k.TextSHA256,
		Place: x.Case.Country, Events: []ReceiptEvent{given}, Purposes: []ReceiptPurpose{{Purpose: k.Scope, Basis: basis,
			PII: k.Categories, Sensitive: k.Sensitive, Recipients: k.ThirdParties, Method: k.Method, Withdrawal: withdraw}},
		Parties: []ReceiptParty{{ID: string(x.Case.Debtor), Type: "pii_principal"}, lender, firm}}
	termination := "when it is withdrawn"
	if given.Until != nil {
		termination = given.Until.UTC().Format(time.RFC3339) + ", or when it is withdrawn"
	}
	if !x.Ended.IsZero() {
		end := ReceiptEvent{ID: x.By, Time: x.Ended, State: "consent_withdrawn"}
		if x.By == "" {
			end.ID, end.State = x.ID, "consent_expired"
		}
		r.Events = append(r.Events, end)
		termination = x.Ended.UTC().Format(time.RFC3339)
	}
	special := []string{}
	if k.Sensitive {
		special = append(special, k.Categories...)
	}
	return issuedReceipt{r, KantaraReceipt{Version: "KI-CR-v1.1.0", Place: r.Place, Timestamp: k.At.Unix(),
		Method: k.Method, ID: id, Language: k.Language, Principal: r.Principal,
		Controllers: []KantaraController{{lender.Name, lender.Name, lender.Contact}},
		Services: []KantaraService{{Service: firm.Name, Purposes: []KantaraPurpose{{Purpose: k.Scope,
			ConsentType: "EXPLICIT", Categories: append([]string{}, k.Categories...), Primary: true, Termination: termination,
			ThirdParty: len(k.ThirdParties) > 0}}}},
		Sensitive: k.Sensitive, Special: special}}
}
