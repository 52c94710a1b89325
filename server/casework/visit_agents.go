package casework

import (
	"context"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
)

// present are the agents who count as having been at the door: the one who recorded the
// visit, and of those the visit names the ones its assignment was issued to, each once. To
// type a name proves nothing.
func present(f *File, v *record.Visit) []auth.UserID {
	out := []auth.UserID{v.By}
	a := assignmentOf(f, v)
	for _, x := range v.Agents {
		if a != nil && slices.Contains(a.State.Agents, x.Agent) && !slices.Contains(out, x.Agent) {
			out = append(out, x.Agent)
		}
	}
	return out
}

// strangers tells whether a visit names an agent who does not count, or one twice.
func strangers(f *File, v *record.Visit) bool {
	counted := present(f, v)
	return slices.ContainsFunc(v.Agents, func(x record.VisitAgent) bool { return !slices.Contains(counted, x.Agent) }) ||
		len(v.Agents) > len(counted)
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
