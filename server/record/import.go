package record

import (
	"reflect"

	"doorstep/geo"
	"doorstep/sync/journal"
)

// CaseLine is one line of a case import, judged and made uniform: two lines that mean the same are equal.
type CaseLine struct {
	CaseRef           journal.CaseID   `json:"case_ref"`
	Lender            string           `json:"lender"`
	ProductType       string           `json:"product_type"`
	Profiles          []string         `json:"profiles"`
	Debtor            journal.DebtorID `json:"debtor_ref"`
	DebtorName        string           `json:"debtor_name"`
	Language          string           `json:"language"`
	Phone             string           `json:"phone"`
	PhoneVerifiedOn   string           `json:"phone_verified_on"`
	Address           string           `json:"address"`
	PostalCode        string           `json:"postal_code"`
	City              string           `json:"city"`
	Country           string           `json:"country"`
	Home              *geo.E7          `json:"home"` // WGS 84; nil when unknown
	Datum             string           `json:"datum"`
	AddressVerifiedOn string           `json:"address_verified_on"`
	TimeZone          string           `json:"time_zone"`
	Currency          string           `json:"currency"`
	PrincipalMinor    int64            `json:"principal_minor"`
	AmountDueMinor    int64            `json:"amount_due_minor"`
	DueDate           string           `json:"due_date"`
	Priority          int              `json:"priority"`
	ServiceMin        int              `json:"service_min"`
	Flags             []string         `json:"flags"` // hold kinds, sorted
}

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
