package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"doorstep/auth"
	"doorstep/server/office"
)

// TakenBack is what became of the open work of an agent whom a branch cannot send out any more.
type TakenBack struct {
	Branch  auth.BranchID `json:"branch"`
	Reason  string        `json:"reason"`  // disabled, moved, unknown
	Revoked int           `json:"revoked"` // stops that left the phones
	Stayed  int           `json:"stayed"`  // stops that other agents of the team still have
}

// TakeBack takes back the open work of a user whom a branch cannot send out any more, and says what. What it could not
// do because of an error, Run does later.
func (s *Service) TakeBack(ctx context.Context, user auth.UserID) ([]TakenBack, error) {
	return s.takeBackAll(ctx, user)
}

// followLeavings takes back what earlier calls, or an earlier process, left undone.
func (s *Service) followLeavings(ctx context.Context) error {
	_, err := s.takeBackAll(ctx, "")
	return err
}

func (s *Service) takeBackAll(ctx context.Context, user auth.UserID) (out []TakenBack, err error) {
	leavings, err := s.opt.Office.Leavings(ctx, user)
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
	unable, err := s.opt.Office.Unable(ctx, l.Branch, []auth.UserID{l.User})
	if err != nil {
		return out, err
	}
	if unable[l.User] != "" { // else the agent is back
		done, err := s.opt.Casework.ReleaseFrom(ctx, l.Branch, l.User, l.Reason, strconv.FormatUint(l.N, 10))
		if err != nil {
			return out, err
		}
		out.Revoked, out.Stayed = done.Revoked, done.Stayed
		s.log.Info("dispatch: work was taken back from an agent", "branch", l.Branch, "user", l.User, "reason", l.Reason,
			"revoked", done.Revoked, "stayed", done.Stayed)
	}
	return out, s.opt.Office.EndLeaving(ctx, l)
}
