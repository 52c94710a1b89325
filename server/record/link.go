package record

import (
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Link is the state of a document of type "links", one per debtor who is linked: a
// supervisor found that debtors of several lenders are one person. Those with the same
// Person are linked. Each keeps their own key and cases.
type Link struct {
	Debtor journal.DebtorID `json:"debtor" is:"server" see:"office"`
	Person string           `json:"person" is:"server" see:"office"`
	By     auth.UserID      `json:"by" is:"server" see:"office"`
	At     time.Time        `json:"at" see:"office"`
}
