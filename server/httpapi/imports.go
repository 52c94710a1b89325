package httpapi

import (
	"compress/gzip"
	"context"
	"io"
	"mime"
	"net/http"

	"doorstep/auth"
	"doorstep/server/casework"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// maxImport bounds an import, decompressed: streamed, so memory does not grow with it.
const maxImport = 1 << 30

// plainBody is a request's body, decompressed, of at most limit bytes.
func plainBody(c *gin.Context, limit int64) (io.Reader, *Problem) {
	body := http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	switch c.GetHeader("Content-Encoding") {
	case "", "identity":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, newProblem(http.StatusBadRequest, "malformed", "the body is not gzip, though Content-Encoding says so")
		}
		return &limited{z, limit, limit}, nil
	}
	return nil, newProblem(http.StatusUnsupportedMediaType, "media_type", "Content-Encoding may be gzip or absent")
}

// limited refuses what is longer than its limit; the limit is on what comes out of decompression.
type limited struct {
	r     io.Reader
	left  int64
	limit int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		var one [1]byte
		if n, err := l.r.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, &http.MaxBytesError{Limit: l.limit}
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

type importFunc func(ctx context.Context, actor auth.Actor, branch auth.BranchID, contentType string, in io.Reader, opt casework.ImportOptions) (casework.ImportReport, error)

func (a *API) importEndpoints() {
	for _, im := range []struct {
		path, id, summary, about string
		run                      importFunc
		needsBranch              bool
	}{
		{"/v1/imports/cases", "importCases", "Import overdue cases", "A case_ref that is known is updated; an unchanged line does nothing.", a.opt.Casework.ImportCases, true},
		{"/v1/imports/contacts", "importContacts", "Import earlier contacts", "They count for the caps of the law.", a.opt.Casework.ImportContacts, false},
		{"/v1/imports/payments", "importPayments", "Import payments", "What is due goes down; a case with nothing due closes.", a.opt.Casework.ImportPayments, false},
	} {
		a.raw(endpoint{method: http.MethodPost, path: im.path, id: im.id, tag: "imports", summary: im.summary,
			about: im.about + " Streamed; each bad line is reported with its number and reason, and the good lines are kept. Sending the same file again changes nothing."},
			func(op *huma.Operation) {
				op.Parameters = append(op.Parameters, query("branch", "Your only branch when absent.", str(), false))
				op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"text/csv": {Schema: str()}, "application/x-ndjson": {Schema: str()}}}
				op.Responses = map[string]*huma.Response{"200": answer("What became of the lines.", "application/json", a.schema(casework.ImportReport{}))}
			},
			func(c *gin.Context) { a.importLines(c, im.run, im.needsBranch) })
	}
	a.raw(endpoint{method: http.MethodPost, path: "/v1/imports/territories", id: "importTerritories", tag: "imports", summary: "Import territories (GeoJSON)",
		about: "A FeatureCollection of Polygons and MultiPolygons. A feature that cannot be used is reported with its place and does not stop the others."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, query("branch", "Your only branch when absent.", str(), false))
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/geo+json": {Schema: &huma.Schema{Type: "object"}}, "application/json": {Schema: &huma.Schema{Type: "object"}}}}
			op.Responses = map[string]*huma.Response{"200": answer("What became of the features.", "application/json", a.schema(territoryImport{}))}
		},
		func(c *gin.Context) {
			if p := onlyQuery(c, "branch"); p != nil {
				writeProblem(c, p)
				return
			}
			who := callOf(c.Request.Context())
			b, err := a.branch(c.Request.Context(), who.actor, c.Query("branch"))
			if err != nil {
				a.fail(c, err)
				return
			}
			in, p := plainBody(c, 64<<20)
			if p != nil {
				writeProblem(c, p)
				return
			}
			r := c.Request
			r.Body = io.NopCloser(in)
			out, err := a.importTerritories(r.Context(), who, b, r)
			if err != nil {
				a.fail(c, err)
				return
			}
			c.JSON(http.StatusOK, out)
		})
}

// onlyQuery refuses query parameters the endpoint does not know.
func onlyQuery(c *gin.Context, known ...string) *Problem {
next:
	for name := range c.Request.URL.Query() {
		for _, k := range known {
			if name == k {
				continue next
			}
		}
		return newProblem(http.StatusUnprocessableEntity, "validation", "the endpoint does not know this query parameter").at("query."+shorten(name), "unknown query parameter")
	}
	return nil
}

func (a *API) importLines(c *gin.Context, run importFunc, needsBranch bool) {
	ctx := c.Request.Context()
	if p := onlyQuery(c, "branch"); p != nil {
		writeProblem(c, p)
		return
	}
	contentType, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || contentType != "text/csv" && contentType != "application/x-ndjson" {
		writeProblem(c, newProblem(http.StatusUnsupportedMediaType, "media_type", "send text/csv or application/x-ndjson, and say which as Content-Type"))
		return
	}
	actor := callOf(ctx).actor
	var b auth.BranchID
	if named := c.Query("branch"); named != "" || needsBranch {
		if b, err = a.branch(ctx, actor, named); err != nil {
			a.fail(c, err)
			return
		}
	}
	in, p := plainBody(c, maxImport)
	if p != nil {
		writeProblem(c, p)
		return
	}
	report, err := run(ctx, actor, b, contentType, in, casework.ImportOptions{})
	if err != nil {
		pr := a.problem(ctx, err)
		if report.Accepted+report.Updated > 0 {
			pr.Detail += " Lines before the fault were kept; sending the file again is safe."
		}
		writeProblem(c, pr)
		return
	}
	c.JSON(http.StatusOK, report)
}
