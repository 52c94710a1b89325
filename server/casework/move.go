package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// A debtor moves to another branch whole: with all cases, with all debtors who are linked,
// and with all that belongs to them. Two journals cannot be written at once, so a move is a
// row of steps, each of which may be taken again by whoever finds it undone (FinishMoves):
//
//  1. The old branch says leaving: the cases get the status moved, their assignments are
//     taken back, and nothing about them is decided there any more.
//  2. The new branch says arriving, and copies what lies below the cases, some records a command.
//  3. The new branch gets the cases, links and erasures, and says here.
//  4. The homes of the cases and the debtors become the new branch.
//  5. The old branch says gone.
//
// What phones of the old branch send afterwards waits in quarantine there until it has
// been handed on to the new branch. The old branch keeps all it had, as history: its
// exports hold the visits made under it. A copy has no visit number and is in no export.

// movesByState finds the moves of a branch that are not over.
var movesByState = journal.Index{Type: "moves", Name: "state", Fields: []string{"state", "at"}}

// Codes of refusals about debtors who move.
const (
	codeMoved  = "case.moved"
	codeMoving = "debtor.moving"
)

func refuseMoved(place string) *refusal.Error {
	return refuse(refusal.Conflict, codeMoved, place, "the case has moved to another branch, or is on its way there")
}

func refuseMoving() *refusal.Error {
	return refuse(refusal.Conflict, codeMoving, "debtor",
		"the debtor is being moved to another branch; try again in a minute")
}

// MoveDebtor moves a debtor of the request's branch, and all who are linked, to another
// branch. It is the first step; Service.Move takes it, and those that follow.
type MoveDebtor struct {
	Debtor journal.DebtorID
	To     auth.BranchID
	Reason string // a code of move_reasons
}

// MoveReceipt answers MoveDebtor.
type MoveReceipt struct {
	Move  string `json:"move"`
	State string `json:"state"`
}

// here refuses a debtor who is on the way to another branch, or has gone there; the
// decision rests on that.
func (t *turn) here(ctx context.Context, id journal.DebtorID) error {
	m, err := t.moveOf(ctx, id)
	switch {
	case err != nil:
		return err
	case m.State == record.MoveGone:
		return noSuchDebtor()
	case m.Away():
		return refuseMoving()
	}
	return nil
}

// moveOf reads the last move of a debtor from or to the branch; the zero Move if there was
// none. The decision rests on it.
func (t *turn) moveOf(ctx context.Context, id journal.DebtorID) (record.Move, error) {
	var m record.Move
	rec, there, err := t.r.Doc(ctx, "moves", string(id))
	if err != nil || !there {
		return m, err
	}
	return m, decode(rec, &m)
}

// Move moves a debtor of a branch to another one. Once it has begun it ends, by FinishMoves
// at the latest; the move is given as it stands in the branch where the debtor is then. id,
// payload and claimed time are the request's. Refusals: branch.not_found, debtor.not_found,
// debtor.moving, debtor.erased, debtor.move_reason, move.same_branch, move.no_contract.
func (s *Service) Move(ctx context.Context, actor auth.Actor, branch auth.BranchID, q Request,
	c MoveDebtor) (record.Move, error) {
	// Should an earlier move to this branch still lack its end, it ends first.
	if was, there, err := s.storedMove(ctx, branch, c.Debtor); err != nil {
		return record.Move{}, err
	} else if there && was.State == record.MoveHere {
		if err := s.finishMove(ctx, was); err != nil {
			return record.Move{}, err
		}
	}
	q.Cmd = c
	if _, err := s.One(ctx, actor, branch, q); err != nil {
		return record.Move{}, err
	}
	m, _, err := s.storedMove(ctx, branch, c.Debtor)
	if err != nil || m.State != record.MoveLeaving {
		return m, err
	}
	if err := s.finishMove(ctx, m); err != nil {
		s.log.Warn("a move to another branch waits to be finished", "debtor", m.Debtors[0], "from", m.From, "to", m.To,
			"err", err)
		return m, nil
	}
	m, _, err = s.storedMove(ctx, m.To, c.Debtor)
	return m, err
}

// MoveOf gives the last move of a debtor as a branch knows it. Refusals: move.not_found.
func (s *Service) MoveOf(ctx context.Context, branch auth.BranchID, debtor journal.DebtorID) (record.Move, error) {
	m, there, err := s.storedMove(ctx, branch, debtor)
	if err == nil && !there {
		err = refuse(refusal.NotFound, "move.not_found", "debtor", "this debtor never moved from or to a branch of yours")
	}
	return m, err
}

func (s *Service) storedMove(ctx context.Context, branch auth.BranchID, debtor journal.DebtorID) (m record.Move,
	there bool, err error) {
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "moves", ID: string(debtor)}})
	if err != nil {
		return m, false, fmt.Errorf("read move: %w", err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return m, false, nil
	}
	return m, true, decode(recs[0], &m)
}

// moveCheck is how often RunMoves looks for moves that are not over.
const moveCheck = 30 * time.Second

// RunMoves finishes moves that a crash or an unreachable store cut short, and hands on what
// phones sent late, at once and then every half minute, until the context ends.
func (s *Service) RunMoves(ctx context.Context) error {
	tick := time.NewTicker(moveCheck)
	defer tick.Stop()
	for {
		if err := s.FinishMoves(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("moves to other branches wait to be finished", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// FinishMoves takes the steps that moves still lack, whichever node began them, and hands on
// what phones of a branch sent about debtors who are gone. A move that cannot be finished
// does not stop the others; the error is about all that were left.
func (s *Service) FinishMoves(ctx context.Context) error {
	branches, err := s.store.Branches(ctx)
	if err != nil {
		return fmt.Errorf("look for moves: %w", err)
	}
	var errs []error
	for _, b := range branches {
		begun := map[string]record.Move{}
		q := journal.Query{Branch: b, Type: "moves", Index: movesByState.Name, Eq: []any{record.MoveLeaving}}
		if err := s.each(ctx, q, func(rec journal.Record) error {
			var m record.Move
			defer func() { begun[m.ID] = m }()
			return decode(rec, &m)
		}); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, m := range begun {
			if err := s.finishMove(ctx, m); err != nil {
				errs = append(errs, fmt.Errorf("finish the move of %s from %s to %s: %w", m.Debtors[0], m.From, m.To, err))
			}
		}
		if err := s.handOn(ctx, b); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// moveStep is one step of a move after the first. It may be taken again.
type moveStep struct {
	name string
	take func(context.Context) error
}

// finishMove takes the steps of a move that has left its branch.
func (s *Service) finishMove(ctx context.Context, m record.Move) error {
	steps, err := s.moveSteps(ctx, m)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := step.take(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// moveSteps lists what a move still lacks, in order; nothing once the old branch says gone.
func (s *Service) moveSteps(ctx context.Context, m record.Move) ([]moveStep, error) {
	left, there, err := s.storedMove(ctx, m.From, m.Debtors[0])
	if err != nil || !there || left.ID != m.ID || left.State != record.MoveLeaving {
		return nil, err
	}
	l := &relocation{Move: m, names: map[journal.DocRef]string{}}
	below, err := s.belowCases(ctx, l)
	if err != nil {
		return nil, err
	}
	top, err := s.topOf(ctx, l)
	if err != nil {
		return nil, err
	}
	steps := []moveStep{s.moveBy(&m, m.To, "begin", arrive{l})}
	for _, docs := range below {
		steps = append(steps, s.moveBy(&m, m.To, chunkName(docs), copyIn{l, docs}))
	}
	return append(steps, s.moveBy(&m, m.To, "in", moveIn{l, top}),
		moveStep{"homes", func(ctx context.Context) error { return s.swapHomes(ctx, &m) }},
		s.moveBy(&m, m.From, "gone", moveGone{m}),
		moveStep{"late", func(ctx context.Context) error { return s.handOn(ctx, m.From) }}), nil
}

// moveBy is a step that is a command in one of the two branches.
func (s *Service) moveBy(m *record.Move, branch auth.BranchID, name string, cmd Cmd) moveStep {
	return moveStep{name, func(ctx context.Context) error {
		_, err := s.One(ctx, mover(m), branch, Request{ID: moveCommand(m, name), Cmd: cmd})
		return err
	}}
}

// mover is who asked for the move: every step is taken in their name.
func mover(m *record.Move) auth.Actor {
	return auth.Actor{User: m.By, Role: auth.RoleAdmin, Branches: []auth.BranchID{m.From, m.To}}
}

// moveCommand is the id of a step's command: the same step has one effect, whoever takes it.
func moveCommand(m *record.Move, step string) string {
	return "move:" + string(m.From) + ":" + m.ID + ":" + step
}

// swapHomes gives the new branch the homes of the cases and the debtors (J8). A home that
// is not the old branch's any more has moved on already.
func (s *Service) swapHomes(ctx context.Context, m *record.Move) error {
	var ids []string
	for _, c := range m.Cases {
		ids = append(ids, "case/"+string(c))
	}
	// Debtors last: their home is what imports of new cases go by.
	for _, d := range m.Debtors {
		blind, err := s.vault.Blind(ctx, "debtor_ref", string(d))
		if err != nil {
			return fmt.Errorf("swap homes: %w", err)
		}
		ids = append(ids, "debtor/"+blind)
	}
	for len(ids) > 0 {
		n := min(len(ids), 500)
		docs, err := s.store.Smalls(ctx, homeKind, ids[:n])
		if err != nil {
			return fmt.Errorf("read homes: %w", err)
		}
		for i, d := range docs {
			if err := s.swapHome(ctx, ids[i], d, m); err != nil {
				return err
			}
		}
		ids = ids[n:]
	}
	return nil
}

func (s *Service) swapHome(ctx context.Context, id string, d journal.SmallDoc, m *record.Move) error {
	var h home
	if d.Body != nil {
		if err := json.Unmarshal(d.Body, &h); err != nil {
			return fmt.Errorf("read home: %w", err)
		}
		if h.Branch != m.From {
			return nil
		}
	}
	body, err := json.Marshal(home{m.To})
	if err != nil {
		return fmt.Errorf("swap home: %w", err)
	}
	// Raced: another node swapped it. What it wrote is the same.
	if err := s.store.SwapSmall(ctx, homeKind, id, d.Version, body); err != nil && !errors.Is(err, journal.ErrRaced) {
		return fmt.Errorf("swap home: %w", err)
	}
	return nil
}
