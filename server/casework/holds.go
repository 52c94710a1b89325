package casework

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"doorstep/server/record"
)

// addHold opens a hold and drafts the case. One of the same kind that is open on
// the same dates already is left as it is: added is then false.
func addHold(f *File, d *draftBuilder, h record.Hold) (id string, added bool) {
	for _, there := range f.Case.AllHolds() {
		if there.Kind == h.Kind && there.Released == nil && there.Since == h.Since && there.Until == h.Until {
			return there.ID, false
		}
	}
	h.At, h.By = d.At, d.Actor.User
	holds := f.Case.AllHolds()
	// The id stands in the receipt, so that it tells nothing of the kind.
	h.ID = madeID("h", d.Command, fmt.Sprint(len(holds)))
	f.Case.SetHolds(append(holds, h))
	d.putCase(f)
	return h.ID, true
}

// addFact makes a fact known and drafts the case.
func addFact(f *File, d *draftBuilder, kind, since string) (added bool) {
	if f.Case.HasFact(kind) {
		return false
	}
	f.Case.Facts = append(f.Case.Facts, record.Fact{Kind: kind, Since: since, At: d.At})
	d.putCase(f)
	return true
}

// madeID makes an id that is the same whenever the same command is decided again.
func madeID(prefix string, of ...string) string {
	h := sha256.New()
	for _, s := range of {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return prefix + hex.EncodeToString(h.Sum(nil)[:12])
}
