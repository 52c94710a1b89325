package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"doorstep/auth"
	"doorstep/sync/journal"

	"github.com/gin-gonic/gin"
)

type ctxKey int

const (
	callKey ctxKey = iota
	requestKey
	trailKey
)

// call is who calls, for the handlers of this package. It goes no further:
// rooms take the actor as an argument.
type call struct {
	actor   auth.Actor
	key     string   // Idempotency-Key
	payload [32]byte // with a key: a keyed hash of what is asked
	seen    uint64   // X-Seen-Rev: the revision of the case that the caller decided on; 0: they do not say
	address string   // of the network, as auth.AddressKey gives it
	// cookies are the refresh tokens of a browser, and crossSite says that a page of another site asks.
	cookies   browserCookies
	crossSite bool
}

// callOf finds the call in a request's context.
func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey).(call)
	return c
}

// command is the command id of a request: the caller's own key when there is one. "" has one minted.
func (c call) command() string {
	if c.key == "" {
		return ""
	}
	return journal.HTTPCommand(c.actor.User, c.key)
}

// requestHeader names a request in its answer, in its problem and in the log.
const requestHeader = "X-Request-Id"

// instance is a request's name as RFC 9457 has it.
func instance(c *gin.Context) string {
	if id := c.Writer.Header().Get(requestHeader); id != "" {
		return "urn:uuid:" + id
	}
	return ""
}

// method is a request's method as it is counted and logged: a caller may send any word there.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
		return r.Method
	}
	return "(other)"
}

// observe names, counts and logs a request: by its template, never by its path, which may hold what it should not.
func (a *API) observe(c *gin.Context) {
	began := time.Now()
	// Ours, never the caller's: it goes to the log.
	id := journal.NewID()
	c.Header(requestHeader, id)
	ctx := context.WithValue(c.Request.Context(), requestKey, id)
	c.Request = c.Request.WithContext(context.WithValue(ctx, trailKey,
		&trail{filters: filtersOf(c.Request.URL.Query())}))
	c.Next()
	took := time.Since(began)
	path := template(c)
	if path == "" {
		path = "(none)"
	}
	status := c.Writer.Status()
	a.metrics.request(method(c.Request), path, status, took)
	a.noteSecurity(c, path, id, status)
	level := slog.LevelDebug
	if status >= 500 {
		level = slog.LevelError
	}
	a.log.Log(c.Request.Context(), level, "request", "id", id, "method", method(c.Request), "endpoint", path, "status",
		status, "ms", took.Milliseconds())
}

// recover turns a bug of ours into a problem; the stack goes to the log.
func (a *API) recover(c *gin.Context) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if r == http.ErrAbortHandler {
			panic(r)
		}
		// What a panic says may be what was sent; the runtime's own errors are not.
		said := fmt.Sprintf("%T", r)
		if ours, is := r.(runtime.Error); is {
			said = ours.Error()
		}
		a.log.Error("panic", "id", c.Request.Context().Value(requestKey), "endpoint", template(c), "what", said, "stack",
			string(debug.Stack()))
		if c.Writer.Written() {
			// The answer has begun: cut the connection, so that nobody takes it for whole.
			panic(http.ErrAbortHandler)
		}
		writeProblem(c, newProblem(http.StatusInternalServerError, "internal",
			"something went wrong here; it has been noted"))
	}()
	c.Next()
}

// secure sets the headers that every answer has.
func (a *API) secure(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	// What is served is data. A page sets a policy of its own.
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	c.Next()
}

// textOnly refuses a path or query that is not UTF-8 or holds control characters: no id holds
// any, and stores and logs treat them differently.
func (a *API) textOnly(c *gin.Context) {
	if !isText(c.Request.URL.Path) {
		writeProblem(c, newProblem(http.StatusBadRequest, "malformed",
			"the path holds control characters, or is not UTF-8").at("path", "not a text"))
		return
	}
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		writeProblem(c, newProblem(http.StatusBadRequest, "malformed",
			"the query cannot be read: join parameters by & and escape the rest").at("query", "not a query"))
		return
	}
	for name, values := range query {
		if !isText(name) || !isText(strings.Join(values, "")) {
			writeProblem(c, newProblem(http.StatusBadRequest, "malformed",
				"the query holds control characters, or is not UTF-8").at(place("query."+name), "not a text"))
			return
		}
	}
	c.Next()
}

// isText tells whether a string is UTF-8 without control characters.
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// maxKey is how many characters an Idempotency-Key may have.
const maxKey = 60

// beforeChange are the endpoints of a user who has yet to change a one-time password.
var beforeChange = []string{"/v1/users/me/password", "/v1/sessions/current", "/v1/users/me"}

// beforeFactor are the endpoints of a user who has yet to add a second factor.
var beforeFactor = append([]string{"/v1/users/me/factors", "/v1/users/me/factors/{id}/confirm"}, beforeChange...)

// authenticate says who calls, and refuses a role that the endpoint is not for.
func (a *API) authenticate(c *gin.Context) {
	if c.FullPath() == "" {
		c.Next() // no such endpoint: NoRoute and NoMethod answer
		return
	}
	e, ok := a.endpoints[c.Request.Method+" "+template(c)]
	if !ok {
		a.log.Error("an endpoint names no roles", "method", c.Request.Method, "endpoint", template(c))
		writeProblem(c, newProblem(http.StatusForbidden, "auth.role", "this endpoint is closed"))
		return
	}
	in := call{address: auth.AddressKey(a.address(c.Request)), key: c.GetHeader("Idempotency-Key")}
	in.cookies, in.crossSite = browserOf(c.Request)
	if len(in.key) > maxKey || !printable(in.key) {
		writeProblem(c, newProblem(http.StatusBadRequest, "idempotency_key",
			"an Idempotency-Key has 1 to 60 printable characters").at("header.Idempotency-Key", "too long, or not printable"))
		return
	}
	if text := c.GetHeader(seenHeader); text != "" && e.actsOnCase() {
		var err error
		if in.seen, err = strconv.ParseUint(text, 10, 53); err != nil || in.seen == 0 {
			writeProblem(c, newProblem(http.StatusBadRequest, "case.seen",
				"X-Seen-Rev is the rev of a case file, a whole number from 1").at("header."+seenHeader, "not a revision"))
			return
		}
	}
	if len(e.roles) > 0 {
		actor, problem := a.who(c)
		if problem != nil {
			writeProblem(c, problem)
			return
		}
		trailOf(c.Request.Context()).actor = actor
		if p := a.tooMany(actor, time.Now()); p != nil {
			writeProblem(c, p)
			return
		}
		if !slices.Contains(e.roles, actor.Role) {
			writeProblem(c, newProblem(http.StatusForbidden, "auth.role", "your role may not do this"))
			return
		}
		if actor.MustChangePassword && !slices.Contains(beforeChange, e.path) {
			writeProblem(c, newProblem(http.StatusForbidden, "auth.must_change_password",
				"change the one-time password first: POST /v1/users/me/password"))
			return
		}
		if actor.MustEnrol && !slices.Contains(beforeFactor, e.path) {
			writeProblem(c, newProblem(http.StatusForbidden, "auth.must_enrol_factor",
				"your role needs a second factor: add one first, POST /v1/users/me/factors"))
			return
		}
		in.actor = actor
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), callKey, in))
	c.Next()
}

// address is where a request comes from: the connection's other end, or what the trusted proxies say of it. A proxy
// adds who called it at the end of X-Forwarded-For, so the last address that is not a trusted proxy's counts, and what
// stands before it may be made up. A header may come in several lines, which count as one list.
func (a *API) address(r *http.Request) netip.Addr {
	trusted := func(at netip.Addr) bool {
		return slices.ContainsFunc(a.opt.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(at) })
	}
	conn, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := conn.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !trusted(at) {
			break
		}
		next, ok := hopAddress(strings.TrimSpace(hop))
		if !ok {
			break // what the proxy itself says of its caller cannot be read
		}
		at = next
	}
	return at
}

// hopAddress reads an address, which some proxies write with a port.
func hopAddress(text string) (netip.Addr, bool) {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap(), true
	}
	at, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return at.Unmap(), err == nil
}

func (a *API) who(c *gin.Context) (auth.Actor, *Problem) {
	scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return auth.Actor{}, newProblem(http.StatusUnauthorized, "auth.token_missing",
			"send the access token of POST /v1/sessions as Authorization: Bearer")
	}
	actor, err := a.opt.Sessions.Verify(c.Request.Context(), strings.TrimSpace(token))
	if err != nil {
		return auth.Actor{}, a.problem(c.Request.Context(), "", err)
	}
	return actor, nil
}

// tooMany refuses a user who calls without end; nil for the others. The node counts for itself.
func (a *API) tooMany(actor auth.Actor, now time.Time) *Problem {
	after, ok := a.users.Allow(string(actor.User), now)
	if ok {
		return nil
	}
	p := newProblem(http.StatusTooManyRequests, "user.rate", "you call too often; wait")
	p.retryAfter = max(1, int(after.Seconds()+0.999))
	return p
}

// problem is problemOf at an endpoint ("METHOD template"), with trouble of ours logged.
func (a *API) problem(ctx context.Context, at string, err error) *Problem {
	p, known := problemOf(err)
	if !known {
		a.log.ErrorContext(ctx, "request failed", "id", ctx.Value(requestKey), "err", err)
		if a.opt.Trouble != nil {
			if later := a.opt.Trouble(err); later != nil {
				p = ofRefusal(later)
			}
		}
	}
	return p.located(a.parts[at])
}

func (a *API) fail(c *gin.Context, err error) {
	writeProblem(c, a.problem(c.Request.Context(), c.Request.Method+" "+template(c), err))
}

func printable(s string) bool {
	for _, r := range s {
		if r < 0x21 || r > 0x7e {
			return false
		}
	}
	return true
}
