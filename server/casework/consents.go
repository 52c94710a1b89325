package casework

import (
	"cmp"
	"slices"
	"time"

	"doorstep/server/conduct"
	"doorstep/server/record"
)

// conductConsents gives the consents of a case that lift rules on a local date, each ended by
// the first refusal or withdrawal of its scope that came at or after it. A withdrawal wins
// over a consent of an earlier time that arrives later. Consents for other channels than
// visits, and outside their limits, lift nothing.
func conductConsents(f *File, day string, without ...string) []conduct.Consent {
	all := consentsFrom(f, day, 0, without...)
	out := make([]conduct.Consent, len(all))
	for i, c := range all {
		out[i] = conduct.Consent{Scope: c.Scope, GivenAt: c.GivenAt, ValidFrom: c.ValidFrom, ExpiresAt: c.ExpiresAt}
	}
	return out
}

// consentsFrom gives them for a local date and some days more, with how many uses are left.
func consentsFrom(f *File, day string, more int, without ...string) []conduct.CardConsent {
	return consentsFor(f, "visit", day, more, without...)
}

// consentsFor is consentsFrom for another channel.
func consentsFor(f *File, channel, day string, more int, without ...string) []conduct.CardConsent {
	superseded := map[string]bool{} // by any record
	undone := map[string]bool{}     // by the office: no phone undoes what ends a consent
	for _, x := range f.Consents {
		if id := x.State.Supersedes; id != "" {
			superseded[id] = true
			undone[id] = undone[id] || x.State.Device == ""
		}
	}
	var out []conduct.CardConsent
	for _, x := range f.Consents {
		g := &x.State
		if g.Status != "given" || superseded[x.ID] || g.Lacks() != "" {
			continue
		}
		from, ended := g.ValidFrom, g.ExpiresAt
		if consentFrom(g).After(from) {
			from = consentFrom(g)
		}
		end := func(at time.Time) {
			if ended.IsZero() || at.Before(ended) {
				ended = at
			}
		}
		for _, y := range f.Consents {
			if endsConsent(&y, &x) && !undone[y.ID] {
				end(y.State.At)
			}
		}
		var left *int
		if l := g.Limits; l != nil {
			if len(l.Channels) > 0 && !slices.Contains(l.Channels, channel) {
				continue
			}
			used, n := lastUse(f, g, without)
			if !used.IsZero() {
				end(used.Add(time.Second))
			}
			if l.MaxUses > 0 {
				n = max(l.MaxUses-n, 0)
				left = &n
			}
		}
		for _, span := range limitedTo(g.Limits, day, f.Case.TimeZone, more) {
			if from.After(span.From) {
				span.From = from
			}
			if !ended.IsZero() && ended.Before(span.To) {
				span.To = ended
			}
			if span.From.Before(span.To) {
				out = append(out, conduct.CardConsent{Scope: g.Scope, GivenAt: conduct.At(consentFrom(g)),
					ValidFrom: conduct.At(span.From), ExpiresAt: conduct.At(span.To), UsesLeft: left})
			}
		}
	}
	return out
}

// endsConsent tells whether a record ends a consent: it withdraws that one, or its scope, or refuses its scope, at or
// after the time at which the consent was given. A consent that comes later than a withdrawal and was given before it
// is ended by it too, whichever consent that names: who withdraws does not know of one that a phone still holds.
func endsConsent(by, of *Filed[record.Consent]) bool {
	w, g := &by.State, &of.State
	if w.At.Before(g.At) {
		return false
	}
	switch w.Status {
	case "withdrawn":
		later := cmp.Or(g.RecordedAt.Compare(w.RecordedAt), cmp.Compare(of.N, by.N)) > 0
		return w.Withdraws == of.ID || w.Scope == g.Scope && (w.Withdraws == "" || later)
	case "refused":
		return w.Scope == g.Scope
	}
	return false
}

// consentGrace is how long after it was given a consent may be written down and count from
// when it was given: it is written while the visit goes on. Our own value.
const consentGrace = 15 * time.Minute

// consentFrom is from when a consent lifts a rule: one that was written down later than
// consentGrace lifts nothing that happened before it was.
func consentFrom(c *record.Consent) time.Time {
	if c.RecordedAt.Sub(c.At) > consentGrace {
		return c.RecordedAt
	}
	return c.At
}

// usesFrom is the earliest time from which contacts are counted as uses of consents; zero
// when none are.
func usesFrom(all []Filed[record.Consent]) time.Time {
	var first time.Time
	for _, x := range all {
		c := &x.State
		if c.Status == "given" && c.Limits != nil && c.Limits.MaxUses > 0 && (first.IsZero() || c.At.Before(first)) {
			first = c.At
		}
	}
	return first
}

// lastUse is when a consent was used up, zero if it was not, and how often it was used, at most MaxUses. Each contact
// of the case by one of its channels since it was given is a use, whether or not it needed the consent.
func lastUse(f *File, g *record.Consent, without []string) (last time.Time, uses int) {
	if g.Limits.MaxUses == 0 {
		return time.Time{}, 0
	}
	from := consentFrom(g)
	for _, x := range f.Contacts { // in order of time
		c := &x.State
		if c.Case != f.Case.ID || c.Uncounted() || c.At.Before(from) || slices.Contains(without, x.ID) ||
			len(g.Limits.Channels) > 0 && !slices.Contains(g.Limits.Channels, c.Channel) {
			continue
		}
		if uses++; uses == g.Limits.MaxUses {
			return c.At, uses
		}
	}
	return time.Time{}, uses
}

// limitedTo gives the spans around a local date, and some days more, in which limits leave a consent in force: the
// dates and those beside them, or the hours of them.
func limitedTo(l *record.ConsentLimits, day, zone string, more int) []record.Window {
	date, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil
	}
	loc := time.UTC
	whole := l == nil || len(l.Days) == 0 && l.From == "" && l.To == ""
	if !whole {
		if loc, err = time.LoadLocation(zone); err != nil {
			return nil
		}
	}
	at := func(days, seconds int) time.Time {
		return time.Date(date.Year(), date.Month(), date.Day()+days, 0, 0, seconds, 0, loc)
	}
	if whole {
		return []record.Window{{From: at(-2, 0), To: at(3+more, 0)}}
	}
	var out []record.Window
	for n := -1; n <= 1+more; n++ {
		if from, to, ok := l.On(date.AddDate(0, 0, n).Weekday()); ok {
			out = append(out, record.Window{From: at(n, from), To: at(n, to)})
		}
	}
	return out
}
