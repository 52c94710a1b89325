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

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/geo/routing"
	"doorstep/geo/routing/vroom"
	"doorstep/geo/travel"
	"doorstep/server/audit"
	"doorstep/server/conduct"
	"doorstep/server/dispatch"
	"doorstep/server/office"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
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

	retryAfter int  // seconds
	members    bool // Errors name members as rooms do; located makes places of them
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

// problemOf maps every room's errors to a status. It is the only place that does.
// known is false for trouble of ours, which is logged and told as internal or unavailable.
func problemOf(err error) (p *Problem, known bool) {
	if errors.As(err, &p) {
		return p, true
	}
	var (
		a  *auth.Error
		o  *office.Error
		c  *refusal.Error
		d  *dispatch.Error
		co *conduct.Error
		s  *offline.Error
		j  *journal.Error
		g  *geo.Error
		tr *travel.Error
		au *audit.Error
		vr *vroom.Error
		mb *http.MaxBytesError
	)
	switch {
	case errors.As(err, &a):
		return ofAuth(a), true
	case errors.As(err, &o):
		status := map[office.Kind]int{office.Invalid: http.StatusUnprocessableEntity, office.NotFound: http.StatusNotFound, office.Conflict: http.StatusConflict}[o.Kind]
		p := newProblem(status, o.Code(), o.Msg).of(o.Field, o.Msg)
		for _, at := range o.Faults {
			p.of(at.Field, at.Msg)
		}
		return p, true
	case errors.As(err, &c):
		status := map[refusal.Kind]int{refusal.Invalid: http.StatusUnprocessableEntity, refusal.NotFound: http.StatusNotFound,
			refusal.Conflict: http.StatusConflict, refusal.Refused: http.StatusConflict, refusal.Forbidden: http.StatusForbidden}[c.Kind]
		return newProblem(status, c.Code(), c.Msg).of(c.Place, c.Msg), true
	case errors.As(err, &d):
		status := map[dispatch.Kind]int{dispatch.Invalid: http.StatusUnprocessableEntity, dispatch.NotFound: http.StatusNotFound, dispatch.Conflict: http.StatusConflict}[d.Kind]
		p := newProblem(status, d.Code(), d.Msg).of(d.Field, d.Msg)
		for _, at := range d.Faults {
			p.of(at.Field, at.Msg)
		}
		return p, true
	case errors.As(err, &co):
		return ofConduct(co), true
	case errors.As(err, &s):
		return ofOffline(s), true
	case errors.As(err, &j):
		return ofJournal(j), true
	case errors.As(err, &g):
		p := newProblem(http.StatusUnprocessableEntity, g.Code(), g.Error())
		if g.Path != "" {
			p.at("body."+g.Path, g.Msg)
		}
		return p, true
	case errors.As(err, &tr):
		return newProblem(http.StatusUnprocessableEntity, tr.Code(), quoted.ReplaceAllString(tr.Error(), "…")), true
	case errors.As(err, &au):
		return newProblem(http.StatusUnprocessableEntity, au.Code(), au.Msg), true
	case errors.As(err, &mb):
		return newProblem(http.StatusRequestEntityTooLarge, "too_large", "the body is larger than "+strconv.FormatInt(mb.Limit, 10)+" bytes; send it in parts"), true
	case errors.As(err, &vr): // after mb, which it wraps
		status := http.StatusUnprocessableEntity
		if vr.Code() == vroom.CodeJSON {
			status = http.StatusBadRequest
		}
		// The reader quotes what it read, for who has the file before them.
		at, msg := place("body."+vr.Path), quoted.ReplaceAllString(vr.Msg, "…")
		if vr.Whole {
			msg += "; divide the problem by area or by day, or plan it with doorstep route solve on a machine of your own, which takes up to " + strconv.Itoa(routing.MaxStops) + " jobs"
		}
		return newProblem(status, vr.Code(), at+": "+msg).at(at, msg), true
	case errors.Is(err, journal.ErrCursor):
		return newProblem(http.StatusBadRequest, "cursor", "the cursor is not one of this list; start without").at("query.cursor", "not a cursor of this list"), true
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

// statusClientClosed is nginx's, for a caller who has gone: nobody reads it.
const statusClientClosed = 499

func ofAuth(a *auth.Error) *Problem {
	status := map[auth.Kind]int{auth.Invalid: http.StatusUnprocessableEntity, auth.Unauthenticated: http.StatusUnauthorized,
		auth.Forbidden: http.StatusForbidden, auth.Limited: http.StatusTooManyRequests}[a.Kind]
	p := newProblem(status, a.Code(), a.Msg).of(a.Field, a.Msg)
	p.Wipe = a.Wipe
	if a.Kind == auth.Limited {
		p.retryAfter = max(1, int(math.Ceil(a.RetryAfter.Seconds())))
	}
	return p
}

func ofOffline(s *offline.Error) *Problem {
	status := map[offline.Kind]int{offline.Malformed: http.StatusBadRequest, offline.CursorGone: http.StatusGone,
		offline.NotReady: http.StatusServiceUnavailable, offline.TooLarge: http.StatusRequestEntityTooLarge}[s.Kind]
	p := newProblem(status, s.Code(), s.Msg).of(s.Field, s.Msg)
	switch s.Kind {
	case offline.CursorGone:
		p.Reset, p.Epoch = true, s.Epoch
	case offline.NotReady:
		p.retryAfter = max(1, int(math.Ceil(s.RetryAfter.Seconds())))
	}
	return p
}

// maxPlaces is how many places of a pack a problem names.
const maxPlaces = 50

func ofConduct(co *conduct.Error) *Problem {
	status := http.StatusBadRequest
	if co.Code() == "conduct.profile_gone" {
		status = http.StatusConflict
	}
	p := newProblem(status, co.Code(), co.Error()).at(place(strings.TrimSuffix("body."+co.Field, ".")), co.Msg)
	if len(co.Places) > 0 {
		p.Errors = nil
	}
	for _, place := range co.Places[:min(len(co.Places), maxPlaces)] {
		msg := place.Msg
		place.Msg = ""
		p.at(strings.TrimSuffix(cmp.Or(place.String(), "body"), ": "), msg)
	}
	return p
}

func ofJournal(j *journal.Error) *Problem {
	switch j.Code() {
	case "command.reused":
		return newProblem(http.StatusConflict, j.Code(), "this Idempotency-Key was used for another request; take a new one")
	case "journal.closed":
		p := newProblem(http.StatusServiceUnavailable, "stopping", "the server is stopping; try again")
		p.retryAfter = 2
		return p
	case "journal.unclear":
		p := newProblem(http.StatusServiceUnavailable, j.Code(),
			"it is not known whether the change was stored; send it again with the same Idempotency-Key, or the same ids")
		p.retryAfter = 2
		return p
	case "journal.stuck":
		p := newProblem(http.StatusServiceUnavailable, j.Code(),
			"nothing was stored: this branch takes no changes until its journal has been mended; see /readyz")
		p.retryAfter = 60
		return p
	case "command.too_large":
		return newProblem(http.StatusRequestEntityTooLarge, j.Code(), j.Msg)
	}
	return newProblem(http.StatusUnprocessableEntity, j.Code(), j.Msg)
}

// humaProblem is what huma makes its own errors with: without the value that was sent.
func humaProblem(status int, msg string, errs ...error) huma.StatusError {
	for _, err := range errs {
		var p *Problem
		if errors.As(err, &p) {
			return p // of the body's reader
		}
	}
	code := map[int]string{http.StatusBadRequest: "malformed", http.StatusUnprocessableEntity: "validation", http.StatusNotFound: "not_found",
		http.StatusRequestEntityTooLarge: "too_large", http.StatusUnsupportedMediaType: "media_type", http.StatusNotAcceptable: "not_acceptable",
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
