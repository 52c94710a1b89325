package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

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
	// Browser asks for the refresh token as a cookie, which no script of a page can read, in place of refresh_token.
	Browser bool `json:"browser,omitempty"`
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
	// MustEnrolFactor says that nothing else is allowed before: a second factor is required of the role.
	MustEnrolFactor bool `json:"must_enrol_factor"`
	// FactorsResetAt is when an administrator took the user's second factors away; absent: never, or the user has added
	// one since. Show it to the user.
	FactorsResetAt time.Time `json:"factors_reset_at,omitzero"`
}

type sessionBody struct {
	AccessToken  string      `json:"access_token"`
	TokenType    string      `json:"token_type" example:"Bearer"`
	ExpiresIn    int         `json:"expires_in" doc:"Seconds."`
	RefreshToken string      `json:"refresh_token,omitempty" doc:"Absent where the cookie holds it."`
	User         sessionUser `json:"user"`
}

type refreshBody struct {
	RefreshToken string `json:"refresh_token,omitempty" minLength:"1" maxLength:"512" doc:"Absent: the cookie holds it, and will hold its successor."`
	DeviceID     string `json:"device_id,omitempty" maxLength:"64" doc:"The device that signed in; required if one did."`
}

// sessionOut is a session, whose refresh token is in the body or in the cookie.
type sessionOut struct {
	Cookie string `header:"Set-Cookie" doc:"Of browsers: the refresh token."`
	Body   sessionBody
}

// sessionAnswer gives a session's tokens; those of a browser get the refresh token as a cookie.
func sessionAnswer(s auth.Session, browser bool) *sessionOut {
	out := &sessionOut{Body: sessionBody{AccessToken: s.AccessToken, TokenType: "Bearer",
		ExpiresIn: int(s.ExpiresIn.Seconds()), RefreshToken: s.RefreshToken, User: userOf(s)}}
	if browser {
		out.Cookie, out.Body.RefreshToken = refreshCookie(s.RefreshToken, s.Device), ""
	}
	return out
}

func userOf(s auth.Session) sessionUser {
	u := s.User
	out := sessionUser{ID: string(u.ID), Login: u.Login, Name: u.Name, Role: string(u.Role), Lender: u.Lender,
		Branches:           []string{},
		MustChangePassword: u.MustChangePassword, MustEnrolFactor: s.MustEnrol, FactorsResetAt: s.FactorsReset}
	for _, b := range u.Branches {
		out.Branches = append(out.Branches, string(b))
	}
	return out
}

func (a *API) sessionEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/sessions", roles: anyone, id: "signIn", tag: "sessions",
		summary: "Sign in",
		about: "Access tokens are short; refresh them. An agent names the device. Failures are limited by login and " +
			"address; a device on which the user has signed in before is counted by itself. A device belongs to one user. " +
			"A user with a second factor is answered with 401 auth.factor_required and a challenge: go on with " +
			"POST /v1/sessions/factor. A browser asks for the refresh token as a cookie (browser), which is HttpOnly, " +
			"Secure, SameSite=Strict and sent to /v1/sessions alone; a page of another site is refused (auth.cross_site). " +
			"A sign-in with a device has a cookie of its own, which stays when the browser ends."},
		a.signIn)
	register(a, endpoint{method: http.MethodPost, path: "/v1/sessions/refresh", roles: anyone, id: "refreshSession",
		tag: "sessions", summary: "Exchange a refresh token",
		about: "Each token is good once. The answer may be lost: until the successor is presented, the same token gives " +
			"the same successor again, however late. After that a used token ends the session. A session ends 30 days " +
			"after its sign-in, unless the operator has chosen another time."}, a.refreshSession)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/sessions/current", roles: everyone, id: "signOut",
		tag: "sessions", summary: "Sign out", status: http.StatusNoContent}, a.signOut)
	register(a, endpoint{method: http.MethodGet, path: "/v1/me/sessions", roles: everyone, id: "listSessions",
		tag: "sessions", summary: "List my sessions"}, a.listSessions)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/me/sessions/{id}", roles: everyone, id: "endSession",
		tag: "sessions", summary: "End one of my sessions", status: http.StatusNoContent}, a.endSession)
	a.raw(endpoint{method: http.MethodGet, path: "/.well-known/jwks.json", roles: anyone, id: "jwks",
		tag: "sessions", summary: "Public keys of access tokens (RFC 7517)"},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer("A JSON Web Key Set.", "application/json",
				free("RFC 7517 says what a key has"))}
		},
		a.jwks)
}

func (a *API) signIn(ctx context.Context, c call, in *body[loginBody]) (*sessionOut, error) {
	if in.Body.Browser && c.crossSite {
		return nil, errCrossSite()
	}
	l := auth.Login{Login: in.Body.Login, Password: in.Body.Password, Address: c.address}
	if d := in.Body.Device; d != nil {
		l.Device = &auth.Device{ID: auth.DeviceID(d.ID), Platform: d.Platform, Name: d.Name, PushToken: d.PushToken}
	}
	t := trailOf(ctx)
	t.login = strings.ToLower(strings.TrimSpace(l.Login))
	s, err := a.opt.Sessions.SignIn(ctx, l)
	if err != nil {
		return nil, err
	}
	t.actor.User = s.User.ID
	return sessionAnswer(s, in.Body.Browser), nil
}

func (a *API) refreshSession(ctx context.Context, c call, in *body[refreshBody]) (*sessionOut, error) {
	token, browser := in.Body.RefreshToken, in.Body.RefreshToken == ""
	if browser {
		if c.crossSite {
			return nil, errCrossSite()
		}
		token = c.cookies.of(auth.DeviceID(in.Body.DeviceID))
	}
	s, err := a.opt.Sessions.Refresh(ctx, token, auth.DeviceID(in.Body.DeviceID))
	if err != nil {
		return nil, err
	}
	trailOf(ctx).actor.User = s.User.ID
	return sessionAnswer(s, browser), nil
}

type signOutOut struct {
	Cookie string `header:"Set-Cookie" doc:"Of browsers: the cookie is taken away."`
}

func (a *API) signOut(ctx context.Context, c call, _ *struct{}) (*signOutOut, error) {
	out := &signOutOut{}
	if c.cookies.of(c.actor.Device) != "" {
		out.Cookie = refreshCookie("", c.actor.Device)
	}
	return out, a.opt.Sessions.SignOut(ctx, c.actor)
}

type openSession struct {
	ID       string    `json:"id"`
	Device   string    `json:"device,omitempty" doc:"The device that signed in; absent for a sign-in without one."`
	Current  bool      `json:"current" doc:"This request belongs to it."`
	Begun    time.Time `json:"begun_at" doc:"The sign-in."`
	LastUsed time.Time `json:"last_used_at" doc:"The last refresh, or the sign-in."`
	Ends     time.Time `json:"ends_at" doc:"Unless it is used before; at the latest the longest life after the sign-in."`
}

type openSessions struct {
	Items []openSession `json:"items"`
}

func (a *API) listSessions(ctx context.Context, c call, _ *struct{}) (*body[openSessions], error) {
	open, err := a.opt.Sessions.Open(ctx, c.actor)
	if err != nil {
		return nil, err
	}
	out := openSessions{Items: make([]openSession, len(open))}
	for i, s := range open {
		out.Items[i] = openSession{ID: s.ID, Device: string(s.Device), Current: s.ID == c.actor.Family, Begun: s.Begun,
			LastUsed: s.LastUsed, Ends: s.Ends}
	}
	return respond(out), nil
}

type endSessionIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) endSession(ctx context.Context, c call, in *endSessionIn) (*struct{}, error) {
	return nil, a.opt.Sessions.End(ctx, c.actor, in.ID)
}

func (a *API) jwks(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=300")
	c.Data(http.StatusOK, "application/json", a.opt.Sessions.JWKS())
}
