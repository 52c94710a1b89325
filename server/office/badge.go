package office

import (
	"context"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// mostOfABadge is how many agents with one badge number are looked at.
const mostOfABadge = 20

// BadgeHolders gives the agents with a badge number who can be sent out: those who are disabled or shut out of all
// their devices are left out. The error is the store's.
func (s *Service) BadgeHolders(ctx context.Context, number string) ([]User, error) {
	if number == "" {
		return nil, nil
	}
	users, err := list[User](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "users", Index: usersByBadge.Name,
		Eq: []any{number}, Limit: mostOfABadge})
	if err != nil {
		return nil, err
	}
	var out []User
	for _, u := range users {
		if len(u.Branches) != 1 || u.unable(u.Branches[0]) != "" {
			continue
		}
		why, err := s.shutOut(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		if why == "" {
			out = append(out, *u)
		}
	}
	return out, nil
}

// WorksOn tells whether an agent has a shift on the local day of their branch at an instant, and is not on leave; on a
// day when the branch is closed no agent works. The error is the store's.
func (s *Service) WorksOn(ctx context.Context, u User, at time.Time) (bool, error) {
	if len(u.Branches) != 1 {
		return false, nil
	}
	b, err := s.Branch(ctx, u.Branches[0])
	if err != nil {
		return false, err
	}
	day := b.day(at)
	if _, closed, err := s.ClosedOn(ctx, b.ID, day); err != nil || closed {
		return false, err
	}
	if away, err := s.onLeave(ctx, u.ID, day); err != nil || away {
		return false, err
	}
	shifts, err := s.Shifts(ctx, b.ID, day)
	if err != nil {
		return false, err
	}
	for _, sh := range shifts {
		who := sh.Agents
		if len(who) == 0 {
			t, err := s.Team(ctx, b.ID, sh.Team)
			if err != nil {
				return false, err
			}
			who = t.Agents
		}
		if slices.Contains(who, u.ID) {
			return true, nil
		}
	}
	return false, nil
}

// BadgeCheck is that somebody asked whether an agent is one of the firm's.
type BadgeCheck struct {
	At time.Time `json:"at"`
	// Right says that the code was one that the agent's phone showed.
	Right bool `json:"right"`
	// Works says that the agent had a shift that day.
	Works bool `json:"works"`
}

// badgeChecks is the state of a document of type "badge_checks", by the agent's id. Nothing is kept of who asked.
type badgeChecks struct {
	Checks []BadgeCheck `json:"checks"` // the newest last
}

// mostBadgeChecks is how many checks of an agent are shown; the journal has all.
const mostBadgeChecks = 100

// NoteBadgeCheck keeps a check.
func (s *Service) NoteBadgeCheck(ctx context.Context, agent auth.UserID, c BadgeCheck) error {
	_, err := apply(ctx, s, Ask{By: auth.System().User}, change[badgeChecks]{branch: auth.OrgBranch, typ: "badge_checks",
		id: string(agent), action: "badge.check",
		decide: func(_ context.Context, _ *journal.Reader, now *badgeChecks) (*badgeChecks, error) {
			next := &badgeChecks{}
			if now != nil {
				next.Checks = now.Checks[max(0, len(now.Checks)-mostBadgeChecks+1):]
			}
			next.Checks = append(slices.Clone(next.Checks), c)
			return next, nil
		}})
	return err
}

// BadgeChecks lists the last checks of an agent, the newest first. The error is the store's.
func (s *Service) BadgeChecks(ctx context.Context, agent auth.UserID) ([]BadgeCheck, error) {
	c, ok, err := load[badgeChecks](ctx, s, auth.OrgBranch, "badge_checks", string(agent))
	if err != nil || !ok {
		return []BadgeCheck{}, err
	}
	slices.Reverse(c.Checks)
	return c.Checks, nil
}
