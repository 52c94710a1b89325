package httpapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/sync/offline"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

const (
	// minSchema is the oldest schema version of apps that is served.
	minSchema = 1
	// gzipFrom is from which size on answers are compressed on request.
	gzipFrom = 1 << 10
)

func (a *API) syncEndpoints() {
	headers := func(op *huma.Operation) {
		op.Parameters = append(op.Parameters,
			&huma.Param{Name: "X-Device-Id", In: "header", Required: true, Schema: str(), Description: "The device that signed in."},
			&huma.Param{Name: "X-Schema-Version", In: "header", Schema: &huma.Schema{Type: "integer"}, Description: "The app's; 1 when absent."},
			&huma.Param{Name: "X-Client-Time", In: "header", Schema: str(), Description: "RFC 3339: the phone's clock, as evidence."})
	}
	integer := &huma.Schema{Type: "integer"}
	a.raw(endpoint{method: http.MethodGet, path: "/sync/v1/pull", roles: agents, id: "pull", tag: "sync",
		summary: "What has changed for this device since a cursor",
		about:   "Ascending seq; a page is full unless more is false; what left the device's scope is revoke."},
		func(op *huma.Operation) {
			headers(op)
			op.Parameters = append(op.Parameters, query("epoch", "Of the first page; not needed with after=0.", str(), false), query("after", "The cursor.", integer, false),
				query("limit", "1 to 2000; 500 when absent.", integer, false), query("types", "Comma-separated.", str(), false),
				query("wait", "Seconds to wait when nothing has changed, to 25.", integer, false))
			op.Responses = map[string]*huma.Response{"200": answer("A page of changes.", "application/json", &huma.Schema{Type: "object",
				Properties: map[string]*huma.Schema{"epoch": str(), "cursor": integer, "more": {Type: "boolean"}, "server_time": str(),
					"changes": {Type: "array", Items: &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"seq": integer, "type": str(), "id": str(), "rev": integer,
						"op": {Type: "string", Enum: []any{"put", "delete", "revoke"}}, "doc": {Type: "object"}}, Required: []string{"seq", "type", "id", "rev", "op"}}}},
				Required: []string{"epoch", "cursor", "more", "server_time", "changes"}})}
		}, a.pull)
	a.raw(endpoint{method: http.MethodPost, path: "/sync/v1/push", roles: agents, id: "push", tag: "sync",
		summary: "What the phone wrote while offline",
		about:   "At most 200 mutations and 1 MiB. Everything about one mutation is inside a 200, and durable before it."},
		func(op *huma.Operation) {
			headers(op)
			mutation := &huma.Schema{Type: "object", Required: []string{"mid", "type", "id", "op"}, Properties: map[string]*huma.Schema{"mid": str(), "type": str(), "id": str(),
				"op": {Type: "string", Enum: []any{"put", "patch", "delete"}}, "base": integer, "client_ts": str(), "mono_ms": integer,
				"requires": {Type: "array", Items: str()}, "fields": {Type: "object"}}}
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: "object",
				Properties: map[string]*huma.Schema{"device": str(), "schema": integer, "mutations": {Type: "array", Items: mutation}}, Required: []string{"mutations"}}}}}
			result := &huma.Schema{Type: "object", Required: []string{"mid", "type", "id", "status"}, Properties: map[string]*huma.Schema{"mid": str(), "type": str(), "id": str(),
				"status": {Type: "string", Enum: []any{"applied", "duplicate", "merged", "conflict", "revoked", "rejected", "retry"}}, "code": str(), "detail": str(), "rev": integer,
				"op": str(), "doc": {Type: "object"}, "quarantine": str()}}
			op.Responses = map[string]*huma.Response{"200": answer("A result for each mutation, in order.", "application/json", &huma.Schema{Type: "object",
				Properties: map[string]*huma.Schema{"epoch": str(), "server_time": str(), "results": {Type: "array", Items: result}}, Required: []string{"epoch", "server_time", "results"}})}
		}, a.push)
	a.raw(endpoint{method: http.MethodGet, path: "/sync/v1/manifest", roles: agents, id: "manifest", tag: "sync",
		summary: "What the device should hold of a type"},
		func(op *huma.Operation) {
			headers(op)
			op.Parameters = append(op.Parameters, query("type", "Which type.", str(), true))
			op.Responses = map[string]*huma.Response{"200": answer("Ids and revisions.", "application/json", &huma.Schema{Type: "object",
				Properties: map[string]*huma.Schema{"epoch": str(), "cursor": integer, "records": {Type: "array", Items: &huma.Schema{Type: "array"}}}, Required: []string{"epoch", "cursor", "records"}})}
		}, a.manifest)
	a.raw(endpoint{method: http.MethodGet, path: "/sync/v1/stream", roles: agents, id: "stream", tag: "sync",
		summary: "Pokes when there is something to pull (server-sent events)",
		about: "event: poke with the highest seq, on connect and on change, at most one a second; never data. Fall " +
			"back to pull?wait=25."},
		func(op *huma.Operation) {
			headers(op)
			op.Responses = map[string]*huma.Response{"200": answer("An event stream.", "text/event-stream", str())}
		}, a.stream)
}

// caller is the device that calls, or a problem.
func (a *API) caller(c *gin.Context) (offline.Caller, *Problem) {
	actor := callOf(c.Request.Context()).actor
	bad := func(header, code, detail string) (offline.Caller, *Problem) {
		return offline.Caller{}, newProblem(http.StatusBadRequest, code, detail).at("header."+header, detail)
	}
	if actor.Device == "" || len(actor.Branches) != 1 {
		return offline.Caller{}, newProblem(http.StatusForbidden, "auth.device", "sign in with a device to sync")
	}
	device := c.GetHeader("X-Device-Id")
	if device == "" {
		return bad("X-Device-Id", "sync.device", "send X-Device-Id: the device that signed in")
	}
	if auth.DeviceID(device) != actor.Device {
		return offline.Caller{}, newProblem(http.StatusForbidden, "auth.device_mismatch", "the token belongs to another device; sign in on this one")
	}
	if after, ok := a.devices.Allow(device, time.Now()); !ok {
		p := newProblem(http.StatusTooManyRequests, "sync.rate", "this device asks too often; wait")
		p.retryAfter = max(1, int(after.Seconds()+0.999))
		return offline.Caller{}, p
	}
	out := offline.Caller{Actor: actor, Device: actor.Device, Branch: actor.Branches[0], Schema: minSchema, At: a.opt.Journal.Now().UTC()}
	if v := c.GetHeader("X-Schema-Version"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return bad("X-Schema-Version", "sync.schema", "X-Schema-Version is a whole number")
		}
		if n < minSchema {
			p := newProblem(http.StatusConflict, "schema_unsupported", "this app is too old; update it")
			p.Min = minSchema
			return offline.Caller{}, p
		}
		out.Schema = n
	}
	if v := c.GetHeader("X-Client-Time"); v != "" {
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return bad("X-Client-Time", "sync.client_time", "X-Client-Time is RFC 3339")
		}
		out.SkewS = int64(at.Sub(out.At).Round(time.Second) / time.Second)
	}
	return out, nil
}

func (a *API) pull(c *gin.Context) {
	who, p := a.caller(c)
	if p != nil {
		writeProblem(c, p)
		return
	}
	q := offline.PullRequest{Epoch: c.Query("epoch"), Limit: offline.DefaultPull}
	var err error
	if v := c.Query("after"); v != "" {
		if q.After, err = strconv.ParseUint(v, 10, 53); err != nil {
			writeProblem(c, newProblem(http.StatusBadRequest, "malformed", "after is a cursor: a whole number").at("query.after", "not a whole number"))
			return
		}
	}
	if v := c.Query("limit"); v != "" {
		if q.Limit, err = strconv.Atoi(v); err != nil {
			writeProblem(c, newProblem(http.StatusBadRequest, "malformed", "limit is a whole number").at("query.limit", "not a whole number"))
			return
		}
	}
	if v := c.Query("types"); v != "" {
		q.Types = strings.Split(v, ",")
	}
	if v := c.Query("wait"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			writeProblem(c, newProblem(http.StatusBadRequest, "malformed", "wait is in whole seconds").at("query.wait", "not a whole number"))
			return
		}
		q.Wait = time.Duration(n) * time.Second
	}
	out, err := a.opt.Offline.Pull(c.Request.Context(), who, q)
	if err != nil {
		a.fail(c, err)
		return
	}
	writeJSON(c, out)
}

func (a *API) push(c *gin.Context) {
	who, p := a.caller(c)
	if p != nil {
		writeProblem(c, p)
		return
	}
	text, err := readJSON(c, offline.MaxPushBytes, "application/json")
	if err != nil {
		a.fail(c, err)
		return
	}
	var q offline.PushRequest
	if err := strictJSON(text, &q); err != nil {
		a.fail(c, err)
		return
	}
	if q.Mutations == nil {
		writeProblem(c, newProblem(http.StatusBadRequest, "malformed", "send mutations, a list that may be empty").at("body.mutations", "missing"))
		return
	}
	if q.Schema != 0 && q.Schema < minSchema {
		p := newProblem(http.StatusConflict, "schema_unsupported", "this app is too old; update it")
		p.Min = minSchema
		writeProblem(c, p)
		return
	}
	out, err := a.opt.Offline.Push(c.Request.Context(), who, q)
	if err != nil {
		a.fail(c, err)
		return
	}
	for _, r := range out.Results {
		a.metrics.results.WithLabelValues(r.Status).Inc()
	}
	writeJSON(c, out)
}

func (a *API) manifest(c *gin.Context) {
	who, p := a.caller(c)
	if p != nil {
		writeProblem(c, p)
		return
	}
	out, err := a.opt.Offline.Manifest(c.Request.Context(), who, c.Query("type"))
	if err != nil {
		a.fail(c, err)
		return
	}
	writeJSON(c, out)
}

// writeJSON answers with JSON, compressed if it is long and the caller can read that.
func writeJSON(c *gin.Context, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		writeProblem(c, newProblem(http.StatusInternalServerError, "internal", "something went wrong here; it has been noted"))
		return
	}
	c.Header("Vary", "Accept-Encoding")
	if len(text) > gzipFrom && strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err == nil {
			_, err = z.Write(text)
		}
		if err == nil && z.Close() == nil {
			c.Header("Content-Encoding", "gzip")
			text = b.Bytes()
		}
	}
	c.Data(http.StatusOK, "application/json", text)
}
