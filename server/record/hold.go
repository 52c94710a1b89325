package record

import (
	"strings"
	"time"

	"doorstep/auth"
)

// Hold keeps a case out of rounds until it ends, whatever the conduct profile
// says, and is a flag of the conduct decision. Why a person is left alone is
// personal, so the holds of a case are sealed.
type Hold struct {
	ID   string `json:"hold_id" is:"server"`
	Kind string `json:"kind" is:"server"` // a HoldKind's name
	// Since and Until are local dates; Until "" means until released. The hold ends after that date.
	Since  string      `json:"since,omitempty" is:"date"`
	Until  string      `json:"until,omitempty" is:"date"`
	By     auth.UserID `json:"by,omitempty" is:"server"`
	At     time.Time   `json:"at"`
	Source string      `json:"source,omitempty" is:"server"` // import, visit:<id>, consent:<id>, reply:<id>, supervisor, …
	// Ending is set while somebody has asked for the end of a hold that needs a second person.
	Ending   *Ending  `json:"ending,omitempty"`
	Released *Release `json:"released,omitempty"`
}

// Ending is a wish to end a hold, which another person has still to agree to.
type Ending struct {
	At     time.Time   `json:"at"`
	By     auth.UserID `json:"by" is:"server"`
	Reason string      `json:"reason" is:"text"`
}

// States of a hold.
const (
	HoldOpen     = "open"
	HoldEnding   = "ending"   // somebody has asked for its end
	HoldReleased = "released" // before its date
)

// NeedsTwo tells whether the end of the hold, before its date, takes two people: the debtor
// asked for it, at the door or elsewhere, or complains.
func (h Hold) NeedsTwo() bool {
	kind, known := HoldKindNamed(h.Kind)
	return !known || kind.Asked || strings.HasPrefix(h.Source, "visit:") || strings.HasPrefix(h.Source, "consent:")
}

// Release ends a hold before its date.
type Release struct {
	At     time.Time   `json:"at"`
	By     auth.UserID `json:"by" is:"server"`
	Reason string      `json:"reason" is:"text"`
	// AskedBy is who asked for the end, where By agreed to it; "" where one person was enough.
	AskedBy auth.UserID `json:"asked_by,omitempty" is:"server"`
}

// OpenOn tells whether the hold binds on a local date ("2006-01-02") of the debtor.
func (h Hold) OpenOn(day string) bool {
	return h.Released == nil && h.Since <= day && (h.Until == "" || day <= h.Until)
}

// AllHolds are the holds of the case, ended ones included. The case must have been
// opened: holds that cannot be read must never count as none, so that it panics. A
// case whose debtor is erased is held for ever.
func (c *Case) AllHolds() []Hold {
	switch {
	case c.Holds.IsZero():
		return nil
	case c.Holds.IsErased():
		return []Hold{{ID: erased, Kind: erased}}
	case !c.Holds.IsOpen():
		panic("record: the holds of " + string(c.ID) + " are read before the case was opened")
	}
	return c.Holds.Plain()
}

// erased is the hold of a case whose debtor's key is destroyed.
const erased = "erased"

// SetHolds replaces the holds of the case.
func (c *Case) SetHolds(holds []Hold) { c.Holds = NewPersonal(holds) }

// OpenHolds are the holds that bind on a local date of the debtor. Any of them
// keeps the case out of rounds.
func (c *Case) OpenHolds(day string) []Hold {
	var open []Hold
	for _, h := range c.AllHolds() {
		if h.OpenOn(day) {
			open = append(open, h)
		}
	}
	return open
}

// FlagSpan is a flag of the conduct decision with the local dates between which it holds; "" leaves an end open.
type FlagSpan struct {
	Since, Until string
}

// FlagSpans are the conduct flags that holds and facts raise, as they stand on a
// local date. Holds that ended before it do not count. Where several raise one flag,
// it ends with the last of them; it begins with the latest that has begun, so that
// a limit on its length counts from the newest reason, or else with the first to come.
func (c *Case) FlagSpans(day string) map[string]FlagSpan {
	spans := map[string]FlagSpan{}
	add := func(flag string, s FlagSpan) {
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
	for _, h := range c.AllHolds() {
		if h.Released != nil || h.Until != "" && h.Until < day {
			continue
		}
		kind, ok := HoldKindNamed(h.Kind)
		if !ok {
			// A kind of a newer version: its own name is the flag, and a reader that does not know it stops anyway by
			// house-hold.
			kind.Flags = []string{h.Kind}
		}
		for _, flag := range kind.Flags {
			add(flag, FlagSpan{h.Since, h.Until})
		}
	}
	for _, fact := range c.Facts {
		add(fact.Kind, FlagSpan{Since: fact.Since})
	}
	return spans
}

// ActionLoadStop is the action of entries in which a case is left alone because its debtor was contacted as often as
// the lender allows. It stands in the clear, where the kind of a hold does not.
const ActionLoadStop = "case.load_stop"
