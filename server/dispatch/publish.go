package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

// Publish has a planned round issued to the agents' phones. It answers at once;
// Run does it. Publishing again is the same. Errors: round.not_found,
// round.state for a round that is not planned.
func (s *Service) Publish(ctx context.Context, ask Ask, id string) (Round, error) {
	r, err := s.find(ctx, ask.Actor, id)
	if err != nil {
		return Round{}, err
	}
	if err := s.change(ctx, r.Branch, ask, id, "round.publish", func(_ *journal.Reader, now *Round) error {
		switch now.Status {
		case Planned:
			now.Status, now.PublishedBy = Publishing, ask.Actor.User
		case Publishing, Published:
		default:
			return refuse(Conflict, "round.state", "", "only a planned round can be published; this one is "+now.Status)
		}
		return nil
	}); err != nil {
		return Round{}, err
	}
	s.poke()
	return s.load(ctx, r.Branch, id)
}

// issue publishes: one command per route, then the header. All of it may be repeated after a crash.
func (s *Service) issue(ctx context.Context, r Round) error {
	defer s.forget(r.ID)
	issued, refused, err := s.issueRoutes(ctx, r)
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
	return s.change(ctx, r.Branch, s.ask("published", r), r.ID, "round.published", func(rd *journal.Reader, now *Round) error {
		if now.Status == Publishing {
			now.Status, now.PublishedAt, now.Issued, now.Refused = Published, rd.At.Truncate(time.Second), issued, refused
		}
		return nil
	})
}

// issueRoutes issues the routes one by one and counts the stops that went out and those that were refused.
func (s *Service) issueRoutes(ctx context.Context, r Round) (issued, refused int, err error) {
	routes, err := s.routes(ctx, r)
	if err != nil {
		return 0, 0, err
	}
	for i, route := range routes {
		s.report(r.ID, Progress{Stage: "issuing", Fraction: float64(i) / float64(len(routes)), Stops: issued})
		stops := make([]casework.IssuedStop, len(route.Stops))
		for k, st := range route.Stops {
			stops[k] = casework.IssuedStop{Case: st.Case, Assignment: st.Assignment, Seq: st.Seq, ETA: st.ETA,
				Window: casework.Window{From: st.Window.From, To: st.Window.To}, ServiceS: st.ServiceS}
		}
		receipt, err := s.opt.Casework.One(ctx, auth.System(), r.Branch, casework.Request{ID: s.ask("route:"+route.Team, r).Command,
			Cmd: casework.IssueRoute{Round: r.ID, Route: route.ID, Team: route.Team, Date: r.Date, Agents: route.Agents, Items: route.Items,
				Recording: route.Recording, Stops: stops}})
		if err != nil {
			return 0, 0, fmt.Errorf("issue route %s: %w", route.ID, err)
		}
		var answer casework.IssueReceipt
		if err := json.Unmarshal(receipt.Body, &answer); err != nil {
			return 0, 0, fmt.Errorf("issue route %s: read receipt: %w", route.ID, err)
		}
		issued += answer.Issued
		refused += len(answer.Refused)
	}
	return issued, refused, nil
}

// replace ends the round of the same day that was published before: what of it
// was not issued anew is revoked.
func (s *Service) replace(ctx context.Context, r Round) error {
	q := journal.Query{Branch: r.Branch, Type: "rounds", Index: roundsByDate.Name, Eq: []any{r.Date}}
	for {
		f, err := s.store.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, rec := range f.Records {
			var old Round
			if err := json.Unmarshal(rec.Body, &old); err != nil {
				return fmt.Errorf("read round %s: %w", rec.ID, err)
			}
			if old.ID == r.ID || old.Status != Published {
				continue
			}
			if err := s.revoke(ctx, r, old); err != nil {
				return err
			}
			if err := s.change(ctx, r.Branch, s.ask("replace:"+old.ID, r), old.ID, "round.replaced", func(_ *journal.Reader, now *Round) error {
				now.Status, now.ReplacedBy = Replaced, r.ID
				return nil
			}); err != nil {
				return err
			}
		}
		if f.Next == "" {
			return nil
		}
		q.After = f.Next
	}
}

// revoke takes back the assignments of an older round that are still open.
func (s *Service) revoke(ctx context.Context, r, old Round) error {
	open, err := s.opt.Casework.OpenAssignments(ctx, r.Branch, old.ID)
	if err != nil {
		return err
	}
	var reqs []casework.Request
	for _, c := range open {
		reqs = append(reqs, casework.Request{ID: s.ask("revoke:"+string(c), r).Command, Cmd: casework.RevokeAssignments{Case: c, Round: old.ID, Reason: "round:replaced"}})
	}
	for len(reqs) > 0 {
		n := min(len(reqs), 100)
		receipts, err := s.opt.Casework.Do(ctx, auth.System(), r.Branch, reqs[:n])
		if err != nil {
			return err
		}
		for _, x := range receipts {
			var e *casework.Error
			if x.Err != nil && !errors.As(x.Err, &e) {
				return x.Err
			}
		}
		reqs = reqs[n:]
	}
	return nil
}
