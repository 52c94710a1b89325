package attachments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// sweepEvery is how often Run sweeps.
const sweepEvery = time.Hour

// Run sweeps at once and then every hour, until the context ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.opt.Log.Warn("uploads wait to be swept", "err", err)
		}
		if journal.Sleep(ctx, sweepEvery) != nil {
			return nil
		}
	}
}

// Sweep ends uploads whose bytes are all there, discards those that no byte came for in Limits.Keep, those of erased
// debtors and those whose case was taken back, forgets those that were stored as long ago, and removes the stored bytes
// of erased debtors. Several nodes may do it at the same time. What fails does not stop the rest; the error is about
// all that was left.
func (s *Service) Sweep(ctx context.Context) error {
	errs := []error{s.sweepOpen(ctx), s.sweepDays(ctx), s.sweepStored(ctx)}
	branches, err := s.opt.Smalls.Branches(ctx)
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("sweep uploads: %w", err))...)
	}
	for _, b := range branches {
		errs = append(errs, s.opt.Records.ErasedBlobs(ctx, b, func(blob string) error {
			return s.opt.Frames.DropFrames(ctx, blob)
		}))
	}
	return errors.Join(errs...)
}

// each calls fn for the small documents of a kind.
func (s *Service) each(ctx context.Context, kind string, fn func(d journal.SmallDoc) error) error {
	after := ""
	var errs []error
	for {
		ids, err := s.opt.Smalls.ListSmall(ctx, kind, "", after, 200)
		if err != nil || len(ids) == 0 {
			return errors.Join(append(errs, err)...)
		}
		docs, err := s.opt.Smalls.Smalls(ctx, kind, ids)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, d := range docs {
			if d.Body == nil {
				continue // gone since
			}
			if err := fn(d); err != nil {
				errs = append(errs, err)
			}
		}
		after = ids[len(ids)-1]
	}
}

func (s *Service) sweepOpen(ctx context.Context) error {
	now := s.now()
	return s.each(ctx, openKind, func(d journal.SmallDoc) error {
		u, err := s.open(ctx, d.Body, d.Version)
		if errors.Is(err, seal.ErrErased) || err == nil && now.Sub(u.At) > s.opt.Limits.Keep {
			return s.discard(ctx, u)
		}
		if err != nil {
			return err
		}
		var no *refusal.Error
		if err := s.stillOpen(ctx, u); errors.As(err, &no) {
			return nil // it was discarded
		} else if err != nil {
			return err
		}
		offset, err := s.offset(ctx, u)
		if err != nil || offset < u.Length {
			return err
		}
		err = s.finish(ctx, string(u.Agent), u.Attachment)
		var wait *refusal.Error // upload.busy only asks to wait
		if errors.As(err, &wait) || isFinal(err) || errors.Is(err, seal.ErrErased) {
			return nil // it was discarded, another request ends it, or its case is on its way
		}
		return err
	})
}

// sweepStored forgets uploads that were stored longer than Limits.Keep ago. A phone that asks even later uploads again,
// and hears at the end that the attachment is stored.
func (s *Service) sweepStored(ctx context.Context) error {
	before := s.now().Add(-s.opt.Limits.Keep)
	return s.each(ctx, storedKind, func(d journal.SmallDoc) error {
		var u upload
		if err := json.Unmarshal(d.Body, &u); err != nil {
			return fmt.Errorf("read a stored upload: %w", err)
		}
		if !u.At.Before(before) {
			return nil
		}
		err := s.opt.Smalls.DeleteSmall(ctx, storedKind, d.ID, d.Version)
		if errors.Is(err, journal.ErrRaced) || errors.Is(err, journal.ErrNotFound) {
			return nil
		}
		return err
	})
}

// sweepDays forgets what agents uploaded on days that are over.
func (s *Service) sweepDays(ctx context.Context) error {
	before := s.now().AddDate(0, 0, -2).Format(time.DateOnly)
	return s.each(ctx, dayKind, func(d journal.SmallDoc) error {
		if day := d.ID[strings.LastIndexByte(d.ID, '/')+1:]; day >= before {
			return nil
		}
		err := s.opt.Smalls.DeleteSmall(ctx, dayKind, d.ID, d.Version)
		if errors.Is(err, journal.ErrRaced) || errors.Is(err, journal.ErrNotFound) {
			return nil
		}
		return err
	})
}
