package record

import (
	"reflect"

	"doorstep/geo"
	"doorstep/sync/journal"
)

// CaseLine is one line of a case import, judged and made uniform: two lines that mean the same are equal.
type CaseLine struct {
	CaseRef           string   `json:"case_ref" is:"text"`
	Lender            string   `json:"lender" is:"text"`
	ProductType       string   `json:"product_type" is:"text"`
	Profiles          []string `json:"profiles" is:"text"`
	DebtorRef         string   `json:"debtor_ref" is:"text"`
	DebtorName        string   `json:"debtor_name" is:"text"`
	Language          string   `json:"language" is:"text"`
	Phone             string   `json:"phone" is:"text"`
	PhoneVerifiedOn   string   `json:"phone_verified_on" is:"text"`
	Address           string   `json:"address" is:"text"`
	PostalCode        string   `json:"postal_code" is:"text"`
	City              string   `json:"city" is:"text"`
	Country           string   `json:"country" is:"text"`
	Home              *geo.E7  `json:"home"` // WGS 84; nil when unknown
	Datum             string   `json:"datum" is:"text"`
	AddressVerifiedOn string   `json:"address_verified_on" is:"text"`
	TimeZone          string   `json:"time_zone" is:"text"`
	Currency          string   `json:"currency" is:"text"`
	PrincipalMinor    int64    `json:"principal_minor"`
	AmountDueMinor    int64    `json:"amount_due_minor"`
	// Net says whether AmountDueMinor is net of payments or before them; nil where the line does not say.
	Net        *bool    `json:"net,omitempty"`
	DueDate    string   `json:"due_date" is:"text"`
	Priority   int      `json:"priority"`
	ServiceMin int      `json:"service_min"`
	Flags      []string `json:"flags" is:"text"` // hold kinds, sorted
}

// ID is the id of the line's case.
func (l *CaseLine) ID() journal.CaseID { return CaseIDOf(l.Lender, l.CaseRef) }

// Debtor is the id of the line's debtor.
func (l *CaseLine) Debtor() journal.DebtorID { return DebtorIDOf(l.Lender, l.DebtorRef) }

// Same tells whether two lines say the same.
func (l CaseLine) Same(o *CaseLine) bool { return reflect.DeepEqual(l, *o) }

// SamePhone tells whether two lines say the same of the phone.
func (l *CaseLine) SamePhone(o *CaseLine) bool {
	return l.Phone == o.Phone && l.PhoneVerifiedOn == o.PhoneVerifiedOn
}

// SameAddress tells whether two lines say the same of where the person lives.
func (l *CaseLine) SameAddress(o *CaseLine) bool {
	home := l.Home == o.Home || l.Home != nil && o.Home != nil && *l.Home == *o.Home
	return home && l.Address == o.Address && l.PostalCode == o.PostalCode && l.City == o.City && l.Country == o.Country &&
		l.Datum == o.Datum && l.AddressVerifiedOn == o.AddressVerifiedOn
}
