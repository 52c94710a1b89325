package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

// Cancel calls a round off. One that is not published is over at once, also while it is planned. One that is published
// leaves the phones: open stops are revoked, what was done stays. Cancelling again is the same, and completes what an
// earlier call left undone. Another round of the day can be planned then. Errors: round.not_found, round.branch,
// round.past, round.state for a round that is being issued, has failed or was replaced.
func (s *Service) Cancel(ctx context.Context, ask Ask, id string) (Round, error) {
	r, err := s.find(ctx, ask.Actor, id)
	if err != nil {
		return Round{}, err
	}
	_, zone, err := s.branch(ctx, r.Branch)
	if err != nil {
		return Round{}, err
	}
	if err := s.change(ctx, r.Branch, ask, id, "round.cancel", func(rd *journal.Reader, now *Round) error {
		switch now.Status {
		case Cancelling, Cancelled:
			return nil
		case Queued, Planned:
			now.Status = Cancelled
		case Published, Replanning:
			if err := checkToCome(now.Date, rd.At, zone); err != nil {
				return err
			}
			now.Status = Cancelling
		default:
			return refuse(refusal.Conflict, "round.state", "", "a round that is "+now.Status+" cannot be cancelled")
		}
		now.CancelledBy = ask.Actor.User
		return nil
	}); err != nil {
		return Round{}, err
	}
	if r, err = s.load(ctx, r.Branch, id); err != nil || r.Status != Cancelling {
		return r, err
	}
	if err := s.unpublish(ctx, r); err != nil {
		return Round{}, err
	}
	return s.load(ctx, r.Branch, id)
}

// unpublish takes the open stops of a round that is being cancelled off the phones. All of it may be repeated.
func (s *Service) unpublish(ctx context.Context, r Round) error {
	open, err := s.opt.Casework.OpenAssignments(ctx, r.Branch, r.ID)
	if err != nil {
		return err
	}
	cmds := make([]casework.RevokeAssignments, len(open))
	for i, c := range open {
		cmds[i] = casework.RevokeAssignments{Case: c, Round: r.ID, Reason: "round:cancelled"}
	}
	if err := s.revokeAll(ctx, r, "cancel", cmds); err != nil {
		return err
	}
	return s.change(ctx, r.Branch, s.ask("cancelled", r), r.ID, "round.cancelled", func(_ *journal.Reader,
		now *Round) error {
		if now.Status == Cancelling {
			now.Status = Cancelled
		}
		return nil
	})
}

// finishCancels completes what an earlier process left undone.
func (s *Service) finishCancels(ctx context.Context) error {
	branches, err := s.store.Branches(ctx)
	if err != nil {
		return err
	}
	var errs []error // one branch's trouble is not another's
	for _, b := range branches {
		if b == auth.OrgBranch {
			continue
		}
		f, err := s.store.Find(ctx, journal.Query{Branch: b, Type: "rounds", Index: roundsByStatus.Name,
			Eq: []any{Cancelling}})
		errs = append(errs, err)
		for _, rec := range f.Records {
			var r Round
			if err := json.Unmarshal(rec.Body, &r); err != nil {
				errs = append(errs, fmt.Errorf("read round %s: %w", rec.ID, err))
				continue
			}
			errs = append(errs, s.unpublish(ctx, r))
		}
	}
	return errors.Join(errs...)
}
