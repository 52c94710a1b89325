package casework

import (
	"context"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// WithdrawErasure withdraws an erasure that is not confirmed yet. Any administrator
// may do it, also the one who asked. The debtor can be asked about again afterwards.
// Refusals: erasure.not_found, erasure.confirmed, auth.role.
type WithdrawErasure struct {
	Debtor  journal.DebtorID
	Erasure string
	Reason  string // a code of erase_withdrawals
}

func (c WithdrawErasure) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := t.mayErase(); err != nil {
		return nil, err
	}
	codes := record.CodesOf("erase_withdrawals")
	if err := record.OneOf("debtor.erase_withdrawal", "reason", c.Reason, codes); err != nil {
		return nil, err
	}
	e, err := t.erasure(ctx, c.Debtor, c.Erasure)
	if err != nil {
		return nil, err
	}
	switch e.State {
	case record.ErasureAsked:
	case record.ErasureWithdrawn:
		return t.answer(ErasureReceipt{c.Erasure, e.State}), nil
	default:
		return nil, refuse(refusal.Conflict, "erasure.confirmed", "erasure",
			"another administrator has confirmed this erasure: it cannot be withdrawn any more")
	}
	e.State, e.WithdrawnBy, e.WithdrawnAt, e.Withdrawal = record.ErasureWithdrawn, t.Actor.User, t.At, c.Reason
	t.r.Depend(debtorKey(e.Debtor))
	d := t.draft("debtor.erasure_withdrawn")
	d.put("erasures", c.Erasure, "", &e)
	d.write(debtorKey(e.Debtor)) // who asks anew must see that this one waits no longer
	d.reply = ErasureReceipt{c.Erasure, e.State}
	return d, nil
}

// Erasures lists a branch's erasures, newest first; state "" lists all. Administrators only.
func (s *Service) Erasures(ctx context.Context, a auth.Actor, branch auth.BranchID, state string, limit int,
	after string) (Page, error) {
	if a.Role != auth.RoleAdmin {
		return Page{}, onlyAdminsErase()
	}
	q := journal.Query{Branch: branch, Type: "erasures", Index: erasuresByTime.Name, Desc: true, Limit: limit,
		After: after}
	if state != "" {
		if !slices.Contains(record.CodesOf("erasure_states"), state) {
			return Page{}, record.OneOf("list.state", "state", state, record.CodesOf("erasure_states"))
		}
		q.Index, q.Eq = erasuresByState.Name, []any{state}
	}
	return s.list(ctx, a, q)
}
