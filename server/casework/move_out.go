package casework

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

func (c MoveDebtor) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if t.Actor.Role != auth.RoleAdmin && t.Actor.Role != auth.RoleSupervisor {
		return nil, refuse(refusal.Forbidden, "auth.role", "", "only administrators and supervisors move debtors")
	}
	if err := record.OneOf("debtor.move_reason", "reason", c.Reason, record.CodesOf("move_reasons")); err != nil {
		return nil, err
	}
	if err := inBranch(t.Actor, c.To); err != nil {
		return nil, err
	}
	if c.To == t.Branch {
		return nil, refuse(refusal.Conflict, "move.same_branch", "branch", "the debtor is in this branch already")
	}
	was, err := t.moveOf(ctx, c.Debtor)
	if err != nil {
		return nil, err
	}
	if was.State == record.MoveLeaving && was.To == c.To {
		return t.answer(MoveReceipt{was.ID, was.State}), nil
	}
	m := record.Move{ID: madeID("m", string(t.Branch), t.Request.ID), State: record.MoveLeaving, From: t.Branch, To: c.To,
		Reason: c.Reason, By: t.Actor.User, At: t.At}
	if m.Debtors, err = t.linked(ctx, c.Debtor); err != nil {
		return nil, err
	}
	files, err := t.leaving(ctx, &m)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, noSuchDebtor()
	}
	if err := t.contracts(ctx, files, c.To); err != nil {
		return nil, err
	}
	d := t.draft("debtor.moved_out")
	for i, f := range files {
		m.Cases = append(m.Cases, f.Case.ID)
		if i > 0 {
			d.next("debtor.moved_out")
		}
		leaveBranch(f, d, c.To)
	}
	d.next("debtor.moved_out")
	putMoves(d, m)
	d.reply = MoveReceipt{m.ID, m.State}
	return d, nil
}

// leaving loads the cases of all debtors of a move, and refuses debtors who cannot move now.
func (t *turn) leaving(ctx context.Context, m *record.Move) ([]*File, error) {
	var files []*File
	for _, id := range m.Debtors {
		if err := t.here(ctx, id); err != nil {
			return nil, err
		}
		t.r.Depend(debtorKey(id))
		var erasures []Filed[record.Erasure]
		if err := allInto(ctx, t.r, &erasures, erasuresByDebtor, string(id)); err != nil {
			return nil, err
		}
		// One that was only asked for goes along.
		if slices.ContainsFunc(erasures, func(e Filed[record.Erasure]) bool { return e.State.State != record.ErasureAsked }) {
			return nil, refuseErased("debtor")
		}
		var cases []Filed[record.Case]
		if err := allInto(ctx, t.r, &cases, CasesByDebtor, string(id)); err != nil {
			return nil, err
		}
		for _, k := range cases {
			f := &File{Case: k.State, Rev: k.Rev}
			t.r.Depend(journal.CaseKey(f.Case.ID))
			if err := t.fill(ctx, f, toRevoke); err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b *File) int { return cmp.Compare(a.Case.ID, b.Case.ID) })
	return files, nil
}

// contracts refuses a move whose lenders do not all have a contract with the branch.
func (t *turn) contracts(ctx context.Context, files []*File, to auth.BranchID) error {
	if t.svc.lenders == nil {
		return nil
	}
	asked := map[string]bool{}
	for _, f := range files {
		lender := f.Case.Lender
		if asked[lender] {
			continue
		}
		asked[lender] = true
		signed, _, err := t.svc.lenders.Contracts(ctx, lender)
		if err != nil {
			return fmt.Errorf("read the contracts of a lender: %w", err)
		}
		if !slices.Contains(signed, to) {
			return refuse(refusal.Conflict, "move.no_contract", "branch", "lender %s has no contract with branch %s; "+
				"an administrator adds it with PUT /v1/lenders/%s", lender, to, lender)
		}
	}
	return nil
}

// leaveBranch ends work on a case here, and takes it off all phones.
func leaveBranch(f *File, d *draftBuilder, to auth.BranchID) {
	k := &f.Case
	k.Moved = &record.CaseMove{To: to, Status: k.Status, At: d.At, By: d.Actor.User, Was: k.Formerly()}
	k.Status = record.StatusMoved
	d.putCase(f)
	endShown(f, d, func(a *Filed[record.Assignment]) bool {
		if a.State.Status == record.AssignmentOpen {
			a.State.Status, a.State.ClosedBy = record.AssignmentRevoked, "moved"
		} else {
			a.State.Expire() // visited today
		}
		return true
	})
}

// putMoves adds the state of a move under each of its debtors.
func putMoves(d *draftBuilder, m record.Move) {
	for _, id := range m.Debtors {
		d.put("moves", string(id), "", &m)
		d.write(debtorKey(id))
	}
}

// moveGone is the last step: the old branch has nothing left to do.
type moveGone struct{ move record.Move }

func (c moveGone) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	m := c.move
	d := t.draft("debtor.gone")
	for _, id := range m.Debtors {
		was, err := t.moveOf(ctx, id)
		if err != nil {
			return nil, err
		}
		if was.ID != m.ID || was.State != record.MoveLeaving {
			return d.nothing(), nil
		}
		t.r.Depend(debtorKey(id))
		// The new branch says who is linked.
		if _, there, err := t.r.Doc(ctx, "links", string(id)); err != nil {
			return nil, err
		} else if there {
			d.put("links", string(id), "", nil)
		}
	}
	m.State, m.DoneAt = record.MoveGone, t.At
	putMoves(d, m)
	return d, nil
}
