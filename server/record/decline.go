package record

import (
	"slices"
	"time"

	"doorstep/auth"
)

// Decline says that an agent declined to visit a case. While it stands, no team with that agent is sent there.
type Decline struct {
	Agent auth.UserID `json:"agent" is:"server"`
	Team  string      `json:"team" is:"server"`
	Round string      `json:"round,omitempty" is:"server"`
	Date  string      `json:"date" is:"date"` // of the round, local to the branch
	// Reason is the agent's; "" when none was given.
	Reason string    `json:"reason,omitempty" is:"decline_reasons"`
	At     time.Time `json:"at"`
	// EndedAt is when the agent took it back, or a supervisor gave the case to a team of the agent; EndedBy is who.
	EndedAt time.Time   `json:"ended_at,omitzero"`
	EndedBy auth.UserID `json:"ended_by,omitempty" is:"server"`
}

// Stands tells whether it still keeps the agent away.
func (d *Decline) Stands() bool { return d.EndedAt.IsZero() }

// mostDeclines is how many a case remembers; older ones are in the journal.
const mostDeclines = 50

// AddDecline remembers that an agent declined the case. Said again of the same round and team, it replaces what was
// said before.
func (c *Case) AddDecline(d Decline) {
	again := slices.IndexFunc(c.Declined, func(x Decline) bool {
		return x.Stands() && x.Agent == d.Agent && x.Round == d.Round && x.Team == d.Team
	})
	switch {
	case again >= 0:
		d.At = c.Declined[again].At
		c.Declined[again] = d
	case len(c.Declined) >= mostDeclines:
		c.Declined = append(slices.Clone(c.Declined[len(c.Declined)-mostDeclines+1:]), d)
	default:
		c.Declined = append(c.Declined, d)
	}
	c.countDeclines()
}

// EndDeclines ends those of the declines that stand and that a function picks, and tells whether there were any.
func (c *Case) EndDeclines(at time.Time, by auth.UserID, pick func(*Decline) bool) (any bool) {
	for i := range c.Declined {
		if d := &c.Declined[i]; d.Stands() && pick(d) {
			d.EndedAt, d.EndedBy, any = at, by, true
		}
	}
	c.countDeclines()
	return any
}

// DeclinedBy tells whether one of the agents has declined the case, and has not taken it back.
func (c *Case) DeclinedBy(agents []auth.UserID) bool {
	return slices.ContainsFunc(c.Declined, func(d Decline) bool { return d.Stands() && slices.Contains(agents, d.Agent) })
}

func (c *Case) countDeclines() {
	c.DeclinedNow = 0
	if slices.ContainsFunc(c.Declined, func(d Decline) bool { return d.Stands() }) {
		c.DeclinedNow = 1
	}
}
