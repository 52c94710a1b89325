package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/office"
)

// atDesks are the roles that may have a second factor beside their password. Of agents the known device is it.
var atDesks = []auth.Role{auth.RoleAdmin, auth.RoleSupervisor, auth.RoleAuditor, auth.RoleLender}

func (a *API) factorEndpoints() {
	const shown = " What it shows is shown this once."
	register(a, endpoint{method: http.MethodPost, path: "/v1/sessions/factor", roles: anyone, id: "signInWithFactor",
		tag: "sessions", summary: "Sign in: the second factor",
		about: "Follows 401 auth.factor_required of POST /v1/sessions, with its challenge, which is good for five minutes " +
			"and five codes. A code is taken once, also where several nodes serve. Wrong codes are limited as wrong " +
			"passwords are."}, a.signInWithFactor)
	register(a, endpoint{method: http.MethodGet, path: "/v1/users/me/factors", roles: atDesks, id: "listMyFactors",
		tag: "sessions", summary: "List my second factors"}, a.listMyFactors)
	register(a, endpoint{method: http.MethodPost, path: "/v1/users/me/factors", roles: atDesks, id: "beginFactor",
		tag: "sessions", summary: "Begin to add a second factor", status: http.StatusCreated,
		about: "An authenticator app (TOTP, RFC 6238): show it uri as a QR code, and confirm it within ten minutes. Who " +
			"has a factor already sends a code of it too." + shown}, a.beginFactor)
	register(a, endpoint{method: http.MethodPost, path: "/v1/users/me/factors/{id}/confirm", roles: atDesks,
		id: "confirmFactor", tag: "sessions", summary: "Confirm a second factor by a code of it",
		about: "From now on sign-in asks for a code. All other sessions of the user end. The first factor brings ten " +
			"recovery codes, each good once." + shown}, a.confirmFactor)
	register(a, endpoint{method: http.MethodPost, path: "/v1/users/me/factors/{id}/remove", roles: atDesks,
		id: "removeFactor", tag: "sessions", summary: "Remove a second factor", status: http.StatusNoContent,
		about: "All other sessions of the user end. With the last factor the recovery codes go."}, a.removeFactor)
	register(a, endpoint{method: http.MethodPost, path: "/v1/users/me/recovery-codes", roles: atDesks,
		id: "renewRecovery", tag: "sessions", summary: "Make ten new recovery codes", status: http.StatusCreated,
		about: "They replace those there are." + shown}, a.renewRecovery)
	register(a, endpoint{method: http.MethodGet, path: "/v1/users/{id}/factors", roles: admins, id: "listFactors",
		tag: "office", summary: "List a user's second factors"}, a.listFactors)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/users/{id}/factors", roles: admins, id: "resetFactors",
		tag: "office", summary: "Take a user's second factors away",
		about: "For who has lost the authenticator app and the recovery codes: be sure that it is they who ask. Their " +
			"sessions end; they sign in with the password alone, and every answer to a sign-in says when this was done " +
			"until they have added a factor. One's own are removed by who has a code of them."}, a.resetFactors)
}

type factorLoginBody struct {
	Challenge string `json:"challenge" minLength:"1" maxLength:"512" doc:"The token of the challenge."`
	Code      string `json:"code" minLength:"1" maxLength:"64" doc:"Six digits of the authenticator app, or a recovery code."`
	// Browser asks for the refresh token as a cookie, as at POST /v1/sessions.
	Browser bool `json:"browser,omitempty"`
}

func (a *API) signInWithFactor(ctx context.Context, c call, in *body[factorLoginBody]) (*sessionOut, error) {
	if in.Body.Browser && c.crossSite {
		return nil, errCrossSite()
	}
	s, err := a.opt.Sessions.SignInWithFactor(ctx, auth.FactorLogin{Token: in.Body.Challenge, Code: in.Body.Code,
		Address: c.address})
	if err != nil {
		return nil, err
	}
	trailOf(ctx).actor.User = s.User.ID
	return sessionAnswer(s, in.Body.Browser), nil
}

type factorItem struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty" doc:"What its user calls it."`
	Confirmed time.Time `json:"confirmed_at" doc:"Since when sign-in asks for it."`
	Used      time.Time `json:"used_at" doc:"When a code of it was taken last."`
}

type factorList struct {
	Items    []factorItem `json:"items"`
	Recovery int          `json:"recovery_codes_left" doc:"Recovery codes that have not been used."`
}

func (a *API) factorsOf(ctx context.Context, id auth.UserID) (*body[factorList], error) {
	list, err := a.opt.Sessions.FactorsOf(ctx, id)
	if errors.Is(err, auth.ErrNoUser) {
		return nil, newProblem(http.StatusNotFound, "user.not_found", "no such user")
	}
	if err != nil {
		return nil, err
	}
	out := factorList{Items: make([]factorItem, len(list.Factors)), Recovery: list.RecoveryLeft}
	for i, f := range list.Factors {
		out.Items[i] = factorItem(f)
	}
	return respond(out), nil
}

func (a *API) listMyFactors(ctx context.Context, c call, _ *struct{}) (*body[factorList], error) {
	return a.factorsOf(ctx, c.actor.User)
}

// ProofBody is what a user shows before their factors are changed.
type ProofBody struct {
	Password string `json:"password" minLength:"1" maxLength:"512" doc:"The present password."`
	Code     string `json:"code,omitempty" maxLength:"64" doc:"Of a factor, or a recovery code; not needed by who has no factor."`
}

func (p ProofBody) proof() auth.Proof {
	if len(p.Password) > 4*auth.MaxPassword {
		p.Password = "" // no password is as long; spare the hashing
	}
	return auth.Proof{Password: p.Password, Code: p.Code}
}

type beginFactorBody struct {
	ProofBody
	Name string `json:"name,omitempty" maxLength:"100" doc:"What to call it."`
}

type newFactor struct {
	ID     string    `json:"id"`
	Secret string    `json:"secret" doc:"For typing into the app, in base32."`
	URI    string    `json:"uri" doc:"otpauth: for a QR code, which the app reads."`
	Ends   time.Time `json:"expires_at" doc:"Until when it can be confirmed."`
}

func (a *API) beginFactor(ctx context.Context, c call, in *body[beginFactorBody]) (*body[newFactor], error) {
	f, err := a.opt.Sessions.BeginFactor(ctx, c.actor, in.Body.proof(), in.Body.Name)
	if err != nil {
		return nil, err
	}
	return respond(newFactor(f)), nil
}

type confirmFactorIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"64" doc:"What the app shows."`
	}
}

type recoveryCodes struct {
	Codes []string `json:"recovery_codes" doc:"New ones, each good once in place of a code; empty: those there are go on."`
}

func (a *API) confirmFactor(ctx context.Context, c call, in *confirmFactorIn) (*body[recoveryCodes], error) {
	codes, err := a.opt.Sessions.ConfirmFactor(ctx, c.actor, in.ID, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return respond(recoveryCodes{append([]string{}, codes...)}), nil
}

type removeFactorIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body ProofBody
}

func (a *API) removeFactor(ctx context.Context, c call, in *removeFactorIn) (*struct{}, error) {
	return nil, a.opt.Sessions.RemoveFactor(ctx, c.actor, in.Body.proof(), in.ID)
}

func (a *API) renewRecovery(ctx context.Context, c call, in *body[ProofBody]) (*body[recoveryCodes], error) {
	codes, err := a.opt.Sessions.RenewRecovery(ctx, c.actor, in.Body.proof())
	if err != nil {
		return nil, err
	}
	return respond(recoveryCodes{codes}), nil
}

func (a *API) listFactors(ctx context.Context, _ call, in *getUserIn) (*body[factorList], error) {
	return a.factorsOf(ctx, auth.UserID(in.ID))
}

func (a *API) resetFactors(ctx context.Context, c call, in *getUserIn) (*body[office.User], error) {
	id := auth.UserID(in.ID)
	if id == c.actor.User {
		return nil, refusal.New(refusal.Conflict, "factor.own", "id", "your own factors are removed with a code: "+
			"POST /v1/users/me/factors/{id}/remove")
	}
	u, err := a.opt.Office.PatchUser(ctx, ask(c), id, office.UserPatch{ResetFactors: true})
	a.opt.Sessions.ForgetUser(id)
	return respond(u), err
}
