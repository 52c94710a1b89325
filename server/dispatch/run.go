package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// maxTries is how often a round's planning or publishing is begun before it is given up. Attempts are
// counted in the header, so that a round that stops the process with it does so no more often.
const maxTries = 5

// lookEvery is how often Run looks at all branches: no poke tells it what another node wrote.
const lookEvery = time.Minute

// How many rounds are at work at the same time, each of another branch.
const (
	issuedAtOnce    = 4
	replannedAtOnce = 8 // their searches are short, and supervisors wait for them
	plannedAtOnce   = 4 // they are read and measured side by side, and searched one after the other
)

// lane is one kind of work on rounds: on those of one status, in its own queue.
type lane struct {
	status string
	work   func(ctx context.Context, r Round) error
	*queue
}

// allLanes are the kinds of work. None waits behind another.
func (s *Service) allLanes() []*lane {
	return []*lane{
		{Publishing, s.issue, newQueue(issuedAtOnce)},
		{Replanning, s.replan, newQueue(replannedAtOnce)},
		{Queued, s.plan, newQueue(plannedAtOnce)},
	}
}

// finished is a round at which Run has worked once.
type finished struct {
	lane   *lane
	branch auth.BranchID
	round  string
	err    error
}

// Run plans and publishes what is asked for until the context ends, beginning with what an
// earlier process left undone, and ends each branch's day at its midnight. Publishing,
// planning anew and planning have queues of their own, in which branches take turns, so that
// no search keeps another branch's round from its phones. A round that fails waits before
// it is tried again, and is given up after maxTries attempts.
func (s *Service) Run(ctx context.Context) error {
	var background sync.WaitGroup
	defer background.Wait()
	background.Go(func() { s.tidyUntil(ctx) })
	lanes, done, running := s.lanes(), make(chan finished), 0
	var nextLook time.Time
	for {
		now := time.Now()
		if !now.Before(nextLook) {
			nextLook = now.Add(lookEvery)
			if err := s.pokeAll(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("dispatch: will look again", "err", err)
				nextLook = now.Add(firstPause)
			}
		}
		for _, b := range s.poked() {
			if err := s.look(ctx, b, lanes); err != nil && ctx.Err() == nil {
				s.log.Warn("dispatch: will look again", "branch", b, "err", err)
				nextLook = now.Add(firstPause)
			}
		}
		pause := nextLook.Sub(now)
		for _, l := range lanes {
			for ctx.Err() == nil {
				b, id, ok := l.next(now)
				if !ok {
					break
				}
				running++
				go func() { done <- finished{l, b, id, s.attend(ctx, l, b, id)} }()
			}
			pause = l.pause(now, pause)
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			for ; running > 0; running-- {
				<-done
			}
			wait.Stop()
			return nil
		case f := <-done:
			running--
			s.end(ctx, f)
		case <-s.wake:
		case <-wait.C:
		}
		wait.Stop()
	}
}

// end notes that a round is not at work any more.
func (s *Service) end(ctx context.Context, f finished) {
	if f.err != nil && !errors.Is(f.err, errElsewhere) && ctx.Err() == nil {
		s.log.Warn("dispatch: will try again", "branch", f.branch, "round", f.round, "status", f.lane.status, "err", f.err)
	}
	f.lane.done(f.branch, f.round, f.err != nil, time.Now())
	s.poke(f.branch)
}

// look finds what waits in one branch.
func (s *Service) look(ctx context.Context, b auth.BranchID, lanes []*lane) error {
	for _, l := range lanes {
		var ids []string
		q := journal.Query{Branch: b, Type: "rounds", Index: roundsByStatus.Name, Eq: []any{l.status}, Limit: 100}
		for {
			f, err := s.store.Find(ctx, q)
			if err != nil {
				return err
			}
			for _, rec := range f.Records {
				ids = append(ids, rec.ID)
			}
			if q.After = f.Next; q.After == "" {
				break
			}
		}
		l.set(b, ids)
	}
	return nil
}

// work does everything that waits, one after the other, and tells whether it found anything.
func (s *Service) work(ctx context.Context) (found bool, err error) {
	errs := []error{s.endDays(ctx), s.pokeAll(ctx)}
	lanes := s.lanes()
	for _, b := range s.poked() {
		errs = append(errs, s.look(ctx, b, lanes))
	}
	for _, l := range lanes {
		for {
			b, id, ok := l.next(time.Now())
			if !ok {
				break
			}
			err := s.attend(ctx, l, b, id)
			found = true
			errs = append(errs, err)
			l.done(b, id, err != nil, time.Now())
			errs = append(errs, s.look(ctx, b, []*lane{l}))
		}
	}
	return found, errors.Join(errs...)
}

// attend does the work of a lane on a round once. An error means that it may be tried again;
// what can never be, and what failed too often, is recorded in the round instead.
func (s *Service) attend(ctx context.Context, l *lane, b auth.BranchID, id string) error {
	if s.opt.Shared {
		release, err := s.claims.hold(ctx, b, id)
		if err != nil {
			return err
		}
		defer release()
	}
	r, err := s.begin(ctx, l.status, b, id)
	if err != nil || r.Status != l.status {
		return err
	}
	defer s.forget(id)
	if r.Tries > maxTries {
		return s.giveUp(ctx, r, errGaveUp())
	}
	err = l.work(ctx, r)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if e, ok := refusal.Of(err); ok {
		return s.giveUp(ctx, r, e)
	}
	if r.Tries >= maxTries {
		s.log.Warn("dispatch: gives a round up", "branch", b, "round", id, "status", l.status, "err", err)
		return s.giveUp(ctx, r, errGaveUp())
	}
	return err
}

// errGaveUp is why a round failed whose every attempt broke off. What broke it is for the log: it
// may tell of addresses and machines.
func errGaveUp() *refusal.Error {
	return refuse(refusal.Conflict, "round.gave_up", "", fmt.Sprintf(
		"it was tried %d times and broke off each time; the log of the server says why. Ask again once that is mended",
		maxTries))
}

// begin counts an attempt at a round before it is made, and gives the round as it is then.
// Its status is another one if there is nothing left to do.
func (s *Service) begin(ctx context.Context, status string, b auth.BranchID, id string) (Round, error) {
	r, err := s.load(ctx, b, id)
	if err != nil || r.Status != status {
		return r, err
	}
	ask := Ask{Actor: auth.System(), Command: "round:" + id + ":begin:" + journal.NewID()}
	err = s.change(ctx, b, ask, id, "round.begin", func(_ *journal.Reader, now *Round) error {
		if now.Status == status {
			now.Tries++
		}
		r = *now
		return nil
	})
	return r, err
}

// giveUp records why a round could not be planned or published. A round that was to be planned has
// failed; one that was to be published can be published again, and what phones have stays.
func (s *Service) giveUp(ctx context.Context, r Round, why *refusal.Error) error {
	s.log.Warn("dispatch: a round cannot go on", "round", r.ID, "status", r.Status, "version", r.Version,
		"code", why.Code(), "err", why)
	ask := Ask{Actor: auth.System(), Command: "round:" + r.ID + ":fail:" + journal.NewID()}
	return s.change(ctx, r.Branch, ask, r.ID, "round.fail", func(_ *journal.Reader, now *Round) error {
		if now.Status != r.Status {
			return nil // another node was first
		}
		now.fail(why)
		return nil
	})
}

// fail is what becomes of a round whose present work cannot be done.
func (r *Round) fail(why *refusal.Error) {
	code, text := why.Code(), why.Msg
	r.Tries = 0
	switch {
	case r.Status == Replanning || r.Status == Publishing && r.Replan != nil:
		r.Status, r.Replan.Failure, r.Replan.FailureText = Published, code, text
	case r.Status == Publishing:
		r.Status, r.Failure, r.FailureText = Planned, code, text
	default:
		r.Status, r.Failure, r.FailureText = Failed, code, text
	}
}

// plan makes a round's routes and stores them. A *refusal.Error says why the day cannot be
// planned or kept; after any other error planning may be tried again.
func (s *Service) plan(ctx context.Context, r Round) error {
	began := time.Now()
	day, err := s.lay(ctx, &r)
	if err != nil {
		return err
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

// lay plans a day under a run of its own and stores its routes.
func (s *Service) lay(ctx context.Context, r *Round) (*day, error) {
	r.Run = journal.NewID()
	day, err := s.planDay(ctx, *r)
	if err != nil {
		return nil, err
	}
	s.report(r.ID, Progress{Stage: "writing"})
	return day, s.storeDay(ctx, *r, day)
}

// result puts what came out of a run into the header.
func (r *Round) result(run string, d *day, at time.Time, took time.Duration) {
	r.Tries, r.Failure, r.FailureText = 0, "", ""
	r.Run, r.PlannedAt, r.TookMs = run, at.Truncate(time.Second), took.Milliseconds()
	r.Cases, r.Routes, r.Stops, r.LeftOut = d.cases, len(d.routes), d.stops(), len(d.leftOut)
	r.Cost, r.Travel, r.TravelNote, r.Policy = &d.cost, d.travel, d.travelNote, d.policy
}

// docID names a document of the round's present version: a route by its team, a left-out case by its id.
func (r *Round) docID(of string) string {
	if r.Version == 0 {
		return r.ID + "." + of
	}
	if r.Replan != nil && r.Replan.Proposal != "" {
		// Proposals for one version are made side by side, and beside what is in force.
		return fmt.Sprintf("%s.%s.v%d.%s", r.ID, of, r.Version, r.Replan.Proposal)
	}
	return fmt.Sprintf("%s.%s.v%d", r.ID, of, r.Version)
}

// ask is what the service itself asks with: the same run has one effect. A command id that would
// be too long, since the ids of a case and its lender are, ends in a hash.
func (s *Service) ask(what string, r Round) Ask {
	id := "round:" + r.ID + ":" + r.Run + ":" + what
	if len(id) > journal.MaxCommandBytes {
		id = "round:" + r.ID + ":" + journal.DerivedID("x", r.Run, what)
	}
	return Ask{Actor: auth.System(), Command: id}
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
		parts, err := d.routes[i].parts()
		if err != nil {
			return err
		}
		for _, p := range parts {
			docs = append(docs, doc{"routes", p.ID, p})
		}
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
