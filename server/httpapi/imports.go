package httpapi

import (
	"context"
	"io"
	"net/http"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/server/casework"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// maxImport bounds an import, decompressed: streamed, so memory does not grow with it.
const maxImport = 1 << 30

// featuresAre says why a collection of features is described no further.
const featuresAre = "a FeatureCollection of RFC 7946, checked feature by feature"

type importFunc func(ctx context.Context, actor auth.Actor, branch auth.BranchID, contentType string, in io.Reader,
	opt casework.ImportOptions) (casework.ImportReport, error)

const aboutLines = "Streamed; each bad line is reported with its number and reason, and the good lines are kept. " +
	"Sending the same file again changes nothing."

func (a *API) importEndpoints() {
	a.undoEndpoints()
	a.raw(endpoint{method: http.MethodPost, path: "/v1/imports/cases", roles: importers, id: "importCases",
		tag: "imports", summary: "Import overdue cases",
		about: "A case_ref that is known is updated; an unchanged line does nothing. " +
			aboutLines}, a.describeCaseLines, a.importCases)
	a.raw(endpoint{method: http.MethodPost, path: "/v1/imports/contacts", roles: importers, id: "importContacts",
		tag: "imports", summary: "Import earlier contacts",
		about: "They count for the caps of the law. " + aboutLines}, a.describeLines(casework.ContactLines), a.importContacts)
	a.raw(endpoint{method: http.MethodPost, path: "/v1/imports/payments", roles: importers, id: "importPayments",
		tag: "imports", summary: "Import payments",
		about: "What is due goes down; a case with nothing due closes. " + aboutLines},
		a.describeLines(casework.PaymentLines), a.importPayments)
	a.raw(endpoint{method: http.MethodPost, path: "/v1/imports/territories", roles: supervisors,
		id: "importTerritories", tag: "imports", summary: "Import territories (GeoJSON)",
		about: "A FeatureCollection of Polygons and MultiPolygons. A feature that cannot be used is reported with its " +
			"place and does not stop the others."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, query("branch", "Your only branch when absent.", str(), false))
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/geo+json": {Schema: free(featuresAre)}, "application/json": {Schema: free(featuresAre)}}}
			op.Responses = map[string]*huma.Response{"200": answer("What became of the features.", "application/json",
				a.schema(territoryImport{}))}
		},
		a.importTerritoryFile)
}

// describeCaseLines describes the import of cases.
func (a *API) describeCaseLines(op *huma.Operation) {
	a.describeLines(casework.CaseLines)(op)
	op.Parameters = append(op.Parameters, query("net", "Whether the amounts of lines that do not say so are net of "+
		"payments. When absent, a changed amount of a case with payments is refused.", &huma.Schema{Type: "boolean"}, false))
}

// describeLines describes an import of one of casework's files.
func (a *API) describeLines(file string) func(op *huma.Operation) {
	return func(op *huma.Operation) {
		op.Parameters = append(op.Parameters, query("branch", "Your only branch when absent.", str(), false))
		op.RequestBody = &huma.RequestBody{Required: true,
			Content: schemasOf(a.huma.OpenAPI().Components.Schemas).linesOf(file)}
		op.Responses = map[string]*huma.Response{
			"200": answer("What became of the lines.", "application/json", a.schema(casework.ImportReport{}))}
	}
}

func (a *API) importCases(c *gin.Context) { a.importLines(c, a.opt.Casework.ImportCases, true) }

func (a *API) importContacts(c *gin.Context) { a.importLines(c, a.opt.Casework.ImportContacts, false) }

func (a *API) importPayments(c *gin.Context) { a.importLines(c, a.opt.Casework.ImportPayments, false) }

// importBranch is the branch of an import. A lender's system may name any branch that
// exists: each of its lines is told when there is no contract with that branch.
func (a *API) importBranch(ctx context.Context, actor auth.Actor, named string) (auth.BranchID, error) {
	if actor.Role != auth.RoleLender || named == "" {
		return a.branch(ctx, actor, named)
	}
	b, err := a.opt.Office.Branch(ctx, auth.BranchID(named))
	return b.ID, err
}

func (a *API) importLines(c *gin.Context, run importFunc, needsBranch bool) {
	ctx := c.Request.Context()
	contentType, p := mediaType(c.Request.Header, "text/csv", "application/x-ndjson")
	if p != nil {
		writeProblem(c, p)
		return
	}
	actor := callOf(ctx).actor
	var b auth.BranchID
	var err error
	if named := c.Query("branch"); named != "" || needsBranch {
		if b, err = a.importBranch(ctx, actor, named); err != nil {
			a.fail(c, err)
			return
		}
	}
	in, p := plainBody(c, maxImport)
	if p != nil {
		writeProblem(c, p)
		return
	}
	var opt casework.ImportOptions
	switch net := c.Query("net"); net {
	case "":
	case "true", "false":
		yes := net == "true"
		opt.Net = &yes
	default:
		writeProblem(c, newProblem(http.StatusUnprocessableEntity, "validation", "net is true or false").
			at("query.net", "not true or false"))
		return
	}
	report, err := run(ctx, actor, b, contentType, in, opt)
	if err != nil {
		pr := a.problem(ctx, c.Request.Method+" "+template(c), err)
		if report.Accepted+report.Updated+report.Reopened > 0 {
			pr.Detail += " Lines before the fault were kept; sending the file again is safe."
		}
		writeProblem(c, pr)
		return
	}
	c.JSON(http.StatusOK, report)
}

func (a *API) importTerritoryFile(c *gin.Context) {
	who := callOf(c.Request.Context())
	b, err := a.branch(c.Request.Context(), who.actor, c.Query("branch"))
	if err != nil {
		a.fail(c, err)
		return
	}
	text, err := readJSON(c, geo.MaxFeatureBytes, "application/geo+json", "application/json")
	if err != nil {
		a.fail(c, err)
		return
	}
	out, err := a.importTerritories(c.Request.Context(), who, b, text)
	if err != nil {
		a.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, out)
}
