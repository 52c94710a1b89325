package record

import (
	"strconv"

	"doorstep/auth/refusal"
)

// Affordability is what a debtor has and needs a month, in the order of the Standard Financial Statement: income,
// outgoings, and what is left. Amounts are minor units of the case's currency, by the month.
type Affordability struct {
	Income         []MonthlyIncome   `json:"income"`
	Outgoings      []MonthlyOutgoing `json:"outgoings"`
	IncomeMinor    int64             `json:"income_minor"`
	OutgoingsMinor int64             `json:"outgoings_minor"`
	// SurplusMinor is the income less the outgoings, and may be below zero.
	SurplusMinor int64  `json:"surplus_minor"`
	Method       string `json:"method" is:"affordability_methods"`
	AsOf         string `json:"as_of,omitempty" is:"date"` // the local date of the figures
	// Verified says that whoever took it down has seen documents.
	Verified bool `json:"verified,omitempty"`
}

// MonthlyIncome is a source of income.
type MonthlyIncome struct {
	Kind        string `json:"kind" is:"sfs_income" need:"say which kind of income it is"`
	AmountMinor int64  `json:"amount_minor"`
}

// MonthlyOutgoing is what a purpose costs.
type MonthlyOutgoing struct {
	Kind        string `json:"kind" is:"sfs_outgoings" need:"say which kind of outgoing it is"`
	AmountMinor int64  `json:"amount_minor"`
}

// check refuses a statement whose lines are out of order, named twice, or do not add up.
func (a Affordability) check(at string) *refusal.Error {
	if len(a.Income) == 0 {
		return invalid("validation.income", at+".income", "a statement begins with the income; write none as an amount of 0")
	}
	var income, outgoings int64
	last := -1
	for i, x := range a.Income {
		var bad *refusal.Error
		if last, bad = nextLine(at+".income["+strconv.Itoa(i)+"]", x.Kind, x.AmountMinor, "sfs_income", last); bad != nil {
			return bad
		}
		income += x.AmountMinor
	}
	last = -1
	for i, x := range a.Outgoings {
		var bad *refusal.Error
		if last, bad = nextLine(at+".outgoings["+strconv.Itoa(i)+"]", x.Kind, x.AmountMinor, "sfs_outgoings",
			last); bad != nil {
			return bad
		}
		outgoings += x.AmountMinor
	}
	switch {
	case a.IncomeMinor != income:
		return invalid("validation.sum", at+".income_minor", "the lines of the income add up to another sum")
	case a.OutgoingsMinor != outgoings:
		return invalid("validation.sum", at+".outgoings_minor", "the lines of the outgoings add up to another sum")
	case a.SurplusMinor != income-outgoings:
		return invalid("validation.sum", at+".surplus_minor", "the surplus is the income less the outgoings")
	case a.Method == "":
		return invalid("validation.method", at+".method", "say by which method: SFS")
	}
	return nil
}

// mostOfLine bounds a line, so that the sums of all lines stay within MaxMinor.
const mostOfLine = MaxMinor >> 6

// nextLine checks a line of a statement: its kind comes after that of the line before in the list of codes.
func nextLine(at, kind string, amount int64, list string, last int) (int, *refusal.Error) {
	for i, code := range CodesOf(list) {
		if code != kind {
			continue
		}
		switch {
		case i == last:
			return 0, invalid("validation.kind", at+".kind", "this kind stands in the line before; add the two")
		case i < last:
			return 0, invalid("validation.kind", at+".kind", "the lines are in the order of the list %s of GET /v1/codes", list)
		case amount < 0 || amount > mostOfLine:
			return 0, invalid("validation.amount_minor", at+".amount_minor", "from 0 to %d, in minor units a month",
				int64(mostOfLine))
		}
		return i, nil
	}
	return last, nil // refused by its tag
}
