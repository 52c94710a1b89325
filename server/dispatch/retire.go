package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// tidyUntil ends the days of all branches at their midnights, and takes back what agents who have left
// still had, until the context ends.
func (s *Service) tidyUntil(ctx context.Context) {
	for {
		wait := lookEvery
		if err := s.endDays(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("dispatch: will try again to end days and take back work", "err", err)
			wait = firstPause
		}
		if journal.Sleep(ctx, wait) != nil {
			return
		}
	}
}

// endDays takes the tasks of days that are over off the phones of each branch,
// once a day, at its local midnight or when the process starts after it, and old drafts with them. A phone
// shows today's tasks and those to come, whether or not a new round was published. It also
// takes back, each time, what agents who left and rounds that were cancelled still have on phones.
func (s *Service) endDays(ctx context.Context) error {
	branches, err := s.opt.Office.Branches(ctx)
	if err != nil {
		return err
	}
	// What earlier calls left undone; one branch's trouble is not another's.
	errs := []error{s.followLeavings(ctx), s.finishCancels(ctx)}
	for _, b := range branches {
		today, err := s.today(ctx, b.ID)
		if err == nil && s.ended[b.ID] != today {
			if err = s.retire(ctx, b.ID, today, "day:"+today); err == nil {
				err = s.sweepDrafts(ctx, b.ID)
			}
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.ended[b.ID] = today
	}
	return errors.Join(errs...)
}

// retire takes the tasks of dates before one off the phones of a branch.
func (s *Service) retire(ctx context.Context, b auth.BranchID, date, command string) error {
	n, err := s.opt.Casework.RetireBefore(ctx, b, date, command)
	if err != nil {
		return fmt.Errorf("end the days before %s in %s: %w", date, b, err)
	}
	if n > 0 {
		s.log.Info("dispatch: tasks of earlier days left the phones", "branch", b, "before", date, "cases", n)
	}
	return nil
}

// sweepDrafts deletes what agents of a branch began and did not touch for long.
func (s *Service) sweepDrafts(ctx context.Context, b auth.BranchID) error {
	n, err := s.opt.Casework.SweepDrafts(ctx, b)
	if err != nil {
		return fmt.Errorf("sweep the drafts of %s: %w", b, err)
	}
	if n > 0 {
		s.log.Info("dispatch: drafts that were not changed for long were deleted", "branch", b, "drafts", n)
	}
	return nil
}

// today is the local date of a branch.
func (s *Service) today(ctx context.Context, b auth.BranchID) (string, error) {
	_, zone, err := s.branch(ctx, b)
	if err != nil {
		return "", err
	}
	return s.opt.Journal.Now().In(zone).Format(time.DateOnly), nil
}
