package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/server/record"
	"doorstep/server/repayment"
	"doorstep/sync/journal"
)

func (a *API) planOfficeEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/cases/{id}/plans", roles: supervisors, id: "listCasePlans",
		tag: "cases", summary: "The plans and proposals of a case, side by side",
		about: "In the order in which they were made, with what time and payments have made of each (state_now)."},
		a.listCasePlans)
	register(a, endpoint{method: http.MethodGet, path: "/v1/plans/{id}", roles: supervisors, id: "getPlan",
		tag: "cases", summary: "One plan, with what time and payments have made of it"}, a.getPlan)
	register(a, endpoint{method: http.MethodPost, path: "/v1/plans/{id}/accept", roles: supervisors, id: "acceptPlan",
		tag: "cases", summary: "Note that the other side accepted an offer",
		about: "The debtor an offer of the agent's, or the office one of the debtor's. The plan takes the place of all " +
			"others of the case: offers are superseded, and a plan that was in force is renegotiated."}, a.acceptPlan)
	register(a, endpoint{method: http.MethodPost, path: "/v1/plans/{id}/cancel", roles: supervisors, id: "cancelPlan",
		tag: "cases", summary: "End an offer or a plan by the office"}, a.cancelPlan)
	register(a, endpoint{method: http.MethodGet, path: "/v1/lenders/{id}/plan-rules", roles: supervisors,
		id: "getPlanRules", tag: "office", summary: "What a lender allows in repayment plans",
		about: "Version 0 is that of a lender that has no rules: the house's hold then."}, a.getPlanRules)
	register(a, endpoint{method: http.MethodPut, path: "/v1/lenders/{id}/plan-rules", roles: admins,
		id: "putPlanRules", tag: "office", summary: "Say what a lender allows in repayment plans",
		about: "All rules are replaced at once, in the place of the version that is named. Those for a product and a " +
			"currency go before those for the product, the currency, and all. What is unknown, out of range or " +
			"contradictory is a 422 plan_rules.invalid with its place. Plans keep the rules by which they were judged."},
		a.putPlanRules)
}

func (a *API) listCasePlans(ctx context.Context, c call, in *CasePath) (*body[page[shown[record.Plan]]], error) {
	b, err := a.caseBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	items, err := a.opt.Casework.CasePlans(ctx, c.actor, b, journal.CaseID(in.ID))
	found := casework.Page{Items: items}
	if err == nil {
		err = a.notedPage(ctx, c.actor, b, found, access.Read{What: access.PlansList,
			Cases: []journal.CaseID{journal.CaseID(in.ID)}})
	}
	return pageAnswer[shown[record.Plan]](found, err)
}

type getPlanIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) getPlan(ctx context.Context, c call, in *getPlanIn) (*body[shown[record.Plan]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	item, err := a.opt.Casework.PlanItem(ctx, c.actor, b, in.ID)
	if err == nil {
		err = a.notedPage(ctx, c.actor, b, casework.Page{Items: []json.RawMessage{item}},
			access.Read{What: access.PlanRead, Record: in.ID})
	}
	return respond(shown[record.Plan]{item}), err
}

type acceptPlanIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
	Body   struct {
		At      *time.Time `json:"at,omitempty" doc:"When it was accepted; now when absent."`
		Channel string     `json:"channel,omitempty" maxLength:"64" doc:"Where it was said: a code such as call or letter."`
		Method  string     `json:"method,omitempty" maxLength:"64" doc:"How: a code such as on_screen_signature or paper_scan."`
		Consent string     `json:"consent,omitempty" maxLength:"64" doc:"The consent to the terms, of the same case."`
	}
}

func (a *API) acceptPlan(ctx context.Context, c call, in *acceptPlanIn) (*body[receipt[casework.PlanReceipt]], error) {
	cmd := casework.AcceptPlan{Plan: in.ID, Channel: in.Body.Channel, Method: in.Body.Method, Consent: in.Body.Consent}
	if in.Body.At != nil {
		cmd.At = *in.Body.At
	}
	return a.doPlan(ctx, c, &endPlanIn{ID: in.ID, Branch: in.Branch}, cmd)
}

type cancelPlanIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
	Body   struct {
		For    string `json:"cancelled_for" maxLength:"64" doc:"A code of plan_cancel_reasons."`
		Reason string `json:"reason,omitempty" maxLength:"200" doc:"Why, in words."`
	}
}

func (a *API) cancelPlan(ctx context.Context, c call, in *cancelPlanIn) (*body[receipt[casework.PlanReceipt]], error) {
	return a.doPlan(ctx, c, &endPlanIn{ID: in.ID, Branch: in.Branch},
		casework.CancelPlan{Plan: in.ID, For: in.Body.For, Reason: in.Body.Reason})
}

func (a *API) approvePlan(ctx context.Context, c call, in *endPlanIn) (*body[receipt[casework.PlanReceipt]], error) {
	return a.doPlan(ctx, c, in, casework.DecidePlan{Plan: in.ID, Approve: true})
}

func (a *API) rejectPlan(ctx context.Context, c call, in *endPlanIn) (*body[receipt[casework.PlanReceipt]], error) {
	return a.doPlan(ctx, c, in, casework.DecidePlan{Plan: in.ID, Reason: in.Body.Reason})
}

func (a *API) withdrawPlan(ctx context.Context, c call, in *endPlanIn) (*body[receipt[casework.PlanReceipt]], error) {
	return a.doPlan(ctx, c, in, casework.WithdrawPlan{Plan: in.ID, Reason: in.Body.Reason})
}

type getPlanRulesIn struct {
	ID      string `path:"id" maxLength:"62" pattern:"^[A-Za-z0-9_-]+$"`
	Version uint64 `query:"version" doc:"An earlier version; absent: those in force."`
}

func (a *API) getPlanRules(ctx context.Context, _ call, in *getPlanRulesIn) (*body[office.PlanRules], error) {
	r, err := a.opt.Office.PlanRulesOf(ctx, in.ID, in.Version)
	return respond(r), err
}

type putPlanRulesIn struct {
	ID   string `path:"id" maxLength:"62" pattern:"^[A-Za-z0-9_-]+$"`
	Body struct {
		Version uint64               `json:"version" doc:"The version that is replaced; 0 for the first."`
		Rules   []repayment.RulesFor `json:"rules" maxItems:"100" doc:"Empty: the house's hold."`
	}
}

func (a *API) putPlanRules(ctx context.Context, c call, in *putPlanRulesIn) (*body[office.PlanRules], error) {
	r, err := a.opt.Office.PutPlanRules(ctx, ask(c), office.PlanRules{Lender: in.ID, Version: in.Body.Version,
		Rules: in.Body.Rules})
	return respond(r), err
}
