package casework

import (
	"context"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// PlanningFileOf reads what planning must know of one open case that the actor
// may know of. Errors: case.not_found, case.closed, seal.ErrErased.
func (s *Service) PlanningFileOf(ctx context.Context, a auth.Actor, branch auth.BranchID, id journal.CaseID,
	day PlanningDay) (*PlanningFile, error) {
	if !a.InBranch(branch) {
		return nil, noSuchCase()
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(id)}})
	if err != nil {
		return nil, fmt.Errorf("read case %s: %w", id, err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return nil, noSuchCase()
	}
	cases, err := decodeAll[record.Case](recs[:1])
	if err != nil {
		return nil, err
	}
	k := &cases[0]
	switch {
	case !k.State.OpenTo(a):
		return nil, noSuchCase()
	case k.State.Status == record.StatusClosed:
		return nil, refuse(refusal.Conflict, "case.closed", "case", "the case is closed; reopen it first")
	}
	if err := s.openHomes(ctx, branch, cases); err != nil {
		return nil, err
	}
	f := &PlanningFile{File: File{Case: k.State, Rev: k.Rev}}
	who, err := s.personOf(ctx, branch, k.State.Debtor)
	if err != nil {
		return nil, err
	}
	f.Person, f.linked = who.id, who.debtors
	return f, s.planningFile(ctx, f, branch, day)
}

// indexed reads the documents of an index that belong to one owner, in its order.
func indexed[T any](ctx context.Context, s *Service, branch auth.BranchID, ix journal.Index, owner string) ([]Filed[T],
	error) {
	recs, err := stored{s, branch}.Some(ctx, ix, journal.Range{}, owner)
	if err != nil {
		return nil, err
	}
	return decodeAll[T](recs)
}

// PersonsCases lists the cases of a debtor and all who are linked in a branch, closed ones included.
func (s *Service) PersonsCases(ctx context.Context, branch auth.BranchID, debtor journal.DebtorID) ([]journal.CaseID,
	error) {
	who, err := s.personOf(ctx, branch, debtor)
	if err != nil {
		return nil, err
	}
	var out []journal.CaseID
	for _, id := range who.debtors {
		cases, err := indexed[record.Case](ctx, s, branch, CasesByDebtor, string(id))
		if err != nil {
			return nil, err
		}
		for i := range cases {
			out = append(out, journal.CaseID(cases[i].ID))
		}
	}
	return out, nil
}

// WellEquipped is a visit by a team that lacks nothing: what the law is asked
// about while it is not known who will go.
func WellEquipped() VisitPlan {
	return VisitPlan{Agents: 2, Items: []string{"badge", "authorisation_letter", "iibf_certificate"}, Recording: true}
}

// WhyNotAt gives the rule that forbids a planned visit at an instant; lawful when none does.
func (s *Service) WhyNotAt(policy *conduct.Policy, f *PlanningFile, at time.Time, p VisitPlan) (hit conduct.Hit,
	lawful bool, err error) {
	v, err := judgeVisit(policy, &s.zones, phasePlan, &f.File, at, p.act(&f.Case))
	if err != nil {
		return conduct.Hit{}, false, fmt.Errorf("judge a visit at a time: %w", err)
	}
	return conduct.Hit{Reason: v.Reason, Rule: v.Rule, Cite: v.Cite}, v.Allowed(), nil
}
