package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo/routing"
	"doorstep/geo/routing/vroom"
	"doorstep/sync/journal"
	"doorstep/sync/seal"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// Problem is an error answer (RFC 9457). Its code is stable; its texts are for
// people, and never repeat a value that was sent.
type Problem struct {
	Type   string `json:"type" doc:"Always about:blank: the code says what kind of problem it is." example:"about:blank"`
	Title  string `json:"title" doc:"The status in words."`
	Status int    `json:"status"`
	Code   string `json:"code" doc:"Stable name of the problem." example:"case.not_found"`
	// Instance finds the request in the log.
	Instance string         `json:"instance,omitempty" doc:"The request, as in X-Request-Id: tell it when you ask for help."`
	Detail   string         `json:"detail,omitempty" doc:"What is wrong and how to mend it."`
	Errors   []ProblemField `json:"errors,omitempty" doc:"The places at fault."`
	// Members of sync/v1.
	Reset bool   `json:"reset,omitempty" doc:"The phone must start again from cursor 0."`
	Epoch string `json:"epoch,omitempty" doc:"The feed's present epoch."`
	Min   int    `json:"min,omitempty" doc:"The oldest schema version that is served."`
	Wipe  bool   `json:"wipe,omitempty" doc:"The app must erase what it holds."`
	// Challenge stands in auth.factor_required alone.
	Challenge *Challenge `json:"challenge,omitempty" doc:"A sign-in that waits for a code: POST /v1/sessions/factor."`
	// Changed stands in case.changed alone.
	Changed *CaseChanged `json:"changed,omitempty" doc:"Who changed the case since the caller saw it."`

	retryAfter int  // seconds
	members    bool // Errors name members as rooms do; located makes places of them
	inBody     bool // a member that the endpoint does not describe is a place in its body
}

// Challenge is a sign-in whose password was right and that waits for a second factor.
type Challenge struct {
	Token     string `json:"token" doc:"For POST /v1/sessions/factor, and nothing else."`
	ExpiresIn int    `json:"expires_in" doc:"Seconds."`
}

// CaseChanged is the newest change of a case.
type CaseChanged struct {
	Rev    uint64      `json:"rev" doc:"The revision that stands there now."`
	By     auth.UserID `json:"by"`
	At     time.Time   `json:"at"`
	Action string      `json:"action" doc:"What was done, as the journal names it." example:"case.reassign"`
}

// ProblemField is one place at fault.
type ProblemField struct {
	Location string `json:"location" example:"body.due_date"`
	Message  string `json:"message"`
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus makes a Problem huma's error.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the media type of problems.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func newProblem(status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

func (p *Problem) at(location, message string) *Problem {
	if location != "" {
		p.Errors = append(p.Errors, ProblemField{location, message})
	}
	return p
}

// of adds a member that a room says is at fault: located finds its place.
func (p *Problem) of(member, message string) *Problem {
	p.members = true
	return p.at(member, message)
}

// statuses are what the kinds of refusals are in HTTP. No other place gives a refusal a status.
var statuses = map[refusal.Kind]int{
	refusal.Invalid:         http.StatusUnprocessableEntity,
	refusal.NotFound:        http.StatusNotFound,
	refusal.Conflict:        http.StatusConflict,
	refusal.Refused:         http.StatusConflict,
	refusal.Forbidden:       http.StatusForbidden,
	refusal.Unauthenticated: http.StatusUnauthorized,
	refusal.Malformed:       http.StatusBadRequest,
	refusal.TooLarge:        http.StatusRequestEntityTooLarge,
	refusal.TooMany:         http.StatusTooManyRequests,
	refusal.Gone:            http.StatusGone,
	refusal.Unavailable:     http.StatusServiceUnavailable,
}

// details replace the messages of refusals that HTTP has other words for.
var details = map[string]string{
	"command.reused": "this Idempotency-Key was used for another request; take a new one",
	"journal.unclear": "it is not known whether the change was stored; send it again with the same Idempotency-Key, " +
		"or the same ids",
}

// problemOf maps every room's errors to a problem. known is false for trouble of ours,
// which is logged and told as internal.
func problemOf(err error) (p *Problem, known bool) {
	if errors.As(err, &p) {
		return p, true
	}
	var (
		more  *auth.FactorRequired
		no    *refusal.Error
		large *http.MaxBytesError
		task  *vroom.Error
	)
	if p, is := ofUpload(err); is {
		return p, true
	}
	switch {
	case errors.As(err, &more) && errors.As(err, &no):
		p := ofRefusal(no)
		p.Challenge = &Challenge{more.Challenge.Token, int(more.Challenge.ExpiresIn.Seconds())}
		return p, true
	case errors.As(err, &no):
		return ofRefusal(no), true
	case errors.As(err, &large):
		return newProblem(http.StatusRequestEntityTooLarge, "too_large",
			"the body is larger than "+strconv.FormatInt(large.Limit, 10)+" bytes; send it in parts"), true
	case errors.As(err, &task): // after large, which it wraps
		return ofTask(task), true
	case errors.Is(err, journal.ErrCursor):
		return newProblem(http.StatusBadRequest, "cursor", "the cursor is not one of this list; start without").
			of("cursor", "not a cursor of this list"), true
	case errors.Is(err, seal.ErrErased):
		return newProblem(http.StatusGone, "debtor.erased", "the debtor's data has been erased"), true
	case errors.Is(err, context.Canceled):
		return newProblem(statusClientClosed, "cancelled", "the request was given up"), true
	case errors.Is(err, context.DeadlineExceeded):
		p := newProblem(http.StatusServiceUnavailable, "busy", "this took too long; try again")
		p.retryAfter = 5
		return p, true
	}
	return newProblem(http.StatusInternalServerError, "internal", "something went wrong here; it has been noted"), false
}

// statusClientClosed is nginx's status for a caller who has gone. It is for the log and the metrics alone.
const statusClientClosed = 499

// maxPlaces is how many places of a pack a problem names.
const maxPlaces = 50

func ofRefusal(e *refusal.Error) *Problem {
	detail := cmp.Or(details[e.Code()], e.Msg)
	if strings.HasPrefix(e.Code(), "travel.") {
		detail = quoted.ReplaceAllString(detail, "…") // it quotes what it read
	}
	p := newProblem(statuses[e.Kind], e.Code(), detail).of(e.Place, e.Msg)
	p.inBody = e.Kind == refusal.Malformed || strings.HasPrefix(e.Code(), "geo.")
	for _, f := range e.Faults[:min(len(e.Faults), maxPlaces)] {
		if f.File != "" || f.Line > 0 || f.Place == "" {
			p.members = false // a place in a file, as it is
			p.at(cmp.Or(f.Where(), "body"), f.Msg)
			continue
		}
		p.of(f.Place, f.Msg)
	}
	if e.RetryAfter > 0 {
		p.retryAfter = max(1, int(math.Ceil(e.RetryAfter.Seconds())))
	}
	p.Wipe, p.Epoch, p.Reset = e.Wipe, e.Epoch, e.Epoch != ""
	return p
}

// ofTask is what is wrong with a routing problem in VROOM's JSON.
func ofTask(e *vroom.Error) *Problem {
	status := http.StatusUnprocessableEntity
	if e.Code() == vroom.CodeJSON {
		status = http.StatusBadRequest
	}
	// The reader quotes what it read, for a person who has the file at hand.
	at, msg := place("body."+e.Path), quoted.ReplaceAllString(e.Msg, "…")
	if e.Whole {
		msg += "; divide the problem by area or by day, or plan it with doorstep route solve on a machine of your own, " +
			"which takes up to " + strconv.Itoa(routing.MaxStops) + " jobs"
	}
	return newProblem(status, e.Code(), at+": "+msg).at(at, msg)
}

// humaProblem is what huma makes its own errors with: without the value that was sent.
func humaProblem(status int, msg string, errs ...error) huma.StatusError {
	for _, err := range errs {
		var p *Problem
		if errors.As(err, &p) {
			return p // of the body's reader
		}
	}
	code := map[int]string{http.StatusBadRequest: "malformed", http.StatusUnprocessableEntity: "validation",
		http.StatusNotFound:              "not_found",
		http.StatusRequestEntityTooLarge: "too_large", http.StatusUnsupportedMediaType: "media_type",
		http.StatusNotAcceptable:  "not_acceptable",
		http.StatusRequestTimeout: "timeout", http.StatusInternalServerError: "internal"}[status]
	if code == "" {
		code = "status_" + strconv.Itoa(status)
	}
	p := newProblem(status, code, msg)
	switch status {
	case http.StatusUnprocessableEntity:
		p.Detail = "the request does not fit the description of the endpoint; mend the places below, see GET /openapi.yaml"
	case http.StatusRequestEntityTooLarge:
		p.Detail = "the body is too large; send it in parts"
	case http.StatusBadRequest:
		p.Detail = "the request cannot be read; see GET /openapi.yaml"
	}
	for _, err := range errs {
		var detail *huma.ErrorDetail
		var fault *jsonFault
		switch {
		case errors.As(err, &detail):
			p.at(place(detail.Location), plain(detail.Message))
		case errors.As(err, &fault):
			p.at(fault.at, fault.msg)
		case err != nil:
			p.at("body", "it cannot be read as what this endpoint takes")
		}
	}
	if len(p.Errors) == 0 && status == http.StatusBadRequest {
		p.at("body", plain(msg))
	}
	return p
}

// ourName is what members, parameters and headers of ours look like. A place is
// told by such names only: what else stands there was sent, and may be a person's.
var (
	ourName   = regexp.MustCompile(`^_?[a-z][a-z0-9_]{0,39}(?:\[\d{1,7}\])*$`)
	ourHeader = regexp.MustCompile(`^header\.[A-Za-z]{1,20}(?:-[A-Za-z]{1,20}){0,4}$`)
)

// place is a place at fault, up to the first name that is not of our making.
func place(location string) string {
	if ourHeader.MatchString(location) {
		return location // only headers we read are at fault
	}
	parts := strings.Split(strings.TrimSuffix(location, "."), ".")
	for i, p := range parts {
		if !ourName.MatchString(p) {
			return shorten(strings.Join(parts[:i], "."))
		}
	}
	return shorten(strings.Join(parts, "."))
}

// quoted is what a message repeats of what was sent.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// plain keeps a message of the validator free of what was sent: quoted texts are cut out.
func plain(msg string) string {
	if strings.HasPrefix(msg, "expected value to be one of") {
		return msg // the codes are ours, and all of them are told
	}
	if i := strings.IndexAny(msg, "\"'`"); i >= 0 && !strings.HasPrefix(msg, "expected") {
		msg = strings.TrimSpace(msg[:i])
	}
	return shorten(msg)
}

func shorten(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// finish gives a problem the name of its request, and the answer the headers that go with it.
func finish(c *gin.Context, p *Problem) {
	p.Instance = instance(c)
	trailOf(c.Request.Context()).code = p.Code
	if p.retryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		c.Header("WWW-Authenticate", `Bearer realm="doorstep"`)
	}
}

// writeProblem answers with a problem, and ends the handling.
func writeProblem(c *gin.Context, p *Problem) {
	finish(c, p)
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{"type":"about:blank","status":500,"code":"internal"}`)
	}
	c.Abort()
	c.Data(p.Status, "application/problem+json", body)
}
