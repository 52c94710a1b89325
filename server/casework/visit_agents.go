package casework

import (
	"context"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
)

// present are the agents who count as having been at the door: the one who recorded the
// visit, and of those the visit names the ones its assignment was issued to, each once, but for
// those who could not work then. To type a name proves nothing.
func present(f *File, v *record.Visit, absent []auth.UserID) []auth.UserID {
	out := []auth.UserID{v.By}
	a := assignmentOf(f, v)
	for _, x := range v.Agents {
		if a != nil && slices.Contains(a.State.Agents, x.Agent) && !slices.Contains(out, x.Agent) &&
			!slices.Contains(absent, x.Agent) {
			out = append(out, x.Agent)
		}
	}
	return out
}

// absent are the agents a visit names, but for the one who recorded it, who could not work for the
// branch when it was made.
func (t *turn) absent(ctx context.Context, v *record.Visit) ([]auth.UserID, error) {
	var named []auth.UserID
	for _, x := range v.Agents {
		if x.Agent != "" && x.Agent != v.By && !slices.Contains(named, x.Agent) {
			named = append(named, x.Agent)
		}
	}
	if t.svc.agents == nil || len(named) == 0 {
		return nil, nil
	}
	return t.svc.agents.Absent(ctx, t.Branch, named, v.At)
}

// agentFlags tell of a visit that names an agent to whom its stop was not issued, or one twice, and
// of one that names an agent who could not work then.
func agentFlags(f *File, v *record.Visit, absent []auth.UserID) (flags []string) {
	issued := present(f, v, nil)
	if len(v.Agents) > len(issued) || slices.ContainsFunc(v.Agents,
		func(x record.VisitAgent) bool { return !slices.Contains(issued, x.Agent) }) {
		flags = append(flags, record.FlagUnknownAgent)
	}
	if len(present(f, v, absent)) < len(issued) {
		flags = append(flags, "agent_not_active")
	}
	return flags
}

// confirms checks that a user may confirm a visit: it names them, and a colleague recorded it.
func (t *turn) confirms(ctx context.Context, k *record.Confirmation, by auth.UserID) error {
	rec, there, err := t.r.Doc(ctx, "visits", k.Visit)
	if err != nil {
		return err
	}
	var v record.Visit
	if there {
		if err := decode(rec, &v); err != nil {
			return err
		}
	}
	named := slices.ContainsFunc(v.Agents, func(x record.VisitAgent) bool { return x.Agent == by })
	if v.Case != k.Case || v.By == by || !named {
		return refuse(refusal.Invalid, "confirmation.visit", "visit",
			"confirm a visit of this case that a colleague recorded and that names you; it must have been sent before")
	}
	return nil
}
