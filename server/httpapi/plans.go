package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"

	"github.com/google/uuid"
)

type planBody struct {
	ID          string              `json:"id,omitempty" pattern:"^[A-Za-z0-9_.-]{1,64}$" doc:"Minted when absent."`
	Base        uint64              `json:"base,omitempty" doc:"The revision that is changed; 0 for a new plan."`
	Kind        string              `json:"kind" maxLength:"32" example:"instalments"`
	Currency    string              `json:"currency" minLength:"3" maxLength:"3"`
	TotalMinor  int64               `json:"total_minor"`
	Instalments []record.Instalment `json:"instalments" minItems:"1" maxItems:"120"`
	Concession  *record.Concession  `json:"concession,omitempty"`
	Hardship    *record.Hardship    `json:"hardship,omitempty"`
	State       string              `json:"state" enum:"offered,accepted"`
	At          *time.Time          `json:"at,omitempty"`
}

type planIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
	Body   struct {
		Reason string `json:"reason,omitempty" maxLength:"200"`
	}
}

func (a *API) planEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/plans", id: "proposePlan", tag: "cases", summary: "Propose a repayment plan from the office"},
		func(ctx context.Context, c call, in *struct {
			CasePath
			Body planBody
		}) (*body[object], error) {
			x := in.Body
			if x.ID == "" {
				x.ID = journal.NewID()
				if c.key != "" { // the same key, the same plan
					x.ID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(c.command())).String()
				}
			}
			p := &record.Plan{PlanReport: record.PlanReport{Case: journal.CaseID(in.ID), Kind: x.Kind, Currency: x.Currency, TotalMinor: x.TotalMinor, Instalments: x.Instalments,
				Concession: x.Concession, Hardship: x.Hardship, State: x.State}}
			if x.At != nil {
				p.At = *x.At
			}
			return a.doCase(ctx, c, in.ID, casework.ProposePlan{ID: x.ID, Base: x.Base, Plan: p})
		})
	register(a, endpoint{method: http.MethodGet, path: "/v1/plans", id: "listPlans", tag: "cases", summary: "List repayment plans"},
		func(ctx context.Context, c call, in *struct {
			Paging
			Branch   string `query:"branch" maxLength:"64"`
			Approval string `query:"approval_state" enum:"pending,approved,rejected"`
		}) (*body[documents], error) {
			b, err := branchFor(c.actor, in.Branch)
			if err != nil {
				return nil, err
			}
			return pageAnswer(a.opt.Casework.Plans(ctx, c.actor, b, in.Approval, in.Limit, in.Cursor))
		})
	register(a, endpoint{method: http.MethodGet, path: "/v1/promises", id: "listPromises", tag: "cases",
		summary: "What is due on a day under plans in force",
		about:   "One item for each instalment, by agent: kept, open, or broken once its grace is over."},
		func(ctx context.Context, c call, in *struct {
			Paging
			Branch string `query:"branch" maxLength:"64"`
			Due    string `query:"due" required:"true" format:"date" doc:"The debtor's local date." example:"2026-12-10"`
			Agent  string `query:"agent" maxLength:"64" doc:"Who agreed the plan."`
		}) (*body[documents], error) {
			b, err := branchFor(c.actor, in.Branch)
			if err != nil {
				return nil, err
			}
			return pageAnswer(a.opt.Casework.Promises(ctx, c.actor, casework.PromiseQuery{Branch: b, Due: in.Due,
				Agent: auth.UserID(in.Agent), Limit: in.Limit, After: in.Cursor}))
		})
	for _, x := range []struct {
		path, id, summary string
		cmd               func(in *planIn) casework.Cmd
	}{
		{"/v1/plans/{id}/approve", "approvePlan", "Approve a plan that waits", func(in *planIn) casework.Cmd { return casework.DecidePlan{Plan: in.ID, Approve: true} }},
		{"/v1/plans/{id}/reject", "rejectPlan", "Reject a plan that waits", func(in *planIn) casework.Cmd { return casework.DecidePlan{Plan: in.ID, Reason: in.Body.Reason} }},
		{"/v1/plans/{id}/withdraw", "withdrawPlan", "End a plan for the debtor", func(in *planIn) casework.Cmd { return casework.WithdrawPlan{Plan: in.ID, Reason: in.Body.Reason} }},
	} {
		register(a, endpoint{method: http.MethodPost, path: x.path, id: x.id, tag: "cases", summary: x.summary},
			func(ctx context.Context, c call, in *planIn) (*body[object], error) {
				b, err := a.branch(ctx, c.actor, in.Branch)
				if err != nil {
					return nil, err
				}
				return a.doCmd(ctx, c, b, x.cmd(in))
			})
	}
	register(a, endpoint{method: http.MethodGet, path: "/v1/alerts", id: "listAlerts", tag: "cases", summary: "Alerts to phones, newest first",
		about: "Without push credentials they stay pending here, and stream pokes do the work."},
		func(ctx context.Context, c call, in *struct {
			Paging
			Branch string `query:"branch" maxLength:"64"`
			Status string `query:"status" enum:"pending,sending,sent,dead,unknown,refused"`
		}) (*body[documents], error) {
			b, err := branchFor(c.actor, in.Branch)
			if err != nil {
				return nil, err
			}
			return pageAnswer(a.opt.Casework.Alerts(ctx, c.actor, b, in.Status, in.Limit, in.Cursor))
		})
	register(a, endpoint{method: http.MethodGet, path: "/v1/quarantine", id: "listQuarantine", tag: "cases", summary: "What phones sent and was not applied"},
		func(ctx context.Context, c call, in *struct {
			Paging
			Branch string `query:"branch" maxLength:"64"`
			State  string `query:"state" enum:"open,accepted,dismissed"`
		}) (*body[documents], error) {
			b, err := branchFor(c.actor, in.Branch)
			if err != nil {
				return nil, err
			}
			return pageAnswer(a.opt.Casework.Quarantine(ctx, c.actor, b, in.State, in.Limit, in.Cursor))
		})
	register(a, endpoint{method: http.MethodPost, path: "/v1/quarantine/{id}", id: "handleQuarantine", tag: "cases", summary: "Accept or dismiss it"},
		func(ctx context.Context, c call, in *struct {
			ID     string `path:"id" maxLength:"64"`
			Branch string `query:"branch" maxLength:"64"`
			Body   struct {
				Accept bool   `json:"accept"`
				Note   string `json:"note,omitempty" maxLength:"200"`
			}
		}) (*body[object], error) {
			b, err := a.branch(ctx, c.actor, in.Branch)
			if err != nil {
				return nil, err
			}
			return a.doCmd(ctx, c, b, casework.HandleQuarantine{ID: in.ID, Accept: in.Body.Accept, Note: in.Body.Note})
		})
	register(a, endpoint{method: http.MethodGet, path: "/v1/receipts/{command}", id: "getReceipt", tag: "cases", summary: "The first answer to a command id"},
		func(ctx context.Context, c call, in *struct {
			Command string `path:"command" maxLength:"128" doc:"As in the answer, or an Idempotency-Key of yours."`
			Branch  string `query:"branch" maxLength:"64"`
		}) (*body[object], error) {
			b, err := branchFor(c.actor, in.Branch)
			if err != nil {
				return nil, err
			}
			own := "http:" + string(c.actor.User) + ":"
			id := in.Command
			if len(id) < len(own) || id[:len(own)] != own {
				id = own + id // a caller reads receipts of their own commands only
			}
			r, err := a.opt.Casework.ReceiptOf(ctx, b, id)
			if err != nil {
				return nil, err
			}
			return receiptAnswer(r)
		})
}
