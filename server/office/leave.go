package office

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Leave is the state of a document of type "leaves" in the organisation's journal: whole days on which an agent does
// not work. The reason is not kept.
type Leave struct {
	ID     string        `json:"id"`
	Agent  auth.UserID   `json:"agent"`
	Branch auth.BranchID `json:"branch"` // of the agent when the leave was noted
	// From and To are the first and the last day, local to the branch.
	From string      `json:"from"`
	To   string      `json:"to"`
	By   auth.UserID `json:"by"` // the user who noted it
	At   time.Time   `json:"at"`
}

// AgentOnLeave is the reason why a branch cannot send out an agent who is on leave that day.
const AgentOnLeave = "on_leave"

// mostLeave is how many days one leave may have.
const mostLeave = 366

// PutLeave makes or changes a leave of an agent of a branch. The agent's open work of those days is taken back
// (Leavings). Errors: leave.id, leave.date, leave.past, leave.agent.
func (s *Service) PutLeave(ctx context.Context, ask Ask, l Leave) (Leave, error) {
	branch, err := s.Branch(ctx, l.Branch)
	if err != nil {
		return Leave{}, err
	}
	if err := checkLeave(l); err != nil {
		return Leave{}, err
	}
	if err := s.checkAgents(ctx, l.Branch, []auth.UserID{l.Agent}, "leave.agent"); err != nil {
		return Leave{}, err
	}
	l.By = ask.By
	out, err := apply(ctx, s, ask, change[Leave]{branch: auth.OrgBranch, typ: "leaves", id: leaveDoc(l.Agent, l.ID),
		action: "leave.put",
		decide: func(_ context.Context, r *journal.Reader, now *Leave) (*Leave, error) {
			if l.To < branch.day(r.At) {
				return nil, invalid("leave.past", "to", "these days are over; note a leave that ends today or later")
			}
			l.At = r.At.UTC().Truncate(time.Second)
			return &l, nil
		},
		also: func(ctx context.Context, r *journal.Reader, d *journal.Draft) error {
			return putLeaving(ctx, r, d, Leaving{ID: leavingID(l.Agent, l.Branch, "leave", l.ID), User: l.Agent,
				Branch: l.Branch, Reason: AgentOnLeave, From: l.From, To: l.To})
		}})
	if err != nil {
		return Leave{}, err
	}
	return *out, nil
}

// leaveDoc names the document of an agent's leave.
func leaveDoc(agent auth.UserID, id string) string { return string(agent) + "/" + id }

func checkLeave(l Leave) error {
	if !idShape.MatchString(l.ID) {
		return invalid("leave.id", "id", "a leave's id has 1 to 64 letters, digits, dots, dashes or underscores")
	}
	for _, x := range []struct{ at, date string }{{"from", l.From}, {"to", l.To}} {
		if fault := DateFault(x.date); fault != "" {
			return invalid("leave.date", x.at, fault)
		}
	}
	if days, ok := daysFrom(l.From, l.To); !ok || days > mostLeave {
		return invalid("leave.date", "to",
			fmt.Sprintf("a leave ends on its first day or later, and has at most %d days", mostLeave))
	}
	return nil
}

// daysFrom counts the days from one date to another, both included; ok is false if the second is the earlier one.
func daysFrom(from, to string) (days int, ok bool) {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	return int(b.Sub(a)/(24*time.Hour)) + 1, errA == nil && errB == nil && !b.Before(a)
}

// day is the local date of the branch at an instant.
func (b *Branch) day(at time.Time) string {
	zone, err := time.LoadLocation(b.TimeZone)
	if err != nil { // PutBranch refuses others
		zone = time.UTC
	}
	return at.In(zone).Format(time.DateOnly)
}

// EndLeave takes a leave back: the agent works on those days. leave.not_found.
func (s *Service) EndLeave(ctx context.Context, ask Ask, branch auth.BranchID, agent auth.UserID, id string) error {
	_, err := apply(ctx, s, ask, change[Leave]{branch: auth.OrgBranch, typ: "leaves", id: leaveDoc(agent, id),
		action: "leave.delete",
		decide: func(_ context.Context, _ *journal.Reader, now *Leave) (*Leave, error) {
			if now == nil || now.Branch != branch {
				return nil, notFound("leave.not_found", "the agent has no such leave here")
			}
			return nil, nil
		}})
	return err
}

// Leaves lists the leaves of a branch's agents that end on a local date or later, by their last day.
func (s *Service) Leaves(ctx context.Context, b auth.BranchID, from string, limit int, after string) ([]Leave, string,
	error) {
	return page[Leave](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "leaves", Index: leavesByBranch.Name,
		Eq: []any{string(b)}, From: from, Limit: limit, After: after})
}

// page reads a page of a list.
func page[T any](ctx context.Context, s *Service, q journal.Query) ([]T, string, error) {
	f, err := s.store.Find(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("list %s: %w", q.Type, err)
	}
	out := []T{}
	for _, rec := range f.Records {
		v, err := decode[T](rec)
		if err != nil {
			return nil, "", err
		}
		out = append(out, *v)
	}
	return out, f.Next, nil
}

// onLeave tells whether an agent is on leave on a date.
func (s *Service) onLeave(ctx context.Context, id auth.UserID, date string) (bool, error) {
	leaves, err := list[Leave](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "leaves", Index: leavesByAgent.Name,
		Eq: []any{string(id)}, From: date})
	return slices.ContainsFunc(leaves, func(l *Leave) bool { return l.From <= date && date <= l.To }), err
}

// UnableOn is Unable for a local date: it also tells of agents who lack a certificate, or are on leave, that day.
func (s *Service) UnableOn(ctx context.Context, b auth.BranchID, date string, ids []auth.UserID) (
	map[auth.UserID]string, error) {
	out, err := s.Unable(ctx, b, ids)
	if err != nil {
		return nil, err
	}
	each := sortedIDs(ids)
	if err := s.uncertifiedOn(ctx, b, date, each, out); err != nil {
		return nil, err
	}
	for _, id := range each {
		if out[id] != "" {
			continue
		}
		away, err := s.onLeave(ctx, id, date)
		if err != nil {
			return nil, err
		}
		if away {
			out[id] = AgentOnLeave
		}
	}
	return out, nil
}

// OnLeaveAsOf tells whether the leave of a leaving stands as it was when the leaving was written.
func (s *Service) OnLeaveAsOf(ctx context.Context, l Leaving) (bool, error) {
	leaves, err := list[Leave](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "leaves", Index: leavesByAgent.Name,
		Eq: []any{string(l.User)}, From: l.To})
	return slices.ContainsFunc(leaves, func(x *Leave) bool { return x.From == l.From && x.To == l.To }), err
}

// putLeaving drafts a leaving.
func putLeaving(ctx context.Context, r *journal.Reader, d *journal.Draft, l Leaving) error {
	if _, _, err := r.Doc(ctx, "leavings", l.ID); err != nil {
		return err
	}
	l.Open = 1
	state, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode leaving: %w", err)
	}
	d.Put("leavings", l.ID, state)
	return nil
}
