package server

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/play"
)

// eventsOf reads the data of a stream's pokes until the stream ends.
func eventsOf(t *testing.T, s *running, token, path string) <-chan string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+path, nil)
	ok(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(req)
	ok(t, err)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the stream answers %d", answer.StatusCode)
	}
	out := make(chan string, 100)
	go func() {
		defer close(out)
		defer func() { _ = answer.Body.Close() }()
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				out <- data
			}
		}
	}()
	return out
}

// A supervisor's stream says which lists changed, of their branch alone and nothing of persons, and ends when the user
// is out; what they read is in the access log of their branch, which tells no number and no name.
func TestASupervisorsStreamAndTheAccessLog(t *testing.T) {
	h := newHostile(t)
	ctx := context.Background()
	as := func(login, password string) *play.Client {
		t.Helper()
		c := &play.Client{Base: h.URL()}
		ok(t, c.SignIn(ctx, login, password, ""))
		return c
	}
	admin, boss, auditor := as("admin", adminPassword), as("supervisor", userPassword), as("auditor", userPassword)
	events := eventsOf(t, h.running, h.people[auth.RoleSupervisor].token, "/v1/stream")
	next := func() string {
		t.Helper()
		select {
		case data, open := <-events:
			if !open {
				return "end"
			}
			return data
		case <-time.After(time.Minute):
			t.Fatal("no poke within a minute")
			return ""
		}
	}
	if first := next(); !strings.Contains(first, `"changed":[]`) {
		t.Errorf("at first: %s", first)
	}
	const northern, southern = "LND-north.CASE-north-1", "LND-south.CASE-south-1"
	ok(t, admin.Do(ctx, "POST", "/v1/cases/"+southern+"/holds", map[string]any{"kind": "stop"}, nil))
	ok(t, boss.Do(ctx, "POST", "/v1/cases/"+northern+"/holds", map[string]any{"kind": "stop"}, nil))
	poke := next()
	var news struct {
		Entry   uint64
		Changed []string
		Rounds  []string
	}
	ok(t, json.Unmarshal([]byte(poke), &news))
	if strings.Join(news.Changed, " ") != "cases inbox" || strings.Contains(poke, "CASE") {
		t.Errorf("after a hold: %s", poke)
	}

	ok(t, boss.Do(ctx, "GET", "/v1/cases/"+northern, nil, nil))
	ok(t, boss.Do(ctx, "POST", "/v1/cases/search", map[string]any{"phone": "+351912010077", "limit": 2}, nil))
	ok(t, admin.Do(ctx, "GET", "/v1/cases/"+southern, nil, nil))
	ok(t, admin.Send(ctx, "POST", "/v1/imports/payments?branch=north", "text/csv", strings.NewReader(
		"payment_ref,case_ref,lender,paid_at,amount_minor,currency\nP1,CASE-north-1,LND-north,2026-11-01,1,EUR\n"), nil))
	ok(t, admin.Do(ctx, "GET", "/v1/outcomes?lender=LND-north", nil, io.Discard))
	if err := boss.Do(ctx, "GET", "/v1/cases/"+southern, nil, nil); err == nil {
		t.Error("a case of another branch is shown")
	}
	var read struct {
		Items []struct {
			User, Role, What, Case string
			By                     []string
		}
	}
	ok(t, auditor.Do(ctx, "GET", "/v1/audit/access", nil, &read))
	got := ""
	for _, x := range read.Items {
		got += strings.TrimSpace(x.User+" "+x.What+" "+x.Case+" "+strings.Join(x.By, ",")) + "\n"
	}
	want := "admin export.outcomes LND-north.CASE-north-1\nsupervisor case.search LND-north.CASE-north-2 phone\nsupervisor case.search LND-north.CASE-north-1 phone\n" +
		"supervisor case.read LND-north.CASE-north-1\n"
	if got != want {
		t.Errorf("the access log:\n%swant\n%s", got, want)
	}
	if err := auditor.Do(ctx, "GET", "/v1/audit/access?branch=south", nil, nil); err == nil {
		t.Error("an auditor reads another branch's access log")
	}

	ok(t, admin.Do(ctx, "PATCH", "/v1/users/supervisor", map[string]any{"disabled": true}, nil))
	for next() != "end" { // pokes of before may still come
	}
}
