package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// VisitQuery filters a list of visits: all that are given must hold.
type VisitQuery struct {
	Branch auth.BranchID
	Round  string
	Team   string      // whose stop it was made for
	Agent  auth.UserID // who recorded it, or is named in it
	// Outcome is a code of outcomes.
	Outcome string
	// From and To are local dates of the debtors, by the corrected instant, both included.
	From, To string
	Flagged  bool
	// Review is accepted, questioned or invalid, or ReviewNone for visits without a review.
	Review string
	Limit  int // 0: 100
	After  string
}

// ReviewNone is the word of VisitQuery.Review for visits without a review.
const ReviewNone = "none"

// AssignmentQuery filters a list of assignments: all that are given must hold.
type AssignmentQuery struct {
	Branch auth.BranchID
	Round  string
	Team   string
	Agent  auth.UserID
	// From and To are local dates of the branch, both included.
	From, To    string
	Status      string // open, done, revoked, cancelled
	AgentStatus string // accepted, en_route, at_door, visited, declined; AgentStatusNone for none said
	Limit       int    // 0: 100
	After       string
}

// AgentStatusNone is the word of AssignmentQuery.AgentStatus for stops of which no agent has said anything.
const AgentStatusNone = "none"

// checkSpan refuses dates that are none, and a span that ends before it begins.
func checkSpan(from, to string) *refusal.Error {
	for _, at := range [][2]string{{"from", from}, {"to", to}} {
		if at[1] != "" && !record.IsDate(at[1]) {
			return refuse(refusal.Invalid, "list.date", at[0], "write a date of the calendar as 2006-01-02")
		}
	}
	if from != "" && to != "" && to < from {
		return refuse(refusal.Invalid, "list.date", "to", "it is before from, so no day lies between")
	}
	return nil
}

// checkInstants refuses a span of instants that ends before it begins; name is that of from. Zero is no bound.
func checkInstants(from, before time.Time, name string) *refusal.Error {
	if !from.IsZero() && !before.IsZero() && !from.Before(before) {
		return refuse(refusal.Invalid, "list.date", "before", "it is not after %s, so nothing lies between", name)
	}
	return nil
}

// oneOfOrNone refuses a word that is neither "", nor none, nor of a list.
func oneOfOrNone(code, at, word, none string, list []string) *refusal.Error {
	if word == "" || word == none {
		return nil
	}
	return record.OneOf(code, at, word, append([]string{none}, list...))
}

// onlySupervisors refuses the lists of a branch's work to other roles.
func onlySupervisors(a auth.Actor) error {
	if a.Role != auth.RoleAdmin && a.Role != auth.RoleSupervisor {
		return refuse(refusal.Forbidden, "auth.role", "", "this list is for supervisors")
	}
	return nil
}

// narrowest is a query of the first index whose value is given, newest first, between local dates.
func narrowest(b auth.BranchID, from, to string, all journal.Index, by ...narrowing) journal.Query {
	ix, value := all, any(int64(1))
	for _, n := range by {
		if n.value != "" {
			ix, value = n.index, n.value
			break
		}
	}
	q := journal.Query{Branch: b, Type: deskView, Index: ix.Name, Eq: []any{value}, Desc: true}
	if from != "" {
		q.From = from
	}
	if to != "" {
		q.To = to + "\x00" // To is exclusive there
	}
	return q
}

type narrowing struct {
	index journal.Index
	value string
}

// Visits lists the visits that a branch made, newest day first, without personal parts. A page may be short, even
// empty, and have a successor. Refusals: list.date, list.outcome, list.review, auth.role, branch.not_found.
func (s *Service) Visits(ctx context.Context, a auth.Actor, q VisitQuery) (Page, error) {
	if err := s.workList(ctx, a, q.Branch); err != nil {
		return Page{}, err
	}
	if bad := checkSpan(q.From, q.To); bad != nil {
		return Page{}, bad
	}
	if q.Outcome != "" {
		if bad := record.OneOf("list.outcome", "outcome", q.Outcome, record.CodesOf("outcomes")); bad != nil {
			return Page{}, bad
		}
	}
	if bad := oneOfOrNone("list.review", "review", q.Review, ReviewNone, record.CodesOf("review_states")); bad != nil {
		return Page{}, bad
	}
	from := narrowest(q.Branch, q.From, q.To, deskVisits, narrowing{deskVisitsByRound, q.Round},
		narrowing{deskVisitsByAgent, string(q.Agent)}, narrowing{deskVisitsByTeam, q.Team},
		narrowing{deskVisitsByOutcome, q.Outcome})
	if from.Index == deskVisits.Name && q.Flagged {
		from.Index = deskVisitsFlagged.Name
	}
	to := record.AudienceOf(a.Role)
	return s.sift(ctx, from, q.Limit, q.After, func(rows []journal.Record) ([]json.RawMessage, error) {
		return s.named(ctx, q.Branch, rows, "visits", "visit", visitRow,
			func(rec, row journal.Record) (json.RawMessage, error) {
				var v record.Visit
				var of deskVisit
				if err := decode(rec, &v); err != nil {
					return nil, err
				}
				if err := decode(row, &of); err != nil {
					return nil, err
				}
				v.Flags = v.FlagsNow(of.Confirmed)
				if !q.has(&v, &of) {
					return nil, nil
				}
				doc, err := record.ShowListed(&v, to)
				if err != nil {
					return nil, err
				}
				pairs := []any{"id", rec.ID, "rev", rec.Rev}
				if rec.No > 0 {
					pairs = append(pairs, "visit_no", rec.No)
				}
				if of.Team != "" {
					pairs = append(pairs, "team", of.Team)
				}
				if of.Review != "" {
					pairs = append(pairs, "review", of.Review)
				}
				pending, err := s.pendingOf(ctx, q.Branch, &v)
				if err != nil {
					return nil, err
				}
				if pending > 0 {
					pairs = append(pairs, "evidence_pending", pending)
				}
				return withMembers(doc, pairs...), nil
			})
	})
}

// has tells whether a visit is meant.
func (q *VisitQuery) has(v *record.Visit, of *deskVisit) bool {
	switch {
	case q.Round != "" && v.Round != q.Round, q.Team != "" && of.Team != q.Team,
		q.Agent != "" && !slices.Contains(visitors(v), q.Agent),
		q.Outcome != "" && v.Outcome != q.Outcome,
		q.From != "" && v.On < q.From, q.To != "" && v.On > q.To,
		q.Flagged && len(v.Flags) == 0,
		q.Review == ReviewNone && of.Review != "",
		q.Review != "" && q.Review != ReviewNone && of.Review != q.Review:
		return false
	}
	return true
}

// Assignments lists the stops that a branch issued, newest day first, without personal parts. A page may be short, even
// empty, and have a successor. Refusals: list.date, list.status, list.agent_status, auth.role, branch.not_found.
func (s *Service) Assignments(ctx context.Context, a auth.Actor, q AssignmentQuery) (Page, error) {
	if err := s.workList(ctx, a, q.Branch); err != nil {
		return Page{}, err
	}
	if bad := checkSpan(q.From, q.To); bad != nil {
		return Page{}, bad
	}
	states := []string{record.AssignmentOpen, record.AssignmentDone, record.AssignmentRevoked, record.AssignmentCancelled}
	if q.Status != "" {
		if bad := record.OneOf("list.status", "status", q.Status, states); bad != nil {
			return Page{}, bad
		}
	}
	if bad := oneOfOrNone("list.agent_status", "agent_status", q.AgentStatus, AgentStatusNone,
		record.CodesOf("agent_statuses")); bad != nil {
		return Page{}, bad
	}
	from := narrowest(q.Branch, q.From, q.To, deskStops, narrowing{deskStopsByRound, q.Round},
		narrowing{deskStopsByAgent, string(q.Agent)}, narrowing{deskStopsByTeam, q.Team},
		narrowing{deskStopsByStatus, q.Status})
	to := record.AudienceOf(a.Role)
	return s.sift(ctx, from, q.Limit, q.After, func(rows []journal.Record) ([]json.RawMessage, error) {
		return s.named(ctx, q.Branch, rows, "assignments", "stop", stopRow,
			func(rec, _ journal.Record) (json.RawMessage, error) {
				var x record.Assignment
				if err := decode(rec, &x); err != nil {
					return nil, err
				}
				if !q.has(&x) {
					return nil, nil
				}
				doc, err := record.ShowListed(&x, to)
				return withMembers(doc, "id", rec.ID, "rev", rec.Rev), err
			})
	})
}

// has tells whether an assignment is meant.
func (q *AssignmentQuery) has(x *record.Assignment) bool {
	switch {
	case q.Round != "" && x.Round != q.Round, q.Team != "" && x.Team != q.Team,
		q.Agent != "" && !slices.Contains(x.Agents, q.Agent),
		q.From != "" && x.Date < q.From, q.To != "" && x.Date > q.To,
		q.Status != "" && x.Status != q.Status,
		q.AgentStatus == AgentStatusNone && x.AgentStatus != "",
		q.AgentStatus != "" && q.AgentStatus != AgentStatusNone && x.AgentStatus != q.AgentStatus:
		return false
	}
	return true
}

// workList refuses who may not read a branch's lists, and brings the view up to date.
func (s *Service) workList(ctx context.Context, a auth.Actor, branch auth.BranchID) error {
	if err := inBranch(a, branch); err != nil {
		return err
	}
	if err := onlySupervisors(a); err != nil {
		return err
	}
	return s.views.CatchUp(ctx, branch, deskView)
}

// named reads the records of a type that rows of the desk name under a member, and their own rows, and shows each.
func (s *Service) named(ctx context.Context, branch auth.BranchID, rows []journal.Record, typ, member string,
	rowOf func(string) string, show func(rec, row journal.Record) (json.RawMessage, error)) ([]json.RawMessage, error) {
	refs := make([]journal.DocRef, 2*len(rows))
	for i, row := range rows {
		var of map[string]json.RawMessage
		var id string
		if err := decode(row, &of); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(of[member], &id); err != nil {
			return nil, fmt.Errorf("read %s: %w", row.ID, err)
		}
		refs[2*i], refs[2*i+1] = journal.DocRef{Type: typ, ID: id}, journal.DocRef{Type: deskView, ID: rowOf(id)}
	}
	recs, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", typ, err)
	}
	out := make([]json.RawMessage, len(rows))
	for i := range rows {
		rec, row := recs[2*i], recs[2*i+1]
		if rec.Body == nil || row.Body == nil {
			continue
		}
		if out[i], err = show(rec, row); err != nil {
			return nil, fmt.Errorf("show %s: %w", rec.ID, err)
		}
	}
	return out, nil
}
