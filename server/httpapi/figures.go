package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"doorstep/auth"
	"doorstep/server/audit"
	"doorstep/server/figures"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// figureReaders are who reads figures: a lender those of its own cases.
var figureReaders = []auth.Role{auth.RoleAdmin, auth.RoleSupervisor, auth.RoleAuditor, auth.RoleLender}

func (a *API) figureEndpoints() {
	a.raw(endpoint{method: http.MethodGet, path: "/v1/figures", roles: figureReaders, id: "getFigures", tag: "audit",
		summary: "How people are treated: contact load, visits avoided, plans, promises, money, complaints, stops",
		about: "Counts and sums, and no case, by the branch's local days, lenders and teams. What each figure counts " +
			"stands in definitions, in CSV in the lines that begin with #definition. A lender gets those of its own cases, " +
			"without teams and without figures about complaints, vulnerability and unlawful acts. Whoever holds the journal " +
			"computes the same with doorstep figures --from-journal, as of entries and org_entries. Errors: figures.date, " +
			"figures.by, figures.lender."},
		func(op *huma.Operation) {
			text := func(most int) *huma.Schema { return &huma.Schema{Type: "string", MaxLength: ptr(most)} }
			op.Parameters = append(op.Parameters,
				query("branch", "Your only branch when absent.", text(64), false),
				query("from", "The first local date of the branch; today when absent.", text(10), false),
				query("to", "The last; today, or from if that is later, when absent. At most 366 days.", text(10), false),
				query("by", "day, lender and team, separated by commas; absent: only the total.", text(30), false),
				query("lender", "Only this lender's.", text(62), false),
				query("format", "json when absent.", &huma.Schema{Type: "string", Enum: []any{"json", "csv"}}, false))
			op.Responses = map[string]*huma.Response{"200": {Description: "The figures.", Content: map[string]*huma.MediaType{
				"application/json": {Schema: a.schema(figures.Counted{})}, "text/csv": {Schema: str()}}}}
		}, a.getFigures)
}

func (a *API) getFigures(c *gin.Context) {
	ctx := c.Request.Context()
	actor := callOf(ctx).actor
	b, err := a.branch(ctx, actor, c.Query("branch"))
	if err != nil {
		a.fail(c, err)
		return
	}
	q := figures.Query{Branch: b, From: c.Query("from"), To: c.Query("to"), Lender: c.Query("lender")}
	if by := c.Query("by"); by != "" {
		q.By = strings.Split(by, ",")
	}
	format := c.Query("format")
	if format != "" && format != "json" && format != "csv" {
		writeProblem(c, newProblem(http.StatusUnprocessableEntity, "figures.format", "format is json or csv").
			at("query.format", "not one of json, csv"))
		return
	}
	out, err := a.opt.Figures.Read(ctx, actor, q)
	if err != nil {
		a.fail(c, err)
		return
	}
	if format == "csv" {
		c.Data(http.StatusOK, "text/csv; charset=utf-8", figuresAsCSV(&out))
		return
	}
	text, err := json.Marshal(out)
	if err != nil {
		a.fail(c, err)
		return
	}
	c.Data(http.StatusOK, "application/json", text)
}

// figuresAsCSV writes figures as CSV. A cell that a spreadsheet would run as a formula gets an apostrophe before it.
func figuresAsCSV(f *figures.Counted) []byte {
	var b bytes.Buffer
	for _, line := range f.Table() {
		b.Write(audit.CSVLine(line))
		b.WriteByte('\n')
	}
	return b.Bytes()
}
