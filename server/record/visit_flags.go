package record

import (
	"slices"

	"doorstep/auth"
)

// Flags of a visit that its agents settle by confirming it from their own phones. A visit is written once with the
// flags that it had then; FlagsNow says which still hold.
const (
	// FlagUnconfirmed: the law allows the visit only with an agent whom it names and who has not confirmed it.
	FlagUnconfirmed = "agent_unconfirmed"
	// FlagUnknownAgent: it names an agent to whom its stop was not issued, or an agent twice.
	FlagUnknownAgent = "unknown_agent"
)

// Unconfirmed are the agents a visit names, but for the one who recorded it, who have not said from their own phone
// that they were there; confirmed are those who have.
func (v *Visit) Unconfirmed(confirmed []auth.UserID) []auth.UserID {
	out := []auth.UserID{}
	for _, x := range v.Agents {
		if x.Agent != v.By && !slices.Contains(confirmed, x.Agent) && !slices.Contains(out, x.Agent) {
			out = append(out, x.Agent)
		}
	}
	return out
}

// FlagsNow are the flags of a visit that hold once some agents have confirmed it. When all whom it names have, none is
// unconfirmed, and none is unknown unless one is named twice.
func (v *Visit) FlagsNow(confirmed []auth.UserID) []string {
	if len(confirmed) == 0 || len(v.Unconfirmed(confirmed)) > 0 {
		return v.Flags
	}
	twice := false
	for i, x := range v.Agents {
		twice = twice || slices.ContainsFunc(v.Agents[:i], func(y VisitAgent) bool { return y.Agent == x.Agent })
	}
	return slices.DeleteFunc(slices.Clone(v.Flags), func(flag string) bool {
		return flag == FlagUnconfirmed || flag == FlagUnknownAgent && !twice
	})
}

// SettledByAgents tells whether a confirmation may change the flags of a visit.
func SettledByAgents(flags []string) bool {
	return slices.Contains(flags, FlagUnconfirmed) || slices.Contains(flags, FlagUnknownAgent)
}
