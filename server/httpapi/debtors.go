package httpapi

import (
	"context"
	"net/http"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

// DebtorPath names a debtor; the branch is found by it.
type DebtorPath struct {
	ID string `path:"id" maxLength:"64" doc:"<lender>.<debtor_ref>"`
}

// linkIn names the other debtor.
type linkIn struct {
	DebtorPath
	Body struct {
		Debtor string `json:"debtor" maxLength:"64" doc:"The other debtor."`
	}
}

// unlinkIn names a link.
type unlinkIn struct {
	DebtorPath
	Other string `path:"debtor" maxLength:"64" doc:"The debtor who is another person."`
}

func (a *API) debtorEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/debtors/{id}", roles: supervisors, id: "getDebtor",
		tag: "cases", summary: "A debtor, their cases, and who else they are",
		about: "Suggested are debtors of the branch with the same verified phone. " +
			"They count as one person only once they are linked."}, a.getDebtor)
	register(a, endpoint{method: http.MethodPost, path: "/v1/debtors/{id}/links", roles: supervisors, id: "linkDebtors",
		tag: "cases", summary: "Say that two debtors are one person",
		about: "Their contacts then count together, and one visit a day serves both. Cases, keys and lenders stay apart. " +
			"Both have their cases in the same branch."}, a.linkDebtors)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/debtors/{id}/links/{debtor}", roles: supervisors,
		id: "unlinkDebtors", tag: "cases", summary: "Take back that two debtors are one person"}, a.unlinkDebtors)
}

func (a *API) getDebtor(ctx context.Context, c call, in *DebtorPath) (*body[casework.DebtorFile], error) {
	b, err := a.debtorBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := a.opt.Casework.Debtor(ctx, b, journal.DebtorID(in.ID))
	if err == nil {
		err = a.noted(ctx, c.actor, b, access.Read{What: access.DebtorRead, Cases: d.Cases})
	}
	return respond(d), err
}

func (a *API) linkDebtors(ctx context.Context, c call, in *linkIn) (*body[receipt[casework.LinkReceipt]], error) {
	b, err := a.debtorBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	other, err := a.debtorBranch(ctx, c.actor, in.Body.Debtor)
	if err != nil {
		return nil, err
	}
	if other != b {
		return nil, newProblem(http.StatusConflict, "debtor.elsewhere", "the other debtor has their cases in another "+
			"branch, and contacts are counted in one").at("body.debtor", "in branch "+string(other))
	}
	return do[casework.LinkReceipt](ctx, a, c, b,
		casework.LinkDebtors{Debtor: journal.DebtorID(in.ID), Other: journal.DebtorID(in.Body.Debtor)})
}

func (a *API) unlinkDebtors(ctx context.Context, c call, in *unlinkIn) (*body[receipt[casework.LinkReceipt]], error) {
	b, err := a.debtorBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	return do[casework.LinkReceipt](ctx, a, c, b,
		casework.UnlinkDebtors{Debtor: journal.DebtorID(in.ID), Other: journal.DebtorID(in.Other)})
}

// debtorBranch finds the branch of a debtor that the actor may know of.
func (a *API) debtorBranch(ctx context.Context, actor auth.Actor, id string) (auth.BranchID, error) {
	b, err := a.opt.Casework.DebtorBranch(ctx, journal.DebtorID(id))
	if err == nil && !actor.InBranch(b) {
		return "", newProblem(http.StatusNotFound, "debtor.not_found", "there is no such debtor here")
	}
	return b, err
}
