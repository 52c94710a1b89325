package casework

import (
	"context"
	"encoding/json"
	"slices"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/offline"
)

// patchAssignment changes the phone's own members of an assignment.
type patchAssignment struct {
	id    string
	by    record.Write
	kind  record.Kind
	said  *record.Assignment
	names []string // the members that are changed; one that said leaves empty is cleared
}

// readPatch takes the members a phone named; null clears one.
func readPatch(kind record.Kind, fields json.RawMessage, said *record.Assignment) (patchAssignment, *refusal.Error) {
	var named map[string]json.RawMessage
	if err := json.Unmarshal(fields, &named); err != nil {
		return patchAssignment{}, refuse(refusal.Invalid, offline.CodeFields, "fields", "this is not a JSON object")
	}
	p := patchAssignment{kind: kind, said: said}
	for _, m := range kind.ReportMembers() {
		if _, ok := named[m.Name]; ok {
			p.names = append(p.names, m.Name)
		}
	}
	slices.Sort(p.names)
	return p, nil
}

func (c patchAssignment) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	rec, there, err := t.r.Doc(ctx, "assignments", c.id)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, refuse(refusal.NotFound, "assignment.not_found", "id", "there is no such assignment here")
	}
	var a record.Assignment
	if err := decode(rec, &a); err != nil {
		return nil, err
	}
	f, err := t.file(ctx, a.Case, 0)
	if err != nil {
		return nil, err
	}
	was := a.AgentStatus
	if slices.Contains(c.names, "agent_status") {
		if bad := record.CheckStep(a.AgentStatus, c.said.AgentStatus); bad != nil {
			return nil, bad
		}
	}
	c.kind.Patch(&a, c.said, c.names)
	a.Written.Stamp(c.names, c.by)
	d := t.draft("assignment.patch")
	d.putAssignment(c.id, &a)
	if decline(f, d, &a, was) {
		d.putCase(f)
	}
	return d, nil
}

// decline remembers for the case that an agent declines a stop, or ends that when the stop is taken up after all, and
// tells whether the case has changed. was is the agent's status before.
func decline(f *File, d *draftBuilder, a *record.Assignment, was string) bool {
	if a.Status != record.AssignmentOpen {
		return false
	}
	if a.AgentStatus == "declined" {
		f.Case.AddDecline(record.Decline{Agent: d.Actor.User, Team: a.Team, Round: a.Round, Date: a.Date,
			Reason: a.DeclineReason, At: d.At})
		return true
	}
	return was == "declined" && f.Case.EndDeclines(d.At, d.Actor.User, func(x *record.Decline) bool {
		return x.Round == a.Round && x.Team == a.Team
	})
}
