package casework

import (
	"context"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// After a restore of a backup phones send again what was acknowledged and is lost (sync/README.md, P8). Such a mutation
// comes late through no fault of the phone: it is judged by when it was written.

// offeredAgain is how long after a restore phones may send again what was acknowledged before.
const offeredAgain = 30 * 24 * time.Hour

// lostSpan is a time in which what was written may have been acknowledged and lost.
type lostSpan struct {
	from, to time.Time // to is the restore
}

// lostSpans gives those of a branch, in order. They change only while no server runs.
func (s *Service) lostSpans(ctx context.Context, b auth.BranchID) ([]lostSpan, error) {
	if known, ok := s.lost.Load(b); ok {
		return known.([]lostSpan), nil
	}
	restores, err := journal.Restores(ctx, s.store, b)
	if err != nil {
		return nil, err
	}
	var out []lostSpan
	for _, r := range restores {
		out = append(out, spanOf(r.Restore))
	}
	s.lost.Store(b, out)
	return out, nil
}

// spanOf is when a mutation may have been written that a restore lost: it was acknowledged after the backup, up to
// record.LateWindow after it was written.
func spanOf(r journal.Restore) lostSpan {
	from := r.BackupAt
	// A backup that was made after it was restored tells of two clocks.
	if from.IsZero() || from.After(r.At) || r.At.Sub(from) > offeredAgain { // phones keep nothing older
		from = r.At.Add(-offeredAgain)
	}
	return lostSpan{from.Add(-record.LateWindow), r.At}
}

// isOfferedAgain tells whether what was written at a time, by the server's clock, and is received at another may
// have been acknowledged and lost.
func isOfferedAgain(spans []lostSpan, written, received time.Time) bool {
	for _, s := range spans {
		if !written.Before(s.from) && !written.After(s.to) && !received.Before(s.to) &&
			received.Sub(s.to) <= offeredAgain {
			return true
		}
	}
	return false
}

// waitedSince is from when on a mutation waits for those it requires: since it was written, or since the last restore,
// which may have taken them away.
func waitedSince(spans []lostSpan, written time.Time) time.Time {
	for _, s := range spans {
		if s.to.After(written) {
			written = s.to
		}
	}
	return written
}
