package server

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// browserAsk sends a request as a browser would, and returns the answer with its body read.
func browserAsk(t *testing.T, method, url, body string, header map[string]string) (*http.Response, map[string]any) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatalf("%s %s: %s", method, url, text)
		}
	}
	return answer, members
}

// TestABrowserKeepsItsRefreshTokenWhereNoScriptReadsIt follows a browser from its sign-in to its sign-out.
func TestABrowserKeepsItsRefreshTokenWhereNoScriptReadsIt(t *testing.T) {
	a := run(t, Config{Data: t.TempDir(), Now: time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)})
	sessions := a.URL() + "/v1/sessions"
	login := `{"login":"admin","password":"` + adminPassword + `","browser":true}`
	same := map[string]string{"Sec-Fetch-Site": "same-origin"}

	r, members := browserAsk(t, "POST", sessions, login, same)
	if r.StatusCode != http.StatusOK || members["access_token"] == nil {
		t.Fatalf("sign-in: %d %v", r.StatusCode, members)
	}
	if members["refresh_token"] != nil {
		t.Errorf("the answer shows scripts the refresh token")
	}
	cookie := theCookie(t, r)
	if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteStrictMode ||
		cookie.Path != "/v1/sessions" || cookie.Domain != "" || cookie.MaxAge != 0 || !cookie.Expires.IsZero() {
		t.Errorf("the cookie is %s", cookie)
	}
	first := cookie.Value
	with := func(value string, more map[string]string) map[string]string {
		h := map[string]string{"Cookie": cookie.Name + "=" + value}
		for k, v := range more {
			h[k] = v
		}
		return h
	}

	// A page of another site gets nothing by the cookie, and signs no browser in.
	for _, site := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
		{"Origin": "https://elsewhere.example"}, {"Origin": "null"}} {
		for path, body := range map[string]string{sessions: login, sessions + "/refresh": `{}`,
			sessions + "/factor": `{"challenge":"c","code":"123456","browser":true}`} {
			r, members := browserAsk(t, "POST", path, body, with(first, site))
			if r.StatusCode != http.StatusForbidden || members["code"] != "auth.cross_site" || len(r.Cookies()) > 0 {
				t.Errorf("%s from %v: %d %v", path, site, r.StatusCode, members["code"])
			}
		}
	}
	// The server reads JSON alone, which no form of another site can send.
	r, _ = browserAsk(t, "POST", sessions+"/refresh", "{}", with(first, map[string]string{"Content-Type": "text/plain"}))
	if r.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a refresh as a form sends it: %d", r.StatusCode)
	}

	// The cookie alone opens no other endpoint.
	r, _ = browserAsk(t, "GET", a.URL()+"/v1/users/me", "", with(first, same))
	if r.StatusCode != http.StatusUnauthorized {
		t.Errorf("GET /v1/users/me by the cookie alone: %d", r.StatusCode)
	}

	r, members = browserAsk(t, "POST", sessions+"/refresh", `{}`, with(first, same))
	if r.StatusCode != http.StatusOK || members["refresh_token"] != nil {
		t.Fatalf("refresh: %d %v", r.StatusCode, members)
	}
	second := theCookie(t, r).Value
	if second == first {
		t.Error("the refresh token is the same after a refresh")
	}
	access, _ := members["access_token"].(string)
	bearer := map[string]string{"Authorization": "Bearer " + access}

	// Who has no cookie and sends no token is refused; a token in the body is answered in the body.
	if r, members := browserAsk(t, "POST", sessions+"/refresh", `{}`, same); r.StatusCode != http.StatusUnauthorized ||
		members["code"] != "auth.refresh_invalid" {
		t.Errorf("refresh without a token: %d %v", r.StatusCode, members["code"])
	}
	r, members = browserAsk(t, "POST", sessions, strings.Replace(login, `,"browser":true`, "", 1), nil)
	token, _ := members["refresh_token"].(string)
	if token == "" || len(r.Cookies()) > 0 {
		t.Fatalf("sign-in of an app: refresh token %q, cookies %v", token, r.Cookies())
	}
	r, members = browserAsk(t, "POST", sessions+"/refresh", `{"refresh_token":"`+token+`"}`, with(second, nil))
	if members["refresh_token"] == nil || len(r.Cookies()) > 0 {
		t.Errorf("refresh of an app: %v, cookies %v", members, r.Cookies())
	}

	// The browser's session is listed as any other, and ends.
	if _, members := browserAsk(t, "GET", a.URL()+"/v1/me/sessions", "", bearer); len(members["items"].([]any)) != 2 {
		t.Errorf("sessions: %v", members["items"])
	}
	r, _ = browserAsk(t, "DELETE", sessions+"/current", "", with(second, bearer))
	if gone := theCookie(t, r); r.StatusCode != http.StatusNoContent || gone.Value != "" || gone.MaxAge >= 0 {
		t.Errorf("sign-out: %d, cookie %s", r.StatusCode, gone)
	}
	r, _ = browserAsk(t, "POST", sessions+"/refresh", `{}`, with(second, same))
	if r.StatusCode != http.StatusUnauthorized {
		t.Errorf("refresh after sign-out: %d", r.StatusCode)
	}

	// A sign-in with a device has a cookie beside that of the desk, which stays when the browser ends.
	withDevice := strings.Replace(login, `,"browser"`, `,"device":{"id":"d-app","platform":"web"},"browser"`, 1)
	r, _ = browserAsk(t, "POST", sessions, withDevice, same)
	phone := theCookie(t, r)
	if phone.Name == cookie.Name || phone.MaxAge < 30*24*3600 || !phone.HttpOnly || !phone.Secure {
		t.Errorf("the phone's cookie is %s", phone)
	}
	r, _ = browserAsk(t, "POST", sessions, login, same)
	both := with(theCookie(t, r).Value, same)
	both["Cookie"] += "; " + phone.Name + "=" + phone.Value
	r, _ = browserAsk(t, "POST", sessions+"/refresh", `{"device_id":"d-app"}`, both)
	if r.StatusCode != http.StatusOK || theCookie(t, r).Name != phone.Name {
		t.Errorf("refresh of the phone's session: %d, %s", r.StatusCode, theCookie(t, r))
	}
	r, members = browserAsk(t, "POST", sessions+"/refresh", `{}`, both)
	if r.StatusCode != http.StatusOK || theCookie(t, r).Name != cookie.Name {
		t.Errorf("refresh of the desk's session in the same browser: %d %v", r.StatusCode, members)
	}

	// The console is there, beside the API, and so is the app, whose build is in each answer to phones.
	app, err := http.Get(a.URL() + "/app/")
	if err != nil {
		t.Fatal(err)
	}
	_ = app.Body.Close()
	pull, err := http.Get(a.URL() + "/sync/v1/pull")
	if err != nil {
		t.Fatal(err)
	}
	_ = pull.Body.Close()
	if app.StatusCode != http.StatusOK || pull.Header.Get("X-Doorstep-Build") == "" {
		t.Errorf("/app/: %d, build %q", app.StatusCode, pull.Header.Get("X-Doorstep-Build"))
	}
	r, err = http.Get(a.URL() + "/console/")
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		t.Errorf("/console/: %d %s", r.StatusCode, r.Header.Get("Content-Type"))
	}
}

func theCookie(t *testing.T, r *http.Response) *http.Cookie {
	t.Helper()
	if len(r.Cookies()) != 1 {
		t.Fatalf("cookies: %v", r.Cookies())
	}
	return r.Cookies()[0]
}
