package httpapi

import (
	"net/http"

	"doorstep/openapi"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

func (a *API) operatorEndpoints() {
	text := func(about string) func(*huma.Operation) {
		return func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer(about, "text/plain", str())}
		}
	}
	status := func(about string) func(*huma.Operation) {
		return func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer(about, "application/json", &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"status": str(), "version": str()}})}
		}
	}
	a.raw(endpoint{method: http.MethodGet, path: "/livez", id: "livez", tag: "operation", summary: "Is the process alive"}, status("It is."),
		func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok", "version": a.opt.Version}) })
	a.raw(endpoint{method: http.MethodGet, path: "/readyz", id: "readyz", tag: "operation", summary: "Can it answer"}, status("It can."),
		func(c *gin.Context) {
			if err := a.opt.Ready(c.Request.Context()); err != nil {
				a.log.Warn("not ready", "err", err)
				p := newProblem(http.StatusServiceUnavailable, "not_ready", "the server cannot answer yet")
				p.retryAfter = 2
				writeProblem(c, p)
				return
			}
			c.JSON(http.StatusOK, gin.H{"status": "ok"})
		})
	a.raw(endpoint{method: http.MethodGet, path: "/metrics", id: "metrics", tag: "operation", summary: "Metrics (Prometheus)"}, text("Metrics."),
		gin.WrapH(a.metrics.handler()))
	a.raw(endpoint{method: http.MethodGet, path: "/openapi.yaml", id: "openapi", tag: "operation", summary: "This description (OpenAPI 3.1)"},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer("The description.", "application/yaml", str())}
		},
		func(c *gin.Context) {
			out, err := a.spec()
			if err != nil {
				a.fail(c, err)
				return
			}
			c.Data(http.StatusOK, "application/yaml", out)
		})
	a.raw(endpoint{method: http.MethodGet, path: "/docs", id: "docs", tag: "operation", summary: "This description as a page"},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer("A page.", "text/html", str())}
		},
		func(c *gin.Context) {
			c.Header("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; frame-ancestors 'none'")
			c.Data(http.StatusOK, "text/html; charset=utf-8", openapi.Page)
		})
	a.raw(endpoint{method: http.MethodGet, path: "/docs/{file}", id: "docsFile", tag: "operation", summary: "What the page is made of"},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, &huma.Param{Name: "file", In: "path", Required: true, Schema: str()})
			op.Responses = map[string]*huma.Response{"200": answer("A script.", "text/javascript", str())}
		},
		func(c *gin.Context) {
			if c.Param("file") != "docs.js" {
				writeProblem(c, newProblem(http.StatusNotFound, "not_found", "there is no such file"))
				return
			}
			c.Data(http.StatusOK, "text/javascript; charset=utf-8", openapi.Script)
		})
	a.raw(endpoint{method: http.MethodGet, path: "/", id: "index", tag: "operation", summary: "Where to begin"},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"303": {Description: "To /docs."}}
		},
		func(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/docs") })
}
