package attachments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// begun is what was begun to be uploaded on a day: by an agent, or of a kind of a case.
type begun struct {
	Uploads int   `json:"uploads"`
	Bytes   int64 `json:"bytes"`
}

// count adds an upload to its agent's day and to its case's. upload.too_many, upload.too_many_of_case: it was added to
// neither.
func (s *Service) count(ctx context.Context, u *upload) error {
	day := s.now().Format(time.DateOnly)
	agent, of := string(u.Agent)+"/"+day, "case:"+string(u.Case)+"/"+u.Kind+"/"+day
	l := s.opt.Limits
	kind := l.Kinds[u.Kind]
	err := s.add(ctx, agent, begun{1, u.Length}, begun{l.Uploads, l.Bytes}, s.tomorrow("upload.too_many",
		"an agent begins at most %d uploads and %d bytes a day (UTC); go on tomorrow", l.Uploads, l.Bytes))
	if err != nil {
		return err
	}
	err = s.add(ctx, of, begun{1, u.Length}, begun{Uploads: kind.CaseDay}, s.tomorrow("upload.too_many_of_case",
		"a case has at most %d new attachments of the kind %s a day (UTC); go on tomorrow", kind.CaseDay, u.Kind))
	if _, refused := refusal.Of(err); refused {
		return errors.Join(err, s.add(ctx, agent, begun{-1, -u.Length}, begun{}, nil))
	}
	return err
}

// tomorrow refuses what would be too much today.
func (s *Service) tomorrow(code, format string, args ...any) *refusal.Error {
	e := refuse(refusal.TooMany, code, "", format, args...)
	now := s.now()
	e.RetryAfter = now.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
	return e
}

// add adds to a day, or answers with no where that is more than most. A most of 0 bytes bounds none, and a nil no
// bounds nothing.
func (s *Service) add(ctx context.Context, id string, more, most begun, no *refusal.Error) error {
	for range 10 {
		var day begun
		body, version, err := s.opt.Smalls.Small(ctx, dayKind, id)
		if err == nil {
			err = json.Unmarshal(body, &day)
		}
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return fmt.Errorf("read what was uploaded on a day: %w", err)
		}
		day.Uploads, day.Bytes = day.Uploads+more.Uploads, day.Bytes+more.Bytes
		if no != nil && (day.Uploads > most.Uploads || most.Bytes > 0 && day.Bytes > most.Bytes) {
			return no
		}
		if body, err = json.Marshal(day); err != nil {
			return err
		}
		if err := s.opt.Smalls.SwapSmall(ctx, dayKind, id, version, body); !errors.Is(err, journal.ErrRaced) {
			return err
		}
	}
	return busy()
}
