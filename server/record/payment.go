package record

import (
	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
	"time"
)

func (p *PaymentReported) caseID() journal.CaseID { return p.Case }

func (p *PaymentReported) check(now time.Time) *refusal.Error {
	if err := checkAt(p.At, now); err != nil {
		return err
	}
	if p.AmountMinor <= 0 || p.AmountMinor > MaxMinor {
		return invalid("validation.amount_minor", "amount_minor", "an amount is above zero, in minor units such as cents")
	}
	if len(p.Currency) != 3 {
		return invalid("validation.currency", "currency", "write an ISO 4217 code")
	}
	if err := CodeWords("reference", p.Reference, p.Visit, p.Supersedes); err != nil {
		return err
	}
	return Listed("method", p.Method, paymentMethods[:])
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

// EachSealed names the personal parts of a reported payment.
func (p *PaymentReported) EachSealed(fn func(field string, part seal.Part)) { fn("more", &p.More) }

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
