package record

import (
	"strings"
	"testing"

	"doorstep/auth"
)

// Flags that an agent's own phone settles hold until all agents of the visit have spoken; others hold for ever.
func TestFlagsHoldUntilTheAgentsHaveConfirmed(t *testing.T) {
	const all = "agent_unconfirmed unknown_agent unlawful"
	for name, c := range map[string]struct {
		named, confirmed []auth.UserID
		want             string
	}{
		"no one has":            {[]auth.UserID{"ana", "rui"}, nil, all},
		"the other has":         {[]auth.UserID{"ana", "rui"}, []auth.UserID{"rui"}, "unlawful"},
		"one of two others has": {[]auth.UserID{"rui", "eva"}, []auth.UserID{"rui"}, all},
		"a third person has":    {[]auth.UserID{"ana", "rui"}, []auth.UserID{"eva"}, all},
		"one is named twice":    {[]auth.UserID{"rui", "rui"}, []auth.UserID{"rui"}, "unknown_agent unlawful"},
	} {
		v := Visit{VisitFound: VisitFound{Taken: Taken{By: "ana",
			Flags: []string{"agent_unconfirmed", "unknown_agent", "unlawful"}}}}
		for _, id := range c.named {
			v.Agents = append(v.Agents, VisitAgent{Agent: id})
		}
		if got := strings.Join(v.FlagsNow(c.confirmed), " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if len(v.Flags) != 3 {
			t.Errorf("%s: the visit itself is changed: %v", name, v.Flags)
		}
	}
}
