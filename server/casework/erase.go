package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Erasing a debtor takes two administrators: one asks, another confirms. Until then any
// administrator can withdraw it (erase_withdraw.go). Once it is confirmed, in
// this order: the confirmation is an entry, the erasure list has a line, the debtor's
// key is destroyed, and a last entry closes the debtor's cases and says that it is
// done. A crash in between is made good at the next start, from the entry as from the
// list (erase_list.go). Entries, hashes and proofs stay as they are; what was sealed
// cannot be read again.

// codeErased refuses what is about an erased debtor.
const codeErased = "debtor.erased"

var (
	erasuresByDebtor = journal.Index{Type: "erasures", Name: "debtor", Fields: []string{"debtor", "asked_at"}}
	erasuresByTime   = journal.Index{Type: "erasures", Name: "at", Fields: []string{"asked_at"}}
	erasuresByState  = journal.Index{Type: "erasures", Name: "state", Fields: []string{"state", "asked_at"}}
	// erasuresByEnd has those that are done.
	erasuresByEnd = journal.Index{Type: "erasures", Name: "end", Fields: []string{"erased_at"}}
)

// refuseErased is said of everything that is about an erased debtor.
func refuseErased(field string) *refusal.Error {
	return refuse(refusal.Conflict, codeErased, field, "the debtor was erased: nothing about them is kept any more")
}

// AskErasure asks for a debtor to be erased; another administrator confirms it.
type AskErasure struct {
	Debtor journal.DebtorID
	Reason string // a code of erase_reasons
}

// ErasureReceipt answers AskErasure, and what follows it.
type ErasureReceipt struct {
	ID    string `json:"erasure_id"`
	State string `json:"state"`
}

func (c AskErasure) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := t.mayErase(); err != nil {
		return nil, err
	}
	if err := record.OneOf("debtor.erase_reason", "reason", c.Reason, record.CodesOf("erase_reasons")); err != nil {
		return nil, err
	}
	t.r.Depend(debtorKey(c.Debtor))
	if err := t.here(ctx, c.Debtor); err != nil {
		return nil, err
	}
	var known []Filed[record.Erasure]
	if err := allInto(ctx, t.r, &known, erasuresByDebtor, string(c.Debtor)); err != nil {
		return nil, err
	}
	for _, e := range known { // at most one is not withdrawn: it waits, or it is under way or done
		switch e.State.State {
		case record.ErasureWithdrawn:
		case record.ErasureAsked:
			return t.answer(ErasureReceipt{e.ID, e.State.State}), nil
		default:
			return nil, refuseErased("debtor")
		}
	}
	var cases []Filed[record.Case]
	if err := allInto(ctx, t.r, &cases, CasesByDebtor, string(c.Debtor)); err != nil {
		return nil, err
	}
	if len(cases) == 0 {
		return nil, noSuchDebtor()
	}
	id := madeID("e", t.Request.ID)
	if _, _, err := t.r.Doc(ctx, "erasures", id); err != nil {
		return nil, err
	}
	d := t.draft("debtor.erasure_asked")
	d.put("erasures", id, "", &record.Erasure{Debtor: c.Debtor, Branch: t.Branch, Reason: c.Reason,
		State: record.ErasureAsked, AskedBy: t.Actor.User, AskedAt: t.At})
	d.write(debtorKey(c.Debtor))
	d.reply = ErasureReceipt{id, record.ErasureAsked}
	return d, nil
}

// mayErase refuses everybody but administrators.
func (t *turn) mayErase() error {
	if t.Actor.Role != auth.RoleAdmin {
		return onlyAdminsErase()
	}
	return nil
}

func onlyAdminsErase() *refusal.Error {
	return refuse(refusal.Forbidden, "auth.role", "", "only administrators erase debtors")
}

func noSuchDebtor() *refusal.Error {
	return refuse(refusal.NotFound, "debtor.not_found", "debtor", "there is no such debtor here")
}

func noSuchErasure() *refusal.Error {
	return refuse(refusal.NotFound, "erasure.not_found", "erasure", "nobody asked for this erasure; ask for it first")
}

// erasure reads an erasure of a debtor; erasure.not_found.
func (t *turn) erasure(ctx context.Context, debtor journal.DebtorID, id string) (e record.Erasure, err error) {
	rec, there, err := t.r.Doc(ctx, "erasures", id)
	if err != nil {
		return e, err
	}
	if !there {
		return e, noSuchErasure()
	}
	if err := decode(rec, &e); err != nil {
		return e, err
	}
	if e.Debtor != debtor {
		return e, noSuchErasure()
	}
	return e, nil
}

// ConfirmErasure is the second administrator's word. Service.Erase takes it, and does what follows.
type ConfirmErasure struct {
	Debtor  journal.DebtorID
	Erasure string
}

func (c ConfirmErasure) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := t.mayErase(); err != nil {
		return nil, err
	}
	e, err := t.erasure(ctx, c.Debtor, c.Erasure)
	if err != nil {
		return nil, err
	}
	switch {
	case e.State == record.ErasureWithdrawn:
		return nil, refuse(refusal.Conflict, "erasure.withdrawn", "erasure",
			"this erasure was withdrawn; ask for a new one if the debtor is to be erased after all")
	case e.AskedBy == t.Actor.User:
		return nil, refuse(refusal.Conflict, "erasure.second_person", "erasure",
			"you asked for this yourself: another administrator must confirm it")
	case e.State != record.ErasureAsked:
		return t.answer(ErasureReceipt{c.Erasure, e.State}), nil
	}
	if err := t.here(ctx, e.Debtor); err != nil {
		return nil, err
	}
	e.State, e.ConfirmedBy, e.ConfirmedAt = record.ErasureConfirmed, t.Actor.User, t.At
	t.r.Depend(debtorKey(e.Debtor))
	d := t.draft("debtor.erasure_confirmed")
	d.put("erasures", c.Erasure, "", &e)
	d.write(debtorKey(e.Debtor))
	d.reply = ErasureReceipt{c.Erasure, e.State}
	return d, nil
}

// finishErasure says that the key is destroyed, and closes the debtor's cases.
type finishErasure struct{ line ErasureLine }

func (c finishErasure) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	l := c.line
	// After a restore of an older backup nothing is there but the list's word.
	if _, _, err := t.r.Doc(ctx, "erasures", l.Erasure); err != nil {
		return nil, err
	}
	e := record.Erasure{Debtor: l.Debtor, Branch: l.Branch, Reason: l.Reason, State: record.ErasureErased,
		AskedBy: l.AskedBy, AskedAt: l.AskedAt,
		ConfirmedBy: l.ConfirmedBy, ConfirmedAt: l.ConfirmedAt, ErasedAt: t.At}
	t.r.Depend(debtorKey(l.Debtor))
	var cases []Filed[record.Case]
	if err := allInto(ctx, t.r, &cases, CasesByDebtor, string(l.Debtor)); err != nil {
		return nil, err
	}
	d := t.draft("debtor.erased")
	d.put("erasures", l.Erasure, "", &e)
	d.write(debtorKey(l.Debtor))
	for _, k := range cases {
		// The case is read by its id too, so that it may be written.
		rec, _, err := t.r.Doc(ctx, "cases", k.ID)
		if err != nil {
			return nil, err
		}
		f := &File{Rev: rec.Rev}
		if err := decode(rec, &f.Case); err != nil {
			return nil, err
		}
		if f.Case.HasMoved() {
			continue // it is closed where it is now
		}
		t.r.Depend(journal.CaseKey(f.Case.ID))
		if err := t.fill(ctx, f, toRevoke); err != nil {
			return nil, err
		}
		e.Cases = append(e.Cases, f.Case.ID)
		closeCase(f, d, record.ClosedErased)
		// What was visited already leaves the phones today too.
		endShown(f, d, func(a *Filed[record.Assignment]) bool { a.State.Expire(); return true })
	}
	d.reply = ErasureReceipt{l.Erasure, record.ErasureErased}
	return d, nil
}

// Erase erases a debtor on the word of a second administrator. Once it has begun it
// ends, at the next start at the latest; calling it again goes on where it stopped.
// id, payload and claimed time are the request's. Refusals: erasure.not_found,
// erasure.withdrawn, erasure.second_person, auth.role.
func (s *Service) Erase(ctx context.Context, actor auth.Actor, branch auth.BranchID, q Request,
	c ConfirmErasure) error {
	q.Cmd = c
	if _, err := s.One(ctx, actor, branch, q); err != nil {
		return err
	}
	e, _, err := s.Erasure(ctx, branch, c.Debtor, c.Erasure)
	if err != nil || e.State != record.ErasureConfirmed {
		return err
	}
	return s.finish(ctx, lineOf(c.Erasure, &e))
}

// Erasure reads an erasure, and the entry that wrote its state. Refusals: erasure.not_found.
func (s *Service) Erasure(ctx context.Context, branch auth.BranchID, debtor journal.DebtorID,
	id string) (e record.Erasure, entry uint64, err error) {
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "erasures", ID: id}})
	if err != nil {
		return e, 0, fmt.Errorf("read erasure: %w", err)
	}
	if recs[0].Type == "" {
		return e, 0, noSuchErasure()
	}
	if err := decode(recs[0], &e); err != nil {
		return e, 0, err
	}
	if e.Debtor != debtor {
		return record.Erasure{}, 0, noSuchErasure()
	}
	return e, recs[0].N, nil
}

// DebtorBranch finds the branch a debtor's cases live in; debtor.not_found.
func (s *Service) DebtorBranch(ctx context.Context, debtor journal.DebtorID) (auth.BranchID, error) {
	blind, err := s.vault.Blind(ctx, "debtor_ref", string(debtor))
	if err != nil {
		return "", err
	}
	body, _, err := s.store.Small(ctx, homeKind, "debtor/"+blind)
	if errors.Is(err, journal.ErrNotFound) {
		return "", noSuchDebtor()
	}
	if err != nil {
		return "", fmt.Errorf("read home: %w", err)
	}
	var h home
	if err := json.Unmarshal(body, &h); err != nil {
		return "", fmt.Errorf("read home: %w", err)
	}
	return h.Branch, nil
}

// erased tells whether a case's debtor was erased; false for a case that is not here.
func (t *turn) erased(ctx context.Context, id journal.CaseID) (bool, error) {
	if id == "" {
		return false, nil
	}
	rec, there, err := t.r.Doc(ctx, "cases", string(id))
	if err != nil || !there {
		return false, err
	}
	k, err := scopeOf(rec)
	if err != nil || k.IsErased() {
		return err == nil, err
	}
	return t.svc.vault.IsErased(ctx, k.Debtor)
}

// refusalOfErased is what becomes of a change that would seal something under a destroyed key.
func refusalOfErased(err error) error {
	if errors.Is(err, seal.ErrErased) {
		return refuseErased("")
	}
	return err
}
