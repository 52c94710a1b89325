package record

import (
	"regexp"
	"strings"

	"doorstep/sync/journal"
)

// MaxID is how many characters the id of a case or a debtor may have, the lender's id and the dot included.
const MaxID = 64

// lenderShape is what a lender's id may be: without dots, so that the first dot of an id ends the lender.
var lenderShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,62}$`)

// IsLender tells whether a text can be a lender's id: 1 to 62 letters A to Z, digits, dashes and underscores.
func IsLender(s string) bool { return lenderShape.MatchString(s) }

// CaseIDOf is the id of the case that a lender calls ref: "LND-A.P-1". References are unique per lender only.
func CaseIDOf(lender, ref string) journal.CaseID { return journal.CaseID(lender + "." + ref) }

// LenderOf is the lender of a case or a debtor, by its id; "" for a text that is no such id.
func LenderOf[ID ~string](id ID) string {
	lender, _, ok := strings.Cut(string(id), ".")
	if !ok {
		return ""
	}
	return lender
}

// DebtorIDOf is the id of the debtor whom a lender calls ref. The same person is another
// debtor at another lender, until a supervisor links the two.
func DebtorIDOf(lender, ref string) journal.DebtorID { return journal.DebtorID(lender + "." + ref) }
