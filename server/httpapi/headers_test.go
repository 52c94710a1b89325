package httpapi

import (
	"bytes"
	"context"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestEveryAnswerHasTheSecurityHeaders calls every endpoint without a token, and a path that does not exist.
func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	a := New(Options{Version: "1", Ready: func(context.Context) error { panic("a bug") }})
	defer a.Close()
	asks := []string{"GET /none", "POST /livez", "OPTIONS *", "TRACE /", "GET /readyz", "GET /livez?x=%zz",
		"GET /docs/none", "GET /docs/docs.js", "GET /metrics", "GET /"}
	for at, e := range a.endpoints {
		if len(e.roles) > 0 || e.path == "/docs" || e.path == "/openapi.yaml" {
			asks = append(asks, at)
		}
	}
	if len(asks) < 100 {
		t.Fatalf("only %d requests are asked", len(asks))
	}
	for _, ask := range asks {
		method, path, _ := strings.Cut(ask, " ")
		r := httptest.NewRequest(method, "/", bytes.NewReader(nil))
		if path != "*" {
			r = httptest.NewRequest(method, strings.NewReplacer("{", "", "}", "").Replace(path), bytes.NewReader(nil))
		} else {
			r.URL.Path, r.RequestURI = "*", "*"
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		h := w.Header()
		for name, want := range map[string]string{
			"Strict-Transport-Security":    "max-age=63072000; includeSubDomains",
			"Content-Security-Policy":      "default-src 'none'",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Permissions-Policy":           "geolocation=()",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Referrer-Policy":              "no-referrer",
			"Cache-Control":                "no-store",
		} {
			if got := h.Get(name); !strings.Contains(got, want) {
				t.Errorf("%s: %d with %s %q, want %q", ask, w.Code, name, got, want)
			}
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") ||
			!strings.Contains(csp, "base-uri 'none'") {
			t.Errorf("%s: the policy is %s", ask, csp)
		}
	}
}
