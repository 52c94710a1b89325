package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

// DefaultReplanS is how long the search for a changed day takes, in seconds: a
// supervisor waits for it.
const DefaultReplanS = 2

// ReplanParams are what a published round is planned anew with.
type ReplanParams struct {
	Without    []string // teams that dropped out, for the rest of the day: others take over what they have left
	Back       []string // teams that had dropped out and go on
	Seed       uint64
	TimeLimitS int // 0: DefaultReplanS
}

// Replan has a published round planned anew from where the day stands: what is
// done or under way stays, new cases and appointments come in, what has become
// unlawful or impossible drops out, and routes change as little as pays. The
// phones are told only of what changed. It answers at once; Run does it. Errors:
// round.not_found, round.state, round.limit, round.branch, round.team,
// round.agents_twice, round.no_agent, round.no_team_left: a day without any team is not planned, it is over.
func (s *Service) Replan(ctx context.Context, ask Ask, id string, p ReplanParams) (Round, error) {
	r, err := s.find(ctx, ask.Actor, id)
	if err != nil {
		return Round{}, err
	}
	if p.TimeLimitS == 0 {
		p.TimeLimitS = DefaultReplanS
	}
	if p.TimeLimitS < 1 || p.TimeLimitS > MaxTimeLimitS {
		return Round{}, refuse(refusal.Invalid, "round.limit", "time_limit_s",
			fmt.Sprintf("the search may take 1 to %d seconds", MaxTimeLimitS))
	}
	_, zone, err := s.branch(ctx, r.Branch)
	if err != nil {
		return Round{}, err
	}
	if err := s.change(ctx, r.Branch, ask, id, "round.replan", func(rd *journal.Reader, now *Round) error {
		if now.Status != Published {
			return refuse(refusal.Conflict, "round.state", "",
				"only a published round can be planned anew; this one is "+now.Status)
		}
		without, err := s.mayReplan(ctx, rd, *now, p, zone)
		if err != nil {
			return err
		}
		now.Status, now.StoppedBy = Replanning, ""
		now.Replan = &Replan{At: rd.At.UTC().Truncate(time.Second), By: ask.Actor.User, Without: without, Seed: p.Seed,
			TimeLimitS: p.TimeLimitS, Was: now.Run, Moves: now.moved(nil)}
		return nil
	}); err != nil {
		return Round{}, err
	}
	s.poke(r.Branch)
	return s.load(ctx, r.Branch, id)
}

// mayReplan refuses to plan a day anew on which nobody could go on, and gives the teams that are out then. The decision
// that asks rests on the answer.
func (s *Service) mayReplan(ctx context.Context, rd *journal.Reader, now Round, p ReplanParams,
	zone *time.Location) (without []string, err error) {
	staff, err := s.staffOf(ctx, rd, now.Date, zone)
	if err != nil {
		return nil, err
	}
	if err := checkOpen(staff.closed); err != nil {
		return nil, err
	}
	if err := staff.checkWork("without", p.Without,
		"has no shift that day, so that it cannot drop out; leave it out here"); err != nil {
		return nil, err
	}
	if without, err = now.stillOut(p); err != nil {
		return nil, err
	}
	if err := staff.checkLeft(now, without, rd.At); err != nil {
		return nil, err
	}
	return without, staff.checkPeople(now.Date, "", now.Teams, without)
}

// stillOut are the teams that are out once a replan is asked for: those that were,
// but for those that are back, and those that drop out now. round.team.
func (r *Round) stillOut(p ReplanParams) ([]string, error) {
	var out []string
	if r.Replan != nil {
		out = slices.Clone(r.Replan.Without)
	}
	for i, team := range p.Back {
		k := slices.Index(out, team)
		if k < 0 {
			return nil, refuse(refusal.Invalid, "round.team", fmt.Sprintf("back[%d]", i),
				"the team has not dropped out of this round; leave it out here")
		}
		out = slices.Delete(out, k, k+1)
	}
	for _, team := range p.Without {
		if !slices.Contains(out, team) {
			out = append(out, team)
		}
	}
	return out, nil
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
// follows. If the rest of the day cannot be planned, the round stays as it was.
func (s *Service) replan(ctx context.Context, r Round) error {
	began := time.Now()
	r.Version++
	day, err := s.lay(ctx, &r)
	if err != nil {
		return err
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
// What a supervisor gave to the team stays, whether or not the plan has time for it.
// It tells how much leaves phones, with what others are issued, which takes it from
// who had it.
func (s *Service) takeBack(ctx context.Context, r Round, routes []Route) (int, error) {
	planned := map[journal.CaseID]string{}
	for _, route := range routes {
		for _, st := range route.Stops {
			planned[st.Case] = st.Assignment
		}
	}
	leftOut, err := all(ctx, s.store, r.Branch, leftOutsByRound, r.ID, func(l LeftOut) bool { return l.Run == r.Run })
	if err != nil {
		return 0, err
	}
	given := map[journal.CaseID]bool{}
	for _, l := range leftOut {
		given[l.Case] = l.Given
	}
	issued, err := s.opt.Casework.RoundAssignments(ctx, r.Branch, r.ID)
	if err != nil {
		return 0, err
	}
	var cmds []casework.RevokeAssignments
	moved := 0
	for i := range issued {
		a := &issued[i]
		as, stays := planned[a.Case]
		switch gone := slices.Contains(r.Replan.Without, a.Team); {
		case !a.Open() || given[a.Case] && !gone:
		case gone || !stays && !a.UnderWay():
			// A team that sets out for the door meanwhile keeps the visit, unless it dropped out.
			cmds = append(cmds, casework.RevokeAssignments{Case: a.Case, Round: r.ID, Reason: "round:replanned",
				SpareUnderWay: !gone})
		case stays && as != a.ID:
			moved++
		}
	}
	return len(cmds) + moved, s.revokeAll(ctx, r, "revoke", cmds)
}
