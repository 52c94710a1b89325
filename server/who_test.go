package server

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"
)

// asker is somebody at whose door an agent stands, with a browser.
type asker struct {
	a *agency
	http.Client
}

// ask sends the form and gives the status and the page.
func (w *asker) ask(badge, code string) (int, string) {
	w.a.t.Helper()
	answer, err := w.PostForm(w.a.URL()+"/who", url.Values{"badge": {badge}, "code": {code}, "lang": {"en"}})
	ok(w.a.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	ok(w.a.t, err)
	if h := answer.Header; !strings.Contains(h.Get("Content-Security-Policy"), "style-src 'sha256-") ||
		h.Get("Cache-Control") != "no-store" || h.Get("X-Robots-Tag") == "" || h.Get("Set-Cookie") != "" {
		w.a.t.Errorf("the page has the headers %v", h)
	}
	return answer.StatusCode, string(text)
}

// TestWhoIsAtTheDoor asks about an agent as often as something about the agent changes.
func TestWhoIsAtTheDoor(t *testing.T) {
	a := newAgency(t, Config{Now: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)})
	jar, err := cookiejar.New(nil)
	ok(t, err)
	w := &asker{a, http.Client{Jar: jar}}
	ana, rui := a.agent("ana"), a.agent("rui")
	if got := code(t, ana.Do(a.ctx, http.MethodGet, "/v1/users/me/code", nil, nil)); got != "badge.none" {
		t.Errorf("an agent without a badge has a code: %q", got)
	}
	a.do(a.admin, http.MethodPatch, "/v1/users/ana", map[string]any{"badge_no": "B-17", "name": "Ana Maria Prata"}, nil)
	a.do(a.admin, http.MethodPatch, "/v1/users/rui", map[string]any{"badge_no": "B-18", "name": "Rui"}, nil)
	a.do(a.admin, http.MethodPut, "/v1/firm", map[string]any{"name": "Porta & Filhos", "phone": "+351 220 000 000",
		"register_url": "https://register.example/1"}, nil)
	var mine struct {
		Code  string
		Badge string `json:"badge_no"`
	}
	digits := func(c *play.Client) string {
		t.Helper()
		a.do(c, http.MethodGet, "/v1/users/me/code", nil, &mine)
		return mine.Code
	}
	const yes, notToday, no = "Yes, this person", "does not work today", "We cannot confirm"
	says := func(name, badge, code, want string) string {
		t.Helper()
		status, text := w.ask(badge, code)
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d, want %q: %s", name, status, want, text)
		}
		if strings.Contains(text, "Ana") == (want == no) || strings.Contains(text, "Prata") {
			t.Errorf("%s: the page names the agent wrongly: %s", name, text)
		}
		return text
	}
	says("an agent without a shift", "B-17", digits(ana), notToday)
	a.do(a.admin, http.MethodPut, "/v1/teams/t1", map[string]any{"branch": "porto", "agents": []string{"ana"}}, nil)
	a.do(a.admin, http.MethodPut, "/v1/teams/t1/shifts/2026-11-25", map[string]any{"branch": "porto", "from": "09:00",
		"to": "17:00"}, nil)
	text := says("an agent at work", "B-17", digits(ana), yes)
	for _, part := range []string{"Porta &amp; Filhos", "&#43;351 220 000 000", "https://register.example/1"} {
		if !strings.Contains(text, part) {
			t.Errorf("the page does not tell %s: %s", part, text)
		}
	}
	wrong := says("another agent's digits", "B-17", digits(rui), no)
	unknown := says("a badge that there is not", "B-99", digits(rui), no)
	if wrong != unknown {
		t.Error("a wrong code and an unknown badge are told apart")
	}
	if status, text := w.ask("B-17", "12345"); status != http.StatusUnprocessableEntity ||
		!strings.Contains(text, "Write all six digits") {
		t.Errorf("five digits: %d: %s", status, text)
	}
	was := digits(ana)
	a.do(a.admin, http.MethodDelete, "/v1/devices/phone-of-ana", nil, nil)
	says("an agent whose phone is blocked", "B-17", was, no)

	var checks struct {
		Items []struct{ Right, Works bool }
	}
	a.do(a.admin, http.MethodGet, "/v1/agents/ana/badge-checks", nil, &checks)
	if got := checks.Items; len(got) != 3 || got[0].Right || !got[1].Works || got[2].Works || !got[2].Right {
		t.Errorf("the checks of the agent are %+v", got)
	}
	status := 0
	for range 20 {
		if status, text = w.ask("B-18", "000000"); status != http.StatusOK {
			break
		}
	}
	if status != http.StatusTooManyRequests || !strings.Contains(text, "too many checks") {
		t.Errorf("after 20 guesses: %d: %s", status, text)
	}
}
