package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// TestJSONThatWouldLoseSomethingIsRefused sends faults that encoding/json passes over; a place is told by names that
// may be ours, and no others.
func TestJSONThatWouldLoseSomethingIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":[{"b":1}]}`:                    "",
		`{"a":1,"a":2}`:                      "body.a: a member is named twice at byte 8",
		`{"a":[1,{"b":{"x":1,"\u0078":2}}]}`: "body.a[1].b.x: a member is named twice at byte 21",
		`{"a":{"Maria Silva":"\ud83d"}}`:     "body.a: half a surrogate pair in the text at byte 21",
		`[["a\u0000"]]`:                      "body: a NUL in the text at byte 3",
		"\"\xff\"":                           "body: not UTF-8 at byte 2",
		`{"a":1}{}`:                          "body: something follows the JSON value at byte 8",
		`{"a":`:                              "body.a: the JSON ends too early at byte 6",
	} {
		got := ""
		if f := checkJSON([]byte(text)); f != nil {
			got = f.at + ": " + f.msg
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestPlacesAreToldByOurNamesOnly(t *testing.T) {
	for location, want := range map[string]string{
		"body.instalments[0].due_on":      "body.instalments[0].due_on",
		"header.X-Device-Id":              "header.X-Device-Id",
		"body.Márta":                      "body",
		"body.Maria-Silva.b":              "body",
		"body.a.Maria Silva.b":            "body.a",
		"query.+351912345678":             "query",
		"body.":                           "body",
		"body." + strings.Repeat("a", 41): "body",
	} {
		if got := place(location); got != want {
			t.Errorf("%s: %q, want %q", location, got, want)
		}
	}
}

// TestAPanicTellsNothing has an endpoint panic with somebody's data.
func TestAPanicTellsNothing(t *testing.T) {
	const secret = "Márta Beispiel"
	for name, ready := range map[string]func(context.Context) error{
		"a value":  func(context.Context) error { panic(secret) },
		"an error": func(context.Context) error { panic(fmt.Errorf("cannot find %s", secret)) },
		"a bug":    func(context.Context) error { var none []string; return errors.New(none[len(secret)]) },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			a := New(Options{Version: "1", Log: slog.New(slog.NewJSONHandler(&log, nil)), Ready: ready})
			defer a.Close()
			w := httptest.NewRecorder()
			a.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			id := w.Header().Get(requestHeader)
			if w.Code != 500 || p.Code != "internal" || w.Header().Get("Content-Type") != "application/problem+json" ||
				id == "" || p.Instance != "urn:uuid:"+id {
				t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
			}
			for _, s := range []string{secret, "goroutine", ".go"} {
				if strings.Contains(w.Body.String(), s) {
					t.Errorf("the answer tells %q: %s", s, w.Body)
				}
			}
			if strings.Contains(log.String(), secret) || !strings.Contains(log.String(), id) || !strings.Contains(log.String(),
				"bodies_test.go") {
				t.Errorf("the log should have the request's id and the stack, and not what was said: %s", &log)
			}
		})
	}
}

// TestABodyMustKeepPace sends half a body and goes silent, and then one byte after another.
func TestABodyMustKeepPace(t *testing.T) {
	// A refusal that reads no body must not wait for it either: the third names no user.
	for name, p := range map[string]pace{
		"silence":  {stall: 50 * time.Millisecond, grace: time.Hour, rate: 1},
		"drops":    {stall: time.Hour, grace: 50 * time.Millisecond, rate: 1 << 20},
		"no token": {stall: 50 * time.Millisecond, grace: time.Hour, rate: 1},
	} {
		t.Run(name, func(t *testing.T) {
			path, want, code := "/v1/sessions", "HTTP/1.1 408 ", "timeout"
			if name == "no token" {
				path, want, code = "/v1/users", "HTTP/1.1 401 ", "auth.token_missing"
			}
			a := described(t)
			a.pace = p
			s := httptest.NewServer(a)
			defer s.Close()
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn,
				"POST "+path+" HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"login\":"); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			answer, err := io.ReadAll(conn)
			if err != nil || !strings.HasPrefix(string(answer), want) || !strings.Contains(string(answer), `"code":"`+code+`"`) {
				t.Errorf("%v: %s", err, answer)
			}
		})
	}
}

func TestAMethodIsNoLabel(t *testing.T) {
	a := described(t)
	for _, m := range []string{"QX7", "MARTA", "GETT"} {
		a.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(m, "/livez", nil))
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if text := w.Body.String(); strings.Contains(text, "QX7") || !strings.Contains(text, `method="(other)"`) {
		t.Errorf("metrics hold what was sent as a method:\n%.2000s", text)
	}
}

// packed is a text as gzip or zstd.
func packed(t *testing.T, name string, text []byte) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	i := slices.IndexFunc(codings, func(k *coding) bool { return k.name == name })
	z := codings[i].get(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// unpack reads a body as an import does, and tells how many bytes came of it.
func unpack(coding string, body io.Reader) (int64, error) {
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequest("POST", "/v1/imports/cases", body)
	c.Request.Header.Set("Content-Encoding", coding)
	in, p := plainBody(c, maxImport)
	if p != nil {
		return 0, p
	}
	return io.Copy(io.Discard, in)
}

// TestABodyThatExpandsTooMuchIsRefused: 102 kB of gzip, or 10 of zstd, could keep the server busy with 100 MB.
func TestABodyThatExpandsTooMuchIsRefused(t *testing.T) {
	for _, coding := range []string{"gzip", "zstd"} {
		bomb := packed(t, coding, bytes.Repeat([]byte("no case\n"), 3<<20))
		sent := bomb.Len()
		n, err := unpack(coding, bomb)
		var p *Problem
		if !errors.As(err, &p) || p.Status != 413 || p.Code != "too_large" {
			t.Errorf("a bomb of %d bytes of %s: %v", sent, coding, err)
		}
		if n > 12<<20 {
			t.Errorf("%d bytes of a bomb of %s were read", n, coding)
		}
		for what, text := range map[string][]byte{
			"a short text of one letter": bytes.Repeat([]byte("a"), expandFreely),
			"a long text of numbers":     []byte(strings.Join(countedLines(400_000), "\n")),
		} {
			if n, err := unpack(coding, packed(t, coding, text)); err != nil || n != int64(len(text)) {
				t.Errorf("%s in %s: %d of %d bytes, %v", what, coding, n, len(text), err)
			}
		}
	}
	for what, text := range map[string]string{"a window of 128 MB": "\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00",
		"what is no zstd": "{}", "a frame that is cut": packed(t, "zstd", []byte("a b c")).String()[:9]} {
		var p *Problem
		if _, err := unpack("zstd", strings.NewReader(text)); !errors.As(err, &p) || p.Status != 400 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAnswersAreCompressedAsTheCallerAccepts(t *testing.T) {
	for header, want := range map[string]string{"": "", "identity": "", "gzip": "gzip", "GZIP, deflate": "gzip",
		"gzip;q=0": "", "gzip;q=0, zstd;q=0.1": "zstd", "gzip, deflate, br, zstd": "zstd", "zstd ; q=0.0, gzip;q=1": "gzip",
		"br": "", "gzip;q=x": "", "xgzip": ""} {
		got := ""
		if k := accepted(header); k != nil {
			got = k.name
		}
		if got != want {
			t.Errorf("Accept-Encoding: %s: %q, want %q", header, got, want)
		}
	}
	text := strings.Repeat(`{"a":"a door that opens"}`, 1000)
	for _, coding := range []string{"gzip", "zstd"} {
		w := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(w)
		c.Request = httptest.NewRequest("GET", "/sync/v1/manifest", nil)
		c.Request.Header.Set("Accept-Encoding", coding)
		writeJSON(c, text)
		if w.Header().Get("Content-Encoding") != coding || w.Body.Len() > len(text)/10 {
			t.Errorf("%s: an answer of %d bytes in %q", coding, w.Body.Len(), w.Header().Get("Content-Encoding"))
		}
		if n, err := unpack(coding, w.Body); err != nil || int(n) < len(text) {
			t.Errorf("%s: %d bytes come of it, %v", coding, n, err)
		}
	}
}

func countedLines(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(i * 7919)
	}
	return out
}
