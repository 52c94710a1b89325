package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// ReleaseAgent takes an agent off the open assignments of a case. Those that no other agent has are revoked, and so
// are those that the law forbids with the agents who are left.
type ReleaseAgent struct {
	Case  journal.CaseID
	Agent auth.UserID
	// Reason is a code such as disabled or moved.
	Reason string
	Days   Days // of the assignments; the zero value: all
}

// Days are the local dates from one to another, both included; the zero value is all.
type Days struct{ From, To string }

// Has tells whether a local date is one of the days.
func (d Days) Has(date string) bool { return d == Days{} || d.From <= date && date <= d.To }

// ReleaseReceipt answers ReleaseAgent: how many assignments were revoked, and how many stay with other agents.
type ReleaseReceipt struct {
	Revoked int `json:"revoked"`
	Stayed  int `json:"stayed"`
}

func (c ReleaseAgent) refs() []journal.DocRef { return caseRef(c.Case) }

func (c ReleaseAgent) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, forConduct|toRevoke)
	if err != nil {
		return nil, err
	}
	forbidden := map[string]string{} // by assignment
	for i := range f.Assignments {
		a := &f.Assignments[i]
		if !c.concerns(&a.State) {
			continue
		}
		left := a.State
		if left.Agents = c.others(&a.State); len(left.Agents) == 0 {
			forbidden[a.ID] = "agent:" + c.Reason
			continue
		}
		if err := t.loadGrounds(ctx, f, left.ETA, left.Overlays); err != nil {
			return nil, err
		}
		v, err := judgeVisit(t.policy(), &t.svc.zones, phaseDispatch, f, left.ETA, stopAct(&left))
		if err != nil {
			return nil, fmt.Errorf("judge a stop without an agent: %w", err)
		}
		if !v.Allowed() {
			forbidden[a.ID] = "law:" + v.Reason
		}
	}
	d := t.draft("agent.release")
	var answer ReleaseReceipt
	any := endShown(f, d, func(a *Filed[record.Assignment]) bool {
		if !c.concerns(&a.State) {
			return false
		}
		if why := forbidden[a.ID]; why != "" {
			a.State.Status, a.State.ClosedBy = record.AssignmentRevoked, why
			answer.Revoked++
			return true
		}
		a.State.Agents = c.others(&a.State)
		answer.Stayed++
		return true
	})
	d.reply = answer
	if !any {
		return d.nothing(), nil
	}
	feed := journal.AgentFeed(c.Agent)
	for i := range f.Assignments {
		d.tell(feed, "assignments", f.Assignments[i].ID)
	}
	return d, nil
}

// concerns tells whether an assignment is open and the agent's.
func (c ReleaseAgent) concerns(a *record.Assignment) bool {
	return a.Status == record.AssignmentOpen && slices.Contains(a.Agents, c.Agent) && c.Days.Has(a.Date)
}

// others are the other agents of an assignment.
func (c ReleaseAgent) others(a *record.Assignment) []auth.UserID {
	return slices.DeleteFunc(slices.Clone(a.Agents), func(id auth.UserID) bool { return id == c.Agent })
}

// ReleaseFrom takes an agent off all open assignments of a branch on some days. cause names the change that asks for
// it: the same again has no further effect on the same assignments.
func (s *Service) ReleaseFrom(ctx context.Context, branch auth.BranchID, agent auth.UserID, days Days, reason,
	cause string) (out ReleaseReceipt, err error) {
	shown, err := s.OnPhones(ctx, branch, "")
	if err != nil {
		return out, err
	}
	ids := map[journal.CaseID][]string{}
	var cases []journal.CaseID
	for i := range shown {
		a := &shown[i]
		if !a.Open() || !slices.Contains(a.Agents, agent) || !days.Has(a.Date) {
			continue
		}
		if ids[a.Case] == nil {
			cases = append(cases, a.Case)
		}
		ids[a.Case] = append(ids[a.Case], a.ID)
	}
	reqs := make([]Request, len(cases))
	for i, c := range cases {
		reqs[i] = Request{ID: madeID("rel", append([]string{cause, string(agent)}, ids[c]...)...),
			Cmd: ReleaseAgent{Case: c, Agent: agent, Reason: reason, Days: days}}
	}
	return s.release(ctx, branch, reqs)
}

// RevokeDays takes back all open assignments of a branch on some days, but for those that are under way. cause is as of
// ReleaseFrom.
func (s *Service) RevokeDays(ctx context.Context, branch auth.BranchID, days Days, reason, cause string) (
	out ReleaseReceipt, err error) {
	shown, err := s.OnPhones(ctx, branch, days.From)
	if err != nil {
		return out, err
	}
	var reqs []Request
	for i := range shown {
		if a := &shown[i]; a.Open() && days.Has(a.Date) {
			reqs = append(reqs, Request{ID: madeID("rvd", cause, a.ID),
				Cmd: revokeDays{Case: a.Case, Days: days, Reason: reason}})
		}
	}
	return s.release(ctx, branch, reqs)
}

// revokeDays takes back the open assignments of a case on some days, but for those that are under way.
type revokeDays struct {
	Case   journal.CaseID
	Days   Days
	Reason string
}

func (c revokeDays) refs() []journal.DocRef { return caseRef(c.Case) }

func (c revokeDays) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, toRevoke)
	if err != nil {
		return nil, err
	}
	d := t.draft("assignment.revoke")
	var answer ReleaseReceipt
	endShown(f, d, func(a *Filed[record.Assignment]) bool {
		if a.State.Status != record.AssignmentOpen || !c.Days.Has(a.State.Date) {
			return false
		}
		if underWay(a.State.AgentStatus) {
			answer.Stayed++
			return false
		}
		a.State.Status, a.State.ClosedBy = record.AssignmentRevoked, c.Reason
		answer.Revoked++
		return true
	})
	d.reply = answer
	if answer.Revoked == 0 {
		return d.nothing(), nil
	}
	return d, nil
}

// release runs commands that answer with a ReleaseReceipt, and sums those up.
func (s *Service) release(ctx context.Context, branch auth.BranchID, reqs []Request) (out ReleaseReceipt, err error) {
	for part := range slices.Chunk(reqs, 100) {
		receipts, err := s.Do(ctx, auth.System(), branch, part)
		if err != nil {
			return out, err
		}
		for _, r := range receipts {
			if _, refused := refusal.Of(r.Err); refused {
				continue // the case moved or was erased: its assignments are revoked
			}
			if r.Err != nil {
				return out, fmt.Errorf("take work back from an agent: %w", r.Err)
			}
			var one ReleaseReceipt
			if err := json.Unmarshal(r.Body, &one); err != nil {
				return out, fmt.Errorf("take work back from an agent: read receipt: %w", err)
			}
			out.Revoked, out.Stayed = out.Revoked+one.Revoked, out.Stayed+one.Stayed
		}
	}
	return out, nil
}
