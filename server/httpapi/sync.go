package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/offline"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

func (a *API) syncEndpoints() {
	headers := func(op *huma.Operation) {
		op.Parameters = append(op.Parameters,
			&huma.Param{Name: "X-Device-Id", In: "header", Required: true, Schema: str(),
				Description: "The device that signed in."},
			&huma.Param{Name: "X-Schema-Version", In: "header", Schema: &huma.Schema{Type: "integer"},
				Description: "Which version of the records the app knows; the newest when absent."},
			&huma.Param{Name: "X-Client-Time", In: "header", Schema: str(),
				Description: "RFC 3339: the phone's clock, as evidence."})
	}
	records := schemasOf(a.huma.OpenAPI().Components.Schemas)
	whole := &huma.Schema{Type: "integer"}
	page := func(name string, members map[string]*huma.Schema, optional ...string) *huma.Schema {
		records.into[name] = &huma.Schema{Type: "object", AdditionalProperties: false, Properties: members,
			Required: slices.DeleteFunc(slices.Sorted(maps.Keys(members)),
				func(member string) bool { return slices.Contains(optional, member) })}
		return refTo(name)
	}
	a.raw(endpoint{method: http.MethodGet, path: "/sync/v1/pull", roles: agents, id: "pull", tag: "sync",
		summary: "What has changed for this device since a cursor",
		about:   "Ascending seq; a page is full unless more is false; what left the device's scope is revoke."},
		func(op *huma.Operation) {
			headers(op)
			op.Parameters = append(op.Parameters, query("epoch", "Of the first page; not needed with after=0.", str(), false),
				query("after", "The cursor.", whole, false),
				query("limit", "1 to 2000; 500 when absent.", whole, false), query("types", "Comma-separated.", str(), false),
				query("wait", "Seconds to wait when nothing has changed, to 25.", whole, false))
			op.Responses = map[string]*huma.Response{"200": answer("A page of changes.", "application/json", page("PullAnswer",
				map[string]*huma.Schema{"epoch": text("Of the feed: send it with the first page."),
					"cursor": integer("Send it as after for the next page."), "more": {Type: "boolean",
						Description: "False: the page ends at the feed's end."},
					"server_time": {Type: "string", Format: "date-time"},
					"unknown_types": {Type: "array", Items: str(),
						Description: "The types asked for that this server does not know: they are skipped."},
					"changes": {Type: "array", Items: records.changes()}}, "unknown_types"))}
		}, a.pull)
	a.raw(endpoint{method: http.MethodPost, path: "/sync/v1/push", roles: agents, id: "push", tag: "sync",
		summary: "What the phone wrote while offline",
		about: "At most 200 mutations and 1 MiB. Everything about one mutation is inside a 200, and durable before " +
			"it: one that cannot be read is rejected by itself and kept as it was sent. Unknown members are ignored."},
		func(op *huma.Operation) {
			headers(op)
			op.RequestBody = &huma.RequestBody{Required: true,
				Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{
					Type: "object", Extensions: map[string]any{openReason: ignoredOpen}, Required: []string{"mutations"},
					Properties: map[string]*huma.Schema{
						"device": text("The device that signed in; X-Device-Id says it already."),
						"schema": integer("As X-Schema-Version, which it goes before."),
						"epoch": text("That of the phone's cursor. If the feed has another, nothing is decided: 410 cursor_expired; " +
							"offer first what was acknowledged before."),
						"mutations": {Type: "array", MaxItems: ptr(offline.MaxMutations), Items: records.mutations()}}}}}}
			op.Responses = map[string]*huma.Response{"200": answer("A result for each mutation, in order.", "application/json",
				page("PushAnswer",
					map[string]*huma.Schema{"epoch": text("Of the feed."), "server_time": {Type: "string", Format: "date-time"},
						"results": {Type: "array", Items: records.results()}}))}
		}, a.push)
	a.raw(endpoint{method: http.MethodGet, path: "/sync/v1/manifest", roles: agents, id: "manifest", tag: "sync",
		summary: "What the device should hold of a type"},
		func(op *huma.Operation) {
			headers(op)
			op.Parameters = append(op.Parameters, query("type", "Which type.", str(), true))
			op.Responses = map[string]*huma.Response{"200": answer("Ids and revisions.", "application/json", page("Manifest",
				map[string]*huma.Schema{"epoch": text("Of the feed."), "cursor": integer("Pull up to it before comparing."),
					"records": {Type: "array", Items: &huma.Schema{Type: "array", MinItems: ptr(2), MaxItems: ptr(2),
						Description: "[id, rev]",
						Items:       &huma.Schema{OneOf: []*huma.Schema{{Type: "string"}, {Type: "integer", Format: "int64"}}}}}}))}
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
		return offline.Caller{}, newProblem(http.StatusForbidden, "auth.device_mismatch",
			"the token belongs to another device; sign in on this one")
	}
	if after, ok := a.devices.Allow(device, time.Now()); !ok {
		return offline.Caller{}, tooOften(after)
	}
	out := offline.Caller{Actor: actor, Device: actor.Device, Branch: actor.Branches[0], Schema: record.Schema,
		At: a.opt.Journal.Now().UTC()}
	if v := c.GetHeader("X-Schema-Version"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return bad("X-Schema-Version", "sync.schema", "X-Schema-Version is a whole number")
		}
		if p := tooOld(n); p != nil {
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
	a.opt.Office.Called(out.Device, out.At)
	return out, nil
}

// tooOften refuses a device that loops.
func tooOften(after time.Duration) *Problem {
	p := newProblem(http.StatusTooManyRequests, "sync.rate", "this device asks too often; wait")
	p.retryAfter = max(1, int(after.Seconds()+0.999))
	return p
}

// tooOld refuses apps of a schema version that is not served any more; nil for the others.
func tooOld(version int) *Problem {
	if version >= record.MinSchema {
		return nil
	}
	p := newProblem(http.StatusConflict, "schema_unsupported", "this app is too old; update it")
	p.Min = record.MinSchema
	return p
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
			writeProblem(c, newProblem(http.StatusBadRequest, "malformed", "after is a cursor: a whole number").at("query.after",
				"not a whole number"))
			return
		}
	}
	if v := c.Query("limit"); v != "" {
		if q.Limit, err = strconv.Atoi(v); err != nil {
			writeProblem(c, newProblem(http.StatusBadRequest, "malformed", "limit is a whole number").at("query.limit",
				"not a whole number"))
			return
		}
	}
	if v := c.Query("types"); v != "" {
		q.Types = strings.Split(v, ",")
	}
	if v := c.Query("wait"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			writeProblem(c, newProblem(http.StatusBadRequest, "malformed", "wait is in whole seconds").at("query.wait",
				"not a whole number"))
			return
		}
		q.Wait = time.Duration(n) * time.Second
	}
	mine, leave := a.pulls.enter(string(who.Device))
	if mine == nil {
		writeProblem(c, tooOften(time.Second))
		return
	}
	defer leave()
	if q.Wait == 0 { // a pull that waits for something new keeps none of the others waiting
		done, err := mine.wait(c.Request.Context())
		if err != nil {
			a.fail(c, err)
			return
		}
		defer done()
	}
	out, err := a.pullWhileIn(c.Request.Context(), who, q)
	if err != nil {
		a.fail(c, err)
		return
	}
	streamJSON(c, out, out.Size())
}

// pullWhileIn pulls. A user who is out when a wait has ended gets nothing.
func (a *API) pullWhileIn(ctx context.Context, who offline.Caller, q offline.PullRequest) (offline.PullAnswer, error) {
	if q.Wait == 0 {
		return a.opt.Offline.Pull(ctx, who, q)
	}
	in, leave := a.whileIn(ctx, who.Actor)
	out, err := a.opt.Offline.Pull(in, who, q)
	leave()
	if refused := a.opt.Sessions.Check(ctx, who.Actor); refused != nil {
		return out, refused
	}
	return out, err
}

func (a *API) push(c *gin.Context) {
	who, p := a.caller(c)
	if p != nil {
		writeProblem(c, p)
		return
	}
	q, end, err := a.readPush(c, who.Device)
	if err != nil {
		a.fail(c, err)
		return
	}
	defer end()
	if q.Schema != 0 {
		if p := tooOld(q.Schema); p != nil {
			writeProblem(c, p)
			return
		}
		who.Schema = q.Schema
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

// readPush reads a push within the limits of its device, and waits for the device's turn. The caller calls end when the
// push is answered, unless there is an error.
func (a *API) readPush(c *gin.Context, from auth.DeviceID) (q offline.PushRequest, end func(), err error) {
	// One is taken before the body is read: a device that loops is refused without reading what it sends.
	if after, ok := a.mutations.Allow(string(from), time.Now()); !ok {
		return q, nil, tooOften(after)
	}
	// Each push is taken for one that cannot be read, until it was read.
	if after, ok := a.badPushes.Allow(string(from), time.Now()); !ok {
		return q, nil, tooOften(after)
	}
	mine, leave := a.pushes.enter(string(from))
	if mine == nil {
		return q, nil, tooOften(time.Second)
	}
	done := func() {}
	over := func() { done(); leave() }
	defer func() {
		if err != nil {
			over()
		}
	}()
	// The turn begins once the whole body was read, so that a slow body does not delay the other requests of its device.
	sent, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, offline.MaxPushBytes))
	if err != nil {
		return q, nil, err
	}
	turn, err := mine.wait(c.Request.Context())
	if err != nil {
		return q, nil, err
	}
	done = turn
	c.Request.Body = io.NopCloser(bytes.NewReader(sent))
	text, err := readBody(c, offline.MaxPushBytes, "application/json")
	if err != nil {
		return q, nil, err
	}
	if q, err = offline.ReadPush(bytes.TrimPrefix(text, []byte(byteOrderMark))); err != nil {
		return q, nil, err
	}
	a.badPushes.Undo(string(from))
	if after, ok := a.mutations.AllowN(string(from), len(q.Mutations)-1, time.Now()); !ok {
		return q, nil, tooOften(after)
	}
	return q, over, nil
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
		writeProblem(c, newProblem(http.StatusInternalServerError, "internal",
			"something went wrong here; it has been noted"))
		return
	}
	c.Header("Vary", "Accept-Encoding")
	if k := codingOf(c); len(text) > packedFrom && k != nil {
		var b bytes.Buffer
		z := k.get(&b)
		if _, err := z.Write(text); err == nil && z.Close() == nil {
			c.Header("Content-Encoding", k.name)
			text = b.Bytes()
		}
		k.put(z)
	}
	c.Data(http.StatusOK, jsonType, text)
}

// streamJSON answers as writeJSON does with what writes itself. It holds no copy of the answer, which is about size
// bytes; an answer that cannot be written to its end is cut off, which the caller's HTTP notices.
func streamJSON(c *gin.Context, v io.WriterTo, size int) {
	c.Header("Content-Type", jsonType)
	c.Header("Vary", "Accept-Encoding")
	var w io.Writer = c.Writer
	if k := codingOf(c); size > packedFrom && k != nil {
		c.Header("Content-Encoding", k.name)
		z := k.get(c.Writer)
		defer func() {
			_ = z.Close() // as below
			k.put(z)
		}()
		w = z
	}
	c.Status(http.StatusOK)
	_, _ = v.WriteTo(w) // the caller is gone, and reads no problem
}

const jsonType = "application/json"
