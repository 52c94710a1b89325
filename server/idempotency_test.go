package server

import (
	"context"
	"net/http"
	"testing"
	"time"

	"doorstep/server/play"
)

// A key of one user stands for one request in all branches and on all nodes; another user has keys of their own, and a
// request that was refused gives its key back.
func TestAKeyStandsForOneRequestInAllBranches(t *testing.T) {
	s := emptyStore(t)
	a := newAgency(t, Config{store: func(context.Context, *Config) (store, error) { return kept{s}, nil }})
	b := run(t, a.cfg)
	a.do(a.admin, http.MethodPost, "/v1/users", map[string]any{"id": "second", "login": "second", "role": "admin",
		"password": agentPassword, "keep_password": true}, nil)
	send := func(base, login, password, key, branch, date string) string {
		t.Helper()
		c := &play.Client{Base: base, HTTP: &http.Client{Transport: keyed{http.DefaultTransport, key}}}
		ok(t, c.SignIn(a.ctx, login, password, ""))
		return refused(c.Do(a.ctx, http.MethodPut, "/v1/branches/"+branch+"/closed-days/"+date,
			map[string]any{"reason": "training"}, nil))
	}
	const day = "2027-12-24"
	for i, c := range []struct{ base, login, password, key, branch, date, want string }{
		{a.URL(), "admin", adminPassword, "k1", "porto", day, ""},
		{b.URL(), "admin", adminPassword, "k1", "porto", day, ""}, // the same again
		{b.URL(), "admin", adminPassword, "k1", "faro", day, "409 command.reused"},
		{a.URL(), "admin", adminPassword, "k1", "porto", "2027-12-23", "409 command.reused"},
		{b.URL(), "second", agentPassword, "k1", "faro", day, ""},
		{a.URL(), "admin", adminPassword, "k2", "nowhere", day, "404 branch.not_found"},
		{b.URL(), "admin", adminPassword, "k2", "faro", "2027-12-22", ""},
	} {
		if got := send(c.base, c.login, c.password, c.key, c.branch, c.date); got != c.want {
			t.Errorf("request %d is answered %q, want %q", i, got, c.want)
		}
	}
}

// A key stands for one request: the same again has the answer of the first, and any other one is refused, whichever
// room decides it.
func TestAKeyStandsForOneRequest(t *testing.T) {
	ctx := context.Background()
	_, admin, _ := oneBranch(t, Config{Data: t.TempDir()})
	if got := imported(t, admin, "north", "L1 C1 D1"); got != "1 0 0" {
		t.Fatalf("imported %s", got)
	}
	ok(t, admin.Do(ctx, http.MethodPut, "/v1/teams/t1", map[string]any{"branch": "north", "agents": []string{"ann"}}, nil))
	days := []string{time.Now().AddDate(0, 0, 7).Format("2006-01-02"), time.Now().AddDate(0, 0, 8).Format("2006-01-02")}
	for _, day := range days {
		ok(t, admin.Do(ctx, http.MethodPut, "/v1/teams/t1/shifts/"+day,
			map[string]any{"branch": "north", "from": "09:00", "to": "17:00"}, nil))
	}
	keyedBy := func(key string) *play.Client {
		c := *admin
		c.HTTP = &http.Client{Transport: keyed{admin.HTTP.Transport, key}}
		return &c
	}
	var first, again struct {
		ID string `json:"id"`
	}
	one := keyedBy("one")
	ask := func(day string, seed int) map[string]any {
		return map[string]any{"branch": "north", "date": day, "time_limit_s": 1, "seed": seed}
	}
	ok(t, one.Do(ctx, http.MethodPost, "/v1/rounds", ask(days[0], 1), &first))
	ok(t, one.Do(ctx, http.MethodPost, "/v1/rounds", ask(days[0], 1), &again))
	if first.ID == "" || first.ID != again.ID {
		t.Errorf("the same request made the rounds %q and %q", first.ID, again.ID)
	}
	two := keyedBy("two")
	ok(t, two.Do(ctx, http.MethodPost, "/v1/cases/L1.C1/close", map[string]any{"reason": "recalled"}, nil))
	for what, err := range map[string]error{
		"a round of another day": one.Do(ctx, http.MethodPost, "/v1/rounds", ask(days[1], 1), nil),
		"another search":         one.Do(ctx, http.MethodPost, "/v1/rounds", ask(days[0], 2), nil),
		"to cancel the round":    one.Do(ctx, http.MethodPost, "/v1/rounds/"+first.ID+"/cancel", nil, nil),
		"to close the case": one.Do(ctx, http.MethodPost, "/v1/cases/L1.C1/close",
			map[string]any{"reason": "error"}, nil),
		"to reopen the case": two.Do(ctx, http.MethodPost, "/v1/cases/L1.C1/reopen", nil, nil),
	} {
		if got := refused(err); got != "409 command.reused" {
			t.Errorf("%s under a used key: %s", what, got)
		}
	}
}
