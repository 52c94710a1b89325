package httpapi

import (
	"context"
	"net/http"

	"doorstep/auth"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

type deviceBody struct {
	ID        string `json:"id" pattern:"^[A-Za-z0-9_.-]{1,64}$" doc:"Minted by the app at install."`
	Platform  string `json:"platform" enum:"android,ios,web,other"`
	Name      string `json:"name,omitempty" maxLength:"200"`
	PushToken string `json:"push_token,omitempty" maxLength:"4096" doc:"Of the push provider."`
}

type loginBody struct {
	Login    string      `json:"login" minLength:"1" maxLength:"64"`
	Password string      `json:"password" minLength:"1" maxLength:"512"`
	Device   *deviceBody `json:"device,omitempty" doc:"Required of agents."`
}

type sessionUser struct {
	ID       string   `json:"id"`
	Login    string   `json:"login"`
	Name     string   `json:"name"`
	Role     string   `json:"role"`
	Branches []string `json:"branches"`
	Lender   string   `json:"lender,omitempty"`
	// MustChangePassword says that nothing else is allowed before.
	MustChangePassword bool `json:"must_change_password"`
}

type sessionBody struct {
	AccessToken  string      `json:"access_token"`
	TokenType    string      `json:"token_type" example:"Bearer"`
	ExpiresIn    int         `json:"expires_in" doc:"Seconds."`
	RefreshToken string      `json:"refresh_token"`
	User         sessionUser `json:"user"`
}

type refreshBody struct {
	RefreshToken string `json:"refresh_token" minLength:"1" maxLength:"512"`
	DeviceID     string `json:"device_id,omitempty" maxLength:"64" doc:"The device that signed in; required if one did."`
}

func sessionAnswer(s auth.Session) *body[sessionBody] {
	return respond(sessionBody{AccessToken: s.AccessToken, TokenType: "Bearer", ExpiresIn: int(s.ExpiresIn.Seconds()),
		RefreshToken: s.RefreshToken,
		User:         userOf(s.User)})
}

func userOf(u auth.User) sessionUser {
	out := sessionUser{ID: string(u.ID), Login: u.Login, Name: u.Name, Role: string(u.Role), Lender: u.Lender,
		Branches:           []string{},
		MustChangePassword: u.MustChangePassword}
	for _, b := range u.Branches {
		out.Branches = append(out.Branches, string(b))
	}
	return out
}

func (a *API) sessionEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/sessions", roles: anyone, id: "signIn", tag: "sessions",
		summary: "Sign in",
		about: "Access tokens are short; refresh them. An agent names the device. Attempts are limited by login and " +
			"by address."}, a.signIn)
	register(a, endpoint{method: http.MethodPost, path: "/v1/sessions/refresh", roles: anyone, id: "refreshSession",
		tag: "sessions", summary: "Exchange a refresh token",
		about: "Each token is good once. A used one that comes again ends the session, but for a minute, when the " +
			"answer may have been lost: then the same successor is given again."}, a.refreshSession)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/sessions/current", roles: everyone, id: "signOut",
		tag: "sessions", summary: "Sign out", status: http.StatusNoContent}, a.signOut)
	a.raw(endpoint{method: http.MethodGet, path: "/.well-known/jwks.json", roles: anyone, id: "jwks",
		tag: "sessions", summary: "Public keys of access tokens (RFC 7517)"},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer("A JSON Web Key Set.", "application/json",
				free("RFC 7517 says what a key has"))}
		},
		a.jwks)
}

func (a *API) signIn(ctx context.Context, c call, in *body[loginBody]) (*body[sessionBody], error) {
	l := auth.Login{Login: in.Body.Login, Password: in.Body.Password, Address: c.address}
	if d := in.Body.Device; d != nil {
		l.Device = &auth.Device{ID: auth.DeviceID(d.ID), Platform: d.Platform, Name: d.Name, PushToken: d.PushToken}
	}
	s, err := a.opt.Sessions.SignIn(ctx, l)
	if err != nil {
		return nil, err
	}
	return sessionAnswer(s), nil
}

func (a *API) refreshSession(ctx context.Context, _ call, in *body[refreshBody]) (*body[sessionBody], error) {
	s, err := a.opt.Sessions.Refresh(ctx, in.Body.RefreshToken, auth.DeviceID(in.Body.DeviceID))
	if err != nil {
		return nil, err
	}
	return sessionAnswer(s), nil
}

func (a *API) signOut(ctx context.Context, c call, _ *struct{}) (*struct{}, error) {
	return nil, a.opt.Sessions.SignOut(ctx, c.actor)
}

func (a *API) jwks(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=300")
	c.Data(http.StatusOK, "application/json", a.opt.Sessions.JWKS())
}
