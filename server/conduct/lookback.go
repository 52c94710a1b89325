package conduct

import "time"

// Lookback is the part of a history that an answer can rest on. What is older than Since
// and not among the earliest that Tried and Reached ask for changes no answer.
type Lookback struct {
	// Since is how long before the act contacts still count for a cap or a cool-down,
	// whatever the zone; 0: those rules count none.
	Since time.Duration
	// Tried is how many contacts of the act's case that are HistoryEntry.Tried are needed by
	// channel, the earliest of all times: rules of last resort ask for so many.
	Tried map[string]int
	// Reached is how many contacts with the act's party that are HistoryEntry.Reached are
	// needed, the earliest of all times: a party may be capped for ever.
	Reached int
}

// Lookback tells how far the profiles look back when they judge an act by its channel and
// party. Rules that are not in force yet are among those asked. The error is Judge's.
func (p *Policy) Lookback(profiles []string, a Action) (Lookback, error) {
	c, err := p.chain(profiles)
	if err != nil {
		return Lookback{}, err
	}
	channel := indexOf(channels[:], a.Channel)
	party := max(indexOf(parties[:], a.Party), partyDebtor)
	var l Lookback
	for _, pr := range c.profiles {
		for _, rules := range [][]capRule{pr.caps, pr.cooldowns} {
			for i := range rules {
				if r := &rules[i]; r.channels.has(channel) {
					l.Since = max(l.Since, r.reach())
				}
			}
		}
		for i := range pr.lastResort {
			r := &pr.lastResort[i]
			if !r.channels.has(channel) {
				continue
			}
			for _, need := range r.needs {
				if l.Tried == nil {
					l.Tried = map[string]int{}
				}
				name := channels[need.channel]
				l.Tried[name] = max(l.Tried[name], need.min)
			}
		}
		if row := pr.parties[party]; row != nil {
			l.Reached = max(l.Reached, row.max)
		}
	}
	return l, nil
}

// reach is the time before an act in which a rule counts, with two days more: local days
// begin up to one day earlier, and a zone may leave out a date.
func (r *capRule) reach() time.Duration {
	days := r.n
	if r.window == calendarMonth {
		days = 31 * r.n
	}
	return time.Duration(days+2) * daySeconds * time.Second
}

// Tried tells whether a contact counts as an attempt for rules of last resort.
func (e *HistoryEntry) Tried() bool {
	return e.counts() && indexOf(results[:], e.Result) != resultFailed
}

// Reached tells whether somebody was reached: what the cap of a party counts.
func (e *HistoryEntry) Reached() bool {
	return e.counts() && counted["contacts"].has(indexOf(results[:], e.Result))
}

// counts tells whether an entry counts anywhere.
func (e *HistoryEntry) counts() bool { return !e.Excluded && e.Event == "" }
