package server

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/factor"
	"doorstep/server/play"
)

// authenticator is the app of a user.
type authenticator struct {
	ID, Secret, URI string
}

// code is the app's code so many steps after the present one.
func (a authenticator) code(t testing.TB, steps factor.Step) string {
	t.Helper()
	code, err := factor.Code(a.Secret, factor.StepAt(time.Now())+steps)
	ok(t, err)
	return code
}

// enrol adds a factor for a client's user, who has none.
func (a *agency) enrol(c *play.Client, password string) (app authenticator, recovery []string) {
	a.t.Helper()
	a.do(c, http.MethodPost, "/v1/users/me/factors", map[string]any{"password": password, "name": "phone"}, &app)
	var codes struct {
		Codes []string `json:"recovery_codes"`
	}
	a.do(c, http.MethodPost, "/v1/users/me/factors/"+app.ID+"/confirm", map[string]any{"code": app.code(a.t, 0)}, &codes)
	return app, codes.Codes
}

// TestSecondFactorsOverHTTP is the life of a supervisor's factor where supervisors need one.
func TestSecondFactorsOverHTTP(t *testing.T) {
	log := &buffer{}
	a := newAgency(t, Config{RequireFactor: []auth.Role{auth.RoleSupervisor}, Log: slog.New(slog.NewJSONHandler(log,
		&slog.HandlerOptions{Level: slog.LevelDebug}))})
	a.do(a.admin, http.MethodPost, "/v1/users", map[string]any{"id": "sup", "login": "sup", "role": "supervisor",
		"branches": []string{"porto"}, "password": agentPassword, "keep_password": true}, nil)
	sup := &play.Client{Base: a.URL()}
	ok(t, sup.SignIn(a.ctx, "sup", agentPassword, ""))
	asks := func(c *play.Client, method, path string, body any) string {
		t.Helper()
		return code(t, c.Do(a.ctx, method, path, body, nil))
	}
	for path, want := range map[string]string{"/v1/cases?branch=porto": "auth.must_enrol_factor",
		"/v1/me/sessions": "auth.must_enrol_factor", "/v1/users/me": "", "/v1/users/me/factors": ""} {
		if got := asks(sup, http.MethodGet, path, nil); got != want {
			t.Errorf("%s without a factor: %q, want %q", path, got, want)
		}
	}
	if got := asks(a.admin, http.MethodGet, "/v1/cases?branch=porto", nil); got != "" {
		t.Errorf("an administrator needs no factor here: %q", got)
	}
	app, recovery := a.enrol(sup, agentPassword)
	if len(recovery) != factor.RecoveryCodes || !strings.HasPrefix(app.URI, "otpauth://totp/Doorstep:sup?") {
		t.Errorf("enrolling gives %d recovery codes and the URI %s", len(recovery), app.URI)
	}
	a.do(sup, http.MethodGet, "/v1/cases?branch=porto", nil, nil)

	next := &play.Client{Base: a.URL()}
	challenge := func() string {
		t.Helper()
		err := next.SignIn(a.ctx, "sup", agentPassword, "")
		var p *play.Problem
		if !errors.As(err, &p) || p.Code != "auth.factor_required" || p.Status != 401 || p.Challenge == nil ||
			p.Challenge.ExpiresIn != 300 {
			t.Fatalf("signing in with the password alone: %v", err)
		}
		return p.Challenge.Token
	}
	token := challenge()
	if got := asks(next, http.MethodPost, "/v1/sessions/factor", map[string]any{"challenge": token,
		"code": recovery[0] + "x"}); got != "auth.factor_wrong" {
		t.Errorf("a wrong code: %q", got)
	}
	sent := app.code(t, 1) // that of this step has confirmed the factor
	ok(t, next.SignInWithFactor(a.ctx, token, sent))
	a.do(next, http.MethodGet, "/v1/cases?branch=porto", nil, nil)
	if got := asks(next, http.MethodPost, "/v1/sessions/factor", map[string]any{"challenge": challenge(),
		"code": sent}); got != "auth.factor_wrong" {
		t.Errorf("a code sent again: %q", got)
	}
	ok(t, next.SignInWithFactor(a.ctx, challenge(), recovery[1]))

	for _, c := range []struct {
		method, path string
		body         map[string]any
		want         string
	}{
		{http.MethodPost, "/v1/users/me/factors", map[string]any{"password": "not the password"}, "user.password_wrong"},
		{http.MethodPost, "/v1/users/me/factors", map[string]any{"password": agentPassword}, "factor.code_wrong"},
		{http.MethodPost, "/v1/users/me/factors/x/confirm", map[string]any{"code": "123456"}, "factor.not_found"},
		{http.MethodPost, "/v1/users/me/factors/" + app.ID + "/remove", map[string]any{"password": agentPassword,
			"code": recovery[1]}, "factor.code_wrong"},
		{http.MethodPost, "/v1/users/me/factors/x/remove", map[string]any{"password": agentPassword,
			"code": recovery[2]}, "factor.not_found"},
	} {
		if got := asks(next, c.method, c.path, c.body); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.path, c.body, got, c.want)
		}
	}
	var renewed struct {
		Codes []string `json:"recovery_codes"`
	}
	a.do(next, http.MethodPost, "/v1/users/me/recovery-codes", map[string]any{"password": agentPassword,
		"code": recovery[2]}, &renewed)
	var list struct {
		Items []struct{ ID, Name string }
		Left  int `json:"recovery_codes_left"`
	}
	a.do(a.admin, http.MethodGet, "/v1/users/sup/factors", nil, &list)
	if len(list.Items) != 1 || list.Items[0].Name != "phone" || list.Left != factor.RecoveryCodes {
		t.Errorf("an administrator sees the factors %+v", list)
	}

	// An administrator takes the factors away, but not their own.
	if got := asks(a.admin, http.MethodDelete, "/v1/users/admin/factors", nil); got != "factor.own" {
		t.Errorf("the administrator's own: %q", got)
	}
	if got := asks(a.admin, http.MethodDelete, "/v1/users/nobody/factors", nil); got != "user.not_found" {
		t.Errorf("nobody's: %q", got)
	}
	a.do(a.admin, http.MethodDelete, "/v1/users/sup/factors", nil, nil)
	if got := asks(next, http.MethodGet, "/v1/users/me", nil); got != "auth.token_invalid" {
		t.Errorf("the session after that: %q", got)
	}
	var s struct {
		User struct {
			Must  bool      `json:"must_enrol_factor"`
			Reset time.Time `json:"factors_reset_at"`
		}
	}
	a.do(&play.Client{Base: a.URL()}, http.MethodPost, "/v1/sessions", map[string]any{"login": "sup",
		"password": agentPassword}, &s)
	if !s.User.Must || s.User.Reset.IsZero() {
		t.Errorf("the next sign-in says %+v", s.User)
	}

	for _, event := range []string{"factor.begin", "factor.confirm", "factor.recovery", "factor.reset", "sign_in.factor"} {
		if !strings.Contains(log.String(), `"event":"`+event+`"`) {
			t.Errorf("the security log has no event %s", event)
		}
	}
	a.stop()
	secrets := append([]string{app.Secret, token}, append(recovery, renewed.Codes...)...)
	ok(t, filepath.WalkDir(a.cfg.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds a secret of the second factor in the clear", d.Name())
			}
		}
		return err
	}))
	for _, secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Error("the log holds a secret of the second factor")
		}
	}
}

// TestACodeIsTakenOnceByTwoNodes sends one code to two nodes on one store.
func TestACodeIsTakenOnceByTwoNodes(t *testing.T) {
	s := emptyStore(t)
	a := newAgency(t, Config{store: func(context.Context, *Config) (store, error) { return kept{s}, nil }})
	cfg := a.cfg
	b := run(t, cfg)
	app, recovery := a.enrol(a.admin, adminPassword)
	for _, sent := range []string{app.code(t, 1), recovery[0]} {
		taken := 0
		for _, base := range []string{a.URL(), b.URL()} {
			c := &play.Client{Base: base}
			var p *play.Problem
			if err := c.SignIn(a.ctx, "admin", adminPassword, ""); !errors.As(err, &p) || p.Challenge == nil {
				t.Fatalf("the password alone: %v", err)
			}
			if err := c.SignInWithFactor(a.ctx, p.Challenge.Token, sent); err == nil {
				taken++
			} else if got := code(t, err); got != "auth.factor_wrong" {
				t.Errorf("the code is refused as %s", got)
			}
		}
		if taken != 1 {
			t.Errorf("a code is taken %d times", taken)
		}
	}
}

func TestOnlyRolesWithFactorsCanNeedOne(t *testing.T) {
	for _, r := range []auth.Role{auth.RoleAgent, "king", ""} {
		if _, err := Open(t.Context(), Config{Data: t.TempDir(), RequireFactor: []auth.Role{r}}); err == nil ||
			!strings.Contains(err.Error(), "supervisor, admin, auditor or lender") {
			t.Errorf("%q: %v", r, err)
		}
	}
}
