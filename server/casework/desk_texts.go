package casework

import (
	"time"

	"doorstep/server/record"
	"doorstep/sync/journal"
)

// deskTexts finds the cases of a lender whose ladder of texts is to be looked at, by time.
var deskTexts = journal.Index{Type: deskView, Name: "texts", Fields: []string{"t_lender", "t_at"}}

// deskText is what a case's row says of its texts.
type deskText struct {
	// TextLender and TextAt are of a case whose ladder is to be looked at, and when; absent for others.
	TextLender string `json:"t_lender,omitempty"`
	TextAt     string `json:"t_at,omitempty"`
	// Lender is the case's, Open 1 for one that is open here, and Written when its entry was received.
	Lender  string `json:"t_of,omitempty"`
	Open    int    `json:"t_open,omitempty"`
	Written string `json:"t_written,omitempty"`
	// LadderDue, LadderNext, LadderState and LadderEntry are of the ladder; absent while there is none.
	LadderDue   string `json:"t_due,omitempty"`
	LadderNext  string `json:"t_next,omitempty"`
	LadderState string `json:"t_state,omitempty"`
	LadderEntry uint64 `json:"t_entry,omitempty"`
}

// weighText sets when the ladder of the row's case is looked at next: when the ladder says so, or at once if the case
// has changed since the ladder was paused. A case without a ladder is looked at from its due date on.
func (k *deskCase) weighText() {
	k.TextLender, k.TextAt = "", ""
	at := k.LadderNext
	switch {
	case k.LadderEntry == 0 || k.LadderDue < k.Due:
		if k.Open == 0 || k.Due == "" {
			return
		}
		at = k.Due + "T00:00:00Z"
	case k.LadderState == record.LadderCompleted:
		return
	case k.Entry > k.LadderEntry && k.LadderState != record.LadderActive,
		k.Entry > k.LadderEntry && k.Open == 0:
		at = k.Written
	}
	if at != "" {
		k.TextLender, k.TextAt = k.Lender, at
	}
}

// textsOf notes a case's new state for its texts; received is when the entry came.
func (k *deskCase) textsOf(c *record.Case, received time.Time) {
	k.deskText.Lender, k.Open, k.Written = c.Lender, 0, second(received)
	if c.Status == record.StatusOpen && !c.IsErased() {
		k.Open = 1
	}
	k.weighText()
	if c.HasMoved() || c.IsErased() {
		k.TextLender, k.TextAt = "", ""
	}
}

// ladder notes the new state of a case's ladder.
func (d *deskRun) ladder(n uint64, l *record.Ladder) error {
	var k deskCase
	if there, err := d.read(caseRow(l.Case), &k); err != nil || !there {
		return err
	}
	k.LadderDue, k.LadderState, k.LadderEntry, k.LadderNext = l.DueDate, l.State, n, ""
	if !l.NextAt.IsZero() {
		k.LadderNext = second(l.NextAt)
	}
	if k.Live == 1 {
		k.weighText()
	}
	return d.put(n, caseRow(l.Case), k)
}
