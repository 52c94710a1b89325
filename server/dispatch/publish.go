package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Publish has a planned round issued to the agents' phones. It answers at once;
// Run does it. Publishing again is the same. Errors: round.not_found, round.branch,
// round.state for a round that is not planned, round.past for one whose day is over,
// round.under_way when another round of the day has begun, round.agents_twice when an agent would be in two teams at
// the same time, round.branch_closed.
func (s *Service) Publish(ctx context.Context, ask Ask, id string) (Round, error) {
	r, err := s.find(ctx, ask.Actor, id)
	if err != nil {
		return Round{}, err
	}
	_, zone, err := s.branch(ctx, r.Branch)
	if err != nil {
		return Round{}, err
	}
	if err := s.change(ctx, r.Branch, ask, id, "round.publish", func(rd *journal.Reader, now *Round) error {
		switch now.Status {
		case Planned:
			if err := checkToCome(now.Date, rd.At, zone); err != nil {
				return err
			}
			under, err := s.underWay(ctx, rd, now.Date, id)
			if err != nil {
				return err
			}
			if under != "" {
				return refuseUnderWay(under)
			}
			staff, err := s.staffOf(ctx, rd, now.Date, zone)
			if err != nil {
				return err
			}
			if err := checkOpen(staff.closed); err != nil {
				return err
			}
			if err := s.peopleNow(ctx, staff, *now); err != nil {
				return err
			}
			now.Status, now.PublishedBy = Publishing, ask.Actor.User
			now.Failure, now.FailureText = "", ""
		case Publishing, Published:
		default:
			return refuse(refusal.Conflict, "round.state", "", "only a planned round can be published; this one is "+now.Status)
		}
		return nil
	}); err != nil {
		return Round{}, err
	}
	s.poke(r.Branch)
	return s.load(ctx, r.Branch, id)
}

// issue publishes: one command per route, then the header. All of it may be repeated after a crash.
func (s *Service) issue(ctx context.Context, r Round) error {
	out, err := s.issueRoutes(ctx, r)
	if err != nil {
		return err
	}
	if err := s.replace(ctx, r); err != nil {
		return err
	}
	today, err := s.today(ctx, r.Branch)
	if err != nil {
		return err
	}
	if err := s.retire(ctx, r.Branch, min(r.Date, today), s.ask("retire", r).Command); err != nil {
		return err
	}
	return s.change(ctx, r.Branch, s.ask("published", r), r.ID, "round.published",
		func(rd *journal.Reader, now *Round) error {
			if now.Status != Publishing {
				return nil
			}
			now.Status, now.PublishedAt, now.Issued, now.Refused = Published, rd.At.Truncate(time.Second), out.kept+out.issued,
				out.refused
			now.Stops, now.LeftOut = now.Stops-out.refused, now.LeftOut+out.refused
			now.Tries = 0
			if p := now.Replan; p != nil {
				p.Kept, p.New, p.Changed, p.Revoked = out.kept, out.fresh, out.changed, out.revoked
			}
			return nil
		})
}

// issuedRound counts what publishing a round did to its stops.
type issuedRound struct {
	kept                                     int // done or under way
	issued, fresh, changed, refused, revoked int
}

// issueRoutes issues the routes one by one, each by commands of at most stopsAtOnce stops.
func (s *Service) issueRoutes(ctx context.Context, r Round) (out issuedRound, err error) {
	branch, err := s.opt.Office.Branch(ctx, r.Branch)
	if err != nil {
		return out, err
	}
	routes, err := s.routes(ctx, r)
	if err != nil {
		return out, err
	}
	if r.Replan != nil {
		if out.revoked, err = s.takeBack(ctx, r, routes); err != nil {
			return out, err
		}
	}
	ready, err := s.readiness(ctx, r, routes)
	if err != nil {
		return out, err
	}
	for i, route := range routes {
		s.report(r.ID, Progress{Stage: "issuing", Fraction: float64(i) / float64(len(routes)), Stops: out.issued})
		agents, why, err := ready.of(ctx, s, route)
		if err != nil {
			return out, err
		}
		var stops []casework.IssuedStop
		for _, st := range route.Stops {
			if st.State != "" {
				out.kept++
				continue
			}
			stops = append(stops, casework.IssuedStop{Case: st.Case, Assignment: st.Assignment, Seq: st.Seq, ETA: st.ETA,
				Window: record.Window{From: st.Window.From, To: st.Window.To}, ServiceS: st.ServiceS, Appointment: st.Appointment,
				Refuse: why})
			if next := &stops[len(stops)-1]; why == "" && st.Appointment == "" {
				next.Refuse = ready.elsewhere[st.Case]
			}
		}
		route.Agents = agents
		var refused []casework.RefusedStop
		for n, some := range slices.Collect(slices.Chunk(stops, stopsAtOnce)) {
			answer, err := s.issueStops(ctx, r, route, branch.Profiles, n, some)
			if err != nil {
				return out, fmt.Errorf("issue route %s: %w", route.ID, err)
			}
			out.issued += answer.Issued
			out.fresh += answer.New
			out.changed += answer.Changed
			out.kept += answer.Done
			refused = append(refused, answer.Refused...)
		}
		if err := s.leaveRefused(ctx, r, route.Team, refused); err != nil {
			return out, fmt.Errorf("issue route %s: %w", route.ID, err)
		}
		out.refused += len(refused)
	}
	return out, nil
}

// stopsAtOnce bounds how many stops of a route one command issues: all that a command writes is in
// one page, whose size is limited (sync/journal/README.md, J15).
const stopsAtOnce = 100

// issueStops issues stops of a route, the nth part of them.
func (s *Service) issueStops(ctx context.Context, r Round, route Route, overlays []string, nth int,
	stops []casework.IssuedStop) (answer casework.IssueReceipt, err error) {
	receipt, err := s.opt.Casework.One(ctx, auth.System(), r.Branch, casework.Request{
		ID: s.ask(fmt.Sprintf("route:%d:%s", nth, route.Team), r).Command,
		Cmd: casework.IssueRoute{Round: r.ID, Route: r.ID + "." + route.Team, Team: route.Team, Date: r.Date,
			Agents: route.Agents, Items: route.Items, Recording: route.Recording, Overlays: overlays, Stops: stops}})
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(receipt.Body, &answer); err != nil {
		return answer, fmt.Errorf("read receipt: %w", err)
	}
	return answer, nil
}

// replace ends the round of the same day that was published before: what of it
// was not issued anew is revoked.
func (s *Service) replace(ctx context.Context, r Round) error {
	rounds, err := s.roundsOn(ctx, r.Branch, r.Date)
	if err != nil {
		return err
	}
	for _, old := range rounds {
		if old.ID == r.ID || !old.OnPhones() {
			continue
		}
		if err := s.revoke(ctx, r, old); err != nil {
			return err
		}
		if err := s.change(ctx, r.Branch, s.ask("replace:"+old.ID, r), old.ID, "round.replaced",
			func(_ *journal.Reader, now *Round) error {
				now.Status, now.ReplacedBy = Replaced, r.ID
				return nil
			}); err != nil {
			return err
		}
	}
	return nil
}

// revoke takes back the assignments of an older round that are still open.
func (s *Service) revoke(ctx context.Context, r, old Round) error {
	open, err := s.opt.Casework.OpenAssignments(ctx, r.Branch, old.ID)
	if err != nil {
		return err
	}
	cmds := make([]casework.RevokeAssignments, len(open))
	for i, c := range open {
		cmds[i] = casework.RevokeAssignments{Case: c, Round: old.ID, Reason: "round:replaced"}
	}
	return s.revokeAll(ctx, r, "revoke", cmds)
}

// revokeAll takes assignments of cases back from the phones, under command ids of the round's run and the cause.
func (s *Service) revokeAll(ctx context.Context, r Round, cause string, cmds []casework.RevokeAssignments) error {
	reqs := make([]casework.Request, len(cmds))
	for i, c := range cmds {
		reqs[i] = casework.Request{ID: s.ask(cause+":"+string(c.Case), r).Command, Cmd: c}
	}
	for len(reqs) > 0 {
		n := min(len(reqs), 100)
		receipts, err := s.opt.Casework.Do(ctx, auth.System(), r.Branch, reqs[:n])
		if err != nil {
			return err
		}
		for _, x := range receipts {
			if _, refused := refusal.Of(x.Err); x.Err != nil && !refused {
				return x.Err
			}
		}
		reqs = reqs[n:]
	}
	return nil
}
