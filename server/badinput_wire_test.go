package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth"
)

// badWire sends malformed HTTP. net/http refuses it with texts of its own, before an
// endpoint is called; those texts must not repeat the input either.
func badWire(t *testing.T, h *hostile) {
	agent := h.people[auth.RoleAgent]
	auth := "Authorization: Bearer " + agent.token + "\r\nX-Device-Id: " + agent.device + "\r\n"
	var refused sync.WaitGroup
	for what, text := range map[string]string{
		"no HTTP":                marker + "\r\n\r\n",
		"no host":                "GET /livez HTTP/1.1\r\n\r\n",
		"two hosts":              "GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"a NUL in the path":      "GET /v1/cases/\x00" + marker + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"a name in the path":     "GET /v1/cases/" + marker + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"an escape that is none": "GET /v1/cases/%zz HTTP/1.1\r\nHost: a\r\n\r\n",
		"a header that is none":  "GET /livez HTTP/1.1\r\nHost: a\r\n" + marker + "\r\n\r\n",
		"headers without end":    "GET /livez HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("a", 200_000) + "\r\n\r\n",
		"a length below zero":    "POST /sync/v1/push HTTP/1.1\r\nHost: a\r\n" + auth + "Content-Length: -1\r\n\r\n",
		"two lengths": "POST /sync/v1/push HTTP/1.1\r\nHost: a\r\n" + auth +
			"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
		"a length that is no number": "POST /sync/v1/push HTTP/1.1\r\nHost: a\r\n" + auth + "Content-Length: " + marker +
			"\r\n\r\n{}",
		"an unknown encoding": "POST /sync/v1/push HTTP/1.1\r\nHost: a\r\n" + auth + "Transfer-Encoding: " + "qx7" +
			"\r\n\r\n{}",
		"a chunk that is none": "POST /sync/v1/push HTTP/1.1\r\nHost: a\r\n" + auth +
			"Transfer-Encoding: chunked\r\n\r\nQX7\r\n{}\r\n",
		"a chunk that lies": "POST /sync/v1/push HTTP/1.1\r\nHost: a\r\n" + auth +
			"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xxxx\r\n0\r\n\r\n",
		"a chunk that lies, to others": "PUT /v1/teams/t HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
			h.people["supervisor"].token + "\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}xxxx\r\n0\r\n\r\n",
		"an expectation": "POST /sync/v1/push HTTP/1.1\r\nHost: a\r\n" + auth + "Expect: " + "qx7" +
			"\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/9": "GET /livez HTTP/9.9\r\nHost: a\r\n\r\n",
	} {
		refused.Go(func() { // in parallel, because net/http waits before it closes
			status, body := h.raw(t, what, text, false)
			if status < 400 || status == http.StatusInternalServerError || strings.Contains(body, "Márta") ||
				innard([]byte(strings.ReplaceAll(body, "malformed HTTP", ""))) != "" {
				t.Errorf("%s: %d %.300q", what, status, body)
			}
		})
	}
	refused.Wait()
	// The client closes before it has sent as much as it announced. There is no caller left to answer, and the
	// server must not log an error.
	for what, head := range map[string]string{"push": "POST /sync/v1/push HTTP/1.1\r\nHost: a\r\n" + auth,
		"a team": "PUT /v1/teams/t HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + h.people["supervisor"].token + "\r\n",
		"an import": "POST /v1/imports/cases HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nAuthorization: Bearer " +
			h.people["supervisor"].token + "\r\n"} {
		status, body := h.raw(t, what, head+"Content-Length: 1000\r\n\r\n"+`{"a":`, true)
		if status != 0 && (status < 400 || status >= 500) {
			t.Errorf("%s cut short: %d %.300q", what, status, body)
		}
	}
	// Endless lists are refused at their limit.
	for _, o := range h.ops {
		if o.id != "push" && o.id != "createUser" {
			continue
		}
		q := h.good(o)
		q.body, q.header = nil, map[string]string{"Content-Type": "application/json"}
		q.in = &endless{text: []byte(`{"mutations":[{},`), rest: []byte("{},")}
		if r := h.send(t, "an endless list", q); r.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: an endless list: %d %s, want 413", o.id, r.status, r.code)
		}
	}
	// A device that repeats requests without a pause is refused, and the answer says how long to wait.
	q := request{method: "GET", path: "/sync/v1/manifest?type=assignments",
		as: h.signIn(t, "agent", userPassword, "looping-phone")}
	limited := false
	for range 3000 {
		if r := h.send(t, "a phone that loops", q); r.status == http.StatusTooManyRequests {
			limited = true
			break
		}
	}
	if !limited {
		t.Error("a phone that loops is never slowed down")
	}
	// So is a caller who guesses the passwords of one login.
	limited = false
	for range 12 {
		r := h.send(t, "a guesser",
			request{method: "POST", path: "/v1/sessions", body: []byte(`{"login":"guessed","password":"` + marker + `"}`)})
		limited = limited || r.status == http.StatusTooManyRequests && r.code == "auth.limited"
	}
	if !limited {
		t.Error("a guesser is never slowed down")
	}
}

// raw sends bytes and returns the answer's status (0 if there is no answer) and body. If cut is set, it closes
// its sending side afterwards.
func (h *hostile) raw(t *testing.T, what, text string, cut bool) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", h.Addr())
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return 0, ""
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		return 0, fmt.Sprint(err) // refused while the request was still being sent
	}
	if cut {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		if cut {
			return 0, ""
		}
		t.Errorf("%s: %v", what, err)
		return 400, ""
	}
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, string(body)
}

// endless is a body that never ends.
type endless struct{ text, rest []byte }

func (e *endless) Read(p []byte) (int, error) {
	if len(e.text) == 0 {
		e.text = e.rest
	}
	n := copy(p, e.text)
	e.text = e.text[n:]
	return n, nil
}
