package conduct

import (
	"slices"
	"strings"

	"doorstep/auth/refusal"
)

// Bounds of a question. A longer one costs more to judge than an honest question can need.
const (
	maxZones   = 8  // different ones
	maxNoTimes = 50 // no-contact times, after those that meet are joined
	maxHistory = 10_000
)

// checkLists checks all words against the built-in closed lists, the years of times,
// the forms of dates and spans, and the bounds. prepare checks what depends on the policy.
func checkLists(a Action, c Case, history []HistoryEntry) *refusal.Error {
	if err := checkAction(a); err != nil {
		return err
	}
	for name, f := range c.Flags {
		if err := f.check("case.flags." + name); err != nil {
			return err
		}
	}
	if err := checkRequests(c.Requests); err != nil {
		return err
	}
	for i, co := range c.Consents {
		if co.Scope == "" {
			return invalid(index("case.consents", i)+".scope", "this must be given")
		}
		if co.GivenAt.IsZero() {
			return invalid(index("case.consents", i)+".given_at", "this must be given")
		}
		for _, w := range [...]struct {
			w    When
			name string
		}{{co.GivenAt, ".given_at"}, {co.ValidFrom, ".valid_from"}, {co.ExpiresAt, ".expires_at"},
			{co.RevokedAt, ".revoked_at"}} {
			if err := w.w.check(""); err != nil {
				err.Place = index("case.consents", i) + w.name
				return err
			}
		}
	}
	for _, n := range [...]struct {
		n    *Notice
		name string
	}{{c.Notice.Visit, "case.notice.visit"}, {c.Notice.Agency, "case.notice.agency"}} {
		if n.n != nil {
			if err := n.n.SentAt.check(n.name + ".sent_at"); err != nil {
				return err
			}
			if _, err := listed(n.name+".form", forms[:], n.n.Form, none); err != nil {
				return err
			}
		}
	}
	if len(history) > maxHistory {
		return invalid("history", "at most %d contacts are judged at once", maxHistory)
	}
	for i := range history {
		if err := checkEntry(i, &history[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkAction(a Action) *refusal.Error {
	for _, f := range [...]struct {
		field, word string
		list        []string
	}{
		{"action.channel", a.Channel, channels[:]}, {"action.place", a.Place, places[:]},
		{"action.party", a.Party, parties[:]},
		{"action.purpose", a.Purpose, purposes[:]}, {"action.event", a.Event, events[:]},
		{"action.by", a.By, bys[:]},
	} {
		if _, err := listed(f.field, f.list, f.word, none); err != nil {
			return err
		}
	}
	for i, w := range a.Items {
		if indexOf(papers[:], w) == none {
			return notListed(index("action.items", i), papers[:])
		}
	}
	switch {
	case a.Channel == "":
		return notListed("action.channel", channels[:])
	case a.Channel == channels[chVisit] && a.Place == "":
		return invalid("action.place", "a visit needs its place: one of %s", strings.Join(places[:], ", "))
	case a.Event != "" && a.Channel != channels[chVisit]:
		return invalid("action.event", "only a visit has events; leave this out")
	case len(distinct(a.TZ, maxZones+1)) > maxZones:
		return invalid("action.tz", "at most %d different zones", maxZones)
	case a.At.IsZero():
		return invalid("action.at", "this must be given")
	case a.DurationMin < 0 || a.DurationMin > maxDurationMin:
		return invalid("action.duration_min", "this must be a whole number from 0 to %d", maxDurationMin)
	case a.Agents < 0:
		return invalid("action.agents", "this must not be negative")
	}
	return a.At.check("action.at")
}

func (f Flag) check(field string) *refusal.Error {
	since, okSince := parseDay(f.Since)
	until, okUntil := parseDay(f.Until)
	switch {
	case f.Since != "" && !okSince:
		return invalid(field+".since", "write a date as 2006-01-02")
	case f.Until != "" && !okUntil:
		return invalid(field+".until", "write a date as 2006-01-02")
	case f.Since != "" && f.Until != "" && since > until:
		return invalid(field+".until", "this is before since")
	}
	return nil
}

func checkRequests(r Requests) *refusal.Error {
	for i, s := range r.NoContactTimes {
		from, okFrom := parseClock(s.From)
		if _, okTo := parseClock(s.To); !okFrom || !okTo || from == daySeconds {
			return invalid(index("case.requests.no_contact_times", i),
				"write each end as 15:04, from 00:00 to 23:59; the second may be 24:00")
		}
	}
	if spansOfDay(joined(r.NoContactTimes)) > maxNoTimes {
		return invalid("case.requests.no_contact_times", "at most %d spans, after those that meet are joined", maxNoTimes)
	}
	for i, w := range r.NoPlaces {
		if indexOf(places[:], w) == none {
			return notListed(index("case.requests.no_places", i), places[:])
		}
	}
	for i, w := range r.NoChannels {
		if indexOf(channels[:], w) == none {
			return notListed(index("case.requests.no_channels", i), channels[:])
		}
	}
	for i, o := range r.OptOut {
		if indexOf(channels[:], o.Channel) == none {
			return notListed(index("case.requests.opt_out", i), channels[:])
		}
	}
	return nil
}

func checkEntry(i int, e *HistoryEntry) *refusal.Error {
	field, list := "", []string(nil)
	switch {
	case indexOf(channels[:], e.Channel) == none:
		field, list = ".channel", channels[:]
	case indexOf(results[:], e.Result) == none && (e.Result != "" || e.Event == ""):
		field, list = ".result", results[:]
	case e.Party != "" && indexOf(parties[:], e.Party) == none:
		field, list = ".party", parties[:]
	case e.Event != "" && indexOf(events[:], e.Event) == none:
		field, list = ".event", events[:]
	case e.Event != "" && e.Channel != channels[chVisit]:
		return invalid(index("history", i)+".event", "only a visit has events; leave this out")
	case e.Place != "" && indexOf(places[:], e.Place) == none:
		field, list = ".place", places[:]
	case e.Purpose != "" && indexOf(purposes[:], e.Purpose) == none:
		field, list = ".purpose", purposes[:]
	case e.At.IsZero():
		return invalid(index("history", i)+".at", "this must be given")
	default:
		if err := e.At.check(""); err != nil {
			err.Place = index("history", i) + ".at"
			return err
		}
		return nil
	}
	return notListed(index("history", i)+field, list)
}

// distinct returns the first most different words of a list, in their order.
func distinct(list []string, most int) []string {
	var out []string
	for _, w := range list {
		if len(out) == most {
			break
		}
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// joined returns the seconds of the day that the spans cover: sorted, cut at midnight, and joined where they
// meet or overlap. The spans must be well formed.
func joined(spans []Span) []span {
	var cut []span
	for _, s := range spans {
		from, _ := parseClock(s.From)
		to, _ := parseClock(s.To)
		switch {
		case from < to:
			cut = append(cut, span{from, to})
		case from == to:
			cut = append(cut, span{0, daySeconds})
		default:
			cut = append(cut, span{from, daySeconds}, span{0, to})
		}
	}
	slices.SortFunc(cut, func(a, b span) int { return int(a.from - b.from) })
	var out []span
	for _, s := range cut {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
		} else if s.from < s.to {
			out = append(out, s)
		}
	}
	return out
}

// spansOfDay counts joined spans; one that crosses midnight counts once.
func spansOfDay(spans []span) int {
	n := len(spans)
	if n > 1 && spans[0].from == 0 && spans[n-1].to == daySeconds {
		n--
	}
	return n
}
