package conduct

import (
	"fmt"
	"slices"
)

// ToldRule is a rule of a profile, for people: what it stops, why, and what lifts it.
type ToldRule struct {
	ID      string `json:"id"`
	Profile string `json:"profile"` // the profile that the rule is of
	Reason  string `json:"reason"`
	// Channels of contacts that it may stop; none: it stops all.
	Channels []string    `json:"channels"`
	Cite     []string    `json:"cite"`               // keys of its sources
	Consents []string    `json:"consents"`           // scopes of the consents that lift it
	Hours    [][2]string `json:"hours,omitempty"`    // allowed wall times, of a rule about hours
	Days     []string    `json:"days,omitempty"`     // weekdays that it holds on, of a rule about hours or closed days
	Holidays bool        `json:"holidays,omitempty"` // public holidays are closed as well
	// Max is the most contacts of a cap, in WindowDays.
	Max int `json:"max,omitempty"`
	// WindowDays are local dates, today's included; absent beside a Max: a calendar month. Without a Max it is how many
	// days must pass after a contact.
	WindowDays int      `json:"window_days,omitempty"`
	Flag       string   `json:"flag,omitempty"`       // the fact that brings it about, of a stop
	MinAgents  int      `json:"min_agents,omitempty"` // how many go at least, of a rule about teams
	Needs      []string `json:"needs,omitempty"`      // papers to carry, of a rule about teams
}

// Rules tells the rules of all profiles that decide by a reason of their own, by profile and in the order in which they
// are judged. What a profile says of parties, places and requests stands in one table each of its pack, and is not told
// here.
func (p *Policy) Rules() []ToldRule {
	out := []ToldRule{}
	for _, id := range p.Profiles() {
		pr := p.profiles[id]
		add := func(r *rule, more func(*ToldRule)) {
			t := ToldRule{ID: r.id, Profile: id, Reason: p.reasons[r.reason], Channels: []string{},
				Cite: append([]string{}, r.cite...), Consents: []string{}}
			if r.channels&(1<<len(channels)-1) != 1<<len(channels)-1 {
				t.Channels = named(r.channels, channels[:])
			}
			for _, l := range r.unless {
				if l.scope != "" && !slices.Contains(t.Consents, l.scope) {
					t.Consents = append(t.Consents, l.scope)
				}
			}
			if more != nil {
				more(&t)
			}
			out = append(out, t)
		}
		for i := range pr.stops {
			add(&pr.stops[i].rule, func(t *ToldRule) { t.Flag = pr.stops[i].flag })
		}
		for i := range pr.channels {
			add(&pr.channels[i].rule, nil)
		}
		for i := range pr.hours {
			add(&pr.hours[i].rule, func(t *ToldRule) {
				t.Days = named(pr.hours[i].days, weekdays[:])
				for _, s := range pr.hours[i].allow {
					t.Hours = append(t.Hours, [2]string{wallClock(s.from), wallClock(s.to)})
				}
			})
		}
		for i := range pr.closed {
			add(&pr.closed[i].rule, func(t *ToldRule) {
				t.Days, t.Holidays = named(pr.closed[i].days, weekdays[:]), pr.closed[i].holidays
			})
		}
		counted := func(r *capRule) {
			add(&r.rule, func(t *ToldRule) {
				t.Max = r.max
				if r.window == rollingDays {
					t.WindowDays = r.n
				}
			})
		}
		for i := range pr.caps {
			counted(&pr.caps[i])
		}
		for i := range pr.cooldowns {
			counted(&pr.cooldowns[i])
		}
		for i := range pr.lastResort {
			add(&pr.lastResort[i].rule, func(t *ToldRule) { t.Flag = pr.lastResort[i].flag })
		}
		for i := range pr.notices {
			add(&pr.notices[i].rule, nil)
		}
		for i := range pr.team {
			add(&pr.team[i].rule, func(t *ToldRule) {
				t.MinAgents = pr.team[i].minAgents
				for _, n := range pr.team[i].needs {
					t.Needs = append(t.Needs, papers[n])
				}
				if t.MinAgents < 2 && len(t.Needs) > 0 {
					t.Reason = paperReasons[pr.team[i].needs[0]]
				}
			})
		}
		for i := range pr.recording {
			add(&pr.recording[i], nil)
		}
		for i := range pr.content {
			add(&pr.content[i].rule, nil)
		}
		for i := range pr.onsite {
			add(&pr.onsite[i].rule, nil)
		}
	}
	return out
}

// named lists the words of a mask.
func named(m mask, words []string) []string {
	out := []string{}
	for i, w := range words {
		if m.has(i) {
			out = append(out, w)
		}
	}
	return out
}

// wallClock writes a second of the day as 15:04.
func wallClock(s int64) string { return fmt.Sprintf("%02d:%02d", s/3600, s/60%60) }
