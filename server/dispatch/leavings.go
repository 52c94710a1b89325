package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/office"
)

// TakenBack is what became of the open work of an agent whom a branch cannot send out any more, or on some days, or
// of a day on which a branch is closed.
type TakenBack struct {
	Branch  auth.BranchID `json:"branch"`
	Reason  string        `json:"reason"`  // disabled, moved, unknown, on_leave, closed
	Revoked int           `json:"revoked"` // stops that left the phones
	Stayed  int           `json:"stayed"`  // stops that other agents of the team still have
}

// TakeBack takes back the open work of a user whom a branch cannot send out any more, and says what. What it could not
// do because of an error, Run does later.
func (s *Service) TakeBack(ctx context.Context, user auth.UserID) ([]TakenBack, error) {
	return s.takeBackAll(ctx, func(l office.Leaving) bool { return l.User == user })
}

// TakeBackDay takes back the open work of days on which a branch is closed, and says what.
func (s *Service) TakeBackDay(ctx context.Context, b auth.BranchID) ([]TakenBack, error) {
	return s.takeBackAll(ctx, func(l office.Leaving) bool { return l.User == "" && l.Branch == b })
}

// followLeavings takes back what earlier calls, or an earlier process, left undone.
func (s *Service) followLeavings(ctx context.Context) error {
	_, err := s.takeBackAll(ctx, nil)
	return err
}

func (s *Service) takeBackAll(ctx context.Context, want func(office.Leaving) bool) (out []TakenBack, err error) {
	leavings, err := s.opt.Office.Leavings(ctx, want)
	if err != nil {
		return nil, err
	}
	var errs []error // one branch's trouble is not another's
	for _, l := range leavings {
		x, err := s.takeBackOne(ctx, l)
		if err != nil {
			errs = append(errs, fmt.Errorf("take back the work of an agent in %s: %w", l.Branch, err))
			continue
		}
		out = append(out, x)
	}
	return out, errors.Join(errs...)
}

func (s *Service) takeBackOne(ctx context.Context, l office.Leaving) (TakenBack, error) {
	out := TakenBack{Branch: l.Branch, Reason: l.Reason}
	days := casework.Days{From: l.From, To: l.To}
	holds, err := s.stillHolds(ctx, l)
	if err != nil {
		return out, err
	}
	if holds { // else the agent is back, or the branch is open after all
		var done casework.ReleaseReceipt
		cause := strconv.FormatUint(l.N, 10)
		if l.User == "" {
			done, err = s.opt.Casework.RevokeDays(ctx, l.Branch, days, "branch:"+l.Reason, cause)
		} else {
			done, err = s.opt.Casework.ReleaseFrom(ctx, l.Branch, l.User, days, l.Reason, cause)
		}
		if err != nil {
			return out, err
		}
		out.Revoked, out.Stayed = done.Revoked, done.Stayed
		s.log.Info("dispatch: work was taken back from an agent", "branch", l.Branch, "user", l.User, "reason", l.Reason,
			"revoked", done.Revoked, "stayed", done.Stayed)
	}
	return out, s.opt.Office.EndLeaving(ctx, l)
}

// stillHolds tells whether the reason of a leaving stands: it may have been taken back meanwhile.
func (s *Service) stillHolds(ctx context.Context, l office.Leaving) (bool, error) {
	if l.User == "" {
		_, closed, err := s.opt.Office.ClosedOn(ctx, l.Branch, l.From)
		return closed, err
	}
	if l.Reason == office.AgentOnLeave {
		return s.opt.Office.OnLeaveAsOf(ctx, l)
	}
	unable, err := s.opt.Office.Unable(ctx, l.Branch, []auth.UserID{l.User})
	return unable[l.User] != "", err
}
