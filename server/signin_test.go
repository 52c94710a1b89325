package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"
)

// agency is a server with an administrator and a branch.
type agency struct {
	*running
	t     testing.TB
	ctx   context.Context
	admin *play.Client
}

const agentPassword = "correct horse battery"

func newAgency(t testing.TB, cfg Config) *agency {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	cfg.Data = t.TempDir()
	a := &agency{running: run(t, cfg), t: t, ctx: ctx}
	a.admin = &play.Client{Base: a.URL()}
	ok(t, a.admin.SignIn(ctx, "admin", adminPassword, ""))
	for _, b := range []string{"porto", "faro"} {
		a.do(a.admin, http.MethodPut, "/v1/branches/"+b, map[string]any{"time_zone": "Europe/Lisbon"}, nil)
	}
	return a
}

func (a *agency) do(c *play.Client, method, path string, body, into any) {
	a.t.Helper()
	ok(a.t, c.Do(a.ctx, method, path, body, into))
}

// agent makes an agent who has signed in on the phone "phone-of-" and the login.
func (a *agency) agent(login string) *play.Client {
	a.t.Helper()
	a.do(a.admin, http.MethodPost, "/v1/users", map[string]any{"id": login, "login": login, "role": "agent",
		"branches": []string{"porto"}, "password": agentPassword, "keep_password": true}, nil)
	c := &play.Client{Base: a.URL()}
	ok(a.t, c.SignIn(a.ctx, login, agentPassword, "phone-of-"+login))
	return c
}

// code is the code of a problem; "" without an error.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var p *play.Problem
	if !errors.As(err, &p) {
		t.Fatal(err)
	}
	return p.Code
}

// userChanges are what may become of an agent's user or session.
var userChanges = map[string]func(a *agency, login string, phone *play.Client){
	"disabled": func(a *agency, login string, _ *play.Client) {
		a.do(a.admin, http.MethodPatch, "/v1/users/"+login, map[string]any{"disabled": true}, nil)
	},
	"moved": func(a *agency, login string, _ *play.Client) {
		a.do(a.admin, http.MethodPatch, "/v1/users/"+login, map[string]any{"branches": []string{"faro"}}, nil)
	},
	"given a password": func(a *agency, login string, _ *play.Client) {
		a.do(a.admin, http.MethodPatch, "/v1/users/"+login, map[string]any{"password": "another one-time word"}, nil)
	},
	"signed out": func(a *agency, _ string, phone *play.Client) {
		a.do(phone, http.MethodDelete, "/v1/sessions/current", nil, nil)
	},
	"signed out elsewhere": func(a *agency, login string, phone *play.Client) {
		other := &play.Client{Base: a.URL()}
		ok(a.t, other.SignIn(a.ctx, login, agentPassword, "tablet-of-"+login))
		for _, s := range a.sessions(other) {
			if s.Device == "phone-of-"+login {
				a.do(other, http.MethodDelete, "/v1/me/sessions/"+s.ID, nil, nil)
			}
		}
	},
	"with a password of their own": func(a *agency, login string, _ *play.Client) {
		other := &play.Client{Base: a.URL()}
		ok(a.t, other.SignIn(a.ctx, login, agentPassword, "tablet-of-"+login))
		a.do(other, http.MethodPost, "/v1/users/me/password", map[string]any{"old": agentPassword,
			"new": "a password of my own"}, nil)
	},
}

type mySession struct {
	ID, Device string
	Current    bool
}

func (a *agency) sessions(c *play.Client) []mySession {
	a.t.Helper()
	var out struct{ Items []mySession }
	a.do(c, http.MethodGet, "/v1/me/sessions", nil, &out)
	return out.Items
}

// TestAPhoneHearsOfItsWipe sends what a phone sends after its device was blocked, whatever became of its user.
func TestAPhoneHearsOfItsWipe(t *testing.T) {
	a := newAgency(t, Config{})
	wipe := func(login string) {
		a.do(a.admin, http.MethodDelete, "/v1/devices/phone-of-"+login+"?wipe=true", nil, nil)
	}
	n := 0
	for name, change := range userChanges {
		for _, order := range []string{"before", "after"} {
			n++
			login := "agent-" + string(rune('a'+n))
			phone := a.agent(login)
			var refresh struct {
				RefreshToken string `json:"refresh_token"`
			}
			a.do(&play.Client{Base: a.URL()}, http.MethodPost, "/v1/sessions", map[string]any{"login": login,
				"password": agentPassword, "device": map[string]any{"id": "phone-of-" + login, "platform": "android"}}, &refresh)
			ok(t, phone.SignIn(a.ctx, login, agentPassword, "phone-of-"+login)) // which ends that session
			if order == "before" {
				change(a, login, phone)
			}
			wipe(login)
			if order == "after" {
				if name == "signed out" {
					continue // a wiped phone cannot sign out any more
				}
				change(a, login, phone)
			}
			for what, err := range map[string]error{
				"pull":     phone.Do(a.ctx, http.MethodGet, "/sync/v1/pull?after=0", nil, nil),
				"push":     phone.Do(a.ctx, http.MethodPost, "/sync/v1/push", map[string]any{"mutations": []any{}}, nil),
				"stream":   phone.Do(a.ctx, http.MethodGet, "/sync/v1/stream", nil, nil),
				"sign out": phone.Do(a.ctx, http.MethodDelete, "/v1/sessions/current", nil, nil),
				"refresh": (&play.Client{Base: a.URL()}).Do(a.ctx, http.MethodPost, "/v1/sessions/refresh",
					map[string]any{"refresh_token": refresh.RefreshToken, "device_id": "phone-of-" + login}, nil),
			} {
				if got := code(t, err); got != "device_wiped" {
					t.Errorf("%s, %s %s the order: %q", what, name, order, got)
				}
			}
		}
	}
}

// TestAStreamEndsWithItsUser: what a phone listens to ends at once, and a pull that waits answers with the refusal.
func TestAStreamEndsWithItsUser(t *testing.T) {
	a := newAgency(t, Config{})
	changes := map[string]func(a *agency, login string, phone *play.Client){
		"wiped": func(a *agency, login string, _ *play.Client) {
			a.do(a.admin, http.MethodDelete, "/v1/devices/phone-of-"+login+"?wipe=true", nil, nil)
		}}
	for name, change := range userChanges {
		changes[name] = change
	}
	n := 0
	for name, change := range changes {
		n++
		login := "agent-" + string(rune('a'+n))
		phone := a.agent(login)
		token, err := phone.Token(a.ctx)
		ok(t, err)
		get := func(path string) *http.Response {
			t.Helper()
			req, err := http.NewRequestWithContext(a.ctx, http.MethodGet, a.URL()+path, nil)
			ok(t, err)
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("X-Device-Id", "phone-of-"+login)
			r, err := http.DefaultClient.Do(req)
			ok(t, err)
			return r
		}
		stream := get("/sync/v1/stream")
		if _, err := io.ReadFull(stream.Body, make([]byte, 10)); err != nil || stream.StatusCode != 200 {
			t.Fatalf("%s: the stream answers %s, %v", name, stream.Status, err)
		}
		var at struct {
			Cursor uint64
			Epoch  string
		}
		a.do(phone, http.MethodGet, "/sync/v1/pull?after=0", nil, &at)
		waited := make(chan string)
		began := time.Now()
		go func() {
			r := get(fmt.Sprintf("/sync/v1/pull?wait=25&after=%d&epoch=%s", at.Cursor, at.Epoch))
			text, err := io.ReadAll(r.Body)
			waited <- fmt.Sprint(r.StatusCode, err, string(text))
			_ = r.Body.Close()
		}()
		change(a, login, phone)
		if got := <-waited; !strings.HasPrefix(got, "401") && !strings.HasPrefix(got, "403") {
			t.Errorf("%s: the pull that waits answers %s", name, got)
		}
		if _, err := io.ReadAll(stream.Body); err != nil {
			t.Errorf("%s: the stream ends with %v", name, err)
		}
		ok(t, stream.Body.Close())
		if took := time.Since(began); took > 22*time.Second {
			t.Errorf("%s: stream and pull end after %v", name, took)
		}
		r := get("/sync/v1/stream")
		text, err := io.ReadAll(r.Body)
		ok(t, err)
		ok(t, r.Body.Close())
		if r.StatusCode != 401 && r.StatusCode != 403 || !strings.Contains(string(text), `"code"`) {
			t.Errorf("%s: the next stream answers %s", name, r.Status)
		}
	}
}

func TestOwnSessionsOverHTTP(t *testing.T) {
	a := newAgency(t, Config{})
	phone := a.agent("ana")
	tablet := &play.Client{Base: a.URL()}
	ok(t, tablet.SignIn(a.ctx, "ana", agentPassword, "tablet"))
	got := a.sessions(tablet)
	if len(got) != 2 || got[0].Device != "tablet" || !got[0].Current || got[1].Device != "phone-of-ana" || got[1].Current {
		t.Fatalf("the sessions are %+v", got)
	}
	if c := code(t, a.admin.Do(a.ctx, http.MethodDelete, "/v1/me/sessions/"+got[0].ID, nil,
		nil)); c != "session.not_found" {
		t.Errorf("another user's session: %q", c)
	}
	a.do(tablet, http.MethodDelete, "/v1/me/sessions/"+got[1].ID, nil, nil)
	if c := code(t, phone.Do(a.ctx, http.MethodGet, "/v1/users/me", nil, nil)); c != "auth.token_invalid" {
		t.Errorf("the ended session: %q", c)
	}
	if got := a.sessions(tablet); len(got) != 1 {
		t.Errorf("afterwards the sessions are %+v", got)
	}
}

func TestPasswordsOverHTTP(t *testing.T) {
	a := newAgency(t, Config{})
	ana := a.agent("ana")
	change := func(old, next string) string {
		t.Helper()
		return code(t, ana.Do(a.ctx, http.MethodPost, "/v1/users/me/password", map[string]any{"old": old, "new": next}, nil))
	}
	for _, c := range [][3]string{{agentPassword, "basketball", "auth.password_weak"},
		{agentPassword, agentPassword, "user.password_same"}, {"not the old one", "a new password", "user.password_wrong"}} {
		if got := change(c[0], c[1]); got != c[2] {
			t.Errorf("%v: %q", c, got)
		}
	}
	limited := false
	for range 12 {
		limited = limited || change("not the old one", "a new password") == "auth.limited"
	}
	if !limited {
		t.Error("present passwords can be guessed without end")
	}
	if c := code(t, a.admin.Do(a.ctx, http.MethodPatch, "/v1/users/admin", map[string]any{"disabled": true},
		nil)); c != "user.last_admin" {
		t.Errorf("the last administrator disables himself: %q", c)
	}
}

func TestADeviceWaitsForApprovalOverHTTP(t *testing.T) {
	a := newAgency(t, Config{DeviceApproval: true})
	a.agent("ana")
	rui := a.agent("rui")
	next := &play.Client{Base: a.URL()}
	if c := code(t, next.SignIn(a.ctx, "rui", agentPassword, "phone-of-ana")); c != "device.taken" {
		t.Errorf("on another user's device: %q", c)
	}
	a.do(rui, http.MethodGet, "/v1/users/me", nil, nil)
	a.do(a.admin, http.MethodDelete, "/v1/devices/phone-of-ana", nil, nil)
	for range 2 {
		if c := code(t, next.SignIn(a.ctx, "ana", agentPassword, "new-phone")); c != "device.waiting" {
			t.Errorf("on a new device: %q", c)
		}
	}
	a.do(a.admin, http.MethodPost, "/v1/devices/new-phone/approve", nil, nil)
	ok(t, next.SignIn(a.ctx, "ana", agentPassword, "new-phone"))
	a.do(next, http.MethodGet, "/sync/v1/pull?after=0", nil, nil)
}

// TestTheSecurityLogTellsWhoDidWhat reads the log's lines "security" of what succeeds and of what is refused.
func TestTheSecurityLogTellsWhoDidWhat(t *testing.T) {
	log := &buffer{}
	a := newAgency(t, Config{Log: slog.New(slog.NewJSONHandler(log, nil))})
	type line struct {
		Msg, Level, Event, ID, Endpoint, Code, User, Role, From, Login, Record string
		Status                                                                 int
	}
	// last is the newest line of the security log.
	last := func() line {
		t.Helper()
		var out line
		for text := range strings.Lines(log.String()) {
			var l line
			ok(t, json.Unmarshal([]byte(text), &l))
			if l.Msg == "security" {
				out = l
			}
		}
		return out
	}
	phone := a.agent("ana")
	signedIn := last()
	var first struct {
		Refresh string `json:"refresh_token"`
	}
	anyone := &play.Client{Base: a.URL()}
	signIn := func(login, password string, into any) error {
		return anyone.Do(a.ctx, http.MethodPost, "/v1/sessions", map[string]any{"login": login, "password": password,
			"device": map[string]any{"id": "tablet-of-ana", "platform": "android"}}, into)
	}
	ok(t, signIn("ana", agentPassword, &first))
	refresh := func() error {
		return anyone.Do(a.ctx, http.MethodPost, "/v1/sessions/refresh", map[string]any{"refresh_token": first.Refresh,
			"device_id": "tablet-of-ana"}, nil)
	}
	for _, c := range []struct {
		what string
		do   func() error
		want line
	}{
		{"a sign-in", func() error { return nil }, line{Event: "sign_in", Status: 200, User: "ana", Level: "INFO"}},
		{"a wrong password", func() error { return signIn(" ANA", "wrong", nil) },
			line{Event: "sign_in", Status: 401, Code: "auth.bad_credentials", Level: "WARN"}},
		{"a change of a user", func() error {
			return a.admin.Do(a.ctx, http.MethodPatch, "/v1/users/ana", map[string]any{"badge_no": "7"}, nil)
		}, line{Event: "user.change", Status: 200, User: "admin", Role: "admin", Level: "INFO"}},
		{"an unknown case", func() error { return a.admin.Do(a.ctx, http.MethodGet, "/v1/cases/L.1", nil, nil) },
			line{Event: "case.read", Status: 404, Code: "case.not_found", User: "admin", Role: "admin", Level: "WARN"}},
		{"no right", func() error { return phone.Do(a.ctx, http.MethodGet, "/v1/users", nil, nil) },
			line{Event: "denied", Status: 403, Code: "auth.role", User: "ana", Role: "agent", Level: "WARN"}},
		{"no token", func() error { return anyone.Do(a.ctx, http.MethodGet, "/v1/plans", nil, nil) },
			line{Event: "denied", Status: 401, Code: "auth.token_missing", Level: "WARN"}},
		{"a used token", func() error {
			var next struct {
				Refresh string `json:"refresh_token"`
			}
			ok(t, anyone.Do(a.ctx, http.MethodPost, "/v1/sessions/refresh", map[string]any{"refresh_token": first.Refresh,
				"device_id": "tablet-of-ana"}, &next))
			used := first
			first.Refresh = next.Refresh
			ok(t, refresh())
			first = used
			return refresh()
		}, line{Event: "token.reused", Status: 401, Code: "auth.refresh_reused", Level: "WARN"}},
	} {
		_ = c.do() // the line tells what came of it
		got := last()
		if c.what == "a sign-in" {
			got = signedIn
		}
		if got.ID == "" || got.From == "" || got.Endpoint == "" || got.Event == "sign_in" && got.Login != signedIn.Login ||
			strings.Contains(got.Endpoint, "{id}") != (got.Record != "") {
			t.Errorf("%s: the line lacks something: %+v", c.what, got)
		}
		got.Msg, got.ID, got.From, got.Endpoint, got.Login, got.Record = "", "", "", "", "", ""
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
	for _, secret := range []string{"127.0.0.1", agentPassword, "L.1", "phone-of-ana", first.Refresh} {
		for text := range strings.Lines(log.String()) {
			if strings.Contains(text, `"security"`) && strings.Contains(text, secret) {
				t.Errorf("the security log holds %s: %s", secret, text)
			}
		}
	}
}
