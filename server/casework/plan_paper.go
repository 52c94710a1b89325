package casework

import (
	"context"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
)

// PaperPlan is a plan with what its case says, opened, for who prints it.
type PaperPlan struct {
	Plan *record.Plan
	Case *record.Case
	// AgreedOn, WithdrawUntil and Expires are local dates of the debtor; "" for none. WithdrawUntil is the last whole day
	// before the cooling-off is over, or the day on which it is.
	AgreedOn, WithdrawUntil, Expires string
}

// PlanOnPaper reads a plan for printing: one that is offered, or in force. Refusals: plan.not_found, plan.state for one
// that ended or still waits for approval, debtor.erased.
func (s *Service) PlanOnPaper(ctx context.Context, a auth.Actor, branch auth.BranchID, id string) (PaperPlan, error) {
	_, p, k, err := s.planOf(ctx, a, branch, id)
	if err != nil {
		return PaperPlan{}, err
	}
	if k.IsErased() {
		return PaperPlan{}, refuseErased("plan")
	}
	now := s.journal.Now()
	waits := p.ApprovalState == record.ApprovalPending || p.ApprovalState == record.ApprovalRejected
	if p.State != record.PlanOffered && !p.Live() || waits || p.ExpiredAt(now) {
		return PaperPlan{}, refuse(refusal.Conflict, "plan.state", "plan",
			"only a plan that is offered or in force is printed; this one has ended, or waits for approval")
	}
	if err := s.vault.OpenDoc(ctx, k.Debtor, branch, "cases", string(k.ID), k); err != nil {
		return PaperPlan{}, fmt.Errorf("open the case of plan %s: %w", id, err)
	}
	out := PaperPlan{Plan: p, Case: k}
	day := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return s.zones.dayAt(at, k.TimeZone)
	}
	out.AgreedOn = day(p.At)
	if p.Accepted != nil && !p.Accepted.At.IsZero() {
		out.AgreedOn = day(p.Accepted.At)
	}
	if now.Before(p.CoolingOff) {
		// The instant at which it is over is not part of it.
		out.WithdrawUntil = day(p.CoolingOff.Add(-time.Second))
	}
	if p.Offered != nil && !p.Offered.Expires.IsZero() {
		out.Expires = day(p.Offered.Expires.Add(-time.Second))
	}
	return out, nil
}
