package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"
)

// A request of a phone that is wrong as a whole is refused with a status and a code.
func TestRequestsOfAPhoneThatAreRefusedWhole(t *testing.T) {
	s := run(t, Config{Data: t.TempDir()})
	ctx := context.Background()
	admin := &play.Client{Base: s.URL()}
	ok(t, admin.SignIn(ctx, "admin", adminPassword, ""))
	ok(t, admin.Do(ctx, http.MethodPut, "/v1/branches/porto", map[string]any{"time_zone": "Europe/Lisbon"}, nil))
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/users",
		map[string]any{"login": "ana", "role": "agent", "branches": []string{"porto"}, "password": "correct horse battery",
			"keep_password": true}, nil))
	ana := &play.Client{Base: s.URL()}
	ok(t, ana.SignIn(ctx, "ana", "correct horse battery", "d1"))
	token, err := ana.Token(ctx)
	ok(t, err)
	for _, c := range []struct {
		name, method, path, body string
		headers                  map[string]string
		want                     string
	}{
		{"a pull", "GET", "/sync/v1/pull", "", nil, "200"},
		{"no device", "GET", "/sync/v1/pull", "", map[string]string{"X-Device-Id": ""}, "400 sync.device"},
		{"another device", "GET", "/sync/v1/pull", "", map[string]string{"X-Device-Id": "d2"}, "403 auth.device_mismatch"},
		{"another device in the body", "POST", "/sync/v1/push", `{"device":"d2","mutations":[]}`, nil, "400 sync.malformed"},
		{"an app too old", "GET", "/sync/v1/pull", "", map[string]string{"X-Schema-Version": "0"}, "409 schema_unsupported"},
		{"a schema that is no number", "GET", "/sync/v1/pull", "", map[string]string{"X-Schema-Version": "new"},
			"400 sync.schema"},
		{"a newer app", "GET", "/sync/v1/pull", "", map[string]string{"X-Schema-Version": "99"}, "200"},
		{"a clock that is none", "GET", "/sync/v1/pull", "", map[string]string{"X-Client-Time": "noon"},
			"400 sync.client_time"},
		{"a cursor of another epoch", "GET", "/sync/v1/pull?after=7&epoch=e-old", "", nil, "410 cursor_expired"},
		{"what is no type", "GET", "/sync/v1/pull?types=a%20b", "", nil, "400 sync.malformed"},
		{"a wait too long", "GET", "/sync/v1/pull?wait=26", "", nil, "400 sync.malformed"},
		{"a manifest", "GET", "/sync/v1/manifest?type=cases", "", nil, "200"},
		{"a manifest of nothing", "GET", "/sync/v1/manifest?type=contacts", "", nil, "400 sync.malformed"},
		{"an empty push", "POST", "/sync/v1/push", `{"mutations":[]}`, nil, "200"},
		{"half a push", "POST", "/sync/v1/push", `{"mutations":[`, nil, "400 sync.malformed"},
		{"a push too large", "POST", "/sync/v1/push", `{"mutations":["` + strings.Repeat("x", 1<<20) + `"]}`, nil,
			"413 too_large"},
	} {
		req, err := http.NewRequestWithContext(ctx, c.method, s.URL()+c.path, strings.NewReader(c.body))
		ok(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("X-Device-Id", "d1")
		if c.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		for k, v := range c.headers {
			req.Header.Set(k, v)
		}
		r, err := http.DefaultClient.Do(req)
		ok(t, err)
		text, err := io.ReadAll(r.Body)
		ok(t, err)
		ok(t, r.Body.Close())
		var p struct {
			Code  string `json:"code"`
			Min   int    `json:"min"`
			Reset bool   `json:"reset"`
			Epoch string `json:"epoch"`
		}
		ok(t, json.Unmarshal(text, &p))
		got := strings.TrimSpace(strings.Join([]string{r.Status[:3], p.Code}, " "))
		if got != c.want {
			t.Errorf("%s: %s, want %s: %s", c.name, got, c.want, text)
		}
		if p.Code == "schema_unsupported" && p.Min != 1 || p.Code == "cursor_expired" && (!p.Reset || p.Epoch == "") {
			t.Errorf("%s: the answer lacks a member: %s", c.name, text)
		}
	}
}

// A stream tells at once the number of the feed's last change, pokes when the feed has grown, and carries no data.
func TestAStreamPokes(t *testing.T) {
	s := run(t, Config{Data: t.TempDir()})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	admin := &play.Client{Base: s.URL()}
	ok(t, admin.SignIn(ctx, "admin", adminPassword, ""))
	ok(t, admin.Do(ctx, http.MethodPut, "/v1/branches/porto", map[string]any{"time_zone": "Europe/Lisbon"}, nil))
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/users",
		map[string]any{"login": "ana", "role": "agent", "branches": []string{"porto"}, "password": "correct horse battery",
			"keep_password": true}, nil))
	ana := &play.Client{Base: s.URL()}
	ok(t, ana.SignIn(ctx, "ana", "correct horse battery", "d1"))
	token, err := ana.Token(ctx)
	ok(t, err)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/sync/v1/stream", nil)
	ok(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("X-Device-Id", "d1")
	r, err := http.DefaultClient.Do(req)
	ok(t, err)
	defer func() { _ = r.Body.Close() }()
	read := func() string {
		t.Helper()
		b := make([]byte, 512)
		n, err := r.Body.Read(b)
		ok(t, err)
		return string(b[:n])
	}
	if got := read(); !strings.HasPrefix(got, "event: poke\ndata: {\"seq\":") {
		t.Fatalf("on connect the stream says %q", got)
	}
	// A refused create puts a row into the phone's own feed.
	ok(t, ana.Do(ctx, http.MethodPost, "/sync/v1/push",
		map[string]any{"mutations": []map[string]any{{"mid": play.NewID(), "type": "visit_notes", "id": "n1", "op": "put",
			"client_ts": "2026-11-25T10:00:00Z", "fields": map[string]any{"case": "c1", "text": "SECRET"}}}}, nil))
	if got := read(); !strings.HasPrefix(got, "event: poke\ndata: {\"seq\":") || strings.Contains(got, "SECRET") ||
		len(got) > 60 {
		t.Errorf("on change the stream says %q", got)
	}
}
