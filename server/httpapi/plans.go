package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
)

type planBody struct {
	ID            string                `json:"id,omitempty" pattern:"^[A-Za-z0-9_.-]{1,64}$" doc:"Minted when absent."`
	Base          uint64                `json:"base,omitempty" doc:"The revision that is changed; 0 for a new plan."`
	Request       record.PlanAsked      `json:"request" doc:"As POST /v1/plans/preview takes it. What is due, today, the currency, the guardrails and the holidays are the case's and the lender's."`
	OfferedBy     string                `json:"offered_by,omitempty" enum:"agent,debtor" doc:"The side that proposes it; agent when absent."`
	TotalMinor    int64                 `json:"total_minor,omitempty" minimum:"0" maximum:"9007199254740991" doc:"May be left out; else it must be what the request gives."`
	Instalments   []record.Instalment   `json:"instalments,omitempty" maxItems:"601" doc:"May be left out; else they must be what the request gives."`
	Hardship      *record.Hardship      `json:"hardship,omitempty"`
	Affordability *record.Affordability `json:"affordability,omitempty"`
	Pressure      *record.Pressure      `json:"pressure_checks,omitempty"`
	Expires       *time.Time            `json:"expires_at,omitempty" doc:"When an offer ends; by the lender's rules when absent."`
	State         string                `json:"state" enum:"offered,accepted"`
	At            *time.Time            `json:"at,omitempty"`
}

type endPlanIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
	Body   struct {
		Reason string `json:"reason,omitempty" maxLength:"200"`
	}
}

func (a *API) planEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/plans", roles: supervisors,
		id: "proposePlan", tag: "cases", summary: "Propose a repayment plan from the office",
		about: "It is computed from the request by what is due under the case and the lender's rules, and refused with " +
			"plan.<reason> and the place where the arithmetic refuses it. Proposals stand side by side. One that is " +
			"accepted and beyond what an agent may agree alone (needs_approval_for) waits for another person."},
		a.proposePlan)
	a.planOfficeEndpoints()
	register(a, endpoint{method: http.MethodGet, path: "/v1/plans", roles: supervisors, id: "listPlans",
		tag: "cases", summary: "List repayment plans"}, a.listPlans)
	register(a, endpoint{method: http.MethodGet, path: "/v1/promises", roles: supervisors, id: "listPromises",
		tag: "cases", summary: "What is due on a day under plans in force",
		about: "One item for each instalment, by agent: kept, open, or broken once its grace is over."},
		a.listPromises)
	register(a, endpoint{method: http.MethodPost, path: "/v1/plans/{id}/approve", roles: supervisors,
		id: "approvePlan", tag: "cases", summary: "Approve a plan that waits"}, a.approvePlan)
	register(a, endpoint{method: http.MethodPost, path: "/v1/plans/{id}/reject", roles: supervisors,
		id: "rejectPlan", tag: "cases", summary: "Reject a plan that waits"}, a.rejectPlan)
	register(a, endpoint{method: http.MethodPost, path: "/v1/plans/{id}/withdraw", roles: supervisors,
		id: "withdrawPlan", tag: "cases", summary: "The debtor withdraws from an offer or a plan",
		about: "From an accepted plan within its cooling-off; later the office cancels it."}, a.withdrawPlan)
	register(a, endpoint{method: http.MethodGet, path: "/v1/alerts", roles: supervisors, id: "listAlerts",
		tag: "cases", summary: "Alerts to phones, newest first",
		about: "A device has at most one alert that waits, which tells of all that has happened, and is alerted at most " +
			"once a minute. With status=dead the list shows what was given up, each with its reason. Without push " +
			"credentials alerts stay pending here, and stream pokes do the work."}, a.listAlerts)
	register(a, endpoint{method: http.MethodPost, path: "/v1/alerts/{id}/retry", roles: supervisors, id: "retryAlert",
		tag: "cases", summary: "Send an alert again that was given up",
		about: "Refused unless it is dead (alert.state), when what it tells of is over (alert.expired), and while a newer " +
			"alert waits for the device (alert.newer). A phone that pulls has all the same."}, a.retryAlert)
	register(a, endpoint{method: http.MethodGet, path: "/v1/quarantine", roles: supervisors, id: "listQuarantine",
		tag: "cases", summary: "What phones sent and was not applied",
		about: "An item whose payload is over 32 kB has parts in place of fields; read it by itself to see it whole."},
		a.listQuarantine)
	register(a, endpoint{method: http.MethodGet, path: "/v1/quarantine/{id}", roles: supervisors,
		id: "getQuarantined", tag: "cases", summary: "One item, with all that the phone sent"}, a.getQuarantined)
	register(a, endpoint{method: http.MethodPost, path: "/v1/quarantine/{id}", roles: supervisors,
		id: "handleQuarantine", tag: "cases", summary: "Accept or dismiss it",
		about: "Accepted, it is recorded for the agent who sent it, with the members in corrected in the place of " +
			"those sent: they are members that a phone may say, go through the same checks, and need a note that says " +
			"why; null takes a member away, and times are by the server's clock. The record says under admitted who " +
			"accepted it and what they corrected, and the item keeps what was sent."}, a.handleQuarantine)
	register(a, endpoint{method: http.MethodGet, path: "/v1/receipts/{command}", roles: importers, id: "getReceipt",
		tag: "cases", summary: "The first answer to a command id"}, a.getReceipt)
}

type proposePlanIn struct {
	CasePath
	Body planBody
}

func (a *API) proposePlan(ctx context.Context, c call, in *proposePlanIn) (*body[receipt[casework.PlanReceipt]],
	error) {
	x := in.Body
	if x.ID == "" {
		x.ID = journal.NewID()
		if c.key != "" { // the same key, the same plan
			x.ID = journal.DerivedID("p", c.command())
		}
	}
	p := &record.Plan{PlanReport: record.PlanReport{Case: journal.CaseID(in.ID),
		Request: &record.PlanRequest{PlanAsked: x.Request}, OfferedBy: x.OfferedBy, TotalMinor: x.TotalMinor,
		Instalments: x.Instalments, Hardship: x.Hardship, Pressure: x.Pressure, State: x.State}}
	if x.Affordability != nil {
		p.Affordability = record.NewPersonal(*x.Affordability)
	}
	if x.At != nil {
		p.At = *x.At
	}
	if x.Expires != nil {
		p.Offered = &record.PlanStep{By: c.actor.User, Expires: *x.Expires}
	}
	return doCase[casework.PlanReceipt](ctx, a, c, in.ID, casework.ProposePlan{ID: x.ID, Base: x.Base, Plan: p})
}

type listPlansIn struct {
	Paging
	Branch   string `query:"branch" maxLength:"64"`
	Approval string `query:"approval_state" enum:"pending,approved,rejected"`
}

func (a *API) listPlans(ctx context.Context, c call, in *listPlansIn) (*body[page[shown[record.Plan]]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	found, err := a.opt.Casework.Plans(ctx, c.actor, b, in.Approval, in.Limit, in.Cursor)
	if err == nil {
		err = a.notedPage(ctx, c.actor, b, found, access.Read{What: access.PlansList})
	}
	return pageAnswer[shown[record.Plan]](found, err)
}

type listPromisesIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64"`
	Due    string `query:"due" required:"true" format:"date" doc:"The debtor's local date." example:"2026-12-10"`
	Agent  string `query:"agent" maxLength:"64" doc:"Who agreed the plan."`
}

func (a *API) listPromises(ctx context.Context, c call, in *listPromisesIn) (*body[page[promise]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	found, err := a.opt.Casework.Promises(ctx, c.actor, casework.PromiseQuery{Branch: b, Due: in.Due,
		Agent: auth.UserID(in.Agent), Limit: in.Limit, After: in.Cursor})
	if err == nil {
		err = a.notedList(ctx, c.actor, b, access.PromisesList, len(found.Items))
	}
	return pageAnswer[promise](found, err)
}

type listAlertsIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64"`
	Status string `query:"status" enum:"pending,sending,sent,dead,unknown,refused,replaced"`
}

func (a *API) listAlerts(ctx context.Context, c call, in *listAlertsIn) (*body[page[shown[record.Alert]]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	return pageAnswer[shown[record.Alert]](a.opt.Casework.Alerts(ctx, c.actor, b, in.Status, in.Limit, in.Cursor))
}

type retryAlertIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) retryAlert(ctx context.Context, c call, in *retryAlertIn) (*body[receipt[casework.AlertReceipt]], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	return do[casework.AlertReceipt](ctx, a, c, b, casework.RetryAlert{ID: in.ID})
}

type listQuarantineIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64"`
	State  string `query:"state" enum:"open,accepted,dismissed,moved,waiting,settled"`
}

func (a *API) listQuarantine(ctx context.Context, c call, in *listQuarantineIn) (*body[page[shown[record.Quarantined]]],
	error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	found, err := a.opt.Casework.Quarantine(ctx, c.actor, b, in.State, in.Limit, in.Cursor)
	if err == nil {
		err = a.notedPage(ctx, c.actor, b, found, access.Read{What: access.QuarantineList})
	}
	return pageAnswer[shown[record.Quarantined]](found, err)
}

type getQuarantinedIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) getQuarantined(ctx context.Context, c call, in *getQuarantinedIn) (*body[shown[record.Quarantined]],
	error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	item, err := a.opt.Casework.QuarantineItem(ctx, c.actor, b, in.ID)
	if err == nil {
		err = a.notedPage(ctx, c.actor, b, casework.Page{Items: []json.RawMessage{item}},
			access.Read{What: access.QuarantineRead, Record: in.ID})
	}
	return respond(shown[record.Quarantined]{item}), err
}

// reported are members of a report, as a phone says them.
type reported struct{ json.RawMessage }

// Schema describes the members.
func (reported) Schema(huma.Registry) *huma.Schema {
	return free("members that a phone may say of a record of the item's kind")
}

type handleQuarantineIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
	Body   struct {
		Accept    bool      `json:"accept"`
		Corrected *reported `json:"corrected,omitempty"`
		Note      string    `json:"note,omitempty" maxLength:"200"`
	}
}

func (a *API) handleQuarantine(ctx context.Context, c call,
	in *handleQuarantineIn) (*body[receipt[casework.QuarantineReceipt]], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	cmd := casework.HandleQuarantine{ID: in.ID, Accept: in.Body.Accept, Note: in.Body.Note}
	if in.Body.Corrected != nil {
		cmd.Corrected = in.Body.Corrected.RawMessage
	}
	return do[casework.QuarantineReceipt](ctx, a, c, b, cmd)
}

type getReceiptIn struct {
	Command string `path:"command" maxLength:"128" doc:"As in the answer, or an Idempotency-Key of yours."`
	Branch  string `query:"branch" maxLength:"64"`
}

func (a *API) getReceipt(ctx context.Context, c call, in *getReceiptIn) (*body[anyReceipt], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	id := in.Command
	if !strings.HasPrefix(id, journal.HTTPCommands(c.actor.User)) {
		id = journal.HTTPCommand(c.actor.User, id) // a caller reads receipts of their own commands only
	}
	r, err := a.opt.Casework.ReceiptOf(ctx, b, id)
	if err != nil {
		return nil, err
	}
	text, err := receiptText(r)
	return respond(anyReceipt{text}), err
}

// doPlan runs a command on a plan of a branch.
func (a *API) doPlan(ctx context.Context, c call, in *endPlanIn,
	cmd casework.Cmd) (*body[receipt[casework.PlanReceipt]], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	return do[casework.PlanReceipt](ctx, a, c, b, cmd)
}
