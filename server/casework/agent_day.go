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
	On      string `json:"on"` // the debtor's local date
	Outcome string `json:"outcome"`
}

// DayVisit is a visit that the agent recorded.
type DayVisit struct {
	Visit      string         `json:"visit_id"`
	Case       journal.CaseID `json:"case"`
	At         time.Time      `json:"at"` // corrected
	Outcome    string         `json:"outcome"`
	Supersedes string         `json:"supersedes,omitempty"`
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
	day string, fn func(journal.Record) error) error {
	return s.each(ctx, journal.Query{Branch: branch, Type: deskView, Index: ix.Name, Eq: []any{string(a.User)}, From: day,
		To: day + "\x00"}, func(row journal.Record) error {
		var of map[string]any
		if err := decode(row, &of); err != nil {
			return err
		}
		id, _ := of[member].(string)
		recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: typ, ID: id}})
		if err != nil {
			return fmt.Errorf("read %s: %w", typ, err)
		}
		if recs[0].Body == nil {
			return nil
		}
		return fn(recs[0])
	})
}

func (s *Service) dayStops(ctx context.Context, a auth.Actor, branch auth.BranchID, day string, out *AgentDay) error {
	if err := s.ofAgent(ctx, a, branch, deskStopsByAgent, "assignments", "stop", day, func(rec journal.Record) error {
		var x record.Assignment
		if err := decode(rec, &x); err != nil {
			return err
		}
		if x.Date != day || !slices.Contains(x.Agents, a.User) {
			return nil
		}
		st := DayStop{Assignment: rec.ID, Case: x.Case, Round: x.Round, Team: x.Team, Agents: x.Agents, StopSeq: x.StopSeq,
			ETA: x.ETA, Status: x.Status, AgentStatus: x.AgentStatus, ClosedBy: x.ClosedBy}
		var err error
		if st.Earlier, err = s.earlierVisits(ctx, a, branch, x.Case, day); err != nil {
			return err
		}
		out.Stops = append(out.Stops, st)
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(out.Stops, func(x, y DayStop) int {
		return cmp.Or(x.ETA.Compare(y.ETA), cmp.Compare(x.StopSeq, y.StopSeq), cmp.Compare(x.Assignment, y.Assignment))
	})
	return nil
}

// earlierVisits are the last visits to a case before a date; none if the agent does not hold the case.
func (s *Service) earlierVisits(ctx context.Context, a auth.Actor, branch auth.BranchID, id journal.CaseID,
	day string) ([]EarlierVisit, error) {
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(id)}})
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	var k record.Case
	if recs[0].Body == nil || recs[0].Deleted {
		return nil, nil
	}
	if err := decode(recs[0], &k); err != nil {
		return nil, err
	}
	if !k.OpenTo(a) {
		return nil, nil
	}
	all, err := s.standingVisits(ctx, branch, id)
	if err != nil {
		return nil, err
	}
	var out []EarlierVisit
	for _, v := range all {
		if v.State.On < day && len(out) < mostEarlier {
			out = append(out, EarlierVisit{v.State.On, v.State.Outcome})
		}
	}
	return out, nil
}

// standingVisits are the latest visits to a case that no later one corrects, the newest first.
func (s *Service) standingVisits(ctx context.Context, branch auth.BranchID, id journal.CaseID) ([]Filed[record.Visit],
	error) {
	found, err := s.store.Find(ctx, journal.Query{Branch: branch, Type: "visits", Index: VisitsByCase.Name,
		Eq: []any{string(id)}, Desc: true, Limit: 50})
	if err != nil {
		return nil, fmt.Errorf("read visits: %w", err)
	}
	all, err := decodeAll[record.Visit](found.Records)
	if err != nil {
		return nil, err
	}
	corrected := map[string]bool{}
	for _, v := range all {
		corrected[v.State.Supersedes] = true
	}
	return slices.DeleteFunc(all, func(v Filed[record.Visit]) bool { return corrected[v.ID] }), nil
}

func (s *Service) dayVisits(ctx context.Context, a auth.Actor, branch auth.BranchID, day string, out *AgentDay) error {
	if err := s.ofAgent(ctx, a, branch, deskVisitsByAgent, "visits", "visit", day, func(rec journal.Record) error {
		var v record.Visit
		if err := decode(rec, &v); err != nil {
			return err
		}
		if v.On == day && v.By == a.User {
			out.Visits = append(out.Visits, DayVisit{rec.ID, v.Case, v.At, v.Outcome, v.Supersedes})
		}
		return nil
	}); err != nil {
		return err
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
