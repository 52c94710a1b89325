package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// retryAfter is how long Run waits after trouble with the store.
const retryAfter = 5 * time.Second

// Run plans and publishes what is asked for until the context ends, beginning
// with what an earlier process left undone, and ends each branch's day at its midnight. One round at a time:
// planning takes
// all the cores it is given.
func (s *Service) Run(ctx context.Context) error {
	for {
		again, err := s.work(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.log.Warn("dispatch: will try again", "err", err)
		}
		if again {
			continue
		}
		wait := time.NewTimer(time.Minute)
		if err != nil {
			wait.Reset(retryAfter)
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-wait.C:
		}
		wait.Stop()
	}
}

// work does everything that waits, and tells whether it found anything.
// One branch's trouble does not keep it from the others.
func (s *Service) work(ctx context.Context) (found bool, err error) {
	errs := []error{s.endDays(ctx)}
	branches, err := s.store.Branches(ctx)
	if err != nil {
		return false, errors.Join(append(errs, err)...)
	}
	for _, b := range branches {
		if b == auth.OrgBranch {
			continue
		}
		some, err := s.workAt(ctx, b)
		found = found || some
		errs = append(errs, err)
	}
	return found, errors.Join(errs...)
}

// workAt does what waits in one branch.
func (s *Service) workAt(ctx context.Context, b auth.BranchID) (found bool, err error) {
	for _, status := range []string{Publishing, Replanning, Queued} {
		f, err := s.store.Find(ctx, journal.Query{Branch: b, Type: "rounds", Index: roundsByStatus.Name,
			Eq: []any{status}, Limit: 20})
		if err != nil {
			return found, err
		}
		for _, rec := range f.Records {
			var r Round
			if err := json.Unmarshal(rec.Body, &r); err != nil {
				return found, fmt.Errorf("read round %s: %w", rec.ID, err)
			}
			switch status {
			case Queued:
				err = s.plan(ctx, r)
			case Replanning:
				err = s.replan(ctx, r)
			default:
				err = s.issue(ctx, r)
			}
			if err != nil {
				return found, fmt.Errorf("%s round %s: %w", status, r.ID, err)
			}
			found = true
		}
	}
	return found, nil
}

// plan makes a round's routes and stores them. If the day cannot be planned, the
// round fails with the reason. An error means that planning may be tried again.
func (s *Service) plan(ctx context.Context, r Round) error {
	defer s.forget(r.ID)
	began := time.Now()
	day, refusal, err := s.lay(ctx, &r)
	switch {
	case err != nil:
		return err
	case refusal != "":
		return s.change(ctx, r.Branch, s.ask("fail", r), r.ID, "round.fail", func(_ *journal.Reader, now *Round) error {
			if now.Status != Queued {
				return nil // it was cancelled meanwhile
			}
			now.Status, now.Failure = Failed, refusal
			return nil
		})
	}
	return s.change(ctx, r.Branch, s.ask("planned", r), r.ID, "round.plan", func(rd *journal.Reader, now *Round) error {
		if now.Status != Queued {
			return nil // another node was first
		}
		now.Status = Planned
		now.result(r.Run, day, rd.At, time.Since(began))
		return nil
	})
}

// lay plans a day under a run of its own and stores its routes, or gives the code
// of why it cannot be planned.
func (s *Service) lay(ctx context.Context, r *Round) (_ *day, refusal string, err error) {
	r.Run = journal.NewID()
	day, err := s.planDay(ctx, *r)
	var refused interface {
		error
		Code() string
	}
	if errors.As(err, &refused) {
		s.log.Warn("dispatch: a round cannot be planned", "round", r.ID, "version", r.Version, "code", refused.Code(), "err",
			err)
		return nil, refused.Code(), nil
	}
	if err != nil {
		return nil, "", err
	}
	s.report(r.ID, Progress{Stage: "writing"})
	return day, "", s.storeDay(ctx, *r, day)
}

// result puts what came out of a run into the header.
func (r *Round) result(run string, d *day, at time.Time, took time.Duration) {
	r.Run, r.PlannedAt, r.TookMs = run, at.Truncate(time.Second), took.Milliseconds()
	r.Cases, r.Routes, r.Stops, r.LeftOut = d.cases, len(d.routes), d.stops(), len(d.leftOut)
	r.Cost, r.Travel, r.TravelNote, r.Policy = &d.cost, d.travel, d.travelNote, d.policy
}

// docID names a document of the round's present version: a route by its team, a left-out case by its id.
func (r *Round) docID(of string) string {
	if r.Version == 0 {
		return r.ID + "." + of
	}
	return fmt.Sprintf("%s.%s.v%d", r.ID, of, r.Version)
}

// ask is what the service itself asks with: the same run has one effect.
func (s *Service) ask(what string, r Round) Ask {
	return Ask{Actor: auth.System(), Command: "round:" + r.ID + ":" + r.Run + ":" + what}
}

// documentsAtOnce bounds how many documents one command writes: a command's documents are all
// in one page, whose size is limited (sync/journal/README.md, J15).
const documentsAtOnce = 400

// storeDay writes routes and left-out cases under the run. They count once the header names the run.
func (s *Service) storeDay(ctx context.Context, r Round, d *day) error {
	type doc struct {
		typ, id string
		state   any
	}
	var docs []doc
	for i := range d.routes {
		docs = append(docs, doc{"routes", d.routes[i].ID, &d.routes[i]})
	}
	for i := range d.leftOut {
		docs = append(docs, doc{"leftouts", r.docID(string(d.leftOut[i].Case)), &d.leftOut[i]})
	}
	for n := 0; len(docs) > 0; n++ {
		var chunk []doc
		size := 0
		for len(docs) > 0 && len(chunk) < documentsAtOnce && size < journal.MaxEntryBytes*3/4 {
			state, err := json.Marshal(docs[0].state)
			if err != nil {
				return err
			}
			docs[0].state = json.RawMessage(state)
			size += len(state) + 100
			chunk = append(chunk, docs[0])
			docs = docs[1:]
		}
		if _, err := s.do(ctx, r.Branch, s.ask(fmt.Sprintf("part:%d", n), r), func(ctx context.Context,
			rd *journal.Reader) (journal.Draft, error) {
			refs := make([]journal.DocRef, len(chunk))
			for i, c := range chunk {
				refs[i] = journal.DocRef{Type: c.typ, ID: c.id}
			}
			if _, err := rd.Docs(ctx, refs...); err != nil {
				return journal.Draft{}, err
			}
			out := journal.Draft{Action: "round.part"}
			for _, c := range chunk {
				out.Put(c.typ, c.id, c.state.(json.RawMessage))
			}
			return out, nil
		}); err != nil {
			return err
		}
	}
	return nil
}
