package httpapi

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"

	"doorstep/auth"

	"github.com/gin-gonic/gin"
)

// The security log consists of the log's lines whose message is "security". They tell who did what is watched, and what
// was refused to whom. They hold the user's id, and only a keyed hash of what may be personal, which shows which lines
// belong together: from (the network address), login (as it was typed) and record (the ids in the path).

// watched are the endpoints whose use is an event by itself, and the event's name.
var watched = map[string]string{
	"signIn": "sign_in", "refreshSession": "refresh", "signOut": "sign_out", "endSession": "session.end",
	"changePassword": "password.change", "signInWithFactor": "sign_in.factor", "beginFactor": "factor.begin",
	"confirmFactor": "factor.confirm", "removeFactor": "factor.remove", "renewRecovery": "factor.recovery",
	"resetFactors": "factor.reset",
	"createUser":   "user.create", "changeUser": "user.change",
	"blockDevice": "device.block", "approveDevice": "device.approve",
	"putPack": "pack.put", "deletePack": "pack.delete",
	"putBranch": "branch.put", "putLender": "lender.put", "putPlanRules": "plan_rules.put",
	"getCase": "case.read", "listCases": "case.list", "searchCases": "case.search", "getDebtor": "debtor.read",
	"moveDebtor": "debtor.move",
	"drawRound":  "round.export", "roundCalendar": "round.export", "exportVisits": "export.visits",
	"listOutcomes": "export.outcomes",
	"askErasure":   "erasure.ask", "confirmErasure": "erasure.confirm", "withdrawErasure": "erasure.withdraw",
}

// trail is what a request leaves for the security log.
type trail struct {
	code  string     // of its problem
	actor auth.Actor // who called, even if it was refused; or only the user who has signed in by it
	login string     // as it was typed
	// noted are the kinds of reads it left in the access log, filters the names of what it was asked by.
	noted, filters []string
}

// trailOf finds the trail of a request; never nil.
func trailOf(ctx context.Context) *trail {
	if t, is := ctx.Value(trailKey).(*trail); is {
		return t
	}
	return &trail{}
}

// refusedInput are the statuses of requests that are refused for what they hold, or for their number.
var refusedInput = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
	http.StatusUnprocessableEntity, http.StatusTooManyRequests}

// securityEvent names the event a request is; "" if it is none. What was refused for want of a right is one always, and
// so is what was refused as input: many of these show that a caller tries to get round a control.
func securityEvent(id string, status int, code string) string {
	switch {
	case code == "auth.refresh_reused":
		return "token.reused"
	case watched[id] != "":
		return watched[id]
	case status == http.StatusUnauthorized || status == http.StatusForbidden || code == "auth.limited":
		return "denied"
	case slices.Contains(refusedInput, status):
		return "refused"
	}
	return ""
}

// noteSecurity writes a request into the security log, if it is an event.
func (a *API) noteSecurity(c *gin.Context, endpoint, request string, status int) {
	ctx := c.Request.Context()
	t := trailOf(ctx)
	event := securityEvent(a.endpoints[c.Request.Method+" "+template(c)].id, status, t.code)
	if event == "" {
		return
	}
	level := slog.LevelInfo
	if status >= 400 {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("event", event), slog.String("id", request), slog.String("endpoint", endpoint),
		slog.Int("status", status)}
	record := ""
	for _, p := range c.Params {
		record += p.Value + "\n"
	}
	for _, at := range [][2]string{{"code", t.code}, {"user", string(t.actor.User)}, {"role", string(t.actor.Role)},
		{"from", a.pseudonym("address", a.address(c.Request).String())}, {"login", a.pseudonym("login", t.login)},
		{"record", a.pseudonym("record", record)}} {
		if at[1] != "" {
			attrs = append(attrs, slog.String(at[0], at[1]))
		}
	}
	a.log.LogAttrs(ctx, level, "security", attrs...)
}

// pseudonym is a short keyed hash of a text; "" of "".
func (a *API) pseudonym(kind, text string) string {
	if text == "" || a.opt.Hash == nil {
		return ""
	}
	sum := a.opt.Hash([]byte("security log\n" + kind + "\n" + text))
	return hex.EncodeToString(sum[:8])
}
