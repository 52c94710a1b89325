package conduct

import "doorstep/auth/refusal"

// checkLists checks all words against the built-in closed lists, the years of times
// and the forms of dates and spans. prepare checks what depends on the policy.
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
		}{{co.GivenAt, ".given_at"}, {co.ExpiresAt, ".expires_at"}, {co.RevokedAt, ".revoked_at"}} {
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
		}
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
	} {
		if _, err := listed(f.field, f.list, f.word, none); err != nil {
			return err
		}
	}
	switch {
	case a.Channel == "":
		return invalid("action.channel", "this must be given")
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
