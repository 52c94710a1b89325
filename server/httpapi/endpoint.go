package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"doorstep/auth"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// endpoint says what an endpoint is and who may call it.
type endpoint struct {
	method, path string
	// roles may call it. anyone is for everybody, signed in or not; nil is refused by New.
	// Scope (which branches, which cases) is judged behind it: a record out of scope is as
	// if it did not exist.
	roles   []auth.Role
	id      string
	tag     string
	summary string
	about   string
	status  int // of success; 0: 200
	body    int64
	// first runs before the request is read; nil for none. It is for endpoints that register adds.
	first func(ctx huma.Context, next func(huma.Context))
}

// The roles of the endpoints.
var (
	anyone      = []auth.Role{}
	everyone    = auth.Roles()
	admins      = []auth.Role{auth.RoleAdmin}
	supervisors = []auth.Role{auth.RoleAdmin, auth.RoleSupervisor}
	importers   = []auth.Role{auth.RoleAdmin, auth.RoleSupervisor, auth.RoleLender}
	lenders     = []auth.Role{auth.RoleAdmin, auth.RoleLender}
	agents      = []auth.Role{auth.RoleAgent}
	auditors    = []auth.Role{auth.RoleAdmin, auth.RoleAuditor}
)

// maxBody bounds ordinary bodies.
const maxBody = 1 << 20

// allow notes who may call an endpoint. It panics on one that does not say so, or is there twice.
func (a *API) allow(e endpoint) {
	at := e.method + " " + e.path
	if _, twice := a.endpoints[at]; twice || e.roles == nil {
		panic("httpapi: the endpoint " + at + " is there twice, or names no roles")
	}
	a.endpoints[at], a.operations[e.id] = e, e
}

func (e endpoint) operation() huma.Operation {
	op := huma.Operation{OperationID: e.id, Method: e.method, Path: e.path, Tags: []string{e.tag}, Summary: e.summary,
		Description:   e.about,
		DefaultStatus: e.status, MaxBodyBytes: maxBody, BodyReadTimeout: -1, Middlewares: huma.Middlewares{onlyJSON}}
	if e.body > 0 {
		op.MaxBodyBytes = e.body
	}
	if e.first != nil {
		op.Middlewares = append(op.Middlewares, e.first)
	}
	if len(e.roles) > 0 {
		op.Security = []map[string][]string{{"token": {}}}
		op.Extensions = map[string]any{"x-roles": texts(e.roles)}
	}
	if e.method != http.MethodGet && op.Security != nil {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header",
			Schema: &huma.Schema{Type: "string", MaxLength: ptr(maxKey)},
			Description: "The same key has one effect and one answer, and is refused for any other request: in the branch " +
				"of its first use for ever, in all branches for 30 days. A refused request gives it back. Minted when absent."})
	}
	if e.actsOnCase() {
		op.Parameters = append(op.Parameters, &huma.Param{Name: seenHeader, In: "header",
			Schema: &huma.Schema{Type: "integer", Minimum: ptr(1.0)},
			Description: "The rev of the case file on which the caller decided. Where the case has changed since, the act is " +
				"refused as case.changed, and changed says who changed it last, when and how. Absent: it is not compared."})
	}
	return op
}

// seenHeader carries the revision of a case that the caller decided on.
const seenHeader = "X-Seen-Rev"

// actsOnCase tells whether an endpoint changes one case, or what belongs to it.
func (e endpoint) actsOnCase() bool {
	return e.method != http.MethodGet && strings.HasPrefix(e.path, "/v1/cases/{id}/")
}

func ptr[T any](v T) *T { return &v }

// register adds an endpoint that takes and gives JSON.
func register[I, O any](a *API, e endpoint, handle func(ctx context.Context, c call, in *I) (*O, error)) {
	a.allow(e)
	op := e.operation()
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		c := callOf(ctx)
		if c.key != "" {
			c.payload = a.payload([]any{e.id, in})
		}
		release, err := a.claimKey(ctx, e, c)
		if err != nil {
			return nil, a.problem(ctx, e.method+" "+e.path, err)
		}
		out, err := handle(ctx, c, in)
		if err == nil {
			err = unnoted(e.id, trailOf(ctx).noted)
		}
		if err != nil {
			p := a.problem(ctx, e.method+" "+e.path, err)
			if p.Status < statusClientClosed { // it was refused: nothing has changed
				release()
			}
			return nil, p
		}
		return out, nil
	})
	a.describeProblems(e)
}

// claimKey has the caller's Idempotency-Key stand for this request in all branches; release gives it back, since a
// request that was refused has changed nothing.
func (a *API) claimKey(ctx context.Context, e endpoint, c call) (release func(), err error) {
	if c.key == "" || c.actor.User == "" || e.method == http.MethodGet {
		return func() {}, nil
	}
	back, err := journal.ClaimKey(ctx, a.opt.Journal.Store(), c.command(), c.payload, a.opt.Journal.Now())
	return func() {
		if err := back(context.WithoutCancel(ctx)); err != nil {
			a.log.WarnContext(ctx, "an idempotency key is not given back", "err", err)
		}
	}, err
}

// describeProblems gives an operation the answers it can fail with, and notes where it takes what may be at fault.
func (a *API) describeProblems(e endpoint) {
	item := a.huma.OpenAPI().Paths[e.path]
	op := map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
		http.MethodPatch: item.Patch, http.MethodDelete: item.Delete, http.MethodHead: item.Head,
		http.MethodOptions: item.Options}[e.method]
	a.parts[e.method+" "+e.path] = a.partsOf(op)
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = a.problemResponse()
	// huma lists a few statuses by itself; the default covers every one.
	for _, status := range []string{"422", "500"} {
		delete(op.Responses, status)
	}
}

func (a *API) problemResponse() *huma.Response {
	return &huma.Response{Description: "A problem (RFC 9457), with a stable code.",
		Content: map[string]*huma.MediaType{"application/problem+json": {Schema: a.schema(Problem{})}}}
}

// schema is the schema of a Go type, by reference.
func (a *API) schema(v any) *huma.Schema {
	t := reflect.TypeOf(v)
	return a.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// raw adds an endpoint with a plain handler, described by hand.
func (a *API) raw(e endpoint, describe func(op *huma.Operation), handle gin.HandlerFunc) {
	a.allow(e)
	op := e.operation()
	describe(&op)
	a.huma.OpenAPI().AddOperation(&op)
	a.describeProblems(e)
	if handle != nil {
		a.engine.Handle(e.method, ginPath(e.path), a.onlyQuery, handle)
	}
}

// onlyQuery refuses query parameters that an endpoint does not know, as huma does
// for its own. Probes and scrapers may ask anyone's endpoints with parameters of theirs.
func (a *API) onlyQuery(c *gin.Context) {
	at := c.Request.Method + " " + template(c)
	if e := a.endpoints[at]; len(e.roles) == 0 && !strings.HasPrefix(e.path, "/v1/") {
		return
	}
	for name := range c.Request.URL.Query() {
		if a.parts[at].of[name] != "query."+name {
			writeProblem(c, newProblem(http.StatusUnprocessableEntity, "validation",
				"the endpoint does not know this query parameter; see GET /openapi.yaml").at(place("query."+name),
				"unknown query parameter"))
			return
		}
	}
}

// ginPath is a template in gin's words.
func ginPath(path string) string {
	out := []byte{}
	for i := range len(path) {
		switch path[i] {
		case '{':
			out = append(out, ':')
		case '}':
		default:
			out = append(out, path[i])
		}
	}
	return string(out)
}

// answer describes one content type of an answer.
func answer(about, contentType string, schema *huma.Schema) *huma.Response {
	return &huma.Response{Description: about, Content: map[string]*huma.MediaType{contentType: {Schema: schema}}}
}

// query describes a query parameter.
func query(name, about string, schema *huma.Schema, required bool) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: about, Schema: schema, Required: required}
}

func str() *huma.Schema { return &huma.Schema{Type: "string"} }

// body wraps an answer.
type body[T any] struct{ Body T }

func respond[T any](v T) *body[T] { return &body[T]{v} }

// page is a list's answer.
type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Send it as cursor for the next page; absent at the end."`
}

// Paging are the parameters of a list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many items at most."`
	Cursor string `query:"cursor" maxLength:"2000" doc:"next_cursor of the page before."`
}

// branchFor is the branch a request is about: the one it names, else the actor's only one.
func branchFor(actor auth.Actor, named string) (auth.BranchID, error) {
	b := auth.BranchID(named)
	if named == "" {
		if len(actor.Branches) != 1 {
			return "", newProblem(http.StatusUnprocessableEntity, "branch.required",
				"say which branch: ?branch=").at("query.branch", "required of who has not exactly one branch")
		}
		b = actor.Branches[0]
	}
	if b == auth.OrgBranch || !actor.InBranch(b) {
		return "", newProblem(http.StatusNotFound, "branch.not_found", "there is no such branch here")
	}
	return b, nil
}

// bodyBranch is branch for an endpoint that takes it in its body.
func (a *API) bodyBranch(ctx context.Context, actor auth.Actor, named string) (auth.BranchID, error) {
	if named == "" && len(actor.Branches) != 1 {
		return "", newProblem(http.StatusUnprocessableEntity, "branch.required",
			"say which branch: branch in the body").at("body.branch", "required of who has not exactly one branch")
	}
	return a.branch(ctx, actor, named)
}

// branch is branchFor for a branch that must exist.
func (a *API) branch(ctx context.Context, actor auth.Actor, named string) (auth.BranchID, error) {
	b, err := branchFor(actor, named)
	if err != nil {
		return "", err
	}
	if _, err := a.opt.Office.Branch(ctx, b); err != nil {
		return "", err
	}
	return b, nil
}
