package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

// readiness is what may keep stops from being issued though the law allows them.
type readiness struct {
	branch auth.BranchID
	date   string
	closed bool // the branch is, on the date
	// shifts are the teams that have a shift on the date.
	shifts []string
	// elsewhere are the cases that are to be visited, or were, under another round, with the code of why they stay out.
	elsewhere map[journal.CaseID]string
}

// readiness reads it for a round that is issued.
func (s *Service) readiness(ctx context.Context, r Round, routes []Route) (readiness, error) {
	out := readiness{branch: r.Branch, date: r.Date}
	closed, err := s.closed(ctx, r.Branch, r.Date)
	if err != nil {
		return out, err
	}
	out.closed = closed != nil
	shifts, err := s.opt.Office.Shifts(ctx, r.Branch, r.Date)
	if err != nil {
		return out, err
	}
	for _, sh := range shifts {
		out.shifts = append(out.shifts, sh.Team)
	}
	out.elsewhere, err = s.elsewhere(ctx, r)
	return out, err
}

// of gives those of a route's agents who can be sent out now, or the code of why no one is.
func (x readiness) of(ctx context.Context, s *Service, route Route) (agents []auth.UserID, why string, err error) {
	if x.closed {
		return nil, BranchClosed, nil
	}
	if !slices.Contains(x.shifts, route.Team) {
		return nil, NoTeam, nil
	}
	unable, err := s.opt.Office.UnableOn(ctx, x.branch, x.date, route.Agents)
	if err != nil {
		return nil, "", err
	}
	if agents = able(route.Agents, unable); len(agents) == 0 {
		if allOnLeave(route.Agents, unable) {
			return nil, OnLeave, nil
		}
		if uncertified(route.Agents, unable) {
			return nil, CertExpired, nil
		}
		return nil, NoAgent, nil
	}
	return agents, "", nil
}

// elsewhere are the cases that a round leaves alone because of what phones show under other rounds: those still to be
// visited on another day, and those visited on the round's own day. An appointment on the day is kept all the same.
func (s *Service) elsewhere(ctx context.Context, r Round) (map[journal.CaseID]string, error) {
	today, err := s.today(ctx, r.Branch)
	if err != nil {
		return nil, err
	}
	shown, err := s.opt.Casework.OnPhones(ctx, r.Branch, today)
	if err != nil {
		return nil, err
	}
	out, own := map[journal.CaseID]string{}, map[journal.CaseID]bool{}
	for i := range shown {
		switch a := &shown[i]; {
		case a.Round == r.ID:
			own[a.Case] = true
		case a.Done() && a.Date == r.Date:
			out[a.Case] = Visited
		case a.Open() && a.Date != r.Date && out[a.Case] == "":
			out[a.Case] = Assigned
		}
	}
	maps.DeleteFunc(out, func(id journal.CaseID, _ string) bool { return own[id] })
	return out, nil
}

// leaveRefused puts the stops of a route that were not issued among the round's left-out cases, with the reason.
// Readers of the round then show them there, and not in the route.
func (s *Service) leaveRefused(ctx context.Context, r Round, team string, refused []casework.RefusedStop) error {
	for n, part := range slices.Collect(slices.Chunk(refused, documentsAtOnce)) {
		ask := s.ask(fmt.Sprintf("refused:%s:%d", team, n), r)
		if _, err := s.do(ctx, r.Branch, ask, func(ctx context.Context, rd *journal.Reader) (journal.Draft, error) {
			out := journal.Draft{Action: "round.refused"}
			for _, x := range part {
				id := r.docID(string(x.Case))
				if _, _, err := rd.Doc(ctx, "leftouts", id); err != nil {
					return journal.Draft{}, err
				}
				why := whyNot{code: refusedCode(x.Reason), rule: x.Rule, cite: x.Cite, missing: x.Missing}
				if own := ofOffice(why.code); own.code != "" {
					why = own
				}
				state, err := json.Marshal(LeftOut{Round: r.ID, Run: r.Run, Case: x.Case, Code: why.code, Rule: why.rule,
					Cite: why.cite, Missing: why.missing})
				if err != nil {
					return journal.Draft{}, err
				}
				out.Put("leftouts", id, state)
			}
			return out, nil
		}); err != nil {
			return fmt.Errorf("note refused stops: %w", err)
		}
	}
	return nil
}

// refusedCode is the code of a refused stop in the words of planning.
func refusedCode(code string) string {
	if code == "ON_HOLD" {
		return OnHold
	}
	return code
}

// withoutLeftOut takes the stops out of routes whose cases were left out after all.
func withoutLeftOut(routes []Route, leftOut []LeftOut) {
	if len(leftOut) == 0 {
		return
	}
	out := make(map[journal.CaseID]bool, len(leftOut))
	for _, l := range leftOut {
		out[l.Case] = true
	}
	for i := range routes {
		routes[i].Stops = slices.DeleteFunc(routes[i].Stops, func(st Stop) bool { return out[st.Case] })
	}
}
