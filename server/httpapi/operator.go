package httpapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/openapi"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

func (a *API) operatorEndpoints() {
	text := func(about string) func(*huma.Operation) {
		return func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer(about, "text/plain", str())}
		}
	}
	status := func(about string, more map[string]*huma.Schema) func(*huma.Operation) {
		return func(op *huma.Operation) {
			members := map[string]*huma.Schema{"status": str()}
			maps.Copy(members, more)
			schema := &huma.Schema{Type: "object", Properties: members}
			op.Responses = map[string]*huma.Response{"200": answer(about, "application/json", schema)}
		}
	}
	a.raw(endpoint{method: http.MethodGet, path: "/livez", roles: anyone, id: "livez", tag: "operation",
		summary: "Is the process alive"},
		status("It is.", map[string]*huma.Schema{"version": str()}),
		a.livez)
	a.raw(endpoint{method: http.MethodGet, path: "/readyz", roles: anyone, id: "readyz", tag: "operation",
		summary: "Can it answer"},
		status("It can. It lists the branches with entries that could not be read, or not applied to a view: "+
			"they are served without what those say.",
			map[string]*huma.Schema{"parked": {Type: "array", Items: parkedSchema()}}), a.readyz)
	a.raw(endpoint{method: http.MethodGet, path: "/metrics", roles: anyone, id: "metrics", tag: "operation",
		summary: "Metrics (Prometheus)",
		about:   "With --metrics-listen they are at that address only, and here is 404."}, text("Metrics."), a.serveMetrics)
	a.raw(endpoint{method: http.MethodGet, path: "/openapi.yaml", roles: anyone, id: "openapi", tag: "operation",
		summary: "This description (OpenAPI 3.1)"},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer("The description.", "application/yaml", str())}
		},
		a.serveDescription)
	a.raw(endpoint{method: http.MethodGet, path: "/docs", roles: anyone, id: "docs", tag: "operation",
		summary: "This description as a page"},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer("A page.", "text/html", str())}
		},
		a.docsPage)
	a.raw(endpoint{method: http.MethodGet, path: "/docs/{file}", roles: anyone, id: "docsFile", tag: "operation",
		summary: "What the page is made of"},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, &huma.Param{Name: "file", In: "path", Required: true, Schema: str()})
			op.Responses = map[string]*huma.Response{"200": answer("A script.", "text/javascript", str())}
		},
		a.docsFile)
	a.raw(endpoint{method: http.MethodGet, path: "/", roles: anyone, id: "index", tag: "operation",
		summary: "Where to begin"},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"303": {Description: "To /docs."}}
		},
		a.index)
}

// parkedBranch is a branch some of whose entries are not in its views, or not in one of
// them. Only the log says why, since this endpoint is open to everybody.
type parkedBranch struct {
	Branch  auth.BranchID `json:"branch"`
	Entries uint64        `json:"entries"` // how many
	First   uint64        `json:"first"`
	Since   time.Time     `json:"since,omitzero"`
	// View is the view that lacks them; "" when no view has them.
	View string `json:"view,omitempty"`
}

func parkedSchema() *huma.Schema {
	number := &huma.Schema{Type: "integer"}
	view := str()
	view.Description = "The view that lacks them, until doorstep rebuild makes it again; absent when every view " +
		"lacks them."
	return &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"branch": str(), "entries": number,
		"first": number,
		"since": {Type: "string", Format: "date-time"}, "view": view}}
}

// readyz answers 503 as long as the server cannot answer, or a branch is stuck: its
// changes wait. Parked entries do not make it unready, since a restart would not help.
func (a *API) readyz(c *gin.Context) {
	parked, err := a.ready(c.Request.Context())
	if err != nil {
		a.log.Warn("not ready", "err", err)
		detail := "the server cannot answer yet"
		if stuck := a.stuckBranches(); stuck != "" {
			detail = "changes are not taken in: " + stuck
		}
		if why := whyNotReady(err); why != "" {
			detail += "; " + why
		}
		p := newProblem(http.StatusServiceUnavailable, "not_ready", detail)
		p.retryAfter = 2
		writeProblem(c, p)
		return
	}
	answer := gin.H{"status": "ok"}
	if len(parked) > 0 {
		answer["parked"] = parked
	}
	c.JSON(http.StatusOK, answer)
}

func (a *API) ready(ctx context.Context) ([]parkedBranch, error) {
	if err := a.opt.Ready(ctx); err != nil || a.opt.Journal == nil {
		return nil, err
	}
	states, err := a.opt.Journal.States(ctx)
	if err != nil {
		return nil, err
	}
	var out []parkedBranch
	for _, s := range states {
		if len(s.Parked) > 0 {
			b := parkedBranch{Branch: s.Branch, First: s.Parked[0].First, Since: s.Parked[0].Since}
			for _, p := range s.Parked {
				b.Entries += p.Last - p.First + 1
			}
			out = append(out, b)
		}
		for _, p := range s.ParkedViews { // in order of view and entry
			if n := len(out); n == 0 || out[n-1].Branch != p.Branch || out[n-1].View != p.View {
				out = append(out, parkedBranch{Branch: p.Branch, First: p.First, View: p.View})
			}
			out[len(out)-1].Entries += p.Last - p.First + 1
		}
	}
	return out, nil
}

// stuckBranches names the branches that are stuck, and since when.
func (a *API) stuckBranches() string {
	if a.opt.Journal == nil {
		return ""
	}
	var out []string
	for _, s := range a.opt.Journal.StuckBranches() {
		out = append(out, fmt.Sprintf("branch %s since %s", s.Branch, s.Since.Format(time.RFC3339)))
	}
	return strings.Join(out, ", ")
}

// whyNotReady says in general terms what is wrong with the store; "" when that is not known. Details are for the log.
func whyNotReady(err error) string {
	switch {
	case errors.Is(err, journal.ErrNoAnswer) || errors.Is(err, context.DeadlineExceeded):
		return "the store does not answer"
	case errors.Is(err, journal.ErrFull):
		return "the store has no room left"
	}
	return ""
}

func (a *API) serveMetrics(c *gin.Context) {
	if a.opt.MetricsElsewhere {
		writeProblem(c, newProblem(http.StatusNotFound, "not_found", "metrics are served at an address of their own"))
		return
	}
	a.Metrics().ServeHTTP(c.Writer, c.Request)
}

func (a *API) livez(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"status": "ok", "version": a.opt.Version})
}

func (a *API) serveDescription(c *gin.Context) {
	c.Data(http.StatusOK, "application/yaml", a.Spec())
}

func (a *API) docsPage(c *gin.Context) {
	c.Header("Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "+
			"worker-src blob:; base-uri 'none'; frame-ancestors 'none'")
	c.Data(http.StatusOK, "text/html; charset=utf-8", openapi.Page)
}

func (a *API) docsFile(c *gin.Context) {
	if c.Param("file") != "docs.js" {
		writeProblem(c, newProblem(http.StatusNotFound, "not_found", "there is no such file"))
		return
	}
	c.Data(http.StatusOK, "text/javascript; charset=utf-8", openapi.Script)
}

func (a *API) index(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/docs") }
