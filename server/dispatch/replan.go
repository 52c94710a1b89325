package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/sync/journal"
)

// DefaultReplanS is how long the search for a changed day takes, in seconds: a
// supervisor waits for it.
const DefaultReplanS = 2

// ReplanParams are what a published round is planned anew with.
type ReplanParams struct {
	Without    []string // teams that dropped out: others take over what they have left
	Seed       uint64
	TimeLimitS int // 0: DefaultReplanS
}

// Replan has a published round planned anew from where the day stands: what is
// done or under way stays, new cases and appointments come in, what has become
// unlawful or impossible drops out, and routes change as little as pays. The
// phones are told only of what changed. It answers at once; Run does it. Errors:
// round.not_found, round.state, round.limit, round.branch, round.team,
// round.no_team_left: a day without any team is not planned, it is over.
func (s *Service) Replan(ctx context.Context, ask Ask, id string, p ReplanParams) (Round, error) {
	r, err := s.find(ctx, ask.Actor, id)
	if err != nil {
		return Round{}, err
	}
	if p.TimeLimitS == 0 {
		p.TimeLimitS = DefaultReplanS
	}
	if p.TimeLimitS < 1 || p.TimeLimitS > MaxTimeLimitS {
		return Round{}, refuse(Invalid, "round.limit", "time_limit_s", fmt.Sprintf("the search may take 1 to %d seconds", MaxTimeLimitS))
	}
	staff, err := s.staffOf(ctx, r.Branch, r.Date)
	if err != nil {
		return Round{}, err
	}
	if err := s.change(ctx, r.Branch, ask, id, "round.replan", func(rd *journal.Reader, now *Round) error {
		if now.Status != Published {
			return refuse(Conflict, "round.state", "", "only a published round can be planned anew; this one is "+now.Status)
		}
		if err := staff.checkWork("without", p.Without, "has no shift that day, so that it cannot drop out; leave it out here"); err != nil {
			return err
		}
		if err := staff.checkLeft(*now, p.Without, rd.At); err != nil {
			return err
		}
		now.Status = Replanning
		now.Replan = &Replan{At: rd.At.UTC().Truncate(time.Second), By: ask.Actor.User, Without: p.Without, Seed: p.Seed, TimeLimitS: p.TimeLimitS, Was: now.Run}
		return nil
	}); err != nil {
		return Round{}, err
	}
	s.poke()
	return s.load(ctx, r.Branch, id)
}

// limit is how many seconds the search of the present version may take.
func (r *Round) limit() int {
	if r.Replan != nil {
		return r.Replan.TimeLimitS
	}
	return r.TimeLimitS
}

// seed is the present version's.
func (r *Round) seed() uint64 {
	if r.Replan != nil {
		return r.Replan.Seed
	}
	return r.Seed
}

// replan makes the routes of a round's next version and stores them; publishing
// follows. What cannot be planned leaves the round as it was.
func (s *Service) replan(ctx context.Context, r Round) error {
	defer s.forget(r.ID)
	began := time.Now()
	r.Version++
	day, refusal, err := s.lay(ctx, &r)
	switch {
	case err != nil:
		return err
	case refusal != "":
		return s.change(ctx, r.Branch, s.ask("fail", r), r.ID, "round.fail", func(_ *journal.Reader, now *Round) error {
			now.Status, now.Replan.Failure = Published, refusal
			return nil
		})
	}
	return s.change(ctx, r.Branch, s.ask("planned", r), r.ID, "round.plan", func(rd *journal.Reader, now *Round) error {
		if now.Status != Replanning || now.Version != r.Version-1 {
			return nil // another node was first
		}
		now.Status, now.Version = Publishing, r.Version
		now.result(r.Run, day, rd.At, time.Since(began))
		return nil
	})
}

// takeBack revokes what the new version has no room for, unless the team is on its
// way by now, and all that teams which dropped out have left: others are issued it.
func (s *Service) takeBack(ctx context.Context, r Round, routes []Route) (int, error) {
	planned := map[journal.CaseID]bool{}
	for _, route := range routes {
		for _, st := range route.Stops {
			planned[st.Case] = true
		}
	}
	issued, err := s.opt.Casework.RoundAssignments(ctx, r.Branch, r.ID)
	if err != nil {
		return 0, err
	}
	var cases []journal.CaseID
	for i := range issued {
		a := &issued[i]
		gone := slices.Contains(r.Replan.Without, a.Team)
		if a.Open() && (gone || !planned[a.Case] && !a.UnderWay()) {
			cases = append(cases, a.Case)
		}
	}
	return len(cases), s.revokeCases(ctx, r, r.ID, cases, "round:replanned")
}
