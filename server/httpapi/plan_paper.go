package httpapi

import (
	"net/http"

	"doorstep/server/access"
	"doorstep/server/ladder"
	"doorstep/server/paper"
	"doorstep/server/record"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

func (a *API) planPaperEndpoint() {
	a.raw(endpoint{method: http.MethodGet, path: "/v1/plans/{id}/document", roles: supervisors, id: "printPlan",
		tag: "cases", summary: "A plan as a PDF, to hand to the person",
		about: "In the person's language, where there are words for it, else in English: what is due when, how to " +
			"withdraw, and what happens if it cannot be kept. Of plans that are offered or in force alone. Errors: " +
			"plan.not_found, plan.state."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters,
				&huma.Param{Name: "id", In: "path", Required: true,
					Schema: &huma.Schema{Type: "string", MaxLength: ptr(64)}},
				query("branch", "Your only branch when absent.", &huma.Schema{Type: "string", MaxLength: ptr(64)}, false))
			op.Responses = map[string]*huma.Response{"200": answer("The plan.", "application/pdf",
				&huma.Schema{Type: "string", Format: "binary"})}
		}, a.printPlan)
}

func (a *API) printPlan(c *gin.Context) {
	ctx := c.Request.Context()
	actor := callOf(ctx).actor
	b, err := branchFor(actor, c.Query("branch"))
	if err != nil {
		a.fail(c, err)
		return
	}
	id := c.Param("id")
	found, err := a.opt.Casework.PlanOnPaper(ctx, actor, b, id)
	if err != nil {
		a.fail(c, err)
		return
	}
	lender, err := a.opt.Office.Lender(ctx, found.Case.Lender)
	if err != nil {
		a.fail(c, err)
		return
	}
	p, k := found.Plan, found.Case
	out := paper.Plan{Language: k.Language, Lender: lender.Name, Phone: lender.Phone, CaseRef: k.CaseRef,
		Debtor: k.DebtorName.Plain(), ID: id, Offer: p.State == record.PlanOffered, AgreedOn: found.AgreedOn,
		Expires: found.Expires, WithdrawUntil: found.WithdrawUntil, Currency: p.Currency, BalanceMinor: p.BalanceMinor,
		TotalMinor: p.TotalMinor, RemainingMinor: p.RemainingAfterMinor}
	if p.Concession != nil {
		out.ConcessionMinor = p.Concession.AmountMinor
	}
	if p.Terms != nil {
		out.GraceDays, out.BrokenAfter = p.Terms.GraceDays, p.Terms.BrokenAfter
	}
	for _, in := range p.Instalments {
		out.Instalments = append(out.Instalments, paper.Instalment{N: in.N, DueOn: in.DueOn, AmountMinor: in.AmountMinor})
	}
	text, err := paper.Render(out, paper.Writer{Amount: ladder.Amount, Date: ladder.Date})
	if err == nil {
		err = a.noted(ctx, actor, b, access.Read{What: access.PlanRead, Record: id, Cases: []journal.CaseID{k.ID}})
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	c.Header("Content-Disposition", `inline; filename="plan.pdf"`)
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "application/pdf", text)
}
