package conduct

import (
	"maps"
	"slices"

	"doorstep/auth/refusal"
)

// matter is a Request prepared for judging: words are codes, times are instants (Unix
// seconds), and contacts that no rule counts are removed. A trial can judge it at many
// instants at little cost.
type matter struct {
	p     *Policy
	chain *chain
	// zones is empty if the debtor's zone is not known. Then at, and all that depends on times (flags,
	// consents, requests, notices, history), are not set.
	zones []*zone
	at    int64

	channel, place, party, purpose, event int // place and event may be none
	byLender                              bool
	duration                              int64
	action                                *Action
	pastDue                               *int
	flags                                 []raised
	consents                              []lifted
	noTimes                               []span
	noPlaces, noChannels                  mask
	optOut                                bool // of this channel and number
	visitNotice, agencyNotice             sentNotice
	history                               []contact
}

// raised is a flag that is set from one day to another, both included.
type raised struct {
	name         string
	since, until int32
}

// lifted is a consent's span of time, half open.
type lifted struct {
	scope    string
	from, to int64
	day      int32 // of from, in the first zone
}

type sentNotice struct {
	*Notice
	at  int64
	day int32
}

// contact is a history entry that rules may count.
type contact struct {
	at         int64
	day        int32
	channel    int8
	result     int8
	party      int8
	place      int8 // or none
	sameCase   bool
	thisCase   bool // both name a case, and it is the same
	sameDebt   bool
	sameNum    bool
	sameParty  bool
	samePerson bool
}

const (
	forever  = int64(1) << 60
	firstDay = int32(-1 << 30)
	lastDay  = int32(1 << 30)
)

// prepare checks a question and turns it into a matter.
func (p *Policy) prepare(profiles []string, a *Action, c *Case, history []HistoryEntry) (*matter, *refusal.Error) {
	if err := checkLists(*a, *c, history); err != nil {
		return nil, err
	}
	for i, tag := range a.ContentTags {
		if !p.tags[tag] {
			return nil, notListed(index("action.content_tags", i), p.ContentTags())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Flags)) {
		if !p.flags[name] {
			return nil, notListed("case.flags."+name, p.Flags())
		}
	}
	for i, co := range c.Consents {
		if !p.scopes[co.Scope] {
			return nil, notListed(index("case.consents", i)+".scope", p.ConsentScopes())
		}
	}
	ch, err := p.chain(profiles)
	if err != nil {
		return nil, err
	}
	m := &matter{p: p, chain: ch, action: a, channel: indexOf(channels[:], a.Channel), place: indexOf(places[:], a.Place),
		party: max(indexOf(parties[:], a.Party), partyDebtor), purpose: max(indexOf(purposes[:], a.Purpose), 0),
		event: indexOf(events[:], a.Event), byLender: a.By == bys[byLender],
		duration: int64(a.DurationMin) * 60, pastDue: c.PastDueDays}
	if m.zones = m.zonesOf(a.TZ); m.zones == nil {
		return m, nil
	}
	z := m.zones[0]
	m.at = a.At.resolve(z)
	m.readCase(c)
	m.readHistory(history)
	return m, nil
}

// zonesOf returns the zones of the names, or of the chain's default if there are no names;
// nil if a name is unknown.
func (m *matter) zonesOf(names []string) []*zone {
	if len(names) == 0 {
		names = []string{m.chain.zone}
	}
	names = distinct(names, maxZones)
	zones := make([]*zone, len(names))
	for i, name := range names {
		if zones[i] = m.p.zone(name); zones[i] == nil {
			return nil
		}
	}
	return zones
}

func (m *matter) readCase(c *Case) {
	z := m.zones[0]
	for name, f := range c.Flags {
		if f.Off {
			continue
		}
		r := raised{name, firstDay, lastDay}
		if day, ok := parseDay(f.Since); ok {
			r.since = day
		}
		if day, ok := parseDay(f.Until); ok {
			r.until = day
		}
		m.flags = append(m.flags, r)
	}
	for _, co := range c.Consents {
		l := lifted{scope: co.Scope, from: co.GivenAt.resolve(z), to: forever}
		l.day = z.dayOf(l.from)
		if !co.ValidFrom.IsZero() {
			l.from = max(l.from, co.ValidFrom.resolve(z))
		}
		for _, end := range [...]When{co.ExpiresAt, co.RevokedAt} {
			if !end.IsZero() {
				l.to = min(l.to, end.resolve(z))
			}
		}
		m.consents = append(m.consents, l)
	}
	m.noTimes = joined(c.Requests.NoContactTimes)
	for _, w := range c.Requests.NoPlaces {
		m.noPlaces |= 1 << indexOf(places[:], w)
	}
	for _, w := range c.Requests.NoChannels {
		m.noChannels |= 1 << indexOf(channels[:], w)
	}
	for _, o := range c.Requests.OptOut {
		m.optOut = m.optOut || o.Channel == m.action.Channel && same(o.Number, m.action.Number)
	}
	m.visitNotice, m.agencyNotice = m.notice(c.Notice.Visit), m.notice(c.Notice.Agency)
}

func (m *matter) notice(n *Notice) sentNotice {
	s := sentNotice{Notice: n}
	if n != nil && !n.SentAt.IsZero() {
		s.at = n.SentAt.resolve(m.zones[0])
		s.day = m.zones[0].dayOf(s.at)
	}
	return s
}

func (m *matter) readHistory(history []HistoryEntry) {
	z := m.zones[0]
	m.history = make([]contact, 0, len(history))
	// Most contacts lie in a few spans of one offset, so the last span found is tried first.
	var from, to, offset int64
	for i := range history {
		e := &history[i]
		if !e.counts() {
			continue
		}
		at := e.At.resolve(z)
		if at < from || at >= to {
			i := z.span(at)
			from, to, offset = z.starts[i], forever, z.offsets[i]
			if i+1 < len(z.starts) {
				to = z.starts[i+1]
			}
		}
		party := max(indexOf(parties[:], e.Party), partyDebtor)
		c := contact{
			at: at, day: dayOfWall(at + offset),
			channel: int8(indexOf(channels[:], e.Channel)), result: int8(indexOf(results[:], e.Result)),
			place: int8(indexOf(places[:], e.Place)), party: int8(party),
			sameCase: same(e.Case, m.action.Case), thisCase: e.Case != "" && e.Case == m.action.Case,
			sameDebt: same(e.Debt, m.action.Debt),
			sameNum:  same(e.Number, m.action.Number), sameParty: party == m.party,
		}
		// Equal party references mean the same person, whatever the party. If a reference is missing,
		// the same party counts as the same person.
		if e.PartyRef != "" && m.action.PartyRef != "" {
			c.samePerson = e.PartyRef == m.action.PartyRef
		} else {
			c.samePerson = c.sameParty
		}
		m.history = append(m.history, c)
	}
}

// placeScopes are the scopes of consents to be met at a place, by the place's code.
var placeScopes = [len(places)]string{"place_home", "place_workplace", "place_agreed_place", "place_office",
	"place_hospital", "place_school", "place_public"}

// same compares two keys; a missing key equals every other.
func same(a, b string) bool { return a == b || a == "" || b == "" }

// flagUp tells whether a flag is set on a day.
func (m *matter) flagUp(name string, day int32) bool {
	_, up := m.flagSince(name, day)
	return up
}

// flagSince is like flagUp and also returns the first day of the flag, firstDay if that is not known.
func (m *matter) flagSince(name string, day int32) (since int32, up bool) {
	for i := range m.flags {
		if f := &m.flags[i]; f.name == name {
			return f.since, f.since <= day && day <= f.until
		}
	}
	return 0, false
}

// anyFlagUp tells whether any of the flags is set on a day.
func (m *matter) anyFlagUp(names []string, day int32) bool {
	for _, name := range names {
		if m.flagUp(name, day) {
			return true
		}
	}
	return false
}

// consented tells whether a consent of the scope is in force at an instant.
func (m *matter) consented(scope string, t int64) bool { return m.consentedFor(scope, t, 0) }

// consentedFor is consented for a rule that a consent lifts for some local dates only; the date on which it
// was given is the first. 0 is no such limit.
func (m *matter) consentedFor(scope string, t int64, days int32) bool {
	for i := range m.consents {
		c := &m.consents[i]
		if c.from <= t && t < c.to && c.scope == scope && (days == 0 || m.zones[0].dayOf(t) < c.day+days) {
			return true
		}
	}
	return false
}

// isLifted tells whether a consent or the age of the debt lifts a rule at an instant.
func (m *matter) isLifted(unless []lift, t int64) bool {
	for i := range unless {
		if l := &unless[i]; l.scope != "" {
			if m.consentedFor(l.scope, t, l.days) {
				return true
			}
		} else if m.pastDue != nil && *m.pastDue > l.pastDue {
			return true
		}
	}
	return false
}
