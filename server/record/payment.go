package record

import (
	"time"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// PaymentReported is the state of a document of type "payments_reported": the
// debtor says, or shows, that they paid. Written once.
type PaymentReported struct {
	PaymentReport
	Taken
}

// PaymentReport is what the phone says of a payment.
type PaymentReport struct {
	About
	AmountMinor int64        `json:"amount_minor" see:"all" need:"an amount is above zero, in minor units such as cents"`
	Currency    string       `json:"currency" is:"currency" see:"all" need:"write an ISO 4217 code"`
	Method      string       `json:"method,omitempty" is:"payment_methods" see:"all"`
	Reference   string       `json:"reference,omitempty" is:"id" see:"all"`
	Attachments []Attachment `json:"attachments,omitempty" see:"office,agent"`
}

func (p *PaymentReport) check(time.Time) *refusal.Error {
	if p.AmountMinor < 0 || p.AmountMinor > MaxMinor {
		return invalid("validation.amount_minor", "amount_minor", "an amount is above zero, in minor units such as cents")
	}
	return nil
}

// MaxMinor bounds an amount in minor units: what JSON numbers carry exactly. It is that of server/repayment.
const MaxMinor = 1<<53 - 1

// Payment is the state of a document of type "payments": money the lender says has arrived.
type Payment struct {
	Case journal.CaseID `json:"case" is:"id" see:"all"`
	// No counts the payments of the case from 1, reversals included, in the order in which they were recorded.
	No          int              `json:"payment_no,omitempty" see:"none"`
	Debtor      journal.DebtorID `json:"debtor" is:"id" see:"all"`
	Lender      string           `json:"lender" is:"id" see:"all"`
	PaidAt      time.Time        `json:"paid_at" see:"all"`
	AmountMinor int64            `json:"amount_minor" see:"all"`
	Currency    string           `json:"currency" is:"currency" see:"all"`
	Method      string           `json:"method,omitempty" is:"payment_methods" see:"all"`
	// Reverses is the payment_ref of the payment that this takes back, wholly or in part; "" for money that came in.
	Reverses string `json:"reverses,omitempty" is:"id" see:"all"`
	// ReversedMinor is how much of the payment has been taken back since.
	ReversedMinor int64 `json:"reversed_minor,omitempty" see:"all"`
	// InAmount says that the lender's amount due contained the payment already, so that it did not change it.
	InAmount bool `json:"in_amount,omitempty" see:"all"`
	// DueMinor is by how much it lowered what is due, or raised it if it is a reversal: less than its amount if more
	// was paid than was due.
	DueMinor int64 `json:"due_minor,omitempty" see:"office,lender"`
	// UndoneBy is the payment_ref of the payment that takes this back since its import was undone; "" for none.
	UndoneBy string `json:"undone_by,omitempty" is:"id" see:"all"`
	// Import is the import that wrote the payment last; nil for none.
	Import *Imported `json:"import,omitempty" see:"none"`
}

// Brought is what the payment has brought after reversals; 0 for a reversal.
func (p *Payment) Brought() int64 {
	if p.Reverses != "" {
		return 0
	}
	return p.AmountMinor - p.ReversedMinor
}
