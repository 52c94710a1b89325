package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// TakenBackQuery filters a list of stops that were taken back from phones: all that are given must hold.
type TakenBackQuery struct {
	Branch auth.BranchID
	Why    string      // one of TakenBackFor
	Agent  auth.UserID // who had it
	// Since and Before bound when it was taken back; zero for no bound.
	Since, Before time.Time
	// Unplanned lists only stops whose case is open and neither planned again nor visited since.
	Unplanned bool
	Limit     int // 0: 100
	After     string
}

// TakenBack is a stop that was taken back from the phones.
type TakenBack struct {
	Assignment string
	Case       journal.CaseID
	Round      string
	Team       string
	Date       string // local date of the round
	Agents     []auth.UserID
	At         time.Time // when it was taken back; UTC
	Why        string    // one of TakenBackFor
	Code       string    // closed_by of the assignment: the reason in full
	CaseStatus string
	// Again is the newest stop of the case that was issued since and is open, or was visited; nil for none.
	Again *PlannedAgain
}

// PlannedAgain is the stop that came in the place of one that was taken back.
type PlannedAgain struct {
	Assignment, Round, Team string
	Date                    string // local date of the round
	Status                  string // open or done
}

// TakenBackFor lists why stops are taken back: for the agent (disabled, moved, on leave, without a phone), a day on
// which the branch is closed, the law, a hold, the case (closed or moved), since it was given to another team, or since
// the round was changed.
func TakenBackFor() []string {
	return []string{"agent", "branch", "case", "hold", "law", "reassigned", "round"}
}

// takenFor is the group of a reason that stands in an assignment's closed_by.
func takenFor(closedBy string) string {
	kind, _, _ := strings.Cut(closedBy, ":")
	switch kind {
	case "agent", "branch", "case", "hold", "law", "reassigned":
		return kind
	case "conduct":
		return "law"
	case "moved":
		return "case"
	}
	return "round"
}

// take notes when and why a stop was taken back, once.
func (row *deskStop) take(was *deskStop, a *record.Assignment, received time.Time) {
	switch {
	case a.Origin != nil || a.Status != record.AssignmentRevoked:
	case was.Lost == 1:
		row.Lost, row.Why, row.TakenAt = 1, was.Why, was.TakenAt
	default:
		row.Lost, row.Why, row.TakenAt = 1, takenFor(a.ClosedBy), second(received)
	}
}

var (
	deskLost    = journal.Index{Type: deskView, Name: "stops_lost", Fields: []string{"a_lost", "a_taken_at"}}
	deskLostFor = journal.Index{Type: deskView, Name: "stops_lost_for", Fields: []string{"a_lost_for", "a_taken_at"}}
)

// TakenBack lists the stops that were taken back from phones in a branch, the latest first, and whether each is
// planned again. A page may be short, even empty, and have a successor. Refusals: list.taken_back, list.date,
// auth.role, branch.not_found.
func (s *Service) TakenBack(ctx context.Context, a auth.Actor, q TakenBackQuery) (items []TakenBack, next string,
	err error) {
	if err := s.workList(ctx, a, q.Branch); err != nil {
		return nil, "", err
	}
	if q.Why != "" {
		if bad := record.OneOf("list.taken_back", "why", q.Why, TakenBackFor()); bad != nil {
			return nil, "", bad
		}
	}
	if bad := checkInstants(q.Since, q.Before, "since"); bad != nil {
		return nil, "", bad
	}
	from := journal.Query{Branch: q.Branch, Type: deskView, Index: deskLost.Name, Eq: []any{int64(1)}, Desc: true}
	if q.Why != "" {
		from.Index, from.Eq = deskLostFor.Name, []any{q.Why}
	}
	if !q.Since.IsZero() {
		from.From = second(q.Since)
	}
	if !q.Before.IsZero() {
		from.To = second(q.Before.Add(time.Second - 1))
	}
	page, err := s.sift(ctx, from, q.Limit, q.After, func(rows []journal.Record) ([]json.RawMessage, error) {
		return s.named(ctx, q.Branch, rows, "assignments", "stop", stopRow,
			func(rec, row journal.Record) (json.RawMessage, error) {
				x, err := s.takenBack(ctx, rec, row)
				if err != nil || !q.has(x) {
					return nil, err
				}
				items = append(items, *x)
				return json.RawMessage("null"), nil // the page is items
			})
	})
	return items, page.Next, err
}

// has tells whether a stop is meant.
func (q *TakenBackQuery) has(x *TakenBack) bool {
	return x != nil && (q.Agent == "" || slices.Contains(x.Agents, q.Agent)) &&
		(!q.Unplanned || x.Again == nil && x.CaseStatus == record.StatusOpen)
}

// takenBack reads a stop that was taken back, and what came in its place; nil for one that is not there any more.
func (s *Service) takenBack(ctx context.Context, rec, row journal.Record) (*TakenBack, error) {
	var a record.Assignment
	var of deskStop
	if err := decode(rec, &a); err != nil {
		return nil, err
	}
	if err := decode(row, &of); err != nil {
		return nil, err
	}
	if of.Lost == 0 {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, of.TakenAt)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", row.ID, err)
	}
	out := &TakenBack{Assignment: rec.ID, Case: a.Case, Round: a.Round, Team: a.Team, Date: a.Date, Agents: a.Agents,
		At: at, Why: of.Why, Code: a.ClosedBy}
	recs, err := s.store.Records(ctx, rec.Branch, []journal.DocRef{{Type: "cases", ID: string(a.Case)}})
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	var k record.Case
	if recs[0].Body != nil {
		if err := decode(recs[0], &k); err != nil {
			return nil, err
		}
	}
	out.CaseStatus = k.Status
	var stops []Filed[record.Assignment]
	if err := allInto(ctx, stored{s, rec.Branch}, &stops, AssignmentsByCase, string(a.Case)); err != nil {
		return nil, err
	}
	newest := time.Time{}
	for i := range stops {
		x := &stops[i].State
		live := x.Status == record.AssignmentOpen || x.Status == record.AssignmentDone
		if stops[i].ID == rec.ID || !live || x.IssuedAt.Before(at) || x.IssuedAt.Before(newest) {
			continue
		}
		newest = x.IssuedAt
		out.Again = &PlannedAgain{stops[i].ID, x.Round, x.Team, x.Date, x.Status}
	}
	return out, nil
}
