package casework

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// OpenOn tells whether the hold binds on a local date ("2006-01-02") of the debtor.
func (h Hold) OpenOn(day string) bool {
	return h.Released == nil && h.Since <= day && (h.Until == "" || day <= h.Until)
}

// OpenHolds are the holds that bind on a local date of the debtor. Any of them
// keeps the case out of rounds.
func (c *Case) OpenHolds(day string) []Hold {
	var open []Hold
	for _, h := range c.Holds {
		if h.OpenOn(day) {
			open = append(open, h)
		}
	}
	return open
}

// flagSpan is a flag of the conduct decision with the local dates between which it holds; "" leaves an end open.
type flagSpan struct {
	Since, Until string
}

// flagSpans are the conduct flags that holds and facts raise, as they stand on a
// local date. Holds that end before it are left out. Where several raise one flag,
// it ends with the last of them; it begins with the latest that has begun, so that
// a limit on its length counts from the newest reason, or else with the first to come.
func (c *Case) flagSpans(day string) map[string]flagSpan {
	spans := map[string]flagSpan{}
	add := func(flag string, s flagSpan) {
		was, there := spans[flag]
		if !there {
			spans[flag] = s
			return
		}
		if was.Until == "" || s.Until == "" {
			was.Until = ""
		} else {
			was.Until = max(was.Until, s.Until)
		}
		switch {
		case was.Since <= day && s.Since <= day:
			was.Since = max(was.Since, s.Since)
		default:
			was.Since = min(was.Since, s.Since)
		}
		spans[flag] = was
	}
	for _, h := range c.Holds {
		if h.Released != nil || h.Until != "" && h.Until < day {
			continue
		}
		kind, ok := holdKind(h.Kind)
		if !ok {
			// A kind of a newer version: its own name is the flag, and a reader that does not know it stops anyway by house-hold.
			kind.Flags = []string{h.Kind}
		}
		for _, flag := range kind.Flags {
			add(flag, flagSpan{h.Since, h.Until})
		}
	}
	for _, fact := range c.Facts {
		add(fact.Kind, flagSpan{Since: fact.Since})
	}
	return spans
}

// HasFact tells whether a fact is known.
func (c *Case) HasFact(kind string) bool {
	for _, f := range c.Facts {
		if f.Kind == kind {
			return true
		}
	}
	return false
}

// addHold opens a hold and drafts the case. One of the same kind that is open on
// the same dates already is left as it is: added is then false.
func addHold(f *File, d *draftBuilder, h Hold) (id string, added bool) {
	for _, there := range f.Case.Holds {
		if there.Kind == h.Kind && there.Released == nil && there.Since == h.Since && there.Until == h.Until {
			return there.ID, false
		}
	}
	h.At, h.By = d.At, d.Actor.User
	h.ID = madeID("h", d.Command, h.Kind, fmt.Sprint(len(f.Case.Holds)))
	f.Case.Holds = append(f.Case.Holds, h)
	d.putCase(f)
	return h.ID, true
}

// addFact makes a fact known and drafts the case.
func addFact(f *File, d *draftBuilder, kind, since string) (added bool) {
	if f.Case.HasFact(kind) {
		return false
	}
	f.Case.Facts = append(f.Case.Facts, Fact{Kind: kind, Since: since, At: d.At})
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

// isDate tells whether a text is a date of the calendar, "2006-01-02".
func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
