package casework

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// AgentDay is what an agent did on a day, and is to do: for their own eyes, without anything personal of debtors.
type AgentDay struct {
	Stops  []DayStop  `json:"stops"`  // issued to the agent for that day, in the order of the route
	Visits []DayVisit `json:"visits"` // recorded by the agent on that day, in the order in which they were made
	// Kept are what phones of the agent sent that day and was not applied.
	Kept []DayKept `json:"kept"`
}

// DayStop is a stop that was issued to the agent.
type DayStop struct {
	Assignment  string         `json:"assignment"`
	Case        journal.CaseID `json:"case"`
	Round       string         `json:"round,omitempty"`
	Team        string         `json:"team"`
	Agents      []auth.UserID  `json:"agents"`
	StopSeq     int            `json:"stop_seq"`
	ETA         time.Time      `json:"eta"`
	Status      string         `json:"status"`                 // open, done, revoked, cancelled
	AgentStatus string         `json:"agent_status,omitempty"` // what an agent said last
	// ClosedBy is the visit that closed it, or the reason it was taken back.
	ClosedBy string `json:"closed_by,omitempty"`
	// Earlier are the last visits to the case before that day, newest first, while the agent holds the case.
	Earlier []EarlierVisit `json:"earlier,omitempty"`
}

// EarlierVisit is an earlier visit to a case, as an agent sees it before they go there: the day and the outcome.
type EarlierVisit struct {
	On      string `json:"on"`      // the debtor's local date
	Outcome string `json:"outcome"` // as on the case card: record.OutcomeFor
}

// DayVisit is a visit that the agent recorded.
type DayVisit struct {
	Visit string         `json:"visit_id"`
	Case  journal.CaseID `json:"case"`
	At    time.Time      `json:"at"` // corrected
	// Outcome is as the agent recorded it while they hold the case, and as record.OutcomeFor has it after that.
	Outcome    string `json:"outcome"`
	Supersedes string `json:"supersedes,omitempty"`
}

// DayKept is something a phone of the agent sent that was not applied.
type DayKept struct {
	ID     string    `json:"quarantine_id"`
	Mid    string    `json:"mid"`
	Type   string    `json:"type"` // "" for one that is not known here
	Record string    `json:"record"`
	Code   string    `json:"code,omitempty"` // why it was not applied
	State  string    `json:"state"`          // open, accepted, dismissed, moved
	At     time.Time `json:"at"`             // when it came
}

// mostEarlier is how many earlier visits to a case a stop tells of.
const mostEarlier = 3

// DayOf is an agent's own day in a branch, a local date of it in its zone. Refusals: list.date, auth.role,
// branch.not_found.
func (s *Service) DayOf(ctx context.Context, a auth.Actor, branch auth.BranchID, day string, zone *time.Location) (
	AgentDay, error) {
	out := AgentDay{Stops: []DayStop{}, Visits: []DayVisit{}, Kept: []DayKept{}}
	if err := inBranch(a, branch); err != nil {
		return out, err
	}
	if a.Role != auth.RoleAgent {
		return out, refuse(refusal.Forbidden, "auth.role", "", "agents read their own day")
	}
	from, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err != nil {
		return out, refuse(refusal.Invalid, "list.date", "day", "write a date of the calendar as 2006-01-02")
	}
	if err := s.views.CatchUp(ctx, branch, deskView); err != nil {
		return out, err
	}
	if err := s.dayStops(ctx, a, branch, day, &out); err != nil {
		return out, err
	}
	if err := s.dayVisits(ctx, a, branch, day, &out); err != nil {
		return out, err
	}
	return out, s.dayKept(ctx, a, branch, from, &out)
}

// ofAgent reads the records of a type that rows of the desk name, of an agent on a date.
func (s *Service) ofAgent(ctx context.Context, a auth.Actor, branch auth.BranchID, ix journal.Index, typ, member,
	day string) ([]journal.Record, error) {
	var refs []journal.DocRef
	if err := s.each(ctx, journal.Query{Branch: branch, Type: deskView, Index: ix.Name, Eq: []any{string(a.User)},
		From: day, To: day + "\x00"}, func(row journal.Record) error {
		var of map[string]any
		err := decode(row, &of)
		id, _ := of[member].(string)
		refs = append(refs, journal.DocRef{Type: typ, ID: id})
		return err
	}); err != nil || len(refs) == 0 {
		return nil, err
	}
	recs, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", typ, err)
	}
	return slices.DeleteFunc(recs, func(rec journal.Record) bool { return rec.Body == nil }), nil
}

// openTo tells which of some cases an actor may open, each of which may be named several times.
func (s *Service) openTo(ctx context.Context, a auth.Actor, branch auth.BranchID,
	ids []journal.CaseID) (map[journal.CaseID]bool, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	refs := make([]journal.DocRef, len(ids))
	for i, id := range ids {
		refs[i] = journal.DocRef{Type: "cases", ID: string(id)}
	}
	recs, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	open := map[journal.CaseID]bool{}
	for i, rec := range recs {
		var k record.Case
		if rec.Body == nil || rec.Deleted {
			continue
		}
		if err := decode(rec, &k); err != nil {
			return nil, err
		}
		open[ids[i]] = k.OpenTo(a)
	}
	return open, nil
}

func (s *Service) dayStops(ctx context.Context, a auth.Actor, branch auth.BranchID, day string, out *AgentDay) error {
	recs, err := s.ofAgent(ctx, a, branch, deskStopsByAgent, "assignments", "stop", day)
	if err != nil {
		return err
	}
	var ids []journal.CaseID
	for _, rec := range recs {
		var x record.Assignment
		if err := decode(rec, &x); err != nil {
			return err
		}
		if x.Date != day || !slices.Contains(x.Agents, a.User) {
			continue
		}
		ids = append(ids, x.Case)
		out.Stops = append(out.Stops, DayStop{Assignment: rec.ID, Case: x.Case, Round: x.Round, Team: x.Team,
			Agents: x.Agents, StopSeq: x.StopSeq, ETA: x.ETA, Status: x.Status, AgentStatus: x.AgentStatus,
			ClosedBy: x.ClosedBy})
	}
	open, err := s.openTo(ctx, a, branch, ids)
	if err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id journal.CaseID) bool { return !open[id] })
	find := newAhead(s, branch)
	if err := find.read(ctx, VisitsByCase, nil, eqs(ids)); err != nil {
		return err
	}
	for i := range out.Stops {
		st := &out.Stops[i]
		if !open[st.Case] {
			continue
		}
		visits, err := find.standingVisits(ctx, st.Case)
		if err != nil {
			return err
		}
		st.Earlier = earlierVisits(visits, day)
	}
	slices.SortFunc(out.Stops, func(x, y DayStop) int {
		return cmp.Or(x.ETA.Compare(y.ETA), cmp.Compare(x.StopSeq, y.StopSeq), cmp.Compare(x.Assignment, y.Assignment))
	})
	return nil
}

// earlierVisits are the last of the visits to a case before a date, of which the newest come first.
func earlierVisits(visits []Filed[record.Visit], day string) []EarlierVisit {
	var out []EarlierVisit
	for i := range visits {
		if v := &visits[i].State; v.On < day && len(out) < mostEarlier {
			out = append(out, EarlierVisit{v.On, record.OutcomeFor(record.Agent, v.Outcome)})
		}
	}
	return out
}

func (s *Service) dayVisits(ctx context.Context, a auth.Actor, branch auth.BranchID, day string, out *AgentDay) error {
	recs, err := s.ofAgent(ctx, a, branch, deskVisitsByAgent, "visits", "visit", day)
	if err != nil {
		return err
	}
	var ids []journal.CaseID
	for _, rec := range recs {
		var v record.Visit
		if err := decode(rec, &v); err != nil {
			return err
		}
		if v.On == day && v.By == a.User {
			ids = append(ids, v.Case)
			out.Visits = append(out.Visits, DayVisit{rec.ID, v.Case, v.At, v.Outcome, v.Supersedes})
		}
	}
	open, err := s.openTo(ctx, a, branch, ids)
	if err != nil {
		return err
	}
	for i := range out.Visits {
		if v := &out.Visits[i]; !open[v.Case] {
			v.Outcome = record.OutcomeFor(record.Agent, v.Outcome)
		}
	}
	slices.SortFunc(out.Visits, func(x, y DayVisit) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Visit, y.Visit))
	})
	return nil
}

// dayKept lists what was kept on the day that begins at an instant.
func (s *Service) dayKept(ctx context.Context, a auth.Actor, branch auth.BranchID, from time.Time,
	out *AgentDay) error {
	to := from.AddDate(0, 0, 1)
	for _, state := range []string{"open", "accepted", "dismissed", "moved", quarantineWaiting, quarantineSettled} {
		q := journal.Query{Branch: branch, Type: "quarantine", Index: QuarantineByState.Name, Eq: []any{state},
			From: from.UTC().Format(time.RFC3339), To: to.UTC().Format(time.RFC3339)}
		if err := s.each(ctx, q, func(rec journal.Record) error {
			var x record.Quarantined
			if err := decode(rec, &x); err != nil {
				return err
			}
			if x.Agent == a.User {
				out.Kept = append(out.Kept, DayKept{rec.ID, x.Mid, x.Type, x.Record, x.Code, x.State, x.At})
			}
			return nil
		}); err != nil {
			return err
		}
	}
	slices.SortFunc(out.Kept, func(x, y DayKept) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.ID, y.ID)) })
	return nil
}
